//! The daily request quota.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

/// How long a request counts. Source: salesforce-contract.md §3.3 (rolling 24 h).
const WINDOW: TimeDelta = TimeDelta::hours(24);

const SECONDS_PER_BUCKET: i64 = 60;

/// Counts requests over the last 24 hours, by the minute.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// Minute since the epoch and its requests, oldest first.
    buckets: VecDeque<(i64, u64)>,
    used: u64,
}

impl Usage {
    pub(crate) fn count(&mut self, now: DateTime<Utc>) {
        let minute = now.timestamp().div_euclid(SECONDS_PER_BUCKET);
        self.used += 1;
        match self.buckets.back_mut() {
            Some((last, requests)) if *last >= minute => *requests += 1,
            _ => self.buckets.push_back((minute, 1)),
        }
    }

    /// Returns the requests that still count at `now`.
    pub(crate) fn used(&mut self, now: DateTime<Utc>) -> u64 {
        let oldest = (now - WINDOW).timestamp().div_euclid(SECONDS_PER_BUCKET);
        while let Some((minute, requests)) = self.buckets.front().copied()
            && minute < oldest
        {
            self.used -= requests;
            self.buckets.pop_front();
        }
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_for_24_hours() {
        let mut usage = Usage::default();
        let start = DateTime::UNIX_EPOCH;
        usage.count(start);
        usage.count(start + TimeDelta::hours(1));
        assert_eq!(usage.used(start + TimeDelta::hours(24)), 2);
        assert_eq!(usage.used(start + TimeDelta::minutes(24 * 60 + 1)), 1);
        assert_eq!(usage.used(start + TimeDelta::hours(26)), 0);
    }
}
