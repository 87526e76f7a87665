//! What an org may do one way or the other. Source: salesforce-contract.md §10.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LoginSwitches;

/// `switches` of `POST /simulator/orgs`; each has the default that the contract gives first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    pub login: LoginSwitches,
    /// Whether collections upsert takes `Id` as its key (salesforce-contract.md §2.4).
    pub upsert_key_id: UpsertKeyId,
    /// How an upsert by a field that is no key is refused (salesforce-contract.md §2.6).
    pub key_not_indexed: KeyNotIndexed,
    /// What an unknown field in one record fails (salesforce-contract.md §2.6).
    pub unknown_field: UnknownField,
    /// What becomes of records whose key another one of the call has (salesforce-contract.md §2.5).
    pub repeated_key: RepeatedKey,
    /// What becomes of the later of two calls that upsert one new unique key (salesforce-contract.md §2.5).
    pub upsert_race: UpsertRace,
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
    /// Whether answers above 2 KB are compressed for clients that accept it (salesforce-contract.md §2.7).
    pub compressed_answers: bool,
    /// Largest request body, as received and as inflated (salesforce-contract.md §2.7).
    pub max_body_bytes: usize,
    /// Whether describe heeds `If-None-Match` (salesforce-contract.md §5).
    pub describe_if_none_match: bool,
    /// A write whose client went away is applied up to this much later; 0 applies it when it is due.
    pub late_apply_seconds: u32,
    pub error_body: ErrorBody,
    pub session_error: SessionError,
    pub row_lock: RowLock,
    /// A request that takes this long counts toward the limit of long-running ones
    /// (salesforce-contract.md §4.4).
    pub long_running_after_ms: u64,
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
pub(crate) enum UpsertRace {
    /// It meant to create the record and is refused.
    #[default]
    DuplicateValue,
    /// It updates what the other one created.
    Update,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailedId {
    #[default]
    Absent,
    Null,
    /// That of the record that was meant, also of one that was rolled back; absent where there is none.
    Shown,
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

/// In which form a refused REST request is told. Source: salesforce-contract.md §3.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorBody {
    #[default]
    Array,
    BareObject,
    Html,
    Empty,
}

/// When there is a 401, and what it says. Source: salesforce-contract.md §3.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionError {
    /// Where a session is gone; a new token helps.
    #[default]
    Expired,
    /// Whatever the session: a new token does not help.
    NotValidForRestApi,
}

/// What fails when a row cannot be locked. Source: salesforce-contract.md §3.3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            describe_if_none_match: false,
            upsert_key_id: UpsertKeyId::default(),
            key_not_indexed: KeyNotIndexed::default(),
            unknown_field: UnknownField::default(),
            repeated_key: RepeatedKey::default(),
            upsert_race: UpsertRace::default(),
            failed_id: FailedId::default(),
            failed_created: FailedCreated::default(),
            duplicate_details: DuplicateDetails::default(),
            person_accounts: false,
            max_stored_records: None,
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

impl DuplicateDetails {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::DuplicateResut => "duplicateResut",
            Self::DuplicateResult => "duplicateResult",
        }
    }
}
