//! Versions, limits, describe, records, queries and the status table. Source: salesforce-contract.md §3–5,
//! §8.

use chrono::TimeDelta;
use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{Rig, call_error};

fn long_text(name: &str) -> Value {
    json!({"object": "Contact", "name": name, "label": "CRM 2 Segments", "type": "textarea", "length": 32768})
}

#[tokio::test]
async fn the_version_list_needs_no_session_and_costs_nothing() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let answer = client.exchange("GET", "/services/data/", &[], "").await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("sforce-limit-info"), None);
    let versions = answer.json();
    assert_eq!(versions.as_array().unwrap().len(), 22);
    assert_eq!(versions[0]["version"], "46.0");
    assert_eq!(
        versions[21],
        json!({"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"})
    );
    assert_eq!(client.counter("api_requests").await, 0);
}

#[tokio::test]
async fn what_is_not_served_is_not_listed_and_not_found() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let listed = client.get("/").await.json();
    let mut names: Vec<&String> = listed.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "identity", "jobs", "limits", "query", "queryAll", "sobjects", "tooling"
        ]
    );
    let not_found = call_error("NOT_FOUND", "The requested resource does not exist");
    for path in [
        "/composite",
        "/sobjects/Lead/describe/layouts",
        "/sobjects/Lead/describe/layouts/012000000000000AAA",
        "/sobjects/Lead/describe/compactLayouts",
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.json()), (404, not_found.clone()), "{path}");
    }
}

#[tokio::test]
async fn every_answer_tells_the_usage_and_the_quota_is_hard_until_calls_age_out() {
    let rig = Rig::with_org(json!({"daily_request_limit": 2})).await;
    let first = rig.client.get("/limits").await;
    assert_eq!(first.header("sforce-limit-info"), Some("api-usage=1/2"));
    assert_eq!(
        first.json()["DailyApiRequests"],
        json!({"Max": 2, "Remaining": 1})
    );
    let missing = rig.client.get("/sobjects/Nothing/describe").await;
    assert_eq!(missing.header("sforce-limit-info"), Some("api-usage=2/2"));

    let refused = rig.client.get("/limits").await;
    let login = rig
        .client
        .form("grant_type=client_credentials&client_id=app&client_secret=secret")
        .await;

    let quota = call_error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    assert_eq!((refused.status, refused.json()), (403, quota.clone()));
    assert_eq!((login.status, login.json()), (403, quota));
    rig.clock.advance(TimeDelta::minutes(24 * 60 + 1));
    let token = rig.client.log_in().await;
    let client = crate::client::Client {
        token,
        ..rig.client.clone()
    };
    assert_eq!(client.get("/limits").await.status, 200);
}

#[tokio::test]
async fn the_usage_header_may_jitter_or_be_absent() {
    let rig = Rig::with_org(json!({"usage_header": "absent"})).await;
    let absent = &rig.client;
    assert_eq!(absent.get("/limits").await.header("sforce-limit-info"), None);

    let rig = Rig::with_org(json!({"usage_header": "jitter", "daily_request_limit": 500})).await;
    let jitter = &rig.client;
    let mut reported = Vec::new();
    for _ in 0..30 {
        let answer = jitter.get("/limits").await;
        let text = answer.header("sforce-limit-info").unwrap().to_owned();
        let used = text
            .strip_prefix("api-usage=")
            .unwrap()
            .strip_suffix("/500")
            .unwrap();
        reported.push(used.parse::<u64>().unwrap());
    }
    assert!(reported.windows(2).any(|pair| pair[1] < pair[0]), "{reported:?}");
    assert!(
        reported
            .iter()
            .zip(1..)
            .all(|(reported, used)| *reported <= used && used <= reported + 5)
    );
}

#[tokio::test]
async fn describe_tells_the_attributes_of_standard_and_custom_fields() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client.org("POST", "/fields", long_text("crm_2_seg__c")).await;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "type": "string", "length": 100,
        "external_id": true, "unique": true, "case_sensitive": true});
    client.org("POST", "/fields", key).await;

    let describe = client.get("/sobjects/Contact/describe").await.json();

    assert_eq!(describe["name"], "Contact");
    assert_eq!(describe["keyPrefix"], "003");
    let fields = describe["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 61);
    let field = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    let attributes = |name: &str, keys: &[&str]| -> Vec<Value> {
        keys.iter().map(|key| field(name)[*key].clone()).collect()
    };
    let writable = [
        "type",
        "length",
        "byteLength",
        "nillable",
        "createable",
        "updateable",
        "custom",
    ];
    assert_eq!(
        attributes("LastName", &writable),
        [
            json!("string"),
            json!(80),
            json!(240),
            json!(false),
            json!(true),
            json!(true),
            json!(false)
        ]
    );
    assert_eq!(
        attributes("crm_2_seg__c", &writable),
        [
            json!("textarea"),
            json!(32768),
            json!(98304),
            json!(true),
            json!(true),
            json!(true),
            json!(true)
        ]
    );
    assert_eq!(
        attributes("crm_2_seg__c", &["extraTypeInfo", "filterable"]),
        [json!("plaintextarea"), json!(false)]
    );
    let key_flags = ["externalId", "idLookup", "unique", "caseSensitive", "calculated"];
    assert_eq!(
        attributes("Crm_Key__c", &key_flags),
        [true, true, true, true, false].map(Value::from)
    );
    assert_eq!(
        attributes("Email", &key_flags),
        [false, true, false, false, false].map(Value::from)
    );
    assert_eq!(field("CleanStatus")["restrictedPicklist"], true);
    assert_eq!(
        field("CleanStatus")["picklistValues"][0],
        json!({"active": true, "defaultValue": false, "label": "In Sync", "validFor": null, "value": "Matched"})
    );
    assert_eq!(field("OwnerId")["defaultedOnCreate"], true);
    let lead = client.get("/sobjects/lead/describe").await.json();
    assert_eq!(lead["fields"].as_array().unwrap().len(), 54);
}

#[tokio::test]
async fn an_unchanged_describe_is_304_and_a_changed_one_is_not() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let first = client.get("/sobjects/Contact/describe").await;
    let modified = first.header("last-modified").unwrap();
    assert_eq!(modified, "Fri, 20 Nov 2026 09:15:00 GMT");
    let authorization = format!("Bearer {}", client.token);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("If-Modified-Since", modified),
    ];
    let path = "/services/data/v67.0/sobjects/Contact/describe";

    let unchanged = client.exchange("GET", path, &headers, "").await.unwrap();
    // In the same second, by the clock of the test.
    client.org("POST", "/fields", long_text("crm_2_seg__c")).await;
    let changed = client.exchange("GET", path, &headers, "").await.unwrap();

    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    assert_eq!(unchanged.header("etag"), first.header("etag"));
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), first.header("etag"));
    assert_eq!(client.counter("describe_calls").await, 3);
}

#[tokio::test]
async fn one_record_is_read_whole_or_by_field_and_an_unknown_one_is_404() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let id = record_id("003", 1);
    client
        .org(
            "POST",
            "/records/Contact",
            json!([{"Id": id, "FirstName": "Ada", "LastName": "Okafor"}]),
        )
        .await;

    let some = client
        .get(&format!("/sobjects/Contact/{}?fields=Name,Email", &id[..15]))
        .await;
    let whole = client.get(&format!("/sobjects/Contact/{id}")).await.json();
    let missing = client
        .get(&format!("/sobjects/Contact/{}", record_id("003", 2)))
        .await;
    let unknown_field = client.get(&format!("/sobjects/Contact/{id}?fields=Nope")).await;

    let url = format!("/services/data/v67.0/sobjects/Contact/{id}");
    assert_eq!(
        some.json(),
        json!({"attributes": {"type": "Contact", "url": url}, "Name": "Ada Okafor", "Email": null})
    );
    assert_eq!(whole["Id"], id);
    assert_eq!(whole["IsDeleted"], false);
    assert_eq!(whole.as_object().unwrap().len(), 60);
    assert_eq!((missing.status, missing.json()), (404, not_found()));
    assert_eq!(
        (unknown_field.status, unknown_field.json()),
        (
            400,
            call_error(
                "INVALID_FIELD",
                "No such column 'Nope' on sobject of type Contact"
            )
        )
    );
}

#[tokio::test]
async fn queries_tell_the_organization_and_records_by_id() {
    let rig = Rig::with_org(json!({"type": "Enterprise Edition"})).await;
    let client = &rig.client;
    let ids: Vec<String> = (1..=3).map(|number| record_id("00Q", number)).collect();
    let leads = json!([{"Id": ids[0], "LastName": "A"}, {"Id": ids[1], "LastName": "B"}, {"Id": ids[2], "LastName": "C"}]);
    client.org("POST", "/records/Lead", leads).await;
    client
        .org(
            "PATCH",
            &format!("/records/Lead/{}", ids[2]),
            json!({"IsDeleted": true}),
        )
        .await;

    let organization = client
        .get("/query?q=SELECT+Id,+Name,+OrganizationType,+IsSandbox+FROM+Organization")
        .await
        .json();
    let by_ids = format!(
        "/query?q=SELECT%20Id,LastName%20FROM%20Lead%20WHERE%20Id%20IN%20('{}','{}')",
        ids[1], ids[2]
    );
    let some = client.get(&by_ids).await.json();
    let first = client
        .get("/query?q=SELECT+LastName+FROM+Lead+LIMIT+1")
        .await
        .json();
    let malformed = client
        .get("/query?q=SELECT+Id+FROM+Lead+WHERE+LastName+'A'")
        .await;

    assert_eq!(organization["totalSize"], 1);
    assert_eq!(organization["records"][0]["Name"], "Acme");
    assert_eq!(
        organization["records"][0]["OrganizationType"],
        "Enterprise Edition"
    );
    assert_eq!(organization["records"][0]["IsSandbox"], false);
    assert!(
        organization["records"][0]["Id"]
            .as_str()
            .unwrap()
            .starts_with("00D")
    );
    assert_eq!(
        some,
        json!({"totalSize": 1, "done": true, "records": [{
            "attributes": {"type": "Lead", "url": format!("/services/data/v67.0/sobjects/Lead/{}", ids[1])},
            "Id": ids[1],
            "LastName": "B",
        }]})
    );
    assert_eq!(first["totalSize"], 1);
    assert_eq!(
        (malformed.status, &malformed.json()[0]["errorCode"]),
        (400, &json!("MALFORMED_QUERY"))
    );
    assert_eq!(client.counter("query_calls").await, 4);
}

#[tokio::test]
async fn user_info_tells_who_the_session_is() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let authorization = format!("Bearer {}", client.token);
    let headers = [("Authorization", authorization.as_str())];
    let answer = client
        .exchange("GET", "/services/oauth2/userinfo", &headers, "")
        .await
        .unwrap()
        .json();
    assert_eq!(answer["preferred_username"], "svc@acme.example");
    assert!(answer["user_id"].as_str().unwrap().starts_with("005"));
    assert!(answer["organization_id"].as_str().unwrap().starts_with("00D"));
}

#[tokio::test]
async fn wrong_paths_methods_versions_and_media_types_have_their_status() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let authorization = format!("Bearer {}", client.token);
    let headers = [("Authorization", authorization.as_str())];

    let unknown = client.get("/nothing").await;
    let method = client.rest("PUT", "/composite/sobjects", &Value::Null).await;
    let retired = client
        .exchange("GET", "/services/data/v30.0/limits", &headers, "")
        .await
        .unwrap();
    let untyped = client
        .exchange("PATCH", "/services/data/v67.0/composite/sobjects", &headers, "{}")
        .await
        .unwrap();
    let long = client.get(&format!("/query?q={}", "x".repeat(17_000))).await;

    assert_eq!((unknown.status, unknown.json()), (404, not_found()));
    assert_eq!(
        (method.status, method.json()),
        (
            405,
            call_error(
                "METHOD_NOT_ALLOWED",
                "HTTP Method 'PUT' not allowed. Allowed are DELETE,PATCH,POST"
            )
        )
    );
    assert_eq!(retired.status, 410);
    assert_eq!(
        (untyped.status, untyped.json()),
        (
            415,
            call_error("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
        )
    );
    assert_eq!(long.status, 414);
}

fn not_found() -> Value {
    call_error("NOT_FOUND", "The requested resource does not exist")
}
