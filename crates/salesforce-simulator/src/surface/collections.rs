//! The sObject Collections endpoints. Source: salesforce-contract.md §2.

use std::collections::HashSet;

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::route::Resource;
use super::single::{self, Single};
use super::{ApiRequest, reply, write_options};
use crate::org::{FaultAction, OrgState, RecordKey};
use crate::refusal::CallError;
use crate::schema::ObjectName;
use crate::write::{self, Author, Operation, UpsertKey, WriteRequest};

/// A write call that was received and is not yet answered.
#[derive(Debug)]
pub(super) struct BegunWrite {
    /// What was read of it; an error is told only after the session was checked.
    request: Result<WriteRequest, CallError>,
    /// How it is answered, if it is no collection.
    single: Option<Single>,
    keys: HashSet<RecordKey>,
}

impl BegunWrite {
    /// Reads a write call and marks its records as being written.
    pub(super) fn begin(state: &mut OrgState, request: &ApiRequest) -> Self {
        let (request, single) = match read(state, request) {
            Ok((request, single)) => (Ok(request), single),
            Err(error) => (Err(error), None),
        };
        let keys = request
            .as_ref()
            .map(|request| write::in_flight_keys(state, request))
            .unwrap_or_default();
        let (calls, overlaps) = state.in_flight.begin(&keys);
        state.counters.max_concurrent_writes = state.counters.max_concurrent_writes.max(calls);
        state.counters.same_record_overlaps += overlaps;
        Self {
            request,
            single,
            keys,
        }
    }

    /// Marks the records as no longer being written. Called under the lock under which the call is applied.
    pub(super) fn end(&self, state: &mut OrgState) {
        state.in_flight.end(&self.keys);
    }
}

/// Applies a write call and answers for each of its records.
///
/// # Errors
/// What fails the whole call; nothing is stored then.
pub(super) fn apply(
    state: &mut OrgState,
    write: BegunWrite,
    fault: Option<&FaultAction>,
    author: Author,
) -> Result<Response, CallError> {
    let request = write.request?;
    let record_fault = match fault {
        Some(FaultAction::RecordError(fault)) => Some(fault),
        _ => None,
    };
    if let Some(single) = &write.single {
        single.check_conditions(state, &request)?;
    }
    let results = write::apply(state, &request, record_fault, author);
    if let (Some(single), Some(result)) = (&write.single, results.first()) {
        return Ok(single.answer(state, &request, result));
    }
    let mut elements = write::answer(&request.operation, &results, state.switches());
    if let Some(FaultAction::TruncateResults {}) = fault {
        elements.pop();
    }
    Ok(reply::ok(&Value::Array(elements)))
}

fn read(state: &OrgState, request: &ApiRequest) -> Result<(WriteRequest, Option<Single>), CallError> {
    if request.parts.method != Method::DELETE {
        check_media_type(request)?;
    }
    let (mut write, single) = match &request.route.resource {
        Resource::Records { .. } | Resource::Record { .. } | Resource::RecordByKey { .. } => {
            let (write, single) = single::read_write(state, request)?;
            (write, Some(single))
        }
        _ if request.parts.method == Method::DELETE => (read_deletes(request)?, None),
        _ => {
            let operation = operation(state, request)?;
            (WriteRequest::read(state, operation, &request.body)?, None)
        }
    };
    write.options = write_options::read(state, request)?;
    Ok((write, single))
}

/// Reads `?ids=…&allOrNone=…`.
fn read_deletes(request: &ApiRequest) -> Result<WriteRequest, CallError> {
    let ids = request
        .query("ids")
        .ok_or_else(|| CallError::bad_request("MISSING_ARGUMENT", "ids must be given"))?;
    let ids: Vec<&str> = ids
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .collect();
    let all_or_none = request
        .query("allOrNone")
        .is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    WriteRequest::of_deletes(&ids, all_or_none)
}

fn check_media_type(request: &ApiRequest) -> Result<(), CallError> {
    let is_json = request
        .header(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.to_ascii_lowercase().starts_with("application/json"));
    // Compressed bodies are Salesforce's to read, not yet the simulator's: better refused than misread.
    let is_plain = request
        .header(header::CONTENT_ENCODING)
        .is_none_or(|encoding| encoding == "identity");
    if !is_json || !is_plain {
        return Err(CallError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "Unsupported Media Type",
        ));
    }
    Ok(())
}

fn operation(state: &OrgState, request: &ApiRequest) -> Result<Operation, CallError> {
    match &request.route.resource {
        Resource::CollectionsUpsert { object, key } => {
            let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
            let key = UpsertKey::find(state, object, key)?;
            let update_only = request
                .query("updateOnly")
                .is_some_and(|value| value.eq_ignore_ascii_case("true"));
            Ok(Operation::Upsert {
                object,
                key,
                update_only,
            })
        }
        _ if request.parts.method == Method::POST => Ok(Operation::Create),
        _ => Ok(Operation::Update),
    }
}
