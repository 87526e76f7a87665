//! The way of one request through its org: scripted fault → row locks → latency → session → quota → resource
//! → what the fault does with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::collections::{self, BegunWrite};
use super::flavour::flavoured;
use super::route::Resource;
use super::session::Caller;
use super::spoil::spoiled;
use super::{ApiRequest, oauth, read, reply, session};
use crate::clock::Clock;
use crate::org::{Call, FaultAction, Occasion, Org, OrgState, client_of};
use crate::refusal::CallError;
use crate::wire::Wire;
use crate::world::World;

/// Tells whether the client still waits for its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence(Arc<AtomicBool>);

/// Held while the client waits; dropping it says that it is gone.
#[derive(Debug)]
pub(super) struct Waiting(Arc<AtomicBool>);

/// What is remembered of a call while it runs.
#[derive(Debug)]
struct Begun {
    time: DateTime<Utc>,
    at: Instant,
    records: usize,
    fault: Option<&'static str>,
}

impl Presence {
    /// Returns what the client waits with, and what tells that it does.
    pub(super) fn begin() -> (Waiting, Self) {
        let is_gone = Arc::new(AtomicBool::new(false));
        (Waiting(Arc::clone(&is_gone)), Self(is_gone))
    }

    fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Answers a request to `org`.
pub(super) async fn serve(
    world: &World,
    org: &Arc<Org>,
    wire: &Wire,
    request: &ApiRequest,
    presence: &Presence,
) -> Response {
    let mut begun = Begun {
        time: world.clock.now(),
        at: Instant::now(),
        records: 0,
        fault: None,
    };
    let switches = org.state().switches().clone();
    // Logins and the list of versions are no API calls.
    let running = is_rest(request).then(|| {
        org.running_calls
            .begin(switches.long_running_after(), org.options.concurrent_long_limit())
    });
    let Some(_running) = running.map_or(Some(None), |running| running.map(Some)) else {
        let mut response = flavoured(&switches, reply::call_error(&CallError::concurrent_limit())).await;
        let mut state = org.state();
        session::tell_usage(org, &mut state, request, &mut response, begun.time);
        state.counters.long_running_refused += 1;
        state.calls.add(begun.ended(request, Some(response.status())));
        return response;
    };

    let occasion = request.occasion();
    let (fault, mut write, latency) = {
        let mut state = org.state();
        let fault = state.faults.next(occasion);
        let foreseen = foresee(org, &mut state, request, fault.as_ref(), begun.time);
        let write = BegunWrite::begin(org, &mut state, request, foreseen);
        begun.records = write.as_ref().map_or(0, BegunWrite::records);
        let latency = state.latency.next(begun.records);
        (fault, write, latency)
    };
    begun.fault = fault.as_ref().map(FaultAction::kind);

    // Held until the answer is made.
    let _rows = match &mut write {
        Some(write) => write.lock(org).await,
        None => None,
    };
    let delay_ms = match &fault {
        Some(FaultAction::Slow { delay_ms }) => *delay_ms,
        _ => 0,
    };
    wait(latency + Duration::from_millis(delay_ms)).await;

    let mut response = {
        let mut state = org.state();
        if let Some(write) = &write {
            write.end(&mut state);
        }
        let now = world.clock.now();
        let leaves_nobody = presence.is_gone() || matches!(fault, Some(FaultAction::Vanish {}));
        let unapplied = fault.as_ref().and_then(|fault| go_wrong(fault, &mut state, wire));
        let is_applied = unapplied.is_none();
        let response = match (unapplied, write) {
            (Some(response), _) => response,
            (None, Some(write)) if leaves_nobody && switches.late_apply_seconds > 0 => {
                session::admit(org, &mut state, request, now).map_or_else(
                    |error| reply::call_error(&error),
                    |caller| {
                        let late =
                            apply_late(world.clock.clone(), Arc::clone(org), write, fault.clone(), caller);
                        tokio::spawn(late);
                        // Nobody reads it.
                        reply::empty(StatusCode::OK)
                    },
                )
            }
            (None, write) => match &request.route.resource {
                Resource::Token => oauth::token(org, &mut state, request, now),
                Resource::Authorize => oauth::authorize(org, &mut state, request, now),
                Resource::Introspect => oauth::introspect(org, &mut state, request, now),
                Resource::Revoke => oauth::revoke(&mut state, request, now),
                Resource::UserInfo => oauth::user_info(org, &mut state, request, now),
                Resource::Identity { org: id, user } => {
                    oauth::identity(org, &mut state, request, (id, user), now)
                }
                Resource::Versions => read::versions(request),
                _ => session::data(org, &mut state, request, write, fault.as_ref(), now),
            },
        };
        let refused = !is_applied || !response.status().is_success();
        match occasion {
            Occasion::Token => {
                state.counters.token_requests += 1;
                state.counters.token_failures += u64::from(refused);
            }
            Occasion::Write => state.counters.write_calls_failed += u64::from(refused),
            Occasion::Describe
            | Occasion::Query
            | Occasion::Bulk
            | Occasion::BulkRows
            | Occasion::Tooling
            | Occasion::Any => {}
        }
        response
    };

    if is_rest(request) {
        response = flavoured(&switches, response).await;
    }
    if let Some(fault) = &fault {
        response = spoiled(fault, response).await;
        if is_rest(request) && comes_from_org(fault) {
            session::tell_usage(org, &mut org.state(), request, &mut response, world.clock.now());
        }
    }
    if let Some(FaultAction::SlowAnswer { delay_ms }) = &fault {
        wait(Duration::from_millis(*delay_ms)).await;
    }
    let is_answered = !presence.is_gone() && fault.as_ref().is_none_or(FaultAction::lets_answer);
    let status = is_answered.then(|| response.status());
    org.state().calls.add(begun.ended(request, status));
    response
}

/// Applies a write whose client is gone: later, and past whatever was written meanwhile.
async fn apply_late(
    clock: Clock,
    org: Arc<Org>,
    mut write: BegunWrite,
    fault: Option<FaultAction>,
    caller: Caller,
) {
    let lateness_ms = {
        let mut state = org.state();
        let latest_ms = u64::from(state.switches().late_apply_seconds) * 1_000;
        state.lateness.up_to(latest_ms)
    };
    wait(Duration::from_millis(lateness_ms)).await;
    write.forget_new();
    let _rows = write.lock(&org).await;
    let now = clock.now();
    let mut state = org.state();
    state.counters.late_writes += 1;
    if let Err(error) = collections::apply(
        &mut state,
        write,
        fault.as_ref(),
        &caller.author(now),
        caller.viewer(now),
    ) {
        tracing::debug!(error = error.message, "a late write was refused");
        state.counters.write_calls_failed += 1;
    }
}

/// Fails with what a write will be refused with, as far as the scripted fault, its session and the quota tell.
fn foresee(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    fault: Option<&FaultAction>,
    now: DateTime<Utc>,
) -> Result<(), CallError> {
    match fault {
        _ if request.occasion() != Occasion::Write => Ok(()),
        Some(FaultAction::Quota {}) => Err(CallError::daily_quota()),
        Some(FaultAction::ExpireSessions {}) => Err(CallError::session_expired()),
        Some(_) | None => session::foresee(org, state, request, now),
    }
}

/// Tells whether a fault puts an answer of the org in the place of the one it would have given; pages and other raw
/// bodies come from what is before it (salesforce-contract.md §3.1 and §4.1).
fn comes_from_org(fault: &FaultAction) -> bool {
    match fault {
        FaultAction::Status(status) => status.body.is_none(),
        FaultAction::Quota {} => true,
        FaultAction::EdgePage { .. }
        | FaultAction::CutBefore {}
        | FaultAction::CutAfter {}
        | FaultAction::Vanish {}
        | FaultAction::Slow { .. }
        | FaultAction::SlowAnswer { .. }
        | FaultAction::ExpireSessions {}
        | FaultAction::RecordError(_)
        | FaultAction::TruncateResults {}
        | FaultAction::HalfResults {}
        | FaultAction::DropResult { .. }
        | FaultAction::Body { .. } => false,
    }
}

/// Does what a fault does before the request is handled. Returns the answer, if it is not handled at all.
fn go_wrong(fault: &FaultAction, state: &mut OrgState, wire: &Wire) -> Option<Response> {
    match fault {
        FaultAction::Status(status) if !status.applied => Some(reply::scripted(status)),
        FaultAction::EdgePage {
            status,
            applied: false,
        } => Some(reply::edge_page(*status)),
        FaultAction::Quota {} => Some(reply::call_error(&CallError::daily_quota())),
        FaultAction::CutBefore {} => {
            wire.cut_before_answer();
            Some(reply::empty(StatusCode::BAD_GATEWAY))
        }
        FaultAction::CutAfter {} => {
            wire.cut_mid_answer();
            None
        }
        FaultAction::Vanish {} => {
            wire.cut_before_answer();
            None
        }
        FaultAction::ExpireSessions {} => {
            state.sessions.expire_all();
            None
        }
        FaultAction::Status(_)
        | FaultAction::EdgePage { .. }
        | FaultAction::Slow { .. }
        | FaultAction::SlowAnswer { .. }
        | FaultAction::RecordError(_)
        | FaultAction::TruncateResults {}
        | FaultAction::HalfResults {}
        | FaultAction::DropResult { .. }
        | FaultAction::Body { .. } => None,
    }
}

impl Begun {
    fn ended(&self, request: &ApiRequest, status: Option<StatusCode>) -> Call {
        Call {
            n: 0,
            time: self.time,
            method: request.parts.method.to_string(),
            path: request.parts.uri.path().to_owned(),
            status: status.map(|status| status.as_u16()),
            records: self.records,
            duration_ms: u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX),
            client: client(request),
            fault: self.fault,
        }
    }
}

fn is_rest(request: &ApiRequest) -> bool {
    !request.route.version.is_empty()
}

fn client(request: &ApiRequest) -> Option<String> {
    let text = |name: &str| {
        request
            .parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    text("sforce-call-options")
        .and_then(client_of)
        .or_else(|| text(header::USER_AGENT.as_str()))
        .map(str::to_owned)
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
