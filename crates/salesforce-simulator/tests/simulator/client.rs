//! A tiny HTTP/1.1 client and a started simulator: no code shared with any client of the workspace.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};

use chrono::{DateTime, TimeDelta, Utc};
use salesforce_simulator::{Clock, Settings, Simulator, record_id};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) const HOST: &str = "acme.my.salesforce.com";

/// A clock that only moves when told to.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

/// Keeps paused time where it is, so that it moves by [`tokio::time::advance`] only, until dropped.
pub(crate) struct StandingTime {
    _release: Sender<()>,
}

/// A running simulator and how to reach it.
pub(crate) struct Rig {
    pub simulator: Simulator,
    pub clock: TestClock,
    pub client: Client,
}

/// Talks to one host of a simulator.
#[derive(Clone)]
pub(crate) struct Client {
    pub address: SocketAddr,
    pub host: String,
    pub token: String,
}

/// One answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl TestClock {
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::new(move || DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap())
    }
}

impl StandingTime {
    /// Pausing alone is not enough: tokio then moves time whenever it waits for a socket, but not while a
    /// blocking task runs. The time must be paused from the start, since timers round up to milliseconds.
    pub(crate) fn begin() -> Self {
        let (release, released) = channel::<()>();
        tokio::task::spawn_blocking(move || released.recv());
        Self { _release: release }
    }
}

impl Rig {
    /// Starts a simulator without orgs. The clock stands at 2026-11-20 09:15:00.123 UTC.
    pub(crate) async fn empty() -> Self {
        let start: DateTime<Utc> = "2026-11-20T09:15:00.123Z".parse().unwrap();
        let clock = TestClock(Arc::new(AtomicI64::new(start.timestamp_millis())));
        let settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            clock: clock.clock(),
            sample_org: false,
        };
        let simulator = Simulator::start(settings).await.unwrap();
        let client = Client {
            address: simulator.address(),
            host: HOST.to_owned(),
            token: String::new(),
        };
        Self {
            simulator,
            clock,
            client,
        }
    }

    /// Starts a simulator with one org, [`HOST`], and a session in it. `options` are added to its defaults.
    pub(crate) async fn with_org(options: Value) -> Self {
        let mut rig = Self::empty().await;
        let mut org = json!({
            "host": HOST,
            "name": "Acme",
            "usage_header": "exact",
            "apps": [{"client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example"}],
            "users": [{"username": "svc@acme.example", "password": "pw", "security_token": "Tok1"}],
        });
        for (name, value) in options.as_object().unwrap() {
            org[name] = value.clone();
        }
        let created = rig.client.admin("POST", "/orgs", &org).await;
        assert_eq!(created.status, 201, "{created:?}");
        rig.client.token = rig.client.log_in().await;
        rig
    }
}

impl Client {
    /// Returns a new access token by client credentials.
    pub(crate) async fn log_in(&self) -> String {
        let answer = self
            .form("grant_type=client_credentials&client_id=app&client_secret=secret")
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a token request.
    pub(crate) async fn form(&self, form: &str) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.exchange("POST", "/services/oauth2/token", &headers, form)
            .await
            .unwrap()
    }

    /// Sends a REST request with the session; the path is relative to `/services/data/v67.0`.
    pub(crate) async fn rest(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.try_rest(method, path, body).await.unwrap()
    }

    pub(crate) async fn try_rest(&self, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.exchange(method, &format!("/services/data/v67.0{path}"), &headers, &body)
            .await
    }

    /// Sends a REST request whose body is not JSON; the path is relative to `/services/data/v67.0`.
    pub(crate) async fn send(&self, method: &str, path: &str, content_type: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", content_type),
        ];
        self.exchange(method, &format!("/services/data/v67.0{path}"), &headers, body)
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.rest("GET", path, &Value::Null).await
    }

    /// Sends records of one object to `POST` or `PATCH` `/composite/sobjects{suffix}`, and returns the
    /// elements.
    pub(crate) async fn write(&self, method: &str, suffix: &str, object: &str, records: &Value) -> Value {
        let answer = self
            .rest(
                method,
                &format!("/composite/sobjects{suffix}"),
                &body(object, records),
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Sends an admin request; the path is relative to `/simulator`.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.exchange(method, &format!("/simulator{path}"), &[], &body)
            .await
            .unwrap()
    }

    /// Sends an admin request about this client's org and expects success.
    pub(crate) async fn org(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self
            .admin(method, &format!("/orgs/{}{path}", self.host), &body)
            .await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        answer.json()
    }

    pub(crate) async fn counter(&self, name: &str) -> u64 {
        self.org("GET", "/counters", Value::Null).await[name]
            .as_u64()
            .unwrap()
    }

    /// Asks until a counter has reached a number; what bounds this is the test runner.
    pub(crate) async fn until_counter(&self, name: &str, reached: u64) {
        while self.counter(name).await < reached {
            tokio::task::yield_now().await;
        }
    }

    /// Asks until every scripted fault has found its request.
    pub(crate) async fn until_faults_are_used_up(&self) {
        let none = json!([]);
        while self.org("GET", "/faults", Value::Null).await != none {
            tokio::task::yield_now().await;
        }
    }

    /// Begins an update of Contacts, each an id number and its fields, which goes on in a task of its own.
    pub(crate) fn begin_update(&self, contacts: &[(u64, Value)]) -> JoinHandle<io::Result<Answer>> {
        let records: Vec<Value> = contacts
            .iter()
            .map(|(number, fields)| {
                let mut record = fields.clone();
                record["id"] = json!(record_id("003", *number));
                record
            })
            .collect();
        let sent = body("Contact", &Value::Array(records));
        let client = self.clone();
        tokio::spawn(async move { client.try_rest("PATCH", "/composite/sobjects", &sent).await })
    }

    /// Sends one request on a connection of its own and reads to its end.
    pub(crate) async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.host
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await?;
        Answer::read(&received).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Answer {
    /// Reads a whole answer; none if it was cut off.
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let answer = Self {
            status,
            headers,
            text: body.to_owned(),
        };
        let length: usize = answer.header("content-length").unwrap_or("0").parse().ok()?;
        (body.len() >= length || status == 304).then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Returns the body of a collections request whose records are all of one type.
pub(crate) fn body(object: &str, records: &Value) -> Value {
    let records: Vec<Value> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let mut typed = json!({"attributes": {"type": object}});
            for (name, value) in record.as_object().unwrap() {
                typed[name] = value.clone();
            }
            typed
        })
        .collect();
    json!({"allOrNone": false, "records": records})
}

/// Returns the array form of an error.
pub(crate) fn call_error(error_code: &str, message: &str) -> Value {
    json!([{"message": message, "errorCode": error_code}])
}

/// Returns a refused element of a create or update.
pub(crate) fn refused(status_code: &str, message: &str, fields: &[&str]) -> Value {
    json!({"success": false, "errors": [{"statusCode": status_code, "message": message, "fields": fields}]})
}

/// Returns a written element of a create or update.
pub(crate) fn written(id: &str) -> Value {
    json!({"id": id, "success": true, "errors": []})
}

impl Client {
    /// Sends a REST request with the session and more headers.
    pub(crate) async fn rest_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        all.extend_from_slice(headers);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.exchange(method, &format!("/services/data/v67.0{path}"), &all, &body)
            .await
            .unwrap()
    }

    /// Stores records past every rule and returns their ids.
    pub(crate) async fn seed(&self, object: &str, records: Value) -> Vec<String> {
        let ids = self.org("POST", &format!("/records/{object}"), records).await;
        ids.as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns what a record holds.
    pub(crate) async fn stored(&self, object: &str, id: &str) -> Value {
        self.org("GET", &format!("/records/{object}/{id}"), Value::Null)
            .await
    }
}
