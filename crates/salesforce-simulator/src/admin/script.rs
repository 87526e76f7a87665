//! Faults: scripted, listed and forgotten.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::json;

use super::{AdminError, AdminResult, answer, org, read_list};
use crate::org::{BodyShape, Fault, FaultAction, Occasion, RecordFault};
use crate::world::World;

pub(super) async fn add(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let faults: Vec<Fault> = read_list(&body)?;
    for (position, fault) in faults.iter().enumerate() {
        if let Some(problem) = problem(fault) {
            return Err(AdminError::bad_request(format!("[{position}].{problem}")));
        }
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

/// Returns why a fault would never do anything, and the fix.
fn problem(fault: &Fault) -> Option<String> {
    let kind = fault.action.kind();
    match (&fault.action, fault.on) {
        _ if fault.times == 0 => {
            Some("times is 0, so it would never happen; give 1 or more, or leave it out for once".to_owned())
        }
        (FaultAction::RecordError(RecordFault { every: Some(0), .. }), _) => Some(
            "do.every is 0, but positions count from 1; give 1 or more, or leave it out for all".to_owned(),
        ),
        (FaultAction::RecordError(_) | FaultAction::Status(_), Occasion::BulkRows) => None,
        (_, Occasion::BulkRows) => Some(format!(
            "do.kind is {kind}, but must be record_error or status where on is bulk_rows: rows are written without a request"
        )),
        (FaultAction::RecordError(_), Occasion::Write | Occasion::Any) => None,
        (FaultAction::RecordError(_), _) => Some(
            "do.kind is record_error, but such requests write no records; on must be write, bulk_rows or any"
                .to_owned(),
        ),
        (
            FaultAction::TruncateResults {}
            | FaultAction::HalfResults {}
            | FaultAction::DropResult { .. }
            | FaultAction::Body {
                shape: BodyShape::WrongLength,
            },
            Occasion::Token | Occasion::Describe,
        ) => Some(format!(
            "do.kind is {kind}, but such answers hold no list of results; on must be write, query, bulk, tooling or any"
        )),
        _ => None,
    }
}
