//! Rules about records: set up, listed and taken away.

mod list;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminError, AdminResult, answer, object, org, read};
use crate::ids::{RecordId, record_id};
use crate::org::{
    ASSIGNMENT_RULE_PREFIX, AssignmentRule, Condition, DuplicateAction, DuplicateRule, OrgState,
    RECORD_TYPE_PREFIX, ValidationRule,
};
use crate::schema::{Field, ObjectName, RecordType};
use crate::value;
use crate::world::World;

pub(super) use list::{assignments, duplicates, record_types, validations};

/// The body of `POST …/duplicate-rules`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDuplicateRule {
    object: String,
    /// `Standard_Lead_Duplicate_Rule` and the like, unless given.
    name: Option<String>,
    match_fields: Vec<String>,
    action: DuplicateAction,
    #[serde(default = "default_alert")]
    message: String,
}

/// The body of `POST …/validation-rules`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewValidationRule {
    object: String,
    field: String,
    when: When,
    /// Of `equals`.
    value: Option<Value>,
    message: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    Equals,
    IsBlank,
}

/// The body of `POST …/assignment-rules`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAssignmentRule {
    #[serde(default = "lead")]
    object: String,
    /// A username.
    owner: String,
    #[serde(default = "yes")]
    active: bool,
}

/// The body of `POST …/record-types`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRecordType {
    object: String,
    /// The developer name.
    name: String,
    /// The name, unless given.
    label: Option<String>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default = "yes")]
    available: bool,
    #[serde(default)]
    default: bool,
}

pub(super) async fn add_duplicate(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewDuplicateRule = read(&body)?;
    let object = object(&new.object)?;
    let mut state = org.state();
    if new.match_fields.is_empty() {
        return Err(AdminError::bad_request(
            "match_fields names no field; give at least one",
        ));
    }
    let match_fields = new
        .match_fields
        .iter()
        .map(|name| Ok(field(&state, object, name)?.name.clone()))
        .collect::<Result<_, AdminError>>()?;
    let default_name = || format!("Standard_{}_Duplicate_Rule", object.name());
    state.rules.duplicates.push(DuplicateRule {
        object,
        name: new.name.unwrap_or_else(default_name),
        match_fields,
        action: new.action,
        message: new.message,
    });
    Ok(answer(StatusCode::CREATED, &json!({})))
}

pub(super) async fn clear_duplicates(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    org(&world, &host)?.state().rules.duplicates.clear();
    Ok(answer(StatusCode::OK, &json!({})))
}

pub(super) async fn add_validation(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewValidationRule = read(&body)?;
    let object = object(&new.object)?;
    let mut state = org.state();
    let field = field(&state, object, &new.field)?;
    let condition = match (new.when, new.value) {
        (When::IsBlank, None) => Condition::IsBlank,
        (When::IsBlank, Some(_)) => {
            return Err(AdminError::bad_request(
                "value is given, but is_blank takes none; leave it out",
            ));
        }
        (When::Equals, None | Some(Value::Null)) => {
            return Err(AdminError::bad_request("value is missing; equals needs it"));
        }
        (When::Equals, Some(given)) => {
            let invalid = |problem: String| AdminError::bad_request(format!("value: {problem}"));
            let read = value::read(field, &given).map_err(|error| invalid(error.message))?;
            let stored = value::check(field, read).map_err(|error| invalid(error.message))?;
            Condition::Equals(stored)
        }
    };
    let rule = ValidationRule {
        object,
        field: field.name.clone(),
        condition,
        message: new.message,
    };
    state.rules.validations.push(rule);
    Ok(answer(StatusCode::CREATED, &json!({})))
}

pub(super) async fn clear_validations(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    org(&world, &host)?.state().rules.validations.clear();
    Ok(answer(StatusCode::OK, &json!({})))
}

/// Adds a rule and answers its id, which `Sforce-Auto-Assign` may name.
pub(super) async fn add_assignment(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewAssignmentRule = read(&body)?;
    if object(&new.object)? != ObjectName::Lead {
        return Err(AdminError::bad_request(format!(
            "object {} has no assignment rules; use Lead",
            new.object
        )));
    }
    let mut state = org.state();
    let owner = state.directory.user(&new.owner).ok_or_else(|| {
        AdminError::bad_request(format!(
            "owner {} is no user of the org; use the username of one",
            new.owner
        ))
    })?;
    let id = made_id(ASSIGNMENT_RULE_PREFIX, state.rules.assignments.len());
    state.rules.add_assignment(AssignmentRule {
        id,
        owner: org.user_id(&owner.username),
        active: new.active,
    });
    Ok(answer(StatusCode::CREATED, &json!({"id": id.to_string()})))
}

pub(super) async fn clear_assignments(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    org(&world, &host)?.state().rules.assignments.clear();
    Ok(answer(StatusCode::OK, &json!({})))
}

/// Adds a record type and answers its id.
pub(super) async fn add_record_type(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewRecordType = read(&body)?;
    let object = object(&new.object)?;
    if new.default && !(new.active && new.available) {
        return Err(AdminError::bad_request(format!(
            "default record type {} is not active and available; it must be both",
            new.name
        )));
    }
    let mut state = org.state();
    let types_of = |object: ObjectName| state.table(object).schema().record_types();
    if types_of(object)
        .iter()
        .any(|other| other.developer_name == new.name)
    {
        return Err(AdminError::conflict(format!(
            "a record type {} of {} exists",
            new.name,
            object.name()
        )));
    }
    let existing = ObjectName::ALL
        .into_iter()
        .map(|object| types_of(object).len())
        .sum();
    let id = made_id(RECORD_TYPE_PREFIX, existing);
    let record_type = RecordType {
        id,
        label: new.label.unwrap_or_else(|| new.name.clone()),
        developer_name: new.name,
        active: new.active,
        available: new.available,
        default: new.default,
    };
    state
        .table_mut(object)
        .put_record_type(record_type, world.clock.now());
    Ok(answer(StatusCode::CREATED, &json!({"id": id.to_string()})))
}

fn field<'state>(
    state: &'state OrgState,
    object: ObjectName,
    name: &str,
) -> Result<&'state Field, AdminError> {
    let field = state.table(object).schema().field(name);
    field
        .map(AsRef::as_ref)
        .ok_or_else(|| AdminError::bad_request(format!("{} has no field {name}", object.name())))
}

fn made_id(prefix: &str, existing: usize) -> RecordId {
    RecordId::parse(&record_id(prefix, existing as u64 + 1)).expect("record_id returns valid ids")
}

/// Source: salesforce-contract.md §2.8.
fn default_alert() -> String {
    "Use one of these records?".to_owned()
}

fn lead() -> String {
    ObjectName::Lead.name().to_owned()
}

fn yes() -> bool {
    true
}
