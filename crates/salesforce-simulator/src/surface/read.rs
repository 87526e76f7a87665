//! The resources that only tell: versions, describe, one record.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::route::VERSIONS;
use super::{ApiRequest, many, reply};
use crate::clock::http_date;
use crate::ids::RecordId;
use crate::org::{Access, OrgState, Record, Table};
use crate::random::hash;
use crate::refusal::CallError;
use crate::schema::{self, Field, ObjectName};

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

/// Answers `GET …/sobjects/{object}/describe`, with 304 if nothing changed since `If-Modified-Since`.
/// Source: salesforce-contract.md §5.
pub(super) fn describe(
    state: &mut OrgState,
    request: &ApiRequest,
    object: &str,
) -> Result<Response, CallError> {
    let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
    state.counters.describe_calls += 1;
    let schema = state.table(object).schema();
    let modified = schema.modified();
    let since = request
        .header(header::IF_MODIFIED_SINCE)
        .and_then(|since| DateTime::parse_from_rfc2822(since).ok());
    let mut response = if since.is_some_and(|since| since >= modified) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        reply::ok(&schema::describe(object, schema, &request.route.version))
    };
    let etag = format!(
        "\"{:08x}\"",
        hash(modified.timestamp().unsigned_abs(), object.name()) & 0xFFFF_FFFF
    );
    add_headers(
        response.headers_mut(),
        [
            (header::ETAG, etag.as_str()),
            (header::LAST_MODIFIED, &http_date(modified)),
            (header::VARY, "Accept-Encoding"),
            (
                header::CACHE_CONTROL,
                "no-cache,must-revalidate,max-age=0,no-store,private",
            ),
        ],
    );
    Ok(response)
}

/// Answers `GET …/sobjects/{object}/{id}`, all fields or those of `?fields=`.
pub(super) fn record(
    state: &OrgState,
    request: &ApiRequest,
    object: &str,
    id: &str,
) -> Result<Response, CallError> {
    let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
    let table = state.table(object);
    let record = RecordId::parse_of(object.key_prefix(), id)
        .filter(|id| state.rules.access(*id) != Access::Hidden)
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
    let fields: Vec<&Field> = match request.query("fields") {
        Some(names) => names
            .split(',')
            .map(|name| {
                let name = name.trim();
                let field = table.schema().field(name).map(AsRef::as_ref);
                field.ok_or_else(|| CallError::no_such_column(name, object.name()))
            })
            .collect::<Result<_, _>>()?,
        None => table.schema().fields().iter().map(AsRef::as_ref).collect(),
    };
    many::shown_if_changed(request, record, || {
        shown(table, record, &fields, &request.route.version)
    })
}

/// Returns a record as the API shows it: its attributes, then the fields asked for, nulls too.
pub(super) fn shown(table: &Table, record: &Record, fields: &[&Field], version: &str) -> Value {
    let object = table.object.name();
    let mut members = Map::new();
    members.insert(
        "attributes".to_owned(),
        json!({"type": object, "url": format!("/services/data/{version}/sobjects/{object}/{}", record.id)}),
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

fn add_headers<const N: usize>(headers: &mut HeaderMap, added: [(header::HeaderName, &str); N]) {
    for (name, value) in added {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
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
