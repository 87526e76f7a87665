//! Reading several records at once, and one by its key. Source: salesforce-contract.md §2 and §2.5.

use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::conditions::{self, Conditions};
use super::{ApiRequest, read, reply, single};
use crate::ids::RecordId;
use crate::org::OrgState;
use crate::refusal::CallError;
use crate::schema::{Field, ObjectName};
use crate::setup::Viewer;
use crate::value;

/// Most records in one collections read. Source: salesforce-contract.md §2.
const MAX_RECORDS: usize = 2_000;

/// The body of a collections read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    ids: Vec<String>,
    fields: Vec<String>,
}

/// Answers `GET` and `POST …/composite/sobjects/{object}`: one element for each id, null for one that is
/// missing, deleted or hidden.
pub(super) fn records(
    state: &OrgState,
    request: &ApiRequest,
    object: &str,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
    let wanted = wanted(request)?;
    if wanted.ids.len() > MAX_RECORDS {
        return Err(CallError::bad_request(
            "EXCEEDED_ID_LIMIT",
            format!("record limit reached. cannot submit more than {MAX_RECORDS} records into this call"),
        ));
    }
    let table = state.table(object);
    let fields: Vec<Arc<Field>> = wanted
        .fields
        .iter()
        .map(|name| {
            let field = state.seen_field(object, name, viewer);
            field.ok_or_else(|| CallError::no_such_column(name, object.name()))
        })
        .collect::<Result<_, _>>()?;
    let records: Vec<Value> = wanted
        .ids
        .iter()
        .map(|id| {
            RecordId::parse_of(object.key_prefix(), id)
                .filter(|id| state.rules.is_visible(*id))
                .and_then(|id| table.find(id))
                .map(|slot| table.record(slot))
                .filter(|record| !record.is("IsDeleted"))
                .map_or(Value::Null, |record| {
                    read::shown(table, record, &fields, &request.route.version)
                })
        })
        .collect();
    Ok(reply::ok(&Value::Array(records)))
}

/// Answers `GET …/sobjects/{object}/{key}/{value}`, with 300 and their URLs where several records match.
pub(super) fn by_key(
    state: &OrgState,
    request: &ApiRequest,
    object: &str,
    (key, value): (&str, &str),
    viewer: Viewer,
) -> Result<Response, CallError> {
    let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
    if key.eq_ignore_ascii_case("Id") {
        return read::record(state, request, object.name(), value, viewer);
    }
    let key = single::key_field(state, object, key)?;
    single::check_seen(state, object, &key, viewer)?;
    let value = value::read(&key, value)?;
    match single::matches(state, object, &key, &value).as_slice() {
        [] => Err(CallError::no_such_resource()),
        [slot] => {
            let id = state.table(object).record(*slot).id.to_string();
            read::record(state, request, object.name(), &id, viewer)
        }
        several => Ok(single::choices(state, object, several, &request.route.version)),
    }
}

/// Answers for one record that was found, or says that the reader holds it already.
pub(super) fn shown_if_changed(
    request: &ApiRequest,
    record: &crate::org::Record,
    body: impl FnOnce() -> Value,
) -> Result<Response, CallError> {
    let conditions = Conditions::of(request);
    conditions.check(record)?;
    let mut response = if conditions.is_known(record) {
        reply::not_modified()
    } else {
        reply::ok(&body())
    };
    conditions::add_validators(&mut response, record);
    Ok(response)
}

fn wanted(request: &ApiRequest) -> Result<Wanted, CallError> {
    if request.parts.method == Method::POST {
        return serde_json::from_slice(&request.body).map_err(|error| CallError::unreadable_json(&error));
    }
    let list = |name: &str| {
        let text = request
            .query(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| CallError::bad_request("MISSING_ARGUMENT", format!("{name} must be given")))?;
        Ok(text.split(',').map(|item| item.trim().to_owned()).collect())
    };
    Ok(Wanted {
        ids: list("ids")?,
        fields: list("fields")?,
    })
}
