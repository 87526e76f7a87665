//! What a record will hold, checked by every rule that the org has. Source: salesforce-contract.md §3.4 and
//! §9.

use super::apply::Author;
use super::defaults::defaults;
use super::request::{Assignment, Operation, UpsertKey, WriteRequest};
use super::submitted::Submitted;
use super::target::Target;
use super::{duplicates, person, reference};
use crate::ids::RecordId;
use crate::org::{Access, Condition, OrgState, Record, Slot, Table, ValidationRule, Values, compared};
use crate::refusal::RecordError;
use crate::schema::{Field, FieldType, ObjectName};
use crate::value::{self, Scalar};

/// Returns everything the record will hold.
pub(super) fn values_to_store(
    state: &OrgState,
    request: &WriteRequest,
    record: &Submitted,
    target: Target,
    author: &Author<'_>,
) -> Result<Values, RecordError> {
    let table = state.table(record.object);
    let mut values = match target {
        Target::New => {
            check_room(state)?;
            defaults(table, author)
        }
        Target::Existing(slot) => {
            let existing = table.record(slot);
            check_changeable(state, existing)?;
            existing.values.clone()
        }
    };
    for (field, sent) in &record.fields {
        // The record was found by this value, so it holds it.
        if matches!(target, Target::Existing(_)) && is_key(&request.operation, field) {
            continue;
        }
        check_writable(field, target)?;
        match value::check(field, sent.clone())? {
            Scalar::Null => values.remove(&field.name),
            value => {
                if field.field_type == FieldType::Reference {
                    reference::check(state, table, field, &value)?;
                }
                values.insert(&field.name, value);
            }
        }
    }
    for parent in &record.parents {
        check_writable(&parent.lookup, target)?;
        let id = reference::resolve(state, parent)?;
        reference::check(state, table, &parent.lookup, &id)?;
        values.insert(&parent.lookup.name, id);
    }
    if state.switches().person_accounts {
        person::check(record, target, &mut values)?;
    }
    assign(state, request, record.object, &mut values)?;
    check_required(table, record, target, &values)?;
    check_validations(state, table, &values)?;
    duplicates::check(state, request, record, target, &values)?;
    check_unique(state, table, record, target, &values)?;
    author.stamp(&mut values);
    Ok(values)
}

/// Fails when the API user may not change or delete `existing`. Source: salesforce-contract.md §3.4 and §9.
pub(super) fn check_changeable(state: &OrgState, existing: &Record) -> Result<(), RecordError> {
    if existing.is("IsDeleted") {
        return Err(RecordError::deleted());
    }
    match state.rules.access(existing.id) {
        // Still readable, but the person is a Contact now.
        Access::Full if existing.is("IsConverted") => Err(RecordError::converted()),
        Access::Full => Ok(()),
        Access::Hidden => Err(RecordError::no_access_to(existing.id)),
        Access::ReadOnly => Err(RecordError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
            &[],
        )),
        Access::Locked => Err(RecordError::new(
            "ENTITY_IS_LOCKED",
            "the entity is locked for editing",
            &[],
        )),
    }
}

/// Source: salesforce-contract.md §3.4 (`STORAGE_LIMIT_EXCEEDED`).
fn check_room(state: &OrgState) -> Result<(), RecordError> {
    let Some(most) = state.switches().max_stored_records else {
        return Ok(());
    };
    let stored: usize = ObjectName::ALL
        .into_iter()
        .map(|object| {
            let records = state.table(object).records().iter();
            records.filter(|record| !record.is("IsDeleted")).count()
        })
        .sum();
    if stored < most {
        return Ok(());
    }
    Err(RecordError::new(
        "STORAGE_LIMIT_EXCEEDED",
        "storage limit exceeded",
        &[],
    ))
}

fn is_key(operation: &Operation, field: &Field) -> bool {
    match operation {
        Operation::Upsert {
            key: UpsertKey::Field(key),
            ..
        } => key.name == field.name,
        Operation::Create | Operation::Update | Operation::Delete | Operation::Upsert { .. } => false,
    }
}

fn check_writable(field: &Field, target: Target) -> Result<(), RecordError> {
    let is_writable = match target {
        Target::New => field.createable,
        Target::Existing(_) => field.updateable,
    };
    if is_writable {
        Ok(())
    } else {
        Err(RecordError::not_writable(&field.name))
    }
}

/// Gives a Lead the owner that an assignment rule names. Source: salesforce-contract.md §2.7 (on create and
/// on update).
fn assign(
    state: &OrgState,
    request: &WriteRequest,
    object: ObjectName,
    values: &mut Values,
) -> Result<(), RecordError> {
    if object != ObjectName::Lead {
        return Ok(());
    }
    let mut rules = state.rules.assignments.iter();
    let rule = match request.options.assignment {
        Assignment::ActiveRule => rules.find(|rule| rule.active),
        Assignment::Rule(id) => rules.find(|rule| rule.id == id),
        Assignment::Off => None,
    };
    if let Some(rule) = rule {
        reference::check_owner(state, object, rule.owner)?;
        values.insert("OwnerId", rule.owner.to_string());
    }
    Ok(())
}

/// Source: salesforce-contract.md §3.4 and §9 (null on a required field).
fn check_required(
    table: &Table,
    record: &Submitted,
    target: Target,
    values: &Values,
) -> Result<(), RecordError> {
    let is_new = matches!(target, Target::New);
    // An update can only blank what it names.
    if !is_new && record.fields.iter().all(|(field, _)| field.nillable) {
        return Ok(());
    }
    let is_missing = |field: &Field| {
        let blanked = !field.nillable && record.names(&field.name);
        let required = is_new && field.is_required_on_create();
        // The name of a person is made of its parts.
        let is_made = || field.name == "Name" && person::is_person(values);
        (blanked || required) && !values.contains_key(&field.name) && !is_made()
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

/// Source: salesforce-contract.md §3.4 (`fields` may be empty).
fn check_validations(state: &OrgState, table: &Table, values: &Values) -> Result<(), RecordError> {
    let broken = state
        .rules
        .validations
        .iter()
        .find(|rule| rule.object == table.object && is_broken(rule, table, values));
    match broken {
        Some(rule) => Err(RecordError::new(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            rule.message.clone(),
            &[],
        )),
        None => Ok(()),
    }
}

fn is_broken(rule: &ValidationRule, table: &Table, values: &Values) -> bool {
    let Some(field) = table.schema().field(&rule.field) else {
        return false;
    };
    match (&rule.condition, values.get(&field.name)) {
        (Condition::IsBlank, held) => held.is_none() && field.field_type != FieldType::Boolean,
        (Condition::Equals(expected), Some(held)) => compared(field, expected) == compared(field, held),
        // An absent checkbox is false.
        (Condition::Equals(expected), None) => *expected == Scalar::Bool(false),
    }
}

/// Source: salesforce-contract.md §2.5 and §3.4 (the id has 15 characters, and is not told of a record that
/// the user cannot see).
fn check_unique(
    state: &OrgState,
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
            return Err(duplicate_value(state, field, table.record(slot).id));
        }
    }
    Ok(())
}

/// Returns what a record fails with because `holder` has its value of a unique field already.
pub(super) fn duplicate_value(state: &OrgState, field: &Field, holder: RecordId) -> RecordError {
    let (name, id) = match state.rules.access(holder) {
        Access::Hidden => ("<unknown>", "<unknown>"),
        Access::Full | Access::ReadOnly | Access::Locked => (field.name.as_str(), holder.short()),
    };
    let message = format!("duplicate value found: {name} duplicates value on record with id: {id}");
    RecordError::new("DUPLICATE_VALUE", message, &[])
}
