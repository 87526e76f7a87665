//! Checks of live destinations that nobody asks for.

use chrono::TimeDelta;
use contracts::config::v1::{CheckChange, DestinationCheck, GetLastCheckRequest, ListCheckChangesRequest};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONTACTS, Rig},
    simulated::ACME,
};

on_both_databases!(
    a_live_destination_is_checked_daily_and_when_its_fields_change,
    an_org_that_is_away_takes_nothing_back,
    of_two_replicas_one_checks,
);

async fn last_check(rig: &Rig) -> Result<DestinationCheck, Status> {
    let request = GetLastCheckRequest {
        name: CONTACTS.to_owned(),
    };
    let answer = rig.preflight.clone().get_last_check(request).await?;
    Ok(answer.into_inner().check.unwrap())
}

async fn changes(rig: &Rig) -> Vec<CheckChange> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListCheckChangesRequest {
            parent: CONTACTS.to_owned(),
            page_size: 1,
            page_token,
        };
        let page = rig.preflight.clone().list_check_changes(request).await.unwrap();
        let page = page.into_inner();
        all.extend(page.changes);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

fn codes(change: &CheckChange) -> (Vec<&str>, Vec<&str>) {
    (
        change
            .appeared
            .iter()
            .map(|finding| finding.code.as_str())
            .collect(),
        change
            .disappeared
            .iter()
            .map(|finding| finding.code.as_str())
            .collect(),
    )
}

async fn describe_calls(rig: &Rig) -> u64 {
    let path = format!("/orgs/{ACME}/counters");
    let counters = rig.salesforce.admin("GET", &path, Value::Null).await;
    counters["describe_calls"].as_u64().unwrap()
}

async fn a_live_destination_is_checked_daily_and_when_its_fields_change(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let check = || async { rig.config.check_live_destinations().await.unwrap() };
    assert_eq!(check().await, 0, "drafts are not live");
    rig.activate(CONTACTS).await.unwrap();
    assert_eq!(last_check(&rig).await.unwrap_err().code(), Code::NotFound);

    assert_eq!(check().await, 1);
    let first = last_check(&rig).await.unwrap();
    assert_eq!((first.errors, first.advice), (0, 1));
    assert_eq!(check().await, 0, "not due");

    // An hour later the org is asked, and nothing changed.
    let asked = describe_calls(&rig).await;
    rig.advance(TimeDelta::hours(1));
    assert_eq!(check().await, 0);
    assert_eq!(describe_calls(&rig).await, asked + 1);
    assert_eq!(check().await, 0);
    assert_eq!(describe_calls(&rig).await, asked + 1, "once an hour");

    // The field goes; an hour later that is known.
    rig.salesforce
        .admin(
            "DELETE",
            &format!("/orgs/{ACME}/fields/Contact/vip__c"),
            Value::Null,
        )
        .await;
    rig.advance(TimeDelta::hours(1));
    assert_eq!(check().await, 1);
    assert_eq!(last_check(&rig).await.unwrap().findings[0].code, "FIELD_MISSING");

    // It comes back, as a text.
    rig.add_field("vip__c", json!({})).await;
    rig.advance(TimeDelta::hours(25));
    assert_eq!(check().await, 1);
    assert_eq!(last_check(&rig).await.unwrap().findings, []);

    let changes = changes(&rig).await;
    let told: Vec<_> = changes.iter().map(codes).collect();
    assert_eq!(
        told,
        [
            (vec![], vec!["FIELD_MISSING"]),
            (vec!["FIELD_MISSING"], vec!["LONG_TEXT"]),
        ],
        "newest first"
    );
    assert!(changes.iter().all(|change| change.time.is_some()));
}

async fn an_org_that_is_away_takes_nothing_back(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    assert_eq!(rig.config.check_live_destinations().await.unwrap(), 1);
    let before = last_check(&rig).await.unwrap();
    let down = json!([{"on": "any", "times": 100, "do": {"kind": "status", "status": 503,
        "errorCode": "SERVER_UNAVAILABLE", "message": "try again"}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), down)
        .await;
    rig.advance(TimeDelta::hours(25));

    assert_eq!(rig.config.check_live_destinations().await.unwrap(), 0);

    assert_eq!(last_check(&rig).await.unwrap(), before);
    rig.salesforce
        .admin("DELETE", &format!("/orgs/{ACME}/faults"), Value::Null)
        .await;
    // The user was locked out: that is told, and what the org said stays.
    let inactive = json!({"active": false});
    rig.salesforce
        .admin("PATCH", &format!("/orgs/{ACME}/users/svc@acme.example"), inactive)
        .await;
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/sessions/expire"), Value::Null)
        .await;
    assert_eq!(rig.config.check_live_destinations().await.unwrap(), 1);
    let locked_out = last_check(&rig).await.unwrap();
    let found: Vec<&str> = locked_out
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(found, ["USER_INACTIVE", "LONG_TEXT"]);
    assert!(!locked_out.org_asked);
}

async fn of_two_replicas_one_checks(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let other = rig.second_service(place).await;
    assert_eq!(rig.config.check_live_destinations().await.unwrap(), 0);
    rig.activate(CONTACTS).await.unwrap();

    assert_eq!(other.check_live_destinations().await.unwrap(), 0);
    assert_eq!(rig.config.check_live_destinations().await.unwrap(), 1);

    // The other one takes over when the first is gone, and the day is over.
    rig.advance(TimeDelta::hours(25));
    assert_eq!(other.check_live_destinations().await.unwrap(), 1);
    assert_eq!(rig.config.check_live_destinations().await.unwrap(), 0);
    other.close().await;
}
