//! Which record of the org a submitted record means. Source: salesforce-contract.md §2.4 and §2.5.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::reference::ambiguous;
use super::request::{Operation, UpsertKey, WriteRequest, no_key_message};
use super::stored::duplicate_value;
use super::submitted::Submitted;
use crate::ids::RecordId;
use crate::org::{OrgState, Record, RecordKey, RepeatedKey, Slot, Table, UpsertRace, WriteKind, compared};
use crate::refusal::RecordError;
use crate::schema::Field;
use crate::value::{self, Scalar};

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    New,
    Existing(Slot),
}

/// Why there is no target, and what would have been done.
#[derive(Debug)]
pub(super) struct NoTarget {
    pub kind: WriteKind,
    pub error: RecordError,
}

impl Target {
    /// Returns what `operation` does with it.
    pub(super) fn kind(self, operation: &Operation) -> WriteKind {
        match (self, operation) {
            (Self::New, _) => WriteKind::Create,
            (Self::Existing(_), Operation::Delete) => WriteKind::Delete,
            (Self::Existing(_), _) => WriteKind::Update,
        }
    }
}

/// Finds the record that `record` means.
pub(super) fn find(state: &OrgState, operation: &Operation, record: &Submitted) -> Result<Target, NoTarget> {
    let table = state.table(record.object);
    match operation {
        Operation::Create if record.id.is_null() => Ok(Target::New),
        Operation::Create => Err(NoTarget {
            kind: WriteKind::Create,
            error: RecordError::new(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "cannot specify Id in an insert call",
                &["Id"],
            ),
        }),
        Operation::Update if record.id.is_null() => Err(NoTarget::update(RecordError::new(
            "MISSING_ARGUMENT",
            "Id not specified in an update call",
            &["Id"],
        ))),
        Operation::Upsert {
            key: UpsertKey::Id,
            update_only: false,
            ..
        } if record.id.is_null() => Ok(Target::New),
        Operation::Delete => find_by_id(table, &record.id)
            .map(Target::Existing)
            .map_err(|error| NoTarget {
                kind: WriteKind::Delete,
                error,
            }),
        Operation::Update
        | Operation::Upsert {
            key: UpsertKey::Id, ..
        } => find_by_id(table, &record.id)
            .map(Target::Existing)
            .map_err(NoTarget::update),
        Operation::Upsert {
            key: UpsertKey::Field(field),
            update_only,
            ..
        } => find_by_field(state, table, field, *update_only, record).map_err(NoTarget::update),
        Operation::Upsert {
            key: UpsertKey::Refused(name),
            ..
        } => Err(NoTarget::update(RecordError::new(
            "INVALID_FIELD",
            no_key_message(name, record.object.name()),
            &[],
        ))),
    }
}

/// Returns the record that the one at `position` of a call changes or deletes.
pub(crate) fn existing<'state>(
    state: &'state OrgState,
    request: &WriteRequest,
    position: usize,
) -> Option<&'state Record> {
    let record = request.records.get(position)?;
    match find(state, &request.operation, record) {
        Ok(Target::Existing(slot)) => Some(state.table(record.object).record(slot)),
        Ok(Target::New) | Err(_) => None,
    }
}

/// Names the record that is at `target`, or will be; none, if its call does not tell it from others.
pub(super) fn record_key(
    state: &OrgState,
    operation: &Operation,
    record: &Submitted,
    target: Target,
) -> Option<RecordKey> {
    match (target, operation) {
        (Target::Existing(slot), _) => Some(RecordKey::Id(state.table(record.object).record(slot).id)),
        (
            Target::New,
            Operation::Upsert {
                key: UpsertKey::Field(field),
                ..
            },
        ) => Some(RecordKey::New {
            object: record.object,
            field: field.name.clone(),
            value: compared(field, record.value(field))?.into_owned(),
        }),
        (Target::New, _) => None,
    }
}

/// Returns the key field of an upsert by a field that no two records hold the same value in.
pub(super) fn unique_key(operation: &Operation) -> Option<&Field> {
    match operation {
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } if field.unique => Some(field),
        Operation::Create | Operation::Update | Operation::Delete | Operation::Upsert { .. } => None,
    }
}

/// Returns, for each record whose key was new when the call was received and is another call's by now, the
/// error it fails with. Source: salesforce-contract.md §2.5.
pub(super) fn raced(state: &OrgState, request: &WriteRequest) -> Vec<Option<RecordError>> {
    let key =
        unique_key(&request.operation).filter(|_| state.switches().upsert_race == UpsertRace::DuplicateValue);
    request
        .records
        .iter()
        .map(|record| {
            let key = key.filter(|_| record.was_new)?;
            match find(state, &request.operation, record) {
                Ok(Target::Existing(slot)) => Some(duplicate_value(
                    state,
                    key,
                    state.table(record.object).record(slot).id,
                )),
                Ok(Target::New) | Err(_) => None,
            }
        })
        .collect()
}

/// What names a record in its call, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum SentKey<'request> {
    Id(RecordId),
    /// Of the key field of the upsert.
    Value(Cow<'request, str>),
}

/// Returns, for each record whose key appears more than once in the call, the error it fails with.
/// Source: salesforce-contract.md §2.5 and §10.
pub(super) fn repeated(request: &WriteRequest, switch: RepeatedKey) -> Vec<Option<RecordError>> {
    if switch == RepeatedKey::LastWins {
        return vec![None; request.records.len()];
    }
    let keys: Vec<Option<SentKey<'_>>> = request
        .records
        .iter()
        .map(|record| sent_key(&request.operation, record))
        .collect();
    let mut occurrences: FxHashMap<&SentKey<'_>, usize> = FxHashMap::default();
    for key in keys.iter().flatten() {
        *occurrences.entry(key).or_default() += 1;
    }
    let mut seen = FxHashSet::default();
    request
        .records
        .iter()
        .zip(&keys)
        .map(|(record, key)| {
            let key = key.as_ref()?;
            let is_repeated = *occurrences.get(key)? > 1;
            let is_spared = is_repeated && switch == RepeatedKey::FailAllButFirst && seen.insert(key);
            (is_repeated && !is_spared).then(|| repeated_error(&request.operation, record))
        })
        .collect()
}

fn sent_key<'request>(operation: &Operation, record: &'request Submitted) -> Option<SentKey<'request>> {
    match operation {
        Operation::Create
        | Operation::Upsert {
            key: UpsertKey::Refused(_),
            ..
        } => None,
        Operation::Update
        | Operation::Delete
        | Operation::Upsert {
            key: UpsertKey::Id, ..
        } => RecordId::parse(record.id.as_str()?).map(SentKey::Id),
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } => compared(field, record.value(field)).map(SentKey::Value),
    }
}

fn repeated_error(operation: &Operation, record: &Submitted) -> RecordError {
    let (kind, field, value) = match operation {
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } => ("external id", field.name.as_str(), record.value(field)),
        Operation::Create | Operation::Update | Operation::Delete | Operation::Upsert { .. } => {
            ("id", "Id", &record.id)
        }
    };
    let message = format!("Duplicate {kind} specified: {}", value.plain());
    RecordError::new("DUPLICATE_VALUE", message, &[field])
}

fn find_by_id(table: &Table, id: &Scalar) -> Result<Slot, RecordError> {
    let malformed = || RecordError::malformed_id(&format!("{} ID", table.object.name()), &id.plain(), "Id");
    let id = id
        .as_str()
        .and_then(|text| RecordId::parse_of(table.object.key_prefix(), text))
        .ok_or_else(malformed)?;
    table.find(id).ok_or_else(RecordError::unknown_id)
}

fn find_by_field(
    state: &OrgState,
    table: &Table,
    field: &Field,
    update_only: bool,
    record: &Submitted,
) -> Result<Target, RecordError> {
    if !record.id.is_null() {
        let message = format!(
            "cannot specify both an external ID reference {} and a salesforce id, Id",
            field.name
        );
        return Err(RecordError::new("INVALID_FIELD", message, &["Id"]));
    }
    let value = value::check(field, record.value(field).clone())?;
    if value.is_null() {
        return Err(RecordError::new(
            "MISSING_ARGUMENT",
            format!("{} not specified", field.name),
            &[],
        ));
    }
    let mut found = table.find_by(field, &value);
    // What the user cannot see is not matched.
    found.retain(|slot| state.rules.is_visible(table.record(*slot).id));
    match found.as_slice() {
        [] if update_only => Err(RecordError::new(
            "NOT_FOUND",
            "The requested resource does not exist",
            &[],
        )),
        [] => Ok(Target::New),
        [slot] => Ok(Target::Existing(*slot)),
        several => Err(ambiguous(table, field, several)),
    }
}

impl NoTarget {
    fn update(error: RecordError) -> Self {
        Self {
            kind: WriteKind::Update,
            error,
        }
    }
}
