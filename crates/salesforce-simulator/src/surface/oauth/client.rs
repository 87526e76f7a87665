//! Which app asks. Source: salesforce-contract.md §1.2.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::{OauthError, Parameters};
use crate::org::{App, OrgState, WrongSecret};

/// Finds an app by its consumer key; one that is too new is not known yet.
pub(super) fn named(state: &OrgState, client_id: &str, now: DateTime<Utc>) -> Result<Arc<App>, OauthError> {
    state
        .directory
        .known_app(client_id, now)
        .ok_or_else(OauthError::unknown_client)
}

/// Finds the app of a request and checks its secret.
pub(super) fn authenticated(
    state: &OrgState,
    parameters: &Parameters,
    now: DateTime<Utc>,
) -> Result<Arc<App>, OauthError> {
    authenticated_if(state, parameters, |_| true, now)
}

/// Finds the app of a request and checks its secret; one that `demands` none may leave it out.
pub(super) fn authenticated_if(
    state: &OrgState,
    parameters: &Parameters,
    demands: impl FnOnce(&App) -> bool,
    now: DateTime<Utc>,
) -> Result<Arc<App>, OauthError> {
    let client_id = parameters.required("client_id")?;
    let app = named(state, client_id, now)?;
    match parameters.get("client_secret") {
        Some(secret) if secret == app.client_secret => Ok(app),
        Some(_) => Err(wrong_secret(state)),
        None if demands(&app) => Err(OauthError::missing("client_secret")),
        None => Ok(app),
    }
}

fn wrong_secret(state: &OrgState) -> OauthError {
    let error = |code| OauthError::new(code, "invalid client credentials");
    match state.switches().login.wrong_secret {
        WrongSecret::InvalidClient => error("invalid_client"),
        WrongSecret::InvalidClientCredentials => error("invalid_client_credentials"),
        WrongSecret::Unauthorized => OauthError {
            status: StatusCode::UNAUTHORIZED,
            ..error("invalid_client")
        },
    }
}
