//! Users and apps that are added while the org runs.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Client, HOST, Rig};

async fn refusal(client: &Client, path: &str, body: Value) -> (u16, String) {
    let answer = client.admin("POST", &format!("/orgs/{HOST}{path}"), &body).await;
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    (answer.status, error)
}

#[tokio::test]
async fn who_is_added_logs_in_and_owns_what_they_write() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let password =
        "grant_type=password&client_id=app&client_secret=secret&username=new@acme.example&password=pw";
    assert_eq!(client.form(password).await.status, 400);

    let user = json!({"username": "New@acme.example", "password": "pw"});
    let added = client.org("POST", "/users", user).await;
    let answer = client.form(password).await;

    assert_eq!(answer.status, 200, "{answer:?}");
    let new = Client {
        token: answer.json()["access_token"].as_str().unwrap().to_owned(),
        ..client.clone()
    };
    let lead = json!({"LastName": "A", "Company": "C"});
    let id = new.rest("POST", "/sobjects/Lead", &lead).await.json()["id"].clone();
    let stored = client.stored("Lead", id.as_str().unwrap()).await;
    assert_eq!(stored["OwnerId"], added["id"]);
    let users = client.org("GET", "/users", Value::Null).await;
    assert_eq!(
        (&users[1]["id"], &users[1]["username"]),
        (&added["id"], &json!("New@acme.example"))
    );
}

#[tokio::test]
async fn an_app_brings_the_user_it_runs_as_and_becomes_known_in_its_time() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    rig.clock.advance(TimeDelta::hours(1));
    let app = json!({"client_id": "late", "client_secret": "s", "run_as": "robot@acme.example", "known_after_seconds": 60});
    assert_eq!(client.org("POST", "/apps", app).await, json!({}));
    let log_in = async || {
        client
            .form("grant_type=client_credentials&client_id=late&client_secret=s")
            .await
    };

    rig.clock.advance(TimeDelta::seconds(59));
    let early = log_in().await;
    assert_eq!(
        (early.status, &early.json()["error"]),
        (400, &json!("invalid_client_id"))
    );
    rig.clock.advance(TimeDelta::seconds(1));
    let answer = log_in().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let users = client.org("GET", "/users", Value::Null).await;
    assert_eq!(users[1]["username"], "robot@acme.example");
    let apps = client.org("GET", "/apps", Value::Null).await;
    assert_eq!(
        (&apps[1]["client_id"], apps[1].get("client_secret")),
        (&json!("late"), None)
    );
}

#[tokio::test]
async fn whoever_exists_and_whatever_is_unknown_is_refused_by_name() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    for (path, body, status, words) in [
        (
            "/users",
            json!({"username": "SVC@acme.example"}),
            409,
            "a user called SVC@acme.example exists; PATCH users/SVC@acme.example changes it",
        ),
        (
            "/users",
            json!({"username": "a@b.example", "name": "A"}),
            400,
            "unknown field `name`",
        ),
        (
            "/users",
            json!({"username": "a@b.example", "permissions": {"objects": {"Case": {}}}}),
            400,
            "\"Case\", which is no object of the org",
        ),
        ("/users", json!({"username": " "}), 400, "username is empty"),
        ("/users", json!([]), 400, "send an object"),
        (
            "/apps",
            json!({"client_id": "app", "client_secret": "x"}),
            409,
            "an app with client_id app exists; PATCH apps/app changes it",
        ),
        (
            "/apps",
            json!({"client_id": "new"}),
            400,
            "missing field `client_secret`",
        ),
        (
            "/apps",
            json!({"client_id": "", "client_secret": "x"}),
            400,
            "client_id is empty",
        ),
    ] {
        let (told, error) = refusal(client, path, body.clone()).await;
        assert_eq!(told, status, "{body}: {error}");
        assert!(error.contains(words), "{body}: {error}");
    }
    for (path, count) in [("/users", 1), ("/apps", 1)] {
        let all = client.org("GET", path, Value::Null).await;
        assert_eq!(all.as_array().unwrap().len(), count, "{path}");
    }
}
