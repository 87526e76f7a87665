//! Sessions, which end when nobody uses them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{ApprovalId, SessionUse};
use crate::clock::datetime_out;
use crate::random::hash;

/// Sessions below this number are not searched for expired ones.
const FIRST_SWEEP: usize = 1_024;

/// How a session was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    Password,
    ClientCredentials,
    JwtBearer,
    AuthorizationCode,
    RefreshToken,
}

/// The sessions of one org, by access token.
///
/// Each use pushes the end out. Source: salesforce-contract.md §1.4.
#[derive(Debug)]
pub(crate) struct Sessions {
    by_token: HashMap<String, Session>,
    /// How many sessions there may be before expired ones are looked for.
    next_sweep: usize,
}

/// What one access token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub username: String,
    pub client_id: String,
    pub grant: Grant,
    /// As answers tell it: names with spaces between.
    pub scope: String,
    /// What the user agreed to when the session came from it; the session ends with it.
    pub approval: Option<ApprovalId>,
    pub issued_at: DateTime<Utc>,
    pub last_used: DateTime<Utc>,
    pub idle: TimeDelta,
}

/// One element of `GET /simulator/orgs/{host}/sessions`: a session without its token.
#[derive(Debug, Serialize)]
pub(crate) struct SessionSummary {
    /// Eight characters, always the same for the same token.
    pub id: String,
    pub username: String,
    pub client_id: String,
    pub grant: Grant,
    pub issued_at: String,
    pub last_used: String,
}

impl Session {
    /// Returns when it ends if nobody uses it.
    pub(crate) fn ends_at(&self) -> DateTime<Utc> {
        self.last_used + self.idle
    }

    /// Source: salesforce-contract.md §3.2 (a session that is not valid for the REST API).
    pub(crate) fn is_for_api(&self) -> bool {
        // The password grant supports no scopes (salesforce-contract.md §1.1).
        self.grant == Grant::Password || self.scope.split(' ').any(|scope| matches!(scope, "api" | "full"))
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            by_token: HashMap::new(),
            next_sweep: FIRST_SWEEP,
        }
    }
}

impl Sessions {
    pub(crate) fn open(&mut self, token: String, session: Session) {
        if self.by_token.len() >= self.next_sweep {
            let now = session.issued_at;
            self.by_token.retain(|_, other| now < other.ends_at());
            self.next_sweep = FIRST_SWEEP.max(self.by_token.len() * 2);
        }
        self.by_token.insert(token, session);
    }

    /// Returns the session and counts the use, if such uses count; none if it is unknown or has expired.
    pub(crate) fn touch(
        &mut self,
        token: &str,
        session_use: SessionUse,
        now: DateTime<Utc>,
    ) -> Option<&Session> {
        if now >= self.by_token.get(token)?.ends_at() {
            self.by_token.remove(token);
        }
        let session = self.by_token.get_mut(token)?;
        let counts = match session_use {
            SessionUse::Always => true,
            SessionUse::AfterHalf => (now - session.last_used) * 2 >= session.idle,
        };
        if counts {
            session.last_used = now;
        }
        Some(session)
    }

    /// Returns the session without counting a use.
    pub(crate) fn peek(&self, token: &str, now: DateTime<Utc>) -> Option<&Session> {
        self.by_token.get(token).filter(|session| now < session.ends_at())
    }

    pub(crate) fn end(&mut self, token: &str) {
        self.by_token.remove(token);
    }

    pub(crate) fn end_of_approval(&mut self, approval: ApprovalId) {
        self.by_token
            .retain(|_, session| session.approval != Some(approval));
    }

    /// Ends the sessions of one user and returns how many there were, expired ones too.
    pub(crate) fn expire_user(&mut self, username: &str) -> usize {
        let before = self.by_token.len();
        self.by_token
            .retain(|_, session| !session.username.eq_ignore_ascii_case(username));
        before - self.by_token.len()
    }

    /// Ends all sessions and returns how many there were, expired ones too.
    pub(crate) fn expire_all(&mut self) -> usize {
        let before = self.by_token.len();
        self.by_token.clear();
        before
    }

    /// Returns the sessions that have not expired, oldest first.
    pub(crate) fn list(&self, now: DateTime<Utc>) -> Vec<SessionSummary> {
        let mut list: Vec<SessionSummary> = self
            .by_token
            .iter()
            .filter(|(_, session)| now < session.ends_at())
            .map(|(token, session)| SessionSummary {
                id: format!("{:08x}", hash(0, token) >> 32),
                username: session.username.clone(),
                client_id: session.client_id.clone(),
                grant: session.grant,
                issued_at: datetime_out(session.issued_at),
                last_used: datetime_out(session.last_used),
            })
            .collect();
        list.sort_by(|a, b| (&a.issued_at, &a.id).cmp(&(&b.issued_at, &b.id)));
        list
    }
}
