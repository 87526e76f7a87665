//! CheckConnection: whether a login works, and what is wrong when it does not.

use contracts::config::v1::{CheckConnectionRequest, ConnectionCheck, ConnectionState};
use serde_json::{Value, json};
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, app, user},
    simulated::ACME,
};

on_both_databases!(
    a_login_that_works_tells_the_org_and_pins_it,
    another_org_behind_the_same_login_is_told_and_not_pinned,
);

async fn a_login_that_works_tells_the_org_and_pins_it(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let options = json!({"name": "Acme Inc", "type": "Enterprise Edition"});
    let org_id = rig.salesforce.create_org(ACME, options).await;
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    let unchecked = rig.connection(CONNECTION).await.unwrap();

    let check = rig.check(CONNECTION).await;

    assert_eq!(
        check,
        ConnectionCheck {
            state: ConnectionState::Connected.into(),
            org_id: org_id.clone(),
            org_name: "Acme Inc".to_owned(),
            org_type: "Enterprise Edition".to_owned(),
            username: "svc@acme.example".to_owned(),
            check_time: check.check_time,
            ..Default::default()
        }
    );
    assert!(check.check_time.is_some());
    assert_eq!((unchecked.org_id.as_str(), unchecked.last_check), ("", None));
    let checked = rig.connection(CONNECTION).await.unwrap();
    assert_eq!((checked.org_id, checked.last_check), (org_id, Some(check)));
    // A check is no change by an admin.
    assert_eq!(checked.etag, unchecked.etag);
}

async fn another_org_behind_the_same_login_is_told_and_not_pinned(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let pinned = rig.check(CONNECTION).await.org_id;
    rig.salesforce
        .admin("DELETE", &format!("/orgs/{ACME}"), Value::Null)
        .await;
    let other = rig.salesforce.create_org(ACME, json!({"seed": 7})).await;
    assert_ne!(other, pinned);

    let check = rig.check(CONNECTION).await;
    let activation = rig.activate(CONTACTS).await.unwrap_err();

    assert_refused(&check, "ORG_CHANGED");
    for id in [&pinned, &other] {
        assert!(check.message.contains(id), "{check:?}");
    }
    let connection = rig.connection(CONNECTION).await.unwrap();
    assert_eq!((connection.org_id, connection.last_check), (pinned, Some(check)));
    assert_eq!(activation.code(), Code::FailedPrecondition);
    assert_eq!(contracts::status::reason(&activation), "ORG_CHANGED");
}

#[track_caller]
fn assert_refused(check: &ConnectionCheck, reason: &str) {
    assert_eq!(check.reason, reason, "{check:?}");
    assert_eq!(check.state(), ConnectionState::Refused, "{check:?}");
    assert!(!check.message.is_empty() && !check.fix.is_empty(), "{check:?}");
    assert_eq!(check.org_id, "");
}

#[tokio::test]
async fn each_login_that_does_not_work_is_told_with_its_reason() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    rig.salesforce.create_acme().await;
    let inactive = json!({"users": [{"username": "svc@acme.example", "active": false}]});
    rig.salesforce
        .create_org("left.my.salesforce.com", inactive)
        .await;
    let blocked = json!({"password_flow": "blocked"});
    rig.salesforce.create_org("new.my.salesforce.com", blocked).await;
    for (id, domain, grant, reason) in [
        ("secret", "acme", app("mistyped"), "CLIENT_SECRET_REFUSED"),
        ("domain", "acmee", app("app-secret"), "UNKNOWN_DOMAIN"),
        ("inactive", "left", app("app-secret"), "USER_INACTIVE"),
        ("blocked", "new", user(), "CREDENTIALS_REFUSED"),
    ] {
        let created = rig.create_connection(WORKSPACE, id, domain).await.unwrap();
        rig.put_credentials(&created.name, grant).await;

        let check = rig.check(&created.name).await;

        assert_refused(&check, reason);
        let stored = rig.connection(&created.name).await.unwrap();
        assert_eq!((stored.org_id.as_str(), stored.last_check), ("", Some(check)));
    }
    // Credentials that were mended work at once: a refusal is not remembered.
    let mended = "workspaces/acme/connections/secret";
    rig.put_credentials(mended, app("app-secret")).await;
    assert_eq!(rig.check(mended).await.state(), ConnectionState::Connected);
}

#[tokio::test]
async fn a_connection_without_credentials_is_told_with_what_to_do() {
    let place = Place::sqlite();
    let rig = Rig::start_with_connection(&place).await;

    let check = rig.check(CONNECTION).await;

    assert_refused(&check, "CREDENTIALS_NOT_FOUND");
}

#[tokio::test]
async fn a_salesforce_that_cannot_be_asked_is_unreachable_and_not_refused() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let pinned = rig.check(CONNECTION).await.org_id;
    let down = json!([{"on": "any", "times": 2, "do": {"kind": "status", "status": 503,
        "errorCode": "SERVER_UNAVAILABLE", "message": "try again"}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), down)
        .await;

    let check = rig.check(CONNECTION).await;
    let activation = rig.activate(CONTACTS).await.unwrap_err();

    assert_eq!(check.state(), ConnectionState::Unreachable, "{check:?}");
    assert_eq!(activation.code(), Code::Unavailable, "{activation:?}");
    assert_eq!(rig.connection(CONNECTION).await.unwrap().org_id, pinned);
    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);

    let mut connections = rig.connections.clone();
    rig.salesforce.stop().await;
    let request = CheckConnectionRequest {
        name: CONNECTION.to_owned(),
    };
    let answer = connections.check_connection(request).await.unwrap();
    let check = answer.into_inner().check.unwrap();
    assert_eq!(check.state(), ConnectionState::Unreachable, "{check:?}");
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_without_a_word() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.check(CONNECTION).await;
    let expired = json!([{"on": "any", "do": {"kind": "expire_sessions"}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), expired)
        .await;

    assert_eq!(rig.check(CONNECTION).await.state(), ConnectionState::Connected);
    assert_eq!(rig.salesforce.token_requests(ACME).await, 2);
}
