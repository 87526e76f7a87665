//! The OAuth endpoints. Source: salesforce-contract.md §1.

mod assertion;
mod authorize;
mod client;
mod grants;
mod identity;
mod introspect;
mod login;
mod parameters;
mod revoke;
mod user_info;

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::route::Resource;
use super::{ApiRequest, reply};
use crate::clock::datetime_out;
use crate::login_host::LoginHost;
use crate::org::{Grant, Login, LoginSwitches, Org, OrgState, Session};
use crate::refusal::CallError;
use grants::Granted;
use parameters::Parameters;

pub(super) use authorize::authorize;
pub(super) use identity::identity;
pub(super) use introspect::introspect;
pub(super) use revoke::revoke;
pub(super) use user_info::user_info;

/// Characters of an access token after the org id and `!`.
const TOKEN_LENGTH: usize = 96;

/// A refused OAuth request: one object, mostly with status 400. Source: salesforce-contract.md §1.2.
#[derive(Debug)]
struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

/// What is known of a login while it is tried, for the login history.
#[derive(Debug)]
struct Attempt {
    grant: Option<String>,
    client_id: Option<String>,
    username: Option<String>,
}

/// Answers a request at an org's token endpoint.
pub(super) fn token(org: &Org, state: &mut OrgState, request: &ApiRequest, now: DateTime<Utc>) -> Response {
    // Hard quotas refuse logins too, in the array form (salesforce-contract.md §10).
    if state.usage.is_exhausted(now) {
        return reply::call_error(&CallError::daily_quota());
    }
    let parameters = Parameters::read(&request.parts, &request.body);
    let mut attempt = Attempt::new(&parameters);
    let granted = grants::grant(org, state, request, &parameters, &mut attempt, now);
    let outcome = match &granted {
        Ok(_) => "success".to_owned(),
        Err(error) => error.text(),
    };
    state.logins.add(attempt.login(outcome, now));
    let response = match granted {
        Ok(granted) => reply::ok(&success(org, state, request, granted, now)),
        Err(error) => error.response(),
    };
    not_cached(response)
}

/// Finds the org that a request at a shared login host is for: the one that knows the app, and the user or
/// the token as well.
pub(super) fn org_of_login(
    orgs: &[Arc<Org>],
    login: LoginHost,
    parts: &Parts,
    body: &Bytes,
    now: DateTime<Utc>,
) -> Option<Arc<Org>> {
    let parameters = Parameters::read(parts, body);
    let claims = parameters.get("assertion").and_then(assertion::unchecked_claims);
    let client_id = parameters
        .get("client_id")
        .or(claims.as_ref().map(|claims| claims.iss.as_str()));
    let username = ["username", "login_hint"]
        .into_iter()
        .find_map(|name| parameters.get(name))
        .or(claims.as_ref().map(|claims| claims.sub.as_str()));
    let secret = ["refresh_token", "code", "token"]
        .into_iter()
        .find_map(|name| parameters.get(name))
        .or(parameters.bearer());

    let mut known: Option<&Arc<Org>> = None;
    for org in orgs.iter().filter(|org| org.options.login_host() == login) {
        let state = org.state();
        let knows_app = client_id.is_some_and(|client_id| state.directory.app(client_id).is_some());
        let knows_user = username.is_some_and(|username| state.directory.user(username).is_some());
        let knows_secret = secret.is_some_and(|secret| knows_secret(&state, secret, now));
        if knows_secret || knows_app && knows_user {
            return Some(Arc::clone(org));
        }
        if knows_app && known.is_none() {
            known = Some(org);
        }
    }
    known.cloned()
}

/// Answers a request at a shared login host that no org can be found for.
pub(super) fn unknown_org(resource: &Resource) -> Response {
    match resource {
        Resource::Authorize => authorize::unknown_client(),
        Resource::Revoke => revoke::refused(LoginSwitches::default().revoke_error),
        Resource::UserInfo => reply::call_error(&CallError::session_expired()),
        Resource::Identity { .. } => identity::refused(),
        _ => not_cached(OauthError::unknown_client().response()),
    }
}

/// Opens a session and tells it. Source of the keys: salesforce-contract.md §1.1.
fn success(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    granted: Granted,
    now: DateTime<Utc>,
) -> Value {
    let Granted { app, user, .. } = granted;
    let access_token = format!("{}!{}", org.id.short(), state.random.token(TOKEN_LENGTH));
    let session = Session {
        username: user.username.clone(),
        client_id: app.client_id.clone(),
        grant: granted.grant,
        scope: granted.scope.clone(),
        approval: granted.approval,
        issued_at: now,
        last_used: now,
        idle: app.session_idle().unwrap_or(org.options.session_idle()),
    };
    state.sessions.open(access_token.clone(), session);
    let id = identity_url(org, &user.username);
    let issued_at = now.timestamp_millis().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.client_secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, format!("{id}{issued_at}").as_bytes()));
    let mut answer = json!({
        "access_token": access_token,
        "instance_url": request.instance_url,
        "id": id,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "signature": signature,
    });
    // The password grant supports no scopes.
    if granted.grant != Grant::Password {
        answer["scope"] = granted.scope.into();
    }
    if let Some(refresh_token) = granted.refresh_token {
        answer["refresh_token"] = refresh_token.into();
    }
    if state.switches().login.odd_token_answers {
        answer["instance_url"] = format!("{}/", request.instance_url).into();
        answer["api_instance_url"] = "https://api.salesforce.com".into();
        answer["sfdc_community_url"] = format!("{}/portal", request.instance_url).into();
    }
    answer
}

/// Returns `id` of token answers and `sub` of introspection.
pub(super) fn identity_url(org: &Org, username: &str) -> String {
    format!(
        "https://{}/id/{}/{}",
        org.options.login_host().name(),
        org.id,
        org.user_id(username)
    )
}

fn knows_secret(state: &OrgState, secret: &str, now: DateTime<Utc>) -> bool {
    state.sessions.peek(secret, now).is_some()
        || state.approvals.of_refresh_token(secret, now).is_some()
        || state.approvals.has_code(secret)
}

impl Attempt {
    fn new(parameters: &Parameters) -> Self {
        let owned = |name: &str| parameters.get(name).map(str::to_owned);
        Self {
            grant: owned("grant_type"),
            client_id: owned("client_id"),
            username: owned("username"),
        }
    }

    fn login(self, outcome: String, now: DateTime<Utc>) -> Login {
        Login {
            n: 0,
            time: datetime_out(now),
            username: self.username,
            client_id: self.client_id,
            grant: self.grant,
            outcome,
        }
    }
}

impl OauthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.into(),
        }
    }

    fn invalid_grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
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

    fn unknown_client() -> Self {
        Self::new("invalid_client_id", "client identifier invalid")
    }

    fn unsupported_token_type() -> Self {
        Self::new("unsupported_token_type", "this token type is not supported")
    }

    /// Returns how the login history tells it.
    fn text(&self) -> String {
        format!("{}: {}", self.error, self.description)
    }

    fn response(&self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        reply::json(self.status, &body)
    }
}

fn not_cached(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache,must-revalidate,max-age=0,no-store,private"),
    );
    response
}
