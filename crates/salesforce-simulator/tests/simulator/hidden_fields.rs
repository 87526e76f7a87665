//! Fields that the user does not see, and fields that are gone.

use serde_json::{Value, json};

use crate::client::{Answer, Client, Rig, call_error, refused, written};

const MISSING_KEY: &str = "Provided external ID field does not exist or is not accessible: Crm_Key__c";

/// Puts a field that everybody sees, or nobody.
async fn put(client: &Client, object: &str, name: &str, is_key: bool, visible: bool) {
    let field = json!({"object": object, "name": name, "type": "string", "external_id": is_key, "unique": is_key,
        "visible": visible});
    client.org("POST", "/fields", field).await;
}

/// Starts an org where nobody sees `Hidden__c` of Contact and `Key__c` of Account.
async fn rig(switches: Value) -> Rig {
    let rig = Rig::with_org(json!({"switches": switches})).await;
    put(&rig.client, "Contact", "Hidden__c", false, false).await;
    put(&rig.client, "Account", "Key__c", true, false).await;
    rig.client
        .seed("Account", json!([{"Name": "A", "Key__c": "one"}]))
        .await;
    rig
}

fn no_such_column(name: &str, object: &str) -> String {
    format!("No such column '{name}' on sobject of type {object}")
}

#[tokio::test]
async fn a_hidden_field_fails_the_call_or_by_the_switch_its_record_alone() {
    for (name, value, object) in [
        ("Hidden__c", json!("x"), "Contact"),
        ("Account", json!({"Key__c": "one"}), "Account"),
    ] {
        let field = if object == "Account" { "Key__c" } else { name };
        let message = no_such_column(field, object);
        let records = json!([{"LastName": "A", name: value}, {"LastName": "B"}]);
        let call = rig(json!({})).await;
        let body = crate::client::body("Contact", &records);
        let whole = call.client.rest("POST", "/composite/sobjects", &body).await;
        assert_eq!(
            (whole.status, whole.json()),
            (400, call_error("INVALID_FIELD", &message))
        );
        assert_eq!(call.client.counter("records_written").await, 0);

        let element = rig(json!({"unknown_field": "element"})).await;
        let elements = element.client.write("POST", "", "Contact", &records).await;
        assert_eq!(elements[0], refused("INVALID_FIELD", &message, &[field]));
        assert_eq!(elements[1]["success"], true);
        assert_eq!(element.client.counter("records_written").await, 1);
    }
}

#[tokio::test]
async fn a_hidden_key_is_no_key() {
    let rig = rig(json!({})).await;
    let client = &rig.client;
    put(client, "Contact", "Crm_Key__c", true, true).await;
    client
        .seed("Contact", json!([{"LastName": "A", "Crm_Key__c": "u-1"}]))
        .await;
    put(client, "Contact", "Crm_Key__c", true, false).await;
    let told = |answer: &Answer| (answer.status, answer.json());
    let missing = (404, call_error("NOT_FOUND", MISSING_KEY));
    let upsert = async |records: Value| {
        let body = crate::client::body("Contact", &records);
        let path = "/composite/sobjects/Contact/Crm_Key__c";
        client.rest("PATCH", path, &body).await
    };
    let keyed = json!([{"Crm_Key__c": "u-1", "LastName": "B"}]);

    assert_eq!(told(&upsert(keyed.clone()).await), missing);
    for (method, body) in [
        ("GET", Value::Null),
        ("PATCH", json!({"LastName": "B"})),
        ("DELETE", Value::Null),
    ] {
        let answer = client
            .rest(method, "/sobjects/Contact/Crm_Key__c/u-1", &body)
            .await;
        assert_eq!(told(&answer), missing, "{method}");
    }
    client
        .org(
            "PATCH",
            "/switches",
            json!({"key_not_indexed": "element", "unknown_field": "element"}),
        )
        .await;
    let elements = upsert(keyed).await.json();
    assert_eq!(elements[0]["errors"][0]["statusCode"], "INVALID_FIELD");
    let contacts = client.org("GET", "/records/Contact", Value::Null).await;
    assert_eq!(
        (&contacts[0]["LastName"], contacts.as_array().unwrap().len()),
        (&json!("A"), 1)
    );
}

#[tokio::test]
async fn a_deleted_field_takes_its_values_along() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let seed = async || {
        put(client, "Lead", "Tier__c", true, true).await;
        client
            .seed("Lead", json!([{"LastName": "A", "Tier__c": "Gold"}]))
            .await
    };
    let id = seed().await.remove(0);

    client.org("DELETE", "/fields/Lead/tier__C", Value::Null).await;
    put(client, "Lead", "Tier__c", true, true).await;
    assert_eq!(client.stored("Lead", &id).await.get("Tier__c"), None);
    // Its value is free again.
    let other = seed().await.remove(0);
    let update = json!([{"id": id, "Company": "C", "Tier__c": "Gold"}]);
    let taken = client.write("PATCH", "", "Lead", &update).await;
    assert_eq!(taken[0]["errors"][0]["statusCode"], "DUPLICATE_VALUE");

    let query = "/tooling/query?q=SELECT+Id+FROM+CustomField+WHERE+DeveloperName='Tier'";
    let field = client.get(query).await.json()["records"][0]["Id"].clone();
    let path = format!("/tooling/sobjects/CustomField/{}", field.as_str().unwrap());
    assert_eq!(client.rest("DELETE", &path, &Value::Null).await.status, 204);
    put(client, "Lead", "Tier__c", true, true).await;
    assert_eq!(client.stored("Lead", &other).await.get("Tier__c"), None);
    let elements = client.write("PATCH", "", "Lead", &update).await;
    assert_eq!(elements[0], written(&id));
}
