//! Error answers: `application/problem+json`, RFC 9457.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;

pub(crate) const CONTENT: &str = "application/problem+json";
/// Of the reasons that are given here; those of the services bring their own.
const DOMAIN: &str = "sluice";

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Path of the field in the request message, or the name of a header.
    pub field: String,
    pub description: String,
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            description: description.into(),
        }
    }
}

/// An error answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    /// Name of the gRPC code.
    code: &'static str,
    reason: String,
    violations: Vec<Violation>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(skip)]
    allow: Vec<Method>,
}

impl Problem {
    fn new(status: StatusCode, code: Code, reason: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: kind(DOMAIN, reason),
            title: title(reason, status),
            status: status.as_u16(),
            detail: detail.into(),
            code: code_name(code),
            reason: reason.to_owned(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after_seconds: None,
            allow: Vec::new(),
        }
    }

    pub(crate) fn unknown_path(path: &str) -> Self {
        let detail = format!("there is nothing at {path}; /v1/openapi.json lists what there is");
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, "UNKNOWN_PATH", detail)
    }

    pub(crate) fn wrong_method(method: &Method, path: &str, allowed: Vec<Method>) -> Self {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        let detail = format!(
            "{method} is not possible at {path}; what is: {}",
            names.join(", ")
        );
        Self {
            allow: allowed,
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                Code::Unimplemented,
                "WRONG_METHOD",
                detail,
            )
        }
    }

    pub(crate) fn cross_origin() -> Self {
        let detail = "a web page of another origin asks for a change; only pages of this server may";
        Self::new(
            StatusCode::FORBIDDEN,
            Code::PermissionDenied,
            "CROSS_ORIGIN",
            detail,
        )
    }

    pub(crate) fn not_json() -> Self {
        let detail = "the body must be JSON and say so: Content-Type: application/json";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            "WRONG_CONTENT_TYPE",
            detail,
        )
    }

    /// The parser's words name a place and never what stands there.
    pub(crate) fn malformed_json(error: &serde_json::Error) -> Self {
        let detail = format!("the body is not well-formed JSON: {error}");
        Self::new(
            StatusCode::BAD_REQUEST,
            Code::InvalidArgument,
            "MALFORMED_BODY",
            detail,
        )
    }

    pub(crate) fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("the body is larger than {limit_bytes} bytes");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::OutOfRange,
            "BODY_TOO_LARGE",
            detail,
        )
    }

    pub(crate) fn broken_off() -> Self {
        let detail = "the body ended before it was complete";
        Self::new(
            StatusCode::BAD_REQUEST,
            Code::InvalidArgument,
            "BODY_BROKEN_OFF",
            detail,
        )
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        let detail = format!(
            "the call took longer than the {} s asked for; it may still have happened",
            limit.as_secs_f64()
        );
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            Code::DeadlineExceeded,
            "TIMED_OUT",
            detail,
        )
    }

    pub(crate) fn unwritable() -> Self {
        let detail = "the call succeeded, and its answer has values that JSON has no form for";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::Internal,
            "UNWRITABLE",
            detail,
        )
    }

    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        let sentences: Vec<String> = violations
            .iter()
            .map(|one| format!("{}: {}", one.field, one.description))
            .collect();
        Self {
            violations,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                "INVALID_FIELD",
                sentences.join("; "),
            )
        }
    }

    /// What a service answered. An etag that came as `If-Match` and is stale is
    /// a failed precondition of HTTP.
    pub(crate) fn of(status: &Status, had_if_match: bool) -> Self {
        let details = status.get_error_details();
        let mut http = http_status(status.code());
        if had_if_match && status.code() == Code::Aborted {
            http = StatusCode::PRECONDITION_FAILED;
        }
        let mut problem = Self::new(http, status.code(), "", status.message());
        if let Some(info) = details.error_info() {
            problem.kind = kind(&info.domain, &info.reason);
            problem.title = title(&info.reason, http);
            problem.reason.clone_from(&info.reason);
            problem.metadata = info.metadata.clone().into_iter().collect();
        }
        let fields = details.bad_request().into_iter().flat_map(|bad| {
            let of_field = |one: &tonic_types::FieldViolation| Violation::new(&one.field, &one.description);
            bad.field_violations.iter().map(of_field)
        });
        let preconditions = details.precondition_failure().into_iter().flat_map(|failure| {
            let of_subject =
                |one: &tonic_types::PreconditionViolation| Violation::new(&one.subject, &one.description);
            failure.violations.iter().map(of_subject)
        });
        for violation in fields.chain(preconditions) {
            // A precondition that is about a field is told as both.
            if !problem.violations.contains(&violation) {
                problem.violations.push(violation);
            }
        }
        problem.retry_after_seconds = details
            .retry_info()
            .and_then(|info| info.retry_delay)
            .map(|delay| {
                delay
                    .as_millis()
                    .div_ceil(1_000)
                    .max(1)
                    .try_into()
                    .unwrap_or(u64::MAX)
            });
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = serde_json::to_vec(&self).expect("a problem is texts and numbers");
        body.push(b'\n');
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if !self.allow.is_empty() {
            let names: Vec<&str> = self.allow.iter().map(Method::as_str).collect();
            if let Ok(names) = names.join(", ").parse() {
                headers.insert(ALLOW, names);
            }
        }
        response
    }
}

fn kind(domain: &str, reason: &str) -> String {
    if reason.is_empty() {
        "about:blank".to_owned()
    } else {
        format!("urn:{domain}:{reason}")
    }
}

/// Writes a reason for people: `STALE_ETAG` is `Stale etag`. A title is the
/// same for all problems of a type.
fn title(reason: &str, status: StatusCode) -> String {
    let Some(first) = reason.chars().next() else {
        return status.canonical_reason().unwrap_or("Error").to_owned();
    };
    let rest = reason[first.len_utf8()..].to_lowercase().replace('_', " ");
    format!("{first}{rest}")
}

/// The status of a code. Source: `google/rpc/code.proto`, "HTTP Mapping".
pub(crate) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => {
            StatusCode::from_u16(499).expect("three digits are a status, if only nginx knows it")
        }
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) const CODE_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The name of a code in gRPC. Source: `google/rpc/code.proto`.
fn code_name(code: Code) -> &'static str {
    usize::try_from(i32::from(code))
        .ok()
        .and_then(|number| CODE_NAMES.get(number).copied())
        .unwrap_or("UNKNOWN")
}
