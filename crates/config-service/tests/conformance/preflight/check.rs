//! CheckDestination: everything that is wrong, at once, with what to do.

use contracts::config::v1::{
    CheckDestinationRequest, Create, CreationRules, Destination, Severity, WriteMode,
};
use serde_json::json;
use tonic::Code;

use super::told;
use crate::{
    governed::THIRD_PARTY,
    place::{Place, on_both_databases},
    rig::{
        CONNECTION, CONTACTS, Rig, WORKSPACE, app, assert_names, attribute, draft, identity, mappings,
        segment,
    },
    simulated::ACME,
};

on_both_databases!(
    a_destination_that_is_fine_says_so_and_is_activated,
    row_18_19_20_22_106_162_each_mapping_id_is_compared_with_its_field,
    row_33_a_field_of_the_other_kind_of_record_is_told_as_such,
    what_the_check_calls_an_error_is_what_activation_refuses,
    what_can_be_said_without_the_org_is_said,
    what_a_policy_forbids_is_found_as_activation_refuses_it,
);

async fn a_destination_that_is_fine_says_so_and_is_activated(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;

    let check = rig.check_destination(CONTACTS, &[]).await;

    assert_eq!(
        told(&check.findings),
        [(Severity::Advice, "LONG_TEXT", "segments[0].mapping_id")]
    );
    assert_eq!((check.errors, check.warnings, check.advice), (0, 0, 1));
    assert!(check.org_asked && check.org_id.starts_with("00D") && check.check_time.is_some());
    rig.activate(CONTACTS).await.unwrap();
    assert_eq!(rig.writes().await, []);
}

async fn row_18_19_20_22_106_162_each_mapping_id_is_compared_with_its_field(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.add_field("number__c", json!({"type": "double"})).await;
    rig.add_field("flag__c", json!({"type": "boolean"})).await;
    rig.add_field("short__c", json!({"length": 7})).await;
    rig.add_field("crm_2_SEG__c", json!({})).await;
    rig.add_field("plain__c", json!({"length": 20})).await;
    rig.add_field("phone__c", json!({"type": "phone"})).await;
    let restricted = json!({"type": "picklist", "restricted": true, "picklist_values": ["realized"]});
    rig.add_field("list__c", restricted).await;
    let ids = [
        "missing",
        "number",
        "flag",
        "short",
        "crm_2_seg",
        "list",
        "phone",
        "plain",
    ];
    let segments: Vec<_> = ids.iter().map(|id| segment(id, id)).collect();
    rig.add_segments(CONTACTS, &segments).await.unwrap();

    let check = rig.check_destination(CONTACTS, &[]).await;

    use Severity::{Advice, Error, Warning};
    assert_eq!(
        told(&check.findings),
        [
            (Error, "FIELD_MISSING", "segments[1].mapping_id"),
            (Error, "FIELD_TYPE", "segments[2].mapping_id"),
            (Error, "FIELD_TYPE", "segments[3].mapping_id"),
            (Error, "FIELD_TOO_SHORT", "segments[4].mapping_id"),
            (Error, "FIELD_NAME_CASE", "segments[5].mapping_id"),
            (Error, "PICKLIST_VALUES", "segments[6].mapping_id"),
            (Warning, "STATUS_FIELD_TYPE", "segments[7].mapping_id"),
            (Advice, "LONG_TEXT", "segments[0].mapping_id"),
        ]
    );
    let missing = &check.findings[0];
    assert_eq!(
        missing.message,
        "Field missing__c does not exist on Contact (segment The missing)"
    );
    assert_eq!(
        missing.fix,
        "Create it (sluice segments provision DESTINATION, or in Setup), or correct the Mapping ID"
    );
    assert_eq!(
        (missing.segment.as_str(), missing.salesforce_field.as_str()),
        ("missing", "missing__c")
    );
    assert!(
        check.findings[4]
            .message
            .contains("crm_2_seg__c is spelled crm_2_SEG__c"),
        "{check:?}"
    );
}

async fn row_33_a_field_of_the_other_kind_of_record_is_told_as_such(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut rows = mappings();
    rows.extend([attribute("company", "Company"), attribute("nick", "Nickname__c")]);
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();

    let check = rig.check_destination(CONTACTS, &[]).await;

    assert_eq!(
        told(&check.findings[..2]),
        [
            (
                Severity::Error,
                "FIELD_OF_OTHER_RECORD_TYPE",
                "field_mappings[2].target.field"
            ),
            (Severity::Error, "FIELD_MISSING", "field_mappings[3].target.field"),
        ]
    );
    assert_eq!(
        check.findings[0].message,
        "Field Company does not exist on Contact, it is a field of Lead"
    );
}

async fn what_the_check_calls_an_error_is_what_activation_refuses(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut rows = mappings();
    rows.extend([attribute("id", "CreatedDate"), attribute("nick", "firstname")]);
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "crm_3_seg")])
        .await
        .unwrap();

    let check = rig.check_destination(CONTACTS, &[]).await;
    let refused = rig.activate(CONTACTS).await.unwrap_err();

    let errors: Vec<&str> = check
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| finding.field.as_str())
        .collect();
    assert_eq!(
        errors,
        ["field_mappings[2].target.field", "segments[1].mapping_id"]
    );
    assert_names(&refused, Code::FailedPrecondition, &errors);
    assert_eq!(check.warnings, 1, "{check:?}");

    // Without the errors, and in spite of the warning, it is activated.
    rows.remove(2);
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    rig.create_field(ACME, "crm_3_seg__c").await;
    let check = rig.check_destination(CONTACTS, &[]).await;
    assert_eq!((check.errors, check.warnings), (0, 1), "{check:?}");
    rig.activate(CONTACTS).await.unwrap();
}

async fn what_can_be_said_without_the_org_is_said(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.salesforce.create_acme().await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    rig.put_credentials(CONNECTION, app("mistyped")).await;

    let check = rig.check_destination(CONTACTS, &[]).await;

    assert_eq!(
        told(&check.findings),
        [
            (Severity::Error, "NOT_FINISHED", "destination.field_mappings"),
            (Severity::Error, "NOT_FINISHED", "destination.field_mappings"),
            (Severity::Error, "CLIENT_SECRET_REFUSED", "destination.connection"),
        ]
    );
    assert!(!check.org_asked);
    assert!(
        check.findings[2].fix.contains("Copy the Consumer Secret again"),
        "{check:?}"
    );

    rig.salesforce
        .admin("DELETE", &format!("/orgs/{ACME}"), serde_json::Value::Null)
        .await;
    let check = rig.check_destination(CONTACTS, &[]).await;
    assert_eq!(check.findings[2].code, "UNKNOWN_DOMAIN", "{check:?}");
}

#[tokio::test]
async fn another_org_behind_the_login_is_an_error() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.check(CONNECTION).await;
    rig.salesforce
        .admin("DELETE", &format!("/orgs/{ACME}"), serde_json::Value::Null)
        .await;
    rig.salesforce.create_org(ACME, json!({"seed": 7})).await;

    let check = rig.check_destination(CONTACTS, &[]).await;

    assert_eq!(
        told(&check.findings),
        [(Severity::Error, "ORG_CHANGED", "destination.connection")]
    );
}

#[tokio::test]
async fn row_96_an_upsert_needs_what_a_new_record_needs_and_an_update_does_not() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.add_field("Region__c", json!({"required": true})).await;
    rig.add_field("Loose__c", json!({"external_id": true})).await;
    let mut upsert = draft(CONNECTION);
    upsert.write_mode = WriteMode::Upsert.into();
    upsert.key_field = "Loose__c".to_owned();
    let upsert = rig.create_destination(WORKSPACE, "upsert", upsert).await.unwrap();
    let rows = [
        identity("crmID", "Loose__c"),
        attribute("person.name.lastName", "LastName"),
    ];
    rig.set_field_mappings(&upsert.name, &rows).await.unwrap();

    let updates = rig.check_destination(CONTACTS, &[]).await;
    let creates = rig.check_destination(&upsert.name, &[]).await;

    assert_eq!(updates.errors, 0, "{updates:?}");
    assert_eq!(
        told(&creates.findings),
        [
            (
                Severity::Error,
                "REQUIRED_FIELD_UNMAPPED",
                "destination.field_mappings"
            ),
            (Severity::Warning, "KEY_NOT_UNIQUE", "destination.key_field"),
            (Severity::Advice, "KEY_IGNORES_CASE", "destination.key_field"),
        ]
    );
    assert!(creates.findings[0].message.contains("Region__c"), "{creates:?}");
    rig.activate(&upsert.name).await.unwrap_err();

    let never = Destination {
        name: upsert.name.clone(),
        creation_rules: Some(CreationRules {
            create: Create::Never.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    rig.update_destination(never, &["creation_rules"]).await.unwrap();
    assert_eq!(rig.check_destination(&upsert.name, &[]).await.errors, 0);
    rig.activate(&upsert.name).await.unwrap();
}

#[tokio::test]
async fn permissions_of_the_object_and_of_records_are_checked() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let people = json!([{"LastName": "Open"}, {"LastName": "Read"}, {"LastName": "Hidden"}]);
    let ids = rig.seed("Contact", people).await;
    let leads = rig
        .seed("Lead", json!([{"LastName": "Lead", "Company": "A"}]))
        .await;
    for (id, access) in [(&ids[1], "read_only"), (&ids[2], "hidden")] {
        let body = json!({"ids": [id], "access": access});
        rig.salesforce
            .admin("POST", &format!("/orgs/{ACME}/record-access"), body)
            .await;
    }

    let samples = [ids[0].as_str(), &ids[1], &ids[2], &leads[0]];
    let check = rig.check_destination(CONTACTS, &samples).await;

    assert_eq!(
        told(&check.findings[..3]),
        [
            (Severity::Warning, "SAMPLE_NOT_EDITABLE", "sample_record_ids[1]"),
            (Severity::Warning, "SAMPLE_NOT_VISIBLE", "sample_record_ids[2]"),
            (Severity::Warning, "SAMPLE_OF_OTHER_KIND", "sample_record_ids[3]"),
        ]
    );
    let request = CheckDestinationRequest {
        name: CONTACTS.to_owned(),
        sample_record_ids: vec!["nonsense".to_owned()],
    };
    let refused = rig
        .preflight
        .clone()
        .check_destination(request)
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["sample_record_ids[0]"]);

    let no_edit = json!({"permissions": {"objects": {"Contact": {"edit": false}}}});
    rig.salesforce
        .admin("PATCH", &format!("/orgs/{ACME}/users/svc@acme.example"), no_edit)
        .await;
    let check = rig.check_destination(CONTACTS, &[]).await;
    assert_eq!(check.findings[0].code, "OBJECT_NOT_UPDATEABLE", "{check:?}");
}

#[tokio::test]
async fn few_calls_that_are_left_are_warned_of_with_and_without_the_limits_resource() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    let usage = format!("/orgs/{ACME}/usage");
    rig.salesforce
        .admin("POST", &usage, json!({"used": 99_000}))
        .await;

    for view_setup in [true, false] {
        let permissions = json!({"permissions": {"view_setup": view_setup}});
        rig.salesforce
            .admin(
                "PATCH",
                &format!("/orgs/{ACME}/users/svc@acme.example"),
                permissions,
            )
            .await;
        let check = rig.check_destination(CONTACTS, &[]).await;
        assert_eq!(
            told(&check.findings[..1]),
            [(Severity::Warning, "CALLS_RUN_LOW", "destination.max_delay")],
            "{view_setup}: {check:?}"
        );
    }
}

#[tokio::test]
async fn person_accounts_are_told() {
    let place = Place::sqlite();
    let rig = Rig::start_with_finished_draft(&place).await;
    rig.salesforce
        .admin(
            "PATCH",
            &format!("/orgs/{ACME}/switches"),
            json!({"person_accounts": true}),
        )
        .await;

    let check = rig.check_destination(CONTACTS, &[]).await;

    assert_eq!(
        told(&check.findings[..1]),
        [(Severity::Warning, "PERSON_ACCOUNTS", "destination.record_type")]
    );
}

async fn what_a_policy_forbids_is_found_as_activation_refuses_it(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.use_for(CONTACTS, &["EXPORT_TO_THIRD_PARTY"]).await.unwrap();
    rig.switch(THIRD_PARTY, true).await;
    rig.label("person.name", &["C2"]).await;

    let check = rig.check_destination(CONTACTS, &[]).await;
    let refused = rig.activate(CONTACTS).await.unwrap_err();

    assert_eq!(
        told(&check.findings[..1]),
        [(Severity::Error, "POLICY_VIOLATION", "field_mappings[1].source")]
    );
    assert!(check.findings[0].fix.contains("remove the mapping"), "{check:?}");
    assert_eq!(check.errors, 1);
    assert_names(&refused, Code::FailedPrecondition, &["field_mappings[1].source"]);
    rig.switch(THIRD_PARTY, false).await;
    assert_eq!(rig.check_destination(CONTACTS, &[]).await.errors, 0);
}
