//! §2.6: what fails a whole call, and what fails one record of it.

use http::Method;
use salesforce::{
    collections::{Operation, RecordResult, WriteError, WriteOutcome},
    refusal::{Fault, Refusal, Retry},
};
use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::org::{Org, refused, results, upsert};

const GOOD: &str = r#"{"attributes": {"type": "Contact"}, "LastName": "Good", "Key__c": "good"}"#;

/// Sends raw records in one create and returns the refusal, after which
/// nothing may be stored.
async fn whole(org: &Org, records: &str) -> Refusal {
    let body = format!(r#"{{"records": [{GOOD}, {records}]}}"#);
    let answer = org.send(Method::POST, "/composite/sobjects", &body).await;
    assert!(!answer.status.is_success(), "{answer:?}");
    assert_nothing_stored(org).await;
    answer.refusal()
}

async fn assert_nothing_stored(org: &Org) {
    let stored = org.admin("GET", "records/Contact", Value::Null).await;
    assert_eq!(stored, json!([]));
}

#[tokio::test]
async fn what_cannot_be_read_fails_the_whole_call() {
    let org = Org::start(json!({})).await;
    for (records, code, fault, retry) in [
        (
            r#"{"LastName": }"#,
            "JSON_PARSER_ERROR",
            Fault::Batch,
            Retry::Never,
        ),
        (
            r#"{"attributes": {"type": "Contact"}, "LastName": "Bad", "X__c": 1}"#,
            "INVALID_FIELD",
            Fault::Configuration,
            Retry::AfterChange,
        ),
        (
            r#"{"attributes": {"type": "Contact"}, "LastName": "Bad", "Birthdate": "soon"}"#,
            "JSON_PARSER_ERROR",
            Fault::Batch,
            Retry::Never,
        ),
    ] {
        let refusal = whole(&org, records).await;
        assert_eq!((refusal.status, refusal.code.as_str()), (400, code), "{records}");
        assert_eq!((refusal.fault, refusal.retry), (fault, retry), "{records}");
    }
}

#[tokio::test]
async fn a_number_may_be_sent_as_text() {
    let org = Org::start(json!({})).await;
    let outcome = org
        .write(
            &Operation::Create,
            None,
            json!({"LastName": "Number", "Score__c": "1"}),
        )
        .await;
    assert!(matches!(results(outcome)[0], RecordResult::Saved { .. }));
    let stored = org.admin("GET", "records/Contact", Value::Null).await;
    assert_eq!(stored[0]["Score__c"].as_f64(), Some(1.0));
}

#[tokio::test]
async fn an_unknown_object_and_an_unknown_key_fail_the_whole_call() {
    let org = Org::start(json!({})).await;
    let outcome = org
        .write_object(
            "Nothing__c",
            &upsert("Key__c"),
            &[(Some("a"), json!({}))],
            &Default::default(),
        )
        .await;
    let refusal = not_sent(outcome);
    assert_eq!((refusal.status, refusal.code.as_str()), (404, "NOT_FOUND"));
    assert_eq!(refusal.message, "The requested resource does not exist");
    assert_eq!(refusal.fault, Fault::Configuration);

    for (switch, status) in [("404", 404), ("400", 400)] {
        org.admin("PATCH", "switches", json!({"key_not_indexed": switch}))
            .await;
        for key in ["Nope__c", "Title"] {
            let outcome = org
                .write(&upsert(key), Some("a"), json!({"LastName": "Bad"}))
                .await;
            let refusal = not_sent(outcome);
            assert_eq!(refusal.status, status, "{key}: {refusal:?}");
            assert!(
                refusal.message.contains(key),
                "the message names no {key}: {refusal:?}"
            );
            assert_eq!(
                (refusal.fault, refusal.retry),
                (Fault::Configuration, Retry::AfterChange),
                "{key}"
            );
        }
    }
    org.admin("PATCH", "switches", json!({"key_not_indexed": "element"}))
        .await;
    let refusal = refused(
        org.write(&upsert("Title"), Some("a"), json!({"LastName": "Bad"}))
            .await,
    );
    assert!(
        refusal
            .error
            .message
            .contains("does not match an External ID, Salesforce Id, or indexed field")
    );
    assert_nothing_stored(&org).await;
}

#[tokio::test]
async fn more_than_200_records_are_refused_by_either_side() {
    let org = Org::start(json!({})).await;
    let many = vec![GOOD; 200].join(",");
    let refusal = whole(&org, &many).await;
    assert_eq!((refusal.status, refusal.fault), (400, Fault::Batch));
    assert_eq!(refusal.retry, Retry::Smaller);

    let records = vec![(None, json!({"LastName": "Many"})); 201];
    assert!(matches!(
        org.write_all(&Operation::Create, &records).await,
        WriteOutcome::NotSent(WriteError::TooManyRecords { count: 201 })
    ));
}

#[tokio::test]
async fn row_86_158_one_bad_record_fails_alone() {
    let org = Org::start(json!({})).await;
    let bad = [
        json!({"LastName": "Bad", "Email": "nope"}),
        json!({"LastName": "x".repeat(81)}),
        json!({"LastName": "Bad", "Tier__c": "silver"}),
        json!({"LastName": null}),
        json!({"LastName": "Bad", "AccountId": record_id("001", 9_999)}),
        json!({"LastName": "Bad", "AccountId": "x"}),
    ];
    let mut records = vec![(None, json!({"LastName": "Good"}))];
    records.extend(bad.into_iter().map(|fields| (None, fields)));
    let results = results(org.write_all(&Operation::Create, &records).await);
    assert!(matches!(results[0], RecordResult::Saved { .. }));
    for (position, result) in results.iter().enumerate().skip(1) {
        let RecordResult::Refused(refusal) = result else {
            panic!("{position}: {result:?}");
        };
        assert_eq!(
            (refusal.fault, refusal.retry),
            (Fault::Record, Retry::Never),
            "{position}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn a_rehearsal_judges_every_record_and_stores_none() {
    let org = Org::start(json!({})).await;
    let options = salesforce::collections::Options {
        all_or_none: true,
        ..Default::default()
    };
    let records = [
        (None, json!({"LastName": "Good"})),
        (None, json!({"LastName": "Bad", "Email": "nope"})),
        (None, json!({"LastName": "x".repeat(81)})),
    ];
    let results = results(
        org.write_object("Contact", &Operation::Create, &records, &options)
            .await,
    );
    assert_eq!(results[0], RecordResult::RolledBack);
    let codes: Vec<&str> = results[1..]
        .iter()
        .map(|result| match result {
            RecordResult::Refused(refusal) => refusal.error.code.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, ["INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG"]);
    assert_nothing_stored(&org).await;
}

fn not_sent(outcome: WriteOutcome) -> Refusal {
    match outcome {
        WriteOutcome::NotSent(WriteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}
