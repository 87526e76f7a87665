//! A Mapping ID's field: made, opened, written (§6).

use salesforce::{
    collections::{Operation, RecordResult, WriteError, WriteOutcome},
    describe::describe,
    refusal::Fault,
    request::RequestError,
    tooling::{
        CreateFieldError, Creation, FieldAccess, FieldKind, NewField, ObjectAccess, assign_permission_set,
        create_field, create_permission_set, field_grants, grant_field_access, grant_object_access,
        is_assigned, list_custom_fields, object_grant, read_custom_field,
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

#[tokio::test]
async fn a_field_is_found_and_read_before_anybody_may_see_it() {
    let org = Org::start(json!({})).await;
    let (http, session) = (&org.http, &org.session);
    create_field(http, session, &segment_field("vip__c"))
        .await
        .unwrap();
    let picklist = NewField {
        kind: FieldKind::Picklist {
            values: vec!["in".to_owned(), "out".to_owned()],
            restricted: true,
        },
        ..segment_field("pick__c")
    };
    create_field(http, session, &picklist).await.unwrap();

    let listed = list_custom_fields(http, session, "Contact").await.unwrap();
    let id = |name: &str| &listed.iter().find(|field| field.name == name).unwrap().id;

    let long_text = read_custom_field(http, session, id("vip__c")).await.unwrap();
    assert_eq!(
        (long_text.field_type.as_str(), long_text.length),
        ("LongTextArea", Some(256))
    );
    let pick = read_custom_field(http, session, id("pick__c")).await.unwrap();
    assert_eq!(pick.values, ["in", "out"]);
    assert!(pick.restricted);
    // Those that the org always had, too.
    let score = read_custom_field(http, session, id("Score__c")).await.unwrap();
    assert_eq!((score.field_type.as_str(), score.length), ("Number", None));
}

#[tokio::test]
async fn grants_add_up_and_take_nothing_away() {
    let org = Org::start(json!({})).await;
    let (http, session) = (&org.http, &org.session);
    let set = create_permission_set(http, session, "S", "S", "").await.unwrap();
    create_field(http, session, &segment_field("vip__c"))
        .await
        .unwrap();
    for access in [FieldAccess::Edit, FieldAccess::Read] {
        grant_field_access(http, session, &set, "Contact", "vip__c", access)
            .await
            .unwrap();
    }
    let grants = field_grants(http, session, &set, "Contact").await.unwrap();
    assert_eq!((grants.len(), grants[0].access), (1, FieldAccess::Edit));

    let (create, edit) = (
        ObjectAccess {
            create: true,
            edit: false,
        },
        ObjectAccess {
            create: false,
            edit: true,
        },
    );
    for access in [ObjectAccess::READ, create, edit] {
        grant_object_access(http, session, &set, "Lead", access)
            .await
            .unwrap();
    }
    let granted = object_grant(http, session, &set, "Lead").await.unwrap().unwrap();
    assert!(granted.access.create && granted.access.edit);
    assert_eq!(object_grant(http, session, &set, "Contact").await.unwrap(), None);

    let user = user_id(&org).await;
    assert!(!is_assigned(http, session, &set, &user).await.unwrap());
    let both = tokio::join!(
        assign_permission_set(http, session, &set, &user),
        assign_permission_set(http, session, &set, &user)
    );
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
}
