//! Rehearse: Salesforce judges every record and saves nothing.

use contracts::config::v1::{
    Create, CreationRules, Destination, RehearsalVerdict, RehearsedRecord, WriteMode,
};
use contracts::status::reason;
use serde_json::{Value, json};
use tonic::Code;

use super::profile;
use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, attribute, draft, identity, mappings, segment},
    simulated::ACME,
};

on_both_databases!(row_85_86_every_record_is_judged_and_nothing_is_saved);

fn verdicts(records: &[RehearsedRecord]) -> Vec<(RehearsalVerdict, &str)> {
    records
        .iter()
        .map(|record| {
            let code = record.errors.first().map(|error| error.code.as_str());
            (record.verdict(), code.unwrap_or_default())
        })
        .collect()
}

async fn row_85_86_every_record_is_judged_and_nothing_is_saved(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut rows = mappings();
    rows.push(attribute("email", "Email"));
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    let ids = rig
        .seed("Contact", json!([{"LastName": "One"}, {"LastName": "Two"}]))
        .await;

    let answer = rig
        .rehearse(
            CONTACTS,
            &[
                profile(&ids[0], &json!({"email": "ada@example.org"})),
                profile(&ids[1], &json!({"email": "not-an-email"})),
                // The same record as the first sample's: one record, as in delivery.
                profile(&ids[0], &json!({"person": {"name": {"lastName": "Newer"}}})),
                profile("0035g0000zzzzzz", &json!({})),
                profile("u-1", &json!({})),
            ],
        )
        .await
        .unwrap();

    assert_eq!(
        verdicts(&answer.records),
        [
            (RehearsalVerdict::Fine, ""),
            (RehearsalVerdict::Refused, "INVALID_EMAIL_ADDRESS"),
            (RehearsalVerdict::Refused, "INVALID_CROSS_REFERENCE_KEY"),
        ]
    );
    assert_eq!(answer.calls, 1);
    assert_eq!(answer.records[0].samples, [0, 2]);
    let record = answer.records[0].record.as_ref().unwrap();
    assert_eq!(
        record.fields_json,
        r#"{"Email":"ada@example.org","LastName":"Newer","vip__c":"realized"}"#
    );
    let error = &answer.records[1].errors[0];
    assert_eq!(error.fields, ["Email"]);
    assert!(error.message.contains("not-an-email"), "{error:?}");
    assert_eq!(answer.samples.len(), 5);

    assert_eq!(rig.contact(&ids[0]).await["LastName"], "One");
    assert_eq!(rig.contact(&ids[1]).await["LastName"], "Two");
    let writes = rig.writes().await;
    assert_eq!(writes.len(), 4, "three records and the bad one: {writes:?}");
    assert!(writes.iter().all(|(_, is_saved)| !is_saved), "{writes:?}");
}

/// Makes a destination that upserts by a key field of its own.
async fn upsert(rig: &Rig, id: &str, key_field: &str, field: Value) -> String {
    rig.add_field(key_field, field).await;
    let mut upsert = draft(CONNECTION);
    upsert.write_mode = WriteMode::Upsert.into();
    upsert.key_field = key_field.to_owned();
    let upsert = rig.create_destination(WORKSPACE, id, upsert).await.unwrap();
    let rows = [
        identity("crmID", key_field),
        attribute("person.name.lastName", "LastName"),
    ];
    rig.set_field_mappings(&upsert.name, &rows).await.unwrap();
    upsert.name
}

#[tokio::test]
async fn an_upsert_is_rehearsed_by_whatever_kind_of_key_and_creates_nothing() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let unique = json!({"external_id": true, "unique": true});
    let number = json!({"type": "double", "external_id": true, "unique": true, "scale": 0});
    let by_text = upsert(&rig, "text", "Key__c", unique).await;
    let by_number = upsert(&rig, "number", "Number__c", number).await;
    let held = rig
        .seed(
            "Contact",
            json!([{"LastName": "Held", "Key__c": "0", "Number__c": 2}]),
        )
        .await;

    for name in [&by_text, &by_number] {
        let samples: Vec<Value> = ["0", "1", "7"].map(|key| profile(key, &json!({}))).to_vec();
        let answer = rig.rehearse(name, &samples).await.unwrap();
        assert_eq!(
            verdicts(&answer.records),
            [(RehearsalVerdict::Fine, ""); 3],
            "{name}"
        );
    }

    let path = format!("/orgs/{ACME}/records/Contact");
    let stored = rig.salesforce.admin("GET", &path, Value::Null).await;
    assert_eq!(stored.as_array().unwrap().len(), 1, "{stored}");
    assert_eq!(rig.contact(&held[0]).await["LastName"], "Held");
    assert!(rig.writes().await.iter().all(|(_, is_saved)| !is_saved));
}

#[tokio::test]
async fn who_withdrew_consent_is_rehearsed_as_delivery_sends_it_without_creating() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let unique = json!({"external_id": true, "unique": true});
    let name = upsert(&rig, "text", "Key__c", unique).await;
    rig.add_field("left__c", json!({})).await;
    rig.add_segments(&name, &[segment("vip-people", "left")])
        .await
        .unwrap();
    rig.seed("Contact", json!([{"LastName": "Held", "Key__c": "held"}]))
        .await;
    let withdrawn = json!({"_sluice": {"consent": "withdrawn"}});
    let samples = [
        profile("held", &withdrawn),
        profile("new", &json!({})),
        profile("stranger", &withdrawn),
        profile("leaving", &json!({})),
        profile("leaving", &withdrawn),
    ];

    let answer = rig.rehearse(&name, &samples).await.unwrap();

    assert_eq!(
        verdicts(&answer.records),
        [
            (RehearsalVerdict::Fine, ""),
            (RehearsalVerdict::Fine, ""),
            (RehearsalVerdict::Refused, "CONSENT"),
            (RehearsalVerdict::Refused, "CONSENT"),
        ]
    );
    assert_eq!(answer.calls, 2);
    let never = Destination {
        name: name.clone(),
        creation_rules: Some(CreationRules {
            create: Create::Never.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    rig.update_destination(never, &["creation_rules"]).await.unwrap();
    let answer = rig.rehearse(&name, &samples[1..3]).await.unwrap();
    assert_eq!(
        verdicts(&answer.records),
        [
            (RehearsalVerdict::Refused, "NOT_FOUND_NOT_CREATED"),
            (RehearsalVerdict::Refused, "CONSENT")
        ]
    );
}

#[tokio::test]
async fn many_records_are_rehearsed_in_several_calls_each_with_its_bad_record() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let people: Vec<Value> = (0..250)
        .map(|number| json!({"LastName": format!("P{number}")}))
        .collect();
    let ids = rig.seed("Contact", Value::Array(people)).await;
    let samples: Vec<Value> = ids
        .chunks(25)
        .map(|ids| {
            let ids: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
            profile("", &json!({"identityMap": {"crmID": ids}}))
        })
        .collect();

    let answer = rig.rehearse(CONTACTS, &samples).await.unwrap();

    assert_eq!(answer.calls, 2);
    assert_eq!(verdicts(&answer.records), [(RehearsalVerdict::Fine, ""); 250]);
    let writes = rig.writes().await;
    assert_eq!(writes.len(), 252);
    assert!(writes.iter().all(|(_, is_saved)| !is_saved));
}

#[tokio::test]
async fn a_call_that_fails_as_a_whole_judges_nothing_and_says_why() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let ids = rig.seed("Contact", json!([{"LastName": "One"}])).await;
    let fault = json!([{"on": "write", "do": {"kind": "status", "status": 400,
        "errorCode": "JSON_PARSER_ERROR", "message": "what is this"}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), fault)
        .await;

    let answer = rig
        .rehearse(CONTACTS, &[profile(&ids[0], &json!({}))])
        .await
        .unwrap();

    assert_eq!(
        verdicts(&answer.records),
        [(RehearsalVerdict::NotJudged, "JSON_PARSER_ERROR")]
    );
}

#[tokio::test]
async fn what_the_org_lacks_is_said_before_anything_is_rehearsed() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.add_segments(CONTACTS, &[segment("buyers", "crm_3_seg")])
        .await
        .unwrap();

    let refused = rig
        .rehearse(CONTACTS, &[profile("0035g0000000001AAA", &json!({}))])
        .await
        .unwrap_err();

    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "ORG_DOES_NOT_FIT");
    assert_eq!(rig.writes().await, []);
}
