//! The forms an answer takes. Source: salesforce-contract.md §3.1.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{ApiRequest, with_body};
use crate::ids::RecordId;
use crate::org::StatusFault;
use crate::refusal::CallError;

const JSON: &str = "application/json;charset=UTF-8";
const HTML: &str = "text/html;charset=UTF-8";

pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    json_text(status, body.to_string())
}

/// Returns an answer whose JSON is written already.
pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    with_body(status, JSON, body)
}

pub(super) fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

pub(super) fn empty(status: StatusCode) -> Response {
    with_body(status, HTML, "")
}

/// Fails with 415 unless the body is said to be JSON. Source: salesforce-contract.md §3.2.
pub(super) fn check_json(request: &ApiRequest) -> Result<(), CallError> {
    let is_json = request
        .header(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.to_ascii_lowercase().starts_with("application/json"));
    if is_json {
        Ok(())
    } else {
        Err(CallError::unsupported_media_type())
    }
}

/// Reads a JSON object.
///
/// # Errors
/// 415 unless it is said to be JSON, 400 `JSON_PARSER_ERROR` unless it is an object.
pub(super) fn object(request: &ApiRequest) -> Result<Map<String, Value>, CallError> {
    check_json(request)?;
    serde_json::from_slice(&request.body).map_err(|error| CallError::unreadable_json(&error))
}

/// Returns what a record says of itself; `folder` is `sobjects` or `tooling/sobjects`.
pub(super) fn attributes(version: &str, folder: &str, object: &str, id: RecordId) -> Value {
    json!({"type": object, "url": url(version, folder, object, id)})
}

/// Returns where a record is found.
pub(super) fn url(version: &str, folder: &str, object: &str, id: RecordId) -> String {
    format!("/services/data/{version}/{folder}/{object}/{id}")
}

pub(super) fn not_modified() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// Returns the array form of an error.
pub(super) fn call_error(error: &CallError) -> Response {
    json(
        error.status,
        &json!([{"message": error.message, "errorCode": error.error_code}]),
    )
}

/// Returns what the edge answers for a host that no org has. Source: salesforce-contract.md §3.2.
pub(super) fn no_route() -> Response {
    edge_page(no_route_status())
}

/// Returns what our own address answers while there is no org that it could mean.
pub(super) fn no_org() -> Response {
    page(
        no_route_status(),
        "No route to this host: the simulator has no org. Create one by POST /simulator/orgs",
    )
}

fn no_route_status() -> StatusCode {
    // A number without a registered name; any number from 100 to 999 is a status.
    StatusCode::from_u16(420).unwrap_or(StatusCode::NOT_FOUND)
}

/// Returns a page of the edge. Source: salesforce-contract.md §3.1.
pub(super) fn edge_page(status: StatusCode) -> Response {
    page(
        status,
        match status.as_u16() {
            420 => "No route to this host",
            502 => "The instance cannot be reached",
            504 => "The instance did not answer in time",
            _ => "We are down for maintenance",
        },
    )
}

/// Returns an HTML page.
pub(super) fn page(status: StatusCode, text: &str) -> Response {
    let number = status.as_u16();
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{number}</title></head><body><h1>{text}</h1></body></html>\n"
    );
    with_body(status, HTML, page)
}

/// Returns the answer that a test scripted.
pub(super) fn scripted(fault: &StatusFault) -> Response {
    let mut response = match &fault.body {
        Some(body) => with_body(fault.status, &fault.content_type, body.clone()),
        None => json(
            fault.status,
            &json!([{"message": fault.message, "errorCode": fault.error_code}]),
        ),
    };
    if let Some(seconds) = fault.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
