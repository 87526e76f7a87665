//! What Salesforce refuses, whose fault that is, and what helps. The tables of
//! §2.6, §3.2, §3.3 and §3.4 are data, in `calls` and `records`.

mod body;
mod calls;
mod records;

use std::{fmt, time::Duration};

use chrono::DateTime;
use http::{HeaderMap, StatusCode, header};

use crate::{http::Answer, usage::ApiUsage};

pub use records::{RecordError, RecordRefusal};

use self::body::ErrorBody;

/// A call that Salesforce refused as a whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Salesforce's `errorCode`; empty when the body had none.
    pub code: String,
    /// For people. Of a write it may quote values: never log it.
    pub message: String,
    /// API names of the fields at fault, where Salesforce names them.
    pub fields: Vec<String>,
    /// Ids of the records that a duplicate rule found, in its order (§2.8).
    pub duplicates: Vec<String>,
    pub fault: Fault,
    pub retry: Retry,
    /// How long an intermediary asked us to wait.
    pub retry_after: Option<Duration>,
    pub usage: Option<ApiUsage>,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The record's: its values, or what the org's rules say of them.
    Record,
    /// The record was deleted or merged away.
    RecordGone,
    /// The lead was converted; its contact lives on.
    LeadConverted,
    /// The call's: too large, malformed, one record twice, or another record
    /// that took this one down with it.
    Batch,
    /// The token is no longer valid; a new one helps.
    Token,
    /// The user or app may not do this; no new token helps.
    Login,
    /// What the org may use is used up: daily calls, storage.
    Quota,
    /// Other work in the org stood in the way: locks, races, long calls, load.
    Contention,
    /// A field, object, key or permission is not as configured.
    Configuration,
    /// The host is not an org's.
    Host,
    /// Salesforce itself.
    Salesforce,
}

/// When the same thing may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// It will be refused every time.
    Never,
    /// At once, one time, with a new token.
    WithNewToken,
    /// One time, after a second or more.
    Once,
    /// After seconds, with jitter, and with less at once.
    Soon,
    /// After seconds, then longer and longer.
    WithBackoff,
    /// As old calls age out of the last 24 hours: minutes to hours.
    AsCallsAgeOut,
    /// After Salesforce's maintenance: hours.
    AfterMaintenance,
    /// At once, without the record that was the culprit.
    WithoutCulprit,
    /// At once, with less in one call.
    Smaller,
    /// When somebody has changed the org, the login or the configuration.
    AfterChange,
}

impl Refusal {
    pub(crate) fn of(answer: &Answer) -> Self {
        Self::read(answer.status, &answer.headers, &answer.body)
    }

    /// Reads a refusing answer; whatever its body is, something comes out.
    pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body = ErrorBody::parse(headers, body);
        let (fault, retry) = calls::classify(status, &body.code, &body.message);
        Self {
            status: status.as_u16(),
            code: body.code,
            message: body.message,
            fields: body.fields,
            duplicates: body.duplicates,
            fault,
            retry,
            retry_after: retry_after(headers),
            usage: ApiUsage::of(headers),
        }
    }

    /// Tells whether Salesforce certainly stored nothing. Its own failures,
    /// and its edge's, may come after the work was done.
    pub fn is_without_effect(&self) -> bool {
        self.fault != Fault::Salesforce
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

/// As [`Display`](fmt::Display): without the message.
impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Refusal")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("fields", &self.fields)
            .field("fault", &self.fault)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Reads `Retry-After`: seconds, or a date, which is taken against the answer's own.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let wait = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = wait.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(wait).ok()?;
    let answered = DateTime::parse_from_rfc2822(text(header::DATE)?).ok()?;
    (until - answered).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let wait = |wait: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, "Mon, 23 Nov 2026 22:00:00 GMT".parse().unwrap());
            headers.insert(header::RETRY_AFTER, wait.parse().unwrap());
            Refusal::read(StatusCode::SERVICE_UNAVAILABLE, &headers, b"").retry_after
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("Mon, 23 Nov 2026 22:01:30 GMT"),
            Some(Duration::from_secs(90))
        );
        assert_eq!(wait("Mon, 23 Nov 2026 21:00:00 GMT"), None);
        assert_eq!(wait("soon"), None);
    }
}
