//! What a single record is refused for. Source: salesforce-contract.md §3.4 and §9.

use serde_json::{Value, json};

use crate::client::{Client, Rig, refused, written};

async fn one_contact(client: &Client) -> String {
    let ids = client
        .org("POST", "/records/Contact", json!([{"LastName": "Okafor"}]))
        .await;
    ids[0].as_str().unwrap().to_owned()
}

/// Updates the Contact with one field and returns its element.
async fn update(client: &Client, id: &str, field: &str, value: Value) -> Value {
    let mut record = json!({"id": id});
    record[field] = value;
    client.write("PATCH", "", "Contact", &json!([record])).await[0].clone()
}

#[tokio::test]
async fn each_broken_rule_has_its_code_its_label_and_its_field() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    for field in [
        json!({"object": "Contact", "name": "email_field__c", "label": "email field", "type": "email"}),
        json!({"object": "Contact", "name": "Tier__c", "label": "Tier", "type": "picklist", "restricted": true,
            "picklist_values": ["Gold", "Silver"]}),
        json!({"object": "Contact", "name": "Score__c", "label": "Score", "type": "double", "precision": 5, "scale": 2}),
        json!({"object": "Contact", "name": "Frozen__c", "label": "Frozen", "type": "string", "updateable": false}),
        json!({"object": "Contact", "name": "Vip__c", "label": "VIP", "type": "boolean"}),
        json!({"object": "Contact", "name": "Tags__c", "label": "Tags", "type": "multipicklist"}),
    ] {
        client.org("POST", "/fields", field).await;
    }
    let id = one_contact(client).await;
    let long_title = "x".repeat(129);
    for (field, value, expected) in [
        (
            "email_field__c",
            json!("nope"),
            refused(
                "INVALID_EMAIL_ADDRESS",
                "email field: invalid email address: nope",
                &["email_field__c"],
            ),
        ),
        (
            "Title",
            json!(long_title),
            refused(
                "STRING_TOO_LONG",
                &format!("Title: data value too large: {long_title} (max length=128)"),
                &["Title"],
            ),
        ),
        (
            "LastName",
            Value::Null,
            refused(
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [LastName]",
                &["LastName"],
            ),
        ),
        (
            "LastName",
            json!(""),
            refused(
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [LastName]",
                &["LastName"],
            ),
        ),
        (
            "Vip__c",
            Value::Null,
            refused(
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [Vip__c]",
                &["Vip__c"],
            ),
        ),
        (
            "Tier__c",
            json!("Lead"),
            refused(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "Tier: bad value for restricted picklist field: Lead",
                &["Tier__c"],
            ),
        ),
        (
            "Score__c",
            json!(1000),
            refused(
                "NUMBER_OUTSIDE_VALID_RANGE",
                "Score: value outside of valid range on numeric field: 1000.0",
                &["Score__c"],
            ),
        ),
        (
            "Score__c",
            json!(999.995),
            refused(
                "NUMBER_OUTSIDE_VALID_RANGE",
                "Score: value outside of valid range on numeric field: 999.995",
                &["Score__c"],
            ),
        ),
        (
            "Tags__c",
            json!(vec!["a"; 101].join(";")),
            refused(
                "TOO_MANY_ENUM_VALUE",
                "Tags: too many values, at most 100",
                &["Tags__c"],
            ),
        ),
        (
            "Title",
            json!("bell\u{7}"),
            refused(
                "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
                "Title: text holds a character outside of the supported charset",
                &["Title"],
            ),
        ),
        (
            "AccountId",
            json!("003000000000001"),
            refused(
                "MALFORMED_ID",
                "Account ID: id value of incorrect type: 003000000000001",
                &["AccountId"],
            ),
        ),
        ("Frozen__c", json!("x"), not_writable("Frozen__c")),
        ("Name", json!("x"), not_writable("Name")),
        (
            "MailingAddress",
            json!({"city": "x"}),
            not_writable("MailingAddress"),
        ),
    ] {
        assert_eq!(update(client, &id, field, value).await, expected, "{field}");
    }
}

fn not_writable(field: &str) -> Value {
    let message = format!(
        "Unable to create/update fields: {field}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
    );
    refused("INVALID_FIELD_FOR_INSERT_UPDATE", &message, &[field])
}

#[tokio::test]
async fn a_create_needs_its_required_fields_and_names_all_that_miss() {
    let rig = Rig::with_org(json!({})).await;
    let records = json!([{"FirstName": "Ada"}, {"LastName": "Okafor", "Company": null}]);
    let elements = rig.client.write("POST", "", "Lead", &records).await;
    assert_eq!(
        elements,
        json!([
            refused(
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [LastName, Company]",
                &["LastName", "Company"]
            ),
            refused(
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [Company]",
                &["Company"]
            ),
        ])
    );
}

#[tokio::test]
async fn values_are_stored_as_salesforce_stores_them() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    for field in [
        json!({"object": "Contact", "name": "Score__c", "type": "double", "scale": 2}),
        json!({"object": "Contact", "name": "Visits__c", "type": "int"}),
        json!({"object": "Contact", "name": "Vip__c", "type": "boolean"}),
        json!({"object": "Contact", "name": "Tags__c", "type": "multipicklist"}),
        json!({"object": "Contact", "name": "Seen__c", "type": "datetime"}),
    ] {
        client.org("POST", "/fields", field).await;
    }
    let account = json!([{"Id": "0014S000007NxmlQAC", "Name": "Kestrel Energy"}]);
    client.org("POST", "/records/Account", account).await;
    let id = one_contact(client).await;
    for (field, sent, expected) in [
        ("Score__c", json!("1.256"), json!(1.26)),
        ("Score__c", json!(1.005), json!(1.01)),
        ("Visits__c", json!("12"), json!(12)),
        ("Visits__c", json!(5.0), json!(5)),
        ("Tags__c", json!("a;b"), json!("a;b")),
        ("Vip__c", json!(true), json!(true)),
        (
            "Seen__c",
            json!("2026-11-20T10:15:00+01:00"),
            json!("2026-11-20T09:15:00.000+0000"),
        ),
        ("Birthdate", json!("1990-02-28"), json!("1990-02-28")),
        ("Email", json!("Ada@Example.Org"), json!("ada@example.org")),
        // Not restricted, so an unknown value is kept (salesforce-contract.md §5.1).
        ("LeadSource", json!("Carrier Pigeon"), json!("Carrier Pigeon")),
        ("AccountId", json!("0014S000007Nxml"), json!("0014S000007NxmlQAC")),
    ] {
        assert_eq!(update(client, &id, field, sent).await, written(&id), "{field}");
        let stored = client
            .org("GET", &format!("/records/Contact/{id}"), Value::Null)
            .await;
        assert_eq!(stored[field], expected, "{field}");
    }
}

#[tokio::test]
async fn a_long_text_area_takes_its_full_length() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let field = json!({"object": "Contact", "name": "seg__c", "label": "Segment", "type": "textarea", "length": 32768});
    client.org("POST", "/fields", field).await;
    let id = one_contact(client).await;

    assert_eq!(
        update(client, &id, "seg__c", json!("é".repeat(32_768))).await,
        written(&id)
    );
    let refused = update(client, &id, "seg__c", json!("é".repeat(32_769))).await;
    assert_eq!(refused["errors"][0]["statusCode"], "STRING_TOO_LONG");
}
