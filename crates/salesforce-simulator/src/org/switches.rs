//! Where sources disagree about Salesforce, what this org does. Source: salesforce-contract.md §10.

use std::time::Duration;

use serde::Deserialize;

use super::LoginSwitches;

/// `switches` of `POST /simulator/orgs`; each has the default that the contract gives first.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    pub login: LoginSwitches,
    /// Whether answers above 2 KB are compressed for clients that accept it (salesforce-contract.md §2.7).
    pub compressed_answers: bool,
    /// Largest request body, as received and as inflated (salesforce-contract.md §2.7).
    pub max_body_bytes: usize,
    /// A write whose client went away is applied up to this much later; 0 applies it when it is due.
    pub late_apply_seconds: u32,
    pub error_body: ErrorBody,
    pub session_error: SessionError,
    pub row_lock: RowLock,
    /// A request that takes this long counts toward the limit of long-running ones
    /// (salesforce-contract.md §4.4).
    pub long_running_after_ms: u64,
}

/// In which form a refused REST request is told. Source: salesforce-contract.md §3.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorBody {
    #[default]
    Array,
    BareObject,
    Html,
    Empty,
}

/// What a 401 says. Source: salesforce-contract.md §3.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionError {
    /// A new token helps.
    #[default]
    Expired,
    /// A new token does not help.
    NotValidForRestApi,
}

/// What fails when a row cannot be locked. Source: salesforce-contract.md §3.3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowLock {
    #[default]
    PerRecord,
    WholeBatch,
}

/// Source: salesforce-contract.md §2.7 (SIM: 413 above 50 MB).
pub(crate) const MAX_BODY_BYTES: usize = 50_000_000;

impl Default for Switches {
    fn default() -> Self {
        Self {
            login: LoginSwitches::default(),
            compressed_answers: true,
            max_body_bytes: MAX_BODY_BYTES,
            late_apply_seconds: 0,
            error_body: ErrorBody::default(),
            session_error: SessionError::default(),
            row_lock: RowLock::default(),
            long_running_after_ms: 20_000,
        }
    }
}

impl Switches {
    pub(crate) fn long_running_after(&self) -> Duration {
        Duration::from_millis(self.long_running_after_ms)
    }
}
