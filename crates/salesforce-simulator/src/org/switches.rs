//! What an org may do one way or the other. Source: salesforce-contract.md §10.

use serde::Deserialize;

use super::LoginSwitches;

/// `switches` of `POST /simulator/orgs`; each has the default that the contract gives first.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    /// Whether answers above 2 KB are compressed for clients that accept it (salesforce-contract.md §2.7).
    pub compressed_answers: bool,
    /// Largest request body, as received and as inflated (salesforce-contract.md §2.7).
    pub max_body_bytes: usize,
    /// Whether describe heeds `If-None-Match` (salesforce-contract.md §5).
    pub describe_if_none_match: bool,
    pub login: LoginSwitches,
}

/// Source: salesforce-contract.md §2.7 (SIM: 413 above 50 MB).
pub(crate) const MAX_BODY_BYTES: usize = 50_000_000;

impl Default for Switches {
    fn default() -> Self {
        Self {
            compressed_answers: true,
            max_body_bytes: MAX_BODY_BYTES,
            describe_if_none_match: false,
            login: LoginSwitches::default(),
        }
    }
}
