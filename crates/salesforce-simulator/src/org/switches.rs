//! What an org may do one way or the other. Source: salesforce-contract.md §10.

use serde::{Deserialize, Serialize};

/// `switches` of `POST /simulator/orgs`; each has the default that the contract gives first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    /// Whether collections upsert takes `Id` as its key (salesforce-contract.md §2.4).
    pub upsert_key_id: UpsertKeyId,
    /// How an upsert by a field that is no key is refused (salesforce-contract.md §2.6).
    pub key_not_indexed: KeyNotIndexed,
    /// What an unknown field in one record fails (salesforce-contract.md §2.6).
    pub unknown_field: UnknownField,
    /// What becomes of records whose key another one of the call has (salesforce-contract.md §2.5).
    pub repeated_key: RepeatedKey,
    /// `id` of a refused element (salesforce-contract.md §2.3).
    pub failed_id: FailedId,
    /// `created` of a refused element of an upsert (salesforce-contract.md §2.3).
    pub failed_created: FailedCreated,
    /// What the details of a duplicate are called on single-record writes (salesforce-contract.md §2.8).
    pub duplicate_details: DuplicateDetails,
    /// Whether Accounts may be persons (`IsPersonAccount`).
    pub person_accounts: bool,
    /// Records the org has room for, deleted ones not counted; none means no limit.
    pub max_stored_records: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UpsertKeyId {
    #[default]
    Accept,
    /// Refused as any other field that is no key.
    Refuse,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyNotIndexed {
    #[default]
    #[serde(rename = "404")]
    NotFound,
    #[serde(rename = "400")]
    BadRequest,
    #[serde(rename = "element")]
    Element,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnknownField {
    /// The whole call, with 400.
    #[default]
    Call,
    Element,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RepeatedKey {
    #[default]
    FailAll,
    FailAllButFirst,
    /// All are written in request order.
    LastWins,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailedId {
    #[default]
    Absent,
    Null,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailedCreated {
    /// Whether the record would have been created.
    #[default]
    Intended,
    Absent,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum DuplicateDetails {
    /// Misspelt, as live answers have it.
    #[default]
    DuplicateResut,
    DuplicateResult,
}

impl DuplicateDetails {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::DuplicateResut => "duplicateResut",
            Self::DuplicateResult => "duplicateResult",
        }
    }
}
