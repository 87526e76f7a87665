//! JSON over HTTP for unary gRPC calls, from the `google.api.http` annotations
//! in their protos, and the OpenAPI document of it.
//!
//! Knows no service: a call that is annotated has its JSON form, and is in the
//! document. A request goes [`route`] → [`request`] → [`call`] → [`answer`], or
//! ends as a [`problem`].

mod answer;
mod call;
mod field_path;
mod headers;
#[cfg(test)]
mod library;
mod openapi;
mod problem;
mod request;
mod route;
mod template;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::LengthLimitError;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_semantic_conventions::attribute::{HTTP_RESPONSE_STATUS_CODE, RPC_METHOD, URL_TEMPLATE};
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value as Json;
use tonic::{Status, service::Routes};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    problem::Problem,
    request::Given,
    route::{Found, Route, RouteTable},
};

pub use crate::problem::Violation;

/// Reads a message from JSON by the JSON mapping of proto3, in the names of JSON
/// or of the proto; or returns everything that is wrong, by path. The path of
/// the whole is `body`.
pub fn read_message(descriptor: &MessageDescriptor, json: &Json) -> Result<DynamicMessage, Vec<Violation>> {
    let mut wrong = Vec::new();
    let message = request::json::message(descriptor, json, "", &mut wrong);
    if wrong.is_empty() { Ok(message) } else { Err(wrong) }
}

/// Where the OpenAPI document is.
pub const OPENAPI_PATH: &str = "/v1/openapi.json";

/// As large as a gRPC message may be. Source: tonic, `DEFAULT_MAX_RECV_MESSAGE_SIZE`.
const MAX_BODY_BYTES: usize = 4 << 20;

/// What the OpenAPI document says of the whole.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub title: &'a str,
    pub version: &'a str,
    /// CommonMark.
    pub description: &'a str,
    /// Name of the licence, by SPDX.
    pub license: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    #[error("the descriptors cannot be read")]
    Descriptors(#[source] DescriptorError),
    #[error("the descriptors have no service {0}")]
    NoService(String),
    #[error("the annotation of {rpc} cannot be used: {problem}")]
    Annotation { rpc: String, problem: String },
}

/// The JSON form of some services.
#[derive(Debug)]
pub struct JsonApi {
    table: RouteTable,
    document: Json,
}

impl JsonApi {
    /// Reads the annotations of the services named; those of others in the same
    /// descriptors are left alone.
    pub fn new(descriptors: &[u8], services: &[&str], about: About<'_>) -> Result<Self, SetUpError> {
        let pool = DescriptorPool::decode(descriptors).map_err(SetUpError::Descriptors)?;
        let table = RouteTable::read(&pool, services)?;
        let document = openapi::document(&pool, &table, about);
        Ok(Self { table, document })
    }

    /// Returns the OpenAPI document.
    pub fn openapi(&self) -> &Json {
        &self.document
    }

    /// Returns the full names of the calls that have no JSON form, such as
    /// `sluice.delivery.v1.DeliveryService.Deliver`.
    pub fn calls_without_json(&self) -> impl Iterator<Item = &str> {
        self.table.without_json.iter().map(MethodDescriptor::full_name)
    }

    /// Adds the JSON form of the routes' services to the routes: everything
    /// that is no gRPC is answered as JSON.
    pub fn beside(self, routes: Routes) -> Routes {
        let server = Arc::new(Server {
            document: self.document.to_string().into(),
            table: self.table,
            services: routes.clone().prepare(),
        });
        routes
            .into_axum_router()
            .fallback(move |request: Request<Body>| {
                let server = Arc::clone(&server);
                async move { server.answer(request).await }
            })
            .into()
    }
}

struct Server {
    table: RouteTable,
    document: Bytes,
    services: Routes,
}

impl Server {
    async fn answer(&self, request: Request<Body>) -> Response {
        if headers::is_grpc(request.headers()) {
            return Status::unimplemented("").into_http();
        }
        let response = self
            .respond(request)
            .await
            .unwrap_or_else(IntoResponse::into_response);
        Span::current().record(HTTP_RESPONSE_STATUS_CODE, response.status().as_u16());
        response
    }

    async fn respond(&self, request: Request<Body>) -> Result<Response, Problem> {
        let path = request.uri().path();
        if path == OPENAPI_PATH {
            return match *request.method() {
                Method::GET | Method::HEAD => Ok(answer::json(self.document.to_vec())),
                ref method => Err(Problem::wrong_method(method, path, vec![Method::GET])),
            };
        }
        let (route, values) = match self.table.find(request.method(), path) {
            Found::Route { route, values } => (route, values),
            Found::WrongMethod { allowed } => {
                return Err(Problem::wrong_method(request.method(), path, allowed));
            }
            Found::Nothing => return Err(Problem::unknown_path(path)),
        };
        record(route);
        if headers::is_cross_origin(&request) {
            return Err(Problem::cross_origin());
        }
        let (parts, body) = request.into_parts();
        let if_match = headers::if_match(&parts.headers);
        let timeout = headers::timeout(&parts.headers);
        let (if_match, timeout) = match (if_match, timeout) {
            (Ok(if_match), Ok(timeout)) => (if_match, timeout),
            (if_match, timeout) => {
                let wrong = [if_match.err(), timeout.err()];
                return Err(Problem::invalid(wrong.into_iter().flatten().collect()));
            }
        };
        let had_if_match = if_match.is_some();
        let body = read(body).await?;
        if !body.is_empty() && !headers::is_json(&parts.headers) {
            return Err(Problem::not_json());
        }
        let given = Given {
            variables: values,
            query: parts.uri.query().unwrap_or_default(),
            if_match,
            body: parse(&body)?,
        };
        let message = request::message(route, given).map_err(Problem::invalid)?;
        let call = call::unary(
            self.services.clone(),
            route.grpc_path.clone(),
            headers::metadata(&parts.headers),
            message,
            route.rpc.output(),
        );
        let answered = match timeout {
            None => call.await,
            Some(limit) => within(limit, call).await?,
        };
        let message = answered.map_err(|status| Problem::of(&status, had_if_match))?;
        answer::response(route, message)
    }
}

/// Waits so long and no longer. What is dropped then may still have happened.
async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, call)
        .await
        .map_err(|_| Problem::timed_out(limit))
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        let is_too_large =
            std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
        if is_too_large {
            Problem::too_large(MAX_BODY_BYTES)
        } else {
            Problem::broken_off()
        }
    })
}

fn parse(body: &[u8]) -> Result<Option<Json>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(body)
        .map(Some)
        .map_err(|error| Problem::malformed_json(&error))
}

/// Tells the server's span which call this is.
fn record(route: &Route) {
    let span = Span::current();
    let template = route.template.as_str();
    // The span is started, and a field renames only one that is not.
    span.context()
        .span()
        .update_name(format!("{} {template}", route.method));
    span.record(URL_TEMPLATE, template);
    span.record(RPC_METHOD, route.grpc_path.path().trim_start_matches('/'));
}
