//! Accounts, and the lookups that lead to them. Source: salesforce-contract.md §3.4 and §9.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Client, Rig, body, call_error, refused, written};

async fn org_with_account_key() -> Rig {
    let rig = Rig::with_org(json!({"users": [
        {"username": "svc@acme.example", "password": "pw", "security_token": "Tok1"},
        {"username": "gone@acme.example", "active": false},
    ]}))
    .await;
    let key = json!({"object": "Account", "name": "AcctKey__c", "label": "Account Key", "type": "string",
        "external_id": true, "unique": true});
    rig.client.org("POST", "/fields", key).await;
    let lookup =
        json!({"object": "Contact", "name": "Parent__c", "type": "reference", "reference_to": "Account"});
    rig.client.org("POST", "/fields", lookup).await;
    rig
}

async fn update(client: &Client, id: &str, mut fields: Value) -> Value {
    fields["id"] = json!(id);
    client.write("PATCH", "", "Contact", &json!([fields])).await[0].clone()
}

#[tokio::test]
async fn an_account_is_created_updated_upserted_read_and_described() {
    let rig = org_with_account_key().await;
    let client = &rig.client;

    let created = client
        .write(
            "POST",
            "",
            "Account",
            &json!([{"Name": "Kestrel"}, {"Industry": "Energy"}]),
        )
        .await;
    let id = record_id("001", 1);
    let updated = client
        .write(
            "PATCH",
            "",
            "Account",
            &json!([{"id": id, "BillingCity": "Oslo", "AcctKey__c": "A-17"}]),
        )
        .await;
    let upserted = client
        .write(
            "PATCH",
            "/Account/AcctKey__c",
            "Account",
            &json!([{"AcctKey__c": "a-17", "Type": "Prospect"}]),
        )
        .await;

    let missing = refused(
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [Name]",
        &["Name"],
    );
    assert_eq!(created, json!([written(&id), missing]));
    assert_eq!(updated, json!([written(&id)]));
    assert_eq!(
        upserted,
        json!([{"id": id, "success": true, "errors": [], "created": false}])
    );
    let read = client
        .get(&format!("/sobjects/account/{id}?fields=Name,BillingCity,Type"))
        .await
        .json();
    assert_eq!(
        (&read["Name"], &read["BillingCity"], &read["Type"]),
        (&json!("Kestrel"), &json!("Oslo"), &json!("Prospect"))
    );
    let describe = client.get("/sobjects/Account/describe").await.json();
    assert_eq!(describe["keyPrefix"], "001");
    assert_eq!(describe["fields"].as_array().unwrap().len(), 35);
}

#[tokio::test]
async fn a_lookup_must_lead_to_a_record() {
    let rig = org_with_account_key().await;
    let client = &rig.client;
    let accounts = client
        .seed(
            "Account",
            json!([{"Name": "Here"}, {"Name": "Gone", "IsDeleted": true}]),
        )
        .await;
    let contact = client.seed("Contact", json!([{"LastName": "A"}])).await.remove(0);
    let unknown = refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]);
    for (fields, expected) in [
        (json!({"AccountId": accounts[0]}), written(&contact)),
        (json!({"AccountId": record_id("001", 99)}), unknown.clone()),
        (
            json!({"AccountId": accounts[1]}),
            refused("ENTITY_IS_DELETED", "entity is deleted", &[]),
        ),
        (json!({"ReportsToId": record_id("003", 99)}), unknown.clone()),
        (json!({"OwnerId": record_id("005", 99)}), unknown),
        (
            json!({"AccountId": contact}),
            refused(
                "MALFORMED_ID",
                &format!("Account ID: id value of incorrect type: {contact}"),
                &["AccountId"],
            ),
        ),
        (json!({"Parent__c": accounts[0]}), written(&contact)),
    ] {
        assert_eq!(
            update(client, &contact, fields.clone()).await,
            expected,
            "{fields}"
        );
    }
    assert_eq!(client.stored("Contact", &contact).await["AccountId"], accounts[0]);
}

#[tokio::test]
async fn an_inactive_user_owns_nothing_new() {
    let rig = org_with_account_key().await;
    let client = &rig.client;
    let rule = client
        .org(
            "POST",
            "/assignment-rules",
            json!({"owner": "gone@acme.example", "active": false}),
        )
        .await;
    let lead = json!({"LastName": "A", "Company": "B"});
    let header = [("Sforce-Auto-Assign", rule["id"].as_str().unwrap())];

    let answer = client.rest_with("POST", "/sobjects/Lead", &header, &lead).await;

    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()[0]["errorCode"], "INACTIVE_OWNER_OR_USER");
    assert_eq!(client.org("GET", "/records/Lead", Value::Null).await, json!([]));

    client
        .org("PATCH", "/users/gone@acme.example", json!({"active": true}))
        .await;
    let answer = client.rest_with("POST", "/sobjects/Lead", &header, &lead).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn a_parent_is_named_by_its_key() {
    let rig = org_with_account_key().await;
    let client = &rig.client;
    let account = client
        .seed("Account", json!([{"Name": "Here", "AcctKey__c": "A-17"}]))
        .await
        .remove(0);
    let contact = client.seed("Contact", json!([{"LastName": "A"}])).await.remove(0);

    let both = update(
        client,
        &contact,
        json!({"Account": {"AcctKey__c": "a-17"}, "Parent__r": {"AcctKey__c": "A-17"}}),
    )
    .await;
    assert_eq!(both, written(&contact));
    let stored = client.stored("Contact", &contact).await;
    assert_eq!(
        (&stored["AccountId"], &stored["Parent__c"]),
        (&json!(account), &json!(account))
    );

    for (fields, expected) in [
        (
            json!({"Account": {"AcctKey__c": "A-18"}}),
            refused(
                "INVALID_FIELD",
                "Foreign key external ID: A-18 not found for field AcctKey__c in entity Account",
                &[],
            ),
        ),
        (
            json!({"Account": {"AcctKey__c": "A-17"}, "AccountId": account}),
            refused(
                "INVALID_FIELD",
                "cannot specify both an external ID reference AcctKey__c and a salesforce id, AccountId",
                &["AccountId"],
            ),
        ),
        (
            json!({"Account": {"Name": "Here"}}),
            refused(
                "INVALID_FIELD",
                "Field name provided, Name does not match an External ID, Salesforce Id, or indexed field for Account",
                &["Name"],
            ),
        ),
    ] {
        assert_eq!(
            update(client, &contact, fields.clone()).await,
            expected,
            "{fields}"
        );
    }
    let blank = update(client, &contact, json!({"AccountId": null, "Parent__r": null})).await;
    assert_eq!(blank, written(&contact));
    let stored = client.stored("Contact", &contact).await;
    assert_eq!((stored.get("AccountId"), stored.get("Parent__c")), (None, None));

    let unknown = body("Contact", &json!([{"id": contact, "Account": {"Nope__c": 1}}]));
    let unknown = client.rest("PATCH", "/composite/sobjects", &unknown).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (
            400,
            call_error(
                "INVALID_FIELD",
                "No such column 'Nope__c' on sobject of type Account"
            )
        )
    );
}

#[tokio::test]
async fn the_sample_contacts_work_for_the_sample_accounts() {
    let rig = Rig::empty().await;
    let simulator = salesforce_simulator::Simulator::start(salesforce_simulator::Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        clock: rig.clock.clock(),
        sample_org: true,
    })
    .await
    .unwrap();
    let client = Client {
        address: simulator.address(),
        ..rig.client.clone()
    };

    let accounts = client.org("GET", "/records/Account", Value::Null).await;
    let contacts = client.org("GET", "/records/Contact", Value::Null).await;

    let ids: Vec<&Value> = accounts
        .as_array()
        .unwrap()
        .iter()
        .map(|account| &account["Id"])
        .collect();
    assert_eq!(ids.len(), 7);
    for contact in contacts.as_array().unwrap() {
        assert!(ids.contains(&&contact["AccountId"]), "{contact}");
    }
}
