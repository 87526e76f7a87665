//! A Mapping ID's field: made, opened, written (§6).

use salesforce::{
    collections::{Operation, RecordResult, WriteError, WriteOutcome},
    describe::describe,
    refusal::Fault,
    request::RequestError,
    tooling::{
        CreateFieldError, Creation, FieldAccess, FieldKind, NewField, assign_permission_set, create_field,
        create_permission_set, grant_field_access,
    },
};
use serde_json::{Value, json};

use crate::org::{Org, USER, results};

fn segment_field(name: &str) -> NewField {
    NewField {
        object: "Contact".to_owned(),
        name: name.to_owned(),
        label: "CRM 2 segments".to_owned(),
        description: Some("written by the connector".to_owned()),
        help_text: Some("in or out".to_owned()),
        kind: FieldKind::LongText {
            length: 256,
            visible_lines: 3,
        },
    }
}

async fn user_id(org: &Org) -> String {
    let soql = "SELECT Id FROM User WHERE Username = 'svc@acme.example'";
    let page = salesforce::query::query::<Value>(&org.http, &org.session, soql)
        .await
        .unwrap();
    page.value.records[0]["Id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_field_is_made_and_cannot_be_written_before_it_is_opened() {
    let org = Org::start(json!({})).await;
    let (http, session) = (&org.http, &org.session);
    let field = segment_field("crm_2_seg__c");
    let Creation::Created(id) = create_field(http, session, &field).await.unwrap() else {
        panic!("it was there already");
    };
    assert!(id.starts_with("00N"), "{id}");

    // Made, and invisible.
    let contact = describe(http, session, "Contact").await.unwrap().value;
    assert!(contact.field("crm_2_seg__c").is_none());
    let person = json!({"LastName": "A", "crm_2_seg__c": "realized"});
    let refused = org.write(&Operation::Create, None, person.clone()).await;
    let WriteOutcome::NotSent(WriteError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.code, "INVALID_FIELD");

    // Each step may be repeated.
    let user = user_id(&org).await;
    let mut sets = Vec::new();
    for _ in 0..2 {
        let set = create_permission_set(http, session, "Sluice_Delivery", "Sluice delivery", "for tests")
            .await
            .unwrap();
        assign_permission_set(http, session, &set, &user).await.unwrap();
        for access in [FieldAccess::Read, FieldAccess::Edit] {
            grant_field_access(http, session, &set, "Contact", "crm_2_seg__c", access)
                .await
                .unwrap();
        }
        sets.push(set);
    }
    assert_eq!(sets[0], sets[1]);

    let contact = describe(http, session, "Contact").await.unwrap().value;
    let described = contact.field("crm_2_seg__c").unwrap();
    assert!(described.is_long_text() && described.updateable && described.length == 256);
    let saved = org.write(&Operation::Create, None, person).await;
    assert!(matches!(results(saved)[0], RecordResult::Saved { .. }));
    assert_eq!(
        create_field(http, session, &field).await.unwrap(),
        Creation::Exists
    );
}

#[tokio::test]
async fn reading_alone_is_not_enough_to_write() {
    let org = Org::start(json!({})).await;
    let (http, session) = (&org.http, &org.session);
    create_field(http, session, &segment_field("vip__c"))
        .await
        .unwrap();
    let set = create_permission_set(http, session, "Readers", "Readers", "")
        .await
        .unwrap();
    assign_permission_set(http, session, &set, &user_id(&org).await)
        .await
        .unwrap();
    grant_field_access(http, session, &set, "Contact", "vip__c", FieldAccess::Read)
        .await
        .unwrap();
    let contact = describe(http, session, "Contact").await.unwrap().value;
    assert!(!contact.field("vip__c").unwrap().updateable);
}

#[tokio::test]
async fn each_kind_of_field_can_be_made() {
    let org = Org::start(json!({})).await;
    let (http, session) = (&org.http, &org.session);
    let set = create_permission_set(http, session, "Sluice", "Sluice", "")
        .await
        .unwrap();
    assign_permission_set(http, session, &set, &user_id(&org).await)
        .await
        .unwrap();
    for (name, kind, field_type) in [
        (
            "own_key__c",
            FieldKind::Text {
                length: 255,
                unique: true,
                case_sensitive: true,
                external_id: true,
            },
            "string",
        ),
        (
            "long__c",
            FieldKind::LongText {
                length: 131_072,
                visible_lines: 3,
            },
            "textarea",
        ),
        ("check__c", FieldKind::Checkbox { default: false }, "boolean"),
        (
            "pick__c",
            FieldKind::Picklist {
                values: vec!["realized".to_owned(), "exited".to_owned()],
                restricted: true,
            },
            "picklist",
        ),
    ] {
        let field = NewField {
            kind,
            ..segment_field(name)
        };
        let created = create_field(http, session, &field).await.unwrap();
        assert!(matches!(created, Creation::Created(_)), "{name}");
        grant_field_access(http, session, &set, "Contact", name, FieldAccess::Edit)
            .await
            .unwrap();
        let contact = describe(http, session, "Contact").await.unwrap().value;
        let described = contact.field(name).unwrap();
        assert_eq!(described.field_type, field_type);
        if name == "own_key__c" {
            assert!(described.can_be_key() && described.unique && described.case_sensitive);
        }
        if name == "pick__c" {
            let values: Vec<&str> = described
                .picklist_values
                .iter()
                .map(|value| value.value.as_str())
                .collect();
            assert!(described.restricted_picklist);
            assert_eq!(values, ["realized", "exited"]);
        }
    }
}

#[tokio::test]
async fn only_who_may_customize_the_org_makes_fields() {
    let org = Org::start(json!({})).await;
    let limited = json!({"permissions": {"customize_application": false}});
    org.admin("PATCH", &format!("users/{USER}"), limited).await;
    let error = create_field(&org.http, &org.session, &segment_field("vip__c"))
        .await
        .unwrap_err();
    let CreateFieldError::Request(RequestError::Refused(refusal)) = error else {
        panic!("{error}");
    };
    assert_eq!(
        (refusal.code.as_str(), refusal.fault),
        ("INSUFFICIENT_ACCESS", Fault::Configuration)
    );
}
