//! Every REST answer that needs a session: who asks, may they still, and what it cost.

use std::sync::Arc;

use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::collections::{self, BegunWrite};
use super::flavour::refused;
use super::route::Resource;
use super::{ApiRequest, bulk, describe, limits, many, oauth, query, read, setup, tooling};
use crate::bulk::catch_up;
use crate::ids::RecordId;
use crate::org::{App, Directory, FaultAction, Org, OrgState, Session, SessionError, Switches, User};
use crate::refusal::CallError;
use crate::schema::ObjectName;
use crate::setup::Viewer;
use crate::write::Author;

/// Source: salesforce-contract.md §4.1.
const LIMIT_INFO: HeaderName = HeaderName::from_static("sforce-limit-info");

/// Who asks: the user of a session, and the app that opened it.
#[derive(Debug)]
pub(super) struct Caller {
    pub user: Arc<User>,
    pub user_id: RecordId,
    pub app: Option<Arc<App>>,
}

/// Answers one request to `/services/data/vNN.0/…`.
pub(super) fn data(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    write: Option<BegunWrite>,
    fault: Option<&FaultAction>,
    now: DateTime<Utc>,
) -> Response {
    let caller = api_caller(org, state, request, now);
    let app = caller.as_ref().ok().and_then(|caller| caller.app.clone());
    let answer = caller.and_then(|caller| {
        charge(state, request, &caller, now)?;
        catch_up(org, state, now);
        let viewer = caller.viewer(now);
        match (&request.route.resource, write) {
            (_, Some(write)) => collections::apply(state, write, fault, &caller.author(now), viewer),
            (Resource::Limits, None) => limits::limits(org, state, request, &caller, now),
            (Resource::Query { all, locator }, None) => {
                query::answer(org, state, request, &caller, *all, locator.as_deref(), now)
            }
            (Resource::Resources, None) => {
                let identity_url = oauth::identity_url(org, &caller.user.username);
                Ok(read::resources(request, identity_url))
            }
            (Resource::GlobalDescribe, None) => Ok(describe::global(state, request, &caller, viewer)),
            (Resource::Records { object }, None) => {
                caller.readable(object)?;
                describe::object(state, request, object, viewer)
            }
            (Resource::RecordByKey { object, key, value }, None) => {
                caller.readable(object)?;
                many::by_key(state, request, object, (key, value), viewer)
            }
            (Resource::CollectionsRead { object }, None) => {
                caller.readable(object)?;
                many::records(state, request, object, viewer)
            }
            (Resource::Setup(resource), None) => setup::answer(org, state, request, resource, &caller, now),
            (Resource::Tooling(resource), None) => {
                tooling::answer(org, state, request, resource, &caller, now)
            }
            (Resource::Describe { object }, None) => {
                // What a user may not read does not exist for them.
                caller
                    .readable(object)
                    .map_err(|_| CallError::no_such_resource())?;
                describe::describe(org, state, request, object, viewer)
            }
            (Resource::Record { object, id }, None) => {
                caller.readable(object)?;
                read::record(state, request, object, id, viewer)
            }
            (Resource::Bulk(resource), None) => bulk::answer(org, state, request, resource, &caller, now),
            (Resource::RetiredVersion, None) => Err(CallError::new(
                StatusCode::GONE,
                "GONE",
                "The requested API version is retired",
            )),
            (_, None) => Err(CallError::no_such_resource()),
        }
    });
    let mut response = answer.unwrap_or_else(|error| refused(state.switches(), &error));
    add_usage(org, state, app.as_deref(), &mut response, now);
    response
}

/// Adds the header that every REST answer has to one that was given without asking whose session it is.
/// Source: salesforce-contract.md §4.1.
pub(super) fn tell_usage(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    response: &mut Response,
    now: DateTime<Utc>,
) {
    let app = token_of(state.switches(), request)
        .ok()
        .and_then(|token| state.directory.app(&state.sessions.peek(token, now)?.client_id));
    add_usage(org, state, app.as_deref(), response, now);
}

fn add_usage(
    org: &Org,
    state: &mut OrgState,
    app: Option<&App>,
    response: &mut Response,
    now: DateTime<Utc>,
) {
    if let Some(usage) = limits::usage_header(org, state, app, now) {
        response.headers_mut().insert(LIMIT_INFO, usage);
    }
}

/// Fails with what a request will be refused with, as far as its session and the quota tell now. Counts nothing and
/// prolongs nothing.
pub(super) fn foresee(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<(), CallError> {
    let token = token_of(state.switches(), request)?;
    let session = state
        .sessions
        .peek(token, now)
        .ok_or_else(CallError::session_expired)?;
    let (caller, is_for_api) = caller_of(org, &state.directory, session)?;
    check_api(&caller, is_for_api)?;
    check_quota(state, now)
}

/// Returns whose session the request carries, and prolongs the session.
/// Source: salesforce-contract.md §1.4 and §3.2.
pub(super) fn caller(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<Caller, CallError> {
    session_of(org, state, request, now).map(|(caller, _)| caller)
}

/// Returns who asks, if they may: the session, the quota and the method allow it.
pub(super) fn admit(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<Caller, CallError> {
    let caller = api_caller(org, state, request, now)?;
    charge(state, request, &caller, now)?;
    Ok(caller)
}

impl Caller {
    /// Returns who looks, as of `now`.
    pub(super) fn viewer(&self, now: DateTime<Utc>) -> Viewer {
        Viewer {
            user_id: self.user_id,
            now,
        }
    }

    /// Returns who writes, as of `now`.
    pub(super) fn author(&self, now: DateTime<Utc>) -> Author<'_> {
        Author::new(self.user_id, &self.user.permissions, now)
    }

    /// Fails unless the user may read the records of `object`; an unknown object is no question of rights.
    fn readable(&self, object: &str) -> Result<(), CallError> {
        match ObjectName::parse(object) {
            Some(object) if !self.user.permissions.access_to(object).read => {
                Err(CallError::insufficient_access())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Returns who asks, if they may use the REST API. Source: salesforce-contract.md §3.2.
fn api_caller(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<Caller, CallError> {
    let (caller, is_for_api) = session_of(org, state, request, now)?;
    check_api(&caller, is_for_api)?;
    Ok(caller)
}

fn check_api(caller: &Caller, is_for_api: bool) -> Result<(), CallError> {
    if !is_for_api {
        return Err(CallError::session_not_for_api());
    }
    if !caller.user.api_enabled {
        return Err(CallError::new(
            StatusCode::FORBIDDEN,
            "API_DISABLED_FOR_ORG",
            "API is not enabled for this Organization or Partner",
        ));
    }
    Ok(())
}

/// Returns who asks, and whether the session is good for the REST API; prolongs the session.
fn session_of(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Result<(Caller, bool), CallError> {
    let session_use = state.switches().login.session_use;
    let token = token_of(state.switches(), request)?;
    let session = state
        .sessions
        .touch(token, session_use, now)
        .ok_or_else(CallError::session_expired)?;
    caller_of(org, &state.directory, session)
}

/// Returns the access token that the request carries; where the switch says that no session is good, none.
fn token_of<'request>(
    switches: &Switches,
    request: &'request ApiRequest,
) -> Result<&'request str, CallError> {
    match switches.session_error {
        SessionError::Expired => {}
        SessionError::NotValidForRestApi => return Err(CallError::session_not_for_api()),
    }
    let authorization = request
        .header(header::AUTHORIZATION)
        .ok_or_else(CallError::session_expired)?;
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            CallError::new(
                StatusCode::UNAUTHORIZED,
                "INVALID_AUTH_HEADER",
                "INVALID_HEADER_TYPE",
            )
        })
}

/// Returns whose session it is, and whether it is good for the REST API.
fn caller_of(org: &Org, directory: &Directory, session: &Session) -> Result<(Caller, bool), CallError> {
    let user = directory
        .user(&session.username)
        // A user who is deactivated loses their sessions.
        .filter(|user| user.active)
        .ok_or_else(CallError::session_expired)?;
    let caller = Caller {
        user_id: org.user_id(&user.username),
        user,
        app: directory.app(&session.client_id),
    };
    Ok((caller, session.is_for_api()))
}

/// Counts a request of a known caller, if the quota and the method allow it.
fn charge(
    state: &mut OrgState,
    request: &ApiRequest,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<(), CallError> {
    count_request(state, caller, now)?;
    request.route.resource.check_method(&request.parts.method)
}

/// Counts the request against the daily quota; one over it is refused and costs nothing.
fn count_request(state: &mut OrgState, caller: &Caller, now: DateTime<Utc>) -> Result<(), CallError> {
    check_quota(state, now)?;
    let client_id = caller.app.as_ref().map_or("", |app| app.client_id.as_str());
    state.usage.count(client_id, now);
    state.counters.api_requests += 1;
    Ok(())
}

fn check_quota(state: &mut OrgState, now: DateTime<Utc>) -> Result<(), CallError> {
    if state.usage.is_exhausted(now) {
        return Err(CallError::daily_quota());
    }
    Ok(())
}
