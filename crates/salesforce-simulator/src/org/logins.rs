//! Who logged in or tried to, and how often.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::RollingCount;

/// Entries kept; the oldest go first.
const MAX_ENTRIES: usize = 10_000;

/// Characters kept of what a client sent.
const MAX_LENGTH: usize = 255;

/// Over how long logins are counted. Source: salesforce-contract.md §1.2 (per hour per user).
const RATE_WINDOW: TimeDelta = TimeDelta::hours(1);

/// One element of `GET /simulator/orgs/{host}/logins`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Login {
    /// Counts from 1.
    pub n: u64,
    /// As record times are told.
    pub time: String,
    /// As sent, or of whom the credentials are; none where no user was found out.
    pub username: Option<String>,
    pub client_id: Option<String>,
    /// `grant_type` as sent.
    pub grant: Option<String>,
    /// `success`, or `error: error_description` as answered.
    pub outcome: String,
}

/// The login history of one org.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    entries: VecDeque<Login>,
    added: u64,
    /// By username in lower case.
    last_hour: HashMap<String, RollingCount>,
}

impl Logins {
    /// Adds an entry, whose `n` is set here.
    pub(crate) fn add(&mut self, login: Login) {
        self.added += 1;
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        let kept = |sent: Option<String>| sent.map(|text| text.chars().take(MAX_LENGTH).collect());
        self.entries.push_back(Login {
            n: self.added,
            username: kept(login.username),
            client_id: kept(login.client_id),
            grant: kept(login.grant),
            ..login
        });
    }

    /// Returns the kept entries whose `n` is above `after`, oldest first.
    pub(crate) fn after(&self, after: u64) -> Vec<&Login> {
        self.entries.iter().filter(|login| login.n > after).collect()
    }

    /// Counts a login of a user, unless there were `most` of them within the last hour already.
    /// Returns whether it was counted.
    pub(crate) fn count(&mut self, username: &str, most: u64, now: DateTime<Utc>) -> bool {
        let count = self
            .last_hour
            .entry(username.to_lowercase())
            .or_insert_with(|| RollingCount::new(RATE_WINDOW));
        let is_allowed = count.total(now) < most;
        if is_allowed {
            count.add(now, 1);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_keeps_the_newest_entries_under_their_numbers() {
        let mut logins = Logins::default();
        for _ in 0..=MAX_ENTRIES {
            logins.add(Login {
                n: 0,
                time: String::new(),
                username: Some("u".repeat(MAX_LENGTH + 1)),
                client_id: None,
                grant: None,
                outcome: "success".to_owned(),
            });
        }
        let kept = logins.after(0);
        assert_eq!((kept.len(), kept[0].n), (MAX_ENTRIES, 2));
        assert_eq!(kept[0].username.as_ref().map(String::len), Some(MAX_LENGTH));
        assert_eq!(logins.after(10_000).len(), 1);
    }
}
