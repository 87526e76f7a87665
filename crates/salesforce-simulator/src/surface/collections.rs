//! The sObject Collections endpoints. Source: salesforce-contract.md §2.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use tokio::time::Instant;

use super::route::Resource;
use super::single::{self, Single};
use super::{ApiRequest, reply, write_options};
use crate::org::{FaultAction, Occasion, Org, OrgState, RecordKey, RowLock, RowsAsked};
use crate::refusal::CallError;
use crate::schema::ObjectName;
use crate::setup::Viewer;
use crate::write::{self, Author, LockedRows, Operation, Touched, UpsertKey, WriteRequest};

/// A write call that was received and is not yet answered.
#[derive(Debug)]
pub(super) struct BegunWrite {
    /// What was read of it; an error is told only after the session was checked. Nothing is read of a call that is
    /// refused anyway: this holds why.
    request: Result<WriteRequest, CallError>,
    /// How it is answered, if it is no collection.
    single: Option<Single>,
    keys: Vec<RecordKey>,
    /// What was asked for when the call was read; none, once it was waited for.
    rows: Option<RowsAsked>,
    is_in_flight: bool,
}

impl BegunWrite {
    /// Reads a write call, marks its records as being written and asks for its rows; none, if the request
    /// writes no records. A call that will be refused, as `foreseen` tells, touches no record and keeps no other
    /// waiting.
    pub(super) fn begin(
        org: &Org,
        state: &mut OrgState,
        request: &ApiRequest,
        foreseen: Result<(), CallError>,
    ) -> Option<Self> {
        let is_setup = matches!(request.route.resource, Resource::Setup(_));
        if is_setup || request.occasion() != Occasion::Write {
            return None;
        }
        if let Err(refusal) = foreseen {
            return Some(Self {
                request: Err(refusal),
                single: None,
                keys: Vec::new(),
                rows: None,
                is_in_flight: false,
            });
        }
        let (mut request, single) = match read(state, request) {
            Ok((request, single)) => (Ok(request), single),
            Err(error) => (Err(error), None),
        };
        let touched = request.as_ref().ok().map(|request| Touched::by(state, request));
        let rows = touched
            .as_ref()
            .map(|touched| org.row_locks.ask(touched.all_rows()));
        if let (Ok(request), Some(touched)) = (&mut request, &touched) {
            for position in &touched.new {
                request.records[*position].was_new = true;
            }
        }
        let keys = touched.map(|touched| touched.records).unwrap_or_default();
        let (calls, overlaps) = state.in_flight.begin(&keys);
        state.counters.max_concurrent_writes = state.counters.max_concurrent_writes.max(calls);
        state.counters.same_record_overlaps += overlaps;
        Some(Self {
            request,
            single,
            keys,
            rows,
            is_in_flight: true,
        })
    }

    /// Locks the rows of the call. Records whose rows another call holds until the wait is over are marked as
    /// refused; with the switch, all records are then. Source: salesforce-contract.md §3.3 and §3.4.
    pub(super) async fn lock(&mut self, org: &Org) -> Option<RowsAsked> {
        let request = self.request.as_mut().ok()?;
        let deadline = Instant::now() + org.options.lock_wait();
        let mut has_waited = false;
        loop {
            let mut asked = self.rows.take().unwrap_or_else(|| {
                let state = org.state();
                org.row_locks.ask(Touched::by(&state, request).all_rows())
            });
            if !asked.has_to_wait() {
                return Some(asked);
            }
            org.state().counters.lock_waits += u64::from(!has_waited);
            has_waited = true;
            let missing = asked.hold(deadline).await;

            let mut state = org.state();
            let rows = Touched::by(&state, request).rows;
            let lacking = |rows: &LockedRows| {
                rows.iter()
                    .flatten()
                    .copied()
                    .filter(|row| !asked.covers(row))
                    .min()
            };
            let row_lock = state.switches().row_lock;
            let first_lacking = rows.iter().find_map(lacking);
            match first_lacking {
                None => return Some(asked),
                // The call that was waited for has moved a record to another Account: all over again.
                Some(_) if missing.is_empty() => {}
                Some(first) => {
                    for (record, rows) in request.records.iter_mut().zip(&rows) {
                        let row = match row_lock {
                            RowLock::PerRecord => lacking(rows),
                            RowLock::WholeBatch => Some(lacking(rows).unwrap_or(first)),
                        };
                        if let (Some(row), None) = (row, &record.refused) {
                            record.refused = Some(write::unlockable(row));
                            state.counters.lock_failures += 1;
                        }
                    }
                    return Some(asked);
                }
            }
        }
    }

    /// Lets records be found as they are when the call is applied, not as they were when it was received.
    pub(super) fn forget_new(&mut self) {
        for record in self.request.iter_mut().flat_map(|request| &mut request.records) {
            record.was_new = false;
        }
    }

    /// Returns how many records it names; none, if it cannot be read.
    pub(super) fn records(&self) -> usize {
        self.request.as_ref().map_or(0, |request| request.records.len())
    }

    /// Marks the records as no longer being written. Called under the lock under which the call is applied.
    pub(super) fn end(&self, state: &mut OrgState) {
        if self.is_in_flight {
            state.in_flight.end(&self.keys);
        }
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
    author: &Author<'_>,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let mut request = write.request?;
    if let Some(single) = &write.single {
        single.check_key(state, &request, viewer)?;
    }
    state.restrict(&mut request, viewer)?;
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
    let elements = write::answer(&request.operation, &results, state.switches());
    Ok(reply::json_text(StatusCode::OK, elements))
}

fn read(state: &OrgState, request: &ApiRequest) -> Result<(WriteRequest, Option<Single>), CallError> {
    if request.parts.method != Method::DELETE {
        reply::check_json(request)?;
    }
    let (mut write, single) = match &request.route.resource {
        Resource::Records { .. } | Resource::Record { .. } | Resource::RecordByKey { .. } => {
            let (write, single) = single::read_write(state, request)?;
            (write, Some(single))
        }
        _ if request.parts.method == Method::DELETE => (read_deletes(state, request)?, None),
        _ => {
            let operation = operation(state, request)?;
            (WriteRequest::read(state, operation, &request.body)?, None)
        }
    };
    write.options = write_options::read(state, request)?;
    Ok((write, single))
}

/// Reads `?ids=…&allOrNone=…`.
fn read_deletes(state: &OrgState, request: &ApiRequest) -> Result<WriteRequest, CallError> {
    let ids = request
        .query("ids")
        .ok_or_else(|| CallError::bad_request("MISSING_ARGUMENT", "ids must be given"))?;
    let ids: Vec<&str> = ids
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .collect();
    WriteRequest::of_deletes(state, &ids, request.flag("allOrNone"))
}

fn operation(state: &OrgState, request: &ApiRequest) -> Result<Operation, CallError> {
    match &request.route.resource {
        Resource::CollectionsUpsert { object, key } => {
            let object = ObjectName::parse(object).ok_or_else(CallError::no_such_resource)?;
            let key = UpsertKey::find(state, object, key)?;
            Ok(Operation::Upsert {
                object,
                key,
                update_only: request.flag("updateOnly"),
            })
        }
        _ if request.parts.method == Method::POST => Ok(Operation::Create),
        _ => Ok(Operation::Update),
    }
}
