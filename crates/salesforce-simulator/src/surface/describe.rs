//! What objects are: one object with its fields, all objects without. Source: salesforce-contract.md §5.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::session::Caller;
use super::{ApiRequest, reply};
use crate::clock::{http_date, http_date_in};
use crate::org::{Org, OrgState};
use crate::random::hash;
use crate::refusal::CallError;
use crate::schema::{self, Described, ObjectName};
use crate::setup::{SetupObject, Viewer};
use crate::value::Scalar;

/// What the global describe tells of an object. Source: recordings of [R-cci], `sobjects`.
const SUMMARY_KEYS: [&str; 29] = [
    "activateable",
    "associateEntityType",
    "associateParentEntity",
    "createable",
    "custom",
    "customSetting",
    "deepCloneable",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "keyPrefix",
    "label",
    "labelPlural",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "name",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
    "urls",
    "compactLayoutable",
];

/// Most recent items that an object tells.
const RECENT_ITEMS: usize = 5;

/// Answers `GET …/sobjects/{object}/describe`, with 304 if nothing changed since `If-Modified-Since` or, where
/// the org heeds it, if the `If-None-Match` is still right.
pub(super) fn describe(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    object: &str,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let version = &request.route.version;
    let (body, modified) = match ObjectName::parse(object) {
        // What they may not read is not there.
        Some(object) if !may_read(state, object, viewer) => return Err(CallError::no_such_resource()),
        Some(object) => (
            of_table(state, object, version, viewer),
            state.modified(object, viewer.now),
        ),
        None => {
            let object = SetupObject::parse(object).ok_or_else(CallError::no_such_resource)?;
            (of_setup(object, version), org.created_at)
        }
    };
    state.counters.describe_calls += 1;
    let text = body.to_string();
    let etag = format!("\"{:08x}\"", hash(0, &text) & 0xFFFF_FFFF);
    let since = request.header(header::IF_MODIFIED_SINCE).and_then(http_date_in);
    let is_same = state.switches().describe_if_none_match
        && request.header(header::IF_NONE_MATCH) == Some(etag.as_str());
    let mut response = if is_same || since.is_some_and(|since| since.timestamp() >= modified.timestamp()) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        reply::ok(&body)
    };
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

/// Answers `GET …/sobjects`.
pub(super) fn global(state: &OrgState, request: &ApiRequest, caller: &Caller, viewer: Viewer) -> Response {
    let version = &request.route.version;
    let readable = |object: &ObjectName| caller.user.permissions.access_to(*object).read;
    let tables = ObjectName::ALL
        .into_iter()
        .filter(readable)
        .map(|object| of_table(state, object, version, viewer));
    let setup = SetupObject::ALL
        .into_iter()
        .map(|object| of_setup(object, version));
    let mut summaries: Vec<Value> = tables.chain(setup).map(summary).collect();
    summaries.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    reply::ok(&json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": summaries}))
}

/// Answers `GET …/sobjects/{object}`: what the object is, and what this user last wrote of it.
pub(super) fn object(
    state: &OrgState,
    request: &ApiRequest,
    object: &str,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
    let version = &request.route.version;
    let user_id = Scalar::from(viewer.user_id.to_string());
    let name_field = state.table(object).schema().field("Name");
    let recent: Vec<Value> = state
        .table(object)
        .records()
        .iter()
        .rev()
        .filter(|record| {
            state.rules.is_visible(record.id)
                && !record.is("IsDeleted")
                && record.values.get("LastModifiedById") == Some(&user_id)
        })
        .take(RECENT_ITEMS)
        .map(|record| {
            let attributes = reply::attributes(version, "sobjects", object.name(), record.id);
            let name = name_field.map(|field| record.value(field));
            json!({"attributes": attributes, "Id": record.id.to_string(), "Name": name})
        })
        .collect();
    let described = summary(of_table(state, object, version, viewer));
    Ok(reply::ok(
        &json!({"objectDescribe": described, "recentItems": recent}),
    ))
}

fn may_read(state: &OrgState, object: ObjectName, viewer: Viewer) -> bool {
    let user = state.directory.user_by_id(viewer.user_id);
    user.is_none_or(|user| user.permissions.access_to(object).read)
}

fn of_table(state: &OrgState, object: ObjectName, version: &str, viewer: Viewer) -> Value {
    let fields = state.seen_fields(object, viewer);
    let record_types = state.table(object).schema().record_types();
    let mut described = schema::describe(&Described::table(object, &fields, record_types), version);
    if let Some(user) = state.directory.user_by_id(viewer.user_id) {
        let access = user.permissions.access_to(object);
        described["createable"] = access.create.into();
        described["updateable"] = access.edit.into();
        described["deletable"] = access.delete.into();
    }
    described
}

fn of_setup(object: SetupObject, version: &str) -> Value {
    let described = Described {
        name: object.name(),
        label: object.label(),
        plural: object.plural(),
        key_prefix: object.key_prefix(),
        fields: object.fields(),
        record_types: &[],
        is_for_work: false,
        is_writable: object.is_createable(),
    };
    schema::describe(&described, version)
}

/// Returns what `GET …/sobjects/{object}` tells of a setup object.
pub(super) fn setup_object(object: SetupObject, version: &str) -> Response {
    reply::ok(&json!({"objectDescribe": summary(of_setup(object, version)), "recentItems": []}))
}

fn summary(described: Value) -> Value {
    let Value::Object(mut members) = described else {
        return Value::Null;
    };
    let mut kept = Map::new();
    for key in SUMMARY_KEYS {
        if let Some(value) = members.remove(key) {
            kept.insert(key.to_owned(), value);
        }
    }
    Value::Object(kept)
}

fn add_headers<const N: usize>(headers: &mut HeaderMap, added: [(header::HeaderName, &str); N]) {
    for (name, value) in added {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}
