//! Assertions of the JWT bearer grant. Source: salesforce-contract.md §1.1 and §1.2, RFC 7523.

use std::sync::Arc;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::{ApiRequest, OauthError, client};
use crate::org::{App, Org, OrgState, User, WrongAudience};

/// What an assertion says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    /// Consumer key.
    pub iss: String,
    /// Username.
    pub sub: String,
    aud: Audience,
    /// Seconds since the epoch.
    #[serde(deserialize_with = "number_or_text")]
    exp: i64,
}

/// RFC 7519, section 4.1.3: one audience, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
}

/// Reads the claims of an assertion that nobody has checked.
pub(super) fn unchecked_claims(assertion: &str) -> Option<Claims> {
    decoded(assertion.split('.').nth(1)?)
}

/// Checks an assertion and returns the app that made it and the user whom it is for.
pub(super) fn check(
    org: &Org,
    state: &OrgState,
    request: &ApiRequest,
    assertion: &str,
    now: DateTime<Utc>,
) -> Result<(Arc<App>, Arc<User>), OauthError> {
    let claims = unchecked_claims(assertion).ok_or_else(invalid)?;
    let app = client::named(state, &claims.iss, now)?;
    check_signature(&app, assertion)?;

    let seconds_ahead = claims.exp.saturating_sub(now.timestamp());
    let bound = state.switches().login.jwt_max_ahead_seconds;
    if seconds_ahead <= 0 || bound.is_some_and(|bound| seconds_ahead > i64::from(bound)) {
        return Err(invalid());
    }
    if !claims.aud.names(org, request) {
        return Err(OauthError::invalid_grant(
            match state.switches().login.wrong_audience {
                WrongAudience::AudienceValidationFailed => "Audience validation failed",
                WrongAudience::AudienceIsInvalid => "audience is invalid",
            },
        ));
    }
    let user = state
        .directory
        .user(&claims.sub)
        .filter(|user| app.takes_assertions_for(&user.username))
        .ok_or_else(|| OauthError::invalid_grant("user hasn't approved this consumer"))?;
    Ok((app, user))
}

fn check_signature(app: &App, assertion: &str) -> Result<(), OauthError> {
    let certificate = app.certificate.as_ref().ok_or_else(invalid)?;
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(invalid)?;
    let (header, _) = signed.split_once('.').ok_or_else(invalid)?;
    let header: Header = decoded(header).ok_or_else(invalid)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| invalid())?;
    if header.alg != "RS256" {
        return Err(invalid());
    }
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, certificate.rsa_public_key())
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| invalid())
}

impl Audience {
    /// Returns whether it is the org's shared login host or the org itself.
    fn names(&self, org: &Org, request: &ApiRequest) -> bool {
        let own = [
            format!("https://{}", org.options.login_host().name()),
            format!("https://{}", org.options.host),
            request.instance_url.clone(),
        ];
        match self {
            Self::One(audience) => own.contains(audience),
            Self::Several(audiences) => audiences.iter().any(|audience| own.contains(audience)),
        }
    }
}

fn invalid() -> OauthError {
    OauthError::invalid_grant("invalid assertion")
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Some clients send `exp` as text.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let seconds = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    seconds.ok_or_else(|| de::Error::custom("exp is no number of seconds"))
}
