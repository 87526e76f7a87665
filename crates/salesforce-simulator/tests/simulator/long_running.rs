//! The limit of long-running requests.

use std::time::Duration;

use serde_json::json;
use tokio::time::advance;

use crate::client::{Rig, StandingTime, call_error};

#[tokio::test(start_paused = true)]
async fn too_many_long_requests_refuse_new_ones_until_they_end() {
    // A Developer Edition, which has five.
    let rig = Rig::with_org(json!({})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    let slow = json!({"kind": "slow", "delay_ms": 30_000});
    client
        .org(
            "POST",
            "/faults",
            json!([{"on": "query", "times": 5, "do": slow}]),
        )
        .await;
    let running: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("/query?q=SELECT+Id+FROM+Lead").await.status })
        })
        .collect();
    client.until_faults_are_used_up().await;

    advance(Duration::from_millis(19_999)).await;
    assert_eq!(client.get("/limits").await.status, 200);
    advance(Duration::from_millis(1)).await;
    let refused = client.get("/limits").await;
    client.log_in().await;
    advance(Duration::from_secs(10)).await;
    for request in running {
        assert_eq!(request.await.unwrap(), 200);
    }

    assert_eq!(
        (refused.status, refused.json()),
        (
            403,
            call_error("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded")
        )
    );
    // Every REST answer tells the usage (salesforce-contract.md §4.1); the refusal cost nothing.
    assert_eq!(refused.header("sforce-limit-info"), Some("api-usage=1/100000"));
    assert_eq!(client.get("/limits").await.status, 200);
    assert_eq!(client.counter("long_running_refused").await, 1);
}
