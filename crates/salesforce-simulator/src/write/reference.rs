//! Lookups: the record that an id or the key of a parent names must exist. Source: salesforce-contract.md
//! §3.4 and §9.

use super::parent::Parent;
use crate::ids::RecordId;
use crate::org::{OrgState, RECORD_TYPE_PREFIX, Slot, Table};
use crate::refusal::RecordError;
use crate::schema::{Field, ObjectName};
use crate::value::{self, Scalar};

/// Fails unless the record named by `id`, which `field` of a record in `table` is to hold, can be referred to.
///
/// Objects that the simulator does not hold (queues, individuals) are known by their prefix alone.
pub(super) fn check(state: &OrgState, table: &Table, field: &Field, id: &Scalar) -> Result<(), RecordError> {
    let Some(id) = id.as_str().and_then(RecordId::parse) else {
        return Ok(());
    };
    if id.short().starts_with(RECORD_TYPE_PREFIX) {
        return check_record_type(table, field, id);
    }
    if id.short().starts_with("005") {
        return check_user(state, table, field, id);
    }
    let Some(object) = ObjectName::of_id(id) else {
        return Ok(());
    };
    let slot = state.table(object).find(id).ok_or_else(RecordError::unknown_id)?;
    if state.table(object).record(slot).is("IsDeleted") {
        return Err(RecordError::deleted());
    }
    if !state.rules.is_visible(id) {
        return Err(RecordError::no_access_to(id));
    }
    Ok(())
}

/// Returns the id of the record that `parent` names.
pub(super) fn resolve(state: &OrgState, parent: &Parent) -> Result<Scalar, RecordError> {
    let table = state.table(parent.object);
    let found = match value::check(&parent.key, parent.value.clone()) {
        Ok(value) => table.find_by(&parent.key, &value),
        // What the key cannot hold, no record has.
        Err(_) => Vec::new(),
    };
    match found.as_slice() {
        [] => Err(RecordError::new(
            "INVALID_FIELD",
            format!(
                "Foreign key external ID: {} not found for field {} in entity {}",
                parent.value.plain(),
                parent.key.name,
                parent.object.name()
            ),
            &[],
        )),
        [slot] => Ok(table.record(*slot).id.to_string().into()),
        several => Err(ambiguous(table, &parent.key, several)),
    }
}

/// Source: salesforce-contract.md §2.5 and §3.4.
pub(super) fn ambiguous(table: &Table, key: &Field, found: &[Slot]) -> RecordError {
    let ids: Vec<String> = found
        .iter()
        .map(|slot| table.record(*slot).id.to_string())
        .collect();
    let message = format!(
        "{}: more than one record found for external id field: [{}]",
        key.label,
        ids.join(", ")
    );
    RecordError::new("DUPLICATE_EXTERNAL_ID", message, &[&key.name])
}

/// Fails when `owner` may own nothing. Source: salesforce-contract.md §3.4; the words were seen in the wild.
pub(super) fn check_owner(state: &OrgState, object: ObjectName, owner: RecordId) -> Result<(), RecordError> {
    match state.directory.user_by_id(owner) {
        Some(user) if user.active => Ok(()),
        Some(_) => Err(RecordError::new(
            "INACTIVE_OWNER_OR_USER",
            format!(
                "operation performed with inactive user [{owner}] as owner of {}",
                object.name().to_lowercase()
            ),
            &[],
        )),
        None => Err(RecordError::unknown_id()),
    }
}

fn check_user(state: &OrgState, table: &Table, field: &Field, user: RecordId) -> Result<(), RecordError> {
    if field.name == "OwnerId" {
        return check_owner(state, table.object, user);
    }
    match state.directory.user_by_id(user) {
        Some(_) => Ok(()),
        None => Err(RecordError::unknown_id()),
    }
}

fn check_record_type(table: &Table, field: &Field, id: RecordId) -> Result<(), RecordError> {
    let is_usable = table
        .schema()
        .record_types()
        .iter()
        .any(|record_type| record_type.id == id && record_type.active && record_type.available);
    if is_usable {
        return Ok(());
    }
    let message = format!("{}: this ID value isn't valid for the user: {id}", field.label);
    Err(RecordError::new(
        "INVALID_CROSS_REFERENCE_KEY",
        message,
        &[&field.name],
    ))
}
