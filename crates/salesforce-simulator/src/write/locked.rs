//! Which rows a call locks. Source: salesforce-contract.md §3.4 and §8.

use super::reference;
use super::request::WriteRequest;
use super::submitted::Submitted;
use super::target::{self, Target};
use crate::ids::RecordId;
use crate::org::{OrgState, RecordKey};
use crate::refusal::RecordError;
use crate::value::Scalar;

/// The field that names a Contact's Account.
const PARENT: &str = "AccountId";

/// The rows of one record: its own, if it exists, and its Account's, both the present one and the one it is
/// moved to.
pub(crate) type LockedRows = [Option<RecordId>; 3];

/// What a call is about, as far as it can be told before it is applied.
#[derive(Debug)]
pub(crate) struct Touched {
    /// The records that it names, each once.
    pub records: Vec<RecordKey>,
    /// What each of its records locks, in request order.
    pub rows: Vec<LockedRows>,
    /// The positions of those whose unique key names no record yet.
    pub new: Vec<usize>,
}

impl Touched {
    /// Returns what a call touches at present.
    pub(crate) fn by(state: &OrgState, request: &WriteRequest) -> Self {
        let mut records = Vec::with_capacity(request.records.len());
        let mut new = Vec::new();
        let rows = request
            .records
            .iter()
            .enumerate()
            .map(|(position, record)| {
                let sent_parent = sent_parent(state, record);
                let Ok(target) = target::find(state, &request.operation, record) else {
                    return [None, None, sent_parent];
                };
                records.extend(target::record_key(state, &request.operation, record, target));
                match target {
                    Target::Existing(slot) => {
                        let existing = state.table(record.object).record(slot);
                        let parent = existing.values.get(PARENT).and_then(parse);
                        [Some(existing.id), parent, sent_parent]
                    }
                    Target::New => {
                        if target::unique_key(&request.operation).is_some() {
                            new.push(position);
                        }
                        [None, None, sent_parent]
                    }
                }
            })
            .collect();
        records.sort_unstable();
        records.dedup();
        Self { records, rows, new }
    }

    /// Returns all rows that the call locks.
    pub(crate) fn all_rows(&self) -> Vec<RecordId> {
        self.rows.iter().flatten().flatten().copied().collect()
    }
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

fn parse(id: &Scalar) -> Option<RecordId> {
    id.as_str().and_then(RecordId::parse)
}
