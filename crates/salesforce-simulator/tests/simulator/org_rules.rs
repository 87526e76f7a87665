//! What the admins of an org set up. Source: salesforce-contract.md §2.7, §2.8 and §3.4.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Answer, Client, HOST, Rig, refused, written};

async fn lead_rule(action: &str) -> Rig {
    let rig = Rig::with_org(json!({})).await;
    let rule = json!({"object": "Lead", "match_fields": ["email"], "action": action});
    rig.client.org("POST", "/duplicate-rules", rule).await;
    rig.client
        .seed(
            "Lead",
            json!([{"LastName": "A", "Company": "C", "Email": "ada@example.org"}]),
        )
        .await;
    rig
}

fn twin() -> Value {
    json!({"LastName": "B", "Company": "C", "Email": "ADA@example.org"})
}

async fn save_anyway(client: &Client, version: &str) -> Answer {
    let authorization = format!("Bearer {}", client.token);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        (
            "Sforce-Duplicate-Rule-Header",
            "allowSave=true; includeRecordDetails=true",
        ),
    ];
    let path = format!("/services/data/{version}/sobjects/Lead");
    client
        .exchange("POST", &path, &headers, &twin().to_string())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_duplicate_is_refused_without_details_in_a_collection_and_with_them_alone() {
    let rig = lead_rule("alert").await;
    let client = &rig.client;
    let id = record_id("00Q", 1);

    let element = client.write("POST", "", "Lead", &json!([twin()])).await;
    let single = client.rest("POST", "/sobjects/Lead", &twin()).await;
    client
        .org(
            "PATCH",
            "/switches",
            json!({"duplicate_details": "duplicateResult"}),
        )
        .await;
    let renamed = client.rest("POST", "/sobjects/Lead", &twin()).await.json();
    let itself = client
        .write(
            "PATCH",
            "",
            "Lead",
            &json!([{"id": id, "Email": "ada@example.org"}]),
        )
        .await;

    assert_eq!(
        element,
        json!([refused("DUPLICATES_DETECTED", "Use one of these records?", &[])])
    );
    let url = format!("/services/data/v67.0/sobjects/Lead/{id}");
    let details = json!({
        "allowSave": true,
        "duplicateRule": "Standard_Lead_Duplicate_Rule",
        "duplicateRuleEntityType": "Lead",
        "errorMessage": "Use one of these records?",
        "matchResults": [{
            "entityType": "Lead", "errors": [], "matchEngine": "FuzzyMatchEngine",
            "rule": "Standard_Lead_Match_Rule_v1_0", "size": 1, "success": true,
            "matchRecords": [{"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                "record": {"attributes": {"type": "Lead", "url": url}, "Id": id}}],
        }],
    });
    assert_eq!(
        (single.status, single.json()),
        (
            400,
            json!([{"duplicateResut": details, "errorCode": "DUPLICATES_DETECTED",
            "message": "Use one of these records?"}])
        )
    );
    assert_eq!(renamed[0]["duplicateResult"], details);
    assert_eq!(itself, json!([written(&id)]));
}

#[tokio::test]
async fn an_alert_may_be_overruled_since_version_52_and_a_block_never() {
    let rig = lead_rule("alert").await;
    assert_eq!(save_anyway(&rig.client, "v51.0").await.status, 400);
    assert_eq!(save_anyway(&rig.client, "v52.0").await.status, 201);

    let rig = lead_rule("block").await;
    let refused = save_anyway(&rig.client, "v67.0").await;
    assert_eq!(refused.status, 400);
    let details = &refused.json()[0]["duplicateResut"];
    assert_eq!(details["allowSave"], false);
    assert_eq!(
        details["matchResults"][0]["matchRecords"][0]["record"]["LastName"],
        "A"
    );
}

#[tokio::test]
async fn a_duplicate_that_the_user_cannot_see_is_none_where_rules_run_as_the_user() {
    let rig = lead_rule("block").await;
    let client = &rig.client;
    let hidden = json!({"ids": [record_id("00Q", 1)], "access": "hidden"});
    let as_user = async |says: &str| {
        let header = [("Sforce-Duplicate-Rule-Header", says)];
        client
            .rest_with("POST", "/sobjects/Lead", &header, &twin())
            .await
            .status
    };
    assert_eq!(as_user("runAsCurrentUser=true").await, 400);
    client.org("POST", "/record-access", hidden).await;

    assert_eq!(as_user("runAsCurrentUser=false").await, 400);
    assert_eq!(as_user("runAsCurrentUser=true").await, 201);
}

#[tokio::test]
async fn a_converted_lead_is_not_deleted_either() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let leads = json!([{"LastName": "A", "IsConverted": true}, {"LastName": "B", "IsConverted": true, "IsDeleted": true}]);
    let ids = client.seed("Lead", leads).await;
    let path = format!("/composite/sobjects?ids={},{}", ids[0], ids[1]);

    let elements = client.rest("DELETE", &path, &Value::Null).await.json();
    let single = client
        .rest("DELETE", &format!("/sobjects/Lead/{}", ids[0]), &Value::Null)
        .await;

    let words = "cannot reference converted lead";
    assert_eq!(
        elements,
        json!([
            refused("CANNOT_UPDATE_CONVERTED_LEAD", words, &[]),
            refused("ENTITY_IS_DELETED", "entity is deleted", &[]),
        ])
    );
    assert_eq!(
        (single.status, &single.json()[0]["errorCode"]),
        (400, &json!("CANNOT_UPDATE_CONVERTED_LEAD"))
    );
    assert_eq!(client.stored("Lead", &ids[0]).await["IsDeleted"], false);
}

#[tokio::test]
async fn an_assignment_rule_owns_leads_on_create_and_update_unless_told_not_to() {
    let users = json!([
        {"username": "svc@acme.example"}, {"username": "one@acme.example"}, {"username": "two@acme.example"},
    ]);
    let rig = Rig::with_org(json!({"users": users})).await;
    let client = &rig.client;
    client
        .write("POST", "", "Lead", &json!([{"LastName": "A", "Company": "B"}]))
        .await;
    let id = record_id("00Q", 1);
    let path = format!("/sobjects/Lead/{id}");
    let service = client.stored("Lead", &id).await["OwnerId"].clone();
    client
        .org("POST", "/assignment-rules", json!({"owner": "one@acme.example"}))
        .await;
    let two = client
        .org(
            "POST",
            "/assignment-rules",
            json!({"owner": "two@acme.example", "active": false}),
        )
        .await["id"]
        .clone();
    let title = json!({"Title": "T"});

    let mut owners = Vec::new();
    for value in ["false", "TRUE", two.as_str().unwrap()] {
        let answer = client
            .rest_with("PATCH", &path, &[("Sforce-Auto-Assign", value)], &title)
            .await;
        assert_eq!(answer.status, 204, "{value}");
        owners.push(client.stored("Lead", &id).await["OwnerId"].clone());
    }
    client
        .write("PATCH", "", "Lead", &json!([{"id": id, "OwnerId": service}]))
        .await;
    let unasked = client.stored("Lead", &id).await["OwnerId"].clone();
    let unknown = [("Sforce-Auto-Assign", &*record_id("01Q", 99))];
    let unknown = client.rest_with("PATCH", &path, &unknown, &title).await;

    assert_eq!(owners[0], service);
    assert_ne!(owners[1], service);
    assert_ne!(owners[2], owners[1]);
    assert_eq!(unasked, owners[1]);
    assert_eq!(
        (unknown.status, &unknown.json()[0]["errorCode"]),
        (400, &json!("INVALID_CROSS_REFERENCE_KEY"))
    );
    let nobody = client
        .admin(
            "POST",
            &format!("/orgs/{HOST}/assignment-rules"),
            &json!({"owner": "nobody"}),
        )
        .await;
    assert_eq!(
        nobody.json()["error"],
        "owner nobody is no user of the org; use the username of one"
    );
}

#[tokio::test]
async fn record_types_are_described_given_by_default_and_checked() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let add = async |name: &str, extra: Value| {
        let mut body = json!({"object": "Contact", "name": name});
        for (key, value) in extra.as_object().unwrap() {
            body[key] = value.clone();
        }
        let made = client.org("POST", "/record-types", body).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let before = client.get("/sobjects/Contact/describe").await.json();
    let patient = add("Patient", json!({"label": "A patient", "default": true})).await;
    let hidden = add("Staff", json!({"available": false})).await;
    let describe = client.get("/sobjects/Contact/describe").await.json();

    client
        .write("POST", "", "Contact", &json!([{"LastName": "A"}]))
        .await;
    let id = record_id("003", 1);
    let stored = client.stored("Contact", &id).await;
    let elements = client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": id, "RecordTypeId": hidden}]),
        )
        .await;

    assert_eq!(
        before["fields"].as_array().unwrap().len() + 1,
        describe["fields"].as_array().unwrap().len()
    );
    let infos = describe["recordTypeInfos"].as_array().unwrap();
    let names: Vec<&Value> = infos.iter().map(|info| &info["developerName"]).collect();
    assert_eq!(names, ["Patient", "Staff", "Master"]);
    assert_eq!(
        (
            &infos[0]["defaultRecordTypeMapping"],
            &infos[0]["name"],
            &infos[2]["defaultRecordTypeMapping"]
        ),
        (&json!(true), &json!("A patient"), &json!(false))
    );
    assert_eq!(stored["RecordTypeId"], patient);
    let message = format!("Record Type ID: this ID value isn't valid for the user: {hidden}");
    assert_eq!(
        elements,
        json!([refused(
            "INVALID_CROSS_REFERENCE_KEY",
            &message,
            &["RecordTypeId"]
        )])
    );
    let lead = client.get("/sobjects/Lead/describe").await.json();
    assert!(
        lead["fields"]
            .as_array()
            .unwrap()
            .iter()
            .all(|field| field["name"] != "RecordTypeId")
    );
}

#[tokio::test]
async fn a_validation_rule_refuses_with_the_words_of_the_admin() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    for rule in [
        json!({"object": "Contact", "field": "title", "when": "equals", "value": "CEO", "message": "No more chiefs"}),
        json!({"object": "Contact", "field": "Email", "when": "is_blank", "message": "Give an e-mail"}),
    ] {
        client.org("POST", "/validation-rules", rule).await;
    }
    let records = json!([
        {"LastName": "A", "Title": "ceo", "Email": "a@example.org"},
        {"LastName": "B"},
        {"LastName": "C", "Email": "c@example.org"},
    ]);
    let elements = client.write("POST", "", "Contact", &records).await;
    let broken = |message: &str| refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, &[]);
    assert_eq!(
        elements,
        json!([
            broken("No more chiefs"),
            broken("Give an e-mail"),
            written(&record_id("003", 1))
        ])
    );
}

#[tokio::test]
async fn records_may_be_hidden_read_only_or_locked() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "type": "string", "external_id": true, "unique": true});
    client.org("POST", "/fields", key).await;
    let account = client.seed("Account", json!([{"Name": "A"}])).await.remove(0);
    let ids = client
        .seed(
            "Contact",
            json!([{"LastName": "A", "Crm_Key__c": "a"}, {"LastName": "B"}, {"LastName": "C"}]),
        )
        .await;
    for (ids, access) in [
        (vec![&ids[0], &account], "hidden"),
        (vec![&ids[1]], "read_only"),
        (vec![&ids[2]], "locked"),
    ] {
        client
            .org("POST", "/record-access", json!({"ids": ids, "access": access}))
            .await;
    }
    let records: Vec<Value> = ids.iter().map(|id| json!({"id": id, "Title": "T"})).collect();

    let elements = client.write("PATCH", "", "Contact", &json!(records)).await;
    let lookup = client
        .write(
            "POST",
            "",
            "Contact",
            &json!([{"LastName": "D", "AccountId": account}]),
        )
        .await;
    let by_key = client
        .write(
            "PATCH",
            "/Contact/Crm_Key__c",
            "Contact",
            &json!([{"Crm_Key__c": "a", "LastName": "E"}]),
        )
        .await;
    let read = client.get(&format!("/sobjects/Contact/{}", ids[0])).await;
    let path = format!("/sobjects/Contact/{}", ids[1]);
    let single = client.rest("PATCH", &path, &json!({"Title": "T"})).await;
    client
        .org(
            "POST",
            "/record-access",
            json!({"ids": [ids[1]], "access": "full"}),
        )
        .await;
    let unlocked = client.rest("PATCH", &path, &json!({"Title": "T"})).await;

    let no_access = |id: &str| {
        let message = format!("insufficient access rights on cross-reference id: {id}");
        refused("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", &message, &[])
    };
    assert_eq!(
        elements,
        json!([
            no_access(&ids[0]),
            refused(
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "insufficient access rights on object id",
                &[]
            ),
            refused("ENTITY_IS_LOCKED", "the entity is locked for editing", &[]),
        ])
    );
    assert_eq!(lookup, json!([no_access(&account)]));
    assert_eq!(
        by_key[0]["errors"][0]["message"],
        "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    );
    assert_eq!((read.status, single.status, unlocked.status), (404, 403, 204));
}

#[tokio::test]
async fn a_merged_record_is_gone_and_what_looked_it_up_looks_up_the_master() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let accounts = client
        .seed("Account", json!([{"Name": "A"}, {"Name": "B"}]))
        .await;
    let contact = client
        .seed("Contact", json!([{"LastName": "A", "AccountId": accounts[1]}]))
        .await
        .remove(0);

    client
        .org(
            "POST",
            "/merges",
            json!({"master": accounts[0], "losers": [accounts[1]]}),
        )
        .await;
    let elements = client
        .write("PATCH", "", "Account", &json!([{"id": accounts[1], "Name": "C"}]))
        .await;
    let mixed = json!({"master": accounts[0], "losers": [contact]});
    let mixed = client
        .admin("POST", &format!("/orgs/{HOST}/merges"), &mixed)
        .await;

    assert_eq!(
        elements,
        json!([refused("ENTITY_IS_DELETED", "entity is deleted", &[])])
    );
    let loser = client.stored("Account", &accounts[1]).await;
    assert_eq!(
        (&loser["MasterRecordId"], &loser["IsDeleted"]),
        (&json!(accounts[0]), &json!(true))
    );
    assert_eq!(client.stored("Contact", &contact).await["AccountId"], accounts[0]);
    assert_eq!(mixed.status, 400);
}

#[tokio::test]
async fn a_person_is_an_account_and_a_contact_at_once() {
    let rig = Rig::with_org(json!({"switches": {"person_accounts": true}})).await;
    let client = &rig.client;
    let records = json!([
        {"FirstName": "Ada", "LastName": "Okafor", "PersonEmail": "Ada@example.org"},
        {"Name": "Kestrel"},
        {"LastName": "X", "Name": "Y"},
        {"Name": "Z", "FirstName": "Zed"},
    ]);
    let not_writable = |field: &str| {
        let message = format!(
            "Unable to create/update fields: {field}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
        );
        refused("INVALID_FIELD_FOR_INSERT_UPDATE", &message, &[field])
    };
    let ids = [record_id("001", 1), record_id("001", 2)];

    let elements = client.write("POST", "", "Account", &records).await;
    let contact = client.stored("Account", &ids[0]).await["PersonContactId"].clone();
    let contact = contact.as_str().unwrap();
    let made = client.stored("Contact", contact).await;
    let moved = client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": contact, "AccountId": ids[1]}]),
        )
        .await;
    client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": contact, "Email": "new@example.org", "FirstName": null}]),
        )
        .await;
    let there = client.stored("Account", &ids[0]).await;
    client
        .write(
            "PATCH",
            "",
            "Account",
            &json!([{"id": ids[0], "LastName": "Adeyemi"}]),
        )
        .await;
    let back = client.stored("Contact", contact).await;

    assert_eq!(
        elements,
        json!([
            written(&ids[0]),
            written(&ids[1]),
            not_writable("Name"),
            not_writable("FirstName")
        ])
    );
    assert_eq!(
        (
            &made["Name"],
            &made["Email"],
            &made["AccountId"],
            &made["IsPersonAccount"]
        ),
        (
            &json!("Ada Okafor"),
            &json!("ada@example.org"),
            &json!(ids[0]),
            &json!(true)
        )
    );
    assert_eq!(moved, json!([not_writable("AccountId")]));
    assert_eq!(
        (&there["Name"], &there["PersonEmail"], there.get("FirstName")),
        (&json!("Okafor"), &json!("new@example.org"), None)
    );
    assert_eq!(
        (&back["LastName"], &back["Email"]),
        (&json!("Adeyemi"), &json!("new@example.org"))
    );
    assert_eq!(client.stored("Account", &ids[1]).await["IsPersonAccount"], false);

    client
        .org("PATCH", "/switches", json!({"person_accounts": false}))
        .await;
    let describe = client.get("/sobjects/Contact/describe").await.json();
    assert!(
        describe["fields"]
            .as_array()
            .unwrap()
            .iter()
            .all(|field| field["name"] != "IsPersonAccount")
    );
}
