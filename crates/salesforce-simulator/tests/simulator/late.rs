//! Writes that are applied after their client has gone: what tells honest clients from hopeful ones.

use std::time::Duration;

use chrono::TimeDelta;
use salesforce_simulator::record_id;
use serde_json::{Value, json};
use tokio::time::advance;

use crate::client::{Client, Rig, StandingTime};

/// Starts an org with Contact 1, where late means up to ten minutes.
async fn one_contact(mut options: Value) -> Rig {
    options["switches"] = json!({"late_apply_seconds": 600});
    let rig = Rig::with_org(options).await;
    rig.client
        .org("POST", "/records/Contact", json!([{"LastName": "A"}]))
        .await;
    rig
}

async fn title(client: &Client) -> Value {
    let path = format!("/records/Contact/{}", record_id("003", 1));
    client.org("GET", &path, Value::Null).await["Title"].clone()
}

/// Returns title and time of each write, in the order in which they were applied.
async fn history(client: &Client) -> Value {
    let entries = client.org("GET", "/history", Value::Null).await;
    entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| json!([entry["fields"]["Title"], entry["time"]]))
        .collect()
}

/// Moves both clocks to when the latest of late writes is over.
async fn to_the_end(rig: &Rig) {
    rig.clock.advance(TimeDelta::seconds(600));
    advance(Duration::from_secs(600)).await;
    rig.client.until_counter("late_writes", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_client_gave_up_lands_once_on_top_of_a_newer_one() {
    let rig = one_contact(json!({})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    let slow = json!([{"on": "write", "do": {"kind": "slow", "delay_ms": 1_000}}]);
    client.org("POST", "/faults", slow.clone()).await;
    let hopeful = client.begin_update(&[(1, json!({"Title": "old"}))]);
    client.until_faults_are_used_up().await;
    hopeful.abort();
    assert!(hopeful.await.unwrap_err().is_cancelled());
    // By the time this is answered, the closed connection has been noticed too.
    client.counter("max_concurrent_writes").await;

    advance(Duration::from_secs(1)).await;
    client.until_counter("api_requests", 1).await;
    client.org("POST", "/faults", slow).await;
    let newer = client.begin_update(&[(1, json!({"Title": "new"}))]);
    client.until_faults_are_used_up().await;
    assert_eq!(title(client).await, Value::Null);
    advance(Duration::from_secs(1)).await;
    assert_eq!(newer.await.unwrap().unwrap().status, 200);
    assert_eq!(title(client).await, "new");
    to_the_end(&rig).await;

    assert_eq!(title(client).await, "old");
    advance(Duration::from_secs(600)).await;
    assert_eq!(
        history(client).await,
        json!([
            ["new", "2026-11-20T09:15:00.123+0000"],
            ["old", "2026-11-20T09:25:00.123+0000"]
        ])
    );
    assert_eq!(client.counter("late_writes").await, 1);
    assert_eq!(client.counter("lock_waits").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_vanished_write_is_applied_late_behind_whoever_holds_the_record() {
    let rig = one_contact(json!({})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    let faults = json!([
        {"on": "write", "do": {"kind": "vanish"}},
        {"on": "write", "do": {"kind": "slow", "delay_ms": 605_000}},
    ]);
    client.org("POST", "/faults", faults).await;

    let vanished = client.begin_update(&[(1, json!({"Title": "vanished"}))]);
    assert!(vanished.await.unwrap().is_err());
    let holds = client.begin_update(&[(1, json!({"Title": "holds"}))]);
    client.until_faults_are_used_up().await;
    advance(Duration::from_secs(600)).await;
    client.until_counter("lock_waits", 1).await;
    assert_eq!(title(client).await, Value::Null);
    advance(Duration::from_secs(5)).await;

    assert_eq!(holds.await.unwrap().unwrap().status, 200);
    client.until_counter("late_writes", 1).await;
    let titles = history(client).await;
    assert_eq!(
        (&titles[0][0], &titles[1][0]),
        (&json!("holds"), &json!("vanished"))
    );
    assert_eq!(title(client).await, "vanished");
}

#[tokio::test(start_paused = true)]
async fn how_late_a_write_is_depends_on_the_seed_alone() {
    let _time = StandingTime::begin();
    let mut lateness = Vec::new();
    for seed in [1, 1, 2] {
        let rig = one_contact(json!({"seed": seed})).await;
        let client = &rig.client;
        let fault = json!([{"on": "write", "do": {"kind": "vanish"}}]);
        client.org("POST", "/faults", fault).await;
        let vanished = client.begin_update(&[(1, json!({"Title": "late"}))]);
        assert!(vanished.await.unwrap().is_err());
        let mut seconds = 0;
        while title(client).await.is_null() {
            assert!(seconds <= 600);
            advance(Duration::from_secs(1)).await;
            seconds += 1;
        }
        lateness.push(seconds);
    }
    assert_eq!(lateness[0], lateness[1]);
    assert_ne!(lateness[0], lateness[2]);
    assert!(lateness.iter().all(|seconds| *seconds > 0));
}

#[tokio::test]
async fn without_the_switch_a_vanished_write_is_applied_at_once() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client
        .org("POST", "/records/Contact", json!([{"LastName": "A"}]))
        .await;
    client
        .org(
            "POST",
            "/faults",
            json!([{"on": "write", "do": {"kind": "vanish"}}]),
        )
        .await;

    let vanished = client.begin_update(&[(1, json!({"Title": "now"}))]);

    assert!(vanished.await.unwrap().is_err());
    assert_eq!(title(client).await, "now");
    assert_eq!(client.counter("late_writes").await, 0);
    assert_eq!(client.counter("write_calls").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_allowed_is_not_applied_late_either() {
    let rig = one_contact(json!({})).await;
    let _time = StandingTime::begin();
    let mut client = rig.client.clone();
    let fault = json!([{"on": "write", "do": {"kind": "vanish"}}]);
    client.org("POST", "/faults", fault).await;
    client.token = "00D!nobody".to_owned();

    let refused = client.begin_update(&[(1, json!({"Title": "x"}))]);
    assert!(refused.await.unwrap().is_err());
    advance(Duration::from_secs(600)).await;

    assert_eq!(client.counter("write_calls_failed").await, 1);
    assert_eq!(client.counter("late_writes").await, 0);
    assert_eq!(title(&client).await, Value::Null);
}
