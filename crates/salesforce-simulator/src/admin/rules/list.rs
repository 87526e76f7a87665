//! Rules listed, in the form in which they were set up.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::{AdminResult, answer, org};
use crate::org::{Condition, DuplicateRule, ValidationRule};
use crate::schema::{ObjectName, RecordType};
use crate::world::World;

pub(in super::super) async fn duplicates(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let rules: Vec<Value> = state.rules.duplicates.iter().map(duplicate).collect();
    Ok(answer(StatusCode::OK, &rules))
}

pub(in super::super) async fn validations(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let rules: Vec<Value> = state.rules.validations.iter().map(validation).collect();
    Ok(answer(StatusCode::OK, &rules))
}

pub(in super::super) async fn assignments(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let rules: Vec<Value> = state
        .rules
        .assignments
        .iter()
        .map(|rule| {
            let owner = state.directory.user_by_id(rule.owner);
            json!({
                "id": rule.id.to_string(),
                "object": ObjectName::Lead.name(),
                "owner": owner.map(|user| &user.username),
                "active": rule.active,
            })
        })
        .collect();
    Ok(answer(StatusCode::OK, &rules))
}

pub(in super::super) async fn record_types(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let types: Vec<Value> = ObjectName::ALL
        .into_iter()
        .flat_map(|object| {
            let types = state.table(object).schema().record_types();
            types.iter().map(move |one| record_type(object, one))
        })
        .collect();
    Ok(answer(StatusCode::OK, &types))
}

fn duplicate(rule: &DuplicateRule) -> Value {
    json!({
        "object": rule.object.name(),
        "name": rule.name,
        "match_fields": rule.match_fields,
        "action": rule.action,
        "message": rule.message,
    })
}

fn validation(rule: &ValidationRule) -> Value {
    let mut shown = json!({"object": rule.object.name(), "field": rule.field});
    match &rule.condition {
        Condition::Equals(value) => {
            shown["when"] = json!("equals");
            shown["value"] = Value::from(value);
        }
        Condition::IsBlank => shown["when"] = json!("is_blank"),
    }
    shown["message"] = json!(rule.message);
    shown
}

fn record_type(object: ObjectName, record_type: &RecordType) -> Value {
    json!({
        "id": record_type.id.to_string(),
        "object": object.name(),
        "name": record_type.developer_name,
        "label": record_type.label,
        "active": record_type.active,
        "available": record_type.available,
        "default": record_type.default,
    })
}
