//! Apps and users: listed, added and changed while the org runs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::logins::{no_app, no_user};
use super::{AdminError, AdminResult, answer, merged, org, read};
use crate::org::{App, User};
use crate::world::World;

pub(super) async fn change_user(
    State(world): State<Arc<World>>,
    Path((host, username)): Path<(String, String)>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let mut state = org.state();
    let user = state
        .directory
        .user(&username)
        .ok_or_else(|| no_user(&username))?;
    let changes: Map<String, Value> = read(&body)?;
    check_unnamed(&changes, "username")?;
    let changed: User = merged(user.as_ref(), changes)?;
    state.directory.replace_user(changed);
    Ok(answer(StatusCode::OK, &json!({})))
}

pub(super) async fn change_app(
    State(world): State<Arc<World>>,
    Path((host, client_id)): Path<(String, String)>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let mut state = org.state();
    let app = state
        .directory
        .app(&client_id)
        .ok_or_else(|| no_app(&client_id))?;
    let changes: Map<String, Value> = read(&body)?;
    check_unnamed(&changes, "client_id")?;
    let changed: App = merged(app.as_ref(), changes)?;
    state.directory.replace_app(changed);
    Ok(answer(StatusCode::OK, &json!({})))
}

/// Adds a user, who can log in at once.
pub(super) async fn add_user(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let user: User = read(&body)?;
    check_given("username", &user.username)?;
    let mut state = org.state();
    if state.directory.user(&user.username).is_some() {
        return Err(AdminError::conflict(format!(
            "a user called {0} exists; PATCH users/{0} changes it",
            user.username
        )));
    }
    let id = state.directory.add_user(user);
    Ok(answer(StatusCode::CREATED, &json!({"id": id.to_string()})))
}

/// Adds an app, and with it the user that it runs as, if there is none of that name.
pub(super) async fn add_app(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let app: App = read(&body)?;
    check_given("client_id", &app.client_id)?;
    let mut state = org.state();
    if state.directory.app(&app.client_id).is_some() {
        return Err(AdminError::conflict(format!(
            "an app with client_id {0} exists; PATCH apps/{0} changes it",
            app.client_id
        )));
    }
    state.directory.add_app(app, world.clock.now());
    Ok(answer(StatusCode::CREATED, &json!({})))
}

/// Lists the users with their ids, and none of their secrets.
pub(super) async fn users(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let users: Vec<Value> = state
        .directory
        .users()
        .map(|(id, user)| {
            json!({
                "id": id.to_string(),
                "username": user.username,
                "active": user.active,
                "locked": user.locked,
                "api_enabled": user.api_enabled,
                "permissions": user.permissions,
            })
        })
        .collect();
    Ok(answer(StatusCode::OK, &users))
}

/// Lists the apps without their secrets; a certificate is none, but long.
pub(super) async fn apps(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let apps: Vec<Value> = state
        .directory
        .apps()
        .map(|app| {
            let mut shown = serde_json::to_value(app.as_ref()).unwrap_or_default();
            if let Some(members) = shown.as_object_mut() {
                members.retain(|name, _| !matches!(name.as_str(), "client_secret" | "certificate"));
            }
            shown
        })
        .collect();
    Ok(answer(StatusCode::OK, &apps))
}

/// Fails if `value` cannot name a user or an app.
fn check_given(name: &str, value: &str) -> Result<(), AdminError> {
    if value.trim().is_empty() {
        return Err(AdminError::bad_request(format!(
            "{name} is empty; give one that no other has"
        )));
    }
    Ok(())
}

/// Fails if `name`, by which a user or an app is found, is among the changes.
fn check_unnamed(changes: &Map<String, Value>, name: &str) -> Result<(), AdminError> {
    if changes.contains_key(name) {
        return Err(AdminError::bad_request(format!("{name} cannot be changed")));
    }
    Ok(())
}
