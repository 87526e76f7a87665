//! The identity URL, which token answers carry as `id`. Source of its form: salesforce-contract.md §1.1; its answer
//! and its refusals, which are plain text, are commonly held knowledge.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::{session, with_body};
use super::{ApiRequest, identity_url, reply};
use crate::ids::RecordId;
use crate::org::{Org, OrgState};

/// Tells who the user of the path is, to that user; it does not count against the quota.
pub(in super::super) fn identity(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    (org_id, user_id): (&str, &str),
    now: DateTime<Utc>,
) -> Response {
    let Ok(caller) = session::caller(org, state, request, now) else {
        return refused();
    };
    // Ids may be given without their check characters.
    if RecordId::parse(org_id) != Some(org.id) {
        return text(StatusCode::FORBIDDEN, "Wrong_Org");
    }
    if RecordId::parse(user_id) != Some(caller.user_id) {
        return text(StatusCode::NOT_FOUND, "Bad_Id");
    }
    let username = &caller.user.username;
    let name = username.split('@').next().unwrap_or_default();
    let data = format!("{}/services/data/v{{version}}", request.instance_url);
    reply::ok(&json!({
        "id": identity_url(org, username),
        "asserted_user": true,
        "user_id": caller.user_id.to_string(),
        "organization_id": org.id.to_string(),
        "username": username,
        "nick_name": name,
        "display_name": name,
        "email": username,
        "active": caller.user.active,
        "user_type": "STANDARD",
        "urls": {
            "rest": format!("{data}/"),
            "sobjects": format!("{data}/sobjects/"),
            "query": format!("{data}/query/"),
            "custom_domain": request.instance_url,
        },
    }))
}

/// Answers a request whose token no org knows.
pub(super) fn refused() -> Response {
    text(StatusCode::FORBIDDEN, "Bad_OAuth_Token")
}

fn text(status: StatusCode, body: &'static str) -> Response {
    with_body(status, "text/html;charset=UTF-8", body)
}
