//! Which record of the org a submitted record means. Source: salesforce-contract.md §2.4 and §2.5.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::request::{Operation, UpsertKey, WriteRequest};
use super::submitted::Submitted;
use crate::ids::RecordId;
use crate::org::{OrgState, RecordKey, Slot, Table, WriteKind, compared};
use crate::refusal::RecordError;
use crate::schema::Field;
use crate::value;

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
    pub(super) fn kind(self) -> WriteKind {
        match self {
            Self::New => WriteKind::Create,
            Self::Existing(_) => WriteKind::Update,
        }
    }
}

/// Finds the record that `record` means.
pub(super) fn find(table: &Table, operation: &Operation, record: &Submitted) -> Result<Target, NoTarget> {
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
        } => find_by_field(table, field, *update_only, record).map_err(NoTarget::update),
    }
}

/// Returns the records that a call names, as far as they can be told before it is applied.
pub(crate) fn in_flight_keys(state: &OrgState, request: &WriteRequest) -> HashSet<RecordKey> {
    request
        .records
        .iter()
        .filter_map(|record| {
            let table = state.table(record.object);
            match find(table, &request.operation, record) {
                Ok(Target::Existing(slot)) => Some(RecordKey::Id(table.record(slot).id)),
                Ok(Target::New) => {
                    let (field, value) = sent_key(&request.operation, record)?;
                    Some(RecordKey::New {
                        object: record.object,
                        field,
                        value,
                    })
                }
                Err(_) => None,
            }
        })
        .collect()
}

/// Returns, for each record whose key appears more than once in the call, the error it fails with.
/// Every occurrence fails. Source: salesforce-contract.md §2.5.
pub(super) fn repeated(request: &WriteRequest) -> Vec<Option<RecordError>> {
    let keys: Vec<Option<(String, String)>> = request
        .records
        .iter()
        .map(|record| sent_key(&request.operation, record))
        .collect();
    let mut occurrences: HashMap<&(String, String), usize> = HashMap::new();
    for key in keys.iter().flatten() {
        *occurrences.entry(key).or_default() += 1;
    }
    request
        .records
        .iter()
        .zip(&keys)
        .map(|(record, key)| {
            let occurrences = occurrences.get(key.as_ref()?)?;
            (*occurrences > 1).then(|| repeated_error(&request.operation, record))
        })
        .collect()
}

/// Returns the field and value by which a record was named in the call, as they are compared.
fn sent_key(operation: &Operation, record: &Submitted) -> Option<(String, String)> {
    match operation {
        Operation::Create => None,
        Operation::Update
        | Operation::Upsert {
            key: UpsertKey::Id, ..
        } => {
            let id = RecordId::parse(record.id.as_str()?)?;
            Some(("Id".to_owned(), id.short().to_owned()))
        }
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } => compared(field, record.value(field)).map(|value| (field.name.clone(), value)),
    }
}

fn repeated_error(operation: &Operation, record: &Submitted) -> RecordError {
    let (kind, field, value) = match operation {
        Operation::Upsert {
            key: UpsertKey::Field(field),
            ..
        } => ("external id", field.name.as_str(), record.value(field)),
        Operation::Create
        | Operation::Update
        | Operation::Upsert {
            key: UpsertKey::Id, ..
        } => ("id", "Id", &record.id),
    };
    let message = format!("Duplicate {kind} specified: {}", plain(value));
    RecordError::new("DUPLICATE_VALUE", message, &[field])
}

fn find_by_id(table: &Table, id: &Value) -> Result<Slot, RecordError> {
    let malformed = || RecordError::malformed_id(&format!("{} ID", table.object.name()), &plain(id), "Id");
    let id = id
        .as_str()
        .and_then(|text| RecordId::parse_of(table.object.key_prefix(), text))
        .ok_or_else(malformed)?;
    table.find(id).ok_or_else(RecordError::unknown_id)
}

fn find_by_field(
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
    match table.find_by(field, &value).as_slice() {
        [] if update_only => Err(RecordError::new(
            "NOT_FOUND",
            "The requested resource does not exist",
            &[],
        )),
        [] => Ok(Target::New),
        [slot] => Ok(Target::Existing(*slot)),
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|slot| table.record(*slot).id.to_string())
                .collect();
            let message = format!(
                "{}: more than one record found for external id field: [{}]",
                field.label,
                ids.join(", ")
            );
            Err(RecordError::new("DUPLICATE_EXTERNAL_ID", message, &[&field.name]))
        }
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

/// Returns text without its quotes, and anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
