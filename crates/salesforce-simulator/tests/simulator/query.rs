//! SOQL over HTTP. Source: salesforce-contract.md §3.2; Salesforce, "SOQL and SOSL Reference".

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Rig, call_error};

async fn ask(client: &Client, resource: &str, soql: &str, batch_size: &str) -> Answer {
    let q: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
    let authorization = format!("Bearer {}", client.token);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Sforce-Query-Options", batch_size),
    ];
    let path = format!("/services/data/v67.0/{resource}?q={q}");
    client.exchange("GET", &path, &headers, "").await.unwrap()
}

/// Returns the last names that a query finds, in its order.
async fn names(client: &Client, rest: &str) -> Vec<String> {
    let answer = ask(client, "query", &format!("SELECT LastName FROM Lead {rest}"), "").await;
    assert_eq!(answer.status, 200, "{rest}: {answer:?}");
    let records = answer.json()["records"].as_array().unwrap().clone();
    records
        .iter()
        .map(|record| record["LastName"].as_str().unwrap().to_owned())
        .collect()
}

async fn refusal(client: &Client, soql: &str) -> (u16, String, String) {
    let answer = ask(client, "query", soql, "").await;
    let error = answer.json()[0].clone();
    let message = error["message"]
        .as_str()
        .unwrap()
        .lines()
        .last()
        .unwrap()
        .to_owned();
    (
        answer.status,
        error["errorCode"].as_str().unwrap().to_owned(),
        message,
    )
}

async fn rig() -> Rig {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client
        .org(
            "POST",
            "/fields",
            json!({"object": "Lead", "name": "Key__c", "type": "string", "case_sensitive": true}),
        )
        .await;
    client
        .org(
            "POST",
            "/fields",
            json!({"object": "Lead", "name": "Due__c", "type": "date"}),
        )
        .await;
    let leads = json!([
        {"LastName": "Abel", "Company": "X%", "Key__c": "a", "NumberOfEmployees": 10, "Due__c": "2026-11-20", "CreatedDate": "2026-11-20T09:00:00Z"},
        {"LastName": "bert", "Company": "O'Neill", "Key__c": "A", "NumberOfEmployees": 2, "IsUnreadByOwner": true, "CreatedDate": "2026-11-20T10:00:00+01:00"},
        {"LastName": "Cid", "Company": "x y", "NumberOfEmployees": 30, "Due__c": "2026-12-01", "CreatedDate": "2026-11-21T00:00:00Z"},
        {"LastName": "Dora", "IsDeleted": true},
    ]);
    client.org("POST", "/records/Lead", leads).await;
    rig
}

#[tokio::test]
async fn conditions_select_as_in_soql() {
    let rig = rig().await;
    let client = &rig.client;
    let cases: [(&str, &[&str]); 26] = [
        ("WHERE LastName = 'ABEL'", &["Abel"]),
        ("WHERE Key__c = 'a'", &["Abel"]),
        ("WHERE Key__c != 'a'", &["bert", "Cid"]),
        ("WHERE Key__c = null", &["Cid"]),
        ("WHERE Key__c <> NULL", &["Abel", "bert"]),
        ("WHERE Key__c = ''", &["Cid"]),
        ("WHERE NumberOfEmployees >= 10", &["Abel", "Cid"]),
        ("WHERE NumberOfEmployees < 10.5", &["Abel", "bert"]),
        ("WHERE NumberOfEmployees > 10 AND Company LIKE 'X%'", &["Cid"]),
        ("WHERE Company LIKE 'x\\%'", &["Abel"]),
        ("WHERE Company LIKE '__Neill'", &["bert"]),
        ("WHERE Company = 'O\\'Neill'", &["bert"]),
        ("WHERE IsUnreadByOwner = true", &["bert"]),
        ("WHERE IsUnreadByOwner = FALSE", &["Abel", "Cid"]),
        ("WHERE NOT IsUnreadByOwner = true", &["Abel", "Cid"]),
        ("WHERE NOT (LastName = 'Abel' OR LastName = 'Cid')", &["bert"]),
        ("WHERE LastName IN ('abel', 'Nobody', 'CID')", &["Abel", "Cid"]),
        ("WHERE LastName NOT IN ('abel')", &["bert", "Cid"]),
        ("WHERE NumberOfEmployees IN (2, 30)", &["bert", "Cid"]),
        ("WHERE Due__c > 2026-11-20", &["Cid"]),
        ("WHERE Due__c <= 2026-11-20", &["Abel"]),
        ("WHERE CreatedDate = 2026-11-20T09:00:00.000Z", &["Abel", "bert"]),
        ("WHERE CreatedDate > 2026-11-20T10:00:00+00:00", &["Cid"]),
        ("WHERE LastName > 'b'", &["bert", "Cid"]),
        (
            "WHERE Id IN (SELECT Id FROM Lead WHERE LastName LIKE '%e%')",
            &["Abel", "bert"],
        ),
        ("WHERE LastName = 'Dora'", &[]),
    ];
    for (rest, expected) in cases {
        assert_eq!(names(client, rest).await, expected, "{rest}");
    }
    assert_eq!(client.counter("query_calls").await, 26);
}

#[tokio::test]
async fn orders_limits_counts_and_deleted_records() {
    let rig = rig().await;
    let client = &rig.client;
    assert_eq!(
        names(client, "ORDER BY LastName DESC").await,
        ["Cid", "bert", "Abel"]
    );
    assert_eq!(names(client, "ORDER BY Due__c").await, ["bert", "Abel", "Cid"]);
    assert_eq!(
        names(client, "ORDER BY Due__c DESC NULLS LAST").await,
        ["Cid", "Abel", "bert"]
    );
    assert_eq!(
        names(client, "ORDER BY IsUnreadByOwner, NumberOfEmployees DESC").await,
        ["Cid", "Abel", "bert"]
    );
    assert_eq!(
        names(client, "ORDER BY LastName LIMIT 1 OFFSET 1").await,
        ["bert"]
    );

    let count = ask(
        client,
        "query",
        "SELECT COUNT() FROM Lead WHERE Key__c != null",
        "",
    )
    .await
    .json();
    assert_eq!(count, json!({"totalSize": 2, "done": true, "records": []}));
    let all = ask(
        client,
        "queryAll",
        "SELECT LastName FROM Lead WHERE IsDeleted = true",
        "",
    )
    .await
    .json();
    assert_eq!(all["records"][0]["LastName"], "Dora");
    let fields = ask(client, "query", "SELECT FIELDS(CUSTOM) FROM Lead LIMIT 1", "")
        .await
        .json();
    let keys: Vec<&String> = fields["records"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["attributes", "Key__c", "Due__c"]);
}

#[tokio::test]
async fn parents_are_nested_and_a_missing_one_is_null() {
    let rig = rig().await;
    let client = &rig.client;
    let created = client
        .write("POST", "", "Lead", &json!([{"LastName": "E", "Company": "C"}]))
        .await;
    let id = created[0]["id"].as_str().unwrap();
    let query = "SELECT Id, Owner.Username, Owner.Profile.Name FROM Lead WHERE Owner.Profile.Name LIKE 'system%' OR LastName = 'Cid'";
    let found = ask(client, "query", query, "").await.json();
    let owner = &found["records"][1]["Owner"];
    assert_eq!(found["records"][0]["Owner"], Value::Null);
    assert_eq!(found["records"][1]["Id"], id);
    assert_eq!(owner["attributes"]["type"], "User");
    assert_eq!(
        (&owner["Username"], &owner["Profile"]["Name"]),
        (&json!("svc@acme.example"), &json!("System Administrator"))
    );
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_by_name() {
    let rig = rig().await;
    let cases = [
        (
            "SELECT Id FROM Nope",
            "INVALID_TYPE",
            "sObject type 'Nope' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
        ),
        (
            "SELECT Nope FROM Lead",
            "INVALID_FIELD",
            "No such column 'Nope' on entity 'Lead'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
        ),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Lead ORDER BY Description",
            "INVALID_FIELD",
            "field 'Description' can not be sorted in a query call",
        ),
        (
            "SELECT Id FROM Lead WHERE LastName = 5",
            "INVALID_FIELD",
            "value of filter criterion for field 'LastName' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE NumberOfEmployees = '5'",
            "INVALID_FIELD",
            "value of filter criterion for field 'NumberOfEmployees' must be of type int and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate = 2026-11-20",
            "INVALID_FIELD",
            "value of filter criterion for field 'CreatedDate' must be of type datetime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE Id = 'x'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: x",
        ),
        (
            "SELECT Id FROM Lead WHERE Id LIKE '00Q%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        (
            "SELECT Id FROM Lead OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        (
            "SELECT Id FROM Lead WHERE LastName = 'x",
            "MALFORMED_QUERY",
            "expecting a single quote, found: '<EOF>'",
        ),
    ];
    for (soql, code, message) in cases {
        assert_eq!(
            refusal(&rig.client, soql).await,
            (400, code.to_owned(), message.to_owned()),
            "{soql}"
        );
    }
}

#[tokio::test]
async fn long_answers_come_in_pages_until_the_locator_expires() {
    let rig = Rig::with_org(json!({"query_locator_seconds": 60})).await;
    let client = &rig.client;
    let leads: Vec<Value> = (0..450)
        .map(|number| json!({"LastName": format!("L{number:03}")}))
        .collect();
    client.org("POST", "/records/Lead", json!(leads)).await;
    let get = async |url: &str| {
        let path = url.strip_prefix("/services/data/v67.0").unwrap().to_owned();
        client.get(&path).await
    };

    let first = ask(client, "query", "SELECT LastName FROM Lead", "batchSize=100")
        .await
        .json();
    assert_eq!(
        (&first["totalSize"], &first["done"]),
        (&json!(450), &json!(false))
    );
    assert_eq!(first["records"].as_array().unwrap().len(), 200);
    let next = first["nextRecordsUrl"].as_str().unwrap();
    assert!(
        next.starts_with("/services/data/v67.0/query/01g") && next.ends_with("-200"),
        "{next}"
    );
    // This call names no batch size, so the page has all the rest.
    let rest = get(next).await.json();
    assert_eq!(
        (&rest["done"], &rest["records"][0]["LastName"]),
        (&json!(true), &json!("L200"))
    );
    assert_eq!(
        (
            rest["records"].as_array().unwrap().len(),
            rest.get("nextRecordsUrl")
        ),
        (250, None)
    );

    rig.clock.advance(TimeDelta::seconds(59));
    assert_eq!(get(next).await.status, 200);
    rig.clock.advance(TimeDelta::seconds(60));
    let expired = get(next).await;
    assert_eq!(
        (expired.status, expired.json()),
        (400, call_error("INVALID_QUERY_LOCATOR", "invalid query locator"))
    );
    let whole = ask(client, "query", "SELECT Id FROM Lead", "").await.json();
    assert_eq!(
        (&whole["done"], whole["records"].as_array().unwrap().len()),
        (&json!(true), 450)
    );
}

#[tokio::test]
async fn a_record_that_is_hidden_is_found_by_no_query_and_is_no_parent() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let accounts = client
        .seed("Account", json!([{"Name": "Open"}, {"Name": "Hidden"}]))
        .await;
    client
        .seed(
            "Contact",
            json!([
                {"LastName": "A", "AccountId": accounts[0]},
                {"LastName": "B", "AccountId": accounts[1]},
            ]),
        )
        .await;
    client
        .org(
            "POST",
            "/record-access",
            json!({"ids": [accounts[1]], "access": "hidden"}),
        )
        .await;

    let found = ask(client, "query", "SELECT Name FROM Account", "").await.json();
    let soql = "SELECT Account.Name FROM Contact ORDER BY LastName";
    let contacts = ask(client, "query", soql, "").await.json();
    let count = ask(client, "query", "SELECT COUNT() FROM Account", "")
        .await
        .json();

    assert_eq!(
        (&found["totalSize"], &found["records"][0]["Name"]),
        (&json!(1), &json!("Open"))
    );
    assert_eq!(contacts["records"][0]["Account"]["Name"], "Open");
    assert_eq!(contacts["records"][1]["Account"], Value::Null);
    assert_eq!(count["totalSize"], 1);
}

#[tokio::test]
async fn what_the_caller_may_do_with_records_can_be_asked() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let people = json!([{"LastName": "Open"}, {"LastName": "Read"}, {"LastName": "Hidden"}]);
    let ids = client.seed("Contact", people).await;
    for (id, access) in [(&ids[1], "read_only"), (&ids[2], "hidden")] {
        let body = json!({"ids": [id], "access": access});
        client.org("POST", "/record-access", body).await;
    }

    let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    let soql = format!(
        "SELECT RecordId, HasReadAccess, HasEditAccess FROM UserRecordAccess WHERE RecordId IN ({})",
        list.join(", ")
    );
    let answer = ask(client, "query", &soql, "").await;

    let records = answer.json()["records"].as_array().unwrap().clone();
    let access: Vec<(&str, bool, bool)> = records
        .iter()
        .map(|record| {
            let id = record["RecordId"].as_str().unwrap();
            let may = |name: &str| record[name].as_bool().unwrap();
            (id, may("HasReadAccess"), may("HasEditAccess"))
        })
        .collect();
    assert_eq!(
        access,
        [
            (ids[0].as_str(), true, true),
            (&ids[1], true, false),
            (&ids[2], false, false)
        ]
    );
}
