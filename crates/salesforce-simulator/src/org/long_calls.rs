//! How many calls run for long. Source: salesforce-contract.md §4.4.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The calls of one org that are not yet answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunningCalls(Arc<Mutex<Running>>);

/// One call that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct RunningCall {
    calls: RunningCalls,
    number: u64,
}

#[derive(Debug, Default)]
struct Running {
    begun: u64,
    /// Numbers rise with time, so the oldest comes first.
    since: BTreeMap<u64, Instant>,
}

impl RunningCalls {
    /// Begins a call; none, if `limit` calls have been running for `long` or longer.
    pub(crate) fn begin(&self, long: Duration, limit: usize) -> Option<RunningCall> {
        let now = Instant::now();
        let mut running = self.lock();
        let long_running = running
            .since
            .values()
            .take_while(|since| now.duration_since(**since) >= long)
            .take(limit)
            .count();
        if long_running >= limit {
            return None;
        }
        running.begun += 1;
        let number = running.begun;
        running.since.insert(number, now);
        drop(running);
        Some(RunningCall {
            calls: self.clone(),
            number,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        // A panic elsewhere must not turn every later call into a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.calls.lock().since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn only_long_calls_count_and_only_while_they_run() {
        let calls = RunningCalls::default();
        let first = calls.begin(LONG, 2).unwrap();
        let _second = calls.begin(LONG, 2).unwrap();
        tokio::time::advance(LONG - Duration::from_millis(1)).await;
        let _short = calls.begin(LONG, 2).unwrap();

        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(calls.begin(LONG, 2).is_none());

        drop(first);
        assert!(calls.begin(LONG, 2).is_some());
    }
}
