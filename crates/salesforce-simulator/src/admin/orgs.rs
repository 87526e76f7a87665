//! Orgs: made, listed, removed, and what happened in them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminError, AdminResult, Parameters, answer, org, read};
use crate::org::{Call, OrgOptions};
use crate::world::{CreateOrgError, World};

/// The query of `GET …/history`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    #[serde(default)]
    after: u64,
}

/// The query of `GET …/calls`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallsQuery {
    /// Most calls to tell; all that are remembered, unless given.
    #[serde(default = "all")]
    last: usize,
}

pub(super) async fn create(State(world): State<Arc<World>>, body: Bytes) -> AdminResult {
    let options: OrgOptions = read(&body)?;
    let created = world.create(options)?;
    let body = json!({"host": created.options.host, "org_id": created.id.to_string()});
    Ok(answer(StatusCode::CREATED, &body))
}

pub(super) async fn list(State(world): State<Arc<World>>) -> AdminResult {
    let orgs: Vec<Value> = world
        .orgs()
        .iter()
        .map(|org| {
            json!({
                "host": org.options.host,
                "org_id": org.id.to_string(),
                "name": org.options.name,
                "type": org.options.organization_type,
            })
        })
        .collect();
    Ok(answer(StatusCode::OK, &orgs))
}

pub(super) async fn remove(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    org(&world, &host)?;
    world.remove(&host);
    Ok(answer(StatusCode::OK, &json!({})))
}

pub(super) async fn reset(State(world): State<Arc<World>>) -> AdminResult {
    world.remove_all();
    Ok(answer(StatusCode::OK, &json!({})))
}

pub(super) async fn history(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    Parameters(query): Parameters<HistoryQuery>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    Ok(answer(StatusCode::OK, &state.history.after(query.after)))
}

pub(super) async fn counters(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    let org = org(&world, &host)?;
    let counters = org.state().counters.clone();
    Ok(answer(StatusCode::OK, &counters))
}

pub(super) async fn calls(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    Parameters(query): Parameters<CallsQuery>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let calls: Vec<&Call> = state.calls.last(query.last).collect();
    Ok(answer(StatusCode::OK, &calls))
}

impl From<CreateOrgError> for AdminError {
    fn from(error: CreateOrgError) -> Self {
        match &error {
            CreateOrgError::Exists(_) => Self::conflict(error.to_string()),
            CreateOrgError::Host { .. }
            | CreateOrgError::RepeatedUser(_)
            | CreateOrgError::RepeatedApp(_)
            | CreateOrgError::Options(_) => Self::bad_request(error.to_string()),
        }
    }
}

fn all() -> usize {
    usize::MAX
}
