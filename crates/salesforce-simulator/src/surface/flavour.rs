//! The forms in which an org tells a refused request. Source: salesforce-contract.md §3.1 and §10.

use axum::body::to_bytes;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use serde_json::Value;

use super::{reply, with_body};
use crate::org::{ErrorBody, SessionErrorForm, Switches};
use crate::refusal::CallError;

/// Source: salesforce-contract.md §3.1.
const OAUTH_ERROR: HeaderName = HeaderName::from_static("sfdc-oauth-error");

/// Returns the answer of a refused request; a session that is gone has forms of its own, which
/// [`flavoured`] leaves as they are.
pub(super) fn refused(switches: &Switches, error: &CallError) -> Response {
    if *error != CallError::session_expired() {
        return reply::call_error(error);
    }
    let (content_type, body) = match switches.login.session_error_form {
        SessionErrorForm::Json => return reply::call_error(error),
        SessionErrorForm::Xml => (
            "application/xml;charset=UTF-8",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Errors><Error><errorCode>LOGIN_OAUTH_INVALID_TOKEN</errorCode>\
             <message>Session expired or invalid</message></Error></Errors>",
        ),
        SessionErrorForm::Html => (
            "text/html;charset=UTF-8",
            "<!DOCTYPE html>\n<html><head><title>Error</title></head><body>LOGIN_OAUTH_INVALID_TOKEN</body></html>\n",
        ),
    };
    let mut response = with_body(error.status, content_type, body);
    response
        .headers_mut()
        .insert(OAUTH_ERROR, HeaderValue::from_static("LOGIN_OAUTH_INVALID_TOKEN"));
    response
}

/// Gives an answer with an error the form that the org's switches say; other answers stay as they are.
pub(super) async fn flavoured(switches: &Switches, response: Response) -> Response {
    let status = response.status();
    let is_refused = status.is_client_error() || status.is_server_error();
    if !is_refused || switches.error_body == ErrorBody::Array {
        return response;
    }
    let (parts, body) = response.into_parts();
    // Answers are made whole, so reading one back neither waits nor fails.
    let content = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(Value::Array(errors)) = serde_json::from_slice(&content) else {
        return Response::from_parts(parts, content.into());
    };
    let mut told = match switches.error_body {
        ErrorBody::Array => reply::json(status, &Value::Array(errors)),
        ErrorBody::BareObject => {
            let first = errors.into_iter().next().unwrap_or_default();
            reply::json(status, &first)
        }
        ErrorBody::Html => reply::page(status, "The request was refused"),
        ErrorBody::Empty => reply::empty(status),
    };
    for (name, value) in &parts.headers {
        if !told.headers().contains_key(name) {
            told.headers_mut().append(name, value.clone());
        }
    }
    told
}
