//! The token endpoint. Source: salesforce-contract.md §1.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Rig, call_error};

const PASSWORD_LOGIN: &str =
    "grant_type=password&client_id=app&client_secret=secret&username=svc%40acme.example&password=pwTok1";

fn assert_refused(answer: &Answer, error: &str, description: &str) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({"error": error, "error_description": description})
    );
}

#[tokio::test]
async fn a_password_with_its_security_token_gets_a_session() {
    let rig = Rig::with_org(json!({})).await;

    let answer = rig.client.form(PASSWORD_LOGIN).await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    let cache_control = "no-cache,must-revalidate,max-age=0,no-store,private";
    assert_eq!(answer.header("cache-control"), Some(cache_control));
    let body = answer.json();
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "access_token",
            "instance_url",
            "id",
            "token_type",
            "issued_at",
            "signature"
        ]
    );
    assert_eq!(body["instance_url"], "https://acme.my.salesforce.com");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["issued_at"], "1795166100123");
    let orgs = rig.client.admin("GET", "/orgs", &Value::Null).await.json();
    let org_id = orgs[0]["org_id"].as_str().unwrap();
    assert!(org_id.starts_with("00D") && org_id.len() == 18);
    assert!(
        body["access_token"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{}!", &org_id[..15]))
    );
    let id = body["id"].as_str().unwrap();
    assert!(
        id.starts_with(&format!("https://login.salesforce.com/id/{org_id}/005")),
        "{id}"
    );
}

#[tokio::test]
async fn a_wrong_password_and_a_blocked_flow_answer_alike() {
    let open = Rig::with_org(json!({})).await;
    let blocked = Rig::with_org(json!({"password_flow": "blocked"})).await;

    let wrong = open.client.form(&PASSWORD_LOGIN.replace("pwTok1", "pw")).await;
    let refused = blocked.client.form(PASSWORD_LOGIN).await;

    assert_refused(&wrong, "invalid_grant", "authentication failure");
    assert_eq!((wrong.status, wrong.text), (refused.status, refused.text));
}

#[tokio::test]
async fn each_wrong_login_has_its_own_error() {
    let users = json!([{"username": "gone@acme.example", "password": "p", "active": false}]);
    let apps = json!([
        {"client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example"},
        {"client_id": "nobody", "client_secret": "secret"},
    ]);
    let rig = Rig::with_org(json!({"users": users, "apps": apps})).await;
    let client = &rig.client;
    for (form, error, description) in [
        ("", "invalid_request", "missing required parameter: grant_type"),
        (
            "grant_type=magic",
            "unsupported_grant_type",
            "grant type not supported",
        ),
        (
            "grant_type=password",
            "invalid_request",
            "missing required parameter: client_id",
        ),
        (
            "grant_type=password&client_id=app&client_secret=secret&password=x",
            "invalid_request",
            "missing required parameter: username",
        ),
        (
            "grant_type=client_credentials&client_id=none&client_secret=secret",
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            "grant_type=client_credentials&client_id=app&client_secret=wrong",
            "invalid_client",
            "invalid client credentials",
        ),
        (
            "grant_type=client_credentials&client_id=nobody&client_secret=secret",
            "invalid_grant",
            "no client credentials user enabled",
        ),
        (
            "grant_type=password&client_id=app&client_secret=secret&username=gone@acme.example&password=p",
            "invalid_grant",
            "inactive user",
        ),
    ] {
        assert_refused(&client.form(form).await, error, description);
    }
}

#[tokio::test]
async fn client_credentials_may_come_by_http_basic() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Authorization", "Basic YXBwOnNlY3JldA=="),
    ];
    let answer = client
        .exchange(
            "POST",
            "/services/oauth2/token",
            &headers,
            "grant_type=client_credentials",
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn the_shared_login_hosts_take_passwords_but_no_client_credentials() {
    let rig = Rig::with_org(json!({})).await;
    let login = Client {
        host: "login.salesforce.com".to_owned(),
        ..rig.client.clone()
    };

    let by_password = login.form(PASSWORD_LOGIN).await;
    let by_app = login
        .form("grant_type=client_credentials&client_id=app&client_secret=secret")
        .await;

    assert_eq!(
        by_password.json()["instance_url"],
        "https://acme.my.salesforce.com"
    );
    assert_refused(&by_app, "invalid_grant", "request not supported on this domain");
}

#[tokio::test]
async fn a_loopback_host_means_the_first_org_and_is_the_instance() {
    let rig = Rig::with_org(json!({})).await;
    let second = json!({"host": "other.my.salesforce.com"});
    assert_eq!(rig.client.admin("POST", "/orgs", &second).await.status, 201);
    let host = rig.simulator.address().to_string();
    let loopback = Client {
        host: host.clone(),
        ..rig.client
    };

    let answer = loopback.form(PASSWORD_LOGIN).await;

    assert_eq!(answer.json()["instance_url"], format!("http://{host}"));
}

#[tokio::test]
async fn hosts_are_told_apart_and_an_unknown_one_gets_the_page_of_the_edge() {
    let rig = Rig::with_org(json!({})).await;
    rig.client
        .admin("POST", "/orgs", &json!({"host": "other.my.salesforce.com"}))
        .await;
    let shouted = Client {
        host: "ACME.my.salesforce.com:443".to_owned(),
        ..rig.client.clone()
    };
    let other = Client {
        host: "other.my.salesforce.com".to_owned(),
        ..rig.client.clone()
    };
    let unknown = Client {
        host: "gone.my.salesforce.com".to_owned(),
        ..rig.client.clone()
    };

    assert_eq!(shouted.get("/limits").await.status, 200);
    assert_eq!(other.get("/limits").await.status, 401);
    let answer = unknown.get("/limits").await;
    assert_eq!(answer.status, 420);
    assert_eq!(answer.header("content-type"), Some("text/html;charset=UTF-8"));
    assert!(answer.text.starts_with("<!DOCTYPE html>"));
    assert!(!answer.text.contains("/simulator/orgs"), "{}", answer.text);
}

#[tokio::test]
async fn without_any_org_our_own_address_tells_how_to_make_one() {
    let rig = Rig::empty().await;
    let local = Client {
        host: rig.client.address.to_string(),
        ..rig.client.clone()
    };
    for answer in [
        local.get("/limits").await,
        local.form("grant_type=password").await,
    ] {
        assert_eq!(answer.status, 420);
        assert_eq!(answer.header("content-type"), Some("text/html;charset=UTF-8"));
        assert!(
            answer.text.contains("Create one by POST /simulator/orgs"),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_session_lives_as_long_as_it_is_used() {
    let rig = Rig::with_org(json!({"session_idle_seconds": 600})).await;
    for _ in 0..3 {
        rig.clock.advance(TimeDelta::seconds(599));
        assert_eq!(rig.client.get("/limits").await.status, 200);
    }

    rig.clock.advance(TimeDelta::seconds(600));
    let answer = rig.client.get("/limits").await;

    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.json(),
        call_error("INVALID_SESSION_ID", "Session expired or invalid")
    );
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_a_client_bug() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let headers = [("Authorization", "Basic YXBwOnNlY3JldA==")];
    let answer = client
        .exchange("GET", "/services/data/v67.0/limits", &headers, "")
        .await
        .unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.json(),
        call_error("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
    );
}

#[tokio::test]
async fn the_same_seed_gives_the_same_tokens_and_ids() {
    let first = Rig::with_org(json!({"seed": 7})).await.client.token;
    let second = Rig::with_org(json!({"seed": 7})).await.client.token;
    let third = Rig::with_org(json!({"seed": 8})).await.client.token;
    assert_eq!(first, second);
    assert_ne!(first, third);
}

#[tokio::test]
async fn token_requests_and_failures_are_counted() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client.form("grant_type=magic").await;
    assert_eq!(client.counter("token_requests").await, 2);
    assert_eq!(client.counter("token_failures").await, 1);
    assert_eq!(client.counter("api_requests").await, 0);
}
