//! DryRun: what samples would become.

use std::sync::Arc;

use contracts::{
    config::v1::{
        DryRunRequest, SampleIdentity, SampleProfile, sample_identity::Result as Becomes,
        sample_profile::Sample,
    },
    delivery::v1::{Identity, ProfileUpdate},
};
use serde_json::{Value, json};
use tonic::Code;

use super::{profile, record_of};
use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, attribute, mappings},
};

const ADA: &str = "0035g0000000001AAA";

on_both_databases!(
    row_84_a_sample_becomes_the_exact_record_by_the_edited_definition,
    row_78_115_what_would_not_be_written_is_told_with_its_reason,
);

fn only(identities: &[SampleIdentity]) -> &Becomes {
    assert_eq!(identities.len(), 1, "{identities:?}");
    identities[0].result.as_ref().unwrap()
}

async fn row_84_a_sample_becomes_the_exact_record_by_the_edited_definition(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    let mut rows = mappings();
    rows.extend([attribute("age", "Age__c"), attribute("nick", "Nickname__c")]);
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();

    let sample = profile(
        "0035g0000000001",
        &json!({"age": 9_007_199_254_740_993_i64, "nick": null}),
    );
    let answer = rig.dry_run(&[sample]).await.unwrap();

    assert!(answer.org_asked);
    let record = record_of(only(&answer.samples[0].identities));
    assert_eq!(
        (
            record.object.as_str(),
            record.key_field.as_str(),
            record.key.as_str()
        ),
        ("Contact", "Id", ADA)
    );
    assert_eq!(
        record.fields_json,
        r#"{"Age__c":9007199254740993,"LastName":"Okafor","Nickname__c":null,"vip__c":"realized"}"#
    );
    assert_eq!(rig.writes().await, []);

    // The org is not needed.
    Arc::into_inner(rig.salesforce).unwrap().stop().await;
    let update = ProfileUpdate {
        identities: vec![Identity {
            namespace: "crmID".to_owned(),
            id: ADA.to_owned(),
            primary: true,
        }],
        update_id: "u-1".to_owned(),
        ..Default::default()
    };
    let request = DryRunRequest {
        name: CONTACTS.to_owned(),
        samples: vec![SampleProfile {
            sample: Some(Sample::Update(update)),
        }],
    };
    let answer = rig.preflight.clone().dry_run(request).await.unwrap().into_inner();
    assert!(!answer.org_asked);
    assert_eq!(answer.samples[0].update_id, "u-1");
    assert!(
        matches!(only(&answer.samples[0].identities), Becomes::Excluded(why) if why.code == "NOTHING_MAPPED"),
        "{answer:?}"
    );
}

async fn row_78_115_what_would_not_be_written_is_told_with_its_reason(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut rows = mappings();
    rows.push(attribute("tags", "Department"));
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    let samples = [
        profile(ADA, &json!({"tags": ["a", "b"]})),
        profile(ADA, &json!({"tags": {"a": "b"}})),
        profile(ADA, &json!({"person": {"name": {"lastName": " "}}})),
        profile("00Q5g0000000001EAA", &json!({})),
        profile("u-1", &json!({})),
        profile(ADA, &json!({"identityMap": {}})),
        profile(ADA, &json!({"_sluice": {"consent": "withdrawn"}})),
        profile(ADA, &json!({})),
    ];

    let answer = rig.dry_run(&samples).await.unwrap();

    let told: Vec<(&str, Vec<String>)> = answer
        .samples
        .iter()
        .map(|sample| match only(&sample.identities) {
            Becomes::Record(record) => (record.excluded_as.as_str(), Vec::new()),
            Becomes::Excluded(why) | Becomes::Failed(why) => {
                assert!(!why.message.is_empty(), "{why:?}");
                (why.code.as_str(), why.fields.clone())
            }
        })
        .collect();
    let fields = |name: &str| vec![name.to_owned()];
    assert_eq!(
        told,
        [
            ("UNSUPPORTED_VALUE", fields("Department")),
            ("UNSUPPORTED_VALUE", fields("Department")),
            ("MISSING_REQUIRED_VALUE", fields("LastName")),
            ("OTHER_RECORD_KIND", Vec::new()),
            ("INVALID_SALESFORCE_ID", fields("Id")),
            ("NO_IDENTITY", Vec::new()),
            // Its exit is written.
            ("CONSENT", Vec::new()),
            ("", Vec::new()),
        ]
    );
    let preview = &answer.segments[0];
    assert_eq!(
        (
            preview.segment.as_str(),
            preview.samples,
            preview.without_consent,
            preview.remaining
        ),
        ("vip-people", 8, 1, 1)
    );
}

#[tokio::test]
async fn samples_that_cannot_be_read_are_named_all_at_once() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let wrong = [json!([]), profile(ADA, &json!({})), json!({"identityMap": 1})];

    let refused = rig.dry_run(&wrong).await.unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &["samples[0].document", "samples[2].document.identityMap"],
    );
    let none = rig.dry_run(&[]).await.unwrap_err();
    assert_names(&none, Code::InvalidArgument, &["samples"]);
    let many: Vec<Value> = (0..101).map(|_| profile(ADA, &json!({}))).collect();
    let many = rig.dry_run(&many).await.unwrap_err();
    assert_names(&many, Code::InvalidArgument, &["samples"]);

    rig.create_draft(WORKSPACE, "unfinished", CONNECTION).await;
    let request = DryRunRequest {
        name: "workspaces/acme/destinations/unfinished".to_owned(),
        samples: vec![super::sample(&profile(ADA, &json!({})))],
    };
    let refused = rig.preflight.clone().dry_run(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(contracts::status::reason(&refused), "NOT_FINISHED");
}
