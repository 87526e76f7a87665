//! Rows that delete. Source: salesforce-contract.md §7 and §3.4.

use serde_json::{Map, Value};

use crate::clock::datetime_out;
use crate::ids::RecordId;
use crate::org::{RecordFault, Table, WriteKind};
use crate::refusal::RecordError;
use crate::write::{Author, RecordResult};

/// Marks records as deleted. Returns one result for each, in the same order.
pub(super) fn delete(
    table: &mut Table,
    records: Vec<Map<String, Value>>,
    fault: Option<&RecordFault>,
    author: Author<'_>,
) -> Vec<RecordResult> {
    let mut results = Vec::with_capacity(records.len());
    for (position, record) in records.into_iter().enumerate() {
        let id = record.get("Id").and_then(Value::as_str).unwrap_or_default();
        let outcome = match fault.and_then(|fault| injected(fault, position, id)) {
            Some(error) => Err(error),
            None => delete_record(table, id, author),
        };
        results.push(RecordResult {
            kind: WriteKind::Update,
            outcome,
        });
    }
    results
}

/// Returns the scripted error of a record, if it is one of those to fail.
fn injected(fault: &RecordFault, position: usize, id: &str) -> Option<RecordError> {
    let by_position = fault
        .every
        .is_some_and(|every| every > 0 && (position + 1).is_multiple_of(every));
    let by_name = fault
        .ids
        .iter()
        .any(|named| RecordId::parse(named) == RecordId::parse(id));
    let hits_all = fault.ids.is_empty() && fault.every.is_none();
    (by_position || by_name || hits_all).then(|| RecordError {
        status_code: fault.status_code.clone().into(),
        message: fault.message.clone(),
        fields: fault.fields.clone(),
    })
}

fn delete_record(table: &mut Table, id: &str, author: Author<'_>) -> Result<RecordId, RecordError> {
    let id = RecordId::parse_of(table.object.key_prefix(), id)
        .ok_or_else(|| RecordError::malformed_id(&format!("{} ID", table.object.name()), id, "Id"))?;
    let slot = table.find(id).ok_or_else(RecordError::unknown_id)?;
    let record = table.record(slot);
    if record.is("IsDeleted") {
        return Err(RecordError::new("ENTITY_IS_DELETED", "entity is deleted", &[]));
    }
    let time = datetime_out(author.now);
    let mut values = record.values.clone();
    values.insert("IsDeleted".to_owned(), true.into());
    values.insert("LastModifiedById".to_owned(), author.user_id.to_string().into());
    values.insert("LastModifiedDate".to_owned(), time.clone().into());
    values.insert("SystemModstamp".to_owned(), time.into());
    table.replace_values(slot, values);
    Ok(id)
}
