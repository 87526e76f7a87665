//! What a Salesforce client sees: the token endpoint and the REST API, for every org by its `Host`.
//!
//! Each request takes the same way: host → scripted fault → latency → session → quota → resource.

mod bulk;
mod collections;
mod multipart;
mod oauth;
mod query;
mod read;
mod reply;
mod route;
mod session;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;

use crate::org::{FaultAction, Occasion, Org, OrgState};
use crate::refusal::CallError;
use crate::wire::Wire;
use crate::world::{Destination, World};
use collections::BegunWrite;
use route::{Resource, Route};

/// Largest request body. Source: salesforce-contract.md §2.7 (SIM: 413 above 50 MB).
const MAX_BODY_BYTES: usize = 50_000_000;

/// Largest upload to a bulk job. Source: salesforce-contract.md §7 (limits).
const MAX_UPLOAD_BYTES: usize = 100_000_000;

/// Longest URI, and longest URI with headers. Source: salesforce-contract.md §3.2.
const MAX_HEAD_BYTES: usize = 16_384;

/// One request to an org.
#[derive(Debug)]
struct ApiRequest {
    parts: Parts,
    body: Bytes,
    route: Route,
    /// Where the org answers, as this client reaches it.
    instance_url: String,
    /// Whether it came by a shared login host.
    at_login: bool,
}

/// Answers everything outside `/simulator`.
pub(crate) async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let uri_bytes = parts.uri.to_string().len();
    if uri_bytes > MAX_HEAD_BYTES {
        return reply::empty(StatusCode::URI_TOO_LONG);
    }
    if uri_bytes + header_bytes(&parts) > MAX_HEAD_BYTES {
        return reply::empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let max_body_bytes = if route::takes_csv(parts.uri.path()) {
        MAX_UPLOAD_BYTES
    } else {
        MAX_BODY_BYTES
    };
    let Ok(body) = to_bytes(body, max_body_bytes).await else {
        return reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    // In a task of its own: Salesforce finishes what it has begun, even if the client hangs up.
    let exchange = tokio::spawn(async move { exchange(&world, &wire, parts, body).await });
    exchange.await.unwrap_or_else(|error| {
        tracing::error!(%error, "answering a request failed");
        reply::call_error(&CallError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (-987654321)",
        ))
    })
}

async fn exchange(world: &World, wire: &Wire, parts: Parts, body: Bytes) -> Response {
    let host = host_of(&parts).to_owned();
    let route = Route::parse(parts.uri.path());
    let mut at_login = false;
    let (org, by_loopback) = match world.destination(&host) {
        Destination::Org { org, by_loopback } => (org, by_loopback),
        Destination::Login if route.resource == Resource::Token => {
            at_login = true;
            match oauth::org_of_login(&world.orgs(), &parts, &body) {
                Some(org) => (org, false),
                None => return oauth::unknown_client(),
            }
        }
        Destination::Login => return reply::call_error(&CallError::no_such_resource()),
        Destination::Nowhere => return reply::no_route(),
    };
    let instance_url = if by_loopback {
        format!("http://{host}")
    } else {
        format!("https://{}", org.options.host)
    };
    let request = ApiRequest {
        parts,
        body,
        route,
        instance_url,
        at_login,
    };
    serve(world, &org, wire, &request).await
}

async fn serve(world: &World, org: &Org, wire: &Wire, request: &ApiRequest) -> Response {
    let occasion = request.occasion();
    let (fault, write) = {
        let mut state = org.state();
        let fault = state.faults.next(occasion);
        let write = (occasion == Occasion::Write).then(|| BegunWrite::begin(&mut state, request));
        (fault, write)
    };

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
            Resource::UserInfo => read::user_info(org, &mut state, request, now),
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

impl ApiRequest {
    fn occasion(&self) -> Occasion {
        match (&self.route.resource, &self.parts.method) {
            (Resource::Token, _) => Occasion::Token,
            (Resource::Describe { .. }, _) => Occasion::Describe,
            (Resource::Collections, &Method::POST | &Method::PATCH)
            | (Resource::CollectionsUpsert { .. }, &Method::PATCH) => Occasion::Write,
            _ => Occasion::Any,
        }
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the value of a query parameter; the first, if it is given twice.
    fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query()?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

fn host_of(parts: &Parts) -> &str {
    let in_uri = || parts.uri.authority().map(axum::http::uri::Authority::as_str);
    parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(in_uri)
        .unwrap_or_default()
}

fn header_bytes(parts: &Parts) -> usize {
    // Each header has a colon, a space and a line end besides.
    parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// Returns an answer with a body.
fn with_body(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Ok(content_type) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
