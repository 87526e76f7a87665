//! The setup objects of the REST API: permission sets, their grants, users. Source: salesforce-contract.md §6.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::session::Caller;
use super::{ApiRequest, describe, reply};
use crate::ids::RecordId;
use crate::org::{Org, OrgState};
use crate::refusal::CallError;
use crate::setup::{self, SetupError, SetupObject};

/// A path under `…/sobjects/{object}` of a setup object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetupResource {
    pub object: SetupObject,
    /// None means the object itself.
    pub id: Option<String>,
}

impl SetupResource {
    /// Reads the path after the version; describe is everybody's.
    pub(super) fn parse(path: &[&str]) -> Option<Self> {
        let (object, id) = match path {
            ["sobjects", object] => (object, None),
            ["sobjects", object, id] if *id != "describe" => (object, Some((*id).to_owned())),
            _ => return None,
        };
        let object = SetupObject::parse(object)?;
        Some(Self { object, id })
    }

    /// Tells whether a request with `method` creates, changes or deletes a record.
    pub(super) fn is_written_by(&self, method: &Method) -> bool {
        self.object.is_createable()
            && match self.id {
                None => *method == Method::POST,
                Some(_) => [Method::PATCH, Method::DELETE].contains(method),
            }
    }

    pub(super) fn methods(&self) -> &'static [&'static str] {
        match (self.object.is_createable(), &self.id) {
            (true, None) => &["GET", "HEAD", "POST"],
            (true, Some(_)) => &["DELETE", "GET", "HEAD", "PATCH"],
            (false, _) => &["GET", "HEAD"],
        }
    }
}

/// Answers one call; its method is one of [`SetupResource::methods`].
pub(super) fn answer(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    resource: &SetupResource,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response, CallError> {
    let object = resource.object;
    let viewer = caller.viewer(now);
    let is_read = [Method::GET, Method::HEAD].contains(&request.parts.method);
    if !is_read && !caller.user.permissions.customize_application {
        return Err(CallError::insufficient_access());
    }
    let written = match (&resource.id, &request.parts.method) {
        (None, &Method::POST) => {
            let members = reply::object(request)?;
            setup::create(state, object, &members, viewer).map(|id| {
                let body = json!({"id": id.to_string(), "success": true, "errors": []});
                reply::json(StatusCode::CREATED, &body)
            })
        }
        (Some(id), &Method::PATCH) => {
            let members = reply::object(request)?;
            setup::change(state, object, id, &members, viewer).map(|()| reply::empty(StatusCode::NO_CONTENT))
        }
        (Some(id), &Method::DELETE) => {
            setup::delete(state, object, id, viewer).map(|()| reply::empty(StatusCode::NO_CONTENT))
        }
        (Some(id), _) => return record(org, state, request, object, id),
        (None, _) => return Ok(describe::setup_object(object, &request.route.version)),
    };
    match written {
        Ok(response) => Ok(response),
        Err(SetupError::Call(error)) => Err(error),
        Err(SetupError::Record(error)) => Ok(reply::json(
            StatusCode::BAD_REQUEST,
            &json!([{"message": error.message, "errorCode": error.status_code, "fields": error.fields}]),
        )),
    }
}

fn record(
    org: &Org,
    state: &OrgState,
    request: &ApiRequest,
    object: SetupObject,
    id: &str,
) -> Result<Response, CallError> {
    let id = RecordId::parse_of(object.key_prefix(), id);
    let record = setup::rows(org, state, object)
        .into_iter()
        .find(|record| Some(record.id) == id)
        .ok_or_else(CallError::no_such_resource)?;
    let fields: Vec<_> = match request.query("fields") {
        Some(names) => names
            .split(',')
            .map(|name| {
                let field = object.field(name.trim());
                field.ok_or_else(|| CallError::no_such_column(name.trim(), object.name()))
            })
            .collect::<Result<_, _>>()?,
        None => object.fields().iter().collect(),
    };
    let mut members = Map::new();
    members.insert(
        "attributes".to_owned(),
        reply::attributes(&request.route.version, "sobjects", object.name(), record.id),
    );
    for field in fields {
        members.insert(field.name.clone(), setup::value(&record, field));
    }
    Ok(reply::ok(&Value::Object(members)))
}
