//! The way of one request through its org: scripted fault → latency → session → quota → resource.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::Response;
use tokio::time::Instant;

use super::collections::BegunWrite;
use super::route::Resource;
use super::{ApiRequest, oauth, read, reply, session};
use crate::org::{Call, FaultAction, Occasion, Org, OrgState, client_of};
use crate::refusal::CallError;
use crate::wire::Wire;
use crate::world::World;

pub(super) async fn serve(world: &World, org: &Org, wire: &Wire, request: &ApiRequest) -> Response {
    let received = world.clock.now();
    let begun = Instant::now();
    let occasion = request.occasion();
    let (fault, write) = {
        let mut state = org.state();
        let fault = state.faults.next(occasion);
        let write = (occasion == Occasion::Write).then(|| BegunWrite::begin(&mut state, request));
        (fault, write)
    };
    let records = write.as_ref().map_or(0, BegunWrite::records);

    let delay = match &fault {
        Some(FaultAction::Slow { delay_ms }) => Duration::from_millis(*delay_ms),
        _ => Duration::ZERO,
    };
    wait(org.options.latency() + delay).await;

    let mut state = org.state();
    if let Some(write) = &write {
        write.end(&mut state);
    }
    let unapplied = fault.as_ref().and_then(|fault| go_wrong(fault, &mut state, wire));
    let is_applied = unapplied.is_none();
    let response = unapplied.unwrap_or_else(|| {
        let now = world.clock.now();
        match &request.route.resource {
            Resource::Token => oauth::token(org, &mut state, request, now),
            Resource::Authorize => oauth::authorize(org, &mut state, request, now),
            Resource::Introspect => oauth::introspect(org, &mut state, request, now),
            Resource::Revoke => oauth::revoke(org, &mut state, request, now),
            Resource::UserInfo => oauth::user_info(org, &mut state, request, now),
            Resource::Identity { org: id, user } => {
                oauth::identity(org, &mut state, request, (id, user), now)
            }
            Resource::Versions => read::versions(request),
            _ => session::data(org, &mut state, request, write, fault.as_ref(), now),
        }
    });

    let refused = !is_applied || !response.status().is_success();
    match occasion {
        Occasion::Token => {
            state.counters.token_requests += 1;
            state.counters.token_failures += u64::from(refused);
        }
        Occasion::Write => state.counters.write_calls_failed += u64::from(refused),
        Occasion::Describe | Occasion::Bulk | Occasion::Any => {}
    }
    let is_answered = !matches!(fault, Some(FaultAction::CutBefore {} | FaultAction::CutAfter {}));
    state.calls.add(Call {
        n: 0,
        time: received,
        method: request.parts.method.to_string(),
        path: request.parts.uri.path().to_owned(),
        status: is_answered.then(|| response.status().as_u16()),
        records,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        client: client(request),
        fault: fault.as_ref().map(FaultAction::kind),
    });
    response
}

/// Does what a fault does before the request is handled. Returns the answer, if it is not handled at all.
fn go_wrong(fault: &FaultAction, state: &mut OrgState, wire: &Wire) -> Option<Response> {
    match fault {
        FaultAction::Status(status) => Some(reply::scripted(status)),
        FaultAction::Quota {} => Some(reply::call_error(&CallError::daily_quota())),
        FaultAction::CutBefore {} => {
            wire.cut_before_answer();
            Some(reply::empty(StatusCode::BAD_GATEWAY))
        }
        FaultAction::CutAfter {} => {
            wire.cut_mid_answer();
            None
        }
        FaultAction::ExpireSessions {} => {
            state.sessions.expire_all();
            None
        }
        FaultAction::Slow { .. } | FaultAction::RecordError(_) | FaultAction::TruncateResults {} => None,
    }
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
