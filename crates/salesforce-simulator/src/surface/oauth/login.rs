//! Whether a user whose credentials are right may log in. Source: salesforce-contract.md §1.2.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::{ApiRequest, OauthError};
use crate::org::{App, InactiveUser, LoginRate, Org, OrgState, User};

/// The header in which an intermediary tells for whom it asks, the first one first.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Checks a login and counts it.
pub(super) fn admit(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    app: &App,
    user: &User,
    now: DateTime<Utc>,
) -> Result<(), OauthError> {
    check(org, state, request, app, user)?;
    if state
        .logins
        .count(&user.username, org.options.logins_per_hour, now)
    {
        return Ok(());
    }
    let error = match state.switches().login.login_rate {
        LoginRate::RateLimitExceeded => "rate_limit_exceeded",
        LoginRate::LoginRateExceeded => "LOGIN_RATE_EXCEEDED",
    };
    Err(OauthError::new(error, "login rate exceeded"))
}

/// Checks what does not depend on how often a user logs in.
pub(super) fn check(
    org: &Org,
    state: &OrgState,
    request: &ApiRequest,
    app: &App,
    user: &User,
) -> Result<(), OauthError> {
    if !org.options.active {
        let description = "the org is locked, closed, or suspended";
        return Err(OauthError::new("inactive_org", description));
    }
    if !user.active {
        return Err(match state.switches().login.inactive_user {
            InactiveUser::Description => OauthError::invalid_grant("inactive user"),
            InactiveUser::ErrorCode => OauthError::new("inactive_user", "inactive user"),
        });
    }
    if user.locked {
        return Err(OauthError::invalid_grant("user is locked"));
    }
    if !org.options.login_ip_ranges.is_empty() && !is_trusted(org, request) {
        return Err(OauthError::invalid_grant("ip restricted"));
    }
    if !app.is_open_to(&user.username) {
        return Err(OauthError::new(
            "invalid_app_access",
            "user is not admin approved to access this app",
        ));
    }
    Ok(())
}

/// Returns whether a request comes from one of the org's ranges, where no security token is needed.
/// Source: salesforce-contract.md §1.1.
pub(super) fn is_trusted(org: &Org, request: &ApiRequest) -> bool {
    let address = address(org, request);
    org.options
        .login_ip_ranges
        .iter()
        .any(|range| range.contains(address))
}

fn address(org: &Org, request: &ApiRequest) -> IpAddr {
    let forwarded = request
        .parts
        .headers
        .get(FORWARDED_FOR)
        .filter(|_| org.options.trust_forwarded_for)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(',').next())
        .and_then(|address| address.trim().parse().ok());
    forwarded.unwrap_or(request.peer)
}
