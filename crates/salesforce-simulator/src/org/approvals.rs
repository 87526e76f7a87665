//! What users agreed to: authorization codes, and refresh tokens.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, OrgState};

/// How many approvals of one user for one app live at a time. Source: salesforce-contract.md §1.4.
const MAX_PER_USER_AND_APP: usize = 5;

/// How long an authorization code can be redeemed.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Characters of a refresh token after its prefix.
const REFRESH_TOKEN_LENGTH: usize = 80;

/// Names one approval of an org; counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApprovalId(u64);

/// A user's consent to an app, as long as its refresh token lives.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub id: ApprovalId,
    pub username: String,
    pub client_id: String,
    pub scope: String,
    pub approved_at: DateTime<Utc>,
    pub last_used: DateTime<Utc>,
    /// Unused for this long it is dead.
    pub idle: Option<TimeDelta>,
}

/// What an authorization code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    pub username: String,
    pub client_id: String,
    pub redirect_uri: String,
    pub scope: String,
    /// SHA-256 of the verifier, base64url without padding. Source: RFC 7636, section 4.2.
    pub code_challenge: Option<String>,
    pub issued_at: DateTime<Utc>,
}

/// The approvals of one org.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    next_number: u64,
    by_refresh_token: HashMap<String, Approval>,
    by_code: HashMap<String, Authorization>,
}

impl OrgState {
    /// Gives a user's consent a refresh token, and ends the oldest consent if there are too many.
    pub(crate) fn approve(
        &mut self,
        app: &App,
        authorization: &Authorization,
        now: DateTime<Utc>,
    ) -> (String, ApprovalId) {
        let token = self.new_refresh_token();
        let idle = app.refresh_idle();
        let (approval, displaced) = self.approvals.add(token.clone(), authorization, idle, now);
        if let Some(displaced) = displaced {
            self.sessions.end_of_approval(displaced);
        }
        (token, approval)
    }

    pub(crate) fn new_refresh_token(&mut self) -> String {
        format!("5Aep861{}", self.random.token(REFRESH_TOKEN_LENGTH))
    }
}

impl Approval {
    /// Returns when it dies if nobody uses it.
    pub(crate) fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.idle.map(|idle| self.last_used + idle)
    }

    fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.ends_at().is_none_or(|end| now < end)
    }
}

impl Approvals {
    pub(crate) fn add_code(&mut self, code: String, authorization: Authorization) {
        let now = authorization.issued_at;
        self.by_code
            .retain(|_, other| now < other.issued_at + CODE_LIFETIME);
        self.by_code.insert(code, authorization);
    }

    /// Returns what a code stands for, which is told only once; none if it is unknown, used or too old.
    pub(crate) fn redeem_code(&mut self, code: &str, now: DateTime<Utc>) -> Option<Authorization> {
        self.by_code
            .remove(code)
            .filter(|authorization| now < authorization.issued_at + CODE_LIFETIME)
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.by_code.contains_key(code)
    }

    /// Adds an approval. Returns its id and that of the oldest of the user for the app, which it displaces.
    fn add(
        &mut self,
        refresh_token: String,
        authorization: &Authorization,
        idle: Option<TimeDelta>,
        now: DateTime<Utc>,
    ) -> (ApprovalId, Option<ApprovalId>) {
        self.by_refresh_token.retain(|_, approval| approval.is_alive(now));
        self.next_number += 1;
        let id = ApprovalId(self.next_number);
        self.by_refresh_token.insert(
            refresh_token,
            Approval {
                id,
                username: authorization.username.clone(),
                client_id: authorization.client_id.clone(),
                scope: authorization.scope.clone(),
                approved_at: now,
                last_used: now,
                idle,
            },
        );
        (id, self.displaced(authorization))
    }

    /// Returns the approval of a refresh token; none if it is unknown, was rotated away or is dead.
    pub(crate) fn of_refresh_token(&self, refresh_token: &str, now: DateTime<Utc>) -> Option<&Approval> {
        self.by_refresh_token
            .get(refresh_token)
            .filter(|approval| approval.is_alive(now))
    }

    /// Counts a use of a refresh token and, with `rotated`, puts that one in its place.
    pub(crate) fn refresh(&mut self, refresh_token: &str, rotated: Option<String>, now: DateTime<Utc>) {
        let Some(mut approval) = self.by_refresh_token.remove(refresh_token) else {
            return;
        };
        approval.last_used = now;
        let kept = rotated.unwrap_or_else(|| refresh_token.to_owned());
        self.by_refresh_token.insert(kept, approval);
    }

    /// Ends an approval by its refresh token; none if there was none.
    pub(crate) fn revoke(&mut self, refresh_token: &str) -> Option<ApprovalId> {
        self.by_refresh_token
            .remove(refresh_token)
            .map(|approval| approval.id)
    }

    /// Takes away the oldest approval of the same user for the same app, if there are too many.
    fn displaced(&mut self, newest: &Authorization) -> Option<ApprovalId> {
        let alike: Vec<(&String, ApprovalId)> = self
            .by_refresh_token
            .iter()
            .filter(|(_, approval)| {
                approval.username == newest.username && approval.client_id == newest.client_id
            })
            .map(|(token, approval)| (token, approval.id))
            .collect();
        if alike.len() <= MAX_PER_USER_AND_APP {
            return None;
        }
        let oldest = alike.into_iter().min_by_key(|(_, id)| id.0)?.0.clone();
        self.revoke(&oldest)
    }
}
