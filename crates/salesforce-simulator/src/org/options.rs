//! What an org is created with.

use std::num::NonZeroUsize;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;

use super::latency::LatencyOptions;
use super::{App, IpRange, QuotaOptions, Switches, User};
use crate::bulk::BulkOptions;
use crate::login_host::LoginHost;
use crate::tooling::ToolingOptions;

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
    /// Of the creation; a running org keeps its apps and users in its `Directory`.
    #[serde(default)]
    pub apps: Vec<App>,
    #[serde(default)]
    pub users: Vec<User>,
    /// Whether anybody can log in; otherwise `inactive_org` (salesforce-contract.md §1.2).
    #[serde(default = "default_active")]
    pub active: bool,
    /// Where logins must come from, without security tokens then; anywhere, unless given.
    #[serde(default)]
    pub login_ip_ranges: Vec<IpRange>,
    /// Whether `X-Forwarded-For` tells where a login comes from.
    #[serde(default)]
    pub trust_forwarded_for: bool,
    /// Most logins of one user within an hour. Source: salesforce-contract.md §1.2.
    #[serde(default = "default_logins_per_hour")]
    pub logins_per_hour: u64,
    #[serde(default)]
    pub quota: QuotaOptions,
    #[serde(default)]
    pub password_flow: PasswordFlow,
    #[serde(default = "default_daily_request_limit")]
    pub daily_request_limit: u64,
    #[serde(default)]
    pub usage_header: UsageHeader,
    /// How long each answer takes; short for `latency.per_call_ms`.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    #[serde(default)]
    pub latency: Option<LatencyOptions>,
    /// How long a write waits for rows that another write has locked.
    #[serde(default = "default_lock_wait_ms")]
    pub lock_wait_ms: u64,
    /// Long-running requests from which on new ones are refused; by the type of the org, unless given.
    #[serde(default)]
    pub concurrent_long_limit: Option<NonZeroUsize>,
    /// Where documents disagree or an org may be configured either way. Of the creation; a running org has
    /// its own.
    #[serde(default)]
    pub(super) switches: Switches,
    /// A session that is not used for this long is gone.
    #[serde(default = "default_session_idle_seconds")]
    pub session_idle_seconds: u32,
    /// Whether every written record is kept for `GET …/history`.
    #[serde(default = "default_history")]
    pub history: bool,
    /// How long the next page of a query can be asked for after the one before.
    #[serde(default = "default_query_locator_seconds")]
    pub query_locator_seconds: u32,
    /// What limits the making of fields.
    #[serde(default)]
    pub tooling: ToolingOptions,
    /// How bulk jobs run.
    #[serde(default)]
    pub bulk: BulkOptions,
    /// Where tokens, ids and jitter come from, together with the host.
    #[serde(default)]
    pub seed: u64,
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
    /// The truth, with `api-bursts`.
    Bursts,
    /// The truth, with the part of the app that asks if it has a `daily_request_limit`.
    #[serde(rename = "per_app")]
    PerApp,
}

impl OrgOptions {
    /// Returns what is wrong with them, and the fix.
    pub(crate) fn problem(&self) -> Option<String> {
        match (self.latency_ms, &self.latency) {
            (Some(_), Some(_)) => {
                Some("latency_ms and latency say the same; give latency.per_call_ms alone".to_owned())
            }
            (_, Some(latency)) => latency.problem(),
            (_, None) => None,
        }
    }

    pub(crate) fn latency(&self) -> LatencyOptions {
        self.latency.unwrap_or_else(|| LatencyOptions {
            per_call_ms: self.latency_ms.unwrap_or_default(),
            ..LatencyOptions::default()
        })
    }

    pub(crate) fn lock_wait(&self) -> Duration {
        Duration::from_millis(self.lock_wait_ms)
    }

    /// Source: salesforce-contract.md §4.4.
    pub(crate) fn concurrent_long_limit(&self) -> usize {
        let is_small =
            self.organization_type.starts_with("Developer") || self.organization_type.contains("Trial");
        let by_type = if is_small && !self.is_sandbox() { 5 } else { 25 };
        self.concurrent_long_limit.map_or(by_type, NonZeroUsize::get)
    }

    pub(crate) fn session_idle(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.session_idle_seconds))
    }

    pub(crate) fn login_host(&self) -> LoginHost {
        LoginHost::of_org(&self.host)
    }

    /// Source of the host form: salesforce-contract.md §1.7.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.host.contains(".sandbox.my.salesforce.")
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

/// How long Salesforce waits for a row, by common knowledge.
fn default_lock_wait_ms() -> u64 {
    10_000
}

/// Source: salesforce-contract.md §1.4 (two hours).
fn default_session_idle_seconds() -> u32 {
    7_200
}

/// Source: Salesforce, "SOAP API Developer Guide", QueryLocator (15 minutes of inactivity).
fn default_query_locator_seconds() -> u32 {
    900
}

fn default_history() -> bool {
    true
}

fn default_active() -> bool {
    true
}

/// Source: salesforce-contract.md §1.2.
fn default_logins_per_hour() -> u64 {
    3_600
}
