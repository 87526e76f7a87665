//! Pages for a person with a browser: `/` at our own address, and `/simulator/view/{host}` for one org.
//!
//! They read and change nothing, run no script, and `maud` escapes whatever an org holds. No secret of an app or
//! user is on them.

mod home;
mod org;

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use crate::connection::Connection;
use crate::surface;
use crate::world::{World, is_local};

pub(crate) use org::view;

const STYLE: &str = include_str!("page/style.css");

/// Nothing but our own inline style may come with a page, whatever a record holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Answers `/`: a page at our own address, and what Salesforce would say at an org's.
pub(crate) async fn home(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let is_asked_here = host(request.headers()).is_some_and(is_local);
    if is_asked_here && matches!(*request.method(), Method::GET | Method::HEAD) {
        return page(StatusCode::OK, "Salesforce simulator", &home::orgs(&world));
    }
    surface::answer(State(world), ConnectInfo(connection), request).await
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Returns a whole page.
fn page(status: StatusCode, title: &str, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (content) }
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (status, headers, page.into_string()).into_response()
}

/// Returns the members of an object as names and values.
fn facts(object: &Value) -> Markup {
    html! {
        dl {
            @for (name, value) in object.as_object().into_iter().flatten() {
                div { dt { (name.replace('_', " ")) } dd { (plain(value)) } }
            }
        }
    }
}

/// Returns a value as text: a string without its quotes, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
