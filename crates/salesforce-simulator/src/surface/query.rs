//! `…/query`, `…/queryAll` and `…/tooling/query`, a page at a time.
//! Source: salesforce-contract.md §3.2; Salesforce, "REST API Developer Guide", Query.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::session::Caller;
use super::{ApiRequest, reply, user_record_access};
use crate::org::{Org, OrgState, Record};
use crate::refusal::CallError;
use crate::schema::ObjectName;
use crate::setup::{self, SetupObject, Viewer};
use crate::soql::{self, Column, Entity, Plan, Rows};

/// Records of a page. Source: "REST API Developer Guide", Query Options Header.
const MIN_BATCH: usize = 200;
const MAX_BATCH: usize = 2_000;

/// Answers a query, or the next page of one.
pub(super) fn answer(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    caller: &Caller,
    all: bool,
    locator: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Response, CallError> {
    state.counters.query_calls += 1;
    if let Some(locator) = locator {
        let page = state
            .cursors
            .page(locator, caller.user_id, batch_size(request), now)
            .ok_or_else(|| CallError::bad_request("INVALID_QUERY_LOCATOR", "invalid query locator"))?;
        return Ok(reply::ok(&page.shown(&request.route.version, all)));
    }
    let viewer = caller.viewer(now);
    let find = |state: &OrgState, text: &str| {
        let query = soql::parse(text)?;
        let entities = |name: &str| entity(org, state, caller, viewer, name);
        let plan = Plan::new(&entities, &query, text)?;
        Ok(found(&plan, all, &request.route.version, "sobjects"))
    };
    run(state, request, caller, all, now, find)
}

/// Answers a query of the Tooling API.
pub(super) fn tooling(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response, CallError> {
    state.counters.query_calls += 1;
    let find = |state: &OrgState, text: &str| {
        let query = soql::parse(text)?;
        let entities = |name: &str| {
            let object = if name.eq_ignore_ascii_case("CustomField") {
                SetupObject::CustomField
            } else {
                SetupObject::parse(name)?
            };
            Some(setup_entity(org, state, object))
        };
        let plan = Plan::new(&entities, &query, text)?;
        Ok(found(&plan, false, &request.route.version, "tooling/sobjects"))
    };
    run(state, request, caller, false, now, find)
}

fn run(
    state: &mut OrgState,
    request: &ApiRequest,
    caller: &Caller,
    all: bool,
    now: DateTime<Utc>,
    find: impl Fn(&OrgState, &str) -> Result<(usize, Vec<Value>), CallError>,
) -> Result<Response, CallError> {
    let text = request
        .query("q")
        .ok_or_else(|| CallError::bad_request("MALFORMED_QUERY", "the parameter q is missing"))?;
    let (total, records) = find(state, &text)?;
    if records.len() <= batch_size(request) {
        return Ok(reply::ok(
            &json!({"totalSize": total, "done": true, "records": records}),
        ));
    }
    let page = state
        .cursors
        .open(records, caller.user_id, batch_size(request), now);
    Ok(reply::ok(&page.shown(&request.route.version, all)))
}

/// Finds an object as the caller sees it; what they may not read is not there.
fn entity<'a>(
    org: &Org,
    state: &'a OrgState,
    caller: &Caller,
    viewer: Viewer,
    name: &str,
) -> Option<Entity<'a>> {
    if let Some(object) = SetupObject::parse(name) {
        return Some(setup_entity(org, state, object));
    }
    if name.eq_ignore_ascii_case(user_record_access::NAME) {
        return Some(user_record_access::entity(state, caller));
    }
    let object = ObjectName::parse(name)?;
    caller.user.permissions.access_to(object).read.then(|| Entity {
        name: object.name(),
        fields: state.seen_fields(object, viewer).into_owned(),
        rows: Rows::Stored(state.table(object).records(), &state.rules),
    })
}

fn setup_entity<'a>(org: &Org, state: &OrgState, object: SetupObject) -> Entity<'a> {
    Entity {
        name: object.name(),
        fields: object.fields().to_vec(),
        rows: Rows::Made(setup::rows(org, state, object)),
    }
}

/// Returns how many records there are and, unless they are only counted, the records.
fn found(plan: &Plan<'_>, with_deleted: bool, version: &str, folder: &str) -> (usize, Vec<Value>) {
    let found = plan.found(with_deleted);
    let Some(columns) = &plan.columns else {
        return (found.len(), Vec::new());
    };
    let records: Vec<Value> = found
        .iter()
        .map(|record| {
            let attributes = reply::attributes(version, folder, plan.entity.name, record.id);
            shown(plan, record, columns, &attributes, version, folder)
        })
        .collect();
    (records.len(), records)
}

fn shown(
    plan: &Plan<'_>,
    record: &Record,
    columns: &[Column],
    attributes: &Value,
    version: &str,
    folder: &str,
) -> Value {
    let mut members = Map::new();
    members.insert("attributes".to_owned(), attributes.clone());
    for column in columns {
        let value = plan.value(record, column);
        put(plan, record, &mut members, column, 0, value, (version, folder));
    }
    Value::Object(members)
}

/// Puts a value where its path leads; a parent that is missing is null.
fn put(
    plan: &Plan<'_>,
    record: &Record,
    members: &mut Map<String, Value>,
    column: &Column,
    depth: usize,
    value: Value,
    place: (&str, &str),
) {
    let Some(step) = column.path.get(depth) else {
        members.insert(column.field.name.clone(), value);
        return;
    };
    let parent = plan.owner(record, &column.path[..=depth]);
    let entry = members
        .entry(step.relationship.clone())
        .or_insert_with(|| match parent {
            Some(parent) => {
                json!({"attributes": reply::attributes(place.0, place.1, step.object, parent.id)})
            }
            None => Value::Null,
        });
    if let Value::Object(inner) = entry {
        put(plan, record, inner, column, depth + 1, value, place);
    }
}

/// Reads `Sforce-Query-Options: batchSize=n`; what is out of range is moved into it.
fn batch_size(request: &ApiRequest) -> usize {
    request
        .parts
        .headers
        .get("sforce-query-options")
        .and_then(|options| options.to_str().ok())
        .and_then(|options| {
            options.split(',').find_map(|option| {
                let (name, value) = option.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case("batchSize")
                    .then(|| value.trim().parse::<usize>().ok())?
            })
        })
        .map_or(MAX_BATCH, |size| size.clamp(MIN_BATCH, MAX_BATCH))
}
