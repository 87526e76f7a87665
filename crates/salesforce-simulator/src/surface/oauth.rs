//! The token endpoint. Source: salesforce-contract.md §1.1 and §1.2.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{ApiRequest, reply};
use crate::org::{App, Org, OrgState, PasswordFlow, User};
use crate::refusal::CallError;

/// Characters of an access token after the org id and `!`.
const TOKEN_LENGTH: usize = 96;

/// A refused grant: one object, status 400. Source: salesforce-contract.md §1.2.
#[derive(Debug)]
struct OauthError {
    error: &'static str,
    description: String,
}

/// The parameters of a token request: of the form, else of the query string.
#[derive(Debug)]
struct Parameters(Vec<(String, String)>);

/// Answers a request at an org's token endpoint.
pub(super) fn token(org: &Org, state: &mut OrgState, request: &ApiRequest, now: DateTime<Utc>) -> Response {
    // Hard quotas refuse logins too, in the array form (salesforce-contract.md §10).
    if state.usage.used(now) >= org.options.daily_request_limit {
        return reply::call_error(&CallError::daily_quota());
    }
    let parameters = Parameters::read(&request.parts, &request.body);
    let response = match grant(org, request, &parameters) {
        Ok((app, user)) => reply::ok(&success(org, state, request, app, user, now)),
        Err(error) => error.response(),
    };
    not_cached(response)
}

/// Finds the org that a token request at a shared login host is for: the one that knows app and user.
pub(super) fn org_of_login(orgs: &[Arc<Org>], parts: &Parts, body: &Bytes) -> Option<Arc<Org>> {
    let parameters = Parameters::read(parts, body);
    let client_id = parameters.get("client_id")?;
    let knows_app = |org: &&Arc<Org>| org.options.app(client_id).is_some();
    let knows_user = |org: &&Arc<Org>| {
        parameters
            .get("username")
            .is_some_and(|username| org.options.user(username).is_some())
    };
    orgs.iter()
        .filter(knows_app)
        .find(knows_user)
        .or_else(|| orgs.iter().find(knows_app))
        .cloned()
}

/// Answers a token request whose app no org has.
pub(super) fn unknown_client() -> Response {
    not_cached(OauthError::new("invalid_client_id", "client identifier invalid").response())
}

fn grant<'a>(
    org: &'a Org,
    request: &ApiRequest,
    parameters: &Parameters,
) -> Result<(&'a App, &'a User), OauthError> {
    let grant_type = match parameters.get("grant_type") {
        Some(grant_type) => grant_type,
        // What a POST becomes when a redirect downgrades it (salesforce-contract.md §1.2).
        None if request.parts.method != Method::POST => return Err(OauthError::unsupported_grant()),
        None => return Err(OauthError::missing("grant_type")),
    };
    match grant_type {
        "password" => {
            let app = app(org, parameters)?;
            let username = parameters.required("username")?;
            let password = parameters.required("password")?;
            let user = password_login(org, username, password)?;
            Ok((app, user))
        }
        "client_credentials" if request.at_login => Err(OauthError::new(
            "invalid_grant",
            "request not supported on this domain",
        )),
        "client_credentials" => {
            let app = app(org, parameters)?;
            let user = app
                .run_as
                .as_deref()
                .and_then(|username| org.options.user(username))
                .ok_or_else(|| OauthError::new("invalid_grant", "no client credentials user enabled"))?;
            active(user).map(|user| (app, user))
        }
        _ => Err(OauthError::unsupported_grant()),
    }
}

fn app<'a>(org: &'a Org, parameters: &Parameters) -> Result<&'a App, OauthError> {
    let client_id = parameters.required("client_id")?;
    let client_secret = parameters.required("client_secret")?;
    let app = org
        .options
        .app(client_id)
        .ok_or_else(|| OauthError::new("invalid_client_id", "client identifier invalid"))?;
    if app.client_secret != client_secret {
        return Err(OauthError::new("invalid_client", "invalid client credentials"));
    }
    Ok(app)
}

fn password_login<'a>(org: &'a Org, username: &str, password: &str) -> Result<&'a User, OauthError> {
    let refused = || OauthError::new("invalid_grant", "authentication failure");
    // A blocked flow must not be told from a wrong password (salesforce-contract.md §0.1).
    if org.options.password_flow == PasswordFlow::Blocked {
        return Err(refused());
    }
    let user = org.options.user(username).ok_or_else(refused)?;
    // The security token follows the password without a separator (salesforce-contract.md §1.1).
    if format!("{}{}", user.password, user.security_token) != password {
        return Err(refused());
    }
    active(user)
}

fn active(user: &User) -> Result<&User, OauthError> {
    if user.active {
        Ok(user)
    } else {
        Err(OauthError::new("invalid_grant", "inactive user"))
    }
}

/// Opens a session and tells it. Source of the keys: salesforce-contract.md §1.1.
fn success(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    app: &App,
    user: &User,
    now: DateTime<Utc>,
) -> serde_json::Value {
    let access_token = format!("{}!{}", org.id.short(), state.random.token(TOKEN_LENGTH));
    state.sessions.open(access_token.clone(), &user.username, now);
    let login_host = if org.options.is_sandbox() {
        "test.salesforce.com"
    } else {
        "login.salesforce.com"
    };
    let id = format!(
        "https://{login_host}/id/{}/{}",
        org.id,
        org.user_id(&user.username)
    );
    let issued_at = now.timestamp_millis().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.client_secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, format!("{id}{issued_at}").as_bytes()));
    json!({
        "access_token": access_token,
        "instance_url": request.instance_url,
        "id": id,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "signature": signature,
    })
}

impl Parameters {
    fn read(parts: &Parts, body: &Bytes) -> Self {
        let pairs = |text: &[u8]| -> Vec<(String, String)> {
            url::form_urlencoded::parse(text)
                .into_owned()
                .filter(|(_, value)| !value.is_empty())
                .collect()
        };
        let authorization = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let mut parameters = pairs(body);
        parameters.extend(pairs(parts.uri.query().unwrap_or_default().as_bytes()));
        parameters.extend(authorization.map(basic_credentials).unwrap_or_default());
        Self(parameters)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::missing(name))
    }
}

impl OauthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
        }
    }

    fn missing(parameter: &str) -> Self {
        Self::new(
            "invalid_request",
            format!("missing required parameter: {parameter}"),
        )
    }

    fn unsupported_grant() -> Self {
        Self::new("unsupported_grant_type", "grant type not supported")
    }

    fn response(&self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        reply::json(StatusCode::BAD_REQUEST, &body)
    }
}

/// Reads HTTP Basic as the form fields it stands for.
fn basic_credentials(authorization: &str) -> Vec<(String, String)> {
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"))
        .and_then(|(_, credentials)| STANDARD.decode(credentials.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (id, secret) = text.split_once(':')?;
            Some(vec![
                ("client_id".to_owned(), id.to_owned()),
                ("client_secret".to_owned(), secret.to_owned()),
            ])
        })
        .unwrap_or_default()
}

fn not_cached(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache,must-revalidate,max-age=0,no-store,private"),
    );
    response
}
