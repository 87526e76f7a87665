//! How sessions end, and what users may do in them. Source: salesforce-contract.md §1.4, §3.1 and §3.2.

use chrono::TimeDelta;
use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::client::{HOST, Rig, body, call_error, refused};

#[tokio::test]
async fn the_timeout_of_the_app_wins_over_the_org() {
    let app = json!({"client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example",
        "session_idle_seconds": 900});
    let rig = Rig::with_org(json!({"apps": [app], "session_idle_seconds": 7_200})).await;
    rig.clock.advance(TimeDelta::seconds(899));
    assert_eq!(rig.client.get("/limits").await.status, 200);
    rig.clock.advance(TimeDelta::seconds(900));
    assert_eq!(rig.client.get("/limits").await.status, 401);
}

#[tokio::test]
async fn a_use_may_count_only_after_half_of_the_timeout() {
    let options = json!({"session_idle_seconds": 600, "switches": {"login": {"session_use": "after_half"}}});
    let rig = Rig::with_org(options).await;
    for (advance, status) in [(299, 200), (300, 200), (300, 200), (299, 200), (301, 401)] {
        rig.clock.advance(TimeDelta::seconds(advance));
        assert_eq!(rig.client.get("/limits").await.status, status, "{advance}");
    }
}

#[tokio::test]
async fn sessions_are_listed_without_tokens_and_ended_by_user() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let by_password =
        "grant_type=password&client_id=app&client_secret=secret&username=svc@acme.example&password=pwTok1";
    rig.clock.advance(TimeDelta::seconds(1));
    client.form(by_password).await;

    let list = client.org("GET", "/sessions", Value::Null).await;
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(id.len(), 8);
    let listed = |grant: &str, time: &str, id: &Value| {
        json!({"id": id, "username": "svc@acme.example", "client_id": "app", "grant": grant,
            "issued_at": time, "last_used": time})
    };
    assert_eq!(
        list,
        json!([
            listed(
                "client_credentials",
                "2026-11-20T09:15:00.123+0000",
                &list[0]["id"]
            ),
            listed("password", "2026-11-20T09:15:01.123+0000", &list[1]["id"]),
        ])
    );

    let path = format!("/orgs/{HOST}/sessions/expire");
    let nobody = client.admin("POST", &path, &json!({"username": "nobody"})).await;
    assert_eq!(nobody.status, 404);
    assert_eq!(client.get("/limits").await.status, 200);
    let expired = client
        .org(
            "POST",
            "/sessions/expire",
            json!({"username": "svc@acme.example"}),
        )
        .await;
    assert_eq!(expired, json!({"expired": 2}));
    assert_eq!(client.get("/limits").await.status, 401);
    assert_eq!(
        client.org("POST", "/sessions/expire", Value::Null).await,
        json!({"expired": 0})
    );
}

#[tokio::test]
async fn a_gone_session_may_be_told_in_xml_or_by_a_page() {
    for (form, content_type) in [
        ("xml", "application/xml;charset=UTF-8"),
        ("html", "text/html;charset=UTF-8"),
    ] {
        let rig = Rig::with_org(json!({"switches": {"login": {"session_error_form": form}}})).await;
        rig.client.org("POST", "/sessions/expire", Value::Null).await;
        let answer = rig.client.get("/limits").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert_eq!(
            answer.header("sfdc-oauth-error"),
            Some("LOGIN_OAUTH_INVALID_TOKEN")
        );
        assert!(answer.text.contains("LOGIN_OAUTH_INVALID_TOKEN"));
    }
}

#[tokio::test]
async fn users_without_a_permission_are_refused() {
    let user =
        |permissions: Value| json!({"users": [{"username": "svc@acme.example", "permissions": permissions}]});
    let rig = Rig::with_org(json!({"users": [{"username": "svc@acme.example", "api_enabled": false}]})).await;
    let answer = rig.client.get("/sobjects/Contact/describe").await;
    let message = "API is not enabled for this Organization or Partner";
    assert_eq!(
        (answer.status, answer.json()),
        (403, call_error("API_DISABLED_FOR_ORG", message))
    );

    let rig = Rig::with_org(user(json!({"view_setup": false}))).await;
    let answer = rig.client.get("/limits").await;
    assert_eq!(
        (answer.status, &answer.json()[0]["errorCode"]),
        (403, &json!("INSUFFICIENT_ACCESS"))
    );
    assert!(answer.header("sforce-limit-info").is_some());

    let rig = Rig::with_org(user(json!({"objects": {
        "Lead": {"read": false},
        "Contact": {"create": false, "edit": false, "delete": false},
    }})))
    .await;
    let client = &rig.client;
    for object in ["Contact", "Lead"] {
        client
            .org("POST", &format!("/records/{object}"), json!([{"LastName": "A"}]))
            .await;
    }
    assert_eq!(client.get("/sobjects/Lead/describe").await.status, 404);
    let lead = client
        .get(&format!("/sobjects/Lead/{}", record_id("00Q", 1)))
        .await;
    assert_eq!(
        (lead.status, &lead.json()[0]["errorCode"]),
        (403, &json!("INSUFFICIENT_ACCESS"))
    );
    let forbidden = refused(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "insufficient access rights on object id",
        &[],
    );
    let updates = json!([{"id": record_id("003", 1), "Title": "T"}]);
    let updated = client
        .rest("PATCH", "/composite/sobjects", &body("Contact", &updates))
        .await;
    assert_eq!((updated.status, updated.json()), (200, json!([forbidden])));
    let created = client
        .rest(
            "POST",
            "/composite/sobjects",
            &body("Contact", &json!([{"LastName": "B"}])),
        )
        .await;
    assert_eq!((created.status, created.json()), (200, json!([forbidden])));
    let path = format!("/composite/sobjects?ids={}", record_id("003", 1));
    let deleted = client.rest("DELETE", &path, &Value::Null).await;
    assert_eq!((deleted.status, deleted.json()), (200, json!([forbidden])));
}

#[tokio::test]
async fn switches_of_logins_change_one_by_one_while_the_org_runs() {
    let login = json!({"jwt_max_ahead_seconds": 60, "session_error_form": "xml"});
    let rig = Rig::with_org(json!({"session_idle_seconds": 600, "switches": {"login": login}})).await;
    let client = &rig.client;
    rig.clock.advance(TimeDelta::seconds(299));
    assert_eq!(client.get("/limits").await.status, 200);

    let changes = json!({"login": {"session_use": "after_half"}});
    let switches = client.org("PATCH", "/switches", changes).await;

    assert_eq!(
        (
            &switches["login"]["session_use"],
            &switches["login"]["jwt_max_ahead_seconds"],
            &switches["login"]["session_error_form"],
        ),
        (&json!("after_half"), &json!(60), &json!("xml"))
    );
    // The first use comes too early to count.
    for (advance, status) in [(299, 200), (301, 401)] {
        rig.clock.advance(TimeDelta::seconds(advance));
        assert_eq!(client.get("/limits").await.status, status, "{advance}");
    }
    let unknown = json!({"login": {"session_used": "always"}});
    let path = format!("/orgs/{HOST}/switches");
    let refused = client.admin("PATCH", &path, &unknown).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("session_used"), "{}", refused.text);
}

#[tokio::test]
async fn a_session_that_a_new_token_would_not_cure_is_told_in_json_whatever_form_gone_ones_have() {
    let switches = json!({"session_error": "not_valid_for_rest_api", "login": {"session_error_form": "xml"}});
    let rig = Rig::with_org(json!({"switches": switches})).await;
    let mut client = rig.client.clone();
    let refusal = call_error(
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
    );
    for _ in 0..2 {
        let lead = json!({"LastName": "A", "Company": "B"});
        let user_info = [("Authorization", format!("Bearer {}", client.token))];
        let user_info = user_info.each_ref().map(|(name, value)| (*name, value.as_str()));
        for answer in [
            client.get("/limits").await,
            client.rest("POST", "/sobjects/Lead", &lead).await,
            client
                .exchange("GET", "/services/oauth2/userinfo", &user_info, "")
                .await
                .unwrap(),
        ] {
            assert_eq!((answer.status, answer.json()), (401, refusal.clone()));
            assert_eq!(answer.header("sfdc-oauth-error"), None);
        }
        client.token = client.log_in().await;
    }

    let cured = json!({"session_error": "expired"});
    client.org("PATCH", "/switches", cured).await;
    assert_eq!(client.get("/limits").await.status, 200);
    assert_eq!(client.org("GET", "/records/Lead", Value::Null).await, json!([]));
}
