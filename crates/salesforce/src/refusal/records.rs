//! Refusals of single records in an answered call: §3.4.

use std::fmt;

use super::{Fault, Retry};

/// Why one record was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefusal {
    /// The error that counts.
    pub error: RecordError,
    /// Further errors, which are rare.
    pub further: Vec<RecordError>,
    pub fault: Fault,
    pub retry: Retry,
}

#[derive(Clone, PartialEq, Eq)]
pub struct RecordError {
    /// Salesforce's `statusCode`.
    pub code: String,
    /// For people. May quote values: never log it.
    pub message: String,
    /// API names of the fields at fault.
    pub fields: Vec<String>,
}

/// Without the message, which may quote values.
impl fmt::Debug for RecordError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecordError")
            .field("code", &self.code)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// Status code, part of the message (empty: any), whose fault, what helps.
/// Read from the top. The list grows with every release; what is not here is
/// the record's fault for good.
const CODES: &[(&str, &str, Fault, Retry)] = &[
    ("UNABLE_TO_LOCK_ROW", "", Fault::Contention, Retry::Soon),
    ("TOO_MANY_APEX_REQUESTS", "", Fault::Contention, Retry::Soon),
    // A trigger's or a flow's failure that wraps a lock or a load.
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "UNABLE_TO_LOCK_ROW",
        Fault::Contention,
        Retry::Soon,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "Too many SOQL queries",
        Fault::Contention,
        Retry::Soon,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "",
        Fault::Record,
        Retry::Never,
    ),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "", Fault::Record, Retry::Once),
    ("TXN_SECURITY_METERING_ERROR", "", Fault::Contention, Retry::Once),
    (
        "TXN_SECURITY_APEX_ERROR",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    (
        "TXN_SECURITY_NO_ACCESS",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    (
        "TXN_SECURITY_RUNTIME_ERROR",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    (
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        "",
        Fault::Salesforce,
        Retry::AfterMaintenance,
    ),
    ("SERVER_UNAVAILABLE", "", Fault::Salesforce, Retry::WithBackoff),
    ("UNKNOWN_EXCEPTION", "", Fault::Salesforce, Retry::WithBackoff),
    (
        "API_CURRENTLY_DISABLED",
        "",
        Fault::Salesforce,
        Retry::WithBackoff,
    ),
    (
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "",
        Fault::Batch,
        Retry::WithoutCulprit,
    ),
    ("PROCESSING_HALTED", "", Fault::Batch, Retry::WithoutCulprit),
    // Named twice in one call (§2.5).
    (
        "DUPLICATE_VALUE",
        "Duplicate external id specified",
        Fault::Batch,
        Retry::WithoutCulprit,
    ),
    (
        "DUPLICATE_VALUE",
        "Duplicate id specified",
        Fault::Batch,
        Retry::WithoutCulprit,
    ),
    ("ENTITY_IS_DELETED", "", Fault::RecordGone, Retry::Never),
    (
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "",
        Fault::LeadConverted,
        Retry::Never,
    ),
    (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    (
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    (
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    (
        "INACTIVE_OWNER_OR_USER",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    ("ENTITY_IS_LOCKED", "", Fault::Record, Retry::AfterChange),
    // The parent may be on its way.
    (
        "INVALID_FIELD",
        "Foreign key external ID",
        Fault::Record,
        Retry::Never,
    ),
    ("INVALID_FIELD", "", Fault::Configuration, Retry::AfterChange),
    ("STORAGE_LIMIT_EXCEEDED", "", Fault::Quota, Retry::AfterChange),
    ("LICENSE_LIMIT_EXCEEDED", "", Fault::Quota, Retry::AfterChange),
    // What a record is refused with for good, named because calls for one
    // record are refused so too.
    ("REQUIRED_FIELD_MISSING", "", Fault::Record, Retry::Never),
    ("INVALID_EMAIL_ADDRESS", "", Fault::Record, Retry::Never),
    ("STRING_TOO_LONG", "", Fault::Record, Retry::Never),
    (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "",
        Fault::Record,
        Retry::Never,
    ),
    ("NUMBER_OUTSIDE_VALID_RANGE", "", Fault::Record, Retry::Never),
    (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "",
        Fault::Record,
        Retry::Never,
    ),
    ("FIELD_INTEGRITY_EXCEPTION", "", Fault::Record, Retry::Never),
    (
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        "",
        Fault::Record,
        Retry::Never,
    ),
    ("MALFORMED_ID", "", Fault::Record, Retry::Never),
    ("INVALID_CROSS_REFERENCE_KEY", "", Fault::Record, Retry::Never),
    ("DUPLICATE_VALUE", "", Fault::Record, Retry::Never),
    ("DUPLICATE_EXTERNAL_ID", "", Fault::Record, Retry::Never),
    ("DUPLICATES_DETECTED", "", Fault::Record, Retry::Never),
    (
        "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
        "",
        Fault::Record,
        Retry::Never,
    ),
    ("TOO_MANY_ENUM_VALUE", "", Fault::Record, Retry::Never),
];

impl RecordRefusal {
    /// Reads the errors of one record, in Salesforce's order. `key_field` is
    /// the field that an upsert names records by.
    pub(crate) fn of(mut errors: Vec<RecordError>, key_field: Option<&str>) -> Self {
        // What a record was rolled back with says nothing about the record.
        let counts = |error: &RecordError| classify(error, key_field).0 != Fault::Batch;
        let position = errors.iter().position(counts).unwrap_or(0);
        let error = if errors.is_empty() {
            RecordError {
                code: "UNKNOWN_EXCEPTION".to_owned(),
                message: "Salesforce gave no reason".to_owned(),
                fields: Vec::new(),
            }
        } else {
            errors.remove(position)
        };
        let (fault, retry) = classify(&error, key_field);
        Self {
            error,
            further: errors,
            fault,
            retry,
        }
    }

    /// Tells whether an upsert that only updates found no record of this key
    /// (§2.5; the words are those of the call for one record).
    pub fn is_not_found(&self) -> bool {
        self.error.code == "NOT_FOUND"
    }
}

fn classify(error: &RecordError, key_field: Option<&str>) -> (Fault, Retry) {
    // Two calls made the same new key at once; the loser's next try is an
    // update (§2.5).
    let is_lost_race = error.code == "DUPLICATE_VALUE"
        && key_field.is_some_and(|key_field| {
            duplicated_field(&error.message).is_some_and(|field| field.eq_ignore_ascii_case(key_field))
        });
    if is_lost_race {
        return (Fault::Contention, Retry::Once);
    }
    verdict(&error.code, &error.message).unwrap_or((Fault::Record, Retry::Never))
}

/// Returns what is known of a code.
pub(super) fn verdict(code: &str, message: &str) -> Option<(Fault, Retry)> {
    CODES
        .iter()
        .find(|(known, part, ..)| *known == code && message.contains(part))
        .map(|(_, _, fault, retry)| (*fault, *retry))
}

/// Returns the API name in `duplicate value found: {name} duplicates value on …`.
fn duplicated_field(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("duplicate value found: ")?;
    rest.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> RecordError {
        RecordError {
            code: code.to_owned(),
            message: message.to_owned(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn the_error_that_says_something_counts() {
        let refusal = RecordRefusal::of(
            vec![
                error("ALL_OR_NONE_OPERATION_ROLLED_BACK", "rolled back"),
                error("STRING_TOO_LONG", "too long"),
            ],
            None,
        );
        assert_eq!(refusal.error.code, "STRING_TOO_LONG");
        assert_eq!((refusal.fault, refusal.retry), (Fault::Record, Retry::Never));
        assert_eq!(refusal.further.len(), 1);
    }

    #[test]
    fn no_reason_is_a_reason_too() {
        let refusal = RecordRefusal::of(Vec::new(), None);
        assert_eq!(refusal.fault, Fault::Salesforce);
    }
}
