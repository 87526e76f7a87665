//! What Salesforce refuses, and what to make of it. The tables are §3 as data.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::http::Answer;

/// A call that Salesforce refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Salesforce's `errorCode`; empty when the body had none.
    pub code: String,
    /// For people. Of a write it may quote values: never log it.
    pub message: String,
    pub fault: Fault,
    /// How long an intermediary asked us to wait.
    pub retry_after: Option<Duration>,
}

/// Whose fault a refused call is, which decides what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The token is no longer valid; a new one helps.
    Token,
    /// The user or app may not do this; no new token helps.
    Login,
    /// The org's daily calls are used up; they come back as old calls age out.
    Quota,
    /// Too many long calls at once; fewer help, soon.
    Concurrency,
    /// A field, object, key or permission is not as configured.
    Configuration,
    /// The host is not an org's.
    Host,
    /// Salesforce itself; trying again helps.
    Salesforce,
}

impl Refusal {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = ErrorBody::parse(&answer.body);
        let fault = fault(answer.status, &body.code, &body.message);
        Self {
            status: answer.status.as_u16(),
            code: body.code,
            message: body.message,
            fault,
            retry_after: retry_after(&answer.headers),
        }
    }

    /// Returns a stable word for machines: Salesforce's own code, else the status.
    pub fn reason(&self) -> String {
        if self.code.is_empty() {
            format!("HTTP_{}", self.status)
        } else {
            self.code.clone()
        }
    }
}

/// Says status and code only, because the message may quote values.
impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "salesforce answered {} {}", self.status, self.code)
    }
}

impl std::error::Error for Refusal {}

/// The error part of any body that Salesforce or its edge sends (§3.1): an
/// array, a bare object, an OAuth error, HTML, or nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub code: String,
    pub message: String,
}

impl ErrorBody {
    pub(crate) fn parse(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Item {
            #[serde(rename = "errorCode")]
            code: Option<String>,
            message: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Body {
            Items(Vec<Item>),
            Item(Item),
        }
        let first = match serde_json::from_slice(body) {
            Ok(Body::Items(items)) => items.into_iter().next(),
            Ok(Body::Item(item)) => Some(item),
            Err(_) => None,
        };
        first
            .map(|item| Self {
                code: item.code.unwrap_or_default(),
                message: item.message.unwrap_or_default(),
            })
            .unwrap_or_default()
    }
}

/// Code, part of the message (empty: any), whose fault (§3.2, §3.3).
const CODES: &[(&str, &str, Fault)] = &[
    (
        "INVALID_SESSION_ID",
        "not valid for use with the REST API",
        Fault::Login,
    ),
    ("INVALID_SESSION_ID", "", Fault::Token),
    ("INVALID_AUTH_HEADER", "", Fault::Login),
    ("REQUEST_LIMIT_EXCEEDED", "TotalRequests", Fault::Quota),
    ("REQUEST_LIMIT_EXCEEDED", "Concurrent", Fault::Concurrency),
    ("REQUEST_LIMIT_EXCEEDED", "", Fault::Quota),
    ("API_DISABLED_FOR_ORG", "", Fault::Login),
    ("API_CURRENTLY_DISABLED", "", Fault::Salesforce),
    ("INSUFFICIENT_ACCESS", "", Fault::Configuration),
    ("INSUFFICIENT_ACCESS_OR_READONLY", "", Fault::Configuration),
    ("SERVER_UNAVAILABLE", "", Fault::Salesforce),
    ("UNKNOWN_EXCEPTION", "", Fault::Salesforce),
    ("QUERY_TIMEOUT", "", Fault::Salesforce),
    ("REQUEST_RUNNING_TOO_LONG", "", Fault::Salesforce),
];

fn fault(status: StatusCode, code: &str, message: &str) -> Fault {
    let known = CODES
        .iter()
        .find(|(known, part, _)| *known == code && message.contains(part))
        .map(|(_, _, fault)| *fault);
    known.unwrap_or(match status.as_u16() {
        401 if message.contains("not attached to Agent") => Fault::Login,
        401 => Fault::Token,
        403 => Fault::Login,
        420 => Fault::Host,
        429 | 500.. => Fault::Salesforce,
        _ => Fault::Configuration,
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// What a refused record comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFault {
    /// It will be refused every time.
    Permanent,
    /// Something stood in its way that passes: a lock, a load, a race.
    Passing,
    /// The record was deleted or merged away.
    Gone,
    /// The lead was converted.
    Converted,
}

/// Status codes of records that are not simply permanent (§3.4). The list of
/// codes grows with every release; what is not here is permanent.
const RECORD_CODES: &[(&str, RecordFault)] = &[
    ("UNABLE_TO_LOCK_ROW", RecordFault::Passing),
    ("TOO_MANY_APEX_REQUESTS", RecordFault::Passing),
    (
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        RecordFault::Passing,
    ),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", RecordFault::Passing),
    ("PROCESSING_HALTED", RecordFault::Passing),
    ("TXN_SECURITY_METERING_ERROR", RecordFault::Passing),
    ("SERVER_UNAVAILABLE", RecordFault::Passing),
    ("UNKNOWN_EXCEPTION", RecordFault::Passing),
    ("ENTITY_IS_DELETED", RecordFault::Gone),
    ("CANNOT_UPDATE_CONVERTED_LEAD", RecordFault::Converted),
];

/// Tells what a record's status code and message mean. `key_field` is the field
/// that an upsert names records by: a `DUPLICATE_VALUE` of it is a lost race
/// that becomes an update (§2.5).
pub fn record_fault(status_code: &str, message: &str, key_field: Option<&str>) -> RecordFault {
    if let Some((_, fault)) = RECORD_CODES.iter().find(|(code, _)| *code == status_code) {
        return *fault;
    }
    let is_wrapped_lock = status_code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        && (message.contains("UNABLE_TO_LOCK_ROW") || message.contains("Too many SOQL queries"));
    let is_lost_race = status_code == "DUPLICATE_VALUE"
        && key_field.is_some_and(|field| message.contains(&format!("duplicate value found: {field} ")));
    if is_wrapped_lock || is_lost_race {
        RecordFault::Passing
    } else {
        RecordFault::Permanent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::of(&Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        })
    }

    #[test]
    fn each_row_of_the_contracts_table_has_its_fault() {
        for (status, code, message, fault) in [
            (
                401,
                "INVALID_SESSION_ID",
                "Session expired or invalid",
                Fault::Token,
            ),
            (
                401,
                "INVALID_SESSION_ID",
                "This session is not valid for use with the REST API",
                Fault::Login,
            ),
            (401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", Fault::Login),
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
                Fault::Quota,
            ),
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentPerOrgLongTxn Limit exceeded",
                Fault::Concurrency,
            ),
            (
                403,
                "API_DISABLED_FOR_ORG",
                "API is not enabled for this Organization or Partner",
                Fault::Login,
            ),
            (
                400,
                "INVALID_FIELD",
                "No such column 'X__c' on sobject of type Contact",
                Fault::Configuration,
            ),
            (
                404,
                "NOT_FOUND",
                "The requested resource does not exist",
                Fault::Configuration,
            ),
            (
                500,
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred.",
                Fault::Salesforce,
            ),
            (503, "SERVER_UNAVAILABLE", "Server Unavailable", Fault::Salesforce),
        ] {
            let body = format!(r#"[{{"message": "{message}", "errorCode": "{code}"}}]"#);
            assert_eq!(refusal(status, &body).fault, fault, "{status} {code} {message}");
        }
    }

    #[test]
    fn every_kind_of_body_is_survived() {
        for body in [
            "",
            "<html>down</html>",
            "[]",
            "{}",
            "[1]",
            "null",
            r#"{"errorCode": 3}"#,
        ] {
            assert_eq!(refusal(503, body).fault, Fault::Salesforce, "{body}");
        }
        assert_eq!(refusal(420, "<html>").fault, Fault::Host);
        let bare = refusal(400, r#"{"errorCode": "INVALID_FIELD", "message": "m"}"#);
        assert_eq!(
            (bare.code.as_str(), bare.fault),
            ("INVALID_FIELD", Fault::Configuration)
        );
        assert_eq!(refusal(502, "").reason(), "HTTP_502");
    }

    #[test]
    fn records_are_told_apart_by_what_helps() {
        let lock = "unable to obtain exclusive access to this record";
        for (code, message, fault) in [
            ("UNABLE_TO_LOCK_ROW", lock, RecordFault::Passing),
            ("STRING_TOO_LONG", "", RecordFault::Permanent),
            ("INVENTED_NEXT_RELEASE", "", RecordFault::Permanent),
            ("ENTITY_IS_DELETED", "entity is deleted", RecordFault::Gone),
            (
                "CANNOT_UPDATE_CONVERTED_LEAD",
                "cannot reference converted lead",
                RecordFault::Converted,
            ),
            (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "T: caused by: UNABLE_TO_LOCK_ROW",
                RecordFault::Passing,
            ),
            (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "T: caused by: null",
                RecordFault::Permanent,
            ),
            (
                "DUPLICATE_VALUE",
                "duplicate value found: Key__c duplicates value on record with id: 003",
                RecordFault::Passing,
            ),
            (
                "DUPLICATE_VALUE",
                "duplicate value found: Other__c duplicates value on record with id: 003",
                RecordFault::Permanent,
            ),
        ] {
            assert_eq!(
                record_fault(code, message, Some("Key__c")),
                fault,
                "{code} {message}"
            );
        }
    }
}
