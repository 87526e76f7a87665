//! ListTargetFields: what could be mapped, from the org as it is now.

use contracts::config::v1::{ListTargetFieldsRequest, RecordType, TargetField};
use serde_json::json;
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, assert_names, attribute, mappings},
};

on_both_databases!(
    row_83_101_the_fields_of_the_org_are_listed_live_and_by_the_page,
    row_83_what_is_typed_is_taken_and_checked_when_the_org_can_be_asked,
);

async fn all(rig: &Rig, request: ListTargetFieldsRequest) -> Result<Vec<TargetField>, Status> {
    let mut fields = Vec::new();
    let mut request = request;
    loop {
        let page = rig
            .preflight
            .clone()
            .list_target_fields(request.clone())
            .await?
            .into_inner();
        fields.extend(page.fields);
        if page.next_page_token.is_empty() {
            return Ok(fields);
        }
        request.page_token = page.next_page_token;
    }
}

async fn row_83_101_the_fields_of_the_org_are_listed_live_and_by_the_page(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let of_destination = ListTargetFieldsRequest {
        parent: CONTACTS.to_owned(),
        page_size: 7,
        ..Default::default()
    };
    let before = all(&rig, of_destination.clone()).await.unwrap();
    let tier = json!({"type": "picklist", "label": "Customer tier", "restricted": true, "picklist_values": ["Gold", "Silver"]});
    rig.add_field("Tier__c", tier).await;

    let fields = all(&rig, of_destination.clone()).await.unwrap();

    assert_eq!(fields.len(), before.len() + 1, "live, not from memory");
    assert!(fields.windows(2).all(|pair| pair[0].name < pair[1].name));
    let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
    let last_name = field("LastName");
    assert_eq!(
        (last_name.r#type.as_str(), last_name.length, last_name.required),
        ("string", 80, true)
    );
    assert!(last_name.usable_for_attribute && !last_name.usable_for_status);
    let tier = field("Tier__c");
    assert_eq!(tier.picklist_values, ["Gold", "Silver"]);
    assert!(tier.restricted_picklist && tier.label == "Customer tier");
    assert!(field("vip__c").usable_for_status && !field("CreatedDate").usable_for_attribute);

    let usable = ListTargetFieldsRequest {
        only_usable: true,
        query: "NAME".to_owned(),
        ..of_destination
    };
    let found = all(&rig, usable).await.unwrap();
    let names: Vec<&str> = found.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["AssistantName", "FirstName", "LastName"]);

    let mut of_connection = ListTargetFieldsRequest {
        parent: CONNECTION.to_owned(),
        query: "company".to_owned(),
        ..Default::default()
    };
    let refused = all(&rig, of_connection.clone()).await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["record_type"]);
    of_connection.record_type = RecordType::Lead.into();
    let leads = all(&rig, of_connection).await.unwrap();
    assert!(
        leads
            .iter()
            .any(|field| field.name == "Company" && field.required),
        "{leads:?}"
    );
}

async fn row_83_what_is_typed_is_taken_and_checked_when_the_org_can_be_asked(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut rows = mappings();
    rows.push(attribute("loyalty.tier", "Tier__c"));

    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();

    let check = rig.check_destination(CONTACTS, &[]).await;
    assert_eq!(check.findings[0].code, "FIELD_MISSING");
    assert_eq!(check.findings[0].salesforce_field, "Tier__c");
    rig.add_field("Tier__c", json!({})).await;
    assert_eq!(rig.check_destination(CONTACTS, &[]).await.errors, 0);
}
