//! The forms in which an org tells a refused request. Source: salesforce-contract.md §3.1 and §10.

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::reply;
use crate::org::{ErrorBody, SessionError, Switches};

/// Gives an answer with an error the form that the org's switches say; other answers stay as they are.
pub(super) async fn flavoured(switches: &Switches, response: Response) -> Response {
    let status = response.status();
    let is_refused = status.is_client_error() || status.is_server_error();
    let is_usual = switches.error_body == ErrorBody::Array && switches.session_error == SessionError::Expired;
    if !is_refused || is_usual {
        return response;
    }
    let (parts, body) = response.into_parts();
    // Answers are made whole, so reading one back neither waits nor fails.
    let content = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(Value::Array(mut errors)) = serde_json::from_slice(&content) else {
        return Response::from_parts(parts, content.into());
    };
    if status == StatusCode::UNAUTHORIZED && switches.session_error == SessionError::NotValidForRestApi {
        for error in &mut errors {
            if error["errorCode"] == "INVALID_SESSION_ID" {
                error["message"] = json!("This session is not valid for use with the REST API");
            }
        }
    }
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
