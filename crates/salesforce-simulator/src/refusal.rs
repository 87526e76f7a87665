//! The two ways in which Salesforce says no: to a whole request, or to one record of it.

use std::borrow::Cow;

use axum::http::StatusCode;

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
}

impl RecordError {
    pub(crate) fn new(status_code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self {
            status_code: Cow::Borrowed(status_code),
            message: message.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }

    /// Returns what would have failed a whole call as the error of one record.
    pub(crate) fn of_call(error: CallError, field: &str) -> Self {
        Self {
            status_code: error.error_code,
            message: error.message,
            fields: vec![field.to_owned()],
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

    /// The record is unknown. Source: salesforce-contract.md §2.4 and §3.4.
    pub(crate) fn unknown_id() -> Self {
        Self::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[])
    }
}
