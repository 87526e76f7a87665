//! Where orgs may differ about records. Source: salesforce-contract.md §10.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Client, HOST, Rig, body, call_error};

async fn org_with(switches: Value) -> Rig {
    let rig = Rig::with_org(json!({"switches": switches})).await;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "type": "string", "external_id": true, "unique": true});
    rig.client.org("POST", "/fields", key).await;
    rig
}

async fn upsert(client: &Client, key: &str, records: Value) -> Value {
    client
        .write("PATCH", &format!("/Contact/{key}"), "Contact", &records)
        .await
}

fn codes(elements: &Value) -> Vec<Option<&str>> {
    elements
        .as_array()
        .unwrap()
        .iter()
        .map(|element| element["errors"][0]["statusCode"].as_str())
        .collect()
}

#[tokio::test]
async fn the_key_id_may_be_refused_in_each_way_in_which_a_wrong_key_is() {
    let words = |key: &str| {
        format!(
            "Field name provided, {key} does not match an External ID, Salesforce Id, or indexed field for Contact"
        )
    };
    let records = body("Contact", &json!([{"LastName": "A"}]));
    for (switch, status, error) in [
        (
            "404",
            404,
            (
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: Id".to_owned(),
            ),
        ),
        ("400", 400, ("INVALID_FIELD", words("Id"))),
    ] {
        let rig = org_with(json!({"upsert_key_id": "refuse", "key_not_indexed": switch})).await;
        let answer = rig
            .client
            .rest("PATCH", "/composite/sobjects/Contact/Id", &records)
            .await;
        assert_eq!(
            (answer.status, answer.json()),
            (status, call_error(error.0, &error.1))
        );
    }
    let rig = org_with(json!({"upsert_key_id": "refuse", "key_not_indexed": "element"})).await;
    for key in ["Id", "Title", "Nope"] {
        let elements = upsert(&rig.client, key, json!([{"LastName": "A"}, {"LastName": "B"}])).await;
        assert_eq!(codes(&elements), [Some("INVALID_FIELD"); 2]);
        assert_eq!(elements[0]["errors"][0]["message"], words(key));
    }
    assert_eq!(
        rig.client.org("GET", "/records/Contact", Value::Null).await,
        json!([])
    );
}

#[tokio::test]
async fn an_unknown_field_may_fail_its_record_alone() {
    let rig = org_with(json!({"unknown_field": "element"})).await;
    let records = json!([{"LastName": "A", "Nope__c": 1}, {"LastName": "B"}]);
    let elements = rig.client.write("POST", "", "Contact", &records).await;
    assert_eq!(codes(&elements), [Some("INVALID_FIELD"), None]);
    assert_eq!(
        elements[0]["errors"][0]["message"],
        "No such column 'Nope__c' on sobject of type Contact"
    );
}

#[tokio::test]
async fn of_a_repeated_key_all_fail_or_all_but_the_first_or_the_last_wins() {
    let records = json!([
        {"Crm_Key__c": "a", "LastName": "One"},
        {"Crm_Key__c": "b", "LastName": "Other"},
        {"Crm_Key__c": "A", "LastName": "Two"},
    ]);
    let failed = Some("DUPLICATE_VALUE");
    for (switch, expected, stored) in [
        ("fail_all", [failed, None, failed], vec!["Other"]),
        ("fail_all_but_first", [None, None, failed], vec!["One", "Other"]),
        ("last_wins", [None, None, None], vec!["Two", "Other"]),
    ] {
        let rig = org_with(json!({"repeated_key": switch})).await;
        let elements = upsert(&rig.client, "Crm_Key__c", records.clone()).await;
        assert_eq!(codes(&elements), expected, "{switch}");
        let contacts = rig.client.org("GET", "/records/Contact", Value::Null).await;
        let names: Vec<&str> = contacts
            .as_array()
            .unwrap()
            .iter()
            .map(|contact| contact["LastName"].as_str().unwrap())
            .collect();
        assert_eq!(names, stored, "{switch}");
    }
}

#[tokio::test]
async fn switches_are_changed_while_the_org_runs_and_unknown_ones_are_refused() {
    let rig = org_with(json!({})).await;
    let client = &rig.client;
    let records = json!([{"Crm_Key__c": "a"}]);
    let error = json!([{"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]",
        "fields": ["LastName"]}]);
    let before = upsert(client, "Crm_Key__c", records.clone()).await;

    let changes = json!({"failed_id": "null", "failed_created": "absent"});
    let switches = client.org("PATCH", "/switches", changes).await;
    let after = upsert(client, "Crm_Key__c", records).await;
    let path = format!("/orgs/{HOST}/switches");
    let unknown = client.admin("PATCH", &path, &json!({"failed_ids": "null"})).await;

    assert_eq!(
        before[0],
        json!({"success": false, "errors": error, "created": true})
    );
    assert_eq!(after[0], json!({"id": null, "success": false, "errors": error}));
    assert_eq!(
        (&switches["failed_id"], &switches["repeated_key"]),
        (&json!("null"), &json!("fail_all"))
    );
    assert_eq!(client.org("GET", "/switches", Value::Null).await, switches);
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("`failed_ids`"), "{}", unknown.text);
}

#[tokio::test]
async fn a_full_org_creates_nothing_and_still_updates() {
    let rig = org_with(json!({"max_stored_records": 2})).await;
    let client = &rig.client;
    client
        .seed(
            "Lead",
            json!([{"LastName": "A"}, {"LastName": "B", "IsDeleted": true}]),
        )
        .await;

    let elements = client
        .write(
            "POST",
            "",
            "Contact",
            &json!([{"LastName": "A"}, {"LastName": "B"}]),
        )
        .await;
    let updated = client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": record_id("003", 1), "Title": "T"}]),
        )
        .await;

    assert_eq!(codes(&elements), [None, Some("STORAGE_LIMIT_EXCEEDED")]);
    assert_eq!(codes(&updated), [None]);
}

#[tokio::test]
async fn a_refused_element_may_show_the_id_of_the_record_it_meant() {
    let rig = org_with(json!({"failed_id": "shown"})).await;
    let client = &rig.client;
    let ids = client.seed("Contact", json!([{"LastName": "A"}])).await;
    let send = async |all_or_none: bool| {
        let mut sent = body(
            "Contact",
            &json!([
                {"id": ids[0], "Title": "T"},
                {"id": ids[0], "LastName": "B"},
            ]),
        );
        sent["allOrNone"] = json!(all_or_none);
        client.rest("PATCH", "/composite/sobjects", &sent).await.json()
    };
    let twice = send(false).await;
    let mut created = body(
        "Contact",
        &json!([{"LastName": "New"}, {"Crm_Key__c": "no name"}]),
    );
    created["allOrNone"] = json!(true);
    let rolled_back = client.rest("POST", "/composite/sobjects", &created).await.json();

    assert_eq!([&twice[0]["id"], &twice[1]["id"]], [&ids[0], &ids[0]]);
    assert_eq!(
        codes(&rolled_back),
        [
            Some("ALL_OR_NONE_OPERATION_ROLLED_BACK"),
            Some("REQUIRED_FIELD_MISSING")
        ]
    );
    assert_eq!(rolled_back[0]["id"], record_id("003", 2));
    assert_eq!(rolled_back[1].get("id"), None);
    let switches = client.org("GET", "/switches", Value::Null).await;
    assert_eq!(switches["failed_id"], "shown");
}
