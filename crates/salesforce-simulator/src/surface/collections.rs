//! The sObject Collections endpoints. Source: salesforce-contract.md §2.

use std::collections::HashSet;

use axum::http::{Method, header};
use axum::response::Response;
use serde_json::Value;

use super::route::Resource;
use super::{ApiRequest, reply};
use crate::org::{FaultAction, OrgState, RecordKey};
use crate::refusal::CallError;
use crate::schema::ObjectName;
use crate::write::{self, Author, Operation, UpsertKey, WriteRequest};

/// A write call that was received and is not yet answered.
#[derive(Debug)]
pub(super) struct BegunWrite {
    /// What was read of it; an error is told only after the session was checked.
    request: Result<WriteRequest, CallError>,
    keys: HashSet<RecordKey>,
}

impl BegunWrite {
    /// Reads a write call and marks its records as being written.
    pub(super) fn begin(state: &mut OrgState, request: &ApiRequest) -> Self {
        let request = read(state, request);
        let keys = request
            .as_ref()
            .map(|request| write::in_flight_keys(state, request))
            .unwrap_or_default();
        let (calls, overlaps) = state.in_flight.begin(&keys);
        state.counters.max_concurrent_writes = state.counters.max_concurrent_writes.max(calls);
        state.counters.same_record_overlaps += overlaps;
        Self { request, keys }
    }

    /// Returns how many records it names; none, if it cannot be read.
    pub(super) fn records(&self) -> usize {
        self.request.as_ref().map_or(0, |request| request.records.len())
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
    author: Author<'_>,
) -> Result<Response, CallError> {
    let mut request = write.request?;
    state.restrict(&mut request, author.viewer())?;
    let record_fault = match fault {
        Some(FaultAction::RecordError(fault)) => Some(fault),
        _ => None,
    };
    let results = write::apply(state, &request, record_fault, author);
    let mut elements = write::answer(&request.operation, &results);
    if let Some(FaultAction::TruncateResults {}) = fault {
        elements.pop();
    }
    Ok(reply::ok(&Value::Array(elements)))
}

fn read(state: &OrgState, request: &ApiRequest) -> Result<WriteRequest, CallError> {
    let operation = operation(state, request)?;
    let is_json = request
        .header(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.to_ascii_lowercase().starts_with("application/json"));
    if !is_json {
        return Err(CallError::unsupported_media_type());
    }
    WriteRequest::read(state, operation, &request.body)
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
