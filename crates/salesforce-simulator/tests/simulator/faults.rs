//! Scripted faults, and what concurrent writes are seen to do.

use std::time::Duration;

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Rig, body, call_error, refused, written};

/// Starts an org with Contacts 1 and 2.
async fn two_contacts(options: Value) -> Rig {
    let rig = Rig::with_org(options).await;
    rig.client
        .org(
            "POST",
            "/records/Contact",
            json!([{"LastName": "A"}, {"LastName": "B"}]),
        )
        .await;
    rig
}

async fn script(client: &Client, faults: Value) {
    client.org("POST", "/faults", faults).await;
}

/// Sends a title for both Contacts.
async fn update(client: &Client, title: &str) -> std::io::Result<Answer> {
    let records =
        json!([{"id": record_id("003", 1), "Title": title}, {"id": record_id("003", 2), "Title": title}]);
    client
        .try_rest("PATCH", "/composite/sobjects", &body("Contact", &records))
        .await
}

async fn title(client: &Client) -> Value {
    client
        .org(
            "GET",
            &format!("/records/Contact/{}", record_id("003", 1)),
            Value::Null,
        )
        .await["Title"]
        .clone()
}

#[tokio::test]
async fn a_status_is_answered_before_anything_is_applied() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    let page = json!({"kind": "status", "status": 503, "body": "<html>busy</html>", "retry_after": 3});
    let error = json!({"kind": "status", "status": 500, "errorCode": "UNKNOWN_EXCEPTION", "message": "oops"});
    script(
        client,
        json!([{"on": "write", "do": page}, {"on": "write", "do": error}]),
    )
    .await;

    let first = update(client, "1").await.unwrap();
    let second = update(client, "2").await.unwrap();
    assert_eq!(title(client).await, Value::Null);
    let third = update(client, "3").await.unwrap();

    assert_eq!((first.status, first.text.as_str()), (503, "<html>busy</html>"));
    assert_eq!(first.header("content-type"), Some("text/html;charset=UTF-8"));
    assert_eq!(first.header("retry-after"), Some("3"));
    assert_eq!(
        (second.status, second.json()),
        (500, call_error("UNKNOWN_EXCEPTION", "oops"))
    );
    assert_eq!(third.status, 200);
    assert_eq!(client.counter("write_calls").await, 1);
    assert_eq!(client.counter("write_calls_failed").await, 2);
}

#[tokio::test]
async fn a_fault_skips_then_hits_then_is_used_up_and_is_for_its_own_requests() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    let quota = json!({"kind": "quota"});
    script(
        client,
        json!([{"on": "write", "skip": 1, "times": 2, "do": quota}]),
    )
    .await;

    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(client.get("/sobjects/Contact/describe").await.status, 200);
        statuses.push(update(client, "x").await.unwrap().status);
    }

    assert_eq!(statuses, [200, 403, 403, 200]);
}

#[tokio::test]
async fn cut_before_applies_nothing_and_cut_after_applies_all() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    script(
        client,
        json!([{"on": "write", "do": {"kind": "cut_before"}}, {"on": "write", "do": {"kind": "cut_after"}}]),
    )
    .await;

    assert!(update(client, "before").await.is_err());
    assert_eq!(title(client).await, Value::Null);
    assert!(update(client, "after").await.is_err());
    assert_eq!(title(client).await, "after");

    assert_eq!(client.counter("write_calls_failed").await, 1);
    assert_eq!(client.counter("write_calls").await, 1);
}

#[tokio::test]
async fn expired_sessions_are_401_until_the_next_login() {
    let rig = two_contacts(json!({})).await;
    let mut client = rig.client.clone();
    script(&client, json!([{"on": "any", "do": {"kind": "expire_sessions"}}])).await;

    let first = update(&client, "1").await.unwrap();
    let second = update(&client, "2").await.unwrap();
    client.token = client.log_in().await;
    let third = update(&client, "3").await.unwrap();

    let expired = call_error("INVALID_SESSION_ID", "Session expired or invalid");
    assert_eq!((first.status, first.json()), (401, expired.clone()));
    assert_eq!((second.status, second.json()), (401, expired));
    assert_eq!(third.status, 200);
}

#[tokio::test]
async fn one_record_is_locked_and_then_fine() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    let id = record_id("003", 2);
    let message = format!("unable to obtain exclusive access to this record or 1 records: {id}");
    let lock = json!({"kind": "record_error", "ids": [&id[..15]], "statusCode": "UNABLE_TO_LOCK_ROW", "message": message});
    script(client, json!([{"on": "write", "do": lock}])).await;

    let first = update(client, "1").await.unwrap().json();
    let second = update(client, "2").await.unwrap().json();

    let other = record_id("003", 1);
    assert_eq!(
        first,
        json!([written(&other), refused("UNABLE_TO_LOCK_ROW", &message, &[])])
    );
    assert_eq!(second, json!([written(&other), written(&id)]));
}

#[tokio::test]
async fn every_nth_record_can_fail_and_results_can_be_short() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    let every =
        json!({"kind": "record_error", "every": 2, "statusCode": "ENTITY_IS_LOCKED", "fields": ["Title"]});
    script(
        client,
        json!([{"on": "write", "do": every}, {"on": "write", "do": {"kind": "truncate_results"}}]),
    )
    .await;

    let first = update(client, "1").await.unwrap().json();
    let second = update(client, "2").await.unwrap().json();

    let id = record_id("003", 1);
    assert_eq!(
        first,
        json!([written(&id), refused("ENTITY_IS_LOCKED", "", &["Title"])])
    );
    assert_eq!(second, json!([written(&id)]));
}

#[tokio::test]
async fn the_token_endpoint_has_faults_of_its_own_and_faults_can_be_cleared() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    let busy = json!({"kind": "status", "status": 503, "errorCode": "SERVER_UNAVAILABLE", "message": "Server Unavailable"});
    script(client, json!([{"on": "token", "times": 9, "do": busy}])).await;

    let refused = client
        .form("grant_type=client_credentials&client_id=app&client_secret=secret")
        .await;
    client.org("DELETE", "/faults", Value::Null).await;
    client.log_in().await;

    assert_eq!(
        (refused.status, refused.json()),
        (503, call_error("SERVER_UNAVAILABLE", "Server Unavailable"))
    );
}

#[tokio::test]
async fn a_slow_write_is_applied_after_its_client_has_hung_up() {
    let rig = two_contacts(json!({})).await;
    let client = &rig.client;
    script(
        client,
        json!([{"on": "write", "do": {"kind": "slow", "delay_ms": 500}}]),
    )
    .await;

    let gave_up = tokio::time::timeout(Duration::from_millis(20), update(client, "late")).await;

    assert!(gave_up.is_err());
    assert_eq!(title(client).await, Value::Null);
    // No answer tells when it is applied, so the record is asked until it is; the test runner bounds this.
    while title(client).await.is_null() {
        tokio::task::yield_now().await;
    }
    assert_eq!(title(client).await, "late");
}

#[tokio::test]
async fn one_record_in_two_overlapping_writes_is_noticed() {
    let rig = two_contacts(json!({"latency_ms": 300})).await;
    let client = &rig.client;

    let (first, second) = tokio::join!(update(client, "1"), update(client, "2"));
    assert_eq!((first.unwrap().status, second.unwrap().status), (200, 200));
    assert_eq!(client.counter("same_record_overlaps").await, 2);
    assert_eq!(client.counter("max_concurrent_writes").await, 2);

    update(client, "3").await.unwrap();
    update(client, "4").await.unwrap();
    assert_eq!(client.counter("same_record_overlaps").await, 2);
}

#[tokio::test]
async fn of_two_overlapping_upserts_of_one_new_key_the_later_is_refused_or_updates() {
    let rig = Rig::with_org(json!({"latency_ms": 300})).await;
    let client = &rig.client;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "type": "string", "external_id": true, "unique": true});
    client.org("POST", "/fields", key).await;
    let records = json!([{"Crm_Key__c": "u-1", "LastName": "A"}]);

    let upsert = || client.write("PATCH", "/Contact/Crm_Key__c", "Contact", &records);
    let (first, second) = tokio::join!(upsert(), upsert());

    let (won, lost) = if first[0]["success"] == true {
        (first, second)
    } else {
        (second, first)
    };
    let id = record_id("003", 1);
    let message = format!(
        "duplicate value found: Crm_Key__c duplicates value on record with id: {}",
        &id[..15]
    );
    let mut refusal = refused("DUPLICATE_VALUE", &message, &[]);
    refusal["created"] = json!(true);
    assert_eq!(
        won,
        json!([{"id": id, "success": true, "errors": [], "created": true}])
    );
    assert_eq!(lost, json!([refusal]));
    assert_eq!(client.counter("same_record_overlaps").await, 1);
    // The record is known by now, so trying again updates it.
    assert_eq!(upsert().await[0]["created"], false);

    client
        .org("PATCH", "/switches", json!({"upsert_race": "update"}))
        .await;
    let records = json!([{"Crm_Key__c": "u-2", "LastName": "B"}]);
    let upsert = || client.write("PATCH", "/Contact/Crm_Key__c", "Contact", &records);
    let (first, second) = tokio::join!(upsert(), upsert());
    let mut created = [first[0]["created"].clone(), second[0]["created"].clone()];
    created.sort_by_key(Value::to_string);
    assert_eq!(created, [json!(false), json!(true)]);
}

#[tokio::test]
async fn scripted_answers_of_the_org_tell_the_usage_and_those_of_the_edge_do_not() {
    let rig = Rig::with_org(json!({
        "usage_header": "per_app",
        "apps": [{"client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example", "daily_request_limit": 9}],
    }))
    .await;
    let client = &rig.client;
    client.get("/limits").await;
    let told = "api-usage=1/100000; per-app-api-usage=1/9(appName=app)";
    for (action, header) in [
        (json!({"kind": "quota"}), Some(told)),
        (json!({"kind": "status", "status": 503}), Some(told)),
        (
            json!({"kind": "status", "status": 503, "body": "<html></html>"}),
            None,
        ),
        (json!({"kind": "edge_page", "status": 503}), None),
    ] {
        client
            .org("POST", "/faults", json!([{"on": "any", "do": action}]))
            .await;
        let answer = client.get("/limits").await;
        assert!(answer.status >= 400, "{answer:?}");
        assert_eq!(answer.header("sforce-limit-info"), header, "{action}");
    }
    let applied = json!([{"on": "any", "do": {"kind": "status", "status": 500, "applied": true}}]);
    client.org("POST", "/faults", applied).await;
    assert_eq!(
        client.get("/limits").await.header("sforce-limit-info"),
        Some("api-usage=2/100000; per-app-api-usage=2/9(appName=app)")
    );
    let version_list = json!([{"on": "any", "do": {"kind": "status", "status": 500}}]);
    client.org("POST", "/faults", version_list).await;
    let versions = client.exchange("GET", "/services/data/", &[], "").await.unwrap();
    assert_eq!(
        (versions.status, versions.header("sforce-limit-info")),
        (500, None)
    );
}

#[tokio::test]
async fn writes_of_setup_objects_are_writes_to_a_script_and_to_the_counters() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let scripted = json!([{"on": "write", "do": {"kind": "status", "status": 503}}]);
    client.org("POST", "/faults", scripted).await;
    let set = json!({"Name": "S", "Label": "S"});
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = client.rest("POST", "/sobjects/PermissionSet", &set).await;
        statuses.push(answer.status);
    }
    // By the script; not at all; by the rule that names are unique.
    assert_eq!(statuses, [503, 201, 400]);
    assert_eq!(client.counter("write_calls_failed").await, 2);
}
