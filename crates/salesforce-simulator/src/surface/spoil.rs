//! What a fault does with an answer, after the request was handled.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header;
use axum::response::Response;
use serde_json::{Map, Value};

use super::reply;
use crate::org::{BodyShape, FaultAction};

/// Returns the answer that the client gets instead.
pub(super) async fn spoiled(fault: &FaultAction, response: Response) -> Response {
    match fault {
        FaultAction::Status(status) => reply::scripted(status),
        FaultAction::EdgePage { status, .. } => reply::edge_page(*status),
        FaultAction::TruncateResults {} => {
            with_results(response, |results| {
                results.pop();
            })
            .await
        }
        FaultAction::HalfResults {} => {
            with_results(response, |results| results.truncate(results.len() / 2)).await
        }
        FaultAction::DropResult { at } => {
            with_results(response, |results| {
                if *at < results.len() {
                    results.remove(*at);
                }
            })
            .await
        }
        FaultAction::Body { shape } => with_shape(response, *shape).await,
        FaultAction::CutBefore {}
        | FaultAction::CutAfter {}
        | FaultAction::Vanish {}
        | FaultAction::Slow { .. }
        | FaultAction::SlowAnswer { .. }
        | FaultAction::ExpireSessions {}
        | FaultAction::RecordError(_)
        | FaultAction::Quota {} => response,
    }
}

async fn with_shape(response: Response, shape: BodyShape) -> Response {
    match shape {
        BodyShape::Empty => with_content(response, |_| Bytes::new()).await,
        BodyShape::TruncatedJson => {
            with_content(response, |content| content.slice(..content.len() / 2)).await
        }
        BodyShape::WrongType => {
            with_json(response, |value| match value {
                Value::Array(results) => {
                    let mut object = Map::new();
                    object.insert("results".to_owned(), Value::Array(results));
                    Value::Object(object)
                }
                other => Value::Array(vec![other]),
            })
            .await
        }
        BodyShape::WrongLength => {
            with_results(response, |results| {
                if let Some(last) = results.last().cloned() {
                    results.push(last);
                }
            })
            .await
        }
    }
}

/// Changes the results of a success: the elements of an array, or the records of a query.
async fn with_results(response: Response, change: impl FnOnce(&mut Vec<Value>)) -> Response {
    with_json(response, |mut value| {
        let results = match &mut value {
            Value::Array(results) => Some(results),
            Value::Object(members) => members.get_mut("records").and_then(Value::as_array_mut),
            _ => None,
        };
        if let Some(results) = results {
            change(results);
        }
        value
    })
    .await
}

async fn with_json(response: Response, change: impl FnOnce(Value) -> Value) -> Response {
    with_content(response, |content| match serde_json::from_slice(&content) {
        Ok(value) => change(value).to_string().into(),
        Err(_) => content,
    })
    .await
}

/// Changes the body of a success; an error stays as it is.
async fn with_content(response: Response, change: impl FnOnce(Bytes) -> Bytes) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Answers are made whole, so reading one back neither waits nor fails.
    let content = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(change(content)))
}
