//! Apps and users: changed while the org runs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::logins::{no_app, no_user};
use super::{AdminError, AdminResult, answer, org, read};
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
    let changed: User = changed(&*user, read(&body)?, "username")?;
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
    let changed: App = changed(&*app, read(&body)?, "client_id")?;
    state.directory.replace_app(changed);
    Ok(answer(StatusCode::OK, &json!({})))
}

/// Returns `current` with some of its keys as given; `name`, by which it is found, is none of them.
fn changed<T: Serialize + DeserializeOwned>(
    current: &T,
    changes: Map<String, Value>,
    name: &str,
) -> Result<T, AdminError> {
    if changes.contains_key(name) {
        return Err(AdminError::bad_request(format!("{name} cannot be changed")));
    }
    let unreadable = |error: serde_json::Error| AdminError::bad_request(error.to_string());
    let mut value = serde_json::to_value(current).map_err(unreadable)?;
    for (key, change) in changes {
        value[key.as_str()] = change;
    }
    serde_json::from_value(value).map_err(unreadable)
}
