//! Writing one record under `…/sobjects/{object}`. Source: salesforce-contract.md §2.5, §2.8, §3.2 and §9.

use std::sync::Arc;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::conditions::Conditions;
use super::route::Resource;
use super::{ApiRequest, duplicates, reply};
use crate::ids::RecordId;
use crate::org::{OrgState, Slot, WriteKind};
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, ObjectName};
use crate::setup::Viewer;
use crate::value::{self, Scalar};
use crate::write::{self, Operation, RecordResult, UpsertKey, WriteRequest, no_such_key};

/// How a single-record write is answered.
#[derive(Debug)]
pub(super) struct Single {
    version: String,
    /// The key and value of the URI.
    key: Option<(Arc<Field>, Scalar)>,
    conditions: Conditions,
}

/// Reads a single-record write.
///
/// # Errors
/// What is wrong with the path or the body.
pub(super) fn read_write(
    state: &OrgState,
    request: &ApiRequest,
) -> Result<(WriteRequest, Single), CallError> {
    let mut single = Single {
        version: request.route.version.clone(),
        key: None,
        conditions: Conditions::of(request),
    };
    let object = match &request.route.resource {
        Resource::Records { object }
        | Resource::Record { object, .. }
        | Resource::RecordByKey { object, .. } => ObjectName::parse(object),
        _ => None,
    };
    let object = object.ok_or_else(CallError::no_such_resource)?;
    let body = request.body.as_ref();
    let write = match (&request.route.resource, &request.parts.method) {
        (Resource::Records { .. }, _) => WriteRequest::of_one(state, Operation::Create, object, body)?,
        (Resource::Record { .. }, &Method::POST) => {
            let operation = Operation::Upsert {
                object,
                key: UpsertKey::Id,
                update_only: false,
            };
            let write = WriteRequest::of_one(state, operation, object, body)?;
            refuse_in_body("Id", !write.records[0].id.is_null())?;
            write
        }
        (Resource::Record { id, .. }, &Method::DELETE) => {
            find(state, object, id)?;
            WriteRequest::of_deletes(state, &[id], false)?
        }
        (Resource::Record { id, .. }, _) => {
            find(state, object, id)?;
            let mut write = WriteRequest::of_one(state, Operation::Update, object, body)?;
            refuse_in_body("Id", !write.records[0].id.is_null())?;
            write.records[0].id = id.as_str().into();
            write
        }
        (Resource::RecordByKey { key, value, .. }, &Method::DELETE) => {
            let key = key_field(state, object, key)?;
            let value = value::read(&key, value.as_str())?;
            let table = state.table(object);
            let found = matches(state, object, &key, &value);
            let (Some(first), several) = (found.first(), found.len() > 1) else {
                return Err(CallError::no_such_resource());
            };
            let mut write = WriteRequest::of_deletes(state, &[&table.record(*first).id.to_string()], false)?;
            if several {
                write.records[0].refused = Some(RecordError::ambiguous_key());
            }
            single.key = Some((key, value));
            write
        }
        (Resource::RecordByKey { key, value, .. }, _) => {
            read_upsert(state, request, object, key, value, &mut single)?
        }
        _ => return Err(CallError::no_such_resource()),
    };
    Ok((write, single))
}

/// Returns the records that hold `value` in `key` and that the user can see.
pub(super) fn matches(state: &OrgState, object: ObjectName, key: &Field, value: &Scalar) -> Vec<Slot> {
    let table = state.table(object);
    let mut found = value::check(key, value.clone())
        .map(|value| table.find_by(key, &value))
        .unwrap_or_default();
    found.retain(|slot| state.rules.is_visible(table.record(*slot).id));
    found
}

/// Finds a key field of a path. Source: salesforce-contract.md §3.2.
pub(super) fn key_field(state: &OrgState, object: ObjectName, name: &str) -> Result<Arc<Field>, CallError> {
    let field = state.table(object).schema().field(name);
    field
        .filter(|field| field.is_upsert_key() && field.name != "Id")
        .cloned()
        .ok_or_else(|| no_such_key(name))
}

/// Fails with 404 for a key field that is hidden from `viewer`. Source: salesforce-contract.md §2.6.
pub(super) fn check_seen(
    state: &OrgState,
    object: ObjectName,
    key: &Field,
    viewer: Viewer,
) -> Result<(), CallError> {
    match state.seen_field(object, &key.name, viewer) {
        Some(_) => Ok(()),
        None => Err(no_such_key(&key.name)),
    }
}

/// Returns the answer where several records hold the key: their URLs. Source: salesforce-contract.md §2.5.
pub(super) fn choices(state: &OrgState, object: ObjectName, found: &[Slot], version: &str) -> Response {
    let table = state.table(object);
    let urls: Vec<String> = found
        .iter()
        .map(|slot| reply::url(version, "sobjects", object.name(), table.record(*slot).id))
        .collect();
    reply::json(StatusCode::MULTIPLE_CHOICES, &json!(urls))
}

impl Single {
    /// Fails with 404 when the key of the path is hidden from the caller: it is as good as none
    /// (salesforce-contract.md §2.6).
    pub(super) fn check_key(
        &self,
        state: &OrgState,
        write: &WriteRequest,
        viewer: Viewer,
    ) -> Result<(), CallError> {
        match &self.key {
            Some((key, _)) => check_seen(state, write.records[0].object, key, viewer),
            None => Ok(()),
        }
    }

    /// Fails with 412 when the record that `write` changes is not as the caller knows it.
    pub(super) fn check_conditions(&self, state: &OrgState, write: &WriteRequest) -> Result<(), CallError> {
        match write::existing(state, write, 0) {
            Some(record) => self.conditions.check(record),
            None => Ok(()),
        }
    }

    /// Answers a write that was applied.
    pub(super) fn answer(&self, state: &OrgState, write: &WriteRequest, result: &RecordResult) -> Response {
        let object = write.records[0].object;
        let id = match &result.outcome {
            Ok(id) => *id,
            Err(error) => return self.refuse(state, write, object, error),
        };
        let is_upsert = matches!(write.operation, Operation::Upsert { .. });
        let mut body = json!({"id": id.to_string(), "success": true, "errors": []});
        if is_upsert {
            body["created"] = json!(result.kind == WriteKind::Create);
        }
        match result.kind {
            WriteKind::Create => {
                let mut response = reply::json(StatusCode::CREATED, &body);
                if let Ok(url) =
                    HeaderValue::from_str(&reply::url(&self.version, "sobjects", object.name(), id))
                {
                    response.headers_mut().insert(header::LOCATION, url);
                }
                response
            }
            WriteKind::Update if is_upsert => reply::ok(&body),
            WriteKind::Update | WriteKind::Delete => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
        }
    }

    fn refuse(
        &self,
        state: &OrgState,
        write: &WriteRequest,
        object: ObjectName,
        error: &RecordError,
    ) -> Response {
        if let (Some((key, value)), "DUPLICATE_EXTERNAL_ID") = (&self.key, error.status_code.as_ref()) {
            let found = matches(state, object, key, value);
            return choices(state, object, &found, &self.version);
        }
        let mut element = json!({"message": error.message, "errorCode": error.status_code});
        match &error.duplicates {
            Some(found) => {
                let is_whole = write.options.duplicates.include_record_details;
                element[state.switches().duplicate_details.key()] =
                    duplicates::details(state, found, is_whole, &self.version);
            }
            None => element["fields"] = json!(error.fields),
        }
        reply::json(status_of(&error.status_code), &json!([element]))
    }
}

fn read_upsert(
    state: &OrgState,
    request: &ApiRequest,
    object: ObjectName,
    key: &str,
    value: &str,
    single: &mut Single,
) -> Result<WriteRequest, CallError> {
    let update_only = request.flag("updateOnly");
    let body = request.body.as_ref();
    if key.eq_ignore_ascii_case("Id") {
        let operation = Operation::Upsert {
            object,
            key: UpsertKey::Id,
            update_only,
        };
        find(state, object, value)?;
        let mut write = WriteRequest::of_one(state, operation, object, body)?;
        refuse_in_body("Id", !write.records[0].id.is_null())?;
        write.records[0].id = value.into();
        return Ok(write);
    }
    let key = key_field(state, object, key)?;
    let value = value::read(&key, value)?;
    let operation = Operation::Upsert {
        object,
        key: UpsertKey::Field(Arc::clone(&key)),
        update_only,
    };
    let mut write = WriteRequest::of_one(state, operation, object, body)?;
    let given = write.records[0].names(&key.name);
    refuse_in_body(&key.name, given)?;
    refuse_in_body("Id", !write.records[0].id.is_null())?;
    write.records[0].add_key(&key, &value);
    if update_only && matches(state, object, &key, &value).is_empty() {
        return Err(CallError::no_such_resource());
    }
    single.key = Some((key, value));
    Ok(write)
}

/// Finds the record of a path; a deleted one is found too.
///
/// # Errors
/// 404 for what is no id or names no record, 400 for the id of another object.
fn find(state: &OrgState, object: ObjectName, id: &str) -> Result<Slot, CallError> {
    let parsed = RecordId::parse(id).ok_or_else(|| no_such_key(id))?;
    if ObjectName::of_id(parsed) != Some(object) {
        let message = format!("{} ID: id value of incorrect type: {id}", object.name());
        return Err(CallError::bad_request("MALFORMED_ID", message));
    }
    let found = state.table(object).find(parsed);
    found
        .filter(|_| state.rules.is_visible(parsed))
        .ok_or_else(CallError::no_such_resource)
}

/// The path names the record, the body must not (salesforce-contract.md §9).
fn refuse_in_body(field: &str, is_given: bool) -> Result<(), CallError> {
    if !is_given {
        return Ok(());
    }
    let message = format!("The {field} field should not be specified in the sobject data.");
    Err(CallError::bad_request("INVALID_FIELD", message))
}

/// Returns the HTTP status of an error that a collection would tell in an element.
/// Source: salesforce-contract.md §3.2.
fn status_of(status_code: &str) -> StatusCode {
    match status_code {
        "ENTITY_IS_DELETED" | "NOT_FOUND" => StatusCode::NOT_FOUND,
        "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}
