//! `/services/oauth2/revoke`. Source: salesforce-contract.md §1.6.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::super::with_body;
use super::{ApiRequest, OauthError, Parameters, reply};
use crate::org::{OrgState, RevokeError};

/// Ends a session, or an approval with all its sessions.
pub(in super::super) fn revoke(state: &mut OrgState, request: &ApiRequest, now: DateTime<Utc>) -> Response {
    if let Err(error) = request.route.resource.check_method(&request.parts.method) {
        return reply::call_error(&error);
    }
    let parameters = Parameters::read(&request.parts, &request.body);
    let Some(token) = parameters.get("token") else {
        return answer(&OauthError::missing("token"), state.switches().login.revoke_error);
    };
    if state.sessions.peek(token, now).is_some() {
        state.sessions.end(token);
        return reply::empty(StatusCode::OK);
    }
    let approval = state.approvals.of_refresh_token(token, now);
    if let Some(id) = approval.map(|approval| approval.id) {
        state.approvals.revoke(token);
        state.sessions.end_of_approval(id);
        return reply::empty(StatusCode::OK);
    }
    refused(state.switches().login.revoke_error)
}

/// Answers for a token that is not known, or not any more.
pub(super) fn refused(form: RevokeError) -> Response {
    answer(&OauthError::unsupported_token_type(), form)
}

fn answer(error: &OauthError, form: RevokeError) -> Response {
    match form {
        RevokeError::Json => error.response(),
        RevokeError::Form => {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("error", error.error)
                .append_pair("error_description", &error.description)
                .finish();
            with_body(
                error.status,
                "application/x-www-form-urlencoded;charset=UTF-8",
                body,
            )
        }
    }
}
