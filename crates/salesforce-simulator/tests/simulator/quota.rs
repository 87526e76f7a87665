//! The daily quota. Source: salesforce-contract.md §3.3 and §4.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Client, HOST, Rig, call_error};

async fn usage(client: &Client) -> Option<String> {
    let answer = client.get("/sobjects/Contact/describe").await;
    answer.header("sforce-limit-info").map(str::to_owned)
}

async fn login(client: &Client) -> u16 {
    let form = "grant_type=client_credentials&client_id=app&client_secret=secret";
    client.form(form).await.status
}

#[tokio::test]
async fn calls_of_the_past_age_out_one_hour_after_the_other() {
    let rig = Rig::with_org(json!({"daily_request_limit": 1_000, "session_idle_seconds": 172_800})).await;
    let client = &rig.client;
    client.org("POST", "/usage", json!({"used": 100})).await;
    for hours_ago in [23, 22] {
        client
            .org("POST", "/usage", json!({"hours_ago": hours_ago, "calls": 450}))
            .await;
    }

    let full = client.get("/limits").await;
    assert_eq!(
        (full.status, full.json()),
        (
            403,
            call_error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        )
    );
    assert_eq!(full.header("sforce-limit-info"), Some("api-usage=1000/1000"));
    assert_eq!(login(client).await, 403);
    rig.clock.advance(TimeDelta::minutes(61));
    assert_eq!(usage(client).await.unwrap(), "api-usage=551/1000");
    assert_eq!(login(client).await, 200);
    rig.clock.advance(TimeDelta::minutes(60));
    assert_eq!(usage(client).await.unwrap(), "api-usage=102/1000");
    let told = client.org("GET", "/usage", Value::Null).await;
    assert_eq!(told, json!({"used": 102, "max": 1_000, "refused_at": 1_000}));
}

#[tokio::test]
async fn a_soft_limit_is_passed_by_its_percentage_and_others_use_it_up_too() {
    let quota = json!({"soft_percent": 10, "background_calls_per_hour": 100});
    let rig = Rig::with_org(json!({"daily_request_limit": 1_000, "quota": quota})).await;
    let client = &rig.client;
    client.org("POST", "/usage", json!({"used": 1_000})).await;
    assert_eq!(usage(client).await.unwrap(), "api-usage=1001/1000");
    rig.clock.advance(TimeDelta::minutes(57));
    assert_eq!(login(client).await, 200);
    assert_eq!(
        client.get("/limits").await.json()["DailyApiRequests"]["Remaining"],
        0
    );
    rig.clock.advance(TimeDelta::minutes(3));
    assert_eq!(client.get("/limits").await.status, 403);
}

#[tokio::test]
async fn the_header_has_the_forms_of_the_documents() {
    let app = json!({"client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example",
        "name": "sample-connected-app", "daily_request_limit": 250});
    for (form, expected) in [
        ("exact", "api-usage=101/100000"),
        ("bursts", "api-usage=101/100000; api-bursts=101/750"),
        (
            "per_app",
            "api-usage=101/100000; per-app-api-usage=1/250(appName=sample-connected-app)",
        ),
    ] {
        let rig = Rig::with_org(json!({"usage_header": form, "apps": [app]})).await;
        rig.client.org("POST", "/usage", json!({"used": 100})).await;
        assert_eq!(usage(&rig.client).await.unwrap(), expected);
        let requests = rig.client.get("/limits").await.json()["DailyApiRequests"].clone();
        let nested = json!({"Max": 250, "Remaining": 248});
        assert_eq!(
            requests,
            json!({"Max": 100_000, "Remaining": 99_898, "sample-connected-app": nested})
        );
    }
}

#[tokio::test]
async fn the_limits_may_be_five_minutes_old_and_show_what_the_user_may_see() {
    let users = json!([{"username": "svc@acme.example", "permissions": {"manage_users": false}}]);
    let options = json!({"users": users, "switches": {"login": {"limits": "lagging"}}});
    let rig = Rig::with_org(options).await;
    let remaining = async || rig.client.get("/limits").await.json()["DailyApiRequests"]["Remaining"].clone();

    assert_eq!(remaining().await, 99_999);
    rig.clock.advance(TimeDelta::seconds(299));
    assert_eq!(remaining().await, 99_999);
    rig.clock.advance(TimeDelta::seconds(1));
    assert_eq!(remaining().await, 99_997);
    let limits = rig.client.get("/limits").await.json();
    assert_eq!(limits.get("DataStorageMB"), None);
    assert!(limits.get("DailyBulkApiBatches").is_some());
    let authorization = format!("Bearer {}", rig.client.token);
    let old = rig
        .client
        .exchange(
            "GET",
            "/services/data/v48.0/limits",
            &[("Authorization", &authorization)],
            "",
        )
        .await
        .unwrap();
    assert!(old.json().get("DailyBulkApiRequests").is_some());
}

#[tokio::test]
async fn usage_that_makes_no_sense_is_refused() {
    let rig = Rig::with_org(json!({})).await;
    for (body, named) in [
        (json!({"used": 1, "calls": 2}), "either used, or calls"),
        (json!({"calls": 2, "hours_ago": 24}), "hours_ago 24"),
        (json!({"used": -1}), "-1"),
    ] {
        let answer = rig
            .client
            .admin("POST", &format!("/orgs/{HOST}/usage"), &body)
            .await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains(named), "{answer:?}");
    }
}
