//! A simulated Salesforce, and how a test sets it up. Included by the tests of the config-service too.

use std::{net::SocketAddr, time::Duration};

use salesforce::{Endpoint, Http};
use salesforce_simulator::{Settings, Simulator};
use serde_json::{Value, json};
use service::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The host of [`Salesforce::create_acme`].
pub(crate) const ACME: &str = "acme.my.salesforce.com";

/// A running simulator.
pub(crate) struct Salesforce {
    simulator: Simulator,
    address: SocketAddr,
}

impl Salesforce {
    /// Starts a simulator without orgs.
    pub(crate) async fn start(clock: Clock) -> Self {
        let simulator = Simulator::start(Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            clock: salesforce_simulator::Clock::new(move || clock.now()),
            sample_org: false,
        })
        .await
        .unwrap();
        Self {
            address: simulator.address(),
            simulator,
        }
    }

    /// Returns a client of this Salesforce.
    pub(crate) fn http(&self) -> Http {
        let url = format!("http://{}", self.address).parse().unwrap();
        Http::new(Endpoint::Simulator(url), Duration::from_secs(10)).unwrap()
    }

    /// Creates an org: `options` over one app, `app` with the secret `app-secret`, which runs as the only user.
    /// Returns the org's id.
    pub(crate) async fn create_org(&self, host: &str, options: Value) -> String {
        let mut org = json!({
            "host": host,
            "name": "Acme",
            "apps": [{"client_id": "app", "client_secret": "app-secret", "run_as": "svc@acme.example"}],
            "users": [{"username": "svc@acme.example", "password": "pass-word", "security_token": "SecTok1"}],
        });
        for (name, value) in options.as_object().unwrap() {
            org[name] = value.clone();
        }
        let created = self.admin("POST", "/orgs", org).await;
        created["org_id"].as_str().unwrap().to_owned()
    }

    /// Creates the org at [`ACME`] with nothing special; returns its id.
    pub(crate) async fn create_acme(&self) -> String {
        self.create_org(ACME, json!({})).await
    }

    /// Returns how many logins an org was asked for.
    pub(crate) async fn token_requests(&self, host: &str) -> u64 {
        let counters = self
            .admin("GET", &format!("/orgs/{host}/counters"), Value::Null)
            .await;
        counters["token_requests"].as_u64().unwrap()
    }

    /// Sends a request to the simulator itself, which must succeed; the path is below `/simulator`.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = format!(
            "{method} /simulator{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n\
             {body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Stops it: from here on nobody answers at its address.
    pub(crate) async fn stop(self) {
        self.simulator.stop().await;
    }
}
