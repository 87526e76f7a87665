//! Which rows a call locks. Source: salesforce-contract.md §3.4 and §8.

use std::collections::HashSet;

use serde_json::Value;

use super::reference;
use super::request::WriteRequest;
use super::submitted::Submitted;
use super::target::{self, Target};
use crate::ids::RecordId;
use crate::org::OrgState;
use crate::refusal::RecordError;

/// The field that names a Contact's Account.
const PARENT: &str = "AccountId";

/// Returns, for each record of a call, the rows it locks: its own, if it exists, and its Account's, both the
/// present one and the one it is moved to.
pub(crate) fn locked_rows(state: &OrgState, request: &WriteRequest) -> Vec<HashSet<RecordId>> {
    request
        .records
        .iter()
        .map(|record| {
            let mut rows: HashSet<RecordId> = sent_parent(state, record).into_iter().collect();
            if let Ok(Target::Existing(slot)) = target::find(state, &request.operation, record) {
                let existing = state.table(record.object).record(slot);
                rows.insert(existing.id);
                rows.extend(existing.values.get(PARENT).and_then(parse));
            }
            rows
        })
        .collect()
}

/// Returns the error of a record that needs `row`, which stayed locked.
pub(crate) fn unlockable(row: RecordId) -> RecordError {
    RecordError::new(
        "UNABLE_TO_LOCK_ROW",
        format!("unable to obtain exclusive access to this record or 1 records: {row}"),
        &[],
    )
}

fn sent_parent(state: &OrgState, record: &Submitted) -> Option<RecordId> {
    let by_key = record.parents.iter().find(|parent| parent.lookup.name == PARENT);
    if let Some(parent) = by_key {
        return reference::resolve(state, parent).ok().as_ref().and_then(parse);
    }
    record
        .fields
        .iter()
        .rfind(|(field, _)| field.name == PARENT)
        .and_then(|(_, value)| parse(value))
}

fn parse(id: &Value) -> Option<RecordId> {
    id.as_str().and_then(RecordId::parse)
}
