//! The fields of segments and who may see them, made with an admin's login.

use contracts::{
    auth::v1::{ClientCredentialsGrant, put_credentials_request::Grant},
    config::v1::{
        CheckboxType, Destination, LongTextType, PicklistType, ProvisionSegmentFieldsRequest,
        ProvisionSegmentFieldsResponse, ProvisionState, StatusFieldDefinition, StatusFieldType, StatusValues,
        TextType, WriteMetadataPackageRequest, status_field_type::Type,
    },
    status::reason,
};
use salesforce::{
    Host,
    collections::{Operation, Options, Record, RecordResult, WriteOutcome, write},
    oauth::{Grant as SalesforceGrant, request_token},
};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, app, assert_names, draft, mappings, segment},
    simulated::ACME,
};

on_both_databases!(
    row_18_missing_fields_are_made_and_opened_and_the_destination_goes_live,
    row_19_20_22_what_exists_is_told_and_never_changed,
    row_20_each_type_is_made_as_asked_for,
    row_26_a_field_that_was_deleted_in_salesforce_makes_room_for_another,
    nothing_is_made_when_it_is_only_asked_what_would_be,
    a_run_after_a_partial_failure_completes_it,
    two_runs_at_once_do_no_harm,
    an_admin_of_another_org_is_refused,
    an_admin_without_the_permission_is_told_which,
    a_limit_of_the_org_is_told_of_each_field_that_meets_it,
    what_salesforce_knows_late_is_waited_for,
    what_cannot_be_asked_for_is_named,
    row_18_19_a_package_of_the_same_needs_no_login,
);

const ADMIN: &str = "workspaces/acme/connections/admin";
const USER: &str = "svc@acme.example";

/// Starts with an org whose delivering user may customize nothing, the connection [`ADMIN`] of one who may, and
/// the draft [`CONTACTS`] with the segments `a` and `b`, which lacks nothing but their fields.
async fn start(place: &Place, tooling: Value) -> Rig {
    let rig = Rig::start_with_connection(place).await;
    let plain = json!({"customize_application": false});
    let org = json!({
        "apps": [
            {"client_id": "app", "client_secret": "app-secret", "run_as": USER},
            {"client_id": "admin", "client_secret": "admin-secret", "run_as": "admin@acme.example"},
        ],
        "users": [{"username": USER, "permissions": plain}, {"username": "admin@acme.example"}],
        "tooling": tooling,
    });
    rig.salesforce.create_org(ACME, org).await;
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    rig.create_connection(WORKSPACE, "admin", "acme").await.unwrap();
    rig.put_credentials(ADMIN, admin_app()).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("a", "seg_a"), segment("b", "seg_b")])
        .await
        .unwrap();
    rig
}

fn admin_app() -> Grant {
    Grant::ClientCredentials(ClientCredentialsGrant {
        client_id: "admin".to_owned(),
        client_secret: "admin-secret".to_owned(),
    })
}

fn request() -> ProvisionSegmentFieldsRequest {
    ProvisionSegmentFieldsRequest {
        name: CONTACTS.to_owned(),
        admin_connection: ADMIN.to_owned(),
        ..Default::default()
    }
}

fn of_type(field_type: Type) -> Option<StatusFieldDefinition> {
    Some(StatusFieldDefinition {
        r#type: Some(StatusFieldType {
            r#type: Some(field_type),
        }),
        ..Default::default()
    })
}

async fn provision(
    rig: &Rig,
    request: ProvisionSegmentFieldsRequest,
) -> Result<ProvisionSegmentFieldsResponse, Status> {
    let answer = rig.provisioning.clone().provision_segment_fields(request).await?;
    Ok(answer.into_inner())
}

/// Returns the states of the field itself, and of editing and reading it.
fn states(answer: &ProvisionSegmentFieldsResponse) -> Vec<[ProvisionState; 3]> {
    answer
        .fields
        .iter()
        .map(|field| [field.state(), field.delivery_access(), field.people_access()])
        .collect()
}

const CREATED: [ProvisionState; 3] = [ProvisionState::Created; 3];
const EXISTED: [ProvisionState; 3] = [ProvisionState::Existed; 3];

/// Returns what is told of each field.
fn reasons(answer: &ProvisionSegmentFieldsResponse) -> Vec<&str> {
    answer.fields.iter().map(|field| field.reason.as_str()).collect()
}

/// Counts the requests that made or changed something in the org.
async fn writes(rig: &Rig) -> usize {
    let path = format!("/orgs/{ACME}/calls?last=1000");
    let calls = rig.salesforce.admin("GET", &path, Value::Null).await;
    let is_write = |call: &&Value| {
        let path = call["path"].as_str().unwrap();
        call["method"] != "GET" && path.starts_with("/services/data/")
    };
    calls.as_array().unwrap().iter().filter(is_write).count()
}

/// Writes a Contact as delivery does: with the login of [`CONNECTION`].
async fn deliver(rig: &Rig, field: &str, value: Value) -> RecordResult {
    let http = rig.salesforce.http();
    let grant = SalesforceGrant::ClientCredentials {
        client_id: "app".to_owned(),
        client_secret: "app-secret".into(),
    };
    let now = "2026-11-20T09:15:00Z".parse().unwrap();
    let token = request_token(&http, &Host::login(ACME).unwrap(), &grant, now)
        .await
        .unwrap();
    let record = Record {
        key: None,
        fields: vec![
            ("LastName".to_owned(), json!("Okafor")),
            (field.to_owned(), value),
        ],
    };
    let (operation, options) = (Operation::Create, Options::default());
    match write(&http, &token.session, "Contact", &operation, &[record], &options).await {
        WriteOutcome::Answered(mut answered) => answered.value.remove(0),
        other => panic!("{other:?}"),
    }
}

async fn row_18_missing_fields_are_made_and_opened_and_the_destination_goes_live(place: &Place) {
    let rig = start(place, json!({})).await;
    let missing = rig.activate(CONTACTS).await.unwrap_err();
    assert_names(
        &missing,
        Code::FailedPrecondition,
        &["segments[0].mapping_id", "segments[1].mapping_id"],
    );

    let made = provision(&rig, request()).await.unwrap();

    assert!(made.complete);
    assert_eq!((made.object.as_str(), made.org_id.len()), ("Contact", 18));
    assert_eq!(states(&made), [CREATED; 2]);
    let [delivery, people] = &made.permission_sets[..] else {
        panic!("{made:?}")
    };
    assert_eq!(
        (delivery.state(), delivery.object_access(), delivery.assignment()),
        (
            ProvisionState::Created,
            ProvisionState::Created,
            ProvisionState::Created
        )
    );
    assert_eq!((delivery.assignee.as_str(), people.assignee.as_str()), (USER, ""));
    assert_eq!(people.state(), ProvisionState::Created);
    let layout = made
        .notes
        .iter()
        .find(|note| note.code == "NOT_ON_PAGE_LAYOUT")
        .unwrap();
    assert_eq!(layout.place, "Setup → Object Manager → Contact → Page Layouts");

    rig.activate(CONTACTS).await.unwrap();
    let delivered = deliver(&rig, "seg_a__c", json!("realized")).await;
    assert!(matches!(delivered, RecordResult::Saved { .. }), "{delivered:?}");

    // What is there stays as it is.
    let before = writes(&rig).await;
    let again = provision(&rig, request()).await.unwrap();
    assert_eq!((states(&again), again.complete), (vec![EXISTED; 2], true));
    assert!(
        again
            .permission_sets
            .iter()
            .all(|set| set.state() == ProvisionState::Existed)
    );
    assert_eq!(writes(&rig).await, before);
}

async fn row_19_20_22_what_exists_is_told_and_never_changed(place: &Place) {
    let rig = start(place, json!({})).await;
    rig.add_segments(CONTACTS, &[segment("c", "seg_c"), segment("d", "seg_d")])
        .await
        .unwrap();
    for (name, field_type, more) in [
        ("seg_a__c", "double", json!({})),
        ("seg_b__c", "string", json!({"length": 80, "visible": false})),
        ("seg_c__c", "string", json!({"length": 7})),
        ("SEG_d__c", "textarea", json!({"length": 32_768})),
    ] {
        rig.put_field(name, field_type, more).await;
    }

    let told = provision(&rig, request()).await.unwrap();

    assert!(!told.complete);
    assert_eq!(
        reasons(&told),
        ["OTHER_TYPE", "OTHER_TYPE", "TOO_SHORT", "CASE_DIFFERS"]
    );
    let unfit = [
        ProvisionState::Failed,
        ProvisionState::Unspecified,
        ProvisionState::Unspecified,
    ];
    let opened = [
        ProvisionState::Existed,
        ProvisionState::Created,
        ProvisionState::Created,
    ];
    assert_eq!(states(&told), [unfit, opened, unfit, unfit]);
    assert_eq!(
        told.fields[0].message,
        "seg_a__c of Contact is a Number and cannot hold a status; it was not changed"
    );
    assert_eq!(told.fields[3].fix, "Make the Mapping ID SEG_d.");
    let delivered = deliver(&rig, "seg_b__c", json!("exited")).await;
    assert!(matches!(delivered, RecordResult::Saved { .. }), "{delivered:?}");
}

async fn row_20_each_type_is_made_as_asked_for(place: &Place) {
    let rig = start(place, json!({})).await;
    let only = |segment: &str, field_type| ProvisionSegmentFieldsRequest {
        segments: vec![segment.to_owned()],
        definition: of_type(field_type),
        ..request()
    };
    let long_text = Type::LongText(LongTextType { length: 131_072 });
    let picklist = Type::Picklist(PicklistType { restricted: true });
    for (segment, field_type) in [("a", long_text), ("b", picklist)] {
        let made = provision(&rig, only(segment, field_type)).await.unwrap();
        assert_eq!((states(&made), made.complete), (vec![CREATED], true), "{made:?}");
    }
    let refused = deliver(&rig, "seg_b__c", json!("other")).await;
    assert!(matches!(refused, RecordResult::Refused(_)), "{refused:?}");
    for field in ["seg_a__c", "seg_b__c"] {
        let delivered = deliver(&rig, field, json!("existing")).await;
        assert!(matches!(delivered, RecordResult::Saved { .. }), "{delivered:?}");
    }

    // A checkbox needs two status values that it can hold.
    let booleans = Destination {
        name: CONTACTS.to_owned(),
        status_values: Some(StatusValues {
            realized: "true".to_owned(),
            existing: "true".to_owned(),
            exited: "false".to_owned(),
        }),
        ..draft(CONNECTION)
    };
    rig.update_destination(booleans, &["status_values"])
        .await
        .unwrap();
    rig.add_segments(CONTACTS, &[segment("c", "seg_c"), segment("d", "seg_d")])
        .await
        .unwrap();
    let text = Type::Text(TextType { length: 5 });
    for (segment, field_type) in [("c", Type::Checkbox(CheckboxType {})), ("d", text)] {
        let made = provision(&rig, only(segment, field_type)).await.unwrap();
        assert_eq!(states(&made), [CREATED], "{made:?}");
    }
    for (field, value) in [("seg_c__c", json!(true)), ("seg_d__c", json!("false"))] {
        let delivered = deliver(&rig, field, value).await;
        assert!(matches!(delivered, RecordResult::Saved { .. }), "{delivered:?}");
    }
}

async fn row_26_a_field_that_was_deleted_in_salesforce_makes_room_for_another(place: &Place) {
    let rig = start(place, json!({"max_custom_fields": 2})).await;
    assert!(provision(&rig, request()).await.unwrap().complete);
    rig.add_segments(CONTACTS, &[segment("c", "seg_c")])
        .await
        .unwrap();
    let full = provision(&rig, request()).await.unwrap();
    assert_eq!(reasons(&full), ["", "", "CUSTOM_ENTITY_OR_FIELD_LIMIT"]);

    rig.remove_segment(CONTACTS, "a").await.unwrap();
    let path = format!("/orgs/{ACME}/fields/Contact/seg_a__c");
    rig.salesforce.admin("DELETE", &path, Value::Null).await;

    let made = provision(&rig, request()).await.unwrap();
    assert_eq!(states(&made), [EXISTED, CREATED]);
    rig.activate(CONTACTS).await.unwrap();
}

async fn nothing_is_made_when_it_is_only_asked_what_would_be(place: &Place) {
    let rig = start(place, json!({})).await;
    rig.put_field("seg_a__c", "textarea", json!({"length": 256, "visible": false}))
        .await;
    let told = ProvisionSegmentFieldsRequest {
        validate_only: true,
        ..request()
    };

    let would = provision(&rig, told.clone()).await.unwrap();

    use ProvisionState::{Existed, WouldCreate};
    assert!(would.complete);
    assert_eq!(
        states(&would),
        [[Existed, WouldCreate, WouldCreate], [WouldCreate; 3]]
    );
    let set = &would.permission_sets[0];
    assert_eq!(
        [set.state(), set.object_access(), set.assignment()],
        [WouldCreate; 3]
    );
    assert_eq!(writes(&rig).await, 0);
    provision(&rig, request()).await.unwrap();
    assert_eq!(states(&provision(&rig, told).await.unwrap()), [EXISTED; 2]);
}

async fn a_run_after_a_partial_failure_completes_it(place: &Place) {
    let rig = start(place, json!({})).await;
    let path = format!("/orgs/{ACME}/faults");
    let failing = json!({"kind": "status", "status": 503, "errorCode": "SERVER_UNAVAILABLE"});
    // The list passes, the first field fails; then, after the set, a grant and Accounts, the Contacts.
    let faults = json!([
        {"on": "tooling", "skip": 1, "do": failing},
        {"on": "write", "skip": 3, "do": failing},
    ]);
    rig.salesforce.admin("POST", &path, faults).await;

    let first = provision(&rig, request()).await.unwrap();
    assert!(!first.complete, "{first:?}");
    assert_eq!(first.fields[0].reason, "SERVER_UNAVAILABLE");
    assert_eq!(states(&first)[1], CREATED);
    let delivery = &first.permission_sets[0];
    assert_eq!(
        (delivery.object_access(), delivery.reason.as_str()),
        (ProvisionState::Failed, "SERVER_UNAVAILABLE")
    );
    assert_eq!(delivery.assignment(), ProvisionState::Created);
    rig.salesforce.admin("DELETE", &path, Value::Null).await;

    let second = provision(&rig, request()).await.unwrap();
    assert!(second.complete, "{second:?}");
    assert_eq!(states(&second)[0], CREATED);
    rig.activate(CONTACTS).await.unwrap();
}

async fn two_runs_at_once_do_no_harm(place: &Place) {
    let rig = start(place, json!({})).await;
    let (one, other) = tokio::join!(provision(&rig, request()), provision(&rig, request()));

    for answer in [one.unwrap(), other.unwrap()] {
        assert!(answer.complete, "{answer:?}");
    }
    assert_eq!(states(&provision(&rig, request()).await.unwrap()), [EXISTED; 2]);
    rig.activate(CONTACTS).await.unwrap();
}

async fn an_admin_of_another_org_is_refused(place: &Place) {
    let rig = start(place, json!({})).await;
    rig.salesforce
        .create_org("other.my.salesforce.com", json!({"name": "Other"}))
        .await;
    rig.create_connection(WORKSPACE, "other", "other").await.unwrap();
    rig.put_credentials("workspaces/acme/connections/other", app("app-secret"))
        .await;
    let of = |connection: &str| ProvisionSegmentFieldsRequest {
        admin_connection: connection.to_owned(),
        ..request()
    };

    let refused = provision(&rig, of("workspaces/acme/connections/other"))
        .await
        .unwrap_err();

    let told = assert_names(&refused, Code::FailedPrecondition, &["admin_connection"]);
    assert_eq!(reason(&refused), "ADMIN_OF_ANOTHER_ORG");
    assert!(
        told[0].contains("reaches another Salesforce org (Other"),
        "{told:?}"
    );
    let foreign = provision(&rig, of("workspaces/else/connections/admin")).await;
    assert_names(
        &foreign.unwrap_err(),
        Code::InvalidArgument,
        &["admin_connection"],
    );
    let gone = provision(&rig, of("workspaces/acme/connections/gone")).await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    rig.put_credentials(ADMIN, app("wrong")).await;
    let wrong = provision(&rig, request()).await.unwrap_err();
    assert_names(&wrong, Code::FailedPrecondition, &["admin_connection"]);
    assert_eq!(writes(&rig).await, 0);
}

async fn an_admin_without_the_permission_is_told_which(place: &Place) {
    let rig = start(place, json!({})).await;
    let own = ProvisionSegmentFieldsRequest {
        admin_connection: CONNECTION.to_owned(),
        ..request()
    };

    let refused = provision(&rig, own).await.unwrap_err();

    let told = assert_names(&refused, Code::FailedPrecondition, &["admin_connection"]);
    assert_eq!(reason(&refused), "INSUFFICIENT_ACCESS");
    assert!(
        told[0].starts_with(
            "The admin login (svc@acme.example) may not tell which custom fields there are: it lacks \
             Customize Application"
        ),
        "{told:?}"
    );
    assert!(told[0].contains("WriteMetadataPackage"), "{told:?}");
}

async fn a_limit_of_the_org_is_told_of_each_field_that_meets_it(place: &Place) {
    let rig = start(place, json!({"max_long_text_characters": 1_000})).await;
    let long = ProvisionSegmentFieldsRequest {
        definition: of_type(Type::LongText(LongTextType { length: 600 })),
        ..request()
    };
    let told = provision(&rig, long).await.unwrap();
    assert_eq!(reasons(&told), ["", "FIELD_INTEGRITY_EXCEPTION"]);
    let second = &told.fields[1];
    assert_eq!(second.state(), ProvisionState::Failed);
    assert!(second.message.contains("by 200 characters"), "{second:?}");
    assert!(second.fix.contains("shorter length"), "{second:?}");

    // The default is short for that reason.
    assert!(provision(&rig, request()).await.unwrap().complete);
}

async fn what_salesforce_knows_late_is_waited_for(place: &Place) {
    // The clock of these tests goes on with each look at it.
    let rig = start(place, json!({"seconds_until_known": 30})).await;
    let made = provision(&rig, request()).await.unwrap();
    assert!(made.complete);
    let is_seen = made.notes.iter().all(|note| note.code != "NOT_SEEN_YET");
    assert!(is_seen, "{made:?}");
    rig.activate(CONTACTS).await.unwrap();
}

async fn what_cannot_be_asked_for_is_named(place: &Place) {
    let rig = start(place, json!({})).await;
    let labels = [("a", "l".repeat(41)), ("z", "Z".to_owned())];
    let definition = StatusFieldDefinition {
        r#type: of_type(Type::Checkbox(CheckboxType {})).unwrap().r#type,
        labels: labels.map(|(segment, label)| (segment.to_owned(), label)).into(),
        description: "\u{1}".to_owned(),
        help_text: "h".repeat(511),
    };
    let wrong = ProvisionSegmentFieldsRequest {
        segments: ["a", "gone", "a"].map(str::to_owned).to_vec(),
        definition: Some(definition),
        ..request()
    };
    let refused = provision(&rig, wrong).await.unwrap_err();
    let told = assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "segments[1]",
            "segments[2]",
            "definition.type.checkbox",
            "definition.description",
            "definition.labels[z]",
            "definition.labels[a]",
        ],
    );
    assert!(told[2].contains("'realized'"), "{told:?}");
    for (field_type, path) in [
        (
            Type::LongText(LongTextType { length: 255 }),
            "definition.type.long_text.length",
        ),
        (Type::Text(TextType { length: 7 }), "definition.type.text.length"),
    ] {
        let wrong = ProvisionSegmentFieldsRequest {
            definition: of_type(field_type),
            ..request()
        };
        let refused = provision(&rig, wrong).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, &[path]);
    }
    rig.create_draft(WORKSPACE, "empty", CONNECTION).await;
    let empty = ProvisionSegmentFieldsRequest {
        name: "workspaces/acme/destinations/empty".to_owned(),
        ..request()
    };
    let refused = provision(&rig, empty).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "NO_SEGMENTS")
    );
}

async fn row_18_19_a_package_of_the_same_needs_no_login(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    rig.add_segments(CONTACTS, &[segment("a", "seg_a")])
        .await
        .unwrap();
    let request = WriteMetadataPackageRequest {
        name: CONTACTS.to_owned(),
        ..Default::default()
    };
    let write = async || {
        let answer = rig
            .provisioning
            .clone()
            .write_metadata_package(request.clone())
            .await;
        answer.unwrap().into_inner()
    };

    let package = write().await;

    assert_eq!(package.file_name, "sluice-contacts.zip");
    assert!(package.notes.iter().any(|note| note.code == "NOT_ON_PAGE_LAYOUT"));
    // Stored as it is, so that it can be looked for.
    let text = String::from_utf8_lossy(&package.content).into_owned();
    for part in [
        "<members>Contact.seg_a__c</members>",
        "<type>LongTextArea</type>",
        "<length>256</length>",
        "<label>The a</label>",
    ] {
        assert!(text.contains(part), "no {part} in the package");
    }
    let rig = rig.restart(place).await;
    let again = rig
        .provisioning
        .clone()
        .write_metadata_package(request.clone())
        .await;
    assert_eq!(again.unwrap().into_inner().content, package.content);
}
