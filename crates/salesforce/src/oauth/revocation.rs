//! Tokens that shall no longer work (§1.6).

use secrecy::{ExposeSecret, SecretString};

use super::TokenError;
use crate::{
    Host,
    http::{Call, Http},
    refusal::{Fault, Refusal},
};

/// How a revocation ended; either way the token no longer works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    Revoked,
    /// Salesforce did not know the token.
    AlreadyGone,
}

/// Ends an access token, or a refresh token and all that came from it.
pub async fn revoke(http: &Http, host: &Host, token: &SecretString) -> Result<Revocation, TokenError> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose_secret())
        .finish();
    let answer = http
        .send(Call::form(host, "/services/oauth2/revoke", form))
        .await
        .map_err(TokenError::Unreachable)?;
    if answer.status.is_success() {
        return Ok(Revocation::Revoked);
    }
    let refusal = Refusal::of(&answer);
    match refusal.fault {
        // Nobody looked at the token.
        Fault::Salesforce | Fault::Host | Fault::Contention | Fault::Quota => Err(TokenError::Busy(refusal)),
        // The error's own form differs between reports; all mean the same.
        Fault::Record
        | Fault::RecordGone
        | Fault::LeadConverted
        | Fault::Batch
        | Fault::Token
        | Fault::Login
        | Fault::Configuration => Ok(Revocation::AlreadyGone),
    }
}
