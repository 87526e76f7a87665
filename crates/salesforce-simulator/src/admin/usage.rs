//! The daily quota: read back, and used up.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{AdminError, AdminResult, answer, org, read};
use crate::org::{Org, Usage};
use crate::world::World;

/// Calls this old have aged out.
const HOURS_COUNTED: u32 = 24;

/// The body of `POST …/usage`: either `used`, or `calls` with `hours_ago`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUsage {
    /// What is used from now on, whatever was before.
    used: Option<u64>,
    /// Added to what is used.
    calls: Option<u64>,
    hours_ago: Option<u32>,
}

pub(super) async fn get(State(world): State<Arc<World>>, Path(host): Path<String>) -> AdminResult {
    Ok(told(&*org(&world, &host)?, &world))
}

pub(super) async fn put(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewUsage = read(&body)?;
    new.apply(&mut org.state().usage, &world)?;
    Ok(told(&org, &world))
}

impl NewUsage {
    fn apply(&self, usage: &mut Usage, world: &World) -> Result<(), AdminError> {
        let now = world.clock.now();
        match (self.used, self.calls, self.hours_ago) {
            (Some(used), None, None) => usage.set(used, now),
            (None, Some(calls), hours_ago) => {
                let hours_ago = hours_ago.unwrap_or(0);
                if hours_ago >= HOURS_COUNTED {
                    return Err(AdminError::bad_request(format!(
                        "hours_ago {hours_ago} must be below {HOURS_COUNTED}: older calls have aged out"
                    )));
                }
                usage.add_past(calls, hours_ago, now);
            }
            _ => {
                return Err(AdminError::bad_request(
                    "give either used, or calls and hours_ago: {\"used\": 90000} or {\"calls\": 500, \"hours_ago\": 3}",
                ));
            }
        }
        Ok(())
    }
}

fn told(org: &Org, world: &World) -> axum::response::Response {
    let mut state = org.state();
    let used = state.usage.used(world.clock.now());
    let told = json!({"used": used, "max": state.usage.max(), "refused_at": state.usage.ceiling()});
    answer(StatusCode::OK, &told)
}
