//! How many updates of a destination wait.

use activation::names::DestinationUid;
use chrono::TimeDelta;
use service::Clock;

use crate::{
    journal::{Journal, JournalError, hour_of},
    receipt::{RUNS_KEPT, Receipts},
};

/// Counts what was accepted and is not settled.
pub struct WaitingUpdates {
    pub journal: Journal,
    pub receipts: Receipts,
    pub clock: Clock,
}

impl WaitingUpdates {
    /// Counts one destination's. What waits for longer than runs are kept is
    /// not counted any more.
    pub async fn of(&self, uid: &DestinationUid) -> Result<i64, JournalError> {
        // Both tables have these hours whole.
        let since = hour_of(self.clock.now() - RUNS_KEPT + TimeDelta::days(1));
        // Read first, so that what settles meanwhile is not missing.
        let settled = self.receipts.settled_since(uid, since).await?;
        let accepted = self.journal.accepted_since(uid, since).await?;
        Ok((accepted - settled).max(0))
    }
}
