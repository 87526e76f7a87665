//! The Tooling API, as far as custom fields go. Source: salesforce-contract.md §6.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::session::Caller;
use super::{ApiRequest, query, reply};
use crate::org::{Org, OrgState};
use crate::refusal::CallError;
use crate::tooling;

/// A path under `…/tooling`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ToolingResource {
    Query,
    CustomFields,
    CustomField { id: String },
}

impl ToolingResource {
    /// Reads the path after `tooling`.
    pub(super) fn parse(rest: &[&str]) -> Option<Self> {
        let is_custom_field = |object: &str| object.eq_ignore_ascii_case("CustomField");
        match rest {
            ["query"] => Some(Self::Query),
            ["sobjects", object] if is_custom_field(object) => Some(Self::CustomFields),
            ["sobjects", object, id] if is_custom_field(object) => {
                Some(Self::CustomField { id: (*id).to_owned() })
            }
            _ => None,
        }
    }

    pub(super) fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Query => &["GET", "HEAD"],
            Self::CustomFields => &["POST"],
            Self::CustomField { .. } => &["DELETE", "GET", "HEAD"],
        }
    }
}

/// Answers one call; its method is one of [`ToolingResource::methods`].
///
/// # Errors
/// 403 without Customize Application.
pub(super) fn answer(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    resource: &ToolingResource,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response, CallError> {
    if !caller.user.permissions.customize_application {
        return Err(CallError::insufficient_access());
    }
    let viewer = caller.viewer(now);
    match (resource, &request.parts.method) {
        (ToolingResource::Query, _) => query::tooling(org, state, request, caller, now),
        (ToolingResource::CustomFields, _) => {
            let body = reply::object(request)?;
            let id = tooling::create(&org.options.tooling, state, &body, viewer)?;
            let made =
                json!({"id": id.to_string(), "success": true, "errors": [], "warnings": [], "infos": []});
            Ok(reply::json(StatusCode::CREATED, &made))
        }
        (ToolingResource::CustomField { id }, &Method::DELETE) => {
            tooling::delete(state, id, now)?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (ToolingResource::CustomField { id }, _) => {
            Ok(reply::ok(&tooling::shown(state, id, &request.route.version)?))
        }
    }
}
