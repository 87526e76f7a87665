//! The demo's org in the simulator, spoken to over its admin surface.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context;
use oracle::Records;
use serde_json::{Value, json};

use super::profiles::Scenario;

pub(super) const HOST: &str = "demo-dev-ed.develop.my.salesforce.com";
pub(super) const CLIENT_ID: &str = "sluice-demo-client";
pub(super) const CLIENT_SECRET: &str = "sluice-demo-secret";

/// Fields that the demo writes, and one that it must leave alone.
const COMPARED_FIELDS: [&str; 5] = ["LastName", "FirstName", "Email", "Company", "Title"];

pub(super) struct SimulatedOrg {
    http: reqwest::Client,
    base: String,
}

impl SimulatedOrg {
    /// Makes the org with the scenario's fields and records.
    pub(super) async fn create(address: SocketAddr, scenario: &Scenario) -> anyhow::Result<Self> {
        let org = Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base: format!("http://{address}/simulator/orgs"),
        };
        let body = json!({
            "host": HOST,
            "name": "Sluice Demo",
            "type": "Developer Edition",
            "apps": [{"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "run_as": "sluice@demo.example"}],
            "history": false,
        });
        org.post("", &body).await?;
        for destination in &scenario.destinations {
            for (_, field) in &destination.segments {
                let body = json!({
                    "object": destination.object, "name": field, "label": field.trim_end_matches("__c"),
                    "type": "textarea", "length": 32_768,
                });
                org.post(&format!("/{HOST}/fields"), &body).await?;
            }
        }
        for (object, records) in &scenario.seeded {
            let body: Vec<Value> = records
                .iter()
                .map(|(id, fields)| {
                    let mut record = json!(fields);
                    record["Id"] = json!(id);
                    record
                })
                .collect();
            org.post(&format!("/{HOST}/records/{object}"), &Value::from(body))
                .await?;
        }
        Ok(org)
    }

    /// Reads what the org holds, as far as the demo has to do with it.
    pub(super) async fn records(&self, scenario: &Scenario) -> anyhow::Result<BTreeMap<String, Records>> {
        let mut all = BTreeMap::new();
        for destination in &scenario.destinations {
            let is_compared = |field: &str| {
                COMPARED_FIELDS.contains(&field) || destination.segments.iter().any(|(_, name)| name == field)
            };
            let rows = self
                .get(&format!("/{HOST}/records/{}", destination.object))
                .await?;
            let rows: Vec<BTreeMap<String, Value>> =
                serde_json::from_value(rows).context("the simulator's records cannot be read")?;
            let records: Records = rows
                .into_iter()
                .filter_map(|mut row| {
                    let id = row.remove("Id")?.as_str()?.to_owned();
                    row.retain(|field, _| is_compared(field));
                    Some((id, row))
                })
                .collect();
            all.insert(destination.object.clone(), records);
        }
        Ok(all)
    }

    /// Reads the simulator's counters.
    pub(super) async fn counters(&self) -> anyhow::Result<Value> {
        self.get(&format!("/{HOST}/counters")).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator's admin surface, not Salesforce"
    )]
    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let answer = self
            .http
            .post(format!("{}{path}", self.base))
            .json(body)
            .send()
            .await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        anyhow::bail!(
            "the simulator refused {path}: {status} {}",
            answer.text().await.unwrap_or_default()
        )
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator's admin surface, not Salesforce"
    )]
    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}
