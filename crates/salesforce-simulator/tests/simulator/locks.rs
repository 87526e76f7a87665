//! Row locks: overlapping writes to one Account or one record.

use std::time::Duration;

use salesforce_simulator::record_id;
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use crate::client::{Client, Rig, StandingTime, refused, written};

fn contact(number: u64) -> String {
    record_id("003", number)
}

fn account(number: u64) -> String {
    record_id("001", number)
}

fn locked(id: &str) -> Value {
    let message = format!("unable to obtain exclusive access to this record or 1 records: {id}");
    refused("UNABLE_TO_LOCK_ROW", &message, &[])
}

/// Starts an org with Contacts 1 and 2 of Account 1, Contact 3 of Account 3, and Contact 4 of none.
async fn accounts(options: Value) -> Rig {
    let rig = Rig::with_org(options).await;
    let accounts = json!([{"Id": account(1), "Name": "One"}, {"Id": account(3), "Name": "Three"}]);
    rig.client.org("POST", "/records/Account", accounts).await;
    let contacts = json!([
        {"LastName": "A", "AccountId": account(1)},
        {"LastName": "B", "AccountId": account(1)},
        {"LastName": "C", "AccountId": account(3)},
        {"LastName": "D"},
    ]);
    rig.client.org("POST", "/records/Contact", contacts).await;
    rig
}

/// Lets the next write take this long.
async fn slow(client: &Client, delay_ms: u64) {
    let fault = json!([{"on": "write", "do": {"kind": "slow", "delay_ms": delay_ms}}]);
    client.org("POST", "/faults", fault).await;
}

#[tokio::test(start_paused = true)]
async fn the_later_of_two_writes_to_one_account_fails_after_the_wait_row_by_row() {
    let rig = accounts(json!({})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    slow(client, 60_000).await;
    let first = client.begin_update(&[(1, json!({"Title": "first"}))]);
    client.until_faults_are_used_up().await;
    let second = client.begin_update(&[(2, json!({"Title": "second"})), (3, json!({"Title": "second"}))]);
    client.until_counter("lock_waits", 1).await;

    advance(Duration::from_millis(9_999)).await;
    client.counter("lock_waits").await;
    assert!(!second.is_finished());
    advance(Duration::from_millis(1)).await;
    let second = second.await.unwrap().unwrap().json();
    assert!(!first.is_finished());
    advance(Duration::from_secs(50)).await;
    let first = first.await.unwrap().unwrap().json();

    assert_eq!(second, json!([locked(&account(1)), written(&contact(3))]));
    assert_eq!(first, json!([written(&contact(1))]));
    assert_eq!(client.counter("lock_failures").await, 1);
    // Nothing is locked any more.
    let again = client.begin_update(&[(1, json!({"Title": "x"})), (2, json!({"Title": "x"}))]);
    assert_eq!(again.await.unwrap().unwrap().json()[1]["success"], true);
    assert_eq!(client.counter("lock_waits").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_moved_contact_locks_both_accounts_and_who_waits_is_served_in_turn() {
    let rig = accounts(json!({"latency": {"per_call_ms": 1_000, "per_record_us": 500_000}})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    let start = Instant::now();
    let moving = client.begin_update(&[(4, json!({"AccountId": &account(3)[..15], "Title": "moved"}))]);
    client.until_counter("max_concurrent_writes", 1).await;
    let third = client.begin_update(&[(3, json!({"Title": "third"}))]);
    client.until_counter("lock_waits", 1).await;
    let fourth = client.begin_update(&[(4, json!({"Title": "fourth"}))]);
    client.until_counter("lock_waits", 2).await;

    for _ in 0..2 {
        advance(Duration::from_millis(1_499)).await;
        client.counter("lock_waits").await;
        assert!(!third.is_finished() && !fourth.is_finished());
        advance(Duration::from_millis(1)).await;
        if !moving.is_finished() {
            client.until_counter("records_written", 1).await;
        }
    }
    assert_eq!(third.await.unwrap().unwrap().status, 200);
    assert!(!fourth.is_finished());
    advance(Duration::from_millis(1_500)).await;

    assert_eq!(moving.await.unwrap().unwrap().status, 200);
    assert_eq!(fourth.await.unwrap().unwrap().status, 200);
    assert_eq!(start.elapsed(), Duration::from_millis(4_500));
    let stored = client
        .org("GET", &format!("/records/Contact/{}", contact(4)), Value::Null)
        .await;
    assert_eq!(
        (&stored["Title"], &stored["AccountId"]),
        (&json!("fourth"), &json!(account(3)))
    );
    assert_eq!(client.counter("lock_failures").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_single_write_to_an_account_keeps_its_contacts_waiting_also_where_a_key_names_it() {
    let rig = accounts(json!({"lock_wait_ms": 500})).await;
    let client = &rig.client;
    let key =
        json!({"object": "Account", "name": "Key__c", "type": "string", "external_id": true, "unique": true});
    client.org("POST", "/fields", key).await;
    client
        .org(
            "PATCH",
            &format!("/records/Account/{}", account(1)),
            json!({"Key__c": "one"}),
        )
        .await;
    let _time = StandingTime::begin();
    slow(client, 60_000).await;
    let (single, path) = (client.clone(), format!("/sobjects/Account/{}", account(1)));
    let renames = tokio::spawn(async move { single.rest("PATCH", &path, &json!({"Name": "Won"})).await });
    client.until_faults_are_used_up().await;
    let updates = client.begin_update(&[
        (1, json!({"Title": "x"})),
        (4, json!({"Account": {"Key__c": "one"}})),
        (3, json!({"Title": "x"})),
    ]);
    client.until_counter("lock_waits", 1).await;

    advance(Duration::from_millis(500)).await;
    let updates = updates.await.unwrap().unwrap().json();
    advance(Duration::from_secs(60)).await;

    assert_eq!(
        updates,
        json!([locked(&account(1)), locked(&account(1)), written(&contact(3))])
    );
    assert_eq!(renames.await.unwrap().status, 204);
}

#[tokio::test(start_paused = true)]
async fn a_record_without_an_account_is_locked_itself_and_a_switch_fails_the_whole_batch() {
    let rig = accounts(json!({"lock_wait_ms": 500, "switches": {"row_lock": "whole_batch"}})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    slow(client, 60_000).await;
    let _first = client.begin_update(&[(4, json!({"Title": "first"}))]);
    client.until_faults_are_used_up().await;
    let second = client.begin_update(&[(1, json!({"Title": "second"})), (4, json!({"Title": "second"}))]);
    client.until_counter("lock_waits", 1).await;

    advance(Duration::from_millis(500)).await;

    let second = second.await.unwrap().unwrap().json();
    assert_eq!(second, json!([locked(&contact(4)), locked(&contact(4))]));
    assert_eq!(client.counter("lock_failures").await, 2);
}

#[tokio::test(start_paused = true)]
async fn clients_that_hang_up_leave_no_locks_behind() {
    let rig = accounts(json!({})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    slow(client, 5_000).await;
    let holds = client.begin_update(&[(1, json!({"Title": "holds"}))]);
    client.until_faults_are_used_up().await;
    let waits = client.begin_update(&[(1, json!({"Title": "waits"}))]);
    client.until_counter("lock_waits", 1).await;
    for hung_up in [holds, waits] {
        hung_up.abort();
        assert!(hung_up.await.unwrap_err().is_cancelled());
    }

    advance(Duration::from_secs(5)).await;
    client.until_counter("write_calls", 2).await;

    let after = client.begin_update(&[(1, json!({"Title": "after"}))]);
    assert_eq!(
        after.await.unwrap().unwrap().json(),
        json!([written(&contact(1))])
    );
    assert_eq!(client.counter("lock_waits").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_for_its_session_or_the_quota_locks_nothing_and_overlaps_with_nothing() {
    let rig = accounts(json!({"latency_ms": 5_000})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    let stranger = Client {
        token: "dead".to_owned(),
        ..client.clone()
    };
    let quota = json!([{"on": "write", "do": {"kind": "quota"}}]);
    slow(client, 0).await;
    let refused = stranger.begin_update(&[(1, json!({"Title": "refused"}))]);
    client.until_faults_are_used_up().await;
    client.org("POST", "/faults", quota).await;
    let scripted = client.begin_update(&[(1, json!({"Title": "refused"}))]);
    client.until_faults_are_used_up().await;
    slow(client, 0).await;
    let welcome = client.begin_update(&[(1, json!({"Title": "written"}))]);
    client.until_faults_are_used_up().await;
    client.org("POST", "/usage", json!({"used": 100_000})).await;
    slow(client, 0).await;
    let exhausted = client.begin_update(&[(1, json!({"Title": "refused"}))]);
    client.until_faults_are_used_up().await;
    client.org("POST", "/usage", json!({"used": 0})).await;
    // Told before time moves: whoever waited for a row here would wait for good.
    assert_eq!(client.counter("same_record_overlaps").await, 0);
    advance(Duration::from_secs(5)).await;

    assert_eq!(refused.await.unwrap().unwrap().status, 401);
    assert_eq!(scripted.await.unwrap().unwrap().status, 403);
    // Refused as it was foreseen, although there is room again.
    assert_eq!(exhausted.await.unwrap().unwrap().status, 403);
    assert_eq!(
        welcome.await.unwrap().unwrap().json(),
        json!([written(&contact(1))])
    );
    for (name, count) in [
        ("lock_waits", 0),
        ("max_concurrent_writes", 1),
        ("write_calls", 1),
        ("write_calls_failed", 3),
    ] {
        assert_eq!(client.counter(name).await, count, "{name}");
    }
}
