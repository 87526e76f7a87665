//! Sessions, which end when nobody uses them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// The sessions of one org, by access token.
///
/// Each use pushes the end out. Source: salesforce-contract.md §1.4.
#[derive(Debug)]
pub(crate) struct Sessions {
    idle: TimeDelta,
    by_token: HashMap<String, Session>,
}

#[derive(Debug)]
struct Session {
    username: String,
    last_used: DateTime<Utc>,
}

impl Sessions {
    pub(crate) fn new(idle: TimeDelta) -> Self {
        Self {
            idle,
            by_token: HashMap::new(),
        }
    }

    pub(crate) fn open(&mut self, token: String, username: &str, now: DateTime<Utc>) {
        self.by_token.insert(
            token,
            Session {
                username: username.to_owned(),
                last_used: now,
            },
        );
    }

    /// Returns whose session this is and counts the use; none if it is unknown or has expired.
    pub(crate) fn touch(&mut self, token: &str, now: DateTime<Utc>) -> Option<&str> {
        let expired = now - self.by_token.get(token)?.last_used >= self.idle;
        if expired {
            self.by_token.remove(token);
        }
        let session = self.by_token.get_mut(token)?;
        session.last_used = now;
        Some(&session.username)
    }

    pub(crate) fn expire_all(&mut self) {
        self.by_token.clear();
    }
}
