//! The answer to a collections request. Source of the shapes: salesforce-contract.md §2.2 and §2.3.

use std::fmt::{self, Write};

use serde_json::json;

use super::apply::RecordResult;
use super::request::Operation;
use crate::org::{FailedCreated, FailedId, Switches, WriteKind};

/// Room for one written record.
const ELEMENT_BYTES: usize = 80;

/// Returns the JSON of one element for each result, in the same order.
///
/// A refused record has no `id`; only upserts tell `created`, and where they fail it is what was meant, unless
/// the org does it otherwise (salesforce-contract.md §10).
pub(crate) fn answer(operation: &Operation, results: &[RecordResult], switches: &Switches) -> String {
    let mut json = String::with_capacity(results.len() * ELEMENT_BYTES);
    json.push('[');
    for (position, result) in results.iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        write_element(&mut json, operation, result, switches).expect("writing to a string cannot fail");
    }
    json.push(']');
    json
}

fn write_element(
    json: &mut String,
    operation: &Operation,
    result: &RecordResult,
    switches: &Switches,
) -> fmt::Result {
    match &result.outcome {
        Ok(id) => write!(json, r#"{{"id":"{id}","success":true,"errors":[]"#)?,
        Err(error) => {
            let id = match (switches.failed_id, result.meant) {
                (FailedId::Null, _) => r#""id":null,"#.to_owned(),
                (FailedId::Shown, Some(id)) => format!(r#""id":"{id}","#),
                (FailedId::Absent, _) | (FailedId::Shown, None) => String::new(),
            };
            let error = json!({
                "statusCode": error.status_code,
                "message": error.message,
                "fields": error.fields,
            });
            write!(json, r#"{{{id}"success":false,"errors":[{error}]"#)?;
        }
    }
    let is_told = result.outcome.is_ok() || switches.failed_created == FailedCreated::Intended;
    if let (Operation::Upsert { .. }, true) = (operation, is_told) {
        let created = result.kind == WriteKind::Create;
        write!(json, r#","created":{created}"#)?;
    }
    json.write_char('}')
}
