//! The brakes of UPSERT, each as seen in what Salesforce was asked to write.

use chrono::TimeDelta;
use contracts::config::v1::{
    AssignmentRule, Create, CreationRules, DeletedProfilePolicy, Destination, DuplicateRule, RecordType,
};
use serde_json::{Value, json};

use crate::{
    place::{Place, on_both_databases},
    whole::{Whole, people, person},
};

on_both_databases!(
    row_157_174_an_upsert_goes_by_its_key_and_created_records_are_counted_apart,
    a_destination_that_never_creates_writes_what_is_there_and_excludes_the_rest,
    no_more_records_than_the_limit_are_created_by_any_number_of_requests_or_restarts,
    a_creation_that_was_not_answered_counts_for_the_limit_and_is_made_once,
    creations_before_the_limit_was_set_count_for_it,
    owner_and_record_type_are_given_to_created_records_only,
    an_assignment_rule_chooses_the_owner_of_created_leads_only,
    creations_that_fail_as_a_whole_do_not_hold_updates,
    a_duplicate_rule_that_warns_is_respected_or_not_as_the_destination_says,
    who_withdrew_consent_or_was_deleted_is_never_created,
    who_withdraws_before_the_record_is_made_is_not_created_and_who_consents_again_is,
);

fn limit(max_creates_per_day: i32) -> CreationRules {
    CreationRules {
        max_creates_per_day,
        ..Default::default()
    }
}

fn count(reasons: &[String], reason: &str) -> usize {
    reasons.iter().filter(|one| *one == reason).count()
}

async fn row_157_174_an_upsert_goes_by_its_key_and_created_records_are_counted_apart(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole
        .admin(
            "POST",
            "/records/Contact",
            json!([{"LastName": "Old", "Key__c": "u-001"}]),
        )
        .await;

    let reasons = whole.deliver(people(1, 3)).await;

    assert_eq!(reasons, ["WRITTEN"; 3]);
    let writes = whole.writes(0).await;
    assert_eq!(writes.len(), 3);
    let names: Vec<&String> = writes[0].fields.as_object().unwrap().keys().collect();
    assert_eq!(names, ["Key__c", "LastName"]);
    let calls = whole.admin("GET", "/calls?last=1", Value::Null).await;
    let path = calls[0]["path"].as_str().unwrap();
    assert!(path.ends_with("/composite/sobjects/Contact/Key__c"), "{path}");
    assert_eq!(whole.created(0).await, ["u-002", "u-003"]);
    let run = whole.run().await;
    assert_eq!((run.identities_delivered, run.records_created), (3, 2));

    // Several updates of one new person are one record.
    whole
        .deliver(vec![person("u-004"), person("u-004"), person("u-001")])
        .await;
    let run = whole.run().await;
    assert_eq!((run.identities_delivered, run.records_created), (6, 3));
}

async fn a_destination_that_never_creates_writes_what_is_there_and_excludes_the_rest(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.deliver(people(1, 2)).await;
    let never = CreationRules {
        create: Create::Never.into(),
        ..Default::default()
    };
    whole.set_rules(never, DuplicateRule::Unspecified).await;
    let before = whole.written().await;

    let reasons = whole.deliver(people(1, 4)).await;

    assert_eq!(reasons[..2], ["WRITTEN"; 2]);
    assert_eq!(reasons[2..], ["NOT_FOUND_NOT_CREATED"; 2]);
    assert_eq!(whole.created(before).await, [""; 0]);
    let run = whole.run().await;
    assert_eq!(
        (
            run.identities_delivered,
            run.identities_excluded,
            run.records_created
        ),
        (4, 2, 2)
    );
}

async fn no_more_records_than_the_limit_are_created_by_any_number_of_requests_or_restarts(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.deliver(people(1, 5)).await;
    whole.set_rules(limit(15), DuplicateRule::Unspecified).await;
    let before = whole.written().await;

    // 5 were created today already.
    let reasons = whole.deliver(people(1, 45)).await;

    assert_eq!(whole.created(before).await.len(), 10);
    assert_eq!(
        (count(&reasons, "WRITTEN"), count(&reasons, "CREATE_LIMIT")),
        (15, 30)
    );
    let told = whole
        .destination_where(|destination| {
            destination
                .delivery_status
                .as_ref()
                .is_some_and(|status| status.reason == "CREATE_LIMIT")
        })
        .await;
    assert_eq!(told.state(), contracts::config::v1::DestinationState::Enabled);
    let message = told.delivery_status.unwrap().message;
    assert!(
        message.contains("15 records") && message.contains("00:00 UTC"),
        "{message}"
    );

    whole.restart(place).await;
    let reasons = whole.deliver([people(1, 5), people(101, 5)].concat()).await;
    assert_eq!(reasons[..5], ["WRITTEN"; 5]);
    assert_eq!(reasons[5..], ["CREATE_LIMIT"; 5]);

    whole.time.advance(TimeDelta::days(1));
    let before = whole.written().await;
    let reasons = whole.deliver(people(201, 20)).await;
    assert_eq!(
        (count(&reasons, "WRITTEN"), count(&reasons, "CREATE_LIMIT")),
        (15, 5)
    );
    assert_eq!(whole.created(before).await.len(), 15);

    // A higher limit is one from the next request on.
    whole.set_rules(limit(17), DuplicateRule::Unspecified).await;
    let reasons = whole.deliver(people(301, 4)).await;
    assert_eq!(
        (count(&reasons, "WRITTEN"), count(&reasons, "CREATE_LIMIT")),
        (2, 2)
    );
}

async fn a_creation_that_was_not_answered_counts_for_the_limit_and_is_made_once(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.set_rules(limit(3), DuplicateRule::Unspecified).await;
    // The first request only updates, the second creates.
    whole
        .admin(
            "POST",
            "/faults",
            json!([{"on": "write", "skip": 1, "do": {"kind": "vanish"}}]),
        )
        .await;

    let reasons = whole.deliver(people(1, 3)).await;
    let beyond = whole.deliver(people(4, 1)).await;

    assert_eq!(reasons, ["WRITTEN"; 3]);
    assert_eq!(beyond, ["CREATE_LIMIT"]);
    assert_eq!(whole.created(0).await, ["u-001", "u-002", "u-003"]);

    // What was certainly not created leaves its room to others.
    whole.set_rules(limit(5), DuplicateRule::Unspecified).await;
    let refused = json!([{"on": "write", "skip": 1, "do": {"kind": "record_error", "ids": ["u-005"],
        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No"}},
        {"on": "write", "do": {"kind": "status", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED"}}]);
    whole.admin("POST", "/faults", refused).await;
    let reasons = whole.deliver(people(5, 3)).await;
    assert_eq!(
        reasons,
        ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "WRITTEN", "WRITTEN"]
    );
}

async fn creations_before_the_limit_was_set_count_for_it(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.deliver(people(1, 3)).await;
    whole.set_rules(limit(2), DuplicateRule::Unspecified).await;
    assert_eq!(whole.deliver(people(4, 1)).await, ["CREATE_LIMIT"]);
    whole.set_rules(limit(4), DuplicateRule::Unspecified).await;
    assert_eq!(whole.deliver(people(4, 1)).await, ["WRITTEN"]);
    assert_eq!(whole.deliver(people(5, 1)).await, ["CREATE_LIMIT"]);
}

async fn owner_and_record_type_are_given_to_created_records_only(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.deliver(people(1, 2)).await;
    let before = whole.record("u-001").await;
    let owner = user(&whole, "owner@acme.example").await;
    let made = whole
        .admin(
            "POST",
            "/record-types",
            json!({"object": "Contact", "name": "Customer"}),
        )
        .await;
    let record_type = made["id"].as_str().unwrap().to_owned();
    let rules = CreationRules {
        owner_id: owner.clone(),
        record_type_id: record_type.clone(),
        ..Default::default()
    };
    whole.set_rules(rules, DuplicateRule::Unspecified).await;
    let written = whole.written().await;

    let reasons = whole.deliver(people(1, 4)).await;

    assert_eq!(reasons, ["WRITTEN"; 4]);
    for key in ["u-003", "u-004"] {
        let record = whole.record(key).await;
        assert_eq!(
            (&record["OwnerId"], &record["RecordTypeId"]),
            (&json!(owner), &json!(record_type)),
            "{record}"
        );
    }
    let after = whole.record("u-001").await;
    assert_eq!(
        (&after["OwnerId"], &after["RecordTypeId"]),
        (&before["OwnerId"], &before["RecordTypeId"])
    );
    assert_ne!(before["OwnerId"], json!(owner));
    for write in whole.writes(written).await.iter().filter(|write| write.success) {
        let is_created = write.operation == "create";
        for field in ["OwnerId", "RecordTypeId"] {
            assert_eq!(write.fields.get(field).is_some(), is_created, "{write:?}");
        }
    }
    // What was created is updated like any other from now on.
    let written = whole.written().await;
    whole.deliver(people(3, 2)).await;
    assert!(
        whole
            .writes(written)
            .await
            .iter()
            .all(|write| write.success && write.operation == "update")
    );
}

async fn an_assignment_rule_chooses_the_owner_of_created_leads_only(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Lead).await;
    let sales = user(&whole, "sales@acme.example").await;
    let partners = user(&whole, "partners@acme.example").await;
    whole
        .admin(
            "POST",
            "/assignment-rules",
            json!({"owner": "sales@acme.example"}),
        )
        .await;
    let inactive = json!({"owner": "partners@acme.example", "active": false});
    let rule = whole.admin("POST", "/assignment-rules", inactive).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Off is the default, whatever the org does by itself.
    whole.deliver(people(1, 1)).await;
    let own = whole.record("u-001").await["OwnerId"].clone();
    assert_ne!(own, json!(sales));

    let active = CreationRules {
        assignment_rule: AssignmentRule::Default.into(),
        ..Default::default()
    };
    whole.set_rules(active, DuplicateRule::Unspecified).await;
    whole.deliver(people(1, 2)).await;
    let chosen = CreationRules {
        assignment_rule_id: rule,
        ..Default::default()
    };
    whole.set_rules(chosen, DuplicateRule::Unspecified).await;
    whole.deliver(people(1, 3)).await;

    let mut owners = Vec::new();
    for key in ["u-001", "u-002", "u-003"] {
        owners.push(whole.record(key).await["OwnerId"].clone());
    }
    assert_eq!(owners, [own, json!(sales), json!(partners)]);
}

async fn creations_that_fail_as_a_whole_do_not_hold_updates(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Lead).await;
    whole.deliver(people(1, 1)).await;
    let unknown = CreationRules {
        assignment_rule_id: "01Q5g000000ExAm".to_owned(),
        ..Default::default()
    };
    whole.set_rules(unknown, DuplicateRule::Unspecified).await;

    whole.accept(people(2, 1)).await;
    whole
        .destination_where(|destination| {
            destination
                .delivery_status
                .as_ref()
                .is_some_and(|status| status.reason == "INVALID_CROSS_REFERENCE_KEY")
        })
        .await;
    let mut update = person("u-001");
    update["title"] = json!("Doctor");
    whole.accept(vec![update]).await;
    let updated = async { while whole.record("u-001").await["Title"] != "Doctor" {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), updated)
        .await
        .unwrap();

    // The cure sends what waited.
    whole
        .set_rules(CreationRules::default(), DuplicateRule::Unspecified)
        .await;
    assert_eq!(whole.reasons(2).await, ["WRITTEN"; 2]);
    assert_eq!(whole.created(0).await, ["u-001", "u-002"]);
}

async fn a_duplicate_rule_that_warns_is_respected_or_not_as_the_destination_says(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole
        .admin(
            "POST",
            "/duplicate-rules",
            json!({"object": "Contact", "match_fields": ["LastName"], "action": "alert"}),
        )
        .await;
    let namesake = |key: &str| json!({"key": key, "lastName": "Okafor"});
    assert_eq!(whole.deliver(vec![namesake("u-001")]).await, ["WRITTEN"]);

    let respected = whole.deliver(vec![namesake("u-002")]).await;
    whole
        .set_rules(CreationRules::default(), DuplicateRule::Allow)
        .await;
    let allowed = whole.deliver(vec![namesake("u-002")]).await;

    assert_eq!(
        (respected[0].as_str(), allowed[0].as_str()),
        ("DUPLICATES_DETECTED", "WRITTEN")
    );
    assert_eq!(whole.created(0).await, ["u-001", "u-002"]);
}

/// The three ways in which an upsert deals with records that are not there.
fn each_way() -> [CreationRules; 3] {
    let never = CreationRules {
        create: Create::Never.into(),
        ..Default::default()
    };
    [CreationRules::default(), limit(9), never]
}

fn saying(key: &str, sluice: Value) -> Value {
    let mut document = person(key);
    document["_sluice"] = sluice;
    document
}

fn withdrawn(key: &str) -> Value {
    saying(key, json!({"consent": "withdrawn"}))
}

fn deleted(key: &str) -> Value {
    saying(key, json!({"deleted": true}))
}

async fn set_policy(whole: &Whole, policy: DeletedProfilePolicy) {
    let changed = Destination {
        deleted_profile_policy: policy.into(),
        ..Default::default()
    };
    whole.change(changed, &["deleted_profile_policy"]).await;
}

async fn who_withdrew_consent_or_was_deleted_is_never_created(place: &Place) {
    use DeletedProfilePolicy::{Exit, ExitAndBlank, Leave};
    let mut whole = Whole::start(place, RecordType::Contact).await;
    whole.deliver(people(1, 2)).await;
    for rules in each_way() {
        whole.set_rules(rules, DuplicateRule::Unspecified).await;
        for policy in [Leave, Exit, ExitAndBlank] {
            set_policy(&whole, policy).await;
            let before = whole.written().await;
            let strangers = vec![withdrawn("u-011"), deleted("u-012"), person("u-001")];

            let reasons = whole.deliver(strangers).await;

            assert_eq!(reasons, ["CONSENT", "PROFILE_DELETED", "WRITTEN"], "{policy:?}");
            assert_eq!(whole.created(before).await, [""; 0]);
        }
        // Who is there is written as before.
        let reasons = whole.deliver(vec![withdrawn("u-001"), deleted("u-002")]).await;
        assert_eq!(reasons, ["CONSENT", "WRITTEN"]);
        for key in ["u-001", "u-002"] {
            assert_eq!(whole.record(key).await["vip__c"], "exited", "{key}");
        }
    }
}

async fn who_withdraws_before_the_record_is_made_is_not_created_and_who_consents_again_is(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    for (rules, run) in [(CreationRules::default(), 1), (limit(9), 2)] {
        whole.set_rules(rules, DuplicateRule::Unspecified).await;
        let before = whole.written().await;
        let [a, b, c] = [1, 2, 3].map(|number| format!("u-{run}{number}"));
        let granted = |key: &str| saying(key, json!({"consent": "granted"}));

        // Updates of one message wait together.
        let reasons = whole
            .deliver(vec![
                person(&a),
                person(&b),
                withdrawn(&c),
                withdrawn(&a),
                deleted(&b),
                granted(&c),
            ])
            .await;

        assert_eq!(
            reasons,
            [
                "CONSENT",
                "PROFILE_DELETED",
                "CONSENT",
                "CONSENT",
                "PROFILE_DELETED",
                "WRITTEN"
            ]
        );
        assert_eq!(whole.created(before).await, [c]);
        assert_eq!(whole.deliver(vec![granted(&a)]).await, ["WRITTEN"]);
        assert_eq!(whole.created(before).await.len(), 2);
    }
}

/// Makes a user; returns the id.
async fn user(whole: &Whole, username: &str) -> String {
    whole.admin("POST", "/users", json!({"username": username})).await;
    let users = whole.admin("GET", "/users", Value::Null).await;
    let is_it = |user: &&Value| user["username"] == username;
    let user = users.as_array().unwrap().iter().find(is_it).unwrap().clone();
    user["id"].as_str().unwrap().to_owned()
}
