//! The simulated Salesforce, and its admin surface.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::processes::{Running, sluice};

/// Host of the org that `sluice simulator` has from the start.
const SAMPLE_HOST: &str = "acme.my.salesforce.com";
/// Of the sample org, and of every org made here.
pub const CLIENT_ID: &str = "sluice-sample-client";
pub const CLIENT_SECRET: &str = "sluice-sample-secret";
/// Custom fields of Contact for segments: those of the sample org, and of every org made here.
pub const SEGMENT_FIELDS: [&str; 3] = ["crm_2_seg__c", "vip_customers__c", "newsletter__c"];

/// Fields by name; what is empty is left out.
pub type Record = Map<String, Value>;

/// A running `sluice simulator`.
#[derive(Debug)]
pub struct Simulator {
    url: String,
    http: reqwest::Client,
    _process: Running,
}

/// One org of a simulator.
#[derive(Debug, Clone)]
pub struct Org {
    /// `acme` of `acme.my.salesforce.com`.
    pub domain: String,
    /// Of the org's admin surface.
    url: String,
    http: reqwest::Client,
}

impl Simulator {
    /// Starts one on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let mut process = Running::start("sluice simulator", &mut sluice("simulator --listen 127.0.0.1:0")?)?;
        let line = process.line_with("http://").await?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .with_context(|| format!("no address in '{line}'"))?;
        Ok(Self {
            url: url.to_owned(),
            http: reqwest::Client::builder().no_proxy().build()?,
            _process: process,
        })
    }

    /// Returns where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the sample org.
    pub fn sample_org(&self) -> Org {
        self.org(SAMPLE_HOST)
    }

    /// Creates an org like the sample one, without records, whose answers take so long.
    pub async fn create_org(&self, domain: &str, latency_ms: u64) -> anyhow::Result<Org> {
        let org = self.org(&format!("{domain}.my.salesforce.com"));
        let body = json!({
            "host": format!("{domain}.my.salesforce.com"),
            "apps": [{"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "run_as": "sluice@acme.example"}],
            "latency_ms": latency_ms,
            "history": false,
        });
        call(
            &self.http,
            Method::POST,
            &format!("{}/simulator/orgs", self.url),
            &body,
        )
        .await?;
        for name in SEGMENT_FIELDS {
            let field = json!({"object": "Contact", "name": name, "type": "textarea", "length": 32_768});
            org.post("fields", &field).await?;
        }
        Ok(org)
    }

    fn org(&self, host: &str) -> Org {
        Org {
            domain: host.split('.').next().unwrap_or(host).to_owned(),
            url: format!("{}/simulator/orgs/{host}", self.url),
            http: self.http.clone(),
        }
    }
}

impl Org {
    /// Stores Contacts as given, and returns their ids in the same order.
    pub async fn create_contacts(&self, contacts: &[Value]) -> anyhow::Result<Vec<String>> {
        self.create("Contact", contacts).await
    }

    /// Stores records of an object as given, and returns their ids in the same order.
    pub async fn create(&self, object: &str, records: &[Value]) -> anyhow::Result<Vec<String>> {
        let ids = self.post(&format!("records/{object}"), &json!(records)).await?;
        serde_json::from_value(ids).context("the simulator's ids cannot be read")
    }

    /// Adds a field, or replaces the one of that name.
    pub async fn create_field(&self, field: &Value) -> anyhow::Result<()> {
        self.post("fields", field).await.map(drop)
    }

    /// Returns every Contact by its id.
    pub async fn contacts(&self) -> anyhow::Result<BTreeMap<String, Record>> {
        let rows: Vec<Record> = serde_json::from_value(self.get("records/Contact").await?)
            .context("the simulator's records cannot be read")?;
        rows.into_iter()
            .map(|row| {
                let id = row
                    .get("Id")
                    .and_then(Value::as_str)
                    .context("a Contact has no id")?;
                Ok((id.to_owned(), row))
            })
            .collect()
    }

    /// Returns one Contact.
    pub async fn contact(&self, id: &str) -> anyhow::Result<Record> {
        self.record("Contact", id).await
    }

    /// Returns one record of an object.
    pub async fn record(&self, object: &str, id: &str) -> anyhow::Result<Record> {
        serde_json::from_value(self.get(&format!("records/{object}/{id}")).await?)
            .context("the simulator's record cannot be read")
    }

    /// Returns how often something happened.
    pub async fn counter(&self, name: &str) -> anyhow::Result<u64> {
        let counters = self.get("counters").await?;
        counters[name]
            .as_u64()
            .with_context(|| format!("there is no counter {name}"))
    }

    /// Lets the next requests go wrong, as scripted.
    pub async fn add_faults(&self, faults: &Value) -> anyhow::Result<()> {
        self.post("faults", faults).await.map(drop)
    }

    /// Lets nothing go wrong any more.
    pub async fn clear_faults(&self) -> anyhow::Result<()> {
        self.call(Method::DELETE, "faults", &Value::Null).await.map(drop)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, body).await
    }

    /// Calls the org's admin surface; null is no body.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        call(&self.http, method, &format!("{}/{path}", self.url), body).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's admin surface, not Salesforce"
)]
async fn call(http: &reqwest::Client, method: Method, url: &str, body: &Value) -> anyhow::Result<Value> {
    let mut request = http.request(method, url);
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(
        status.is_success(),
        "the simulator answered {url} with {status}: {text}"
    );
    Ok(serde_json::from_str(&text)?)
}
