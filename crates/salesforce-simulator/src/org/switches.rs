//! Where sources disagree about Salesforce, what this org does. Source: salesforce-contract.md §10.

use serde::Deserialize;

use super::LoginSwitches;

/// `switches` of `POST /simulator/orgs`; what is not given is what most sources say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    pub login: LoginSwitches,
}
