//! Reading what an admin call sends: errors name the place and what to send instead.

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

use super::AdminError;

/// A query string; one that cannot be read is refused in JSON, like a body.
#[derive(Debug)]
pub(super) struct Parameters<T>(pub T);

/// Reads a body that is one JSON object.
///
/// # Errors
/// 400, naming the member that is wrong.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, AdminError> {
    expect(body, b'{', "an object")?;
    parse(body)
}

/// Reads a body that is a JSON array.
///
/// # Errors
/// 400, naming the element and the member that are wrong.
pub(super) fn read_list<T: DeserializeOwned>(body: &Bytes) -> Result<Vec<T>, AdminError> {
    expect(body, b'[', "an array")?;
    parse(body)
}

/// Returns `current` with `changes` in the place of what they name, objects member by member; what they do not name
/// stays.
///
/// # Errors
/// 400, naming the member that is wrong.
pub(super) fn merged<T: Serialize + DeserializeOwned>(
    current: &T,
    changes: Map<String, Value>,
) -> Result<T, AdminError> {
    let mut value =
        serde_json::to_value(current).map_err(|error| AdminError::bad_request(error.to_string()))?;
    overwrite(&mut value, Value::Object(changes));
    serde_path_to_error::deserialize(value).map_err(|error| refusal(&error))
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AdminError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(parameters)| Self(parameters))
            .map_err(|rejection| AdminError::bad_request(rejection.body_text()))
    }
}

/// Fails on a body that is JSON of another kind. What is no JSON at all is the parser's to refuse.
fn expect(body: &Bytes, opening: u8, kind: &str) -> Result<(), AdminError> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(AdminError::bad_request(format!("the body is empty; send {kind}"))),
        Some(first) if *first != opening && matches!(first, b'{' | b'[') => {
            let sent = if *first == b'{' { "an object" } else { "an array" };
            Err(AdminError::bad_request(format!(
                "the body is {sent}; send {kind}"
            )))
        }
        Some(_) => Ok(()),
    }
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, AdminError> {
    let mut deserializer = Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| refusal(&error))?;
    deserializer
        .end()
        .map_err(|error| AdminError::bad_request(error.to_string()))?;
    Ok(value)
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> AdminError {
    let at_root = error.path().iter().next().is_none();
    AdminError::bad_request(if at_root {
        error.inner().to_string()
    } else {
        // Begins with the path.
        error.to_string()
    })
}

fn overwrite(value: &mut Value, changes: Value) {
    match (value, changes) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                overwrite(members.entry(name).or_insert(Value::Null), change);
            }
        }
        (value, change) => *value = change,
    }
}
