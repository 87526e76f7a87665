//! SendOne: one profile really written, beside no lane.

use contracts::{
    config::v1::{Create, CreationRules, DeliveryState, Destination, FieldChange, WriteMode},
    status::reason,
};
use serde_json::json;
use tonic::Code;

use super::profile;
use crate::{
    governed::{THIRD_PARTY, violations_of},
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, attribute, draft, identity, segment},
    simulated::ACME,
};

on_both_databases!(
    one_profile_is_written_and_told_with_before_and_after,
    an_enabled_destination_sends_through_its_lane_only,
    row_217_nothing_is_sent_by_hand_that_a_policy_forbids,
);

fn change(field: &str, before: &str, after: &str) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        before_json: before.to_owned(),
        after_json: after.to_owned(),
    }
}

async fn one_profile_is_written_and_told_with_before_and_after(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let ids = rig.seed("Contact", json!([{"LastName": "Before"}])).await;

    let answer = rig
        .send_one(CONTACTS, &profile(&ids[0], &json!({})))
        .await
        .unwrap();

    assert_eq!(answer.records.len(), 1, "{answer:?}");
    let sent = &answer.records[0];
    assert_eq!(
        (sent.record_id.as_str(), sent.existed, sent.created),
        (ids[0].as_str(), true, false)
    );
    assert_eq!(
        sent.changes,
        [
            change("LastName", "\"Before\"", "\"Okafor\""),
            change("vip__c", "null", "\"realized\""),
        ]
    );
    assert_eq!(sent.link, format!("https://{ACME}/{}", ids[0]));
    assert_eq!(sent.errors, []);
    assert_eq!(rig.contact(&ids[0]).await["vip__c"], "realized");
    assert_eq!(rig.writes().await, [(ids[0].clone(), true)]);
    // Whatever was written, it was to the org that is pinned.
    assert!(!rig.connection(CONNECTION).await.unwrap().org_id.is_empty());
}

async fn an_enabled_destination_sends_through_its_lane_only(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let ids = rig.seed("Contact", json!([{"LastName": "Before"}])).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    rig.report(&active.uid, active.revision, DeliveryState::Delivering, false)
        .await;
    let sample = profile(&ids[0], &json!({}));

    let enabled = rig.send_one(CONTACTS, &sample).await.unwrap_err();
    let disabled = rig.disable(CONTACTS).await.unwrap();
    let too_soon = rig.send_one(CONTACTS, &sample).await.unwrap_err();

    for (refused, word) in [(&enabled, "ENABLED"), (&too_soon, "NOT_PAUSED_YET")] {
        assert_eq!(
            (refused.code(), reason(refused).as_str()),
            (Code::FailedPrecondition, word)
        );
    }
    assert!(enabled.message().contains("`sluice send`"), "{enabled}");
    assert_eq!(rig.writes().await, []);

    rig.report(&active.uid, disabled.revision, DeliveryState::Paused, false)
        .await;
    let answer = rig.send_one(CONTACTS, &sample).await.unwrap();
    assert_eq!(answer.records[0].errors, []);
}

#[tokio::test]
async fn an_upsert_tells_whether_the_record_was_there() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.add_field("Key__c", json!({"external_id": true, "unique": true}))
        .await;
    let mut upsert = draft(CONNECTION);
    upsert.write_mode = WriteMode::Upsert.into();
    upsert.key_field = "Key__c".to_owned();
    let upsert = rig.create_destination(WORKSPACE, "upsert", upsert).await.unwrap();
    let rows = [
        identity("crmID", "Key__c"),
        attribute("person.name.lastName", "LastName"),
    ];
    rig.set_field_mappings(&upsert.name, &rows).await.unwrap();
    let sample = |name: &str| profile("o'brien", &json!({"person": {"name": {"lastName": name}}}));

    let first = rig.send_one(&upsert.name, &sample("One")).await.unwrap();
    let second = rig.send_one(&upsert.name, &sample("Two")).await.unwrap();

    let (first, second) = (&first.records[0], &second.records[0]);
    assert_eq!((first.existed, first.created), (false, true), "{first:?}");
    assert_eq!(first.changes, [change("LastName", "", "\"One\"")]);
    assert_eq!((second.existed, second.created), (true, false), "{second:?}");
    assert_eq!(second.changes, [change("LastName", "\"One\"", "\"Two\"")]);
    assert_eq!(first.record_id, second.record_id);

    // What delivery would count or give an owner is not created by hand.
    for (rules, part) in [
        (
            CreationRules {
                create: Create::Never.into(),
                ..Default::default()
            },
            "creates none",
        ),
        (
            CreationRules {
                max_creates_per_day: 1,
                ..Default::default()
            },
            "Delivery creates one",
        ),
    ] {
        let braked = Destination {
            name: upsert.name.clone(),
            creation_rules: Some(rules),
            ..Default::default()
        };
        rig.update_destination(braked, &["creation_rules"]).await.unwrap();
        let other = json!({"person": {"name": {"lastName": "Other"}}});
        let left = rig
            .send_one(&upsert.name, &profile("other", &other))
            .await
            .unwrap();
        let refusal = &left.records[0].errors[0];
        assert_eq!(refusal.code, "NOT_FOUND_NOT_CREATED");
        assert!(refusal.message.contains(part), "{refusal:?}");
        let updated = rig.send_one(&upsert.name, &sample("Three")).await.unwrap();
        assert_eq!(updated.records[0].errors, []);
    }
}

#[tokio::test]
async fn nobody_who_withdrew_consent_is_created_by_hand() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.add_field("Key__c", json!({"external_id": true, "unique": true}))
        .await;
    rig.add_field("left__c", json!({})).await;
    let mut upsert = draft(CONNECTION);
    upsert.write_mode = WriteMode::Upsert.into();
    upsert.key_field = "Key__c".to_owned();
    let upsert = rig.create_destination(WORKSPACE, "upsert", upsert).await.unwrap();
    let rows = [
        identity("crmID", "Key__c"),
        attribute("person.name.lastName", "LastName"),
    ];
    rig.set_field_mappings(&upsert.name, &rows).await.unwrap();
    rig.add_segments(&upsert.name, &[segment("vip-people", "left")])
        .await
        .unwrap();
    let withdrawn = profile("stranger", &json!({"_sluice": {"consent": "withdrawn"}}));

    let left = rig.send_one(&upsert.name, &withdrawn).await.unwrap();

    let errors = &left.records[0].errors;
    assert_eq!(errors[0].code, "CONSENT", "{errors:?}");
    assert!(errors[0].message.contains("does not consent"), "{errors:?}");
    rig.send_one(&upsert.name, &profile("stranger", &json!({})))
        .await
        .unwrap();
    let exited = rig.send_one(&upsert.name, &withdrawn).await.unwrap();
    assert_eq!(
        exited.records[0].changes,
        [change("left__c", "\"realized\"", "\"exited\"")]
    );
}

#[tokio::test]
async fn row_86_a_record_that_is_refused_stays_as_it_was_and_harms_no_other() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let people = json!([{"LastName": "Locked"}, {"LastName": "Open"}]);
    let ids = rig.seed("Contact", people).await;
    let body = json!({"ids": [ids[0]], "access": "read_only"});
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/record-access"), body)
        .await;

    let both = json!({"identityMap": {"crmID": [{"id": ids[0]}, {"id": ids[1]}]}});
    let answer = rig.send_one(CONTACTS, &profile("", &both)).await.unwrap();

    let (locked, open) = (&answer.records[0], &answer.records[1]);
    assert_eq!(locked.errors[0].code, "INSUFFICIENT_ACCESS_OR_READONLY");
    assert_eq!(locked.changes[0], change("LastName", "\"Locked\"", "\"Locked\""));
    assert_eq!(open.errors, []);
    assert_eq!(rig.contact(&ids[0]).await["LastName"], "Locked");
    assert_eq!(rig.contact(&ids[1]).await["LastName"], "Okafor");

    // Nothing to write is no call.
    let excluded = rig.send_one(CONTACTS, &profile("u-1", &json!({}))).await.unwrap();
    assert_eq!(excluded.records, []);
    assert!(excluded.sample.is_some());
}

async fn row_217_nothing_is_sent_by_hand_that_a_policy_forbids(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let ids = rig.seed("Contact", json!([{"LastName": "Before"}])).await;
    let person = profile(&ids[0], &json!({}));
    rig.use_for(CONTACTS, &["EXPORT_TO_THIRD_PARTY"]).await.unwrap();
    rig.switch(THIRD_PARTY, true).await;
    rig.label("person.name", &["C2"]).await;

    let sent = rig.send_one(CONTACTS, &person).await.unwrap_err();
    let rehearsed = rig
        .rehearse(CONTACTS, std::slice::from_ref(&person))
        .await
        .unwrap_err();

    assert_eq!(violations_of(&sent), violations_of(&rehearsed));
    assert_eq!(rig.contact(&ids[0]).await["LastName"], "Before");
    // What leaves nothing of a person in the org is no export.
    assert_eq!(rig.dry_run(&[person]).await.unwrap().samples.len(), 1);
}
