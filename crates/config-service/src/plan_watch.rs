//! What one watcher of plans is told.

use std::time::Duration;

use contracts::config::v1::{self as pb, watch_plans_response::Event};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tonic::Status;

use crate::{
    destinations::{PlanChange, PlanSnapshot},
    store::Store,
};

/// A watcher is told so often at least that the stream is alive.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// Tells one watcher.
pub(crate) struct PlanWatch {
    store: Store,
    watcher: mpsc::Sender<Result<pb::WatchPlansResponse, Status>>,
    poll_interval: Duration,
    /// Up to here, changes were told.
    told: i64,
}

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchEnded {
    #[error("the watcher is gone")]
    Gone,
    #[error("plans cannot be read")]
    Store(#[from] sqlx::Error),
}

impl PlanWatch {
    /// The watcher has all changes up to `since`.
    pub(crate) fn new(
        store: Store,
        since: i64,
        poll_interval: Duration,
        watcher: mpsc::Sender<Result<pb::WatchPlansResponse, Status>>,
    ) -> Self {
        Self {
            store,
            watcher,
            poll_interval,
            told: since.max(0),
        }
    }

    /// Tells a snapshot and then changes, until the watcher goes away or the
    /// database fails.
    pub(crate) async fn run(mut self) -> Result<(), WatchEnded> {
        let plans_changed = self.store.plans_changed.clone();
        let mut needs_snapshot = true;
        let mut heartbeat_time = Instant::now() + HEARTBEAT_INTERVAL;
        loop {
            // Registered before the read, so that no change falls between.
            let changed = plans_changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let newest = self.store.newest_revision().await?;
            if needs_snapshot || newest < self.told {
                self.tell_snapshot().await?;
                needs_snapshot = false;
                heartbeat_time = Instant::now() + HEARTBEAT_INTERVAL;
            } else if newest > self.told {
                let (changes, newest) = self.store.plan_changes(self.told).await?;
                if newest < self.told {
                    continue;
                }
                let has_told = !changes.is_empty();
                self.tell_changes(changes).await?;
                self.told = newest;
                if has_told {
                    heartbeat_time = Instant::now() + HEARTBEAT_INTERVAL;
                }
            }
            if heartbeat_time <= Instant::now() {
                self.tell(Event::Heartbeat(pb::Heartbeat {})).await?;
                heartbeat_time = Instant::now() + HEARTBEAT_INTERVAL;
            }
            // A time-out is a poll.
            let poll_time = Instant::now() + self.poll_interval;
            let _ = timeout_at(poll_time.min(heartbeat_time), changed).await;
        }
    }

    /// Tells what came after the last revision told, and all that there is.
    /// Starts over for a watcher that has seen a history that is gone.
    async fn tell_snapshot(&mut self) -> Result<(), WatchEnded> {
        let mut snapshot = self.store.plan_snapshot(self.told).await?;
        let mut started_over = self.told == 0;
        if snapshot.newest < self.told {
            self.told = 0;
            started_over = true;
            snapshot = self.store.plan_snapshot(0).await?;
        }
        let PlanSnapshot {
            newest,
            changes,
            present,
        } = snapshot;
        self.tell_changes(changes).await?;
        self.told = newest;
        let plans = present
            .into_iter()
            .map(|(uid, revision)| pb::PlanRevision { uid, revision })
            .collect();
        self.tell(Event::SnapshotComplete(pb::SnapshotComplete {
            plans,
            started_over,
        }))
        .await
    }

    async fn tell_changes(&mut self, changes: Vec<PlanChange>) -> Result<(), WatchEnded> {
        let mut changes = changes.into_iter().peekable();
        while let Some(change) = changes.next() {
            let revision = change.revision();
            // A revision is reached with the last of its changes; a stream that
            // breaks before that must not skip the others.
            if changes.peek().is_none_or(|next| next.revision() > revision) {
                self.told = revision;
            }
            let event = match change {
                PlanChange::Planned(plan) => Event::Plan(plan.as_ref().into()),
                PlanChange::Removed { uid, .. } => Event::RemovedUid(uid.to_string()),
            };
            self.tell(event).await?;
        }
        Ok(())
    }

    async fn tell(&self, event: Event) -> Result<(), WatchEnded> {
        let message = pb::WatchPlansResponse {
            revision: self.told,
            event: Some(event),
        };
        self.watcher.send(Ok(message)).await.map_err(|_| WatchEnded::Gone)
    }
}
