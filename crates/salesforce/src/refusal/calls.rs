//! Refusals of whole calls: §2.6, §3.2, §3.3, and the codes of Tooling (§6)
//! and Bulk (§7). The codes that records have too are in `records`.

use http::StatusCode;

use super::{Fault, Retry, body::NO_AGENT, records};

/// Code, part of the message (empty: any), whose fault, what helps. Read from
/// the top.
const CODES: &[(&str, &str, Fault, Retry)] = &[
    ("JSON_PARSER_ERROR", "", Fault::Batch, Retry::Never),
    ("INVALID_TYPE", "", Fault::Configuration, Retry::AfterChange),
    ("MALFORMED_QUERY", "", Fault::Batch, Retry::Never),
    ("EXCEEDED_ID_LIMIT", "", Fault::Batch, Retry::Smaller),
    ("EXCEEDED_MAX_SIZE_REQUEST", "", Fault::Batch, Retry::Smaller),
    ("LIMIT_EXCEEDED", "", Fault::Batch, Retry::Smaller),
    ("MISSING_ARGUMENT", "", Fault::Batch, Retry::Never),
    ("QUERY_TIMEOUT", "", Fault::Batch, Retry::Smaller),
    ("REQUEST_RUNNING_TOO_LONG", "", Fault::Batch, Retry::Smaller),
    // The app's or the IP's policy; a refresh would go round in circles.
    (
        "INVALID_SESSION_ID",
        "not valid for use with the REST API",
        Fault::Login,
        Retry::AfterChange,
    ),
    ("INVALID_SESSION_ID", "", Fault::Token, Retry::WithNewToken),
    ("LOGIN_OAUTH_INVALID_TOKEN", "", Fault::Token, Retry::WithNewToken),
    ("INVALID_AUTH_HEADER", "", Fault::Batch, Retry::Never),
    (
        "REQUEST_LIMIT_EXCEEDED",
        "Concurrent",
        Fault::Contention,
        Retry::Soon,
    ),
    ("REQUEST_LIMIT_EXCEEDED", "", Fault::Quota, Retry::AsCallsAgeOut),
    ("EXCEEDEDQUOTA", "", Fault::Quota, Retry::AsCallsAgeOut),
    ("API_DISABLED_FOR_ORG", "", Fault::Login, Retry::AfterChange),
    (
        "INSUFFICIENT_ACCESS",
        "",
        Fault::Configuration,
        Retry::AfterChange,
    ),
    ("METHOD_NOT_ALLOWED", "", Fault::Batch, Retry::Never),
    ("MATCH_PRECONDITION_FAILED", "", Fault::Record, Retry::Never),
    ("UNSUPPORTED_MEDIA_TYPE", "", Fault::Batch, Retry::Never),
    ("APEX_ERROR", "", Fault::Configuration, Retry::AfterChange),
    (
        "CUSTOM_ENTITY_OR_FIELD_LIMIT",
        "",
        Fault::Quota,
        Retry::AfterChange,
    ),
    (
        "CUSTOM_FIELD_INDEX_LIMIT_EXCEEDED",
        "",
        Fault::Quota,
        Retry::AfterChange,
    ),
    // Bulk's own names (§7), which come in mixed case.
    ("INVALIDSESSIONID", "", Fault::Token, Retry::WithNewToken),
    ("FEATURENOTENABLED", "", Fault::Login, Retry::AfterChange),
    ("INVALIDUSER", "", Fault::Login, Retry::AfterChange),
    ("CLIENTINPUTERROR", "", Fault::Batch, Retry::Never),
    ("INVALIDBATCH", "", Fault::Batch, Retry::Never),
    ("INVALIDJOB", "", Fault::Batch, Retry::Never),
    ("INVALIDJOBSTATE", "", Fault::Batch, Retry::Never),
    ("INVALIDOPERATION", "", Fault::Batch, Retry::Never),
];

pub(super) fn classify(status: StatusCode, code: &str, message: &str) -> (Fault, Retry) {
    if status == StatusCode::UNAUTHORIZED && message.contains(NO_AGENT) {
        return (Fault::Login, Retry::AfterChange);
    }
    let upper_case = code.to_ascii_uppercase();
    CODES
        .iter()
        .find(|(known, part, ..)| *known == upper_case && message.contains(part))
        .map(|(_, _, fault, retry)| (*fault, *retry))
        // A call for one record is refused with the record's own codes.
        .or_else(|| records::verdict(code, message))
        .unwrap_or_else(|| of_status(status))
}

/// What a status says where the body says nothing known.
fn of_status(status: StatusCode) -> (Fault, Retry) {
    match status.as_u16() {
        // Several records match a key.
        300 => (Fault::Record, Retry::Never),
        401 => (Fault::Token, Retry::WithNewToken),
        403 => (Fault::Login, Retry::AfterChange),
        405 | 406 | 414 | 415 | 431 => (Fault::Batch, Retry::Never),
        409 | 412 | 428 => (Fault::Record, Retry::Never),
        413 => (Fault::Batch, Retry::Smaller),
        420 => (Fault::Host, Retry::AfterChange),
        // Not in Salesforce's table; an intermediary's.
        429 => (Fault::Contention, Retry::Soon),
        500.. => (Fault::Salesforce, Retry::WithBackoff),
        _ => (Fault::Configuration, Retry::AfterChange),
    }
}
