//! Waiting for what is bound to happen.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long anything may take that normally takes a moment. Generous: a slow machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks. Each look is a call to a server, so this is no busy loop.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until there is something to see, and returns it. `what` completes "… did not happen".
///
/// # Errors
/// The first error of a look, or that nothing was to be seen within [`PATIENCE`].
pub async fn until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timeout(PATIENCE, async {
        loop {
            looks.tick().await;
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
        }
    })
    .await
    .with_context(|| format!("{what} did not happen within {} s", PATIENCE.as_secs()))?
}
