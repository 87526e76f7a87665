//! CheckConnection: whether a login works, and what is wrong when it does not.

use std::sync::Arc;

use chrono::DateTime;
use contracts::{
    auth::v1::{ClientCredentialsGrant, PasswordGrant, put_credentials_request::Grant},
    config::v1::{
        CheckConnectionRequest, ConfirmOrgRequest, Connection, ConnectionCheck, ConnectionState, Plan,
        watch_plans_response::Event,
    },
    status::reason,
};
use salesforce::oauth::request_token;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, app, assert_names, mappings, segment, user},
    simulated::ACME,
};

on_both_databases!(
    row_47_a_login_that_works_tells_the_org_and_pins_it,
    row_47_48_an_activation_of_an_unchecked_connection_checks_it,
    row_49_61_one_connection_serves_several_destinations_and_new_credentials_serve_all,
    another_org_behind_the_same_login_is_told_and_not_pinned,
    another_org_is_pinned_when_it_is_confirmed_and_reached,
    an_org_is_not_confirmed_where_its_fields_are_taken,
);

async fn row_47_a_login_that_works_tells_the_org_and_pins_it(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let options = json!({"name": "Acme Inc", "type": "Enterprise Edition"});
    let org_id = rig.salesforce.create_org(ACME, options).await;
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    let unchecked = rig.connection(CONNECTION).await.unwrap();

    let check = rig.check(CONNECTION).await;

    assert_eq!(
        check,
        ConnectionCheck {
            state: ConnectionState::Connected.into(),
            org_id: org_id.clone(),
            org_name: "Acme Inc".to_owned(),
            org_type: "Enterprise Edition".to_owned(),
            username: "svc@acme.example".to_owned(),
            scopes: ["id", "api", "refresh_token"].map(str::to_owned).into(),
            check_time: check.check_time,
            ..Default::default()
        }
    );
    assert!(check.check_time.is_some());
    assert_eq!((unchecked.org_id.as_str(), unchecked.last_check), ("", None));
    let checked = rig.connection(CONNECTION).await.unwrap();
    assert_eq!((checked.org_id, checked.last_check), (org_id, Some(check)));
    // A check is no change by an admin.
    assert_eq!(checked.etag, unchecked.etag);
}

async fn another_org_behind_the_same_login_is_told_and_not_pinned(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let pinned = rig.check(CONNECTION).await.org_id;
    rig.salesforce
        .admin("DELETE", &format!("/orgs/{ACME}"), Value::Null)
        .await;
    let other = rig.salesforce.create_org(ACME, json!({"seed": 7})).await;
    assert_ne!(other, pinned);

    let check = rig.check(CONNECTION).await;
    let activation = rig.activate(CONTACTS).await.unwrap_err();

    assert_refused(&check, "ORG_CHANGED");
    assert_eq!(check.org_id, other);
    assert!(
        check.fix.contains(&format!("confirm-org {CONNECTION} {other}")),
        "{check:?}"
    );
    for id in [&pinned, &other] {
        assert!(check.message.contains(id), "{check:?}");
    }
    let connection = rig.connection(CONNECTION).await.unwrap();
    assert_eq!((connection.org_id, connection.last_check), (pinned, Some(check)));
    assert_eq!(activation.code(), Code::FailedPrecondition);
    assert_eq!(reason(&activation), "ORG_CHANGED");
}

#[track_caller]
fn assert_refused(check: &ConnectionCheck, reason: &str) {
    assert_eq!(check.reason, reason, "{check:?}");
    assert_eq!(check.state(), ConnectionState::Refused, "{check:?}");
    assert!(!check.message.is_empty() && !check.fix.is_empty(), "{check:?}");
    assert_eq!((check.org_name.as_str(), check.username.as_str()), ("", ""));
}

/// Moves the login host of [`CONNECTION`] to another org; returns the ids of the old and the new one.
async fn replace_org(rig: &Rig) -> (String, String) {
    let pinned = rig.check(CONNECTION).await.org_id;
    rig.salesforce
        .admin("DELETE", &format!("/orgs/{ACME}"), Value::Null)
        .await;
    let other = rig.salesforce.create_org(ACME, json!({"seed": 7})).await;
    rig.create_field(ACME, "vip__c").await;
    (pinned, other)
}

async fn another_org_is_pinned_when_it_is_confirmed_and_reached(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    let mut watcher = rig.watch(0).await;
    let (_, Event::Plan(before)) = watcher.snapshot().await.remove(0) else {
        panic!("a plan")
    };
    let (pinned, other) = replace_org(&rig).await;
    rig.check(CONNECTION).await;
    let read = rig.connection(CONNECTION).await.unwrap();

    let malformed = rig.confirm_org(CONNECTION, "00D1", "").await.unwrap_err();
    let old = rig.confirm_org(CONNECTION, &pinned, "").await.unwrap_err();
    let stale = rig.confirm_org(CONNECTION, &other, "0").await.unwrap_err();
    let unknown = rig
        .confirm_org("workspaces/acme/connections/other", &other, "")
        .await
        .unwrap_err();

    assert_names(&malformed, Code::InvalidArgument, &["org_id"]);
    let problems = assert_names(&old, Code::FailedPrecondition, &["org_id"]);
    assert_eq!(reason(&old), "ORG_NOT_REACHED");
    assert!(
        problems[0].contains(&other) && problems[0].contains(&pinned),
        "{problems:?}"
    );
    assert_eq!(reason(&stale), "STALE_ETAG");
    assert_eq!(unknown.code(), Code::NotFound);
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), read);

    let request = ConfirmOrgRequest {
        name: CONNECTION.to_owned(),
        org_id: other.clone(),
        etag: read.etag.clone(),
    };
    let answer = rig.connections_by(b"ann").confirm_org(request).await.unwrap();

    let confirmed = answer.into_inner().connection.unwrap();
    assert_eq!(
        (confirmed.org_id.as_str(), confirmed.updated_by.as_str()),
        (other.as_str(), "ann")
    );
    assert_ne!(confirmed.etag, read.etag);
    let check = confirmed.last_check.clone().unwrap();
    assert_eq!(
        (check.state(), check.org_id.as_str()),
        (ConnectionState::Connected, other.as_str())
    );
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), confirmed);
    let plan = watcher.next_plan().await;
    assert_eq!(
        plan,
        Plan {
            revision: plan.revision,
            org_id: other.clone(),
            ..before.clone()
        }
    );
    assert_eq!(
        (before.org_id.as_str(), before.revision < plan.revision),
        (pinned.as_str(), true)
    );
    // The destination itself was not changed.
    assert_eq!(rig.destination(CONTACTS).await.unwrap().etag, active.etag);
    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);
    // What is pinned already is no change.
    let again = rig.confirm_org(CONNECTION, &other, "").await.unwrap();
    assert_eq!(again.etag, confirmed.etag);
    // A login that does not work confirms nothing.
    rig.put_credentials(CONNECTION, app("mistyped")).await;
    let refused = rig.confirm_org(CONNECTION, &other, "").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "CLIENT_SECRET_REFUSED")
    );
}

async fn an_org_is_not_confirmed_where_its_fields_are_taken(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    let globex = rig
        .salesforce
        .create_org("globex.my.salesforce.com", json!({}))
        .await;
    rig.create_field("globex.my.salesforce.com", "vip__c").await;
    let there = rig.create_connection(WORKSPACE, "there", "globex").await.unwrap();
    rig.put_credentials(&there.name, app("app-secret")).await;
    rig.check(&there.name).await;
    rig.create_draft(WORKSPACE, "theirs", &there.name).await;
    let theirs = "workspaces/acme/destinations/theirs";
    rig.add_segments(theirs, &[segment("buyers", "vip")])
        .await
        .unwrap();
    let moved = Connection {
        name: CONNECTION.to_owned(),
        custom_domain: "globex".to_owned(),
        ..Default::default()
    };
    rig.update_connection(moved, &["custom_domain"]).await.unwrap();
    assert_refused(&rig.check(CONNECTION).await, "ORG_CHANGED");

    let refused = rig.confirm_org(CONNECTION, &globex, "").await.unwrap_err();

    let problems = assert_names(&refused, Code::FailedPrecondition, &["org_id"]);
    assert_eq!(reason(&refused), "FIELD_CLAIMED");
    for part in [CONTACTS, theirs, "vip__c"] {
        assert!(problems[0].contains(part), "{problems:?}");
    }
    // An edit that is not live yet frees nothing.
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    let refused = rig.confirm_org(CONNECTION, &globex, "").await.unwrap_err();
    assert_eq!(reason(&refused), "FIELD_CLAIMED");
    rig.remove_segment(theirs, "buyers").await.unwrap();
    assert_eq!(
        rig.confirm_org(CONNECTION, &globex, "").await.unwrap().org_id,
        globex
    );
}

async fn row_47_48_an_activation_of_an_unchecked_connection_checks_it(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.put_credentials(CONNECTION, app("mistyped")).await;

    let refused = rig.activate(CONTACTS).await.unwrap_err();

    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "CLIENT_SECRET_REFUSED");
    // Salesforce's own words are kept.
    assert!(
        refused.message().contains("invalid client credentials"),
        "{refused}"
    );
    assert_eq!(rig.connection(CONNECTION).await.unwrap().org_id, "");
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    rig.activate(CONTACTS).await.unwrap();
    assert!(
        rig.connection(CONNECTION)
            .await
            .unwrap()
            .org_id
            .starts_with("00D")
    );
}

async fn row_49_61_one_connection_serves_several_destinations_and_new_credentials_serve_all(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let second = "workspaces/acme/destinations/second";
    rig.create_draft(WORKSPACE, "second", CONNECTION).await;
    rig.set_field_mappings(second, &mappings()).await.unwrap();
    for name in [CONTACTS, second] {
        rig.activate(name).await.unwrap();
    }
    assert_eq!(rig.salesforce.token_requests(ACME).await, 1);

    // One change of the credentials, and the old token is used for neither.
    rig.put_credentials(CONNECTION, app("mistyped")).await;
    for name in [CONTACTS, second] {
        assert_eq!(
            reason(&rig.apply(name).await.unwrap_err()),
            "CLIENT_SECRET_REFUSED"
        );
    }
    rig.put_credentials(CONNECTION, user()).await;
    for name in [CONTACTS, second] {
        rig.apply(name).await.unwrap();
    }
}

/// Makes the next login, or the next call after it, be refused so.
async fn refuse_next(rig: &Rig, on: &str, status: u16, body: Value) {
    let fault = json!([{"on": on, "do": {"kind": "status", "status": status,
        "content_type": "application/json;charset=UTF-8", "body": body.to_string()}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), fault)
        .await;
}

#[tokio::test]
async fn row_13_14_16_17_48_199_each_login_that_does_not_work_is_told_with_its_reason() {
    const IP_TEXT: &str =
        "The client's IP address is unauthorized for this account. Allowlist the client's IP address...";
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    rig.salesforce.create_acme().await;
    let of_user = |options: Value| {
        let mut user =
            json!({"username": "svc@acme.example", "password": "pass-word", "security_token": "SecTok1"});
        for (name, value) in options.as_object().unwrap() {
            user[name] = value.clone();
        }
        json!({"users": [user]})
    };
    let of_app = |options: Value| {
        let mut app =
            json!({"client_id": "app", "client_secret": "app-secret", "run_as": "svc@acme.example"});
        for (name, value) in options.as_object().unwrap() {
            app[name] = value.clone();
        }
        json!({"apps": [app]})
    };
    for (domain, options) in [
        ("left", of_user(json!({"active": false}))),
        ("locked", of_user(json!({"locked": true}))),
        ("no-api", of_user(json!({"api_enabled": false}))),
        ("new", json!({"password_flow": "blocked"})),
        ("external", of_app(json!({"kind": "external_client_app"}))),
        ("no-run-as", of_app(json!({"run_as": null}))),
        ("unapproved", of_app(json!({"admin_approved_users": []}))),
        ("no-scope", of_app(json!({"scopes": ["id", "web"]}))),
        ("fenced", json!({"login_ip_ranges": ["192.0.2.0/24"]})),
        ("closed", json!({"active": false})),
    ] {
        rig.salesforce
            .create_org(&format!("{domain}.my.salesforce.com"), options)
            .await;
    }
    let mistyped = |change: fn(&mut PasswordGrant)| {
        let Grant::Password(mut grant) = user() else {
            panic!("a login by password")
        };
        change(&mut grant);
        Grant::Password(grant)
    };
    let hints = &[
        "security token",
        "trusted IP ranges",
        "username-password flow",
        "Summer '23",
        "External Client Apps",
        "invalid_grant (authentication failure)",
    ];
    let unknown_app = Grant::ClientCredentials(ClientCredentialsGrant {
        client_id: "another-app".to_owned(),
        client_secret: "app-secret".to_owned(),
    });
    let cases: Vec<(&str, Grant, &str, &[&str])> = vec![
        (
            "acmee",
            app("app-secret"),
            "UNKNOWN_DOMAIN",
            &["Domain not found", "acmee.my.salesforce.com", "My Domain"],
        ),
        (
            "acme",
            unknown_app,
            "UNKNOWN_CLIENT",
            &["does not know the client id", "Consumer Key", "invalid_client_id"],
        ),
        (
            "acme",
            app("mistyped"),
            "CLIENT_SECRET_REFUSED",
            &["client secret is wrong", "Consumer Secret", "invalid_client"],
        ),
        ("new", user(), "CREDENTIALS_REFUSED", hints),
        ("external", user(), "CREDENTIALS_REFUSED", hints),
        (
            "acme",
            mistyped(|grant| "wrong".clone_into(&mut grant.password)),
            "CREDENTIALS_REFUSED",
            hints,
        ),
        (
            "acme",
            mistyped(|grant| grant.security_token.clear()),
            "CREDENTIALS_REFUSED",
            hints,
        ),
        (
            "no-run-as",
            app("app-secret"),
            "NO_RUN_AS_USER",
            &["flow is not enabled", "run-as user"],
        ),
        (
            "login.salesforce.com",
            app("app-secret"),
            "WRONG_HOST_FOR_GRANT",
            &["client credentials", "My Domain"],
        ),
        (
            "left",
            app("app-secret"),
            "USER_INACTIVE",
            &["not active", "Setup, Users"],
        ),
        ("locked", user(), "USER_LOCKED", &["locked", "Unlock"]),
        (
            "unapproved",
            app("app-secret"),
            "APP_NOT_APPROVED",
            &["not approved", "administrator"],
        ),
        ("closed", app("app-secret"), "ORG_INACTIVE", &["not active"]),
        (
            "fenced",
            app("app-secret"),
            "IP_NOT_ALLOWED",
            &[
                IP_TEXT,
                "203.0.113.7, 203.0.113.8",
                "Network Access",
                "ip restricted",
            ],
        ),
        (
            "no-api",
            app("app-secret"),
            "API_NOT_ENABLED",
            &["API is not enabled", "API Enabled"],
        ),
        (
            "no-scope",
            app("app-secret"),
            "API_SCOPE_MISSING",
            &["(id web)", "neither api nor full"],
        ),
    ];
    for (number, (domain, grant, reason, parts)) in cases.into_iter().enumerate() {
        let created = rig
            .create_connection(WORKSPACE, &format!("c-{number}"), domain)
            .await
            .unwrap();
        rig.put_credentials(&created.name, grant).await;

        let check = rig.check(&created.name).await;

        assert_refused(&check, reason);
        for part in parts {
            assert!(
                format!("{} {}", check.message, check.fix).contains(part),
                "no '{part}' in {check:?}"
            );
        }
        let stored = rig.connection(&created.name).await.unwrap();
        assert_eq!((stored.org_id.as_str(), stored.last_check), ("", Some(check)));
    }
    // A login that is refused is not tried again by itself.
    assert_eq!(rig.salesforce.token_requests("new.my.salesforce.com").await, 1);
    // Credentials that were mended work at once: a refusal is not remembered.
    let mended = "workspaces/acme/connections/c-2";
    rig.put_credentials(mended, app("app-secret")).await;
    assert_eq!(rig.check(mended).await.state(), ConnectionState::Connected);
}

#[tokio::test]
async fn refusals_that_only_a_real_org_gives_are_told_with_their_reasons_too() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let object = |error: &str, description: &str| json!({"error": error, "error_description": description});
    let array = |code: &str, message: &str| json!([{"errorCode": code, "message": message}]);
    for (on, status, body, state, reason, part) in [
        (
            "token",
            400,
            object("unsupported_grant_type", "grant type not supported"),
            ConnectionState::Refused,
            "GRANT_NOT_SUPPORTED",
            "does not offer this OAuth flow",
        ),
        (
            "token",
            400,
            object("something_new", "never heard of"),
            ConnectionState::Refused,
            "LOGIN_REFUSED",
            "never heard of",
        ),
        (
            "token",
            400,
            object("rate_limit_exceeded", "login rate exceeded"),
            ConnectionState::Unreachable,
            "LOGIN_RATE_EXCEEDED",
            "3,600",
        ),
        (
            "token",
            403,
            array(
                "API_DISABLED_FOR_ORG",
                "API is not enabled for this Organization or Partner",
            ),
            ConnectionState::Refused,
            "API_NOT_ENABLED",
            "API Enabled",
        ),
        (
            "token",
            403,
            array("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            ConnectionState::Unreachable,
            "REQUEST_LIMIT_EXCEEDED",
            "used up",
        ),
        (
            "query",
            403,
            array("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            ConnectionState::Unreachable,
            "REQUEST_LIMIT_EXCEEDED",
            "used up",
        ),
        (
            "token",
            503,
            array("SERVER_UNAVAILABLE", "Salesforce is down for maintenance"),
            ConnectionState::Unreachable,
            "SALESFORCE_UNAVAILABLE",
            "status.salesforce.com",
        ),
        (
            "query",
            503,
            array("SERVER_UNAVAILABLE", "Salesforce is down for maintenance"),
            ConnectionState::Unreachable,
            "SALESFORCE_UNAVAILABLE",
            "status.salesforce.com",
        ),
        (
            "query",
            401,
            array("INVALID_SESSION_ID", "Session expired or invalid"),
            ConnectionState::Refused,
            "INVALID_SESSION_ID",
            "session policies",
        ),
    ] {
        refuse_next(&rig, on, status, body).await;

        let check = rig.check(CONNECTION).await;

        assert_eq!(
            (check.state(), check.reason.as_str()),
            (state, reason),
            "{check:?}"
        );
        assert!(
            format!("{} {}", check.message, check.fix).contains(part),
            "no '{part}' in {check:?}"
        );
        assert!(!check.fix.is_empty(), "{check:?}");
    }
    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);
}

#[tokio::test]
async fn row_15_a_token_without_api_or_full_is_warned_of() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let connected = rig.check(CONNECTION).await;
    assert_eq!(connected.warnings, []);
    // An answer that does not fit the token, which works: Salesforce has the last word.
    let host = ACME.parse().unwrap();
    let grant = salesforce::oauth::Grant::ClientCredentials {
        client_id: "app".to_owned(),
        client_secret: "app-secret".into(),
    };
    let token = request_token(&rig.salesforce.http(), &host, &grant, DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    let answer = json!({
        "access_token": token.session.access_token.expose_secret(),
        "instance_url": format!("https://{ACME}"),
        "id": format!("https://login.salesforce.com/id/{}/{}", token.org_id, token.user_id),
        "scope": "openid web",
    });
    refuse_next(&rig, "token", 200, answer).await;

    let check = rig.check(CONNECTION).await;

    assert_eq!(check.state(), ConnectionState::Connected, "{check:?}");
    assert_eq!(check.scopes, ["openid", "web"]);
    assert_eq!(check.warnings.len(), 1, "{check:?}");
    assert_eq!(check.warnings[0].code, "SCOPE_LACKS_API");
    assert!(check.warnings[0].message.contains("(openid web)"), "{check:?}");
    assert!(check.warnings[0].fix.contains("scope api"), "{check:?}");
    assert_eq!(rig.connection(CONNECTION).await.unwrap().last_check, Some(check));
    // The password grant tells no scopes, and that is no reason to warn.
    rig.put_credentials(CONNECTION, user()).await;
    let check = rig.check(CONNECTION).await;
    assert_eq!(
        (check.state(), check.warnings),
        (ConnectionState::Connected, vec![])
    );
}

#[tokio::test]
async fn a_check_logs_in_even_where_a_token_still_works() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);
    let rotated = json!({"error": "invalid_client", "error_description": "invalid client credentials"});
    refuse_next(&rig, "token", 400, rotated).await;

    assert_refused(&rig.check(CONNECTION).await, "CLIENT_SECRET_REFUSED");
    // What is being sent goes on with the token it has.
    rig.activate(CONTACTS).await.unwrap();
}

#[tokio::test]
async fn a_sandbox_is_told_from_a_production_org() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    let host = "acme--uat.sandbox.my.salesforce.com";
    let options = json!({"type": "Enterprise Edition"});
    rig.salesforce.create_org(host, options.clone()).await;
    rig.salesforce.create_org(ACME, options).await;
    for (id, domain, sandbox) in [("uat", "acme--uat", true), ("live", "acme", false)] {
        let name = rig.create_connection(WORKSPACE, id, domain).await.unwrap().name;
        rig.put_credentials(&name, app("app-secret")).await;

        let check = rig.check(&name).await;

        assert_eq!(
            (check.state(), check.sandbox, check.org_type.as_str()),
            (ConnectionState::Connected, sandbox, "Enterprise Edition")
        );
    }
}

#[tokio::test]
async fn a_connection_without_credentials_is_told_with_what_to_do() {
    let place = Place::sqlite();
    let rig = Rig::start_with_connection(&place).await;

    let check = rig.check(CONNECTION).await;

    assert_refused(&check, "CREDENTIALS_NOT_FOUND");
    let command = format!("sluice credentials put {CONNECTION}");
    assert!(check.fix.contains(&command), "{check:?}");
}

#[tokio::test]
async fn an_auth_service_that_is_away_is_told_as_such() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;

    let check = rig.check_without_auth(&place, CONNECTION).await;

    assert_eq!(
        (check.state(), check.reason.as_str()),
        (ConnectionState::Unreachable, "AUTH_SERVICE_UNAVAILABLE")
    );
    assert!(check.message.contains("Salesforce was not asked"), "{check:?}");
    assert!(check.fix.contains("internal.auth"), "{check:?}");
    assert_eq!(rig.salesforce.token_requests(ACME).await, 0);
}

#[tokio::test]
async fn a_salesforce_that_cannot_be_asked_is_unreachable_and_not_refused() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let pinned = rig.check(CONNECTION).await.org_id;
    let down = json!([{"on": "any", "times": 2, "do": {"kind": "status", "status": 503,
        "errorCode": "SERVER_UNAVAILABLE", "message": "try again"}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), down)
        .await;

    let check = rig.check(CONNECTION).await;
    let activation = rig.activate(CONTACTS).await.unwrap_err();

    assert_eq!(check.state(), ConnectionState::Unreachable, "{check:?}");
    assert_eq!(activation.code(), Code::Unavailable, "{activation:?}");
    assert_eq!(rig.connection(CONNECTION).await.unwrap().org_id, pinned);
    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);

    let mut connections = rig.connections.clone();
    Arc::into_inner(rig.salesforce).unwrap().stop().await;
    let request = CheckConnectionRequest {
        name: CONNECTION.to_owned(),
    };
    let answer = connections.check_connection(request).await.unwrap();
    let check = answer.into_inner().check.unwrap();
    assert_eq!(check.state(), ConnectionState::Unreachable, "{check:?}");
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_without_a_word() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.check(CONNECTION).await;
    let expired = json!([{"on": "any", "do": {"kind": "expire_sessions"}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), expired)
        .await;

    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);
    assert_eq!(rig.salesforce.token_requests(ACME).await, 2);
}
