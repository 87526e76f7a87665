//! Connected apps and external client apps.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::AppCertificate;

/// An app that logs users in. Only `client_id` and `client_secret` must be given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret.
    pub client_secret: String,
    /// What the usage of the app is reported under; the consumer key, unless given.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub kind: AppKind,
    /// The user that client credentials log in; without one that grant is refused.
    #[serde(default)]
    pub run_as: Option<String>,
    /// What its tokens are good for; without `api` or `full` the REST API refuses them.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// Checks the assertions of the JWT bearer grant, which is refused without it.
    #[serde(default)]
    pub certificate: Option<AppCertificate>,
    /// Users for whom an assertion is taken; all, unless given.
    #[serde(default)]
    pub approved_users: Option<Vec<String>>,
    /// Users whom an admin lets use the app, by any grant; all, unless given.
    #[serde(default)]
    pub admin_approved_users: Option<Vec<String>>,
    /// Where authorization codes may be sent, compared exactly.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Whether `authorize` demands a `code_challenge`.
    #[serde(default)]
    pub require_pkce: bool,
    #[serde(default = "yes")]
    pub require_secret_for_code: bool,
    #[serde(default = "yes")]
    pub require_secret_for_refresh: bool,
    /// Whether each refresh gives a new refresh token and ends the old one.
    #[serde(default)]
    pub rotate_refresh_tokens: bool,
    /// A refresh token that is not used for this long is dead; never, unless given.
    /// Source: salesforce-contract.md §1.4 (an app can impose 30 days).
    #[serde(default)]
    pub refresh_idle_days: Option<NonZeroU32>,
    /// Wins over the org's. Source: salesforce-contract.md §1.4.
    #[serde(default)]
    pub session_idle_seconds: Option<NonZeroU32>,
    /// A new app takes this long to become known, counted from when it was added.
    /// Source: salesforce-contract.md §1.2.
    #[serde(default)]
    pub known_after_seconds: u32,
    /// The app's own part of the daily quota, which is told but does not bind (salesforce-contract.md §4.1).
    #[serde(default)]
    pub daily_request_limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AppKind {
    #[default]
    ConnectedApp,
    /// Does not offer the password grant. Source: salesforce-contract.md §1.3.
    ExternalClientApp,
}

impl App {
    pub(crate) fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.client_id)
    }

    /// Returns its scopes as answers tell them.
    pub(crate) fn scope(&self) -> String {
        self.scopes.join(" ")
    }

    pub(crate) fn refresh_idle(&self) -> Option<TimeDelta> {
        self.refresh_idle_days
            .map(|days| TimeDelta::days(i64::from(days.get())))
    }

    pub(crate) fn session_idle(&self) -> Option<TimeDelta> {
        self.session_idle_seconds
            .map(|seconds| TimeDelta::seconds(i64::from(seconds.get())))
    }

    /// Returns whether its assertions may speak for a user.
    pub(crate) fn takes_assertions_for(&self, username: &str) -> bool {
        is_listed(self.approved_users.as_deref(), username)
    }

    /// Returns whether a user may use it at all.
    pub(crate) fn is_open_to(&self, username: &str) -> bool {
        is_listed(self.admin_approved_users.as_deref(), username)
    }
}

/// No list is a list of everybody.
fn is_listed(usernames: Option<&[String]>, username: &str) -> bool {
    usernames.is_none_or(|usernames| {
        usernames
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(username))
    })
}

fn default_scopes() -> Vec<String> {
    ["id", "api", "refresh_token"].map(str::to_owned).into()
}

fn yes() -> bool {
    true
}
