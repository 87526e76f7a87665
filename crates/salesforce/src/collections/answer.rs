//! What Salesforce answers to a collections call (§2.2, §2.3).

use serde::Deserialize;
use serde_json::Value;

use super::{Operation, RecordResult, WriteError};
use crate::{
    lenient::{Code, Text, Texts},
    refusal::{RecordError, RecordRefusal},
};

/// Reads the results of a 200, which belong to the records by position and
/// nothing else.
///
/// # Errors
/// [`WriteError::WrongCount`] when there is not one result for each of `sent`
/// records, [`WriteError::Unreadable`] when they are no results.
pub fn results(operation: &Operation, body: &[u8], sent: usize) -> Result<Vec<RecordResult>, WriteError> {
    let elements: Vec<Element> =
        serde_json::from_slice(body).map_err(|error| WriteError::Unreadable(error.into()))?;
    if elements.len() != sent {
        return Err(WriteError::WrongCount {
            sent,
            got: elements.len(),
        });
    }
    Ok(elements
        .into_iter()
        .map(|element| element.result(operation))
        .collect())
}

/// Only `success` must be there, and be what it should.
#[derive(Deserialize)]
struct Element {
    success: bool,
    #[serde(default)]
    id: Text,
    #[serde(default)]
    created: Value,
    #[serde(default)]
    errors: Value,
}

#[derive(Deserialize)]
struct ElementError {
    // `errorCode` belongs to whole calls, and some proxies mix them up.
    #[serde(rename = "statusCode", alias = "errorCode", default)]
    code: Code,
    #[serde(default)]
    message: Text,
    #[serde(default)]
    fields: Texts,
}

impl Element {
    fn result(self, operation: &Operation) -> RecordResult {
        if self.success {
            return RecordResult::Saved {
                id: Some(self.id.0).filter(|id| !id.is_empty()),
                created: match operation {
                    Operation::Create => true,
                    Operation::Update => false,
                    Operation::Upsert { .. } => self.created.as_bool().unwrap_or(false),
                },
            };
        }
        let errors: Vec<RecordError> = serde_json::from_value::<Vec<ElementError>>(self.errors)
            .unwrap_or_default()
            .into_iter()
            .map(|error| RecordError {
                code: error.code.0,
                message: error.message.0,
                fields: error.fields.0,
            })
            .collect();
        let key_field = match operation {
            Operation::Create | Operation::Update => None,
            Operation::Upsert { key_field, .. } => Some(key_field.as_str()),
        };
        let refusal = RecordRefusal::of(errors, key_field);
        if refusal.error.code == "ALL_OR_NONE_OPERATION_ROLLED_BACK" {
            RecordResult::RolledBack
        } else {
            RecordResult::Refused(refusal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_decides_what_became_of_a_record() {
        let body = br#"[{"id": "003a", "success": true, "errors": []},
            {"success": false, "created": true, "id": null, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "m", "fields": ["LastName"]}]},
            {"success": false, "id": 7, "errors": [{"statusCode": "A b", "message": 3, "fields": "X"}]},
            {"success": false, "id": "003c", "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "fields": []}]}]"#;
        let results = results(&Operation::Update, body, 4).unwrap();
        assert_eq!(
            results[0],
            RecordResult::Saved {
                id: Some("003a".to_owned()),
                created: false
            }
        );
        assert!(
            matches!(&results[1], RecordResult::Refused(refusal) if refusal.error.code == "STRING_TOO_LONG")
        );
        assert!(matches!(&results[2], RecordResult::Refused(_)));
        assert_eq!(results[3], RecordResult::RolledBack);
    }

    #[test]
    fn row_157_created_is_what_the_operation_says_or_the_upsert_tells() {
        let created = |operation: &Operation, body: &[u8]| {
            let results = results(operation, body, 1).unwrap();
            matches!(results[0], RecordResult::Saved { created: true, .. })
        };
        let upsert = Operation::Upsert {
            key_field: "Key__c".to_owned(),
            update_only: false,
        };
        let plain = br#"[{"id": "003a", "success": true, "errors": []}]"#;
        assert!(created(&Operation::Create, plain));
        assert!(!created(&Operation::Update, plain));
        assert!(!created(&upsert, plain));
        assert!(created(
            &upsert,
            br#"[{"id": "003a", "success": true, "created": true}]"#
        ));
    }

    #[test]
    fn a_short_answer_is_an_error_not_a_truncated_batch() {
        let body = br#"[{"id": "003a", "success": true, "errors": []}]"#;
        assert!(matches!(
            results(&Operation::Update, body, 2),
            Err(WriteError::WrongCount { sent: 2, got: 1 })
        ));
        for body in ["{}", "", "[{}]", "<html>", "[1]", r#"[{"success": "yes"}]"#] {
            assert!(
                matches!(
                    results(&Operation::Update, body.as_bytes(), 1),
                    Err(WriteError::Unreadable(_))
                ),
                "{body}"
            );
        }
    }
}
