//! The resources that only tell: versions, resources, one record.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::route::VERSIONS;
use super::{ApiRequest, many, reply};
use crate::ids::RecordId;
use crate::org::{OrgState, Record, Table};
use crate::refusal::CallError;
use crate::schema::{Field, ObjectName};
use crate::setup::Viewer;

/// The API version of Summer '19, from which seasons are counted.
const SUMMER_19: u32 = 46;

/// Answers `GET /services/data/`: free of charge and without a session.
/// Source: salesforce-contract.md §4.1 and §8.
pub(super) fn versions(request: &ApiRequest) -> Response {
    if let Err(error) = request.route.resource.check_method(&request.parts.method) {
        return reply::call_error(&error);
    }
    let versions: Vec<Value> = VERSIONS
        .map(|version| {
            json!({
                "label": season(version),
                "url": format!("/services/data/v{version}.0"),
                "version": format!("{version}.0"),
            })
        })
        .collect();
    reply::ok(&Value::Array(versions))
}

/// Answers `GET /services/data/vNN.0/`: where the resources are that are served, or some below them, and who asks.
/// `/composite` is a resource of its own, which is not served.
pub(super) fn resources(request: &ApiRequest, identity_url: String) -> Response {
    let base = format!("/services/data/{}", request.route.version);
    let named = [
        ("tooling", "tooling"),
        ("jobs", "jobs"),
        ("query", "query"),
        ("queryAll", "queryAll"),
        ("sobjects", "sobjects"),
        ("limits", "limits"),
    ];
    let mut resources: Map<String, Value> = named
        .into_iter()
        .map(|(name, path)| (name.to_owned(), json!(format!("{base}/{path}"))))
        .collect();
    resources.insert("identity".to_owned(), identity_url.into());
    reply::ok(&Value::Object(resources))
}

/// Answers `GET …/sobjects/{object}/{id}`, all fields or those of `?fields=`.
pub(super) fn record(
    state: &OrgState,
    request: &ApiRequest,
    object: &str,
    id: &str,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
    let table = state.table(object);
    let record = RecordId::parse_of(object.key_prefix(), id)
        .filter(|id| state.rules.is_visible(*id))
        .and_then(|id| table.find(id))
        .map(|slot| table.record(slot))
        .ok_or_else(CallError::no_such_resource)?;
    if record.is("IsDeleted") {
        return Err(CallError::new(
            StatusCode::NOT_FOUND,
            "ENTITY_IS_DELETED",
            "entity is deleted",
        ));
    }
    let fields: Vec<Arc<Field>> = match request.query("fields") {
        Some(names) => names
            .split(',')
            .map(|name| {
                let name = name.trim();
                let field = state.seen_field(object, name, viewer);
                field.ok_or_else(|| CallError::no_such_column(name, object.name()))
            })
            .collect::<Result<_, _>>()?,
        None => state.seen_fields(object, viewer).into_owned(),
    };
    many::shown_if_changed(request, record, || {
        shown(table, record, &fields, &request.route.version)
    })
}

/// Returns a record as the API shows it: its attributes, then the fields asked for, nulls too.
pub(super) fn shown(table: &Table, record: &Record, fields: &[Arc<Field>], version: &str) -> Value {
    let object = table.object.name();
    let mut members = Map::new();
    members.insert(
        "attributes".to_owned(),
        reply::attributes(version, "sobjects", object, record.id),
    );
    for field in fields {
        members.insert(field.name.clone(), record.value(field));
    }
    Value::Object(members)
}

/// Names a version by its release, three a year.
fn season(version: u32) -> String {
    let releases = version - SUMMER_19;
    let season = ["Summer", "Winter", "Spring"][releases as usize % 3];
    format!("{season} '{}", 19 + releases.div_ceil(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_named_by_their_season() {
        assert_eq!(season(46), "Summer '19");
        assert_eq!(season(47), "Winter '20");
        assert_eq!(season(67), "Summer '26");
    }
}
