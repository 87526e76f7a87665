//! Profiles of the people in an org, with what Salesforce must hold after them, known by construction.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    installation::Counts,
    simulator::{Org, Record, SEGMENT_FIELDS},
};

/// Fields that the updates write.
const WRITTEN_FIELDS: [&str; 6] = [
    "LastName",
    "FirstName",
    "Email",
    SEGMENT_FIELDS[0],
    SEGMENT_FIELDS[1],
    SEGMENT_FIELDS[2],
];
const SEGMENTS: [&str; 3] = ["crm-2", "vip", "newsletter"];
const STATUSES: [&str; 3] = ["realized", "existing", "exited"];
/// Every so many updates are of somebody whom Salesforce does not know: refused for good.
const UNKNOWN_EVERY: usize = 97;
/// Every so many updates have no Salesforce id: excluded.
const WITHOUT_ID_EVERY: usize = 101;

/// Updates, in which everybody comes again and again with rising times, and what must come of them.
pub struct Profiles {
    /// One document each.
    pub lines: Vec<String>,
    pub counts: Counts,
    contacts: BTreeMap<String, BTreeMap<&'static str, Value>>,
}

impl Profiles {
    /// Makes so many people in the org and so many updates of them.
    pub async fn create(org: &Org, people: usize, updates: usize) -> anyhow::Result<Self> {
        let before = json!({"LastName": "Before", "FirstName": "Before"});
        let ids = org.create_contacts(&vec![before; people]).await?;
        let first = BTreeMap::from([("LastName", json!("Before")), ("FirstName", json!("Before"))]);
        let mut profiles = Self {
            lines: Vec::with_capacity(updates),
            counts: Counts {
                received: i64::try_from(updates)?,
                ..Counts::default()
            },
            contacts: ids.iter().map(|id| (id.clone(), first.clone())).collect(),
        };
        for number in 1..=updates {
            // A prime, so that the same people do not always follow each other.
            profiles.add(number, &ids[number * 7_919 % people]);
        }
        Ok(profiles)
    }

    fn add(&mut self, number: usize, id: &str) {
        let mut fields: BTreeMap<&'static str, Value> = BTreeMap::new();
        let mut document = json!({
            "identityMap": {"crmID": [{"id": id}]},
            "person": {"name": {"lastName": format!("Last {number}")}},
            "_sluice": {"updateId": format!("u-{number}"), "eventTime": event_time(number)},
        });
        fields.insert("LastName", document["person"]["name"]["lastName"].clone());
        // What is absent leaves the field; what is null blanks it.
        if number.is_multiple_of(3) {
            let first_name = match number % 5 {
                0 => Value::Null,
                _ => json!(format!("First {number}")),
            };
            document["person"]["name"]["firstName"] = first_name.clone();
            fields.insert("FirstName", first_name);
        }
        if number.is_multiple_of(2) {
            let email = json!(format!("u{number}@example.org"));
            document["personalEmail"] = json!({"address": email});
            fields.insert("Email", email);
        }
        for (index, (segment, field)) in SEGMENTS.into_iter().zip(SEGMENT_FIELDS).enumerate() {
            if (number + index).is_multiple_of(index + 2) {
                let status = STATUSES[(number / 2 + index) % STATUSES.len()];
                document["segmentMembership"]["ups"][segment] = json!({"status": status});
                fields.insert(field, json!(status));
            }
        }
        if number.is_multiple_of(UNKNOWN_EVERY) {
            // Of the form of an id, with a number that no org reaches.
            document["identityMap"]["crmID"][0]["id"] = json!(format!("0035g00009{number:05}"));
            self.counts.failed += 1;
        } else if number.is_multiple_of(WITHOUT_ID_EVERY) {
            document["identityMap"] = json!({"Email": [{"id": format!("u{number}@example.org")}]});
            self.counts.excluded += 1;
        } else {
            self.counts.delivered += 1;
            if let Some(contact) = self.contacts.get_mut(id) {
                contact.extend(fields);
            }
        }
        self.lines.push(document.to_string());
    }

    /// Returns a line for each field of a Contact that is not as it must be; at most so many.
    pub fn differences(&self, found: &BTreeMap<String, Record>, most: usize) -> Vec<String> {
        let mut differences = Vec::new();
        for (id, expected) in &self.contacts {
            for field in WRITTEN_FIELDS {
                let expected = expected.get(field).unwrap_or(&Value::Null);
                let found = found
                    .get(id)
                    .and_then(|record| record.get(field))
                    .unwrap_or(&Value::Null);
                if expected != found {
                    differences.push(format!("{id} {field}: expected {expected}, found {found}"));
                }
            }
        }
        if found.len() != self.contacts.len() {
            differences.push(format!(
                "{} Contacts, expected {}",
                found.len(),
                self.contacts.len()
            ));
        }
        differences.truncate(most);
        differences
    }
}

/// One second after the other, long ago, so that no clock has a say.
fn event_time(number: usize) -> String {
    let (hour, minute, second) = (number / 3_600, number / 60 % 60, number % 60);
    format!("2026-01-05T{hour:02}:{minute:02}:{second:02}Z")
}
