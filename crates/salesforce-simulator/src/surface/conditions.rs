//! Conditional requests on one record. Source: salesforce-contract.md §3.2 (304, 412) and §8.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, SubsecRound, Utc};

use super::ApiRequest;
use crate::clock::{datetime_in, http_date, http_date_in};
use crate::org::Record;
use crate::random::hash;
use crate::refusal::CallError;

/// What a request says about the state that the record must be in.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
    unmodified_since: Option<DateTime<Utc>>,
    modified_since: Option<DateTime<Utc>>,
}

impl Conditions {
    pub(super) fn of(request: &ApiRequest) -> Self {
        let text = |name| request.header(name).map(str::to_owned);
        let time = |name| http_date_in(request.header(name)?);
        Self {
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
            unmodified_since: time(header::IF_UNMODIFIED_SINCE),
            modified_since: time(header::IF_MODIFIED_SINCE),
        }
    }

    /// Fails with 412 when the record is not as the caller knows it.
    pub(super) fn check(&self, record: &Record) -> Result<(), CallError> {
        let is_another = self
            .if_match
            .as_ref()
            .is_some_and(|tags| !names(tags, &etag(record)));
        let is_newer = self
            .unmodified_since
            .is_some_and(|since| last_modified(record).is_some_and(|modified| modified > since));
        if is_another || is_newer {
            return Err(CallError::new(
                StatusCode::PRECONDITION_FAILED,
                "MATCH_PRECONDITION_FAILED",
                "The request was not executed because the record does not meet a precondition of its headers",
            ));
        }
        Ok(())
    }

    /// Returns whether a reader holds the record already.
    pub(super) fn is_known(&self, record: &Record) -> bool {
        match &self.if_none_match {
            Some(tags) => names(tags, &etag(record)),
            None => self
                .modified_since
                .is_some_and(|since| last_modified(record).is_some_and(|modified| modified <= since)),
        }
    }
}

/// Adds what a reader may ask for next time.
pub(super) fn add_validators(response: &mut Response, record: &Record) {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&etag(record)) {
        headers.insert(header::ETAG, tag);
    }
    let modified = last_modified(record).and_then(|time| HeaderValue::from_str(&http_date(time)).ok());
    if let Some(modified) = modified {
        headers.insert(header::LAST_MODIFIED, modified);
    }
}

/// Two writes within one millisecond leave the same `SystemModstamp`, so the tag is made of every value.
fn etag(record: &Record) -> String {
    let seed = hash(0, record.id.short());
    let tag = record.values.iter().fold(seed, |seed, (name, value)| {
        hash(hash(seed, name), &value.to_string())
    });
    format!("\"{tag:016x}\"")
}

/// In whole seconds, as HTTP dates have it.
fn last_modified(record: &Record) -> Option<DateTime<Utc>> {
    let stamp = record.values.get("SystemModstamp")?.as_str()?;
    datetime_in(stamp).map(|time| time.trunc_subsecs(0))
}

fn names(tags: &str, wanted: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == wanted)
}
