//! What an object looks like to the user that asks (§5).

use http::{Method, StatusCode};
use serde::Deserialize;

use crate::{
    API_VERSION, Session,
    http::{Call, CallError, Http, json_headers},
    refusal::Refusal,
};

/// An object's fields, as far as the user may see them: a hidden field is absent.
#[derive(Debug, Clone, Deserialize)]
pub struct ObjectDescription {
    pub name: String,
    pub fields: Vec<FieldDescription>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDescription {
    pub name: String,
    pub label: String,
    /// For example `string`, `textarea`, `email`, `picklist`.
    #[serde(rename = "type")]
    pub field_type: String,
    /// In characters; 0 for types without a length.
    pub length: u32,
    pub createable: bool,
    pub updateable: bool,
    pub nillable: bool,
    pub defaulted_on_create: bool,
    pub external_id: bool,
    pub id_lookup: bool,
    #[serde(default)]
    pub case_sensitive: bool,
}

impl ObjectDescription {
    /// Finds a field by its API name, in any case.
    pub fn field(&self, name: &str) -> Option<&FieldDescription> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl FieldDescription {
    /// Tells whether an upsert may name records by it (§5.1).
    pub fn can_be_key(&self) -> bool {
        self.external_id || self.id_lookup
    }
}

/// A read that got no useful answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Call(CallError),
    #[error(transparent)]
    Refused(Refusal),
    #[error("salesforce answered a body that cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

/// Describes an object.
pub async fn describe(http: &Http, session: &Session, object: &str) -> Result<ObjectDescription, ReadError> {
    get(
        http,
        session,
        &format!("/services/data/{API_VERSION}/sobjects/{object}/describe"),
    )
    .await
}

pub(crate) async fn get<T: serde::de::DeserializeOwned>(
    http: &Http,
    session: &Session,
    path: &str,
) -> Result<T, ReadError> {
    let call = Call {
        method: Method::GET,
        host: &session.instance,
        path,
        session: Some(session),
        headers: json_headers(),
        body: None,
    };
    let answer = http.send(call).await.map_err(ReadError::Call)?;
    if answer.status != StatusCode::OK {
        return Err(ReadError::Refused(Refusal::of(&answer)));
    }
    serde_json::from_slice(&answer.body).map_err(ReadError::Unreadable)
}
