//! Sends a batch, and creates no more records than the day's limit leaves.

use std::num::NonZeroU32;

use service::chain::Chain;
use tokio::time::Instant;
use tracing::warn;

use super::{
    driver::Tools,
    machine::{Batch, RecordResult, SendResult, Trouble},
};
use crate::receipt::Day;

/// Sends a batch. A cancelled call may still have happened.
pub(super) async fn send(tools: &Tools, batch: Batch) -> SendResult {
    match batch.plan.rules.creation_rules.max_per_day {
        Some(limit) if batch.creates => create(tools, batch, limit).await,
        Some(_) | None => tools.sender.send(&batch).await,
    }
}

/// Creates as many records as there is room for, the first of the batch. They
/// are counted before they are sent, so that a crash or a lost answer creates
/// none beyond the limit; what is then known not to have been created is
/// given back.
async fn create(tools: &Tools, mut batch: Batch, limit: NonZeroU32) -> SendResult {
    let wanted = batch.records.len();
    let uid = batch.plan.uid.clone();
    let now = tools.clock.now();
    let day = Day::of(now);
    let allowed = match tools.receipts.allow_creates(&uid, day, limit, wanted).await {
        Ok(allowed) => allowed,
        Err(error) => {
            warn!(destination.uid = %uid, error = %Chain(&error), "created records cannot be counted, will try again");
            return SendResult::Again(Trouble {
                reason: "STORE_UNAVAILABLE".to_owned(),
                message: "created records cannot be counted, so that none is created".to_owned(),
                retry_after: None,
            });
        }
    };
    batch.records.truncate(allowed);
    let result = if allowed == 0 {
        SendResult::Answered(Vec::new())
    } else {
        tools.sender.send(&batch).await
    };
    let created = match &result {
        SendResult::Answered(results) => results
            .iter()
            .filter(|result| matches!(result, RecordResult::Created(_)))
            .count(),
        SendResult::Again(_) => 0,
        // All of them, for all that is known.
        SendResult::InDoubt(_) => allowed,
    };
    if created < allowed
        && let Err(error) = tools
            .receipts
            .take_creates_back(&uid, day, allowed - created)
            .await
    {
        warn!(
            destination.uid = %uid,
            error = %Chain(&error),
            "records that were not created stay counted for today"
        );
    }
    match result {
        SendResult::Answered(mut results) => {
            let rest = if created < allowed {
                // There is room again.
                RecordResult::Missing
            } else {
                let until_tomorrow = (day.end() - now).to_std().unwrap_or_default();
                RecordResult::OverLimit {
                    frees_at: Instant::now() + until_tomorrow,
                }
            };
            results.resize(wanted, rest);
            SendResult::Answered(results)
        }
        unsent => unsent,
    }
}
