//! A simulated org, and raw requests to it: the tables hold what a good client
//! never sends.

use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::{HeaderMap, Method, StatusCode};
use salesforce::{
    Endpoint, Host, Http, Session,
    collections::{self, Operation, Options, Record, RecordResult, WriteOutcome},
    oauth::{Grant, request_token},
    refusal::{RecordRefusal, Refusal},
};
use salesforce_simulator::{Clock, Settings, Simulator};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const HOST: &str = "acme.my.salesforce.com";
pub(crate) const USER: &str = "svc@acme.example";

pub(crate) struct Org {
    pub(crate) http: Http,
    pub(crate) session: Session,
    url: String,
    client: reqwest::Client,
    _simulator: Simulator,
}

/// One raw answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Org {
    /// Starts a simulator with one org that has `options` beside the usual.
    pub(crate) async fn start(options: Value) -> Self {
        let start = DateTime::from_timestamp_secs(1_763_900_000).unwrap();
        let simulator = Simulator::start(Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            clock: Clock::new(move || start),
            sample_org: false,
        })
        .await
        .unwrap();
        let url = format!("http://{}", simulator.address());
        let http = Http::new(Endpoint::Simulator(url.parse().unwrap()), Duration::from_secs(20)).unwrap();
        let client = reqwest::Client::new();
        let mut org = json!({
            "host": HOST,
            "apps": [{"client_id": "app", "client_secret": "secret", "run_as": USER}],
            "users": [{"username": USER, "password": "p"}, {"username": "gone@acme.example", "active": false}],
        });
        for (name, value) in options.as_object().cloned().unwrap_or_default() {
            org[name.as_str()] = value;
        }
        admin(&client, &url, "POST", "orgs", &org).await;
        let host = Host::login(HOST).unwrap();
        let grant = Grant::ClientCredentials {
            client_id: "app".to_owned(),
            client_secret: "secret".into(),
        };
        let token = request_token(&http, &host, &grant, start).await.unwrap();
        let org = Self {
            http,
            session: token.session,
            url,
            client,
            _simulator: simulator,
        };
        for field in [
            json!({"object": "Contact", "name": "Key__c", "label": "Key", "type": "string", "length": 40,
                "external_id": true, "unique": true}),
            json!({"object": "Contact", "name": "Loose__c", "label": "Loose", "type": "string", "length": 40,
                "external_id": true}),
            json!({"object": "Contact", "name": "Score__c", "label": "Score", "type": "double", "precision": 5,
                "scale": 2}),
            json!({"object": "Contact", "name": "Tier__c", "label": "Tier", "type": "picklist",
                "picklist_values": ["gold"], "restricted": true}),
        ] {
            org.admin("POST", "fields", field).await;
        }
        org
    }

    /// Calls the org's part of the simulator's own surface.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        admin(
            &self.client,
            &self.url,
            method,
            &format!("orgs/{HOST}/{path}"),
            &body,
        )
        .await
    }

    /// Stores a record past every rule and returns its id.
    pub(crate) async fn seed(&self, object: &str, fields: Value) -> String {
        let ids = self
            .admin("POST", &format!("records/{object}"), json!([fields]))
            .await;
        ids[0].as_str().unwrap().to_owned()
    }

    /// Lets the next request of a kind go wrong.
    pub(crate) async fn script(&self, on: &str, action: Value) {
        self.admin("POST", "faults", json!([{"on": on, "do": action}]))
            .await;
    }

    /// Sends a request as it is, below `/services/data/v67.0`.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send_with(method, &format!("/services/data/v67.0{path}"), body, &[])
            .await
    }

    /// Sends a request as it is, with headers in place of the usual ones.
    #[expect(clippy::disallowed_methods, reason = "what our client never sends")]
    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let token = format!("Bearer {}", self.session.access_token.expose_secret());
        let mut all = HeaderMap::new();
        for (name, value) in [
            ("Host", HOST),
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ]
        .iter()
        .chain(headers)
        {
            all.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let answer = self
            .client
            .request(method, format!("{}{path}", self.url))
            .headers(all)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        Answer {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.unwrap(),
        }
    }

    /// Writes one Contact and returns how that ended.
    pub(crate) async fn write(
        &self,
        operation: &Operation,
        key: Option<&str>,
        fields: Value,
    ) -> WriteOutcome {
        self.write_all(operation, &[(key, fields)]).await
    }

    pub(crate) async fn write_all(
        &self,
        operation: &Operation,
        records: &[(Option<&str>, Value)],
    ) -> WriteOutcome {
        self.write_object("Contact", operation, records, &Options::default())
            .await
    }

    pub(crate) async fn write_object(
        &self,
        object: &str,
        operation: &Operation,
        records: &[(Option<&str>, Value)],
        options: &Options,
    ) -> WriteOutcome {
        let records: Vec<Record> = records
            .iter()
            .map(|(key, fields)| Record {
                key: key.map(str::to_owned),
                fields: fields
                    .as_object()
                    .cloned()
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
            })
            .collect();
        collections::write(&self.http, &self.session, object, operation, &records, options).await
    }
}

impl Answer {
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::read(self.status, &self.headers, &self.body)
    }
}

/// Returns the refusal of the only record.
pub(crate) fn refused(outcome: WriteOutcome) -> RecordRefusal {
    match results(outcome).remove(0) {
        RecordResult::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn results(outcome: WriteOutcome) -> Vec<RecordResult> {
    match outcome {
        WriteOutcome::Answered(answered) => answered.value,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn upsert(key_field: &str) -> Operation {
    Operation::Upsert {
        key_field: key_field.to_owned(),
        update_only: false,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's own surface is no part of Salesforce"
)]
async fn admin(client: &reqwest::Client, url: &str, method: &str, path: &str, body: &Value) -> Value {
    let answer = client
        .request(method.parse().unwrap(), format!("{url}/simulator/{path}"))
        .json(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}
