//! Preflight: what is found before profiles flow.

mod check;
mod recurring;
mod rehearsal;
mod samples;
mod send_one;
mod target_fields;

use contracts::config::v1::{
    CheckDestinationRequest, DestinationCheck, DryRunRequest, DryRunResponse, Finding, RehearseRequest,
    RehearseResponse, SampleProfile, SampleRecord, SendOneRequest, SendOneResponse, Severity,
    sample_identity, sample_profile::Sample,
};
use serde_json::{Value, json};
use tonic::Status;

use crate::{
    rig::{CONTACTS, Rig},
    simulated::ACME,
};

impl Rig {
    async fn check_destination(&self, name: &str, sample_record_ids: &[&str]) -> DestinationCheck {
        let request = CheckDestinationRequest {
            name: name.to_owned(),
            sample_record_ids: sample_record_ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let answer = self.preflight.clone().check_destination(request).await.unwrap();
        answer.into_inner().check.unwrap()
    }

    async fn dry_run(&self, samples: &[Value]) -> Result<DryRunResponse, Status> {
        let request = DryRunRequest {
            name: CONTACTS.to_owned(),
            samples: samples.iter().map(sample).collect(),
        };
        Ok(self.preflight.clone().dry_run(request).await?.into_inner())
    }

    async fn rehearse(&self, name: &str, samples: &[Value]) -> Result<RehearseResponse, Status> {
        let request = RehearseRequest {
            name: name.to_owned(),
            samples: samples.iter().map(sample).collect(),
        };
        Ok(self.preflight.clone().rehearse(request).await?.into_inner())
    }

    async fn send_one(&self, name: &str, document: &Value) -> Result<SendOneResponse, Status> {
        let request = SendOneRequest {
            name: name.to_owned(),
            sample: Some(sample(document)),
        };
        Ok(self.preflight.clone().send_one(request).await?.into_inner())
    }

    /// Stores records in [`ACME`]; returns their ids.
    async fn seed(&self, object: &str, records: Value) -> Vec<String> {
        let path = format!("/orgs/{ACME}/records/{object}");
        let ids = self.salesforce.admin("POST", &path, records).await;
        serde_json::from_value(ids).unwrap()
    }

    /// Returns what a Contact of [`ACME`] holds.
    async fn contact(&self, id: &str) -> Value {
        let path = format!("/orgs/{ACME}/records/Contact/{id}");
        self.salesforce.admin("GET", &path, Value::Null).await
    }

    /// Adds a field to the Contacts of [`ACME`], a text one unless `field` says otherwise.
    async fn add_field(&self, name: &str, field: Value) {
        let mut body = json!({"object": "Contact", "name": name, "type": "string"});
        for (key, value) in field.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.salesforce
            .admin("POST", &format!("/orgs/{ACME}/fields"), body)
            .await;
    }

    /// Returns every write that [`ACME`] was asked for: object, id and whether it was made.
    async fn writes(&self) -> Vec<(String, bool)> {
        let path = format!("/orgs/{ACME}/history?after=0");
        let history = self.salesforce.admin("GET", &path, Value::Null).await;
        history
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let id = entry["id"].as_str().unwrap_or_default().to_owned();
                (id, entry["success"].as_bool().unwrap())
            })
            .collect()
    }
}

fn sample(document: &Value) -> SampleProfile {
    SampleProfile {
        sample: Some(Sample::Document(document.to_string())),
    }
}

/// Returns a profile with this id and these attributes, in the segment of the draft.
fn profile(id: &str, attributes: &Value) -> Value {
    let mut document = json!({
        "identityMap": {"crmID": [{"id": id}]},
        "segmentMembership": {"ups": {"vip-people": {"status": "realized"}}},
        "person": {"name": {"lastName": "Okafor"}},
    });
    for (key, value) in attributes.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

/// Returns severity, code and path of each finding.
fn told(findings: &[Finding]) -> Vec<(Severity, &str, &str)> {
    findings
        .iter()
        .map(|finding| (finding.severity(), finding.code.as_str(), finding.field.as_str()))
        .collect()
}

/// Returns the record that the first identity of a sample becomes.
fn record_of(result: &sample_identity::Result) -> &SampleRecord {
    match result {
        sample_identity::Result::Record(record) => record,
        other => panic!("{other:?}"),
    }
}
