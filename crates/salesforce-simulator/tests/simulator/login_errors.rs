//! Every way a login is refused. Source: salesforce-contract.md §1.2.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Answer, Client, HOST, Rig};
use crate::signer::Signer;

const PASSWORD: &str =
    "grant_type=password&client_id=app&client_secret=secret&username=svc@acme.example&password=pwTok1";
const CREDENTIALS: &str = "grant_type=client_credentials&client_id=app&client_secret=secret";

/// The test clock in seconds.
const NOW: i64 = 1_795_166_100;

/// A refused login.
struct Row {
    change: fn(&mut Value),
    form: String,
    error: &'static str,
    description: &'static str,
}

/// Starts an org without a session, made of the usual one by `change`.
async fn org(signer: &Signer, change: fn(&mut Value)) -> Rig {
    let rig = Rig::empty().await;
    let mut org = json!({
        "host": HOST,
        "apps": [{
            "client_id": "app",
            "client_secret": "secret",
            "run_as": "svc@acme.example",
            "certificate": signer.public_key(),
            "redirect_uris": ["https://client.example/callback"],
        }],
        "users": [{"username": "svc@acme.example", "password": "pw", "security_token": "Tok1"}],
    });
    change(&mut org);
    let created = rig.client.admin("POST", "/orgs", &org).await;
    assert_eq!(created.status, 201, "{created:?}");
    rig
}

fn assert_refused(answer: &Answer, status: u16, error: &str, description: &str) {
    assert_eq!(
        (answer.status, answer.json()),
        (status, json!({"error": error, "error_description": description})),
        "{answer:?}"
    );
}

fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = json!({
        "iss": "app", "sub": "svc@acme.example", "aud": "https://login.salesforce.com", "exp": NOW + 180,
    });
    change(&mut claims);
    claims
}

fn unchanged(_: &mut Value) {}

fn row(
    change: fn(&mut Value),
    form: impl Into<String>,
    error: &'static str,
    description: &'static str,
) -> Row {
    Row {
        change,
        form: form.into(),
        error,
        description,
    }
}

fn grant(change: fn(&mut Value), form: impl Into<String>, description: &'static str) -> Row {
    row(change, form, "invalid_grant", description)
}

#[tokio::test]
async fn every_row_of_the_contract_is_answered() {
    let signer = Signer::new();
    let other_signer = Signer::new();
    let jwt = |change: fn(&mut Value)| signer.form(&claims(change));
    let rows = [
        grant(
            unchanged,
            PASSWORD.replace("pwTok1", "pw"),
            "authentication failure",
        ),
        grant(
            unchanged,
            PASSWORD.replace("svc@", "nobody@"),
            "authentication failure",
        ),
        grant(
            |org| org["password_flow"] = json!("blocked"),
            PASSWORD,
            "authentication failure",
        ),
        grant(
            |org| org["apps"][0]["kind"] = json!("external_client_app"),
            PASSWORD,
            "authentication failure",
        ),
        grant(
            |org| org["switches"]["login"]["wrong_password"] = json!("invalid_password"),
            PASSWORD.replace("pwTok1", "x"),
            "authentication failure - Invalid Password",
        ),
        grant(
            |org| org["users"][0]["active"] = json!(false),
            PASSWORD,
            "inactive user",
        ),
        grant(
            |org| org["users"][0]["active"] = json!(false),
            CREDENTIALS,
            "inactive user",
        ),
        row(
            |org| {
                org["users"][0]["active"] = json!(false);
                org["switches"]["login"]["inactive_user"] = json!("error_code");
            },
            PASSWORD,
            "inactive_user",
            "inactive user",
        ),
        grant(
            |org| org["login_ip_ranges"] = json!(["192.0.2.0/24"]),
            PASSWORD,
            "ip restricted",
        ),
        grant(
            |org| org["users"][0]["locked"] = json!(true),
            CREDENTIALS,
            "user is locked",
        ),
        grant(
            unchanged,
            "grant_type=refresh_token&client_id=app&client_secret=secret&refresh_token=5Aep861gone",
            "expired access/refresh token",
        ),
        grant(
            |org| org["apps"][0]["approved_users"] = json!(["other@acme.example"]),
            jwt(unchanged),
            "user hasn't approved this consumer",
        ),
        grant(
            unchanged,
            jwt(|claims| claims["sub"] = json!("nobody@acme.example")),
            "user hasn't approved this consumer",
        ),
        grant(
            unchanged,
            jwt(|claims| claims["aud"] = json!("https://test.salesforce.com")),
            "Audience validation failed",
        ),
        grant(
            |org| org["switches"]["login"]["wrong_audience"] = json!("audience_is_invalid"),
            jwt(|claims| claims["aud"] = json!("https://other.my.salesforce.com")),
            "audience is invalid",
        ),
        grant(
            unchanged,
            jwt(|claims| claims["exp"] = json!(NOW)),
            "invalid assertion",
        ),
        grant(
            unchanged,
            jwt(|claims| claims["exp"] = json!(NOW + 301)),
            "invalid assertion",
        ),
        grant(
            unchanged,
            other_signer.form(&claims(unchanged)),
            "invalid assertion",
        ),
        grant(
            |org| org["apps"][0]["certificate"] = Value::Null,
            jwt(unchanged),
            "invalid assertion",
        ),
        grant(
            unchanged,
            "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=e30.e30.e30",
            "invalid assertion",
        ),
        grant(
            |org| org["apps"][0]["run_as"] = Value::Null,
            CREDENTIALS,
            "no client credentials user enabled",
        ),
        row(
            unchanged,
            CREDENTIALS.replace("=app", "=none"),
            "invalid_client_id",
            "client identifier invalid",
        ),
        row(
            unchanged,
            jwt(|claims| claims["iss"] = json!("none")),
            "invalid_client_id",
            "client identifier invalid",
        ),
        row(
            |org| org["apps"][0]["known_after_seconds"] = json!(600),
            CREDENTIALS,
            "invalid_client_id",
            "client identifier invalid",
        ),
        row(
            unchanged,
            CREDENTIALS.replace("=secret", "=wrong"),
            "invalid_client",
            "invalid client credentials",
        ),
        row(
            |org| org["switches"]["login"]["wrong_secret"] = json!("invalid_client_credentials"),
            CREDENTIALS.replace("=secret", "=wrong"),
            "invalid_client_credentials",
            "invalid client credentials",
        ),
        row(
            unchanged,
            "grant_type=Password",
            "unsupported_grant_type",
            "grant type not supported",
        ),
        row(
            unchanged,
            "client_id=app",
            "invalid_request",
            "missing required parameter: grant_type",
        ),
        row(
            unchanged,
            "grant_type=refresh_token&client_id=app&refresh_token=x",
            "invalid_request",
            "missing required parameter: client_secret",
        ),
        row(
            |org| org["active"] = json!(false),
            CREDENTIALS,
            "inactive_org",
            "the org is locked, closed, or suspended",
        ),
        row(
            |org| org["apps"][0]["admin_approved_users"] = json!(["other@acme.example"]),
            PASSWORD,
            "invalid_app_access",
            "user is not admin approved to access this app",
        ),
        row(
            |org| org["logins_per_hour"] = json!(0),
            PASSWORD,
            "rate_limit_exceeded",
            "login rate exceeded",
        ),
        row(
            |org| {
                org["logins_per_hour"] = json!(0);
                org["switches"]["login"]["login_rate"] = json!("login_rate_exceeded");
            },
            jwt(unchanged),
            "LOGIN_RATE_EXCEEDED",
            "login rate exceeded",
        ),
    ];
    for Row {
        change,
        form,
        error,
        description,
    } in rows
    {
        let rig = org(&signer, change).await;
        let answer = rig.client.form(&form).await;
        assert_refused(&answer, 400, error, description);
        let history = rig.client.org("GET", "/logins", Value::Null).await;
        assert_eq!(history[0]["outcome"], format!("{error}: {description}"), "{form}");
        assert_eq!(history.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_secret_may_be_401() {
    let rig = org(&Signer::new(), |org| {
        org["switches"]["login"]["wrong_secret"] = json!("unauthorized");
    })
    .await;
    let answer = rig.client.form(&CREDENTIALS.replace("=secret", "=wrong")).await;
    assert_refused(&answer, 401, "invalid_client", "invalid client credentials");
}

#[tokio::test]
async fn client_credentials_are_for_my_domain_only_and_each_login_host_has_its_own_orgs() {
    let rig = org(&Signer::new(), unchanged).await;
    let at = |host: &str| Client {
        host: host.to_owned(),
        ..rig.client.clone()
    };
    let login = at("login.salesforce.com");
    let test = at("test.salesforce.com");

    assert_eq!(login.form(PASSWORD).await.status, 200);
    let by_app = login.form(CREDENTIALS).await;
    assert_refused(
        &by_app,
        400,
        "invalid_grant",
        "request not supported on this domain",
    );
    let elsewhere = test.form(PASSWORD).await;
    assert_refused(&elsewhere, 400, "invalid_client_id", "client identifier invalid");
}

#[tokio::test]
async fn a_new_app_becomes_known_and_a_login_rate_falls_as_time_passes() {
    let rig = org(&Signer::new(), |org| {
        org["apps"][0]["known_after_seconds"] = json!(600);
        org["logins_per_hour"] = json!(2);
    })
    .await;
    let statuses = async |times: usize| {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(rig.client.form(CREDENTIALS).await.status);
        }
        statuses
    };

    assert_eq!(statuses(1).await, [400]);
    rig.clock.advance(TimeDelta::minutes(10));
    assert_eq!(statuses(3).await, [200, 200, 400]);
    rig.clock.advance(TimeDelta::minutes(61));
    assert_eq!(statuses(1).await, [200]);
}

#[tokio::test]
async fn in_a_trusted_range_no_security_token_is_needed() {
    let trusted = org(&Signer::new(), |org| {
        org["login_ip_ranges"] = json!(["192.0.2.0/24", "127.0.0.1"]);
    })
    .await;
    let forwarded = org(&Signer::new(), |org| {
        org["login_ip_ranges"] = json!(["192.0.2.0/24"]);
        org["trust_forwarded_for"] = json!(true);
    })
    .await;
    let bare = PASSWORD.replace("pwTok1", "pw");

    assert_eq!(trusted.client.form(&bare).await.status, 200);
    for (address, status) in [("192.0.2.7, 10.0.0.1", 200), ("198.51.100.1", 400)] {
        let headers = [("X-Forwarded-For", address)];
        let answer = forwarded
            .client
            .exchange("POST", "/services/oauth2/token", &headers, &bare)
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{address}");
    }
}

#[tokio::test]
async fn a_user_can_be_changed_while_the_org_runs() {
    let rig = org(&Signer::new(), unchanged).await;
    let mut client = rig.client.clone();
    client.token = client.log_in().await;
    let path = format!("/orgs/{HOST}/users/svc@acme.example");

    let changed = client.admin("PATCH", &path, &json!({"active": false})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(client.get("/limits").await.status, 401);
    assert_refused(
        &client.form(PASSWORD).await,
        400,
        "invalid_grant",
        "inactive user",
    );

    client
        .admin("PATCH", &path, &json!({"active": true, "password": "new"}))
        .await;
    assert_eq!(
        client.form(&PASSWORD.replace("pwTok1", "newTok1")).await.status,
        200
    );

    for (body, named) in [
        (json!({"colour": "red"}), "`colour`"),
        (json!({"username": "other"}), "username cannot be changed"),
        (json!({"permissions": {"objects": {"Nope": {}}}}), "\"Nope\""),
    ] {
        let refused = client.admin("PATCH", &path, &body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(named.trim_matches('"')), "{refused:?}");
    }
}

#[tokio::test]
async fn an_org_that_could_not_work_is_refused_with_the_field_at_fault() {
    let rig = Rig::empty().await;
    let app = |field: &str, value: Value| {
        let mut app = json!({"client_id": "app", "client_secret": "secret"});
        app[field] = value;
        json!([app])
    };
    let user = json!({"username": "Svc@acme.example"});
    let same = json!({"username": "svc@acme.example"});
    for (field, value, named) in [
        (
            "apps",
            app("certificate", json!("MIIB")),
            "certificate must be PEM",
        ),
        ("apps", app("session_idle_seconds", json!(0)), "nonzero"),
        (
            "apps",
            json!([app("name", json!("a"))[0], app("name", json!("b"))[0]]),
            "client_id app twice",
        ),
        ("users", json!([user, same]), "users names svc@acme.example twice"),
        (
            "login_ip_ranges",
            json!(["192.0.2.0-192.0.2.9"]),
            "192.0.2.0-192.0.2.9",
        ),
        ("quota", json!({"soft": 1}), "`soft`"),
        ("switches", json!({"login": {"authorize": "maybe"}}), "`maybe`"),
    ] {
        let mut org = json!({"host": HOST});
        org[field] = value;
        let answer = rig.client.admin("POST", "/orgs", &org).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.text.contains(named), "{answer:?}");
    }
}
