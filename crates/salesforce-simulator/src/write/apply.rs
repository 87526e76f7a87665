//! Applying a collections request, record by record in request order. Source: salesforce-contract.md
//! §2.1–2.3.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::request::{Operation, UpsertKey, WriteRequest};
use super::submitted::Submitted;
use super::target::{self, NoTarget, Target};
use super::undo::{Besides, Undo};
use super::{delete::delete, person, stored::values_to_store};
use crate::clock::datetime_out;
use crate::ids::RecordId;
use crate::org::{HistoryEntry, OrgState, Permissions, RecordFault, WriteKind};
use crate::refusal::RecordError;
use crate::schema::ObjectName;
use crate::value::Scalar;

/// Who writes and what they may, and when, as records tell it.
#[derive(Debug)]
pub(crate) struct Author<'a> {
    pub user: Scalar,
    pub permissions: &'a Permissions,
    pub time: Scalar,
}

/// How one record of a call ended.
#[derive(Debug)]
pub(crate) struct RecordResult {
    /// What was done or, where it failed, meant.
    pub kind: WriteKind,
    pub outcome: Result<RecordId, RecordError>,
    /// What a refused record was to change or, if it was rolled back, the id it had; none, if there was no such
    /// record.
    pub meant: Option<RecordId>,
}

impl<'a> Author<'a> {
    pub(crate) fn new(user_id: RecordId, permissions: &'a Permissions, now: DateTime<Utc>) -> Self {
        Self {
            user: user_id.to_string().into(),
            permissions,
            time: datetime_out(now).into(),
        }
    }
}

/// Applies `request`, counts it and records it in the history. Returns results in request order.
pub(crate) fn apply(
    state: &mut OrgState,
    request: &WriteRequest,
    fault: Option<&RecordFault>,
    author: &Author<'_>,
) -> Vec<RecordResult> {
    let repeated = target::repeated(request, state.switches().repeated_key);
    let raced = target::raced(state, request);
    let mut undo = Undo::default();
    let mut results: Vec<RecordResult> = Vec::with_capacity(request.records.len());
    let mut besides: Vec<Vec<Besides>> = Vec::new();
    for (((position, record), repeated), raced) in request.records.iter().enumerate().zip(repeated).zip(raced)
    {
        let (kind, target) = match (raced, target::find(state, &request.operation, record)) {
            (Some(error), _) => (WriteKind::Create, Err(error)),
            (None, Ok(target)) => (target.kind(&request.operation), Ok(target)),
            (None, Err(NoTarget { kind, error })) => (kind, Err(error)),
        };
        let refused = repeated
            .or_else(|| not_permitted(author, record.object, kind))
            .or_else(|| fault.and_then(|fault| injected(fault, request, position)))
            .or_else(|| record.refused.clone());
        let meant = match &target {
            Ok(Target::Existing(slot)) => Some(state.table(record.object).record(*slot).id),
            Ok(Target::New) | Err(_) => None,
        };
        let before = undo.steps();
        let outcome = refused
            .map_or(target, Err)
            .and_then(|target| write(state, request, record, target, author, &mut undo));
        if state.history.is_kept() {
            let written = outcome.as_ref().ok();
            besides.push(
                match written.and_then(|id| state.table(record.object).find(*id)) {
                    Some(slot) => undo.besides(state, before, (record.object, slot)),
                    None => Vec::new(),
                },
            );
        }
        results.push(RecordResult { kind, outcome, meant });
    }
    if request.all_or_none && results.iter().any(|result| result.outcome.is_err()) {
        roll_back(state, undo, &mut results);
        besides.iter_mut().for_each(Vec::clear);
    }
    count(state, &results);
    remember(state, request, &results, besides, author);
    results
}

/// Returns what a record fails with because the author lacks a right. Source: salesforce-contract.md §3.4.
fn not_permitted(author: &Author<'_>, object: ObjectName, kind: WriteKind) -> Option<RecordError> {
    let access = author.permissions.access_to(object);
    let is_permitted = match kind {
        WriteKind::Create => access.create,
        WriteKind::Update => access.edit,
        WriteKind::Delete => access.delete,
    };
    (!is_permitted).then(|| {
        RecordError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
            &[],
        )
    })
}

/// Returns the scripted error of the record at `position`, if it is one of those to fail.
fn injected(fault: &RecordFault, request: &WriteRequest, position: usize) -> Option<RecordError> {
    let record = &request.records[position];
    let by_position = fault
        .every
        .is_some_and(|every| (position + 1).is_multiple_of(every));
    let by_name = fault.ids.iter().any(|id| match &request.operation {
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } => record.value(field).as_str().is_some_and(|value| value == id),
        Operation::Create | Operation::Update | Operation::Delete | Operation::Upsert { .. } => {
            RecordId::parse(id).is_some_and(|id| record.id.as_str().and_then(RecordId::parse) == Some(id))
        }
    });
    let hits_all = fault.ids.is_empty() && fault.every.is_none();
    (by_position || by_name || hits_all).then(|| RecordError {
        status_code: Cow::Owned(fault.status_code.clone()),
        message: fault.message.clone(),
        fields: fault.fields.clone(),
        duplicates: None,
    })
}

/// Writes or deletes one record and returns its id.
fn write(
    state: &mut OrgState,
    request: &WriteRequest,
    record: &Submitted,
    target: Target,
    author: &Author<'_>,
    undo: &mut Undo,
) -> Result<RecordId, RecordError> {
    let object = record.object;
    if let (Operation::Delete, Target::Existing(slot)) = (&request.operation, target) {
        return delete(state, object, slot, author, undo);
    }
    let values = values_to_store(state, request, record, target, author)?;
    let slot = match target {
        Target::New => undo.insert(state, object, values),
        Target::Existing(slot) => {
            undo.replace(state, object, slot, values);
            slot
        }
    };
    if state.switches().person_accounts {
        person::write_through(state, object, slot, target, author, undo);
    }
    Ok(state.table(object).record(slot).id)
}

/// Takes every write back. Source of the texts: salesforce-contract.md §2.3.
fn roll_back(state: &mut OrgState, undo: Undo, results: &mut [RecordResult]) {
    undo.take_back(state);
    for result in results {
        if let Ok(id) = result.outcome {
            result.meant = Some(id);
            result.outcome = Err(RecordError::new(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
                &[],
            ));
        }
    }
}

fn count(state: &mut OrgState, results: &[RecordResult]) {
    let counters = &mut state.counters;
    counters.write_calls += 1;
    counters.max_records_per_call = counters.max_records_per_call.max(results.len());
    for result in results {
        counters.records_received += 1;
        match (&result.outcome, result.kind) {
            (Ok(_), WriteKind::Create) => {
                counters.records_written += 1;
                counters.records_created += 1;
            }
            (Ok(_), WriteKind::Update | WriteKind::Delete) => counters.records_written += 1,
            (Err(_), _) => counters.records_refused += 1,
        }
    }
}

fn remember(
    state: &mut OrgState,
    request: &WriteRequest,
    results: &[RecordResult],
    besides: Vec<Vec<Besides>>,
    author: &Author<'_>,
) {
    let call = state.history.next_call();
    if !state.history.is_kept() {
        return;
    }
    for ((record, result), besides) in request.records.iter().zip(results).zip(besides) {
        let id = match &result.outcome {
            Ok(id) => Some(id.to_string()),
            // The record was not changed by its own write, so it is still found where it was.
            Err(_) => match target::find(state, &request.operation, record) {
                Ok(Target::Existing(slot)) => Some(state.table(record.object).record(slot).id.to_string()),
                Ok(Target::New) | Err(_) => record.id.as_str().map(str::to_owned),
            },
        };
        let cause = state.history.add(HistoryEntry {
            n: 0,
            call,
            caused_by: None,
            time: author.time.plain(),
            object: record.object.name(),
            id,
            operation: result.kind,
            fields: record.sent.clone().unwrap_or_default(),
            success: result.outcome.is_ok(),
        });
        for beside in besides {
            state.history.add(HistoryEntry {
                n: 0,
                call,
                caused_by: Some(cause),
                time: author.time.plain(),
                object: beside.object.name(),
                id: Some(beside.id.to_string()),
                operation: beside.kind,
                fields: beside.fields,
                success: true,
            });
        }
    }
}
