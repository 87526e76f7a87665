//! REST calls that answer one JSON body.

use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Session,
    http::{Answer, Body, Call, CallError, Http},
    refusal::Refusal,
    usage::{Answered, ApiUsage},
};

/// A call that got no useful answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Call(CallError),
    #[error(transparent)]
    Refused(Refusal),
    /// Salesforce said yes, in words that cannot be read.
    #[error("salesforce answered a body that cannot be read: {0}")]
    Unreadable(Unreadable),
}

/// Why a body cannot be read. Says where, never what stood there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("{kind} at line {line}, column {column}")]
    Json {
        kind: &'static str,
        line: usize,
        column: usize,
    },
    #[error("{0}")]
    Shape(&'static str),
}

impl RequestError {
    /// Tells whether Salesforce certainly did nothing.
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::Call(error) => error.is_without_effect(),
            Self::Refused(refusal) => refusal.is_without_effect(),
            Self::Unreadable(_) => false,
        }
    }
}

impl From<serde_json::Error> for Unreadable {
    /// Keeps the place only: serde quotes values.
    fn from(error: serde_json::Error) -> Self {
        let kind = match error.classify() {
            serde_json::error::Category::Io => "no data",
            serde_json::error::Category::Syntax => "no JSON",
            serde_json::error::Category::Data => "another shape than documented",
            serde_json::error::Category::Eof => "the end too early",
        };
        Self::Json {
            kind,
            line: error.line(),
            column: error.column(),
        }
    }
}

pub(crate) async fn get<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    path: &str,
) -> Result<Answered<T>, RequestError> {
    let call = Call::json(Method::GET, session, path, Body::Empty);
    read(&send(http, call).await?)
}

/// Sends a JSON body. The answer's body is the caller's to read: some of them
/// are empty.
pub(crate) async fn send_json(
    http: &Http,
    method: Method,
    session: &Session,
    path: &str,
    body: &impl Serialize,
) -> Result<Answer, RequestError> {
    let body = serde_json::to_vec(body).expect("bodies are structs with text keys, which always serialize");
    send(
        http,
        Call::json(method, session, path, Body::Compressible(body.into())),
    )
    .await
}

/// Makes a call and takes every 2xx as an answer.
pub(crate) async fn send(http: &Http, call: Call<'_>) -> Result<Answer, RequestError> {
    let answer = http.send(call).await.map_err(RequestError::Call)?;
    if answer.status.is_success() {
        Ok(answer)
    } else {
        Err(RequestError::Refused(Refusal::of(&answer)))
    }
}

pub(crate) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Answered<T>, RequestError> {
    // A body that says nothing must not read as a value that is all defaults.
    if answer.status == StatusCode::NO_CONTENT {
        return Err(RequestError::Unreadable(Unreadable::Shape("the body is empty")));
    }
    let value =
        serde_json::from_slice(&answer.body).map_err(|error| RequestError::Unreadable(error.into()))?;
    Ok(Answered {
        value,
        usage: ApiUsage::of(&answer.headers),
    })
}

/// What stands for itself in a path and in a query.
/// Source: RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Escapes one segment of a path or one value of a query.
pub(crate) fn escaped(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_body_is_not_quoted() {
        let error = serde_json::from_str::<Vec<u8>>(r#""ada@example.org""#).unwrap_err();
        let text = Unreadable::from(error).to_string();
        assert_eq!(text, "another shape than documented at line 1, column 17");
    }
}
