//! Tokens (§1).

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    Host, Session,
    http::{Answer, Call, CallError, Http},
    refusal::{Fault, Refusal},
};

/// How a token is asked for.
#[derive(Debug, Clone)]
pub enum Grant {
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
    Password {
        client_id: String,
        client_secret: SecretString,
        username: String,
        password: SecretString,
        /// Appended to the password, without a separator.
        security_token: Option<SecretString>,
    },
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    pub session: Session,
    /// 18-character id of the org, from the token's `id` URL.
    pub org_id: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Salesforce refused the login; it stays so until something is changed.
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
}

/// Why a login was refused, as far as Salesforce tells (§1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRefusal {
    pub cause: LoginCause,
    /// Salesforce's `error`.
    pub error: String,
    /// Salesforce's `error_description`.
    pub description: String,
}

impl std::fmt::Display for LoginRefusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.error, self.description)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginCause {
    UnknownHost,
    UnknownClient,
    WrongClientSecret,
    /// Wrong user, password or security token, or the flow is blocked: the
    /// answer is the same (§0.1, 9).
    CredentialsRefused,
    InactiveUser,
    IpRefused,
    NoRunAsUser,
    WrongHostForGrant,
    GrantNotSupported,
    AppNotApproved,
    LoginRateExceeded,
    Other,
}

/// `error`, part of the description (empty: any), cause. Read from the top.
const CAUSES: &[(&str, &str, LoginCause)] = &[
    ("invalid_grant", "inactive user", LoginCause::InactiveUser),
    ("invalid_grant", "ip restricted", LoginCause::IpRefused),
    (
        "invalid_grant",
        "request not supported on this domain",
        LoginCause::WrongHostForGrant,
    ),
    (
        "invalid_grant",
        "no client credentials user enabled",
        LoginCause::NoRunAsUser,
    ),
    (
        "invalid_grant",
        "hasn't approved this consumer",
        LoginCause::AppNotApproved,
    ),
    (
        "invalid_grant",
        "authentication failure",
        LoginCause::CredentialsRefused,
    ),
    ("invalid_grant", "user is locked", LoginCause::CredentialsRefused),
    ("invalid_client_id", "", LoginCause::UnknownClient),
    ("invalid_client", "", LoginCause::WrongClientSecret),
    ("invalid_client_credentials", "", LoginCause::WrongClientSecret),
    ("unsupported_grant_type", "", LoginCause::GrantNotSupported),
    ("inactive_user", "", LoginCause::InactiveUser),
    ("rate_limit_exceeded", "", LoginCause::LoginRateExceeded),
    ("invalid_app_access", "", LoginCause::AppNotApproved),
];

impl LoginCause {
    /// Returns a stable word for machines.
    pub fn reason(self) -> &'static str {
        match self {
            Self::UnknownHost => "UNKNOWN_DOMAIN",
            Self::UnknownClient => "UNKNOWN_CLIENT",
            Self::WrongClientSecret => "CLIENT_SECRET_REFUSED",
            Self::CredentialsRefused => "CREDENTIALS_REFUSED",
            Self::InactiveUser => "USER_INACTIVE",
            Self::IpRefused => "IP_NOT_ALLOWED",
            Self::NoRunAsUser => "NO_RUN_AS_USER",
            Self::WrongHostForGrant => "WRONG_HOST_FOR_GRANT",
            Self::GrantNotSupported => "GRANT_NOT_SUPPORTED",
            Self::AppNotApproved => "APP_NOT_APPROVED",
            Self::LoginRateExceeded => "LOGIN_RATE_EXCEEDED",
            Self::Other => "LOGIN_REFUSED",
        }
    }

    /// Returns what to do about it, for people.
    pub fn fix(self) -> &'static str {
        match self {
            Self::UnknownHost => {
                "There is no Salesforce org at this host. Copy the domain from Setup, My Domain, Current My Domain URL."
            }
            Self::UnknownClient => {
                "The org does not know the client id. Copy the Consumer Key again; a new app takes some minutes to \
                 become known, and it must be an app of this very org."
            }
            Self::WrongClientSecret => "Copy the Consumer Secret again; it may have been rotated.",
            Self::CredentialsRefused => {
                "Check username and password; append or set the security token (it is needed outside the org's \
                 trusted IP ranges, and changes with the password); and check that the org still allows the \
                 username-password flow (Setup, OAuth and OpenID Connect Settings): orgs made since Summer '23 \
                 block it. Client credentials are the better choice."
            }
            Self::InactiveUser => "Activate the user in Setup, Users, or use another one.",
            Self::IpRefused => {
                "The client's IP address is unauthorized for this account. Allowlist the client's IP address in \
                 Setup, Network Access, or relax the app's IP restrictions."
            }
            Self::NoRunAsUser => "Choose a run-as user in the app's policies, Client Credentials Flow.",
            Self::WrongHostForGrant => {
                "Client credentials work on the org's own My Domain only, not on login.salesforce.com or \
                 test.salesforce.com."
            }
            Self::GrantNotSupported => "Enable this OAuth flow for the app, or use another grant.",
            Self::AppNotApproved => {
                "Let an administrator approve the app for this user (Manage Connected Apps)."
            }
            Self::LoginRateExceeded => {
                "The user logged in more than 3,600 times in an hour. Wait, and find who does."
            }
            Self::Other => "See what Salesforce says, and the org's Login History.",
        }
    }
}

/// Asks for a token.
pub async fn request_token(http: &Http, host: &Host, grant: &Grant) -> Result<IssuedToken, TokenError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let call = Call {
        method: Method::POST,
        host,
        path: "/services/oauth2/token",
        session: None,
        headers,
        body: Some(form(grant).into()),
    };
    match http.send(call).await {
        Ok(answer) if answer.status == StatusCode::OK => issued(&answer),
        Ok(answer) => Err(refused(&answer)),
        Err(CallError::NotConnected {
            unknown_host: true, ..
        }) => Err(TokenError::Refused(LoginRefusal {
            cause: LoginCause::UnknownHost,
            error: "unknown host".to_owned(),
            description: format!("{host} is not known to DNS"),
        })),
        Err(error) => Err(TokenError::Unreachable(error)),
    }
}

fn form(grant: &Grant) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    match grant {
        Grant::ClientCredentials {
            client_id,
            client_secret,
        } => {
            form.append_pair("grant_type", "client_credentials")
                .append_pair("client_id", client_id)
                .append_pair("client_secret", client_secret.expose_secret());
        }
        Grant::Password {
            client_id,
            client_secret,
            username,
            password,
            security_token,
        } => {
            let token = security_token
                .as_ref()
                .map(ExposeSecret::expose_secret)
                .unwrap_or_default();
            form.append_pair("grant_type", "password")
                .append_pair("client_id", client_id)
                .append_pair("client_secret", client_secret.expose_secret())
                .append_pair("username", username)
                .append_pair("password", &format!("{}{token}", password.expose_secret()));
        }
    }
    form.finish()
}

fn issued(answer: &Answer) -> Result<IssuedToken, TokenError> {
    #[derive(Deserialize)]
    struct Body {
        access_token: SecretString,
        instance_url: String,
        id: String,
    }
    let body: Body = serde_json::from_slice(&answer.body)
        .map_err(|_| TokenError::Unusable("access_token, instance_url or id is missing"))?;
    if body.access_token.expose_secret().is_empty() {
        return Err(TokenError::Unusable("access_token is empty"));
    }
    let instance = Host::from_instance_url(&body.instance_url)
        .map_err(|_| TokenError::Unusable("instance_url is not a Salesforce host"))?;
    // …/id/{org id}/{user id}
    let org_id = body
        .id
        .rsplit('/')
        .nth(1)
        .filter(|org_id| org_id.len() == 18 && org_id.starts_with("00D"))
        .ok_or(TokenError::Unusable("id does not name the org"))?
        .to_owned();
    Ok(IssuedToken {
        session: Session {
            access_token: body.access_token,
            instance,
        },
        org_id,
    })
}

fn refused(answer: &Answer) -> TokenError {
    #[derive(Deserialize)]
    struct Body {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    match serde_json::from_slice::<Body>(&answer.body) {
        Ok(body) => {
            let description = body.error_description;
            let cause = CAUSES
                .iter()
                .find(|(error, part, _)| *error == body.error && description.contains(part))
                .map_or(LoginCause::Other, |(_, _, cause)| *cause);
            TokenError::Refused(LoginRefusal {
                cause,
                error: body.error,
                description,
            })
        }
        // The REST form, or the edge's page.
        Err(_) => {
            let refusal = Refusal::of(answer);
            match refusal.fault {
                Fault::Host => TokenError::Refused(LoginRefusal {
                    cause: LoginCause::UnknownHost,
                    error: format!("HTTP {}", refusal.status),
                    description: "no org answers at this host".to_owned(),
                }),
                Fault::Token
                | Fault::Login
                | Fault::Quota
                | Fault::Concurrency
                | Fault::Configuration
                | Fault::Salesforce => TokenError::Busy(refusal),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn each_row_of_the_contracts_table_has_its_cause() {
        for (error, description, cause) in [
            (
                "invalid_grant",
                "authentication failure",
                LoginCause::CredentialsRefused,
            ),
            (
                "invalid_grant",
                "authentication failure - Invalid Password",
                LoginCause::CredentialsRefused,
            ),
            ("invalid_grant", "inactive user", LoginCause::InactiveUser),
            ("invalid_grant", "ip restricted", LoginCause::IpRefused),
            (
                "invalid_grant",
                "user hasn't approved this consumer",
                LoginCause::AppNotApproved,
            ),
            (
                "invalid_grant",
                "request not supported on this domain",
                LoginCause::WrongHostForGrant,
            ),
            (
                "invalid_grant",
                "no client credentials user enabled",
                LoginCause::NoRunAsUser,
            ),
            ("invalid_grant", "expired access/refresh token", LoginCause::Other),
            (
                "invalid_client_id",
                "client identifier invalid",
                LoginCause::UnknownClient,
            ),
            (
                "invalid_client",
                "invalid client credentials",
                LoginCause::WrongClientSecret,
            ),
            (
                "unsupported_grant_type",
                "grant type not supported",
                LoginCause::GrantNotSupported,
            ),
            (
                "invalid_app_access",
                "user is not admin approved to access this app",
                LoginCause::AppNotApproved,
            ),
        ] {
            let body = format!(r#"{{"error": "{error}", "error_description": "{description}"}}"#);
            let TokenError::Refused(refusal) = refused(&answer(400, &body)) else {
                panic!("{body}")
            };
            assert_eq!(refusal.cause, cause, "{body}");
        }
        let quota = r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#;
        assert!(
            matches!(refused(&answer(403, quota)), TokenError::Busy(refusal) if refusal.fault == Fault::Quota)
        );
    }

    #[test]
    fn a_token_answer_is_checked_before_it_is_used() {
        let good = r#"{"access_token": "00D!x", "instance_url": "https://acme.my.salesforce.com/",
            "id": "https://login.salesforce.com/id/00D5g00000ExAmPEAV/0055g00000UsErIAAV", "new_key": 1}"#;
        let token = issued(&answer(200, good)).unwrap();
        assert_eq!(token.org_id, "00D5g00000ExAmPEAV");
        assert_eq!(token.session.instance.as_str(), "acme.my.salesforce.com");
        for (from, to) in [
            ("00D!x", ""),
            ("https://acme.my.salesforce.com/", "https://evil.example"),
            ("/00D5g00000ExAmPEAV/", "/"),
            ("access_token", "token"),
        ] {
            assert!(issued(&answer(200, &good.replace(from, to))).is_err(), "{from}");
        }
    }

    #[test]
    fn the_security_token_follows_the_password_and_everything_is_encoded() {
        let grant = Grant::Password {
            client_id: "id".to_owned(),
            client_secret: "s&t".into(),
            username: "a+b@x".to_owned(),
            password: "p=w".into(),
            security_token: Some("TOK".into()),
        };
        assert!(form(&grant).ends_with("client_secret=s%26t&username=a%2Bb%40x&password=p%3DwTOK"));
        assert!(!format!("{grant:?}").contains("p=w"));
    }
}
