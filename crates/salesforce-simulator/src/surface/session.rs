//! Every REST answer that needs a session: who asks, may they still, and what it cost.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::collections::{self, BegunWrite};
use super::route::Resource;
use super::{ApiRequest, bulk, query, read, reply};
use crate::bulk::catch_up;
use crate::ids::RecordId;
use crate::org::{FaultAction, Org, OrgState, UsageHeader};
use crate::refusal::CallError;
use crate::setup::Viewer;
use crate::write::Author;

/// Source: salesforce-contract.md §4.1.
const LIMIT_INFO: HeaderName = HeaderName::from_static("sforce-limit-info");

/// Most that the reported usage lags behind. Source: salesforce-contract.md §10.
const MAX_JITTER: u64 = 5;

/// Answers one request to `/services/data/vNN.0/…`.
pub(super) fn data(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    write: Option<BegunWrite>,
    fault: Option<&FaultAction>,
    now: DateTime<Utc>,
) -> Response {
    let answer = authenticate(org, state, request, now).and_then(|user_id| {
        count_request(org, state, now)?;
        catch_up(&org.options.bulk, state, now);
        request.route.resource.check_method(&request.parts.method)?;
        match (&request.route.resource, write) {
            (_, Some(write)) => collections::apply(state, write, fault, Author { user_id, now }),
            (Resource::Limits, None) => Ok(read::limits(org, state, now)),
            (Resource::Query, None) => query::answer(org, state, request),
            (Resource::Describe { object }, None) => read::describe(state, request, object),
            (Resource::Record { object, id }, None) => read::record(state, request, object, id),
            (Resource::Bulk(resource), None) => {
                bulk::answer(org, state, request, resource, Viewer { user_id, now })
            }
            (Resource::RetiredVersion, None) => Err(CallError::new(
                StatusCode::GONE,
                "GONE",
                "The requested API version is retired",
            )),
            (_, None) => Err(CallError::no_such_resource()),
        }
    });
    let mut response = answer.unwrap_or_else(|error| reply::call_error(&error));
    if let Some(usage) = usage_header(org, state, now) {
        response.headers_mut().insert(LIMIT_INFO, usage);
    }
    response
}

/// Returns whose session the request carries, and prolongs it. Source: salesforce-contract.md §1.4 and §3.2.
pub(super) fn authenticate(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<RecordId, CallError> {
    session_of(state, request, now).map(|username| org.user_id(&username))
}

/// Returns the username of the session the request carries, and prolongs the session.
pub(super) fn session_of(
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<String, CallError> {
    let Some(authorization) = request.header(header::AUTHORIZATION) else {
        return Err(CallError::session_expired());
    };
    let token = authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            CallError::new(
                StatusCode::UNAUTHORIZED,
                "INVALID_AUTH_HEADER",
                "INVALID_HEADER_TYPE",
            )
        })?;
    state
        .sessions
        .touch(token, now)
        .map(str::to_owned)
        .ok_or_else(CallError::session_expired)
}

/// Counts the request against the daily quota; one over it is refused and costs nothing.
fn count_request(org: &Org, state: &mut OrgState, now: DateTime<Utc>) -> Result<(), CallError> {
    if state.usage.used(now) >= org.options.daily_request_limit {
        return Err(CallError::daily_quota());
    }
    state.usage.count(now);
    state.counters.api_requests += 1;
    Ok(())
}

fn usage_header(org: &Org, state: &mut OrgState, now: DateTime<Utc>) -> Option<HeaderValue> {
    let used = state.usage.used(now);
    let reported = match org.options.usage_header {
        UsageHeader::Exact => used,
        UsageHeader::Jitter => used.saturating_sub(state.random.up_to(MAX_JITTER)),
        UsageHeader::Absent => return None,
    };
    let text = format!("api-usage={reported}/{}", org.options.daily_request_limit);
    HeaderValue::from_str(&text).ok()
}
