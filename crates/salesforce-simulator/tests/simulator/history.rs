//! The history tells every record that a write wrote, also those that were not sent.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Client, Rig};

/// Returns of each entry after the first `after` what it is about: call, cause, object, id, operation, fields, success.
async fn history(client: &Client, after: u64) -> Value {
    let entries = client
        .org("GET", &format!("/history?after={after}"), Value::Null)
        .await;
    entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            [
                "call",
                "caused_by",
                "object",
                "id",
                "operation",
                "fields",
                "success",
            ]
            .map(|key| entry[key].clone())
        })
        .map(|told| json!(told))
        .collect()
}

#[tokio::test]
async fn contacts_that_go_with_their_account_are_told_behind_it() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let (first, second) = (record_id("001", 1), record_id("001", 2));
    client
        .seed("Account", json!([{"Name": "A"}, {"Name": "B"}]))
        .await;
    let contacts = json!([
        {"LastName": "A", "AccountId": first},
        {"LastName": "B", "AccountId": second},
        {"LastName": "C", "AccountId": first},
        {"LastName": "D", "AccountId": first, "IsDeleted": true},
    ]);
    client.seed("Contact", contacts).await;
    let delete = async |ids: &str, all_or_none: bool| {
        let path = format!("/composite/sobjects?ids={ids}&allOrNone={all_or_none}");
        client.rest("DELETE", &path, &Value::Null).await.status
    };
    let unknown = record_id("001", 9);

    // What was taken back was not written.
    assert_eq!(delete(&format!("{first},{unknown}"), true).await, 200);
    assert_eq!(
        history(client, 0).await,
        json!([
            [1, null, "Account", first, "delete", {}, false],
            [1, null, "Account", unknown, "delete", {}, false],
        ])
    );
    assert_eq!(delete(&format!("{first},{second}"), false).await, 200);
    assert_eq!(
        history(client, 2).await,
        json!([
            [2, null, "Account", first, "delete", {}, true],
            [2, 3, "Contact", record_id("003", 1), "delete", {}, true],
            [2, 3, "Contact", record_id("003", 3), "delete", {}, true],
            [2, null, "Account", second, "delete", {}, true],
            [2, 6, "Contact", record_id("003", 2), "delete", {}, true],
        ])
    );
    assert_eq!(client.counter("records_written").await, 2);
}

#[tokio::test]
async fn the_other_half_of_a_person_is_told_with_what_changed_of_it() {
    let rig = Rig::with_org(json!({"switches": {"person_accounts": true}})).await;
    let client = &rig.client;
    let (account, contact) = (record_id("001", 1), record_id("003", 1));
    let created = json!([{"LastName": "Okafor", "PersonEmail": "ada@example.org"}]);
    client.write("POST", "", "Account", &created).await;
    let by_account = json!([{"id": account, "FirstName": "Ada", "PersonEmail": null, "Industry": "Energy"}]);
    client.write("PATCH", "", "Account", &by_account).await;
    // Nothing of this is shared.
    client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": contact, "Department": "D"}]),
        )
        .await;
    client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": contact, "LastName": "Obi"}]),
        )
        .await;

    let told = history(client, 0).await;
    let owner = client.stored("Contact", &contact).await["OwnerId"].clone();
    assert_eq!(
        told,
        json!([
            [1, null, "Account", account, "create", created[0], true],
            [1, 1, "Contact", contact, "create",
                {"LastName": "Okafor", "Email": "ada@example.org", "AccountId": account, "OwnerId": owner}, true],
            [2, null, "Account", account, "update",
                {"FirstName": "Ada", "PersonEmail": null, "Industry": "Energy"}, true],
            [2, 3, "Contact", contact, "update", {"FirstName": "Ada", "Email": null}, true],
            [3, null, "Contact", contact, "update", {"Department": "D"}, true],
            [4, null, "Contact", contact, "update", {"LastName": "Obi"}, true],
            [4, 6, "Account", account, "update", {"LastName": "Obi"}, true],
        ])
    );
}
