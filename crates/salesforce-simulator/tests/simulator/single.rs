//! Single-record endpoints. Source: salesforce-contract.md §2.5, §3.2, §8 and §9.

use chrono::TimeDelta;
use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Rig, call_error};

async fn org_with_key() -> Rig {
    let rig = Rig::with_org(json!({})).await;
    for (name, unique) in [("Crm_Key__c", true), ("Loose__c", false)] {
        let key = json!({"object": "Contact", "name": name, "type": "string", "external_id": true, "unique": unique});
        rig.client.org("POST", "/fields", key).await;
    }
    rig
}

fn error_of(code: &str, message: &str, fields: &[&str]) -> Value {
    json!([{"errorCode": code, "message": message, "fields": fields}])
}

#[tokio::test]
async fn a_record_is_created_changed_and_deleted_once() {
    let rig = org_with_key().await;
    let client = &rig.client;
    let id = record_id("003", 1);
    let path = format!("/sobjects/Contact/{id}");

    let created = client
        .rest("POST", "/sobjects/Contact", &json!({"LastName": "Okafor"}))
        .await;
    let changed = client.rest("PATCH", &path, &json!({"Title": "T"})).await;
    let stored = client.stored("Contact", &id).await;
    let deleted = client.rest("DELETE", &path, &Value::Null).await;
    let again = client.rest("DELETE", &path, &Value::Null).await;
    let late = client.rest("PATCH", &path, &json!({"Title": "U"})).await;
    let read = client.get(&path).await;

    assert_eq!(
        (created.status, created.json()),
        (201, json!({"id": id, "success": true, "errors": []}))
    );
    assert_eq!(
        created.header("location"),
        Some(format!("/services/data/v67.0{path}").as_str())
    );
    assert_eq!((changed.status, changed.text.as_str()), (204, ""));
    assert_eq!(stored["Title"], "T");
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    for answer in [again, late, read] {
        assert_eq!(
            (answer.status, &answer.json()[0]["errorCode"]),
            (404, &json!("ENTITY_IS_DELETED"))
        );
    }
    let history = client.org("GET", "/history", Value::Null).await;
    let operations: Vec<&Value> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["operation"])
        .collect();
    assert_eq!(operations, ["create", "update", "delete", "delete", "update"]);
}

#[tokio::test]
async fn what_is_wrong_with_one_record_is_said_in_the_array_form() {
    let rig = org_with_key().await;
    let client = &rig.client;
    let id = client.seed("Contact", json!([{"LastName": "A"}])).await.remove(0);
    let path = format!("/sobjects/Contact/{id}");
    let email = error_of(
        "INVALID_EMAIL_ADDRESS",
        "Email: invalid email address: nope",
        &["Email"],
    );
    let missing = error_of(
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [LastName]",
        &["LastName"],
    );
    let in_body = |field: &str| {
        call_error(
            "INVALID_FIELD",
            &format!("The {field} field should not be specified in the sobject data."),
        )
    };
    let other = record_id("00Q", 1);
    for (method, path, sent, status, expected) in [
        (
            "POST",
            "/sobjects/Contact",
            json!({"FirstName": "A"}),
            400,
            missing,
        ),
        ("PATCH", path.as_str(), json!({"Email": "nope"}), 400, email),
        ("PATCH", &path, json!({"Id": id}), 400, in_body("Id")),
        (
            "PATCH",
            "/sobjects/Contact/Crm_Key__c/a",
            json!({"crm_key__c": "a"}),
            400,
            in_body("Crm_Key__c"),
        ),
        (
            "PATCH",
            &path,
            json!({"Nope": 1}),
            400,
            call_error(
                "INVALID_FIELD",
                "No such column 'Nope' on sobject of type Contact",
            ),
        ),
        (
            "PATCH",
            &format!("/sobjects/Contact/{}", record_id("003", 9)),
            json!({}),
            404,
            call_error("NOT_FOUND", "The requested resource does not exist"),
        ),
        (
            "PATCH",
            &format!("/sobjects/Contact/{other}"),
            json!({}),
            400,
            call_error(
                "MALFORMED_ID",
                &format!("Contact ID: id value of incorrect type: {other}"),
            ),
        ),
        (
            "DELETE",
            "/sobjects/Contact/nope",
            Value::Null,
            404,
            call_error(
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: nope",
            ),
        ),
        (
            "PATCH",
            "/sobjects/Contact/Title/x",
            json!({}),
            404,
            call_error(
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: Title",
            ),
        ),
        (
            "POST",
            "/sobjects/Thing__c",
            json!({}),
            404,
            call_error("NOT_FOUND", "The requested resource does not exist"),
        ),
        (
            "PUT",
            "/sobjects/Contact",
            json!({}),
            405,
            call_error(
                "METHOD_NOT_ALLOWED",
                "HTTP Method 'PUT' not allowed. Allowed are GET,HEAD,POST",
            ),
        ),
    ] {
        let answer = client.rest(method, path, &sent).await;
        assert_eq!(
            (answer.status, answer.json()),
            (status, expected),
            "{method} {path} {sent}"
        );
    }
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
async fn an_upsert_inserts_then_updates_and_may_be_ambiguous() {
    let rig = org_with_key().await;
    let client = &rig.client;
    let path = "/sobjects/Contact/Crm_Key__c/u%2F1%20%C3%A9";
    let id = record_id("003", 1);

    let only = client
        .rest(
            "PATCH",
            &format!("{path}?updateOnly=true"),
            &json!({"LastName": "A"}),
        )
        .await;
    let inserted = client.rest("PATCH", path, &json!({"LastName": "A"})).await;
    let updated = client.rest("PATCH", path, &json!({"Title": "T"})).await;
    let read = client.get(&format!("{path}?fields=Title,Crm_Key__c")).await;

    assert_eq!(only.status, 404);
    assert_eq!(
        (inserted.status, inserted.json()),
        (
            201,
            json!({"id": id, "success": true, "errors": [], "created": true})
        )
    );
    assert_eq!(
        (updated.status, updated.json()),
        (
            200,
            json!({"id": id, "success": true, "errors": [], "created": false})
        )
    );
    assert_eq!(
        (&read.json()["Title"], &read.json()["Crm_Key__c"]),
        (&json!("T"), &json!("u/1 é"))
    );

    let twins = client
        .seed(
            "Contact",
            json!([{"LastName": "B", "Loose__c": "x"}, {"LastName": "C", "Loose__c": "X"}]),
        )
        .await;
    let urls: Vec<String> = twins
        .iter()
        .map(|id| format!("/services/data/v67.0/sobjects/Contact/{id}"))
        .collect();
    for method in ["PATCH", "GET", "DELETE"] {
        let answer = client
            .rest(method, "/sobjects/Contact/Loose__c/x", &json!({}))
            .await;
        assert_eq!((answer.status, answer.json()), (300, json!(urls)), "{method}");
    }
    assert_eq!(client.stored("Contact", &twins[0]).await["IsDeleted"], false);
    let deleted = client.rest("DELETE", path, &Value::Null).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(client.get(path).await.status, 404);
}

#[tokio::test]
async fn a_post_to_the_key_id_inserts() {
    let rig = org_with_key().await;
    let answer = rig
        .client
        .rest("POST", "/sobjects/Contact/Id", &json!({"LastName": "A"}))
        .await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            201,
            json!({"id": record_id("003", 1), "success": true, "errors": [], "created": true})
        )
    );
}

#[tokio::test]
async fn a_conditional_write_needs_the_record_as_it_was_read() {
    let rig = org_with_key().await;
    let client = &rig.client;
    client
        .rest("POST", "/sobjects/Contact", &json!({"LastName": "A"}))
        .await;
    let path = format!("/sobjects/Contact/{}", record_id("003", 1));
    let first = client.get(&path).await;
    let tag = first.header("etag").unwrap();
    let modified = first.header("last-modified").unwrap();
    assert_eq!(modified, "Fri, 20 Nov 2026 09:15:00 GMT");
    let title = json!({"Title": "T"});

    let known = client
        .rest_with("GET", &path, &[("If-None-Match", tag)], &Value::Null)
        .await;
    let matching = client
        .rest_with("PATCH", &path, &[("If-Match", tag)], &title)
        .await;
    let stale = client
        .rest_with("PATCH", &path, &[("If-Match", tag)], &json!({"Title": "U"}))
        .await;
    rig.clock.advance(TimeDelta::seconds(5));
    client.rest("PATCH", &path, &json!({"Title": "V"})).await;
    let since = [("If-Unmodified-Since", modified)];
    let late = client.rest_with("DELETE", &path, &since, &Value::Null).await;
    let unread = client
        .rest_with("GET", &path, &[("If-None-Match", tag)], &Value::Null)
        .await;

    assert_eq!((known.status, known.text.as_str()), (304, ""));
    assert_eq!(matching.status, 204);
    for answer in [stale, late] {
        assert_eq!(
            (answer.status, &answer.json()[0]["errorCode"]),
            (412, &json!("MATCH_PRECONDITION_FAILED"))
        );
    }
    assert_eq!((unread.status, &unread.json()["Title"]), (200, &json!("V")));
}
