//! sObject Collections: many records, one call (§2).

use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::{
    API_VERSION, Session,
    http::{Call, CallError, Http, json_headers},
    refusal::{Fault, Refusal},
};

/// Most records in one call.
/// Source: Salesforce REST API, "Upsert Records Using sObject Collections" (§2.1).
pub const MAX_RECORDS_PER_CALL: usize = 200;

/// How the records of a call are named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WriteMode {
    /// `PATCH /composite/sobjects`.
    UpdateById,
    /// `PATCH /composite/sobjects/{object}/{key_field}`.
    Upsert { key_field: String },
}

/// One record to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The Salesforce id, or the external id.
    pub key: String,
    /// API names and values; `null` blanks. Without the key.
    pub fields: Vec<(String, Value)>,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordResult {
    Saved {
        id: String,
        /// Always false for an update.
        created: bool,
    },
    Refused(RecordRefusal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefusal {
    /// Salesforce's `statusCode`.
    pub code: String,
    /// For people. May quote values: never log it.
    pub message: String,
    /// API names of the fields at fault.
    pub fields: Vec<String>,
}

/// How a call ended. Sending again is only safe if you know which.
#[derive(Debug)]
pub enum WriteOutcome {
    /// Salesforce answered for every record, in request order.
    Answered(Vec<RecordResult>),
    /// Salesforce certainly stored nothing.
    NotSent(WriteError),
    /// The call left and no whole answer came; any record may be stored.
    InDoubt(WriteError),
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Call(CallError),
    #[error(transparent)]
    Refused(Refusal),
    #[error("salesforce answered {got} results for {sent} records")]
    WrongCount { sent: usize, got: usize },
    #[error("salesforce answered 200 with a body that is no list of results")]
    Unreadable,
}

/// Writes up to [`MAX_RECORDS_PER_CALL`] records of one object, each for itself
/// (`allOrNone: false`). A cancelled call may still have happened.
pub async fn write(
    http: &Http,
    session: &Session,
    object: &str,
    mode: &WriteMode,
    records: &[Record],
) -> WriteOutcome {
    let (path, key_field) = match mode {
        WriteMode::UpdateById => (format!("/services/data/{API_VERSION}/composite/sobjects"), "id"),
        WriteMode::Upsert { key_field } => (
            format!("/services/data/{API_VERSION}/composite/sobjects/{object}/{key_field}"),
            key_field.as_str(),
        ),
    };
    let body = Body {
        all_or_none: false,
        records: Records {
            object,
            key_field,
            records,
        },
    };
    let body = match serde_json::to_vec(&body) {
        Ok(body) => body,
        // Only non-text map keys could fail, and there are none.
        Err(_) => return WriteOutcome::NotSent(WriteError::Unreadable),
    };
    let mut headers = json_headers();
    // Without it Salesforce runs assignment rules on every write (§0.1, 10).
    headers.insert("Sforce-Auto-Assign", HeaderValue::from_static("FALSE"));
    let call = Call {
        method: Method::PATCH,
        host: &session.instance,
        path: &path,
        session: Some(session),
        headers,
        body: Some(body.into()),
    };
    let answer = match http.send(call).await {
        Ok(answer) => answer,
        Err(error) if error.is_without_effect() => return WriteOutcome::NotSent(WriteError::Call(error)),
        Err(error) => return WriteOutcome::InDoubt(WriteError::Call(error)),
    };
    if answer.status != StatusCode::OK {
        let refusal = Refusal::of(&answer);
        // Salesforce or its edge failed somewhere; only the other refusals say
        // that nothing was stored.
        return if refusal.fault == Fault::Salesforce {
            WriteOutcome::InDoubt(WriteError::Refused(refusal))
        } else {
            WriteOutcome::NotSent(WriteError::Refused(refusal))
        };
    }
    match results(&answer.body, records.len()) {
        Ok(results) => WriteOutcome::Answered(results),
        Err(error) => WriteOutcome::InDoubt(error),
    }
}

/// Reads the results, which belong to the records by position and nothing else.
fn results(body: &[u8], sent: usize) -> Result<Vec<RecordResult>, WriteError> {
    #[derive(Deserialize)]
    struct Element {
        success: bool,
        id: Option<String>,
        created: Option<bool>,
        #[serde(default)]
        errors: Vec<ElementError>,
    }
    #[derive(Deserialize)]
    struct ElementError {
        #[serde(rename = "statusCode", default)]
        code: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        fields: Vec<String>,
    }
    let elements: Vec<Element> = serde_json::from_slice(body).map_err(|_| WriteError::Unreadable)?;
    if elements.len() != sent {
        return Err(WriteError::WrongCount {
            sent,
            got: elements.len(),
        });
    }
    // Only `success` decides (§0.1, 2 and 3).
    let result = |element: Element| {
        if element.success {
            return RecordResult::Saved {
                id: element.id.unwrap_or_default(),
                created: element.created.unwrap_or(false),
            };
        }
        let first = element.errors.into_iter().next();
        RecordResult::Refused(first.map_or_else(
            || RecordRefusal {
                code: "UNKNOWN_EXCEPTION".to_owned(),
                message: "Salesforce gave no reason".to_owned(),
                fields: Vec::new(),
            },
            |error| RecordRefusal {
                code: error.code,
                message: error.message,
                fields: error.fields,
            },
        ))
    };
    Ok(elements.into_iter().map(result).collect())
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "allOrNone")]
    all_or_none: bool,
    records: Records<'a>,
}

struct Records<'a> {
    object: &'a str,
    key_field: &'a str,
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
    key_field: &'a str,
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
        map.serialize_entry(self.key_field, &self.record.key)?;
        for (field, value) in &self.record.fields {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_its_type_its_key_and_its_fields() {
        let records = [Record {
            key: "003x".to_owned(),
            fields: vec![
                ("LastName".to_owned(), "Okafor".into()),
                ("Email".to_owned(), Value::Null),
            ],
        }];
        let body = Body {
            all_or_none: false,
            records: Records {
                object: "Contact",
                key_field: "id",
                records: &records,
            },
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"allOrNone":false,"records":[{"attributes":{"type":"Contact"},"id":"003x","LastName":"Okafor","Email":null}]}"#
        );
    }

    #[test]
    fn only_success_decides_what_became_of_a_record() {
        let body = br#"[{"id": "003a", "success": true, "errors": []},
            {"success": false, "created": true, "id": null, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "m", "fields": ["LastName"]}]},
            {"success": false, "id": "003b", "errors": []}]"#;
        let results = results(body, 3).unwrap();
        assert_eq!(
            results[0],
            RecordResult::Saved {
                id: "003a".to_owned(),
                created: false
            }
        );
        assert!(matches!(&results[1], RecordResult::Refused(refusal) if refusal.code == "STRING_TOO_LONG"));
        assert!(matches!(&results[2], RecordResult::Refused(_)));
    }

    #[test]
    fn a_short_answer_is_an_error_not_a_truncated_batch() {
        let body = br#"[{"id": "003a", "success": true, "errors": []}]"#;
        assert!(matches!(
            results(body, 2),
            Err(WriteError::WrongCount { sent: 2, got: 1 })
        ));
        assert!(matches!(results(b"{}", 1), Err(WriteError::Unreadable)));
    }
}
