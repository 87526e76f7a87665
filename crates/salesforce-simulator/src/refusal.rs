//! The two ways in which Salesforce says no: to a whole request, or to one record of it.

use std::borrow::Cow;

use axum::http::StatusCode;

use crate::ids::RecordId;
use crate::schema::ObjectName;

/// A refused request: an array of one error, with `errorCode`. Source: salesforce-contract.md §3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    pub status: StatusCode,
    pub error_code: Cow<'static, str>,
    pub message: String,
}

/// One refused record of an answered call, with `statusCode`. Source: salesforce-contract.md §2.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordError {
    pub status_code: Cow<'static, str>,
    pub message: String,
    /// API names.
    pub fields: Vec<String>,
    /// The records that a duplicate rule found; told by single-record writes only.
    pub duplicates: Option<Box<DuplicatesFound>>,
}

/// What a duplicate rule found. Source: salesforce-contract.md §2.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DuplicatesFound {
    /// Whether the caller may save anyway.
    pub allow_save: bool,
    pub rule: String,
    pub object: ObjectName,
    pub message: String,
    pub matches: Vec<RecordId>,
}

impl CallError {
    pub(crate) fn new(status: StatusCode, error_code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error_code: Cow::Borrowed(error_code),
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(error_code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error_code, message)
    }

    /// Source: salesforce-contract.md §3.2.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "The requested resource does not exist",
        )
    }

    /// The body is no JSON, or not what the call takes. Source of the form: salesforce-contract.md §3.2.
    pub(crate) fn unreadable_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let text = text
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&text);
        Self::bad_request(
            "JSON_PARSER_ERROR",
            format!("{text} at [line:{line}, column:{column}]"),
        )
    }

    /// Source: salesforce-contract.md §3.2.
    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "Unsupported Media Type",
        )
    }

    /// Source: salesforce-contract.md §2.6 and §3.2.
    pub(crate) fn no_such_column(field: &str, object: &str) -> Self {
        Self::bad_request(
            "INVALID_FIELD",
            format!("No such column '{field}' on sobject of type {object}"),
        )
    }

    /// The session is gone; a new token helps. Source: salesforce-contract.md §3.2.
    pub(crate) fn session_expired() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_SESSION_ID",
            "Session expired or invalid",
        )
    }

    /// The session lives, but not for this; a new token does not help. Source: salesforce-contract.md §3.2.
    pub(crate) fn session_not_for_api() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_SESSION_ID",
            "This session is not valid for use with the REST API",
        )
    }

    /// The user lacks a permission. Source: salesforce-contract.md §3.2.
    pub(crate) fn insufficient_access() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "INSUFFICIENT_ACCESS",
            "insufficient access rights on object id",
        )
    }

    /// The daily quota is used up. Source: salesforce-contract.md §3.2 and §3.3.
    pub(crate) fn daily_quota() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
        )
    }

    /// Too many long-running requests. Source: salesforce-contract.md §3.2 and §4.4.
    pub(crate) fn concurrent_limit() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded",
        )
    }
}

impl RecordError {
    pub(crate) fn new(status_code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self {
            status_code: Cow::Borrowed(status_code),
            message: message.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            duplicates: None,
        }
    }

    /// Returns what would have failed a whole call as the error of one record.
    pub(crate) fn of_call(error: CallError, field: &str) -> Self {
        Self {
            status_code: error.error_code,
            message: error.message,
            fields: vec![field.to_owned()],
            duplicates: None,
        }
    }

    /// Source: salesforce-contract.md §3.4.
    pub(crate) fn required_missing(fields: &[&str]) -> Self {
        Self::new(
            "REQUIRED_FIELD_MISSING",
            format!("Required fields are missing: [{}]", fields.join(", ")),
            fields,
        )
    }

    /// Source: salesforce-contract.md §3.2 and §3.4.
    pub(crate) fn malformed_id(label: &str, id: &str, field: &str) -> Self {
        Self::new(
            "MALFORMED_ID",
            format!("{label}: id value of incorrect type: {id}"),
            &[field],
        )
    }

    /// Source: salesforce-contract.md §2.8 (a collections element has no details).
    pub(crate) fn duplicates(found: DuplicatesFound) -> Self {
        let error = Self::new("DUPLICATES_DETECTED", found.message.clone(), &[]);
        Self {
            duplicates: Some(Box::new(found)),
            ..error
        }
    }

    /// Source: salesforce-contract.md §3.2.
    pub(crate) fn not_writable(field: &str) -> Self {
        let message = format!(
            "Unable to create/update fields: {field}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
        );
        Self::new("INVALID_FIELD_FOR_INSERT_UPDATE", message, &[field])
    }

    /// Source: salesforce-contract.md §3.4.
    pub(crate) fn deleted() -> Self {
        Self::new("ENTITY_IS_DELETED", "entity is deleted", &[])
    }

    /// Source: salesforce-contract.md §3.4.
    pub(crate) fn converted() -> Self {
        Self::new(
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "cannot reference converted lead",
            &[],
        )
    }

    /// The record exists, but not for this user. Source: salesforce-contract.md §3.4.
    pub(crate) fn no_access_to(id: RecordId) -> Self {
        Self::new(
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            format!("insufficient access rights on cross-reference id: {id}"),
            &[],
        )
    }

    /// Several records hold the key of a path, which is answered with all of them.
    /// Source: salesforce-contract.md §2.5.
    pub(crate) fn ambiguous_key() -> Self {
        Self::new("DUPLICATE_EXTERNAL_ID", "more than one record found", &[])
    }

    /// The record is unknown. Source: salesforce-contract.md §2.4 and §3.4.
    pub(crate) fn unknown_id() -> Self {
        Self::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[])
    }
}
