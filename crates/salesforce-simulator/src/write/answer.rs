//! The answer to a collections request. Source of the shapes: salesforce-contract.md §2.2 and §2.3.

use serde_json::{Map, Value, json};

use super::apply::RecordResult;
use super::request::Operation;
use crate::org::{FailedCreated, FailedId, Switches, WriteKind};

/// Returns one element for each result, in the same order.
///
/// A refused record has no `id`; only upserts tell `created`, and where they fail it is what was meant, unless
/// the org does it otherwise (salesforce-contract.md §10).
pub(crate) fn answer(operation: &Operation, results: &[RecordResult], switches: &Switches) -> Vec<Value> {
    results
        .iter()
        .map(|result| element(operation, result, switches))
        .collect()
}

fn element(operation: &Operation, result: &RecordResult, switches: &Switches) -> Value {
    let mut element = Map::new();
    match &result.outcome {
        Ok(id) => {
            element.insert("id".to_owned(), json!(id.to_string()));
            element.insert("success".to_owned(), json!(true));
            element.insert("errors".to_owned(), json!([]));
        }
        Err(error) => {
            if switches.failed_id == FailedId::Null {
                element.insert("id".to_owned(), Value::Null);
            }
            element.insert("success".to_owned(), json!(false));
            let error = json!({
                "statusCode": error.status_code,
                "message": error.message,
                "fields": error.fields,
            });
            element.insert("errors".to_owned(), json!([error]));
        }
    }
    let is_told = result.outcome.is_ok() || switches.failed_created == FailedCreated::Intended;
    if let (Operation::Upsert { .. }, true) = (operation, is_told) {
        element.insert("created".to_owned(), json!(result.kind == WriteKind::Create));
    }
    Value::Object(element)
}
