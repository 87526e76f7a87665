//! What an org is created with.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;

use super::switches::Switches;
use crate::bulk::BulkOptions;

/// The body of `POST /simulator/orgs`; only `host` must be given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgOptions {
    /// My Domain host, in lower case.
    pub host: String,
    #[serde(default = "default_name")]
    pub name: String,
    /// `OrganizationType` of the Organization record.
    #[serde(default = "default_type", rename = "type")]
    pub organization_type: String,
    #[serde(default)]
    pub apps: Vec<App>,
    #[serde(default)]
    pub users: Vec<User>,
    #[serde(default)]
    pub password_flow: PasswordFlow,
    #[serde(default = "default_daily_request_limit")]
    pub daily_request_limit: u64,
    #[serde(default)]
    pub usage_header: UsageHeader,
    /// How long each answer takes.
    #[serde(default)]
    pub latency_ms: u64,
    /// Where documents disagree or an org may be configured either way.
    #[serde(default)]
    pub switches: Switches,
    /// A session that is not used for this long is gone.
    #[serde(default = "default_session_idle_seconds")]
    pub session_idle_seconds: u32,
    /// Whether every written record is kept for `GET …/history`.
    #[serde(default = "default_history")]
    pub history: bool,
    /// How bulk jobs run.
    #[serde(default)]
    pub bulk: BulkOptions,
    /// Where tokens, ids and jitter come from, together with the host.
    #[serde(default)]
    pub seed: u64,
}

/// A connected app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    pub client_id: String,
    pub client_secret: String,
    /// The user that client credentials log in; without one that grant is refused.
    #[serde(default)]
    pub run_as: Option<String>,
}

/// A user who can log in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub username: String,
    #[serde(default)]
    pub password: String,
    #[serde(default)]
    pub security_token: String,
    #[serde(default = "default_active")]
    pub active: bool,
}

/// Whether the org takes the username-password grant. Source: salesforce-contract.md §1.3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PasswordFlow {
    #[default]
    Allowed,
    Blocked,
}

/// What `Sforce-Limit-Info` says. Source: salesforce-contract.md §4.1 and §10.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UsageHeader {
    /// Up to five less than the truth, so that it goes up and down.
    #[default]
    Jitter,
    Exact,
    Absent,
}

impl OrgOptions {
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    pub(crate) fn session_idle(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.session_idle_seconds))
    }

    /// Source of the host form: salesforce-contract.md §1.7.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.host.contains(".sandbox.my.salesforce.")
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    /// Finds a user; names are compared without case.
    pub(crate) fn user(&self, username: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.username.eq_ignore_ascii_case(username))
    }
}

fn default_name() -> String {
    "Simulated Org".to_owned()
}

fn default_type() -> String {
    "Developer Edition".to_owned()
}

fn default_daily_request_limit() -> u64 {
    100_000
}

/// Source: salesforce-contract.md §1.4 (two hours).
fn default_session_idle_seconds() -> u32 {
    7_200
}

fn default_history() -> bool {
    true
}

fn default_active() -> bool {
    true
}
