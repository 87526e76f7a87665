//! What Salesforce knows of a token (§1.5).

use chrono::{DateTime, Utc};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{TokenError, refused};
use crate::{
    Host,
    http::{Call, Http},
};

/// Which kind of token is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    Access,
    Refresh,
}

/// A token's state. Tokens of the password grant are never active here,
/// although they work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Introspection {
    pub active: bool,
    pub username: Option<String>,
    pub client_id: Option<String>,
    /// Separated by blanks.
    pub scope: Option<String>,
    /// `access_token` or `refresh_token`.
    pub token_type: Option<String>,
    /// Identity URL of the user.
    pub sub: Option<String>,
    #[serde(default, rename = "exp", with = "chrono::serde::ts_seconds_option")]
    pub expire_time: Option<DateTime<Utc>>,
    #[serde(default, rename = "iat", with = "chrono::serde::ts_seconds_option")]
    pub issue_time: Option<DateTime<Utc>>,
    /// Not valid before.
    #[serde(default, rename = "nbf", with = "chrono::serde::ts_seconds_option")]
    pub start_time: Option<DateTime<Utc>>,
}

/// Asks about a token, in the name of its app.
pub async fn introspect(
    http: &Http,
    host: &Host,
    client_id: &str,
    client_secret: &SecretString,
    token: &SecretString,
    kind: TokenKind,
) -> Result<Introspection, TokenError> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose_secret())
        .append_pair(
            "token_type_hint",
            match kind {
                TokenKind::Access => "access_token",
                TokenKind::Refresh => "refresh_token",
            },
        )
        .append_pair("client_id", client_id)
        .append_pair("client_secret", client_secret.expose_secret())
        .finish();
    let answer = http
        .send(Call::form(host, "/services/oauth2/introspect", form))
        .await
        .map_err(TokenError::Unreachable)?;
    if answer.status != StatusCode::OK {
        return Err(refused(answer.status, &answer.headers, &answer.body));
    }
    read(&answer.body)
}

/// Reads the body of a 200.
fn read(body: &[u8]) -> Result<Introspection, TokenError> {
    serde_json::from_slice(body).map_err(|_| TokenError::Unusable("the introspection does not say active"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_and_an_inactive_token_has_none() {
        let active = read(
            br#"{"active": true, "scope": "id api", "client_id": "3MVG9", "username": "svc@acme.example",
                "sub": "s", "token_type": "access_token", "exp": 1763907200, "iat": 1763900000, "nbf": 1763900000}"#,
        )
        .unwrap();
        assert_eq!(active.expire_time.unwrap().timestamp(), 1_763_907_200);
        assert_eq!(active.issue_time.unwrap().timestamp(), 1_763_900_000);
        let inactive = read(br#"{"active": false}"#).unwrap();
        assert_eq!(inactive, Introspection::default());
        assert!(read(b"{}").is_err());
    }
}
