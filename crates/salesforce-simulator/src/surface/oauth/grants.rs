//! The grants of the token endpoint. Source: salesforce-contract.md §1.1 and §1.2.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use super::{ApiRequest, Attempt, OauthError, Parameters, assertion, client, login};
use crate::org::{App, AppKind, ApprovalId, Grant, Org, OrgState, PasswordFlow, User, WrongPassword};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A login that may open a session.
#[derive(Debug)]
pub(super) struct Granted {
    pub app: Arc<App>,
    pub user: Arc<User>,
    pub grant: Grant,
    pub scope: String,
    pub approval: Option<ApprovalId>,
    /// Told in the answer.
    pub refresh_token: Option<String>,
}

/// Does what the grant of a token request asks for, up to the session.
pub(super) fn grant(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    attempt: &mut Attempt,
    now: DateTime<Utc>,
) -> Result<Granted, OauthError> {
    let grant_type = match parameters.get("grant_type") {
        Some(grant_type) => grant_type,
        // What a POST becomes when a redirect downgrades it (salesforce-contract.md §1.2).
        None if request.parts.method != Method::POST => return Err(OauthError::unsupported_grant()),
        None => return Err(OauthError::missing("grant_type")),
    };
    match grant_type {
        "password" => password(org, state, request, parameters, now),
        "client_credentials" if request.at_login => {
            Err(OauthError::invalid_grant("request not supported on this domain"))
        }
        "client_credentials" => client_credentials(org, state, request, parameters, attempt, now),
        JWT_BEARER => jwt_bearer(org, state, request, parameters, attempt, now),
        "authorization_code" => authorization_code(org, state, request, parameters, attempt, now),
        "refresh_token" => refresh_token(org, state, request, parameters, attempt, now),
        _ => Err(OauthError::unsupported_grant()),
    }
}

fn password(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    now: DateTime<Utc>,
) -> Result<Granted, OauthError> {
    let app = client::authenticated(state, parameters, now)?;
    let username = parameters.required("username")?;
    let password = parameters.required("password")?;
    let refused = || {
        OauthError::invalid_grant(match state.switches().login.wrong_password {
            WrongPassword::AuthenticationFailure => "authentication failure",
            WrongPassword::InvalidPassword => "authentication failure - Invalid Password",
        })
    };
    // A blocked flow must not be told from a wrong password (salesforce-contract.md §0.1).
    if org.options.password_flow == PasswordFlow::Blocked || app.kind == AppKind::ExternalClientApp {
        return Err(refused());
    }
    let user = state.directory.user(username).ok_or_else(refused)?;
    // The security token follows the password without a separator (salesforce-contract.md §1.1).
    let is_right = format!("{}{}", user.password, user.security_token) == password
        || (user.password == password && login::is_trusted(org, request));
    if !is_right {
        return Err(refused());
    }
    login::admit(org, state, request, &app, &user, now)?;
    Ok(Granted::new(app, user, Grant::Password))
}

fn client_credentials(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    attempt: &mut Attempt,
    now: DateTime<Utc>,
) -> Result<Granted, OauthError> {
    let app = client::authenticated(state, parameters, now)?;
    let user = app
        .run_as
        .as_deref()
        .and_then(|username| state.directory.user(username))
        .ok_or_else(|| OauthError::invalid_grant("no client credentials user enabled"))?;
    attempt.username = Some(user.username.clone());
    login::admit(org, state, request, &app, &user, now)?;
    Ok(Granted::new(app, user, Grant::ClientCredentials))
}

fn jwt_bearer(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    attempt: &mut Attempt,
    now: DateTime<Utc>,
) -> Result<Granted, OauthError> {
    let text = parameters.required("assertion")?;
    if let Some(claims) = assertion::unchecked_claims(text) {
        attempt.client_id = Some(claims.iss);
        attempt.username = Some(claims.sub);
    }
    let (app, user) = assertion::check(org, state, request, text, now)?;
    login::admit(org, state, request, &app, &user, now)?;
    Ok(Granted::new(app, user, Grant::JwtBearer))
}

/// Redeems a code of `authorize`. A code is used up even by a request that is then refused.
fn authorization_code(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    attempt: &mut Attempt,
    now: DateTime<Utc>,
) -> Result<Granted, OauthError> {
    let code = parameters.required("code")?;
    let redirect_uri = parameters.required("redirect_uri")?;
    let demands = |app: &App| app.require_secret_for_code;
    let app = client::authenticated_if(state, parameters, demands, now)?;
    let authorization = state
        .approvals
        .redeem_code(code, now)
        .filter(|authorization| authorization.client_id == app.client_id)
        .ok_or_else(|| OauthError::invalid_grant("expired authorization code"))?;
    attempt.username = Some(authorization.username.clone());
    if authorization.redirect_uri != redirect_uri {
        return Err(OauthError::invalid_grant(
            "redirect uri does not match configuration",
        ));
    }
    if let Some(challenge) = &authorization.code_challenge {
        let verifier = parameters.required("code_verifier")?;
        let hashed = digest::digest(&digest::SHA256, verifier.as_bytes());
        if URL_SAFE_NO_PAD.encode(hashed) != challenge.trim_end_matches('=') {
            return Err(OauthError::invalid_grant("invalid code verifier"));
        }
    }
    let user = state
        .directory
        .user(&authorization.username)
        .ok_or_else(|| OauthError::invalid_grant("expired authorization code"))?;
    login::admit(org, state, request, &app, &user, now)?;
    let asks_for_refresh = authorization
        .scope
        .split(' ')
        .any(|scope| matches!(scope, "refresh_token" | "offline_access"));
    let (refresh_token, approval) = asks_for_refresh
        .then(|| state.approve(&app, &authorization, now))
        .unzip();
    Ok(Granted {
        scope: authorization.scope,
        approval,
        refresh_token,
        ..Granted::new(app, user, Grant::AuthorizationCode)
    })
}

fn refresh_token(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    attempt: &mut Attempt,
    now: DateTime<Utc>,
) -> Result<Granted, OauthError> {
    let refresh_token = parameters.required("refresh_token")?;
    let demands = |app: &App| app.require_secret_for_refresh;
    let app = client::authenticated_if(state, parameters, demands, now)?;
    let expired = || OauthError::invalid_grant("expired access/refresh token");
    let approval = state
        .approvals
        .of_refresh_token(refresh_token, now)
        .filter(|approval| approval.client_id == app.client_id)
        .cloned()
        .ok_or_else(expired)?;
    attempt.username = Some(approval.username.clone());
    let user = state.directory.user(&approval.username).ok_or_else(expired)?;
    login::admit(org, state, request, &app, &user, now)?;
    let rotated = app.rotate_refresh_tokens.then(|| state.new_refresh_token());
    state.approvals.refresh(refresh_token, rotated.clone(), now);
    Ok(Granted {
        scope: approval.scope,
        approval: Some(approval.id),
        refresh_token: rotated,
        ..Granted::new(app, user, Grant::RefreshToken)
    })
}

impl Granted {
    fn new(app: Arc<App>, user: Arc<User>, grant: Grant) -> Self {
        Self {
            scope: app.scope(),
            app,
            user,
            grant,
            approval: None,
            refresh_token: None,
        }
    }
}
