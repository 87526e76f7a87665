//! Counting over the time just past.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

const SECONDS_PER_BUCKET: i64 = 60;

/// Counts over a rolling window, by the minute.
#[derive(Debug)]
pub(crate) struct RollingCount {
    window: TimeDelta,
    /// Minute since the epoch and its count, oldest first.
    buckets: VecDeque<(i64, u64)>,
    total: u64,
}

impl RollingCount {
    pub(crate) fn new(window: TimeDelta) -> Self {
        Self {
            window,
            buckets: VecDeque::new(),
            total: 0,
        }
    }

    /// Adds `count` at `time`, which may be past.
    pub(crate) fn add(&mut self, time: DateTime<Utc>, count: u64) {
        let minute = minute(time);
        self.total += count;
        let after = self.buckets.partition_point(|(other, _)| *other <= minute);
        match after.checked_sub(1).and_then(|last| self.buckets.get_mut(last)) {
            Some((other, counted)) if *other == minute => *counted += count,
            _ => self.buckets.insert(after, (minute, count)),
        }
    }

    /// Returns what still counts at `now`.
    pub(crate) fn total(&mut self, now: DateTime<Utc>) -> u64 {
        let oldest = minute(now - self.window);
        while let Some((minute, count)) = self.buckets.front().copied()
            && minute < oldest
        {
            self.total -= count;
            self.buckets.pop_front();
        }
        self.total
    }

    /// Returns the count of the minute of `now`.
    pub(crate) fn this_minute(&self, now: DateTime<Utc>) -> u64 {
        self.buckets
            .back()
            .filter(|(other, _)| *other == minute(now))
            .map_or(0, |(_, count)| *count)
    }

    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
        self.total = 0;
    }
}

fn minute(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(SECONDS_PER_BUCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: TimeDelta = TimeDelta::hours(24);

    #[test]
    fn a_call_counts_for_24_hours() {
        let mut count = RollingCount::new(DAY);
        let start = DateTime::UNIX_EPOCH;
        count.add(start, 1);
        count.add(start + TimeDelta::hours(1), 1);
        assert_eq!(count.total(start + DAY), 2);
        assert_eq!(count.total(start + TimeDelta::minutes(24 * 60 + 1)), 1);
        assert_eq!(count.total(start + TimeDelta::hours(26)), 0);
    }

    #[test]
    fn calls_of_the_past_age_out_in_their_own_order() {
        let mut count = RollingCount::new(DAY);
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        count.add(now, 1);
        count.add(now - TimeDelta::hours(23), 10);
        count.add(now - TimeDelta::hours(5), 100);
        count.add(now - TimeDelta::hours(23), 10);
        assert_eq!(count.total(now), 121);
        assert_eq!(count.total(now + TimeDelta::hours(2)), 101);
        assert_eq!(count.total(now + TimeDelta::hours(20)), 1);
        assert_eq!((count.this_minute(now), count.this_minute(now + DAY)), (1, 0));
    }
}
