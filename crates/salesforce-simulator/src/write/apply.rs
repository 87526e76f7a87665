//! Applying a collections request, record by record in request order. Source: salesforce-contract.md
//! §2.1–2.3.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::request::{Operation, UpsertKey, WriteRequest};
use super::submitted::Submitted;
use super::target::{self, NoTarget, Target};
use crate::clock::datetime_out;
use crate::ids::RecordId;
use crate::org::{HistoryEntry, OrgState, Permissions, RecordFault, Slot, Table, Values, WriteKind};
use crate::refusal::RecordError;
use crate::schema::{Field, ObjectName};
use crate::value;

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author<'a> {
    pub user_id: RecordId,
    pub permissions: &'a Permissions,
    pub now: DateTime<Utc>,
}

/// How one record of a call ended.
#[derive(Debug)]
pub(crate) struct RecordResult {
    /// What was done or, where it failed, meant.
    pub kind: WriteKind,
    pub outcome: Result<RecordId, RecordError>,
}

/// What takes one write back.
#[derive(Debug)]
enum Undo {
    Created(ObjectName),
    Replaced(ObjectName, Slot, Values),
}

/// Applies `request`, counts it and records it in the history. Returns results in request order.
pub(crate) fn apply(
    state: &mut OrgState,
    request: &WriteRequest,
    fault: Option<&RecordFault>,
    author: Author<'_>,
) -> Vec<RecordResult> {
    let repeated = target::repeated(request);
    let mut undo = Vec::new();
    let mut results: Vec<RecordResult> = Vec::with_capacity(request.records.len());
    for ((position, record), repeated) in request.records.iter().enumerate().zip(repeated) {
        let table = state.table_mut(record.object);
        let (kind, target) = match target::find(table, &request.operation, record) {
            Ok(target) => (target.kind(), Ok(target)),
            Err(NoTarget { kind, error }) => (kind, Err(error)),
        };
        let refused = repeated
            .or_else(|| not_permitted(author, record.object, kind))
            .or_else(|| fault.and_then(|fault| injected(fault, request, position)))
            .or_else(|| record.refused.clone());
        let outcome = refused.map_or(target, Err).and_then(|target| {
            let values = values_to_store(table, &request.operation, record, target, author)?;
            Ok(store(table, target, values, &mut undo))
        });
        results.push(RecordResult { kind, outcome });
    }
    if request.all_or_none && results.iter().any(|result| result.outcome.is_err()) {
        roll_back(state, undo, &mut results);
    }
    count(state, &results);
    remember(state, request, &results);
    results
}

/// Returns everything the record will hold.
fn values_to_store(
    table: &Table,
    operation: &Operation,
    record: &Submitted,
    target: Target,
    author: Author<'_>,
) -> Result<Values, RecordError> {
    let mut values = match target {
        Target::New => defaults(table.object, author),
        Target::Existing(slot) => {
            let existing = table.record(slot);
            if existing.is("IsDeleted") {
                return Err(RecordError::new("ENTITY_IS_DELETED", "entity is deleted", &[]));
            }
            if existing.is("IsConverted") {
                return Err(RecordError::new(
                    "CANNOT_UPDATE_CONVERTED_LEAD",
                    "cannot reference converted lead",
                    &[],
                ));
            }
            existing.values.clone()
        }
    };
    for (field, sent) in &record.fields {
        // The record was found by this value, so it holds it.
        if matches!(target, Target::Existing(_)) && is_key(operation, field) {
            continue;
        }
        let writable = match target {
            Target::New => field.createable,
            Target::Existing(_) => field.updateable,
        };
        if !writable {
            return Err(not_writable(field));
        }
        match value::check(field, sent.clone())? {
            Value::Null => values.remove(&field.name),
            value => values.insert(field.name.clone(), value),
        };
    }
    check_required(table, record, target, &values)?;
    check_unique(table, record, target, &values)?;

    let time = datetime_out(author.now);
    values.insert("LastModifiedById".to_owned(), author.user_id.to_string().into());
    values.insert("LastModifiedDate".to_owned(), time.clone().into());
    values.insert("SystemModstamp".to_owned(), time.into());
    Ok(values)
}

fn is_key(operation: &Operation, field: &Field) -> bool {
    match operation {
        Operation::Upsert {
            key: UpsertKey::Field(key),
            ..
        } => key.name == field.name,
        Operation::Create
        | Operation::Update
        | Operation::Upsert {
            key: UpsertKey::Id, ..
        } => false,
    }
}

/// Returns what a new record holds before its own fields (`defaultedOnCreate`, salesforce-contract.md §5.4).
/// Checkboxes need no entry: an absent one reads as false.
fn defaults(object: ObjectName, author: Author<'_>) -> Values {
    let mut values = Values::new();
    for field in ["OwnerId", "CreatedById"] {
        values.insert(field.to_owned(), author.user_id.to_string().into());
    }
    values.insert("CreatedDate".to_owned(), datetime_out(author.now).into());
    if object == ObjectName::Lead {
        values.insert("Status".to_owned(), "Open - Not Contacted".into());
        values.insert("IsUnreadByOwner".to_owned(), true.into());
    }
    values
}

/// Source: salesforce-contract.md §3.4 and §9 (null on a required field).
fn check_required(
    table: &Table,
    record: &Submitted,
    target: Target,
    values: &Values,
) -> Result<(), RecordError> {
    let is_missing = |field: &Field| {
        let blanked = !field.nillable && record.sent.contains_key(&field.name);
        let required = matches!(target, Target::New) && field.is_required_on_create();
        (blanked || required) && !values.contains_key(&field.name)
    };
    let missing: Vec<&str> = table
        .schema()
        .fields()
        .iter()
        .filter(|field| is_missing(field))
        .map(|field| field.name.as_str())
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(RecordError::required_missing(&missing))
    }
}

/// Source: salesforce-contract.md §2.5 and §3.4 (the id has 15 characters).
fn check_unique(
    table: &Table,
    record: &Submitted,
    target: Target,
    values: &Values,
) -> Result<(), RecordError> {
    for (field, _) in record.fields.iter().filter(|(field, _)| field.unique) {
        let Some(value) = values.get(&field.name) else {
            continue;
        };
        let is_itself = |slot: &Slot| matches!(target, Target::Existing(own) if own == *slot);
        if let Some(slot) = table
            .find_by(field, value)
            .into_iter()
            .find(|slot| !is_itself(slot))
        {
            let message = format!(
                "duplicate value found: {} duplicates value on record with id: {}",
                field.name,
                table.record(slot).id.short()
            );
            return Err(RecordError::new("DUPLICATE_VALUE", message, &[]));
        }
    }
    Ok(())
}

/// Source: salesforce-contract.md §3.2.
fn not_writable(field: &Field) -> RecordError {
    let message = format!(
        "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
        field.name
    );
    RecordError::new("INVALID_FIELD_FOR_INSERT_UPDATE", message, &[&field.name])
}

/// Source: salesforce-contract.md §3.2 and §3.4.
fn not_permitted(author: Author<'_>, object: ObjectName, kind: WriteKind) -> Option<RecordError> {
    let access = author.permissions.access_to(object);
    let is_permitted = match kind {
        WriteKind::Create => access.create,
        WriteKind::Update => access.edit,
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
        .is_some_and(|every| every > 0 && (position + 1).is_multiple_of(every));
    let by_name = fault.ids.iter().any(|id| match &request.operation {
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } => record.value(field).as_str().is_some_and(|value| value == id),
        Operation::Create
        | Operation::Update
        | Operation::Upsert {
            key: UpsertKey::Id, ..
        } => RecordId::parse(id).is_some_and(|id| record.id.as_str().and_then(RecordId::parse) == Some(id)),
    });
    let hits_all = fault.ids.is_empty() && fault.every.is_none();
    (by_position || by_name || hits_all).then(|| RecordError {
        status_code: Cow::Owned(fault.status_code.clone()),
        message: fault.message.clone(),
        fields: fault.fields.clone(),
    })
}

fn store(table: &mut Table, target: Target, values: Values, undo: &mut Vec<Undo>) -> RecordId {
    let object = table.object;
    let slot = match target {
        Target::New => {
            undo.push(Undo::Created(object));
            table.insert(None, values)
        }
        Target::Existing(slot) => {
            let old = table.replace_values(slot, values);
            undo.push(Undo::Replaced(object, slot, old));
            slot
        }
    };
    table.record(slot).id
}

/// Takes every write back. Source of the texts: salesforce-contract.md §2.3.
fn roll_back(state: &mut OrgState, undo: Vec<Undo>, results: &mut [RecordResult]) {
    // Newest first, so that a created record is the newest of its table when its turn comes.
    for step in undo.into_iter().rev() {
        match step {
            Undo::Created(object) => state.table_mut(object).remove_newest(),
            Undo::Replaced(object, slot, values) => {
                state.table_mut(object).replace_values(slot, values);
            }
        }
    }
    for result in results {
        if result.outcome.is_ok() {
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
            (Ok(_), WriteKind::Update) => counters.records_written += 1,
            (Err(_), _) => counters.records_refused += 1,
        }
    }
}

fn remember(state: &mut OrgState, request: &WriteRequest, results: &[RecordResult]) {
    let call = state.history.next_call();
    if !state.history.is_kept() {
        return;
    }
    for (record, result) in request.records.iter().zip(results) {
        let id = match &result.outcome {
            Ok(id) => Some(id.to_string()),
            // The record was not changed by its own write, so it is still found where it was.
            Err(_) => match target::find(state.table(record.object), &request.operation, record) {
                Ok(Target::Existing(slot)) => Some(state.table(record.object).record(slot).id.to_string()),
                Ok(Target::New) | Err(_) => record.id.as_str().map(str::to_owned),
            },
        };
        state.history.add(HistoryEntry {
            n: 0,
            call,
            object: record.object.name(),
            id,
            operation: result.kind,
            fields: record.sent.clone(),
            success: result.outcome.is_ok(),
        });
    }
}
