//! Activation: nothing is sent before everything is there.

use contracts::{
    config::v1::{DesiredState, FieldSource, Plan, RecordType, WriteMode, field_source::Source},
    status::reason,
};
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    place::{Place, on_both_databases},
    rig::{
        CONNECTION, CONTACTS, Rig, WORKSPACE, app, assert_names, attribute, draft, identity, mappings,
        segment,
    },
    simulated::ACME,
};

on_both_databases!(
    row_79_89_90_93_94_an_unfinished_draft_is_refused_with_everything_that_is_missing,
    row_64_an_activated_destination_has_a_plan_and_its_org_pinned,
    a_destination_is_activated_once,
    row_18_83_106_162_a_field_that_the_org_lacks_is_named_with_its_segment_and_the_fix,
    row_241_an_upsert_plans_by_its_key_field,
);

async fn row_79_89_90_93_94_an_unfinished_draft_is_refused_with_everything_that_is_missing(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let mut leads = draft(CONNECTION);
    leads.record_type = RecordType::Lead.into();
    let leads = rig.create_destination(WORKSPACE, "leads", leads).await.unwrap();

    let refused = rig.activate(&leads.name).await.unwrap_err();

    let field = "destination.field_mappings";
    let problems = assert_names(&refused, Code::FailedPrecondition, &[field; 3]);
    assert_eq!(reason(&refused), "NOT_FINISHED");
    for (problem, missing) in problems.iter().zip(["SalesforceId", "LastName", "Company"]) {
        assert!(problem.contains(missing), "{problems:?}");
    }
    let failure = refused.get_details_precondition_failure().unwrap();
    assert_eq!(failure.violations.len(), 3);
    assert_eq!(rig.destination(&leads.name).await.unwrap(), leads);
    assert_eq!(rig.all_plans().await, []);
    let unknown = rig.activate("workspaces/acme/destinations/gone").await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

async fn row_64_an_activated_destination_has_a_plan_and_its_org_pinned(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    assert_eq!(rig.all_plans().await, []);

    let active = rig.activate(CONTACTS).await.unwrap();

    assert_eq!(active.desired_state(), DesiredState::Enabled);
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), active);
    let plan = rig.all_plans().await.remove(0);
    let connection = rig.connection(CONNECTION).await.unwrap();
    assert!(connection.org_id.starts_with("00D"));
    assert_eq!(
        plan,
        Plan {
            destination: CONTACTS.to_owned(),
            uid: active.uid.clone(),
            revision: active.revision,
            state: DesiredState::Enabled.into(),
            connection: CONNECTION.to_owned(),
            login_host: ACME.to_owned(),
            org_id: connection.org_id,
            record_type: RecordType::Contact.into(),
            write_mode: WriteMode::UpdateById.into(),
            key_source: Some(FieldSource {
                source: Some(Source::IdentityNamespace("crmID".to_owned()))
            }),
            max_delay: active.max_delay,
            deleted_profile_policy: active.deleted_profile_policy,
            key_case_sensitive: true,
            attributes: plan.attributes.clone(),
            segments: plan.segments.clone(),
            ..Default::default()
        }
    );
    assert_eq!(plan.attributes[0].field, "LastName");
    assert!(plan.attributes[0].required);
    assert_eq!(plan.segments[0].field, "vip__c");
}

async fn a_destination_is_activated_once(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    let refused = rig.activate(CONTACTS).await.unwrap_err();

    assert_names(&refused, Code::FailedPrecondition, &["name"]);
    assert_eq!(reason(&refused), "ACTIVATED");
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), active);
}

async fn row_18_83_106_162_a_field_that_the_org_lacks_is_named_with_its_segment_and_the_fix(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.add_segments(CONTACTS, &[segment("buyers", "crm_3_seg")])
        .await
        .unwrap();
    let mut rows = mappings();
    rows.push(attribute("nick", "Nickname__c"));
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();

    let refused = rig.activate(CONTACTS).await.unwrap_err();

    let problems = assert_names(
        &refused,
        Code::FailedPrecondition,
        &["field_mappings[2].target.field", "segments[1].mapping_id"],
    );
    assert_eq!(reason(&refused), "ORG_DOES_NOT_FIT");
    assert!(
        problems[0].contains("Nickname__c does not exist on Contact"),
        "{problems:?}"
    );
    assert_eq!(
        problems[1],
        "Field crm_3_seg__c does not exist on Contact (segment The buyers). Create it (sluice segments provision \
         DESTINATION, or in Setup), or correct the Mapping ID"
    );
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap().desired_state(),
        DesiredState::Draft
    );
    rig.create_field(ACME, "crm_3_seg__c").await;
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!(active.desired_state(), DesiredState::Enabled);
}

async fn row_241_an_upsert_plans_by_its_key_field(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    for (name, case_sensitive) in [("Upper_Key__c", true), ("Lower_Key__c", false)] {
        let field = json!({"object": "Contact", "name": name, "type": "string", "external_id": true,
            "unique": true, "case_sensitive": case_sensitive});
        rig.salesforce
            .admin("POST", &format!("/orgs/{ACME}/fields"), field)
            .await;
        let mut upsert = draft(CONNECTION);
        upsert.write_mode = WriteMode::Upsert.into();
        upsert.key_field = name.to_owned();
        let id = name.split('_').next().unwrap().to_lowercase();
        let upsert = rig.create_destination(WORKSPACE, &id, upsert).await.unwrap();
        let rows = [
            identity("crmID", name),
            attribute("person.name.lastName", "LastName"),
        ];
        rig.set_field_mappings(&upsert.name, &rows).await.unwrap();

        rig.activate(&upsert.name).await.unwrap();

        let plan = rig
            .all_plans()
            .await
            .into_iter()
            .find(|plan| plan.destination == upsert.name)
            .unwrap();
        assert_eq!(plan.write_mode(), WriteMode::Upsert);
        assert_eq!(
            (plan.key_field.as_str(), plan.key_case_sensitive),
            (name, case_sensitive)
        );
    }
}

#[tokio::test]
async fn a_login_that_is_refused_is_the_answer_to_the_activation() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.put_credentials(CONNECTION, app("mistyped")).await;

    let refused = rig.activate(CONTACTS).await.unwrap_err();

    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert_eq!(reason(&refused), "CLIENT_SECRET_REFUSED");
    assert!(
        refused.message().contains("Copy the Consumer Secret again"),
        "{refused}"
    );
}
