//! Where sources disagree about Salesforce, what this org does. Source: salesforce-contract.md §10.

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
    /// Whether describe heeds `If-None-Match` (salesforce-contract.md §5).
    pub describe_if_none_match: bool,
}

/// Source: salesforce-contract.md §2.7 (SIM: 413 above 50 MB).
pub(crate) const MAX_BODY_BYTES: usize = 50_000_000;

impl Default for Switches {
    fn default() -> Self {
        Self {
            login: LoginSwitches::default(),
            compressed_answers: true,
            max_body_bytes: MAX_BODY_BYTES,
            describe_if_none_match: false,
        }
    }
}
