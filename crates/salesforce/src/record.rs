//! One record: read, created, changed.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    API_VERSION, Http, Session,
    request::{RequestError, escaped, get, read, send_json},
    usage::Answered,
};

/// Reads fields of a record by its id; none if there is no such record, or
/// the user may not see it. Without `fields`, all that the user may see.
pub async fn get_record(
    http: &Http,
    session: &Session,
    object: &str,
    id: &str,
    fields: &[&str],
) -> Result<Option<Answered<Map<String, Value>>>, RequestError> {
    let mut path = record_path(object, id);
    if !fields.is_empty() {
        path = format!("{path}?fields={}", escaped(&fields.join(",")));
    }
    match get(http, session, &path).await {
        Err(RequestError::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND.as_u16() => Ok(None),
        answer => answer.map(Some),
    }
}

/// Creates a record and returns its id. Not safe to send again after doubt.
pub async fn create_record(
    http: &Http,
    session: &Session,
    object: &str,
    fields: &Map<String, Value>,
) -> Result<Answered<String>, RequestError> {
    let path = format!("/services/data/{API_VERSION}/sobjects/{}", escaped(object));
    created(http, session, &path, fields).await
}

/// Changes fields of a record.
pub async fn update_record(
    http: &Http,
    session: &Session,
    object: &str,
    id: &str,
    fields: &Map<String, Value>,
) -> Result<(), RequestError> {
    send_json(http, Method::PATCH, session, &record_path(object, id), fields)
        .await
        .map(drop)
}

/// Posts what creates something and reads its id.
pub(crate) async fn created(
    http: &Http,
    session: &Session,
    path: &str,
    body: &impl serde::Serialize,
) -> Result<Answered<String>, RequestError> {
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    let answer = send_json(http, Method::POST, session, path, body).await?;
    let Answered { value, usage } = read::<Created>(&answer)?;
    Ok(Answered {
        value: value.id,
        usage,
    })
}

fn record_path(object: &str, id: &str) -> String {
    format!(
        "/services/data/{API_VERSION}/sobjects/{}/{}",
        escaped(object),
        escaped(id)
    )
}
