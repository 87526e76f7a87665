//! The whole fault script: where faults hit, what they leave applied, and what the client gets instead.

use std::time::Duration;

use salesforce_simulator::record_id;
use serde_json::{Value, json};
use tokio::time::advance;

use crate::client::{Answer, Client, Rig, StandingTime, call_error, written};

/// Starts an org with Contacts 1 to 4.
async fn four_contacts(options: Value) -> Rig {
    let rig = Rig::with_org(options).await;
    let contacts = json!([{"LastName": "A"}, {"LastName": "B"}, {"LastName": "C"}, {"LastName": "D"}]);
    rig.client.org("POST", "/records/Contact", contacts).await;
    rig
}

async fn script(client: &Client, faults: Value) {
    client.org("POST", "/faults", faults).await;
}

/// Gives all Contacts a title, while `fault` is scripted, and expects an answer.
async fn update_under(client: &Client, fault: Value, title: &str) -> Answer {
    script(client, json!([{"on": "write", "do": fault}])).await;
    let titles: Vec<_> = (1..=4).map(|number| (number, json!({"Title": title}))).collect();
    client.begin_update(&titles).await.unwrap().unwrap()
}

async fn titles(client: &Client) -> Vec<Value> {
    let contacts = client.org("GET", "/records/Contact", Value::Null).await;
    contacts
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["Title"].clone())
        .collect()
}

fn all_written() -> Value {
    (1..=4).map(|number| written(&record_id("003", number))).collect()
}

#[tokio::test]
async fn an_error_or_a_page_can_be_told_before_or_after_applying() {
    let rig = four_contacts(json!({})).await;
    let client = &rig.client;
    for (number, (fault, status, is_applied)) in [
        (json!({"kind": "status", "status": 500}), 500, false),
        (
            json!({"kind": "status", "status": 500, "applied": true}),
            500,
            true,
        ),
        (json!({"kind": "edge_page", "status": 503}), 503, false),
        (json!({"kind": "edge_page", "status": 420}), 420, false),
        (
            json!({"kind": "edge_page", "status": 502, "applied": true}),
            502,
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let title = format!("title {number}");
        let is_page = fault["kind"] == "edge_page";

        let answer = update_under(client, fault, &title).await;

        assert_eq!(answer.status, status);
        assert_eq!(answer.text.starts_with("<!DOCTYPE html>"), is_page);
        assert_eq!(titles(client).await[0] == title.as_str(), is_applied, "{title}");
    }
}

#[tokio::test]
async fn results_go_missing_without_changing_their_order() {
    let rig = four_contacts(json!({})).await;
    let client = &rig.client;
    for (fault, positions) in [
        (json!({"kind": "half_results"}), vec![0, 1]),
        (json!({"kind": "drop_result", "at": 1}), vec![0, 2, 3]),
        (json!({"kind": "drop_result"}), vec![1, 2, 3]),
        (json!({"kind": "truncate_results"}), vec![0, 1, 2]),
        (
            json!({"kind": "body", "shape": "wrong_length"}),
            vec![0, 1, 2, 3, 3],
        ),
    ] {
        let title = fault.to_string();
        let answer = update_under(client, fault, &title).await;
        let all = all_written();
        let left: Value = positions
            .into_iter()
            .map(|position: usize| all[position].clone())
            .collect();
        assert_eq!((answer.status, answer.json()), (200, left), "{title}");
        assert_eq!(titles(client).await, vec![json!(title); 4]);
    }

    script(client, json!([{"on": "query", "do": {"kind": "half_results"}}])).await;
    let short = client.get("/query?q=SELECT+Id+FROM+Contact").await.json();
    assert_eq!(short["totalSize"], 4);
    assert_eq!(short["records"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_success_can_have_a_body_that_is_no_answer() {
    let rig = four_contacts(json!({})).await;
    let client = &rig.client;
    let whole = all_written().to_string();
    for (shape, expected) in [
        ("empty", String::new()),
        ("truncated_json", whole[..whole.len() / 2].to_owned()),
        ("wrong_type", format!("{{\"results\":{whole}}}")),
    ] {
        let answer = update_under(client, json!({"kind": "body", "shape": shape}), shape).await;
        assert_eq!((answer.status, answer.text), (200, expected));
        assert_eq!(titles(client).await[3], shape);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_applied_first_and_told_late() {
    let rig = four_contacts(json!({})).await;
    let _time = StandingTime::begin();
    let client = &rig.client;
    script(
        client,
        json!([{"on": "write", "do": {"kind": "slow_answer", "delay_ms": 90_000}}]),
    )
    .await;

    let update = client.begin_update(&[(1, json!({"Title": "done"}))]);
    client.until_counter("write_calls", 1).await;
    assert_eq!(titles(client).await[0], "done");
    assert!(!update.is_finished());
    advance(Duration::from_secs(90)).await;

    assert_eq!(update.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn faults_hit_the_requests_they_are_for_and_are_listed_until_used_up() {
    let rig = four_contacts(json!({})).await;
    let client = &rig.client;
    let refuse = |number: u16| json!({"kind": "status", "status": number});
    let scripted = json!([
        {"on": "query", "do": refuse(501)},
        {"on": "bulk", "do": refuse(502)},
        {"on": "tooling", "do": refuse(503)},
        {"on": "describe", "skip": 1, "times": 2, "do": {"kind": "slow", "delay_ms": 0}},
    ]);
    script(client, scripted).await;

    let statuses = [
        client.get("/limits").await.status,
        client.get("/sobjects/Lead/describe").await.status,
        client.get("/query?q=SELECT+Id+FROM+Lead").await.status,
        client.get("/jobs/ingest").await.status,
        client.get("/tooling/query?q=x").await.status,
    ];
    let left = client.org("GET", "/faults", Value::Null).await;

    assert_eq!(statuses, [200, 200, 501, 502, 503]);
    assert_eq!(
        left,
        json!([{"on": "describe", "skip": 0, "times": 2, "do": {"kind": "slow", "delay_ms": 0}}])
    );
    client.org("DELETE", "/faults", Value::Null).await;
    assert_eq!(client.org("GET", "/faults", Value::Null).await, json!([]));
}

#[tokio::test]
async fn what_is_listed_can_be_scripted_again() {
    let rig = four_contacts(json!({})).await;
    let client = &rig.client;
    let kinds = json!([
        {"on": "write", "skip": 0, "times": 1, "do": {"kind": "status", "status": 420, "errorCode": "X", "message": "m",
            "content_type": "text/html;charset=UTF-8", "applied": true}},
        {"on": "any", "skip": 2, "times": 3, "do": {"kind": "edge_page", "status": 504, "applied": false}},
        {"on": "any", "skip": 0, "times": 1, "do": {"kind": "vanish"}},
        {"on": "any", "skip": 0, "times": 1, "do": {"kind": "drop_result", "at": 4}},
        {"on": "write", "skip": 0, "times": 1, "do": {"kind": "record_error", "ids": ["a"], "every": 2,
            "statusCode": "S", "message": "", "fields": []}},
        {"on": "token", "skip": 0, "times": 1, "do": {"kind": "body", "shape": "truncated_json"}},
    ]);
    script(client, kinds.clone()).await;
    let listed = client.org("GET", "/faults", Value::Null).await;
    assert_eq!(listed, kinds);
    client.org("DELETE", "/faults", Value::Null).await;
    script(client, listed).await;

    let wrong = json!([{"on": "any", "do": {"kind": "edge_page", "status": 500}}]);
    let refused = client
        .admin("POST", &format!("/orgs/{}/faults", client.host), &wrong)
        .await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("420, 502, 503 and 504"), "{refused:?}");
}

#[tokio::test]
async fn a_fault_that_could_do_nothing_is_refused() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let never = json!({"kind": "record_error", "every": 0, "statusCode": "X"});
    let records = json!({"kind": "record_error", "statusCode": "X"});
    let half = json!({"kind": "half_results"});
    for (fault, told) in [
        (
            json!({"on": "write", "times": 0, "do": {"kind": "quota"}}),
            "[1].times is 0",
        ),
        (json!({"on": "write", "do": never}), "[1].do.every is 0"),
        (
            json!({"on": "query", "do": records}),
            "on must be write, bulk_rows or any",
        ),
        (
            json!({"on": "bulk", "do": records}),
            "on must be write, bulk_rows or any",
        ),
        (json!({"on": "describe", "do": half}), "hold no list of results"),
        (
            json!({"on": "token", "do": {"kind": "drop_result"}}),
            "do.kind is drop_result",
        ),
        (
            json!({"on": "token", "do": {"kind": "truncate_results"}}),
            "hold no list of results",
        ),
        (
            json!({"on": "bulk_rows", "do": half}),
            "must be record_error or status",
        ),
    ] {
        let sent = json!([{"on": "any", "do": records}, fault]);
        let refused = client
            .admin("POST", &format!("/orgs/{}/faults", client.host), &sent)
            .await;
        let error = refused.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(refused.status, 400, "{sent}");
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(client.org("GET", "/faults", Value::Null).await, json!([]));
}

#[tokio::test]
async fn errors_come_in_every_form_that_the_contract_knows() {
    for (form, expected) in [
        (
            "array",
            call_error("NOT_FOUND", "The requested resource does not exist").to_string(),
        ),
        (
            "bare_object",
            call_error("NOT_FOUND", "The requested resource does not exist")[0].to_string(),
        ),
        ("empty", String::new()),
    ] {
        let rig = Rig::with_org(json!({"switches": {"error_body": form}})).await;
        let answer = rig.client.get("/nothing").await;
        assert_eq!((answer.status, answer.text.as_str()), (404, expected.as_str()));
        assert!(answer.header("sforce-limit-info").is_some());
        assert_eq!(rig.client.get("/limits").await.status, 200);
    }
    let rig = Rig::with_org(json!({"switches": {"error_body": "html"}})).await;
    let page = rig.client.get("/nothing").await;
    assert_eq!(page.header("content-type"), Some("text/html;charset=UTF-8"));
    assert!(page.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_session_can_be_refused_so_that_a_new_token_does_not_help() {
    let rig = Rig::with_org(json!({"switches": {"session_error": "not_valid_for_rest_api"}})).await;
    script(
        &rig.client,
        json!([{"on": "any", "do": {"kind": "expire_sessions"}}]),
    )
    .await;
    let answer = rig.client.get("/limits").await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            401,
            call_error(
                "INVALID_SESSION_ID",
                "This session is not valid for use with the REST API"
            )
        )
    );
}

#[tokio::test]
async fn latencies_that_contradict_each_other_are_refused() {
    let rig = Rig::empty().await;
    for (options, named) in [
        (
            json!({"latency_ms": 1, "latency": {"per_call_ms": 1}}),
            "latency_ms and latency",
        ),
        (
            json!({"latency": {"per_call_ms": 1, "distribution": "uniform", "spread": 2.0}}),
            "latency.spread",
        ),
        (json!({"latency": {"per_call": 1}}), "`per_call`"),
        (json!({"concurrent_long_limit": 0}), "nonzero"),
    ] {
        let mut org = options;
        org["host"] = json!("b.my.salesforce.com");
        let answer = rig.client.admin("POST", "/orgs", &org).await;
        assert_eq!(answer.status, 400, "{org}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(named), "{error}");
    }
}
