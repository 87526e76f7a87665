//! What a collections call carries.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{MAX_RECORDS_PER_CALL, WriteError};

/// What is done with the records, and how they are named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /composite/sobjects`. Not safe to send again after doubt.
    Create,
    /// `PATCH /composite/sobjects`, by Salesforce id.
    Update,
    /// `PATCH /composite/sobjects/{object}/{key_field}`.
    Upsert {
        /// An external id, or `Id`, which works and is documented not to (§2.4).
        key_field: String,
        /// Refuses records that are not there, instead of creating them (§2.5).
        update_only: bool,
    },
}

/// One record to write.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// The Salesforce id for an update, the value of the key field for an
    /// upsert, none for a create. An upsert by `Id` creates where it is none.
    pub key: Option<String>,
    /// API names and values; `null` blanks. Without the key.
    pub fields: Vec<(String, Value)>,
}

/// Names the fields, not what they hold.
impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Record")
            .field("fields", &names)
            .finish_non_exhaustive()
    }
}

/// What else a call asks for (§2.1, §2.7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether one refused record keeps all others from being stored.
    pub all_or_none: bool,
    pub assignment: Assignment,
    /// None leaves the org's duplicate rules as they are.
    pub duplicate_rules: Option<DuplicateRules>,
}

/// Whether the org's assignment rules choose new owners.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Assignment {
    /// Salesforce's own default is the contrary, on updates too (§0.1, 10).
    #[default]
    Off,
    ActiveRule,
    /// The id of an assignment rule.
    Rule(String),
}

/// `Sforce-Duplicate-Rule-Header`; Salesforce's default is all false (§2.7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DuplicateRules {
    /// Stores what a rule would only warn of.
    pub allow_save: bool,
    pub include_record_details: bool,
    pub run_as_current_user: bool,
}

impl Options {
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let assign = match &self.assignment {
            Assignment::Off => "FALSE".to_owned(),
            Assignment::ActiveRule => "TRUE".to_owned(),
            Assignment::Rule(id) => id.clone(),
        };
        let mut headers = vec![("Sforce-Auto-Assign", assign)];
        if let Some(rules) = self.duplicate_rules {
            headers.push((
                "Sforce-Duplicate-Rule-Header",
                format!(
                    "allowSave={}; includeRecordDetails={}; runAsCurrentUser={}",
                    rules.allow_save, rules.include_record_details, rules.run_as_current_user
                ),
            ));
        }
        headers
    }
}

impl Operation {
    /// Returns the field that names the records.
    pub fn key_field(&self) -> Option<&str> {
        match self {
            Self::Create => None,
            Self::Update => Some("id"),
            Self::Upsert { key_field, .. } => Some(key_field),
        }
    }

    fn may_lack_key(&self) -> bool {
        match self {
            Self::Create => true,
            Self::Update => false,
            Self::Upsert {
                key_field,
                update_only,
            } => key_field.eq_ignore_ascii_case("Id") && !update_only,
        }
    }
}

pub(super) fn check(operation: &Operation, records: &[Record], options: &Options) -> Result<(), WriteError> {
    if records.len() > MAX_RECORDS_PER_CALL {
        return Err(WriteError::TooManyRecords { count: records.len() });
    }
    if let Assignment::Rule(id) = &options.assignment {
        let is_id = matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id {
            return Err(WriteError::AssignmentRule(id.clone()));
        }
    }
    match records.iter().position(|record| record.key.is_none()) {
        Some(position) if !operation.may_lack_key() => Err(WriteError::MissingKey { position }),
        _ => Ok(()),
    }
}

pub(super) fn body(object: &str, operation: &Operation, records: &[Record], all_or_none: bool) -> Vec<u8> {
    let body = Body {
        all_or_none,
        records: Records {
            object,
            key_field: operation.key_field(),
            records,
        },
    };
    serde_json::to_vec(&body).expect("only map keys that are no text could fail, and there are none")
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "allOrNone")]
    all_or_none: bool,
    records: Records<'a>,
}

struct Records<'a> {
    object: &'a str,
    key_field: Option<&'a str>,
    records: &'a [Record],
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|record| OneRecord {
            object: self.object,
            key_field: self.key_field,
            record,
        }))
    }
}

struct OneRecord<'a> {
    object: &'a str,
    key_field: Option<&'a str>,
    record: &'a Record,
}

impl Serialize for OneRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Attributes<'a> {
            r#type: &'a str,
        }
        let mut map = serializer.serialize_map(Some(2 + self.record.fields.len()))?;
        map.serialize_entry("attributes", &Attributes { r#type: self.object })?;
        if let (Some(key_field), Some(key)) = (self.key_field, &self.record.key) {
            map.serialize_entry(key_field, key)?;
        }
        for (field, value) in &self.record.fields {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: Option<&str>) -> Record {
        Record {
            key: key.map(str::to_owned),
            fields: vec![
                ("LastName".to_owned(), "Okafor".into()),
                ("Email".to_owned(), Value::Null),
            ],
        }
    }

    fn upsert(key_field: &str) -> Operation {
        Operation::Upsert {
            key_field: key_field.to_owned(),
            update_only: false,
        }
    }

    #[test]
    fn row_2_35_a_record_names_its_type_its_key_and_its_fields() {
        for (operation, key, expected) in [
            (Operation::Update, Some("003x"), r#""id":"003x","#),
            (upsert("Key__c"), Some("u-1"), r#""Key__c":"u-1","#),
            (Operation::Create, None, ""),
        ] {
            let body = String::from_utf8(body("Contact", &operation, &[record(key)], false)).unwrap();
            assert_eq!(
                body,
                format!(
                    r#"{{"allOrNone":false,"records":[{{"attributes":{{"type":"Contact"}},{expected}"LastName":"Okafor","Email":null}}]}}"#
                )
            );
        }
    }

    #[test]
    fn what_salesforce_would_refuse_for_its_form_is_not_sent() {
        let many = vec![record(Some("003x")); 201];
        assert!(matches!(
            check(&Operation::Update, &many, &Options::default()),
            Err(WriteError::TooManyRecords { count: 201 })
        ));
        let unnamed = [record(Some("a")), record(None)];
        for operation in [Operation::Update, upsert("Key__c")] {
            assert!(matches!(
                check(&operation, &unnamed, &Options::default()),
                Err(WriteError::MissingKey { position: 1 })
            ));
        }
        let options = Options {
            assignment: Assignment::Rule("a\nb".to_owned()),
            ..Options::default()
        };
        assert!(matches!(
            check(&upsert("id"), &unnamed, &options),
            Err(WriteError::AssignmentRule(_))
        ));
        assert!(check(&upsert("id"), &unnamed, &Options::default()).is_ok());
    }

    #[test]
    fn assignment_rules_stay_out_unless_asked_for() {
        assert_eq!(
            Options::default().headers(),
            [("Sforce-Auto-Assign", "FALSE".to_owned())]
        );
        let options = Options {
            all_or_none: true,
            assignment: Assignment::Rule("01Q5g000000ExAmEAA".to_owned()),
            duplicate_rules: Some(DuplicateRules {
                allow_save: true,
                ..DuplicateRules::default()
            }),
        };
        assert_eq!(
            options.headers(),
            [
                ("Sforce-Auto-Assign", "01Q5g000000ExAmEAA".to_owned()),
                (
                    "Sforce-Duplicate-Rule-Header",
                    "allowSave=true; includeRecordDetails=false; runAsCurrentUser=false".to_owned()
                ),
            ]
        );
    }
}
