//! Tokens: how often Salesforce is asked, and what is answered when it refuses.

use std::sync::Arc;

use contracts::{
    auth::v1::{
        DeleteCredentialsRequest, GetTokenResponse, ReportRejectedTokenRequest,
        put_credentials_request::Grant,
    },
    status::reason,
};
use serde_json::json;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, Rig, app, client_credentials, user},
    simulated::ACME,
};

on_both_databases!(
    row_166_239_a_hundred_calls_at_once_cause_one_login,
    row_163_a_rejected_token_causes_one_login_however_often_it_is_reported,
    row_61_new_credentials_get_a_token_of_their_own,
    credentials_put_after_a_deletion_get_a_token_of_their_own,
    a_fresh_token_is_asked_for_and_takes_the_place_of_the_cached_one,
);

const LOGIN: &str = "login.salesforce.com";

/// Asks so many times at once.
async fn tokens(rig: &Arc<Rig>, calls: usize) -> Vec<Result<GetTokenResponse, Status>> {
    let mut asked = JoinSet::new();
    for _ in 0..calls {
        let rig = rig.clone();
        asked.spawn(async move { rig.token().await });
    }
    asked.join_all().await
}

async fn row_166_239_a_hundred_calls_at_once_cause_one_login(place: &Place) {
    let rig = Arc::new(Rig::start(place).await);
    let org_id = rig.salesforce.create_org(ACME, json!({"latency_ms": 50})).await;
    rig.put(CONNECTION, app()).await;

    let answers = tokens(&rig, 100).await;

    assert_eq!(rig.salesforce.token_requests(ACME).await, 1);
    let first = answers[0].as_ref().unwrap();
    assert_eq!(first.org_id, org_id);
    assert_eq!(first.instance_url, format!("https://{ACME}"));
    assert!(first.issue_time.is_some());
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first));
}

async fn row_163_a_rejected_token_causes_one_login_however_often_it_is_reported(place: &Place) {
    let rig = Arc::new(Rig::start_with_acme(place).await);
    rig.put(CONNECTION, app()).await;
    let rejected = rig.token().await.unwrap();

    rig.report_rejected(&rejected.token_id).await;
    rig.report_rejected(&rejected.token_id).await;
    let answers = tokens(&rig, 20).await;
    // Somebody who used the old token hears of its end late.
    rig.report_rejected(&rejected.token_id).await;
    let after = rig.token().await.unwrap();

    assert_eq!(rig.salesforce.token_requests(ACME).await, 2);
    assert_ne!(after.access_token, rejected.access_token);
    assert_ne!(after.token_id, rejected.token_id);
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == &after));
    // Another connection cannot end our token.
    let request = ReportRejectedTokenRequest {
        connection: "workspaces/acme/connections/other".to_owned(),
        token_id: after.token_id.clone(),
    };
    rig.tokens.clone().report_rejected_token(request).await.unwrap();
    assert_eq!(rig.token().await.unwrap(), after);
}

async fn row_61_new_credentials_get_a_token_of_their_own(place: &Place) {
    let rig = Rig::start_with_acme(place).await;
    rig.put(CONNECTION, app()).await;
    let first = rig.token().await.unwrap();

    rig.put(CONNECTION, client_credentials("app", "mistyped")).await;
    let refused = rig.token().await.unwrap_err();
    rig.put(CONNECTION, user("svc@acme.example", "pass-word", "SecTok1"))
        .await;
    let second = rig.token().await.unwrap();

    assert_eq!(reason(&refused), "CLIENT_SECRET_REFUSED");
    assert_ne!(second.access_token, first.access_token);
    assert_eq!(rig.salesforce.token_requests(ACME).await, 3);
}

async fn credentials_put_after_a_deletion_get_a_token_of_their_own(place: &Place) {
    let rig = Rig::start_with_acme(place).await;
    rig.put(CONNECTION, app()).await;
    let first = rig.token().await.unwrap();
    let request = DeleteCredentialsRequest {
        connection: CONNECTION.to_owned(),
    };
    rig.credentials.clone().delete_credentials(request).await.unwrap();

    rig.put(CONNECTION, user("svc@acme.example", "pass-word", "SecTok1"))
        .await;
    let second = rig.token().await.unwrap();

    assert_ne!(second.access_token, first.access_token);
    assert_eq!(rig.salesforce.token_requests(ACME).await, 2);
}

async fn a_fresh_token_is_asked_for_and_takes_the_place_of_the_cached_one(place: &Place) {
    let rig = Rig::start_with_acme(place).await;
    rig.put(CONNECTION, app()).await;
    let cached = rig.token().await.unwrap();

    let fresh = rig.fresh_token().await.unwrap();

    assert_ne!(fresh.token_id, cached.token_id);
    assert_eq!(rig.token().await.unwrap(), fresh);
    // A token lives on when its credentials stop working, and goes on being handed out.
    refuse_next_login(&rig, "invalid_client", "invalid client credentials").await;
    let refused = rig.fresh_token().await.unwrap_err();
    assert_login_refused(&refused, "CLIENT_SECRET_REFUSED");
    assert_eq!(rig.token().await.unwrap(), fresh);
    assert_eq!(rig.salesforce.token_requests(ACME).await, 3);
}

#[tokio::test]
async fn row_31_the_security_token_may_be_given_apart_or_behind_the_password() {
    let place = Place::sqlite();
    let rig = Rig::start_with_acme(&place).await;
    for (password, security_token) in [("pass-word", "SecTok1"), ("pass-wordSecTok1", "")] {
        rig.put(CONNECTION, user("svc@acme.example", password, security_token))
            .await;
        rig.token().await.unwrap();
    }
    for (password, security_token) in [
        ("pass-word", ""),
        ("pass-word SecTok1", ""),
        ("{pass-word}{SecTok1}", ""),
        ("pass-wordSecTok1", "SecTok1"),
    ] {
        rig.put(CONNECTION, user("svc@acme.example", password, security_token))
            .await;
        let refused = rig.token().await.unwrap_err();
        assert_login_refused(&refused, "CREDENTIALS_REFUSED");
    }
}

#[tokio::test]
async fn a_token_tells_its_scopes_where_salesforce_does() {
    let place = Place::sqlite();
    let rig = Rig::start_with_acme(&place).await;
    rig.put(CONNECTION, app()).await;
    assert_eq!(rig.token().await.unwrap().scopes, ["id", "api", "refresh_token"]);
    rig.put(CONNECTION, user("svc@acme.example", "pass-word", "SecTok1"))
        .await;
    assert_eq!(rig.token().await.unwrap().scopes, [""; 0]);
}

#[tokio::test]
async fn a_host_that_is_not_salesforces_is_refused_before_any_call() {
    let place = Place::sqlite();
    let rig = Rig::start_with_acme(&place).await;
    rig.put(CONNECTION, app()).await;
    for host in [
        "",
        "evil.example",
        "acme.my.salesforce.com.evil.example",
        "acme.my.salesforce.com@evil.example",
        "127.0.0.1",
        "https://acme.my.salesforce.com",
    ] {
        let refused = rig.token_at(host).await.unwrap_err();

        assert_eq!(refused.code(), Code::InvalidArgument, "{host}: {refused:?}");
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "login_host");
    }
    assert_eq!(rig.salesforce.token_requests(ACME).await, 0);
}

#[tokio::test]
async fn each_refusal_of_a_login_has_its_reason_and_its_fix() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    let options = json!({
        "apps": [
            {"client_id": "app", "client_secret": "app-secret", "run_as": "svc@acme.example"},
            {"client_id": "nobody", "client_secret": "s"},
            {"client_id": "leaver", "client_secret": "s", "run_as": "gone@acme.example"},
        ],
        "users": [
            {"username": "svc@acme.example", "password": "pass-word", "security_token": "SecTok1"},
            {"username": "gone@acme.example", "password": "p", "active": false},
        ],
    });
    rig.salesforce.create_org(ACME, options).await;
    let blocked = "blocked.my.salesforce.com";
    let options = json!({"password_flow": "blocked"});
    rig.salesforce.create_org(blocked, options).await;
    let right = || user("svc@acme.example", "pass-word", "SecTok1");
    let cases: Vec<(Grant, &str, &str)> = vec![
        (client_credentials("app", "wrong"), ACME, "CLIENT_SECRET_REFUSED"),
        (client_credentials("unknown", "s"), ACME, "UNKNOWN_CLIENT"),
        (client_credentials("unknown", "s"), LOGIN, "UNKNOWN_CLIENT"),
        (client_credentials("nobody", "s"), ACME, "NO_RUN_AS_USER"),
        (client_credentials("leaver", "s"), ACME, "USER_INACTIVE"),
        (app(), LOGIN, "WRONG_HOST_FOR_GRANT"),
        (app(), "typo.my.salesforce.com", "UNKNOWN_DOMAIN"),
        (user("gone@acme.example", "p", ""), ACME, "USER_INACTIVE"),
        (
            user("svc@acme.example", "pass-word", ""),
            ACME,
            "CREDENTIALS_REFUSED",
        ),
        (user("who@acme.example", "p", ""), ACME, "CREDENTIALS_REFUSED"),
        (right(), blocked, "CREDENTIALS_REFUSED"),
    ];
    for (grant, host, expected) in cases {
        rig.put(CONNECTION, grant).await;

        let refused = rig.token_at(host).await.unwrap_err();

        assert_login_refused(&refused, expected);
    }
    // The same user at an org that allows it: the refusals above were not the rig's.
    rig.put(CONNECTION, right()).await;
    rig.token().await.unwrap();
}

#[tokio::test]
async fn refusals_that_only_a_real_org_gives_have_their_reasons_too() {
    let place = Place::sqlite();
    let rig = Rig::start_with_acme(&place).await;
    rig.put(CONNECTION, app()).await;
    for (error, description, expected) in [
        ("invalid_grant", "ip restricted", "IP_NOT_ALLOWED"),
        (
            "invalid_grant",
            "user hasn't approved this consumer",
            "APP_NOT_APPROVED",
        ),
        (
            "unsupported_grant_type",
            "grant type not supported",
            "GRANT_NOT_SUPPORTED",
        ),
        ("something_new", "never heard of", "LOGIN_REFUSED"),
    ] {
        refuse_next_login(&rig, error, description).await;

        let refused = rig.token().await.unwrap_err();

        assert_login_refused(&refused, expected);
        assert!(refused.message().contains(description), "{refused}");
    }
}

#[tokio::test]
async fn a_user_who_logged_in_too_often_may_try_again_later() {
    let place = Place::sqlite();
    let rig = Rig::start_with_acme(&place).await;
    rig.put(CONNECTION, app()).await;
    refuse_next_login(&rig, "rate_limit_exceeded", "login rate exceeded").await;

    let refused = rig.token().await.unwrap_err();

    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert_eq!(reason(&refused), "LOGIN_RATE_EXCEEDED");
    rig.token().await.unwrap();
}

async fn refuse_next_login(rig: &Rig, error: &str, description: &str) {
    let body = json!({"error": error, "error_description": description}).to_string();
    let fault = json!([{"on": "token", "do": {"kind": "status", "status": 400,
        "content_type": "application/json;charset=UTF-8", "body": body}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), fault)
        .await;
}

fn assert_login_refused(refused: &Status, expected: &str) {
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert_eq!(reason(refused), expected);
    let info = refused.get_details_error_info().unwrap();
    assert!(!info.metadata["fix"].is_empty(), "{info:?}");
}

#[tokio::test]
async fn a_salesforce_that_cannot_answer_is_unavailable_and_asked_again() {
    let place = Place::sqlite();
    let rig = Rig::start_with_acme(&place).await;
    rig.put(CONNECTION, app()).await;
    let faults = json!([
        {"on": "token", "do": {"kind": "quota"}},
        {"on": "token", "do": {"kind": "status", "status": 503, "errorCode": "SERVER_UNAVAILABLE"}},
        {"on": "token", "do": {"kind": "cut_before"}},
        {"on": "token", "do": {"kind": "cut_after"}},
        {"on": "token", "do": {"kind": "status", "status": 200, "content_type": "application/json", "body": "{}"}},
    ]);
    let count = faults.as_array().unwrap().len();
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), faults)
        .await;
    for number in 0..count {
        let unavailable = rig.token().await.unwrap_err();
        assert_eq!(unavailable.code(), Code::Unavailable, "{unavailable:?}");
        let expected = ["REQUEST_LIMIT_EXCEEDED", "SALESFORCE_UNAVAILABLE"][number.min(1)];
        assert_eq!(reason(&unavailable), expected);
    }

    let token = rig.token().await.unwrap();

    assert_eq!(rig.salesforce.token_requests(ACME).await, count as u64 + 1);
    rig.report_rejected(&token.token_id).await;
    let mut tokens = rig.tokens.clone();
    rig.salesforce.stop().await;
    let request = contracts::auth::v1::GetTokenRequest {
        connection: CONNECTION.to_owned(),
        login_host: ACME.to_owned(),
        fresh: false,
    };
    let down = tokens.get_token(request).await.unwrap_err();
    assert_eq!(down.code(), Code::Unavailable, "{down:?}");
}
