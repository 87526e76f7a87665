//! The surface under `/simulator`: creating orgs, seeding them, scripting faults, reading everything back.
//!
//! Salesforce has nothing of this. Bodies are JSON, unknown keys are refused by name, and an error is
//! `{"error": "…"}`.

mod body;
mod directory;
mod fields;
mod logins;
mod orgs;
mod record_access;
mod records;
mod rules;
mod script;
mod switches;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use serde::Serialize;
use serde_json::json;

use crate::bulk::catch_up;
use crate::org::Org;
use crate::schema::ObjectName;
use crate::world::World;

use body::{Parameters, merged, read, read_list};
pub(crate) use fields::put_field;
pub(crate) use records::seed;

/// A refused request of the admin surface.
#[derive(Debug)]
pub(crate) struct AdminError {
    status: StatusCode,
    text: String,
}

/// What an admin call answers.
type AdminResult = Result<Response, AdminError>;

/// Returns the routes, relative to `/simulator`.
pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/orgs", post(orgs::create).get(orgs::list))
        .route("/orgs/{host}", delete(orgs::remove))
        .route("/orgs/{host}/fields", post(fields::put))
        .route("/orgs/{host}/fields/{object}/{name}", delete(fields::remove))
        .route(
            "/orgs/{host}/records/{object}",
            post(records::create).get(records::list),
        )
        .route(
            "/orgs/{host}/records/{object}/{id}",
            get(records::get).patch(records::change),
        )
        .route("/orgs/{host}/history", get(orgs::history))
        .route("/orgs/{host}/counters", get(orgs::counters))
        .route("/orgs/{host}/calls", get(orgs::calls))
        .route(
            "/orgs/{host}/users",
            get(directory::users).post(directory::add_user),
        )
        .route("/orgs/{host}/apps", get(directory::apps).post(directory::add_app))
        .route("/orgs/{host}/users/{username}", patch(directory::change_user))
        .route("/orgs/{host}/apps/{client_id}", patch(directory::change_app))
        .route("/orgs/{host}/refresh-tokens", post(logins::refresh_token))
        .route("/orgs/{host}/logins", get(logins::history))
        .route("/orgs/{host}/sessions", get(logins::sessions))
        .route("/orgs/{host}/sessions/expire", post(logins::expire))
        .route("/orgs/{host}/usage", get(usage::get).post(usage::put))
        .route(
            "/orgs/{host}/faults",
            post(script::add).get(script::list).delete(script::clear),
        )
        .route(
            "/orgs/{host}/switches",
            get(switches::get).patch(switches::change),
        )
        .route(
            "/orgs/{host}/duplicate-rules",
            post(rules::add_duplicate)
                .get(rules::duplicates)
                .delete(rules::clear_duplicates),
        )
        .route(
            "/orgs/{host}/validation-rules",
            post(rules::add_validation)
                .get(rules::validations)
                .delete(rules::clear_validations),
        )
        .route(
            "/orgs/{host}/assignment-rules",
            post(rules::add_assignment)
                .get(rules::assignments)
                .delete(rules::clear_assignments),
        )
        .route(
            "/orgs/{host}/record-types",
            post(rules::add_record_type).get(rules::record_types),
        )
        .route("/orgs/{host}/record-access", post(record_access::set))
        .route("/orgs/{host}/merges", post(record_access::merge))
        .route("/view/{host}", get(crate::page::view))
        .route("/reset", post(orgs::reset))
        .method_not_allowed_fallback(wrong_method)
        .fallback(async || not_found("the admin surface has no such path").into_response())
        // Seeding sends tens of thousands of records at once.
        .layer(DefaultBodyLimit::disable())
}

impl AdminError {
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }

    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            text: text.into(),
        }
    }

    /// Returns what went wrong, for a log.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        answer(self.status, &json!({"error": self.text}))
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Answers where the path is right and the method is not; `Allow` names those that are.
async fn wrong_method(method: Method) -> AdminError {
    AdminError {
        status: StatusCode::METHOD_NOT_ALLOWED,
        text: format!("this path has no {method}; the header Allow names what it has"),
    }
}

fn not_found(text: impl Into<String>) -> AdminError {
    AdminError {
        status: StatusCode::NOT_FOUND,
        text: text.into(),
    }
}

fn org(world: &World, host: &str) -> Result<Arc<Org>, AdminError> {
    let org = world
        .org(host)
        .ok_or_else(|| not_found(format!("no org has host {host}")))?;
    catch_up(&org, &mut org.state(), world.clock.now());
    Ok(org)
}

fn object(name: &str) -> Result<ObjectName, AdminError> {
    ObjectName::parse(name).ok_or_else(|| {
        not_found(format!(
            "no object is called {name}; there are {}",
            ObjectName::ALL.map(ObjectName::name).join(", ")
        ))
    })
}
