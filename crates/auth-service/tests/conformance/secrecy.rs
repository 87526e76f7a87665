//! No secret leaves the service but to Salesforce, and no token but to its caller.

use contracts::auth::v1::{GetTokenResponse, PutCredentialsRequest, put_credentials_request};
use salesforce::oauth::Grant;
use serde_json::json;
use tonic::Status;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, Rig, app, client_credentials, user},
    simulated::ACME,
    stored_bytes::StoredBytes,
};

on_both_databases!(row_53_no_secret_and_no_token_is_in_the_database);

const CLIENT_SECRET: &str = "client-secret-cgf72";
const PASSWORD: &str = "password-lq81x";
const SECURITY_TOKEN: &str = "SecurityTokenW30k";
const SECRETS: [&str; 3] = [CLIENT_SECRET, PASSWORD, SECURITY_TOKEN];

/// Creates an org whose secrets are these.
async fn create_org(rig: &Rig, password_flow: &str) {
    let options = json!({
        "apps": [{"client_id": "app", "client_secret": CLIENT_SECRET}],
        "users": [{"username": "svc@acme.example", "password": PASSWORD, "security_token": SECURITY_TOKEN}],
        "password_flow": password_flow,
    });
    rig.salesforce.create_org(ACME, options).await;
}

fn login(username: &str) -> put_credentials_request::Grant {
    match user(username, PASSWORD, SECURITY_TOKEN) {
        put_credentials_request::Grant::Password(mut grant) => {
            grant.client_secret = CLIENT_SECRET.to_owned();
            put_credentials_request::Grant::Password(grant)
        }
        other => other,
    }
}

async fn row_53_no_secret_and_no_token_is_in_the_database(place: &Place) {
    let rig = Rig::start(place).await;
    create_org(&rig, "allowed").await;
    rig.put(CONNECTION, client_credentials("public-name", CLIENT_SECRET))
        .await;
    rig.put("workspaces/acme/connections/other", app()).await;
    rig.put(CONNECTION, login("svc@acme.example")).await;
    let token = rig.token().await.unwrap().access_token;

    let stored = StoredBytes::read(&place.location).await;

    assert!(stored.contain("svc@acme.example"), "what may be told is there");
    for secret in SECRETS.into_iter().chain([token.as_str(), "app-secret"]) {
        assert!(!stored.contain(secret), "{secret}");
    }
}

fn assert_silent(status: &Status) {
    let details = String::from_utf8_lossy(status.details());
    let text = format!("{status} {status:?} {details}");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn no_refusal_tells_a_secret() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    create_org(&rig, "blocked").await;

    // Blocked flow, no run-as user, unknown org.
    rig.put(CONNECTION, login("svc@acme.example")).await;
    assert_silent(&rig.token().await.unwrap_err());
    assert_silent(&rig.token_at("gone.my.salesforce.com").await.unwrap_err());
    rig.put(CONNECTION, client_credentials("app", CLIENT_SECRET))
        .await;
    assert_silent(&rig.token().await.unwrap_err());
    // Salesforce's own words may repeat what it was sent.
    let echo = json!([{"on": "token", "do": {"kind": "status", "status": 500, "content_type": "text/html",
        "body": format!("you sent {CLIENT_SECRET}")}}]);
    rig.salesforce
        .admin("POST", &format!("/orgs/{ACME}/faults"), echo)
        .await;
    assert_silent(&rig.token().await.unwrap_err());
}

#[test]
fn a_grant_is_printed_without_its_secrets() {
    let grant = Grant::Password {
        client_id: "app".to_owned(),
        client_secret: CLIENT_SECRET.into(),
        username: "svc@acme.example".to_owned(),
        password: PASSWORD.into(),
        security_token: Some(SECURITY_TOKEN.into()),
    };
    let text = format!("{grant:?}");
    assert!(text.contains("svc@acme.example"));
    assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
}

#[test]
fn messages_that_carry_secrets_are_printed_without_them() {
    let request = PutCredentialsRequest {
        connection: CONNECTION.to_owned(),
        grant: Some(login("svc@acme.example")),
    };
    let answer = GetTokenResponse {
        access_token: "00D!token".to_owned(),
        ..Default::default()
    };

    let text = format!("{request:?} {answer:?}");

    for secret in SECRETS.into_iter().chain(["00D!token"]) {
        assert!(!text.contains(secret), "{text}");
    }
}
