//! What Salesforce limits, and what keeps it from answering in time.

use chrono::{DateTime, Utc};
use contracts::config::v1::{DeliveryState, RecordType};
use serde_json::json;

use crate::{
    place::{Place, on_both_databases},
    whole::{Whole, people},
};

on_both_databases!(
    row_32_limits_refusals_and_slow_answers_cost_time_and_never_an_update,
    row_117_a_run_appears_with_the_hour_of_the_first_update,
);

async fn row_32_limits_refusals_and_slow_answers_cost_time_and_never_an_update(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    let status = |status: u16, code: &str, times: u32| {
        json!({"on": "write", "times": times,
            "do": {"kind": "status", "status": status, "errorCode": code, "retry_after": 0}})
    };
    // The quota of the day, for as long as it lasts: somebody is told.
    whole
        .admin(
            "POST",
            "/faults",
            json!([{"on": "write", "times": 1_000, "do": {"kind": "quota"}}]),
        )
        .await;
    whole.accept(people(1, 3)).await;
    let held = whole
        .destination_where(|destination| {
            let status = destination.delivery_status.as_ref();
            status.is_some_and(|status| status.reason == "REQUEST_LIMIT_EXCEEDED")
        })
        .await;
    let told = held.delivery_status.unwrap();
    assert_eq!(told.state(), DeliveryState::Error);
    assert!(
        told.message.contains("daily API calls are used up"),
        "{}",
        told.message
    );

    whole.admin("DELETE", "/faults", json!(null)).await;
    assert_eq!(whole.reasons(1).await, ["WRITTEN"; 3]);

    // A rate, a page of the edge, an outage, and answers that come late.
    let faults = json!([
        status(429, "TOO_MANY_REQUESTS", 2),
        {"on": "write", "times": 2, "do": {"kind": "edge_page", "status": 503}},
        status(500, "UNKNOWN_EXCEPTION", 1),
        {"on": "write", "times": 2, "do": {"kind": "slow", "delay_ms": 300}},
        {"on": "write", "times": 2, "do": {"kind": "slow_answer", "delay_ms": 300}},
    ]);
    whole.admin("POST", "/faults", faults).await;
    assert_eq!(whole.deliver(people(4, 20)).await, ["WRITTEN"; 20]);

    let mut keys: Vec<String> = (1..=23).map(|number| format!("u-{number:03}")).collect();
    keys.sort();
    assert_eq!(whole.created(0).await, keys, "each once");
    let run = whole.run().await;
    assert_eq!(
        (
            run.identities_delivered,
            run.identities_excluded,
            run.identities_failed
        ),
        (23, 0, 0)
    );
}

async fn row_117_a_run_appears_with_the_hour_of_the_first_update(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.applied().await;
    assert_eq!(whole.runs().await, []);

    whole.deliver(people(1, 1)).await;

    let [run] = &whole.runs().await[..] else {
        panic!("one run")
    };
    let hour: DateTime<Utc> = "2026-11-20T09:00:00Z".parse().unwrap();
    assert_eq!(run.start_time.as_ref().unwrap().seconds, hour.timestamp());
    assert_eq!((run.profiles_received, run.identities_delivered), (1, 1));
}
