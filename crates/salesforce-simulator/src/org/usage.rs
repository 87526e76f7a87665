//! The daily request quota.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::{RollingCount, Told};

/// How long a request counts. Source: salesforce-contract.md §3.3 (rolling 24 h).
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// How old a number of `/limits` may be. Source: salesforce-contract.md §4.2.
const TOLD_FOR: TimeDelta = TimeDelta::minutes(5);

/// How the daily limit binds; the limit itself is `daily_request_limit`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QuotaOptions {
    /// How far past the limit requests are still taken, as in paid production orgs; 0 is a hard limit.
    /// Source: salesforce-contract.md §4.3 and §10.
    pub soft_percent: u32,
    /// What other integrations use up, evenly, from the creation of the org on.
    pub background_calls_per_hour: u32,
}

/// The requests of one org over the last 24 hours.
#[derive(Debug)]
pub(crate) struct Usage {
    /// What is told as the maximum.
    max: u64,
    /// Where requests are refused; at least `max`.
    ceiling: u64,
    own: RollingCount,
    by_app: HashMap<String, RollingCount>,
    background_per_hour: u32,
    background_since: DateTime<Utc>,
    /// What `/limits` told last, and when that was true.
    told: Option<(DateTime<Utc>, u64)>,
}

impl Usage {
    pub(crate) fn new(max: u64, options: QuotaOptions, now: DateTime<Utc>) -> Self {
        let overrun = u128::from(max) * u128::from(options.soft_percent) / 100;
        Self {
            max,
            ceiling: max.saturating_add(u64::try_from(overrun).unwrap_or(u64::MAX)),
            own: RollingCount::new(WINDOW),
            by_app: HashMap::new(),
            background_per_hour: options.background_calls_per_hour,
            background_since: now,
            told: None,
        }
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// Returns where requests are refused.
    pub(crate) fn ceiling(&self) -> u64 {
        self.ceiling
    }

    /// Counts a request by an app.
    pub(crate) fn count(&mut self, client_id: &str, now: DateTime<Utc>) {
        self.own.add(now, 1);
        if let Some(count) = self.by_app.get_mut(client_id) {
            count.add(now, 1);
            return;
        }
        let mut count = RollingCount::new(WINDOW);
        count.add(now, 1);
        self.by_app.insert(client_id.to_owned(), count);
    }

    /// Returns the requests that count at `now`, at most the ceiling: past it nobody's are taken.
    pub(crate) fn used(&mut self, now: DateTime<Utc>) -> u64 {
        let others = self.background(now);
        self.own.total(now).saturating_add(others).min(self.ceiling)
    }

    pub(crate) fn is_exhausted(&mut self, now: DateTime<Utc>) -> bool {
        self.used(now) >= self.ceiling
    }

    pub(crate) fn used_by_app(&mut self, client_id: &str, now: DateTime<Utc>) -> u64 {
        self.by_app.get_mut(client_id).map_or(0, |count| count.total(now))
    }

    /// Returns the requests of the minute of `now`, other integrations left out.
    pub(crate) fn this_minute(&self, now: DateTime<Utc>) -> u64 {
        self.own.this_minute(now)
    }

    /// Returns what `/limits` tells as used.
    pub(crate) fn told(&mut self, told: Told, now: DateTime<Utc>) -> u64 {
        match (told, self.told) {
            (Told::Lagging, Some((time, used))) if now - time < TOLD_FOR => used,
            (Told::Lagging | Told::Exact, _) => {
                let used = self.used(now);
                self.told = Some((now, used));
                used
            }
        }
    }

    /// Forgets what was counted and counts `used` requests at `now`; other integrations begin again.
    pub(crate) fn set(&mut self, used: u64, now: DateTime<Utc>) {
        self.own.clear();
        self.own.add(now, used);
        self.by_app.clear();
        self.background_since = now;
        self.told = None;
    }

    /// Counts requests of the past, which age out in their turn.
    pub(crate) fn add_past(&mut self, calls: u64, hours_ago: u32, now: DateTime<Utc>) {
        self.own.add(now - TimeDelta::hours(i64::from(hours_ago)), calls);
        self.told = None;
    }

    /// Returns what other integrations used within the window. They call evenly, so it needs no counting.
    fn background(&self, now: DateTime<Utc>) -> u64 {
        let elapsed = (now - self.background_since).min(WINDOW).max(TimeDelta::zero());
        let calls = i64::from(self.background_per_hour) * elapsed.num_milliseconds()
            / TimeDelta::hours(1).num_milliseconds();
        u64::try_from(calls).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn usage(soft_percent: u32, background_calls_per_hour: u32) -> Usage {
        let options = QuotaOptions {
            soft_percent,
            background_calls_per_hour,
        };
        Usage::new(1_000, options, START)
    }

    #[test]
    fn other_integrations_use_the_quota_up_and_their_calls_age_out_too() {
        let mut usage = usage(0, 30);
        assert_eq!(usage.used(START + TimeDelta::minutes(59)), 29);
        assert_eq!(usage.used(START + TimeDelta::hours(24)), 720);
        assert_eq!(usage.used(START + TimeDelta::hours(90)), 720);
        usage.add_past(279, 0, START + TimeDelta::hours(90));
        assert!(!usage.is_exhausted(START + TimeDelta::hours(90)));
        usage.count("app", START + TimeDelta::hours(90));
        assert!(usage.is_exhausted(START + TimeDelta::hours(90)));
    }

    #[test]
    fn a_soft_limit_is_overrun_by_its_percentage() {
        let mut usage = usage(10, 0);
        usage.set(1_099, START);
        assert!(!usage.is_exhausted(START));
        usage.count("app", START);
        assert!(usage.is_exhausted(START));
        assert_eq!((usage.used(START), usage.max()), (1_100, 1_000));
    }

    #[test]
    fn a_lagging_number_is_true_again_after_five_minutes() {
        let mut usage = usage(0, 0);
        assert_eq!(usage.told(Told::Lagging, START), 0);
        usage.count("app", START);
        assert_eq!(usage.told(Told::Lagging, START + TimeDelta::seconds(299)), 0);
        assert_eq!(usage.told(Told::Exact, START), 1);
        usage.count("app", START);
        assert_eq!(usage.told(Told::Lagging, START + TimeDelta::minutes(5)), 2);
    }
}
