//! How one identity of one update ends.

use std::fmt;

/// How one identity of one update ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Salesforce holds this value or a newer one.
    Delivered(Delivered),
    /// A rule says not to send it.
    Excluded(Excluded),
    /// Refused for good; kept as a dead letter.
    Failed(Failure),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delivered {
    /// Sent, and Salesforce took it.
    Written,
    /// Every value was overtaken by a newer one of the same record before it left.
    Superseded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Excluded {
    /// No id in the namespace that names the record.
    NoIdentity,
    /// The id is a Contact's on a Lead destination, or the other way round.
    OtherRecordKind,
    /// A field that Salesforce requires has no value.
    MissingRequiredValue,
    /// Nothing in the update is mapped.
    NothingMapped,
    /// Consent was withdrawn: exits were written, nothing else. Or its record
    /// was not created for this.
    Consent,
    /// The profile was deleted and the destination leaves its record alone, or
    /// there is none. Or its record was not created for this.
    ProfileDeleted,
    /// The lead was converted; Salesforce takes no more writes to it.
    LeadConverted,
    /// The record was deleted or merged away.
    RecordGone,
    /// The admin chose to discard what waited.
    Discarded,
    /// No record has this key, and the destination creates none.
    NotFoundNotCreated,
    /// No record has this key, and the day's limit of new records is reached.
    CreateLimit,
}

/// Why an identity failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Ours, such as `INVALID_SALESFORCE_ID`, or Salesforce's status code.
    pub code: String,
    /// For people. May quote profile values: never log it.
    pub message: String,
    /// The Salesforce fields at fault, where known.
    pub fields: Vec<String>,
}

impl Failure {
    /// Our code for an id that cannot be a Salesforce record id.
    pub const INVALID_SALESFORCE_ID: &'static str = "INVALID_SALESFORCE_ID";
    /// Our code for a text that is longer than its field, and Salesforce's too.
    pub const STRING_TOO_LONG: &'static str = "STRING_TOO_LONG";
    /// Our code for a value that no Salesforce field can hold, or that a
    /// transform cannot take.
    pub const UNSUPPORTED_VALUE: &'static str = "UNSUPPORTED_VALUE";
    /// Our code for an external id that cannot name a record.
    pub const INVALID_KEY: &'static str = "INVALID_KEY";
    /// Our code for an update that was accepted and can no longer be read.
    pub const UNREADABLE_UPDATE: &'static str = "UNREADABLE_UPDATE";
    /// Salesforce's code for an id, the record's own or in a lookup, of no
    /// record.
    pub const INVALID_CROSS_REFERENCE_KEY: &'static str = "INVALID_CROSS_REFERENCE_KEY";
}

impl Outcome {
    /// Returns the stable word for the outcome's reason, such as `WRITTEN` or
    /// `STRING_TOO_LONG`.
    pub fn reason(&self) -> &str {
        match self {
            Self::Delivered(reason) => reason.as_str(),
            Self::Excluded(reason) => reason.as_str(),
            Self::Failed(failure) => &failure.code,
        }
    }
}

impl Delivered {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "WRITTEN",
            Self::Superseded => "SUPERSEDED",
        }
    }
}

impl Excluded {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoIdentity => "NO_IDENTITY",
            Self::OtherRecordKind => "OTHER_RECORD_KIND",
            Self::MissingRequiredValue => "MISSING_REQUIRED_VALUE",
            Self::NothingMapped => "NOTHING_MAPPED",
            Self::Consent => "CONSENT",
            Self::ProfileDeleted => "PROFILE_DELETED",
            Self::LeadConverted => "LEAD_CONVERTED",
            Self::RecordGone => "RECORD_GONE",
            Self::Discarded => "DISCARDED",
            Self::NotFoundNotCreated => "NOT_FOUND_NOT_CREATED",
            Self::CreateLimit => "CREATE_LIMIT",
        }
    }
}

impl fmt::Display for Delivered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Excluded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
