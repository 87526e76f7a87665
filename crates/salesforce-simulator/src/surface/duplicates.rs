//! The details of duplicates. Source of the shape: salesforce-contract.md §2.8.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::read;
use crate::org::OrgState;
use crate::refusal::DuplicatesFound;
use crate::schema::Field;

/// Returns what a refused single-record write tells of the duplicates, of each its id or, if `is_whole`, all
/// its fields.
pub(super) fn details(state: &OrgState, found: &DuplicatesFound, is_whole: bool, version: &str) -> Value {
    let object = found.object.name();
    let table = state.table(found.object);
    let records: Vec<Value> = found
        .matches
        .iter()
        .filter_map(|id| table.find(*id))
        .map(|slot| {
            let fields: Vec<Arc<Field>> = table
                .schema()
                .fields()
                .iter()
                .filter(|field| is_whole || field.name == "Id")
                .map(Arc::clone)
                .collect();
            json!({
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": read::shown(table, table.record(slot), &fields, version),
            })
        })
        .collect();
    let mut result = Map::new();
    result.insert("allowSave".to_owned(), json!(found.allow_save));
    result.insert("duplicateRule".to_owned(), json!(found.rule));
    result.insert("duplicateRuleEntityType".to_owned(), json!(object));
    result.insert("errorMessage".to_owned(), json!(found.message));
    result.insert(
        "matchResults".to_owned(),
        json!([{
            "entityType": object,
            "errors": [],
            "matchEngine": "FuzzyMatchEngine",
            "rule": format!("Standard_{object}_Match_Rule_v1_0"),
            "size": records.len(),
            "success": true,
            "matchRecords": records,
        }]),
    );
    Value::Object(result)
}
