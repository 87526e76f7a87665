//! Collections create and update, and what fails a whole call. Source: salesforce-contract.md §2.

use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Client, Rig, body, call_error, refused, written};

async fn seeded(client: &Client, object: &str, records: Value) -> Vec<String> {
    let ids = client.org("POST", &format!("/records/{object}"), records).await;
    ids.as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

async fn stored(client: &Client, object: &str, id: &str) -> Value {
    client
        .org("GET", &format!("/records/{object}/{id}"), Value::Null)
        .await
}

#[tokio::test]
async fn an_update_answers_in_order_and_stores_the_fields() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let ids = seeded(
        client,
        "Contact",
        json!([{"LastName": "A"}, {"LastName": "B", "FirstName": "Bo"}]),
    )
    .await;
    assert_eq!(ids, [record_id("003", 1), record_id("003", 2)]);

    let records = json!([
        {"ID": &ids[1][..15], "FirstName": null, "lastname": "Bee", "Email": "Bee@Example.ORG"},
        {"id": ids[0], "Title": ""},
    ]);
    let elements = client.write("PATCH", "", "Contact", &records).await;

    assert_eq!(elements, json!([written(&ids[1]), written(&ids[0])]));
    let second = stored(client, "Contact", &ids[1]).await;
    assert_eq!(second["LastName"], "Bee");
    assert_eq!(second["Email"], "bee@example.org");
    assert_eq!(second.get("FirstName"), None);
    assert_eq!(second["LastModifiedDate"], "2026-11-20T09:15:00.123+0000");
    let first = stored(client, "Contact", &ids[0]).await;
    assert_eq!((&first["LastName"], first.get("Title")), (&json!("A"), None));
}

#[tokio::test]
async fn a_create_gives_the_next_ids_and_defaults_and_takes_no_id() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    seeded(
        client,
        "Lead",
        json!([{"Id": record_id("00Q", 1), "LastName": "Taken"}]),
    )
    .await;

    let records = json!([
        {"LastName": "Okafor", "Company": "Kestrel"},
        {"LastName": "Silva", "Company": "Alder", "Id": record_id("00Q", 9)},
    ]);
    let elements = client.write("POST", "", "Lead", &records).await;

    let id = record_id("00Q", 2);
    let error = refused(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "cannot specify Id in an insert call",
        &["Id"],
    );
    assert_eq!(elements, json!([written(&id), error]));
    let lead = stored(client, "Lead", &id).await;
    assert_eq!(lead["Status"], "Open - Not Contacted");
    assert_eq!(lead["IsConverted"], false);
    assert_eq!(lead["IsUnreadByOwner"], true);
    assert_eq!(lead["Name"], "Okafor");
    assert_eq!(lead["CreatedDate"], "2026-11-20T09:15:00.123+0000");
    assert!(lead["OwnerId"].as_str().unwrap().starts_with("005"));
}

#[tokio::test]
async fn ids_that_lead_nowhere_fail_their_record_alone() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let ids = seeded(
        client,
        "Lead",
        json!([{"LastName": "Gone"}, {"LastName": "Won"}, {"LastName": "Fine"}]),
    )
    .await;
    client
        .org(
            "PATCH",
            &format!("/records/Lead/{}", ids[0]),
            json!({"IsDeleted": true}),
        )
        .await;
    client
        .org(
            "PATCH",
            &format!("/records/Lead/{}", ids[1]),
            json!({"IsConverted": true}),
        )
        .await;
    let contact_id = record_id("003", 1);
    let records = json!([
        {"id": ids[0], "Title": "T"},
        {"id": ids[1], "Title": "T"},
        {"id": record_id("00Q", 99), "Title": "T"},
        {"id": "00Q!", "Title": "T"},
        {"id": contact_id, "Title": "T"},
        {"Title": "T"},
        {"id": ids[2], "Title": "T"},
    ]);

    let elements = client.write("PATCH", "", "Lead", &records).await;

    let malformed = |id: &str| {
        refused(
            "MALFORMED_ID",
            &format!("Lead ID: id value of incorrect type: {id}"),
            &["Id"],
        )
    };
    assert_eq!(
        elements,
        json!([
            refused("ENTITY_IS_DELETED", "entity is deleted", &[]),
            refused(
                "CANNOT_UPDATE_CONVERTED_LEAD",
                "cannot reference converted lead",
                &[]
            ),
            refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]),
            malformed("00Q!"),
            malformed(&contact_id),
            refused("MISSING_ARGUMENT", "Id not specified in an update call", &["Id"]),
            written(&ids[2]),
        ])
    );
}

#[tokio::test]
async fn an_id_given_twice_fails_every_occurrence() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let ids = seeded(client, "Contact", json!([{"LastName": "A"}, {"LastName": "B"}])).await;
    let short = &ids[0][..15];
    let records =
        json!([{"id": ids[0], "Title": "1"}, {"id": ids[1], "Title": "2"}, {"id": short, "Title": "3"}]);

    let elements = client.write("PATCH", "", "Contact", &records).await;

    let duplicate = |id: &str| {
        refused(
            "DUPLICATE_VALUE",
            &format!("Duplicate id specified: {id}"),
            &["Id"],
        )
    };
    assert_eq!(
        elements,
        json!([duplicate(&ids[0]), written(&ids[1]), duplicate(short)])
    );
    assert_eq!(stored(client, "Contact", &ids[0]).await.get("Title"), None);
}

#[tokio::test]
async fn all_or_none_takes_everything_back() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let ids = seeded(client, "Contact", json!([{"LastName": "A", "Title": "old"}])).await;
    let mut update = body(
        "Contact",
        &json!([{"id": ids[0], "Title": "new"}, {"id": record_id("003", 9), "Title": "x"}]),
    );
    update["allOrNone"] = json!(true);
    let mut create = body(
        "Contact",
        &json!([{"LastName": "B"}, {"FirstName": "no last name"}]),
    );
    create["allOrNone"] = json!(true);

    let updated = client.rest("PATCH", "/composite/sobjects", &update).await;
    let created = client.rest("POST", "/composite/sobjects", &create).await;

    let rolled_back = refused(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
        &[],
    );
    let unknown = refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]);
    let incomplete = refused(
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [LastName]",
        &["LastName"],
    );
    assert_eq!(
        (updated.status, updated.json()),
        (200, json!([rolled_back, unknown]))
    );
    assert_eq!(
        (created.status, created.json()),
        (200, json!([rolled_back, incomplete]))
    );
    assert_eq!(stored(client, "Contact", &ids[0]).await["Title"], "old");
    assert_eq!(
        client
            .org("GET", "/records/Contact", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_fails_a_whole_call_stores_nothing() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let ids = seeded(client, "Contact", json!([{"LastName": "A"}])).await;
    let good = json!({"attributes": {"type": "Contact"}, "id": ids[0], "Title": "T"});
    let with = |other: Value| json!({"records": [good.clone(), other]});
    let record = |name: &str, value: Value| {
        let mut record = json!({"attributes": {"type": "Contact"}, "id": record_id("003", 2)});
        record[name] = value;
        with(record)
    };
    let too_many = json!({"records": vec![good.clone(); 201]});
    let lead = json!({"attributes": {"type": "Lead"}, "id": record_id("00Q", 1)});
    let interleaved: Vec<Value> = (0..6).flat_map(|_| [good.clone(), lead.clone()]).collect();
    for (body, status, code) in [
        (record("Nope__c", json!("x")), 400, "INVALID_FIELD"),
        (record("Birthdate", json!("yesterday")), 400, "JSON_PARSER_ERROR"),
        (
            record("EmailBouncedDate", json!("2026-11-20")),
            400,
            "JSON_PARSER_ERROR",
        ),
        (
            record("MailingLatitude", json!("north")),
            400,
            "JSON_PARSER_ERROR",
        ),
        (record("Title", json!(7)), 400, "JSON_PARSER_ERROR"),
        (
            with(json!({"id": record_id("003", 2), "Title": "T"})),
            400,
            "MISSING_ARGUMENT",
        ),
        (
            with(json!({"attributes": {"type": "Thing__c"}, "id": "x"})),
            404,
            "NOT_FOUND",
        ),
        (too_many, 400, "EXCEEDED_ID_LIMIT"),
        (json!({"records": interleaved}), 400, "LIMIT_EXCEEDED"),
        (json!({"allOrNone": false}), 400, "JSON_PARSER_ERROR"),
    ] {
        let answer = client.rest("PATCH", "/composite/sobjects", &body).await;
        assert_eq!(
            (answer.status, &answer.json()[0]["errorCode"]),
            (status, &json!(code)),
            "{body}"
        );
    }

    assert_eq!(stored(client, "Contact", &ids[0]).await.get("Title"), None);
    assert_eq!(client.counter("write_calls_failed").await, 10);
    assert_eq!(client.counter("write_calls").await, 0);
    assert_eq!(client.counter("records_received").await, 0);
}

#[tokio::test]
async fn whole_call_errors_have_the_recorded_words() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let authorization = format!("Bearer {}", client.token);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json; charset=UTF-8"),
    ];
    let path = "/services/data/v67.0/composite/sobjects";

    let broken = client
        .exchange("PATCH", path, &headers, "{\"records\": [}")
        .await
        .unwrap();
    let unknown = body("Contact", &json!([{"id": record_id("003", 1), "X__c": 1}]));
    let unknown = client.rest("PATCH", "/composite/sobjects", &unknown).await;
    let too_many = body("Contact", &json!(vec![json!({"LastName": "A"}); 201]));
    let too_many = client.rest("POST", "/composite/sobjects", &too_many).await;

    assert_eq!(broken.status, 400);
    assert_eq!(
        broken.json(),
        call_error(
            "JSON_PARSER_ERROR",
            "Unexpected character or end of input at [line:1, column:14]"
        )
    );
    assert_eq!(
        unknown.json(),
        call_error(
            "INVALID_FIELD",
            "No such column 'X__c' on sobject of type Contact"
        )
    );
    assert_eq!(
        too_many.json(),
        call_error(
            "EXCEEDED_ID_LIMIT",
            "record limit reached. cannot submit more than 200 records into this call"
        )
    );
}

#[tokio::test]
async fn a_field_that_was_taken_away_fails_the_call_and_works_again_when_it_is_back() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let field = json!({"object": "Contact", "name": "seg__c", "type": "textarea"});
    client.org("POST", "/fields", field.clone()).await;
    let ids = seeded(
        client,
        "Contact",
        json!([{"LastName": "A", "seg__c": "realized"}]),
    )
    .await;
    let update = body("Contact", &json!([{"id": ids[0], "seg__c": "exited"}]));

    client.org("DELETE", "/fields/Contact/seg__c", Value::Null).await;
    let refused = client.rest("PATCH", "/composite/sobjects", &update).await;
    client.org("POST", "/fields", field).await;
    let taken = client.rest("PATCH", "/composite/sobjects", &update).await;

    assert_eq!(
        refused.json(),
        call_error(
            "INVALID_FIELD",
            "No such column 'seg__c' on sobject of type Contact"
        )
    );
    assert_eq!(taken.json(), json!([written(&ids[0])]));
    assert_eq!(stored(client, "Contact", &ids[0]).await["seg__c"], "exited");
}
