//! Wakes watchers of plans when another replica has changed something.
//!
//! A wake-up and nothing more: what changed is always read from the tables, and
//! watchers poll beside it, so that a lost notification costs a moment only.

use std::time::Duration;

use service::{Database, chain::Chain};
use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::store::Store;

/// As the trigger of `plan_revision` says it.
const CHANNEL: &str = "sluice_plans_changed";
/// How long to wait before listening again after a break.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Listens until `stop`, on one connection, and again after every break. On
/// SQLite there is nobody to listen to.
pub(crate) async fn listen(store: Store, stop: CancellationToken) {
    let Database::Postgres(pool) = &store.database else {
        return;
    };
    let mut was_told = false;
    while !pool.is_closed() {
        let listening = follow(pool, &store.plans_changed);
        let Some(Err(error)) = stop.run_until_cancelled(listening).await else {
            return;
        };
        if !was_told && !pool.is_closed() {
            warn!(error = %Chain(&error), "changes by other replicas are found by polling only, will listen again");
        }
        was_told = true;
        if stop
            .run_until_cancelled(sleep(LISTEN_AGAIN_AFTER))
            .await
            .is_none()
        {
            return;
        }
    }
}

/// Wakes watchers for each notification. Ends with the connection.
async fn follow(pool: &PgPool, changed: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // After a break too, and in the beginning: nobody told what came before.
        changed.notify_waiters();
        listener.try_recv().await?;
    }
}
