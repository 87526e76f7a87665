//! `/services/oauth2/introspect`. Source: salesforce-contract.md §1.5.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{ApiRequest, OauthError, Parameters, client, identity_url, not_cached, reply};
use crate::org::{App, Grant, Org, OrgState};

/// Tells about a token of the app that asks. Whatever else it is, is not active.
pub(in super::super) fn introspect(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Response {
    if let Err(error) = request.route.resource.check_method(&request.parts.method) {
        return reply::call_error(&error);
    }
    let parameters = Parameters::read(&request.parts, &request.body);
    let told = client::authenticated(state, &parameters, now).and_then(|app| {
        let token = parameters.required("token")?;
        match parameters.get("token_type_hint") {
            None | Some("access_token" | "refresh_token") => {}
            Some(_) => return Err(OauthError::unsupported_token_type()),
        }
        // No token is of both types, so the hint saves nothing.
        let told = access_token(org, state, &app, token, now)
            .or_else(|| refresh_token(org, state, &app, token, now));
        Ok(told.unwrap_or_else(|| json!({"active": false})))
    });
    not_cached(match told {
        Ok(told) => reply::ok(&told),
        Err(error) => error.response(),
    })
}

fn access_token(org: &Org, state: &OrgState, app: &App, token: &str, now: DateTime<Utc>) -> Option<Value> {
    let session = state
        .sessions
        .peek(token, now)
        // Tokens of the password grant cannot be introspected (salesforce-contract.md §0.1).
        .filter(|session| session.client_id == app.client_id && session.grant != Grant::Password)?;
    Some(json!({
        "active": true,
        "scope": session.scope,
        "client_id": session.client_id,
        "username": session.username,
        "sub": identity_url(org, &session.username),
        "token_type": "access_token",
        "exp": session.ends_at().timestamp(),
        "iat": session.issued_at.timestamp(),
        "nbf": session.issued_at.timestamp(),
    }))
}

fn refresh_token(org: &Org, state: &OrgState, app: &App, token: &str, now: DateTime<Utc>) -> Option<Value> {
    let approval = state
        .approvals
        .of_refresh_token(token, now)
        .filter(|approval| approval.client_id == app.client_id)?;
    let mut told = json!({
        "active": true,
        "scope": approval.scope,
        "client_id": approval.client_id,
        "username": approval.username,
        "sub": identity_url(org, &approval.username),
        "token_type": "refresh_token",
        "iat": approval.approved_at.timestamp(),
        "nbf": approval.approved_at.timestamp(),
    });
    if let Some(end) = approval.ends_at() {
        told["exp"] = end.timestamp().into();
    }
    Some(told)
}
