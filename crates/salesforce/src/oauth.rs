//! Tokens (§1): asked for, looked into, revoked.

mod authorization_code;
mod cause;
mod grant;
mod introspection;
mod revocation;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    Host, Session,
    http::{Call, CallError, Http},
    lenient::{Code, Text},
    refusal::{Fault, Refusal},
};

pub use authorization_code::Authorization;
pub use cause::{LoginCause, LoginRefusal};
pub use grant::Grant;
pub use introspection::{Introspection, TokenKind, introspect};
pub use revocation::{Revocation, revoke};

/// A token that was issued. There is no expiry: it ends when it is not used
/// (§1.4).
#[derive(Debug, Clone)]
pub struct IssuedToken {
    pub session: Session,
    /// 18-character id of the org, from the token's `id` URL.
    pub org_id: String,
    /// 18-character id of the user, from there too.
    pub user_id: String,
    /// What the token is good for; empty where Salesforce does not tell, as for
    /// the password grant.
    pub scopes: Vec<String>,
    /// Takes the place of the refresh token it was asked for with. Usually
    /// there is none, and the old one stays.
    pub refresh_token: Option<SecretString>,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Salesforce refused the login; it stays so until something is changed,
    /// unless its cause passes.
    #[error("salesforce refused the login: {0}")]
    Refused(LoginRefusal),
    /// Salesforce could not be asked, or asked us to wait.
    #[error("salesforce could not be asked for a token")]
    Unreachable(#[source] CallError),
    /// Salesforce refused the call, not the login: quota or its own fault.
    #[error("salesforce did not issue a token")]
    Busy(#[source] Refusal),
    #[error("salesforce answered a token that cannot be used: {0}")]
    Unusable(&'static str),
    /// Nothing was sent.
    #[error("the private key cannot sign: it must be an RSA key in PEM form, PKCS#8 or PKCS#1")]
    InvalidKey,
}

/// Asks for a token. `now` goes into a JWT, which is valid for three minutes.
pub async fn request_token(
    http: &Http,
    host: &Host,
    grant: &Grant,
    now: DateTime<Utc>,
) -> Result<IssuedToken, TokenError> {
    ask(http, host, grant.form(host, now)?).await
}

async fn ask(http: &Http, host: &Host, form: String) -> Result<IssuedToken, TokenError> {
    match http
        .send(Call::form(host, "/services/oauth2/token", form.clone()))
        .await
    {
        Ok(answer) if answer.status == StatusCode::OK => issued(&answer.body),
        Ok(answer) => Err(match refused(answer.status, &answer.headers, &answer.body) {
            TokenError::Refused(refusal) if refusal.cause == LoginCause::UnknownHost => {
                TokenError::Refused(LoginRefusal {
                    description: format!("no Salesforce org answers at {host}"),
                    ..refusal
                })
            }
            TokenError::Refused(refusal) => TokenError::Refused(refusal.without_what_was_sent(&form)),
            error => error,
        }),
        Err(CallError::NotConnected {
            unknown_host: true, ..
        }) => Err(TokenError::Refused(LoginRefusal {
            cause: LoginCause::UnknownHost,
            error: "unknown host".to_owned(),
            description: format!("DNS does not know {host}"),
        })),
        Err(error) => Err(TokenError::Unreachable(error)),
    }
}

/// Reads the body of a 200.
///
/// # Errors
/// [`TokenError::Unusable`] when something is missing, or the instance is not
/// Salesforce's: it would be sent the token.
pub fn issued(body: &[u8]) -> Result<IssuedToken, TokenError> {
    #[derive(Deserialize)]
    struct Body {
        access_token: SecretString,
        instance_url: String,
        id: String,
        #[serde(default)]
        scope: Text,
        refresh_token: Option<SecretString>,
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|_| TokenError::Unusable("access_token, instance_url or id is missing"))?;
    let token = body.access_token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::Unusable("access_token is empty or no token"));
    }
    let instance = Host::from_instance_url(&body.instance_url)
        .map_err(|_| TokenError::Unusable("instance_url is not a Salesforce host"))?;
    // …/id/{org id}/{user id}
    let mut ids = body.id.rsplit('/');
    let (user_id, org_id) = (ids.next().unwrap_or_default(), ids.next().unwrap_or_default());
    let is_id = |id: &str, prefix: &str| id.len() == 18 && id.starts_with(prefix);
    if !is_id(org_id, "00D") || !is_id(user_id, "005") {
        return Err(TokenError::Unusable("id does not name the org and the user"));
    }
    Ok(IssuedToken {
        session: Session {
            access_token: body.access_token,
            instance,
        },
        org_id: org_id.to_owned(),
        user_id: user_id.to_owned(),
        scopes: body
            .scope
            .0
            .split_whitespace()
            .map(|scope| Code::of(scope).0)
            .filter(|scope| !scope.is_empty())
            .collect(),
        refresh_token: body
            .refresh_token
            .filter(|token| !token.expose_secret().is_empty()),
    })
}

/// Reads a refusing answer of the token endpoint, in either of its forms.
pub fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> TokenError {
    #[derive(Deserialize)]
    struct Body {
        error: String,
        #[serde(default)]
        error_description: Option<String>,
    }
    let refusal = Refusal::read(status, headers, body);
    if matches!(refusal.fault, Fault::Salesforce | Fault::Contention) {
        return TokenError::Busy(refusal);
    }
    if let Ok(body) = serde_json::from_slice::<Body>(body) {
        let description = body.error_description.unwrap_or_default();
        return TokenError::Refused(LoginRefusal::of(&body.error, &description));
    }
    // The REST form, or the edge's page.
    match refusal.fault {
        Fault::Host => TokenError::Refused(LoginRefusal {
            cause: LoginCause::UnknownHost,
            error: format!("HTTP {}", refusal.status),
            description: "no org answers at this host".to_owned(),
        }),
        _ if refusal.code == "LOGIN_RATE_EXCEEDED" => {
            TokenError::Refused(LoginRefusal::of(&refusal.code, &refusal.code))
        }
        Fault::Login | Fault::Configuration if !refusal.code.is_empty() => {
            TokenError::Refused(LoginRefusal::of(&refusal.code, &refusal.message))
        }
        Fault::Record
        | Fault::RecordGone
        | Fault::LeadConverted
        | Fault::Batch
        | Fault::Token
        | Fault::Login
        | Fault::Quota
        | Fault::Contention
        | Fault::Configuration
        | Fault::Salesforce => TokenError::Busy(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(status: u16, body: &str) -> TokenError {
        refused(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
        )
    }

    #[test]
    fn both_forms_of_a_refusal_are_read() {
        let object = r#"{"error": "invalid_grant", "error_description": "ip restricted"}"#;
        assert!(
            matches!(refuse(400, object), TokenError::Refused(refusal) if refusal.cause == LoginCause::IpRefused)
        );
        let quota = r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#;
        assert!(matches!(refuse(403, quota), TokenError::Busy(refusal) if refusal.fault == Fault::Quota));
        let disabled = r#"[{"errorCode":"API_DISABLED_FOR_ORG","message":"m"}]"#;
        assert!(
            matches!(refuse(403, disabled), TokenError::Refused(refusal) if refusal.cause == LoginCause::ApiNotEnabled)
        );
        let unwell = r#"{"error": "server_error", "error_description": "m"}"#;
        assert!(
            matches!(refuse(500, unwell), TokenError::Busy(refusal) if refusal.fault == Fault::Salesforce)
        );
        let rate = r#"[{"errorCode":"LOGIN_RATE_EXCEEDED","message":"m"}]"#;
        assert!(matches!(refuse(403, rate), TokenError::Refused(refusal) if refusal.cause.passes()));
        assert!(
            matches!(refuse(420, "<html>"), TokenError::Refused(refusal) if refusal.cause == LoginCause::UnknownHost)
        );
        assert!(
            matches!(refuse(503, "<html>"), TokenError::Busy(refusal) if refusal.fault == Fault::Salesforce)
        );
    }

    #[test]
    fn row_164_a_token_answer_is_checked_before_it_is_used() {
        let good = r#"{"access_token": "00D!x", "instance_url": "https://acme.my.salesforce.com/",
            "id": "https://login.salesforce.com/id/00D5g00000ExAmPEAV/0055g00000UsErIAAV", "new_key": 1}"#;
        let token = issued(good.as_bytes()).unwrap();
        assert_eq!(token.org_id, "00D5g00000ExAmPEAV");
        assert_eq!(token.user_id, "0055g00000UsErIAAV");
        assert_eq!(token.session.instance.as_str(), "acme.my.salesforce.com");
        assert_eq!(token.scopes, [""; 0]);
        let scoped = good.replace(r#""new_key": 1"#, r#""scope": "id api  refresh_token""#);
        assert_eq!(
            issued(scoped.as_bytes()).unwrap().scopes,
            ["id", "api", "refresh_token"]
        );
        for (from, to) in [
            ("00D!x", ""),
            ("00D!x", "00D! x"),
            ("https://acme.my.salesforce.com/", "https://evil.example"),
            ("https://acme.my.salesforce.com/", "http://acme.my.salesforce.com"),
            ("/00D5g00000ExAmPEAV/", "/"),
            ("/0055g00000UsErIAAV", "/0035g00000UsErIAAV"),
            ("access_token", "token"),
        ] {
            assert!(issued(good.replace(from, to).as_bytes()).is_err(), "{from}");
        }
    }
}
