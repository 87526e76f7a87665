//! `/services/oauth2/authorize`: the user's consent, given or refused without a page to click on.
//! Source: salesforce-contract.md §1.2, RFC 6749 section 4.1 and RFC 7636.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use url::Url;

use super::super::with_body;
use super::{ApiRequest, OauthError, Parameters, client, login, reply};
use crate::org::{App, Authorization, Consent, Org, OrgState};

const HTML: &str = "text/html;charset=UTF-8";

/// Characters of an authorization code between its prefix and its padding.
const CODE_LENGTH: usize = 60;

/// Answers with a redirect that carries a code or an error; with a page where the redirect itself is wrong.
pub(in super::super) fn authorize(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    now: DateTime<Utc>,
) -> Response {
    if let Err(error) = request.route.resource.check_method(&request.parts.method) {
        return reply::call_error(&error);
    }
    let parameters = Parameters::read(&request.parts, &request.body);
    let app = parameters
        .required("client_id")
        .and_then(|client_id| client::named(state, client_id, now));
    let app = match app {
        Ok(app) => app,
        Err(error) => return page(&error),
    };
    let redirect_uri = parameters
        .get("redirect_uri")
        .filter(|uri| app.redirect_uris.iter().any(|known| known == uri))
        .and_then(|uri| Url::parse(uri).ok());
    let Some(mut target) = redirect_uri else {
        return page(&OauthError::new(
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
        ));
    };
    let answer = match code(org, state, request, &parameters, &app, now) {
        Ok(code) => vec![("code", code)],
        Err(error) => vec![
            ("error", error.error.to_owned()),
            ("error_description", error.description),
        ],
    };
    target.query_pairs_mut().extend_pairs(answer);
    if let Some(sent) = parameters.get("state") {
        target.query_pairs_mut().append_pair("state", sent);
    }
    let mut response = reply::empty(StatusCode::FOUND);
    if let Ok(location) = HeaderValue::from_str(target.as_str()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Answers a request whose app no org has.
pub(super) fn unknown_client() -> Response {
    page(&OauthError::unknown_client())
}

/// Logs in the user of `login_hint`, else the first active one, and makes out a code.
fn code(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    parameters: &Parameters,
    app: &App,
    now: DateTime<Utc>,
) -> Result<String, OauthError> {
    if parameters.required("response_type")? != "code" {
        return Err(OauthError::new(
            "unsupported_response_type",
            "response type not supported",
        ));
    }
    let code_challenge = parameters.get("code_challenge").map(str::to_owned);
    if app.require_pkce && code_challenge.is_none() {
        return Err(OauthError::new(
            "invalid_request",
            "missing required code challenge",
        ));
    }
    if parameters
        .get("code_challenge_method")
        .is_some_and(|method| method != "S256")
    {
        return Err(OauthError::new(
            "invalid_request",
            "invalid code challenge method",
        ));
    }
    let scope = match parameters.get("scope") {
        Some(asked)
            if asked
                .split(' ')
                .all(|scope| app.scopes.iter().any(|own| own == scope)) =>
        {
            asked.to_owned()
        }
        Some(_) => {
            return Err(OauthError::new(
                "invalid_scope",
                "the requested scope is not allowed",
            ));
        }
        None => app.scope(),
    };
    if state.switches().login.authorize == Consent::Deny {
        return Err(OauthError::new("access_denied", "end-user denied authorization"));
    }
    let user = match parameters.get("login_hint") {
        Some(username) => state.directory.user(username),
        None => state.directory.first_active_user(),
    };
    let user = user.ok_or_else(|| OauthError::invalid_grant("authentication failure"))?;
    login::check(org, state, request, app, &user)?;
    // Real codes end in padding, which a client must encode when it redeems them.
    let code = format!("aPrx{}==", state.random.token(CODE_LENGTH));
    state.approvals.add_code(
        code.clone(),
        Authorization {
            username: user.username.clone(),
            client_id: app.client_id.clone(),
            redirect_uri: parameters.required("redirect_uri")?.to_owned(),
            scope,
            code_challenge,
            issued_at: now,
        },
    );
    Ok(code)
}

/// Returns the page for errors that must not be sent to an unchecked redirect.
fn page(error: &OauthError) -> Response {
    let text = format!(
        "<!DOCTYPE html>\n<html><head><title>Error</title></head><body>error={}&amp;error_description={}</body></html>\n",
        error.error, error.description
    );
    with_body(StatusCode::BAD_REQUEST, HTML, text)
}
