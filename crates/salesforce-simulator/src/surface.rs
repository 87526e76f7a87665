//! What a Salesforce client sees: the token endpoint and the REST API, for every org by its `Host`.
//!
//! Each request takes the same way: host → body → `serve`.

mod bulk;
mod collections;
mod conditions;
mod describe;
mod duplicates;
mod encoding;
mod flavour;
mod limits;
mod many;
mod multipart;
mod oauth;
mod query;
mod read;
mod reply;
mod route;
mod serve;
mod session;
mod setup;
mod single;
mod spoil;
mod tooling;
mod user_record_access;
mod write_options;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::connection::Connection;
use crate::org::{MAX_BODY_BYTES, Occasion};
use crate::refusal::CallError;
use crate::world::{Destination, World, is_local};
use route::Route;
use serve::Presence;

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
    peer: IpAddr,
}

/// Answers everything outside `/simulator`.
pub(crate) async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
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
    let destination = world.destination(host_of(&parts));
    let max_body_bytes = match &destination {
        // Longer than what a job takes is refused by the job.
        Destination::Org { org, .. } if route::takes_csv(parts.uri.path()) => org
            .options
            .bulk
            .max_upload_bytes
            .max(org.state().switches().max_body_bytes),
        Destination::Org { org, .. } => org.state().switches().max_body_bytes,
        Destination::Login(_) | Destination::Nowhere => MAX_BODY_BYTES,
    };
    let Ok(body) = to_bytes(body, max_body_bytes).await else {
        return reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let body = match encoding::inflate(&parts, body, max_body_bytes) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    // In a task of its own: Salesforce finishes what it has begun, even if the client hangs up.
    let (waiting, presence) = Presence::begin();
    let exchange =
        tokio::spawn(async move { exchange(&world, destination, &connection, parts, body, &presence).await });
    let answer = exchange.await;
    drop(waiting);
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "answering a request failed");
        reply::call_error(&CallError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (-987654321)",
        ))
    })
}

async fn exchange(
    world: &World,
    destination: Destination,
    connection: &Connection,
    parts: Parts,
    body: Bytes,
    presence: &Presence,
) -> Response {
    let route = Route::parse(parts.uri.path());
    let mut at_login = false;
    let (org, by_loopback) = match destination {
        Destination::Org { org, by_loopback } => (org, by_loopback),
        Destination::Login(login) if route.resource.is_oauth() => {
            at_login = true;
            match oauth::org_of_login(&world.orgs(), login, &parts, &body, world.clock.now()) {
                Some(org) => (org, false),
                None => return oauth::unknown_org(&route.resource),
            }
        }
        Destination::Login(_) => return reply::call_error(&CallError::no_such_resource()),
        Destination::Nowhere if is_local(host_of(&parts)) => return reply::no_org(),
        Destination::Nowhere => return reply::no_route(),
    };
    let instance_url = if by_loopback {
        format!("http://{}", host_of(&parts))
    } else {
        format!("https://{}", org.options.host)
    };
    let request = ApiRequest {
        parts,
        body,
        route,
        instance_url,
        at_login,
        peer: connection.peer,
    };
    let response = serve::serve(world, &org, &connection.wire, &request, presence).await;
    let compresses = org.state().switches().compressed_answers;
    if compresses {
        encoding::compress(&request.parts.headers, response).await
    } else {
        response
    }
}

impl ApiRequest {
    fn occasion(&self) -> Occasion {
        self.route.resource.occasion(&self.parts.method)
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

    /// Returns whether a query parameter is true; one that is not given is not.
    fn flag(&self, name: &str) -> bool {
        self.query(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
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

/// Returns an answer with a body.
fn with_body(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Ok(content_type) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
