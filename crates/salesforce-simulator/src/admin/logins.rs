//! Logins and sessions: read back, ended, and prepared.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{AdminError, AdminResult, Parameters, answer, not_found, org, read};
use crate::org::Authorization;
use crate::world::World;

/// The query of `GET …/logins`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginsQuery {
    #[serde(default)]
    after: u64,
}

/// The body of `POST …/sessions/expire`, which may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expiry {
    /// Whose sessions end; everybody's, unless given.
    username: Option<String>,
}

/// The body of `POST …/refresh-tokens`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRefreshToken {
    client_id: String,
    username: String,
}

pub(super) async fn history(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    Parameters(query): Parameters<LoginsQuery>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    Ok(answer(StatusCode::OK, &state.logins.after(query.after)))
}

pub(super) async fn sessions(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    let sessions = org(&world, &host)?.state().sessions.list(world.clock.now());
    Ok(answer(StatusCode::OK, &sessions))
}

pub(super) async fn expire(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let expiry: Expiry = if body.is_empty() {
        Expiry::default()
    } else {
        read(&body)?
    };
    let mut state = org.state();
    let expired = match &expiry.username {
        Some(username) if state.directory.user(username).is_none() => return Err(no_user(username)),
        Some(username) => state.sessions.expire_user(username),
        None => state.sessions.expire_all(),
    };
    Ok(answer(StatusCode::OK, &json!({"expired": expired})))
}

/// Gives a user's consent to an app without `authorize`.
pub(super) async fn refresh_token(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewRefreshToken = read(&body)?;
    let mut state = org.state();
    let app = state
        .directory
        .app(&new.client_id)
        .ok_or_else(|| no_app(&new.client_id))?;
    let user = state
        .directory
        .user(&new.username)
        .ok_or_else(|| no_user(&new.username))?;
    let now = world.clock.now();
    let authorization = Authorization {
        username: user.username.clone(),
        client_id: app.client_id.clone(),
        redirect_uri: String::new(),
        scope: app.scope(),
        code_challenge: None,
        issued_at: now,
    };
    let (refresh_token, _) = state.approve(&app, &authorization, now);
    Ok(answer(
        StatusCode::CREATED,
        &json!({"refresh_token": refresh_token}),
    ))
}

pub(super) fn no_user(username: &str) -> AdminError {
    not_found(format!("no user of the org is called {username}"))
}

pub(super) fn no_app(client_id: &str) -> AdminError {
    not_found(format!("no app of the org has client_id {client_id}"))
}
