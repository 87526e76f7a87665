//! Faults: scripted, listed and forgotten.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::json;

use super::{AdminError, AdminResult, answer, org, read_list};
use crate::org::{Fault, FaultAction, Occasion};
use crate::world::World;

pub(super) async fn add(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let faults: Vec<Fault> = read_list(&body)?;
    let is_known = |fault: &Fault| {
        fault.on != Occasion::BulkRows
            || matches!(fault.action, FaultAction::RecordError(_) | FaultAction::Status(_))
    };
    if !faults.iter().all(is_known) {
        return Err(AdminError::bad_request(
            "do.kind must be record_error or status where on is bulk_rows: rows are written without a request",
        ));
    }
    org.state().faults.extend(faults);
    Ok(answer(StatusCode::OK, &json!({})))
}

pub(super) async fn list(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let faults: Vec<&Fault> = state.faults.scheduled().collect();
    Ok(answer(StatusCode::OK, &faults))
}

pub(super) async fn clear(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    org(&world, &host)?.state().faults.clear();
    Ok(answer(StatusCode::OK, &json!({})))
}
