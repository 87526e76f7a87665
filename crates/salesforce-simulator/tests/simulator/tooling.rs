//! Custom fields and who sees them. Source: salesforce-contract.md §6.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Rig, body, call_error};

const FIELDS: &str = "/tooling/sobjects/CustomField";

/// Starts an org with an administrator, whose session the rig has, and a plain user.
async fn rig(options: Value) -> (Rig, Client) {
    let mut org = json!({
        "apps": [
            {"client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example"},
            {"client_id": "plain", "client_secret": "secret", "run_as": "plain@acme.example"},
        ],
        "users": [
            {"username": "svc@acme.example"},
            {"username": "plain@acme.example", "permissions": {"customize_application": false}},
        ],
    });
    for (name, value) in options.as_object().unwrap() {
        org[name] = value.clone();
    }
    let rig = Rig::with_org(org).await;
    let form = "grant_type=client_credentials&client_id=plain&client_secret=secret";
    let token = rig.client.form(form).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let plain = Client {
        token,
        ..rig.client.clone()
    };
    (rig, plain)
}

fn segments(name: &str) -> Value {
    json!({"FullName": format!("Contact.{name}"), "Metadata": {"type": "LongTextArea", "label": "CRM 2 segments",
        "description": "written by the connector", "length": 32768, "visibleLines": 3, "required": false}})
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

async fn create(client: &Client, object: &str, record: Value) -> String {
    let answer = client.rest("POST", &format!("/sobjects/{object}"), &record).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(
        (&answer.json()["success"], &answer.json()["errors"]),
        (&json!(true), &json!([]))
    );
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn query(client: &Client, soql: &str) -> Value {
    let q: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
    let answer = client.get(&format!("/query?q={q}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["records"].clone()
}

/// Returns `createable` and `updateable` of a field; none if describe leaves it out.
async fn described(client: &Client, name: &str) -> Option<(bool, bool)> {
    let describe = client.get("/sobjects/Contact/describe").await.json();
    let fields = describe["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["name"] == name)?;
    Some((
        field["createable"].as_bool().unwrap(),
        field["updateable"].as_bool().unwrap(),
    ))
}

async fn write(client: &Client, name: &str) -> Answer {
    let record = json!([{"LastName": "A", name: "realized"}]);
    client
        .rest("POST", "/composite/sobjects", &body("Contact", &record))
        .await
}

fn no_such_column(name: &str) -> (u16, Value) {
    let message = format!("No such column '{name}' on sobject of type Contact");
    (400, call_error("INVALID_FIELD", &message))
}

#[tokio::test]
async fn a_new_field_is_seen_by_those_it_is_granted_to_and_by_nobody_else() {
    let (rig, plain) = rig(json!({})).await;
    let admin = &rig.client;
    let name = "crm_2_seg__c";
    let made = admin.rest("POST", FIELDS, &segments(name)).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        told(&made),
        (
            201,
            json!({"id": id, "success": true, "errors": [], "warnings": [], "infos": []})
        )
    );
    assert!(id.starts_with("00N"));

    assert_eq!(described(admin, name).await, None);
    assert_eq!(told(&write(admin, name).await), no_such_column(name));
    let unseen = admin.get("/query?q=SELECT+crm_2_seg__c+FROM+Contact").await;
    assert_eq!(
        (unseen.status, &unseen.json()[0]["errorCode"]),
        (400, &json!("INVALID_FIELD"))
    );

    // To the administrators, by the permission set behind their profile.
    let behind = query(admin, "SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = true AND Profile.Name = 'System Administrator'").await;
    let grant = json!({"ParentId": behind[0]["Id"], "SobjectType": "Contact", "Field": "Contact.crm_2_seg__c",
        "PermissionsRead": false, "PermissionsEdit": true});
    let granted = create(admin, "FieldPermissions", grant.clone()).await;
    assert_eq!(described(admin, name).await, Some((true, true)));
    assert_eq!(write(admin, name).await.json()[0]["success"], true);
    assert_eq!(described(&plain, name).await, None);
    assert_eq!(told(&write(&plain, name).await), no_such_column(name));

    // To the plain user, by a permission set of their own and for reading only.
    let set = create(
        admin,
        "PermissionSet",
        json!({"Name": "Readers", "Label": "Readers"}),
    )
    .await;
    let user =
        query(admin, "SELECT Id FROM User WHERE Username = 'plain@acme.example'").await[0]["Id"].clone();
    create(
        admin,
        "PermissionSetAssignment",
        json!({"PermissionSetId": set, "AssigneeId": user}),
    )
    .await;
    let mut reading = grant.clone();
    reading["ParentId"] = json!(set);
    reading["PermissionsRead"] = json!(true);
    reading["PermissionsEdit"] = json!(false);
    let reading = create(admin, "FieldPermissions", reading).await;
    assert_eq!(described(&plain, name).await, Some((false, false)));
    let read = query(&plain, "SELECT crm_2_seg__c FROM Contact").await;
    assert_eq!(read[0]["crm_2_seg__c"], "realized");
    let refused = write(&plain, name).await.json();
    assert_eq!(
        refused[0]["errors"][0]["statusCode"],
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
    assert_eq!(refused[0]["errors"][0]["fields"], json!([name]));

    // Edit implies read, and what is taken away is gone.
    let edit = json!({"PermissionsEdit": true});
    assert_eq!(
        admin
            .rest("PATCH", &format!("/sobjects/FieldPermissions/{reading}"), &edit)
            .await
            .status,
        204
    );
    assert_eq!(described(&plain, name).await, Some((true, true)));
    let taken = admin
        .rest(
            "DELETE",
            &format!("/sobjects/FieldPermissions/{granted}"),
            &Value::Null,
        )
        .await;
    assert_eq!(taken.status, 204);
    assert_eq!(described(admin, name).await, None);
    assert_eq!(described(&plain, name).await, Some((true, true)));
}

#[tokio::test]
async fn a_describe_that_a_grant_changed_is_not_304() {
    let (rig, _) =
        rig(json!({"switches": {"describe_if_none_match": true}, "tooling": {"seconds_until_known": 30}}))
            .await;
    let admin = &rig.client;
    admin.rest("POST", FIELDS, &segments("Late__c")).await;
    let sets = query(
        admin,
        "SELECT Id FROM PermissionSet WHERE Profile.Name = 'System Administrator'",
    )
    .await;
    let grant = json!({"ParentId": sets[0]["Id"], "SobjectType": "Contact", "Field": "contact.late__C", "PermissionsEdit": true});
    create(admin, "FieldPermissions", grant).await;
    assert_eq!(described(admin, "Late__c").await, None);
    assert_eq!(told(&write(admin, "Late__c").await), no_such_column("Late__c"));

    rig.clock.advance(TimeDelta::seconds(29));
    let before = admin.get("/sobjects/Contact/describe").await;
    let authorization = format!("Bearer {}", admin.token);
    let again = async |header: &str, value: &str| {
        let headers = [("Authorization", authorization.as_str()), (header, value)];
        let path = "/services/data/v67.0/sobjects/Contact/describe";
        admin.exchange("GET", path, &headers, "").await.unwrap().status
    };
    let (modified, etag) = (
        before.header("last-modified").unwrap(),
        before.header("etag").unwrap(),
    );
    assert_eq!(
        (
            again("If-Modified-Since", modified).await,
            again("If-None-Match", etag).await
        ),
        (304, 304)
    );
    rig.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        (
            again("If-Modified-Since", modified).await,
            again("If-None-Match", etag).await
        ),
        (200, 200)
    );
    assert_eq!(described(admin, "Late__c").await, Some((true, true)));
}

#[tokio::test]
async fn a_custom_field_is_told_queried_and_deleted() {
    let (rig, _) = rig(json!({})).await;
    let client = &rig.client;
    let key = json!({"FullName": "lead.Crm_Key__c", "Metadata": {"type": "Text", "label": "CRM key", "length": 100,
        "unique": true, "caseSensitive": true, "externalId": true, "required": false}});
    let id = client.rest("POST", FIELDS, &key).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    client
        .org(
            "POST",
            "/fields",
            json!({"object": "Contact", "name": "Vip__c", "type": "string"}),
        )
        .await;

    let path = format!("{FIELDS}/{id}");
    let field = client.get(&path).await.json();
    let tooling = async |soql: &str| {
        let answer = client
            .get(&format!("/tooling/query?q={}", soql.replace(' ', "+")))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let by_name = tooling("SELECT Id, DeveloperName, TableEnumOrId FROM CustomField WHERE DeveloperName = 'crm_key' AND TableEnumOrId = 'Lead'").await;
    let all = tooling("SELECT DeveloperName FROM CustomField ORDER BY DeveloperName").await;

    assert_eq!(
        field["attributes"],
        json!({"type": "CustomField", "url": format!("/services/data/v67.0/tooling/sobjects/CustomField/{id}")})
    );
    assert_eq!(
        [
            "Id",
            "FullName",
            "DeveloperName",
            "TableEnumOrId",
            "Length",
            "CreatedDate"
        ]
        .map(|key| field[key].clone()),
        [
            json!(id),
            json!("Lead.Crm_Key__c"),
            json!("Crm_Key"),
            json!("Lead"),
            json!(100),
            json!("2026-11-20T09:15:00.123+0000")
        ]
    );
    assert_eq!(field["Metadata"], key["Metadata"]);
    assert_eq!(
        (&by_name["totalSize"], &by_name["records"][0]["Id"]),
        (&json!(1), &json!(id))
    );
    let names: Vec<&Value> = all["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["DeveloperName"])
        .collect();
    assert_eq!(names, ["Crm_Key", "Vip"]);

    assert_eq!(client.rest("DELETE", &path, &Value::Null).await.status, 204);
    let gone = client.get(&path).await;
    assert_eq!(
        told(&gone),
        (
            404,
            call_error("NOT_FOUND", "The requested resource does not exist")
        )
    );
    assert_eq!(client.rest("POST", FIELDS, &key).await.status, 201);
}

#[tokio::test]
async fn fields_that_may_not_be_are_refused() {
    let (rig, plain) = rig(json!({"tooling": {"max_custom_fields": 2, "max_external_ids": 1}})).await;
    let admin = &rig.client;
    let external = |name: &str| json!({"FullName": format!("Contact.{name}"), "Metadata": {"type": "Text", "label": "K", "length": 20, "externalId": true}});
    let refusal = async |client: &Client, field: Value| {
        let answer = client.rest("POST", FIELDS, &field).await;
        (
            answer.status,
            answer.json()[0]["errorCode"].as_str().unwrap().to_owned(),
            answer.json()[0]["message"].as_str().unwrap().to_owned(),
        )
    };
    let refused = |status: u16, code: &str, message: &str| (status, code.to_owned(), message.to_owned());

    let rights = refused(
        403,
        "INSUFFICIENT_ACCESS",
        "insufficient access rights on object id",
    );
    assert_eq!(refusal(&plain, external("A__c")).await, rights);
    assert_eq!(admin.rest("POST", FIELDS, &external("A__c")).await.status, 201);
    let taken = refused(
        400,
        "DUPLICATE_DEVELOPER_NAME",
        "There is already a field named a on Contact.",
    );
    assert_eq!(refusal(admin, external("a__c")).await, taken);
    let index = refused(
        400,
        "CUSTOM_FIELD_INDEX_LIMIT_EXCEEDED",
        "You have reached the maximum number of indexed fields on Contact",
    );
    assert_eq!(refusal(admin, external("B__c")).await, index);
    assert_eq!(admin.rest("POST", FIELDS, &segments("B__c")).await.status, 201);
    let room = refused(
        400,
        "CUSTOM_ENTITY_OR_FIELD_LIMIT",
        "You have reached the maximum number of custom fields on Contact",
    );
    assert_eq!(refusal(admin, segments("C__c")).await, room);
    let bad = refused(
        400,
        "FIELD_INTEGRITY_EXCEPTION",
        "Must specify 'length' for a CustomField of type Text",
    );
    assert_eq!(
        refusal(
            admin,
            json!({"FullName": "Lead.X__c", "Metadata": {"type": "Text", "label": "X"}})
        )
        .await,
        bad
    );
    let object = refused(
        400,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Entity Enumeration Or ID: bad value for restricted picklist field: Nope",
    );
    assert_eq!(
        refusal(
            admin,
            segments("X__c")
                .to_string()
                .replace("Contact.", "Nope.")
                .parse()
                .unwrap()
        )
        .await,
        object
    );

    let (other, _) = self::rig(json!({"tooling": {"duplicate_name": "DUPLICATE_VALUE"}})).await;
    other.client.rest("POST", FIELDS, &segments("A__c")).await;
    assert_eq!(
        refusal(&other.client, segments("A__c")).await.1,
        "DUPLICATE_VALUE"
    );
}

#[tokio::test]
async fn grants_name_what_exists_once_and_only_administrators_make_them() {
    let (rig, plain) = rig(json!({})).await;
    let admin = &rig.client;
    let hidden = json!({"object": "Lead", "name": "Hidden__c", "type": "string", "visible": false});
    admin.org("POST", "/fields", hidden).await;
    let set = create(admin, "PermissionSet", json!({"Name": "S", "Label": "S"})).await;
    let grant =
        json!({"ParentId": set, "SobjectType": "Lead", "Field": "Lead.Hidden__c", "PermissionsRead": true});
    create(admin, "FieldPermissions", grant.clone()).await;
    let refusal = async |client: &Client, object: &str, record: Value| {
        let answer = client.rest("POST", &format!("/sobjects/{object}"), &record).await;
        (
            answer.status,
            answer.json()[0]["errorCode"].as_str().unwrap().to_owned(),
        )
    };
    let with = |name: &str, value: &str| {
        let mut changed = grant.clone();
        changed[name] = json!(value);
        changed
    };
    let cases = [
        ("FieldPermissions", grant.clone(), "DUPLICATE_VALUE"),
        (
            "FieldPermissions",
            with("Field", "Lead.Nope__c"),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        (
            "FieldPermissions",
            with("Field", "Lead.LastName"),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        ("FieldPermissions", with("ParentId", "003-nope"), "MALFORMED_ID"),
        (
            "FieldPermissions",
            with("ParentId", &salesforce_simulator::record_id("0PS", 99)),
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        (
            "FieldPermissions",
            json!({"ParentId": set}),
            "REQUIRED_FIELD_MISSING",
        ),
        ("FieldPermissions", json!({"Nope": 1}), "INVALID_FIELD"),
        (
            "PermissionSet",
            json!({"Name": "s", "Label": "S"}),
            "DUPLICATE_DEVELOPER_NAME",
        ),
        (
            "PermissionSetAssignment",
            json!({"PermissionSetId": set, "AssigneeId": salesforce_simulator::record_id("005", 9)}),
            "INVALID_CROSS_REFERENCE_KEY",
        ),
    ];
    for (object, record, code) in cases {
        assert_eq!(
            refusal(admin, object, record.clone()).await,
            (400, code.to_owned()),
            "{record}"
        );
    }
    assert_eq!(
        refusal(&plain, "PermissionSet", json!({})).await,
        (403, "INSUFFICIENT_ACCESS".to_owned())
    );
    create(
        admin,
        "ObjectPermissions",
        json!({"ParentId": set, "SobjectType": "Lead", "PermissionsRead": true}),
    )
    .await;

    let user = admin.rest("POST", "/sobjects/User", &json!({})).await;
    assert_eq!(
        (user.status, &user.json()[0]["errorCode"]),
        (405, &json!("METHOD_NOT_ALLOWED"))
    );
    let record = admin
        .get(&format!(
            "/sobjects/PermissionSet/{set}?fields=Name,IsOwnedByProfile"
        ))
        .await
        .json();
    assert_eq!(
        (&record["Name"], &record["IsOwnedByProfile"]),
        (&json!("S"), &json!(false))
    );
    assert_eq!(
        admin
            .rest("DELETE", &format!("/sobjects/PermissionSet/{set}"), &Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(query(admin, "SELECT Id FROM FieldPermissions").await, json!([]));
}

#[tokio::test]
async fn an_object_is_opened_with_what_it_depends_on_or_not_at_all() {
    let (rig, _) = rig(json!({})).await;
    let admin = &rig.client;
    let set = create(admin, "PermissionSet", json!({"Name": "S", "Label": "S"})).await;
    let grant = |object: &str, permissions: &[&str]| {
        let mut record = json!({"ParentId": set, "SobjectType": object});
        for permission in permissions {
            record[format!("Permissions{permission}")] = json!(true);
        }
        record
    };
    for (record, message) in [
        (grant("Lead", &[]), "ObjectPermissions must grant something"),
        (
            grant("Lead", &["Edit"]),
            "Permission Edit Lead depends on permission(s): Read Lead",
        ),
        (
            grant("Lead", &["Read", "Delete"]),
            "Permission Delete Lead depends on permission(s): Edit Lead",
        ),
        (
            grant("Contact", &["Read"]),
            "Permission Read Contact depends on permission(s): Read Account",
        ),
    ] {
        let refused = admin.rest("POST", "/sobjects/ObjectPermissions", &record).await;
        let told = &refused.json()[0];
        assert_eq!(
            (refused.status, &told["errorCode"], &told["message"]),
            (400, &json!("FIELD_INTEGRITY_EXCEPTION"), &json!(message))
        );
    }
    create(admin, "ObjectPermissions", grant("Account", &["Read"])).await;
    create(
        admin,
        "ObjectPermissions",
        grant("Contact", &["Read", "Create", "Edit"]),
    )
    .await;

    let nothing = json!({"ParentId": set, "SobjectType": "Contact", "Field": "Contact.Title"});
    let refused = admin.rest("POST", "/sobjects/FieldPermissions", &nothing).await;
    assert_eq!(refused.json()[0]["errorCode"], "FIELD_INTEGRITY_EXCEPTION");
}

#[tokio::test]
async fn long_text_fields_share_what_an_object_has() {
    let (rig, _) = rig(json!({"tooling": {"max_long_text_characters": 40_000}})).await;
    let admin = &rig.client;
    assert_eq!(admin.rest("POST", FIELDS, &segments("A__c")).await.status, 201);
    let refused = admin.rest("POST", FIELDS, &segments("B__c")).await;
    let told = &refused.json()[0];
    assert_eq!(
        (refused.status, &told["errorCode"]),
        (400, &json!("FIELD_INTEGRITY_EXCEPTION"))
    );
    assert!(
        told["message"].as_str().unwrap().contains("by 25536 characters"),
        "{told}"
    );
}

#[tokio::test]
async fn a_field_of_the_admin_surface_has_metadata_too() {
    let (rig, _) = rig(json!({})).await;
    let admin = &rig.client;
    let field = json!({"object": "Contact", "name": "Tier__c", "type": "picklist", "picklist_values": ["Gold"],
        "restricted": true});
    admin.org("POST", "/fields", field).await;
    let q = "SELECT+Id+FROM+CustomField+WHERE+DeveloperName+=+'Tier'";
    let found = admin.get(&format!("/tooling/query?q={q}")).await.json();
    let id = found["records"][0]["Id"].as_str().unwrap();

    let shown = admin.get(&format!("{FIELDS}/{id}")).await.json();

    let metadata = &shown["Metadata"];
    assert_eq!(
        (&metadata["type"], &metadata["length"]),
        (&json!("Picklist"), &json!(255))
    );
    assert_eq!(metadata["valueSet"]["restricted"], true);
    assert_eq!(
        metadata["valueSet"]["valueSetDefinition"]["value"][0]["valueName"],
        "Gold"
    );
}
