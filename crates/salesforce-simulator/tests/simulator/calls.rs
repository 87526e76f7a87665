//! The last calls of an org.

use serde_json::{Value, json};

use crate::client::{Rig, body};

#[tokio::test]
async fn the_last_calls_are_told_with_client_records_and_fault() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let authorization = format!("Bearer {}", client.token);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("User-Agent", "curl/8.9"),
        ("Sforce-Call-Options", "client=sluice/1.0, defaultNamespace=ns"),
    ];
    let records = body("Contact", &json!([{"LastName": "A"}, {"LastName": "B"}])).to_string();
    let path = "/services/data/v67.0/composite/sobjects";
    client.exchange("POST", path, &headers, &records).await.unwrap();
    client
        .exchange("GET", "/services/data/v67.0/limits?x=1", &headers[..3], "")
        .await
        .unwrap();
    client
        .org(
            "POST",
            "/faults",
            json!([{"on": "write", "do": {"kind": "cut_before"}}]),
        )
        .await;
    client
        .exchange("POST", path, &headers[..2], &records)
        .await
        .unwrap_err();

    let last = client.org("GET", "/calls?last=3", Value::Null).await;
    let all = client.org("GET", "/calls", Value::Null).await;

    let time = "2026-11-20T09:15:00.123+0000";
    let wrote = json!({"n": 2, "time": time, "method": "POST", "path": path, "status": 200, "records": 2,
        "duration_ms": 0, "client": "sluice/1.0", "fault": null});
    let read = json!({"n": 3, "time": time, "method": "GET", "path": "/services/data/v67.0/limits", "status": 200,
        "records": 0, "duration_ms": 0, "client": "curl/8.9", "fault": null});
    let cut = json!({"n": 4, "time": time, "method": "POST", "path": path, "status": null, "records": 2,
        "duration_ms": 0, "client": null, "fault": "cut_before"});
    let mut without_durations = last;
    for call in without_durations.as_array_mut().unwrap() {
        assert!(call["duration_ms"].is_u64());
        call["duration_ms"] = json!(0);
    }
    assert_eq!(without_durations, json!([wrote, read, cut]));
    assert_eq!(all[0]["path"], "/services/oauth2/token");
    assert_eq!(all.as_array().unwrap().len(), 4);
}
