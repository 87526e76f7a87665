//! §3.2: every status, with its code and message, and what our client makes of it.

use http::Method;
use salesforce::{
    Host,
    describe::{describe, describe_if_changed},
    refusal::{Fault, Refusal, Retry},
};
use serde_json::{Value, json};

use crate::org::{Org, USER};

/// What a row of the table says.
struct Row<'a> {
    status: u16,
    code: &'a str,
    /// A part of the message.
    message: &'a str,
    fault: Fault,
    retry: Retry,
}

fn assert_row(refusal: &Refusal, row: &Row<'_>) {
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (row.status, row.code),
        "{refusal:?}"
    );
    assert!(refusal.message.contains(row.message), "{refusal:?}");
    assert_eq!(
        (refusal.fault, refusal.retry),
        (row.fault, row.retry),
        "{refusal:?}"
    );
}

fn row<'a>(status: u16, code: &'a str, message: &'a str, fault: Fault, retry: Retry) -> Row<'a> {
    Row {
        status,
        code,
        message,
        fault,
        retry,
    }
}

#[tokio::test]
async fn several_matches_of_one_key_are_300() {
    let org = Org::start(json!({})).await;
    for _ in 0..2 {
        org.seed("Contact", json!({"LastName": "Twin", "Loose__c": "twin"}))
            .await;
    }
    let answer = org
        .send(
            Method::PATCH,
            "/sobjects/Contact/Loose__c/twin",
            r#"{"LastName": "Changed"}"#,
        )
        .await;
    assert_row(&answer.refusal(), &row(300, "", "", Fault::Record, Retry::Never));
    let urls: Vec<String> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(urls.len(), 2);
}

#[tokio::test]
async fn an_object_that_did_not_change_is_304() {
    let org = Org::start(json!({})).await;
    let contact = describe(&org.http, &org.session, "Contact").await.unwrap().value;
    let again = describe_if_changed(&org.http, &org.session, "Contact", &contact.edition).await;
    assert_eq!(again.unwrap().value, None);

    org.admin(
        "POST",
        "fields",
        json!({"object": "Contact", "name": "New__c", "type": "string"}),
    )
    .await;
    let changed = describe_if_changed(&org.http, &org.session, "Contact", &contact.edition)
        .await
        .unwrap();
    assert!(changed.value.unwrap().field("New__c").is_some());
}

#[tokio::test]
async fn row_159_each_400_tells_whose_fault_it_is() {
    let org = Org::start(json!({})).await;
    let create = |body: &'static str| (Method::POST, "/sobjects/Contact".to_owned(), body);
    let query = |soql: &str| (Method::GET, format!("/query?q={}", soql.replace(' ', "+")), "");
    for ((method, path, body), expected) in [
        (
            create("{"),
            row(
                400,
                "JSON_PARSER_ERROR",
                "[line:1, column:",
                Fault::Batch,
                Retry::Never,
            ),
        ),
        (
            create(r#"{"LastName": "A", "X": 1}"#),
            row(
                400,
                "INVALID_FIELD",
                "No such column 'X' on sobject of type Contact",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
        (
            query("SELECT X FROM Contact"),
            row(
                400,
                "INVALID_FIELD",
                "on entity 'Contact'",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
        (
            query("SELECT Id FROM X"),
            row(
                400,
                "INVALID_TYPE",
                "sObject type 'X' is not supported",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
        (
            create(r#"{"LastName": "A", "AccountId": "0039"}"#),
            row(
                400,
                "MALFORMED_ID",
                "id value of incorrect type",
                Fault::Record,
                Retry::Never,
            ),
        ),
        (
            create("{}"),
            row(
                400,
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [LastName]",
                Fault::Record,
                Retry::Never,
            ),
        ),
        (
            create(r#"{"LastName": "A", "CreatedDate": "2026-01-01T00:00:00Z"}"#),
            row(
                400,
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "verify that it is read/write",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
    ] {
        let answer = org.send(method, &path, body).await;
        assert_row(&answer.refusal(), &expected);
    }
}

#[tokio::test]
async fn a_session_that_ended_is_told_from_one_that_is_not_welcome() {
    let org = Org::start(json!({})).await;
    let expired = row(
        401,
        "INVALID_SESSION_ID",
        "Session expired or invalid",
        Fault::Token,
        Retry::WithNewToken,
    );
    let unwelcome = row(
        401,
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
        Fault::Login,
        Retry::AfterChange,
    );
    org.script(
        "any",
        json!({"kind": "status", "status": 401, "errorCode": "INVALID_SESSION_ID",
        "message": "This session is not valid for use with the REST API"}),
    )
    .await;
    assert_row(&org.send(Method::GET, "/limits", "").await.refusal(), &unwelcome);

    let said = "Connected app is not attached to Agent";
    for agent in [
        json!({"kind": "status", "status": 401, "errorCode": "", "message": said}),
        json!({"kind": "status", "status": 401, "errorCode": "INVALID_SESSION_ID", "message": said}),
        json!({"kind": "status", "status": 401, "body": format!("<html>{said}</html>")}),
    ] {
        org.script("any", agent.clone()).await;
        let refusal = org.send(Method::GET, "/limits", "").await.refusal();
        assert_eq!(
            (refusal.fault, refusal.retry),
            (Fault::Login, Retry::AfterChange),
            "{agent}"
        );
    }

    let strange = [("Authorization", "Digest x")];
    let answer = org
        .send_with(Method::GET, "/services/data/v67.0/limits", "", &strange)
        .await;
    assert_row(
        &answer.refusal(),
        &row(
            401,
            "INVALID_AUTH_HEADER",
            "INVALID_HEADER_TYPE",
            Fault::Batch,
            Retry::Never,
        ),
    );

    org.admin("POST", "sessions/expire", json!({})).await;
    assert_row(&org.send(Method::GET, "/limits", "").await.refusal(), &expired);
}

#[tokio::test]
async fn an_expired_session_is_told_in_pages_too() {
    for form in ["xml", "html"] {
        let org = Org::start(json!({"switches": {"login": {"session_error_form": form}}})).await;
        org.admin("POST", "sessions/expire", json!({})).await;
        let refusal = org.send(Method::GET, "/limits", "").await.refusal();
        assert_eq!(
            (refusal.status, refusal.fault, refusal.retry),
            (401, Fault::Token, Retry::WithNewToken),
            "{form}"
        );
    }
}

#[tokio::test]
async fn the_two_quotas_mean_two_very_different_waits() {
    let org = Org::start(json!({"daily_request_limit": 1})).await;
    org.admin("POST", "usage", json!({"used": 1})).await;
    assert_row(
        &org.send(Method::GET, "/limits", "").await.refusal(),
        &row(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
            Fault::Quota,
            Retry::AsCallsAgeOut,
        ),
    );
    // Logins are refused as well, in the same words.
    let token = org
        .send_with(
            Method::POST,
            "/services/oauth2/token",
            "grant_type=client_credentials",
            &[],
        )
        .await;
    assert_eq!(token.refusal().fault, Fault::Quota);

    // Every call counts as long, one may run, and two are made.
    let org = Org::start(json!({
        "concurrent_long_limit": 1, "latency_ms": 100, "switches": {"long_running_after_ms": 0},
    }))
    .await;
    let (one, other) = futures::future::join(
        org.send(Method::GET, "/limits", ""),
        org.send(Method::GET, "/limits", ""),
    )
    .await;
    let refused = if one.status == 403 { one } else { other };
    assert_row(
        &refused.refusal(),
        &row(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded",
            Fault::Contention,
            Retry::Soon,
        ),
    );
}

#[tokio::test]
async fn what_the_user_may_not_do_is_a_matter_of_configuration() {
    let org = Org::start(json!({})).await;
    let id = org.seed("Contact", json!({"LastName": "Locked"})).await;
    org.admin(
        "POST",
        "record-access",
        json!({"ids": [id], "access": "read_only"}),
    )
    .await;
    let answer = org
        .send(
            Method::PATCH,
            &format!("/sobjects/Contact/{id}"),
            r#"{"Title": "x"}"#,
        )
        .await;
    let refusal = answer.refusal();
    assert!(refusal.code.starts_with("INSUFFICIENT_ACCESS"), "{refusal:?}");
    assert_eq!(
        (refusal.fault, refusal.retry),
        (Fault::Configuration, Retry::AfterChange)
    );

    let limited =
        json!({"permissions": {"objects": {"Contact": {"read": true, "create": false, "edit": false}}}});
    org.admin("PATCH", &format!("users/{USER}"), limited).await;
    let refusal = org
        .send(Method::POST, "/sobjects/Contact", r#"{"LastName": "A"}"#)
        .await
        .refusal();
    assert_eq!(refusal.fault, Fault::Configuration, "{refusal:?}");

    org.admin("PATCH", &format!("users/{USER}"), json!({"api_enabled": false}))
        .await;
    assert_row(
        &org.send(Method::GET, "/limits", "").await.refusal(),
        &row(
            403,
            "API_DISABLED_FOR_ORG",
            "API is not enabled for this Organization or Partner",
            Fault::Login,
            Retry::AfterChange,
        ),
    );
}

#[tokio::test]
async fn what_is_not_there_and_what_may_not_be_asked_are_no_reason_to_try_again() {
    let org = Org::start(json!({})).await;
    let id = org.seed("Contact", json!({"LastName": "A"})).await;
    for (method, path, body, headers, expected) in [
        (
            Method::GET,
            "/services/data/v67.0/nothing".to_owned(),
            "",
            [("Accept", "*/*")],
            row(
                404,
                "NOT_FOUND",
                "The requested resource does not exist",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
        (
            Method::PATCH,
            "/services/data/v67.0/sobjects/Contact/Nope__c/a".to_owned(),
            "{}",
            [("Accept", "*/*")],
            row(
                404,
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: Nope__c",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
        (
            Method::PATCH,
            "/services/data/v67.0/limits".to_owned(),
            "{}",
            [("Accept", "*/*")],
            row(
                405,
                "METHOD_NOT_ALLOWED",
                "HTTP Method 'PATCH' not allowed. Allowed are",
                Fault::Batch,
                Retry::Never,
            ),
        ),
        (
            Method::GET,
            "/services/data/v20.0/limits".to_owned(),
            "",
            [("Accept", "*/*")],
            row(410, "GONE", "", Fault::Configuration, Retry::AfterChange),
        ),
        (
            Method::PATCH,
            format!("/services/data/v67.0/sobjects/Contact/{id}"),
            "{}",
            [("If-Match", "\"other\"")],
            row(412, "MATCH_PRECONDITION_FAILED", "", Fault::Record, Retry::Never),
        ),
        (
            Method::GET,
            format!("/services/data/v67.0/query?q={}", "x".repeat(17_000)),
            "",
            [("Accept", "*/*")],
            row(414, "", "", Fault::Batch, Retry::Never),
        ),
        (
            Method::POST,
            "/services/data/v67.0/composite/sobjects".to_owned(),
            "{}",
            [("Content-Type", "text/plain")],
            row(
                415,
                "UNSUPPORTED_MEDIA_TYPE",
                "Unsupported Media Type",
                Fault::Batch,
                Retry::Never,
            ),
        ),
    ] {
        let answer = org.send_with(method, &path, body, &headers).await;
        assert_row(&answer.refusal(), &expected);
    }
    let long = "x".repeat(17_000);
    let answer = org
        .send_with(
            Method::GET,
            "/services/data/v67.0/limits",
            "",
            &[("X-Long", long.as_str())],
        )
        .await;
    assert_row(&answer.refusal(), &row(431, "", "", Fault::Batch, Retry::Never));
}

#[tokio::test]
async fn a_host_without_an_org_is_420() {
    let org = Org::start(json!({})).await;
    let answer = org
        .send_with(
            Method::GET,
            "/services/data/v67.0/limits",
            "",
            &[("Host", "gone.my.salesforce.com")],
        )
        .await;
    assert_row(
        &answer.refusal(),
        &row(420, "", "", Fault::Host, Retry::AfterChange),
    );
    let mut elsewhere = org.session.clone();
    elsewhere.instance = Host::login("gone.my.salesforce.com").unwrap();
    let error = describe(&org.http, &elsewhere, "Contact").await.unwrap_err();
    assert!(error.is_without_effect(), "{error}");
}

/// What an org gives only when it is unwell: scripted, as the table words it.
#[tokio::test]
async fn what_is_salesforces_own_fault_passes() {
    let org = Org::start(json!({})).await;
    let array = |status: u16, code: &str, message: &str| json!({"kind": "status", "status": status, "errorCode": code, "message": message});
    let edge = |status: u16| json!({"kind": "edge_page", "status": status});
    let unknown = "An unexpected error occurred. Please include this ErrorId if you contact support: \
                   1234567890-12345 (-987654321)";
    for (action, expected) in [
        (
            array(
                400,
                "QUERY_TIMEOUT",
                "Your query request was running for too long.",
            ),
            row(400, "QUERY_TIMEOUT", "", Fault::Batch, Retry::Smaller),
        ),
        (
            array(
                400,
                "REQUEST_RUNNING_TOO_LONG",
                "Your request was running for too long",
            ),
            row(400, "REQUEST_RUNNING_TOO_LONG", "", Fault::Batch, Retry::Smaller),
        ),
        // What a record of a collections call is refused with, in a call for one record.
        (
            array(400, "STRING_TOO_LONG", "too large"),
            row(400, "STRING_TOO_LONG", "", Fault::Record, Retry::Never),
        ),
        (
            array(
                400,
                "INVALID_FIELD",
                "Foreign key external ID: A not found for field K",
            ),
            row(400, "INVALID_FIELD", "", Fault::Record, Retry::Never),
        ),
        (
            array(409, "", "conflict"),
            row(409, "", "conflict", Fault::Record, Retry::Never),
        ),
        (
            array(428, "MATCH_PRECONDITION_REQUIRED", ""),
            row(
                428,
                "MATCH_PRECONDITION_REQUIRED",
                "",
                Fault::Record,
                Retry::Never,
            ),
        ),
        (
            json!({"kind": "status", "status": 429, "body": "slow down", "content_type": "text/plain",
                "retry_after": 7}),
            row(429, "", "", Fault::Contention, Retry::Soon),
        ),
        (
            array(500, "UNKNOWN_EXCEPTION", unknown),
            row(
                500,
                "UNKNOWN_EXCEPTION",
                "ErrorId",
                Fault::Salesforce,
                Retry::WithBackoff,
            ),
        ),
        (
            array(500, "APEX_ERROR", "System.NullPointerException"),
            row(500, "APEX_ERROR", "", Fault::Configuration, Retry::AfterChange),
        ),
        (edge(502), row(502, "", "", Fault::Salesforce, Retry::WithBackoff)),
        (edge(504), row(504, "", "", Fault::Salesforce, Retry::WithBackoff)),
        (edge(420), row(420, "", "", Fault::Host, Retry::AfterChange)),
        (
            array(503, "SERVER_UNAVAILABLE", "Server Unavailable"),
            row(
                503,
                "SERVER_UNAVAILABLE",
                "Server Unavailable",
                Fault::Salesforce,
                Retry::WithBackoff,
            ),
        ),
        (
            array(
                403,
                "INSUFFICIENT_ACCESS",
                "insufficient access rights on object id",
            ),
            row(
                403,
                "INSUFFICIENT_ACCESS",
                "",
                Fault::Configuration,
                Retry::AfterChange,
            ),
        ),
    ] {
        org.script("any", action.clone()).await;
        let refusal = org.send(Method::GET, "/limits", "").await.refusal();
        assert_row(&refusal, &expected);
        let seconds = refusal.retry_after.map(|wait| wait.as_secs());
        assert_eq!(
            seconds,
            action.get("retry_after").and_then(Value::as_u64),
            "{action}"
        );
    }
}

/// A refusal reads the same in every form that its body may take (§10).
#[tokio::test]
async fn a_refusal_without_its_words_still_has_its_status() {
    for form in ["array", "bare_object", "html", "empty"] {
        let org = Org::start(json!({"switches": {"error_body": form}})).await;
        let refusal = org.send(Method::GET, "/nothing", "").await.refusal();
        assert_eq!(
            (refusal.status, refusal.fault),
            (404, Fault::Configuration),
            "{form}"
        );
        let has_words = matches!(form, "array" | "bare_object");
        assert_eq!(!refusal.code.is_empty(), has_words, "{form}");
    }
}
