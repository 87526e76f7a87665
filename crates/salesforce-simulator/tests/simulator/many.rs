//! Collections delete and read, and a rolled-back call. Source: salesforce-contract.md §2.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Client, Rig, body, call_error, refused, written};

async fn everything(client: &Client) -> String {
    let mut text = String::new();
    for object in ["Account", "Contact", "Lead"] {
        let path = format!("/orgs/{}/records/{object}", client.host);
        text += &client.admin("GET", &path, &Value::Null).await.text;
    }
    text
}

#[tokio::test]
async fn records_of_several_objects_are_deleted_by_id() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let account = client.seed("Account", json!([{"Name": "A"}])).await.remove(0);
    let contacts = client
        .seed(
            "Contact",
            json!([{"LastName": "A", "AccountId": account}, {"LastName": "B"}]),
        )
        .await;
    let lead = client.seed("Lead", json!([{"LastName": "C"}])).await.remove(0);

    let ids = format!(
        "{account},{lead},{lead},nope,{},{}",
        record_id("003", 9),
        contacts[0]
    );
    let answer = client
        .rest("DELETE", &format!("/composite/sobjects?ids={ids}"), &Value::Null)
        .await;

    let twice = refused(
        "DUPLICATE_VALUE",
        &format!("Duplicate id specified: {lead}"),
        &["Id"],
    );
    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!([
                written(&account),
                twice,
                twice,
                refused("MALFORMED_ID", "malformed id nope", &[]),
                refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]),
                // It went with its Account.
                refused("ENTITY_IS_DELETED", "entity is deleted", &[]),
            ])
        )
    );
    assert_eq!(client.stored("Contact", &contacts[1]).await["IsDeleted"], false);
    assert_eq!(client.stored("Lead", &lead).await["IsDeleted"], false);
    let too_many = vec![lead.as_str(); 201].join(",");
    let too_many = client
        .rest(
            "DELETE",
            &format!("/composite/sobjects?ids={too_many}"),
            &Value::Null,
        )
        .await;
    assert_eq!(
        (too_many.status, &too_many.json()[0]["errorCode"]),
        (400, &json!("EXCEEDED_ID_LIMIT"))
    );
}

#[tokio::test]
async fn records_are_read_in_the_order_asked_and_missing_ones_are_null() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let ids = client
        .seed(
            "Contact",
            json!([{"LastName": "A"}, {"LastName": "B"}, {"LastName": "C", "IsDeleted": true}]),
        )
        .await;
    let wanted = [ids[1].as_str(), ids[2].as_str(), "nope", &ids[0][..15]];

    let got = client
        .get(&format!(
            "/composite/sobjects/Contact?ids={}&fields=lastname",
            wanted.join(",")
        ))
        .await;
    let posted = client
        .rest(
            "POST",
            "/composite/sobjects/Contact",
            &json!({"ids": wanted, "fields": ["LastName"]}),
        )
        .await;
    let unknown = client
        .rest(
            "POST",
            "/composite/sobjects/Contact",
            &json!({"ids": wanted, "fields": ["Nope"]}),
        )
        .await;
    let too_many = json!({"ids": vec![ids[0].as_str(); 2001], "fields": ["Id"]});
    let too_many = client
        .rest("POST", "/composite/sobjects/Contact", &too_many)
        .await;

    let shown = |id: &str, name: &str| {
        let url = format!("/services/data/v67.0/sobjects/Contact/{id}");
        json!({"attributes": {"type": "Contact", "url": url}, "LastName": name})
    };
    let expected = json!([shown(&ids[1], "B"), null, null, shown(&ids[0], "A")]);
    assert_eq!((got.status, got.json()), (200, expected.clone()));
    assert_eq!((posted.status, posted.json()), (200, expected));
    assert_eq!(
        unknown.json(),
        call_error(
            "INVALID_FIELD",
            "No such column 'Nope' on sobject of type Contact"
        )
    );
    assert_eq!(too_many.status, 400);
    assert_eq!(client.counter("write_calls").await, 0);
}

#[tokio::test]
async fn a_rolled_back_call_leaves_every_byte_and_index_as_it_was_and_gives_its_ids_to_nobody() {
    let rig = Rig::with_org(json!({"switches": {"person_accounts": true}})).await;
    let client = &rig.client;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "type": "string", "external_id": true, "unique": true});
    client.org("POST", "/fields", key).await;
    client
        .write("POST", "", "Account", &json!([{"LastName": "Person"}]))
        .await;
    let ids = client
        .seed(
            "Contact",
            json!([{"LastName": "A", "Crm_Key__c": "old", "Email": "a@example.org"}]),
        )
        .await;
    let before = everything(client).await;
    let mixed = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Contact"}, "Crm_Key__c": "OLD", "Email": "b@example.org", "Title": "T"},
        {"attributes": {"type": "Contact"}, "Crm_Key__c": "new", "LastName": "N"},
        {"attributes": {"type": "Contact"}, "Crm_Key__c": "bad"},
    ]});
    let person = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Account"}, "LastName": "Other"},
        {"attributes": {"type": "Account"}, "Industry": "Energy"},
    ]});

    let upserted = client
        .rest("PATCH", "/composite/sobjects/Contact/Crm_Key__c", &mixed)
        .await;
    let created = client.rest("POST", "/composite/sobjects", &person).await;
    let renamed = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Account"}, "id": record_id("001", 1), "LastName": "Renamed"},
        {"attributes": {"type": "Account"}, "id": record_id("001", 9)},
    ]});
    let renamed = client.rest("PATCH", "/composite/sobjects", &renamed).await;
    let gone = format!(
        "/composite/sobjects?allOrNone=true&ids={},{}",
        ids[0],
        record_id("003", 99)
    );
    let deleted = client.rest("DELETE", &gone, &Value::Null).await;

    let codes = |answer: &crate::client::Answer| -> Vec<String> {
        assert_eq!(answer.status, 200);
        let elements = answer.json();
        let elements = elements.as_array().unwrap();
        elements
            .iter()
            .map(|element| element["errors"][0]["statusCode"].as_str().unwrap().to_owned())
            .collect()
    };
    let rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
    assert_eq!(
        codes(&upserted),
        [rolled_back, rolled_back, "REQUIRED_FIELD_MISSING"]
    );
    assert_eq!(codes(&created), [rolled_back, "REQUIRED_FIELD_MISSING"]);
    assert_eq!(codes(&renamed), [rolled_back, "INVALID_CROSS_REFERENCE_KEY"]);
    assert_eq!(codes(&deleted), [rolled_back, "INVALID_CROSS_REFERENCE_KEY"]);
    assert_eq!(everything(client).await, before);

    // The indexes too: the old values are found, the new ones are not.
    let records = json!([{"Crm_Key__c": "old", "Title": "1"}, {"Crm_Key__c": "new", "LastName": "N"}]);
    let elements = client
        .write("PATCH", "/Contact/Crm_Key__c", "Contact", &records)
        .await;
    assert_eq!(
        (&elements[0]["id"], &elements[0]["created"]),
        (&json!(ids[0]), &json!(false))
    );
    assert_eq!(elements[1]["created"], true);
    let by_email = client
        .write(
            "PATCH",
            "/Contact/Email?updateOnly=true",
            "Contact",
            &json!([{"Email": "b@example.org"}]),
        )
        .await;
    assert_eq!(by_email[0]["errors"][0]["statusCode"], "NOT_FOUND");
    // 1 is the person's, 2 the seeded one, 3 and 4 were rolled back.
    assert_eq!(elements[1]["id"], record_id("003", 5));
}

#[tokio::test]
async fn of_two_bad_fields_the_first_problem_is_told() {
    let rig = Rig::with_org(json!({})).await;
    let records = body(
        "Contact",
        &json!([{"LastName": "A", "Email": "nope", "Title": "x".repeat(200)}]),
    );
    let answer = rig
        .client
        .rest("POST", "/composite/sobjects", &records)
        .await
        .json();
    assert_eq!(answer[0]["errors"].as_array().unwrap().len(), 1);
}
