//! Collections upsert and its keys. Source: salesforce-contract.md §2.4 and §2.5.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Client, Rig, body, call_error};

async fn org_with_key(case_sensitive: bool) -> Rig {
    let rig = Rig::with_org(json!({})).await;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "label": "Crm Key", "type": "string",
        "external_id": true, "unique": true, "case_sensitive": case_sensitive});
    rig.client.org("POST", "/fields", key).await;
    let free_key = json!({"object": "Contact", "name": "Loose__c", "label": "Loose Key", "type": "string",
        "external_id": true});
    rig.client.org("POST", "/fields", free_key).await;
    rig
}

async fn upsert(client: &Client, key: &str, records: Value) -> Value {
    client
        .write("PATCH", &format!("/Contact/{key}"), "Contact", &records)
        .await
}

fn upserted(id: &str, created: bool) -> Value {
    json!({"id": id, "success": true, "errors": [], "created": created})
}

fn refused(status_code: &str, message: &str, fields: &[&str], created: bool) -> Value {
    json!({
        "success": false,
        "errors": [{"statusCode": status_code, "message": message, "fields": fields}],
        "created": created,
    })
}

#[tokio::test]
async fn a_known_key_is_updated_and_an_unknown_one_created() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    client
        .org(
            "POST",
            "/records/Contact",
            json!([{"LastName": "Okafor", "Crm_Key__c": "u-1"}]),
        )
        .await;

    let records = json!([{"Crm_Key__c": "U-1", "Title": "T"}, {"Crm_Key__c": "u-2", "LastName": "Silva"}]);
    let elements = upsert(client, "crm_key__C", records).await;

    let ids = [record_id("003", 1), record_id("003", 2)];
    assert_eq!(
        elements,
        json!([upserted(&ids[0], false), upserted(&ids[1], true)])
    );
    let created = client
        .org("GET", &format!("/records/Contact/{}", ids[1]), Value::Null)
        .await;
    assert_eq!(
        (&created["Crm_Key__c"], &created["LastName"]),
        (&json!("u-2"), &json!("Silva"))
    );
    let history = client.org("GET", "/history", Value::Null).await;
    assert_eq!(history[0]["operation"], "update");
    assert_eq!(history[1]["operation"], "create");
}

#[tokio::test]
async fn a_case_sensitive_key_tells_cases_apart() {
    let rig = org_with_key(true).await;
    let records = json!([{"Crm_Key__c": "a", "LastName": "One"}, {"Crm_Key__c": "A", "LastName": "Two"}]);
    let elements = upsert(&rig.client, "Crm_Key__c", records).await;
    assert_eq!(
        elements,
        json!([
            upserted(&record_id("003", 1), true),
            upserted(&record_id("003", 2), true)
        ])
    );
}

#[tokio::test]
async fn an_e_mail_is_a_key_in_any_case_and_may_be_ambiguous() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    let seeds = json!([
        {"LastName": "A", "Email": "ada@example.org"},
        {"LastName": "B", "Email": "two@example.org"},
        {"LastName": "C", "Email": "two@example.org"},
    ]);
    client.org("POST", "/records/Contact", seeds).await;

    let records =
        json!([{"Email": "ADA@example.org", "Title": "T"}, {"Email": "two@example.org", "Title": "T"}]);
    let elements = upsert(client, "Email", records).await;

    let message = format!(
        "Email: more than one record found for external id field: [{}, {}]",
        record_id("003", 2),
        record_id("003", 3)
    );
    assert_eq!(
        elements,
        json!([
            upserted(&record_id("003", 1), false),
            refused("DUPLICATE_EXTERNAL_ID", &message, &["Email"], false),
        ])
    );
}

#[tokio::test]
async fn the_key_may_be_the_id() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    client
        .org("POST", "/records/Contact", json!([{"LastName": "Okafor"}]))
        .await;
    let unknown = record_id("003", 99);
    let records = json!([
        {"Id": record_id("003", 1), "Title": "T"},
        {"Id": null, "LastName": "New"},
        {"LastName": "Newer"},
        {"Id": unknown, "Title": "T"},
    ]);

    let elements = upsert(client, "id", records).await;

    assert_eq!(
        elements,
        json!([
            upserted(&record_id("003", 1), false),
            upserted(&record_id("003", 2), true),
            upserted(&record_id("003", 3), true),
            refused(
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
                &[],
                false
            ),
        ])
    );
}

#[tokio::test]
async fn missing_repeated_and_doubled_keys_fail_their_records() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    let records = json!([
        {"Crm_Key__c": "u-1", "LastName": "A"},
        {"Crm_Key__c": null, "LastName": "B"},
        {"LastName": "C"},
        {"Crm_Key__c": "u-2", "LastName": "D"},
        {"Crm_Key__c": "U-1", "LastName": "E"},
        {"Crm_Key__c": "u-3", "FirstName": "no last name"},
    ]);

    let elements = upsert(client, "Crm_Key__c", records).await;

    let duplicate = |key: &str| {
        refused(
            "DUPLICATE_VALUE",
            &format!("Duplicate external id specified: {key}"),
            &["Crm_Key__c"],
            true,
        )
    };
    let missing = refused("MISSING_ARGUMENT", "Crm_Key__c not specified", &[], false);
    let required = refused(
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [LastName]",
        &["LastName"],
        true,
    );
    assert_eq!(
        elements,
        json!([
            duplicate("u-1"),
            missing,
            missing,
            upserted(&record_id("003", 1), true),
            duplicate("U-1"),
            required
        ])
    );
}

#[tokio::test]
async fn a_unique_value_of_another_record_is_refused_with_its_short_id() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    client
        .org(
            "POST",
            "/records/Contact",
            json!([{"LastName": "A", "Crm_Key__c": "u-1"}]),
        )
        .await;

    let records = json!([{"Loose__c": "x", "LastName": "B", "Crm_Key__c": "U-1"}]);
    let elements = upsert(client, "Loose__c", records).await;

    let message = format!(
        "duplicate value found: Crm_Key__c duplicates value on record with id: {}",
        &record_id("003", 1)[..15]
    );
    assert_eq!(elements, json!([refused("DUPLICATE_VALUE", &message, &[], true)]));
}

#[tokio::test]
async fn a_key_that_is_no_key_and_an_unknown_object_are_404() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    let records = body("Contact", &json!([{"Title": "T"}]));

    let not_indexed = client
        .rest("PATCH", "/composite/sobjects/Contact/Title", &records)
        .await;
    let no_object = client
        .rest("PATCH", "/composite/sobjects/Thing__c/Id", &records)
        .await;

    assert_eq!(not_indexed.status, 404);
    assert_eq!(
        not_indexed.json(),
        call_error(
            "NOT_FOUND",
            "Provided external ID field does not exist or is not accessible: Title"
        )
    );
    assert_eq!(no_object.status, 404);
    assert_eq!(
        no_object.json(),
        call_error("NOT_FOUND", "The requested resource does not exist")
    );
}

#[tokio::test]
async fn update_only_creates_nothing() {
    let rig = org_with_key(false).await;
    let client = &rig.client;
    let records = json!([{"Crm_Key__c": "u-1", "LastName": "A"}]);

    let elements = upsert(client, "Crm_Key__c?updateOnly=true", records).await;

    assert_eq!(
        elements,
        json!([refused(
            "NOT_FOUND",
            "The requested resource does not exist",
            &[],
            false
        )])
    );
    assert_eq!(
        client.org("GET", "/records/Contact", Value::Null).await,
        json!([])
    );
}
