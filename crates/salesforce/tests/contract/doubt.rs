//! Whether a write that went wrong may have been stored: the difference
//! between sending again freely and with care.

use std::time::Duration;

use salesforce::{
    Endpoint, Http,
    collections::{self, Operation, Options, Record, WriteError, WriteOutcome},
    http::CallError,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::org::Org;

/// A value that nobody else has, and that is no code.
const MARK: &str = "marked: ada@example.org";

/// What a caller may believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// Certainly not stored.
    NotSent,
    InDoubt,
}

#[tokio::test]
async fn each_way_to_go_wrong_leaves_the_right_belief() {
    let org = Org::start(json!({})).await;
    for (action, belief, is_stored) in [
        (
            json!({"kind": "status", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED",
            "message": "TotalRequests Limit exceeded."}),
            Belief::NotSent,
            false,
        ),
        (
            json!({"kind": "status", "status": 401, "errorCode": "INVALID_SESSION_ID"}),
            Belief::NotSent,
            false,
        ),
        (
            json!({"kind": "status", "status": 400, "errorCode": "INVALID_FIELD"}),
            Belief::NotSent,
            false,
        ),
        (
            json!({"kind": "edge_page", "status": 420}),
            Belief::NotSent,
            false,
        ),
        (
            json!({"kind": "status", "status": 202, "body": "accepted", "applied": true}),
            Belief::InDoubt,
            true,
        ),
        (
            json!({"kind": "status", "status": 400, "errorCode": MARK, "message": MARK}),
            Belief::NotSent,
            false,
        ),
        // The same answers, whatever became of the records.
        (
            json!({"kind": "edge_page", "status": 503}),
            Belief::InDoubt,
            false,
        ),
        (
            json!({"kind": "edge_page", "status": 503, "applied": true}),
            Belief::InDoubt,
            true,
        ),
        (
            json!({"kind": "edge_page", "status": 504, "applied": true}),
            Belief::InDoubt,
            true,
        ),
        (
            json!({"kind": "status", "status": 500, "applied": true}),
            Belief::InDoubt,
            true,
        ),
        (json!({"kind": "cut_before"}), Belief::InDoubt, false),
        (json!({"kind": "cut_after"}), Belief::InDoubt, true),
        (json!({"kind": "truncate_results"}), Belief::InDoubt, true),
        (json!({"kind": "half_results"}), Belief::InDoubt, true),
        (json!({"kind": "drop_result", "at": 0}), Belief::InDoubt, true),
        (json!({"kind": "body", "shape": "empty"}), Belief::InDoubt, true),
        (
            json!({"kind": "body", "shape": "truncated_json"}),
            Belief::InDoubt,
            true,
        ),
        (
            json!({"kind": "body", "shape": "wrong_type"}),
            Belief::InDoubt,
            true,
        ),
        (
            json!({"kind": "body", "shape": "wrong_length"}),
            Belief::InDoubt,
            true,
        ),
    ] {
        let id = org.seed("Contact", json!({"LastName": "A"})).await;
        let other = org.seed("Contact", json!({"LastName": "B"})).await;
        org.script("write", action.clone()).await;
        let records = [
            (Some(id.as_str()), json!({"Title": MARK})),
            (Some(other.as_str()), json!({"Title": MARK})),
        ];
        let outcome = org.write_all(&Operation::Update, &records).await;

        let found = match &outcome {
            WriteOutcome::NotSent(_) => Belief::NotSent,
            WriteOutcome::InDoubt(_) => Belief::InDoubt,
            WriteOutcome::Answered(_) => panic!("{action}: {outcome:?}"),
        };
        assert_eq!(found, belief, "{action}: {outcome:?}");
        let stored = org
            .admin("GET", &format!("records/Contact/{id}"), Value::Null)
            .await;
        assert_eq!(stored["Title"] == MARK, is_stored, "{action}: {stored}");
        // Nothing that was sent, and no token, is in what a log would show.
        let shown = format!("{outcome:?} {}", chain(&outcome));
        for secret in [MARK, org.session.access_token.expose_secret()] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_in_doubt() {
    let org = Org::start(json!({"latency_ms": 500})).await;
    let outcome = update_by(&org.http.with_timeout(Duration::from_millis(50)), &org).await;
    assert!(
        matches!(
            outcome,
            WriteOutcome::InDoubt(WriteError::Call(CallError::TimedOut { .. }))
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_call_that_never_left_is_not_in_doubt() {
    let org = Org::start(json!({})).await;
    // Bound and dropped: nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoint = Endpoint::Simulator(nowhere.parse().unwrap());
    let outcome = update_by(&Http::new(endpoint, Duration::from_secs(5)).unwrap(), &org).await;
    assert!(
        matches!(
            outcome,
            WriteOutcome::NotSent(WriteError::Call(CallError::NotConnected { .. }))
        ),
        "{outcome:?}"
    );
}

/// Returns what a log would print of an error and its causes.
fn chain(outcome: &WriteOutcome) -> String {
    let mut shown = String::new();
    let mut next: Option<&dyn std::error::Error> = match outcome {
        WriteOutcome::Answered(_) => None,
        WriteOutcome::NotSent(error) | WriteOutcome::InDoubt(error) => Some(error),
    };
    while let Some(error) = next {
        shown += &format!("{error}: ");
        next = error.source();
    }
    shown
}

/// Updates a Contact of `org` by another client than the org's own.
async fn update_by(http: &Http, org: &Org) -> WriteOutcome {
    let records = [Record {
        key: Some(org.seed("Contact", json!({"LastName": "A"})).await),
        fields: vec![("Title".to_owned(), "x".into())],
    }];
    let (operation, options) = (Operation::Update, Options::default());
    collections::write(http, &org.session, "Contact", &operation, &records, &options).await
}
