//! Switches: read, and changed while the org runs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{AdminError, AdminResult, answer, org, read};
use crate::org::Switches;
use crate::world::World;

pub(super) async fn get(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    Ok(answer(StatusCode::OK, state.switches()))
}

/// Changes the switches that are named, those of a group one by one, and answers with all of them.
pub(super) async fn change(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let changes: Map<String, Value> = read(&body)?;
    let mut state = org.state();
    let invalid = |error: serde_json::Error| AdminError::bad_request(error.to_string());
    let mut switches = serde_json::to_value(state.switches()).map_err(invalid)?;
    overwrite(&mut switches, Value::Object(changes));
    let switches: Switches = serde_json::from_value(switches).map_err(invalid)?;
    state.set_switches(switches, world.clock.now());
    Ok(answer(StatusCode::OK, state.switches()))
}

/// Puts `changes` in the place of what they name; what they do not name stays.
fn overwrite(value: &mut Value, changes: Value) {
    match (value, changes) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                overwrite(members.entry(name).or_insert(Value::Null), change);
            }
        }
        (value, change) => *value = change,
    }
}
