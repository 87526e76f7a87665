//! `/services/oauth2/userinfo`.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::session;
use super::{ApiRequest, identity_url, reply};
use crate::org::{Org, OrgState};

/// Tells whose session a request carries; it does not count against the quota.
pub(in super::super) fn user_info(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Response {
    match session::caller(org, state, request, now) {
        Ok(caller) => {
            let username = &caller.user.username;
            reply::ok(&json!({
                "sub": identity_url(org, username),
                "user_id": caller.user_id.to_string(),
                "organization_id": org.id.to_string(),
                "preferred_username": username,
                "name": username.split('@').next().unwrap_or_default(),
            }))
        }
        Err(error) => reply::call_error(&error),
    }
}
