//! Switches: read, and changed while the org runs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{AdminResult, answer, merged, org, read};
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
    let switches: Switches = merged(state.switches(), changes)?;
    state.set_switches(switches, world.clock.now());
    Ok(answer(StatusCode::OK, state.switches()))
}
