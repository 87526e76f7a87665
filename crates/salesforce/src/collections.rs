//! sObject Collections: many records, one call (§2).

mod answer;
mod request;

use http::{HeaderValue, Method, StatusCode};

use crate::{
    API_VERSION, Session,
    http::{Body, Call, CallError, Http},
    refusal::{RecordRefusal, Refusal},
    request::{Unreadable, escaped},
    usage::{Answered, ApiUsage},
};

pub use answer::results;
pub use request::{Assignment, DuplicateRules, Operation, Options, Record};

/// Most records in one call.
/// Source: Salesforce REST API, "Upsert Records Using sObject Collections" (§2.1).
pub const MAX_RECORDS_PER_CALL: usize = 200;

/// What became of one record. Only Salesforce's `success` decides (§0.1, 2 and 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordResult {
    Saved {
        /// As Salesforce gave it, 18 characters; it may be missing.
        id: Option<String>,
        created: bool,
    },
    Refused(RecordRefusal),
    /// Good, and not stored because another record of an all-or-none call was
    /// refused.
    RolledBack,
}

/// How a call ended. Sending again is only safe if you know which.
#[derive(Debug)]
pub enum WriteOutcome {
    /// Salesforce answered for every record, in request order.
    Answered(Answered<Vec<RecordResult>>),
    /// Salesforce certainly stored nothing.
    NotSent(WriteError),
    /// The call left and no whole answer came; any record may be stored.
    InDoubt(WriteError),
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{count} records in one call; Salesforce takes {MAX_RECORDS_PER_CALL}")]
    TooManyRecords { count: usize },
    #[error("record {position} of the call has no key, which its operation needs")]
    MissingKey { position: usize },
    #[error("'{0}' is not the id of an assignment rule")]
    AssignmentRule(String),
    #[error(transparent)]
    Call(CallError),
    #[error(transparent)]
    Refused(Refusal),
    #[error("salesforce answered {got} results for {sent} records")]
    WrongCount { sent: usize, got: usize },
    #[error("salesforce answered results that cannot be read: {0}")]
    Unreadable(Unreadable),
}

/// Writes up to [`MAX_RECORDS_PER_CALL`] records of one object. A cancelled
/// call may still have happened.
pub async fn write(
    http: &Http,
    session: &Session,
    object: &str,
    operation: &Operation,
    records: &[Record],
    options: &Options,
) -> WriteOutcome {
    if let Err(error) = request::check(operation, records, options) {
        return WriteOutcome::NotSent(error);
    }
    let body = request::body(object, operation, records, options.all_or_none);
    let path = path(object, operation);
    let mut call = Call::json(method(operation), session, &path, Body::Compressible(body.into()));
    for (name, value) in options.headers() {
        let value = HeaderValue::try_from(value).expect("flags and a checked id are plain ASCII");
        call.headers.insert(name, value);
    }
    let answer = match http.send(call).await {
        Ok(answer) => answer,
        Err(error) if error.is_without_effect() => return WriteOutcome::NotSent(WriteError::Call(error)),
        Err(error) => return WriteOutcome::InDoubt(WriteError::Call(error)),
    };
    if answer.status.is_success() && answer.status != StatusCode::OK {
        let shape = Unreadable::Shape("another success than 200");
        return WriteOutcome::InDoubt(WriteError::Unreadable(shape));
    }
    if answer.status != StatusCode::OK {
        let refusal = Refusal::of(&answer);
        return if refusal.is_without_effect() {
            WriteOutcome::NotSent(WriteError::Refused(refusal))
        } else {
            WriteOutcome::InDoubt(WriteError::Refused(refusal))
        };
    }
    match results(operation, &answer.body, records.len()) {
        Ok(value) => WriteOutcome::Answered(Answered {
            value,
            usage: ApiUsage::of(&answer.headers),
        }),
        Err(error) => WriteOutcome::InDoubt(error),
    }
}

fn method(operation: &Operation) -> Method {
    match operation {
        Operation::Create => Method::POST,
        Operation::Update | Operation::Upsert { .. } => Method::PATCH,
    }
}

fn path(object: &str, operation: &Operation) -> String {
    let collections = format!("/services/data/{API_VERSION}/composite/sobjects");
    match operation {
        Operation::Create | Operation::Update => collections,
        Operation::Upsert {
            key_field,
            update_only,
        } => {
            let query = if *update_only { "?updateOnly=true" } else { "" };
            format!("{collections}/{}/{}{query}", escaped(object), escaped(key_field))
        }
    }
}
