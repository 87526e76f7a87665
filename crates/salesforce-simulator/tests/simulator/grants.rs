//! The grants beside passwords, introspection and revocation. Source: salesforce-contract.md §1.1 and
//! §1.4–1.6.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::client::{Answer, Client, Rig, call_error};
use crate::signer::Signer;

const CALLBACK: &str = "https://client.example/callback?own=1";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Starts an org whose app has these options besides.
async fn app(options: Value) -> Rig {
    app_in(options, json!({})).await
}

async fn app_in(app_options: Value, org_options: Value) -> Rig {
    let mut app = json!({
        "client_id": "app", "client_secret": "secret", "run_as": "svc@acme.example", "redirect_uris": [CALLBACK],
    });
    for (name, value) in app_options.as_object().unwrap() {
        app[name] = value.clone();
    }
    let mut org = json!({"apps": [app]});
    for (name, value) in org_options.as_object().unwrap() {
        org[name] = value.clone();
    }
    Rig::with_org(org).await
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Asks `authorize` and returns the query of the redirect.
async fn authorize(client: &Client, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("state", "s&1"),
    ];
    all.extend(pairs);
    let answer = client
        .exchange(
            "GET",
            &format!("/services/oauth2/authorize?{}", form(&all)),
            &[],
            "",
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = Url::parse(answer.header("location").unwrap()).unwrap();
    location.query_pairs().into_owned().collect()
}

async fn code(client: &Client) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let pairs = [
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let query = authorize(client, &pairs).await;
    assert_eq!(query[0], ("own".to_owned(), "1".to_owned()));
    assert_eq!(query[2], ("state".to_owned(), "s&1".to_owned()));
    assert_eq!(query[1].0, "code");
    query[1].1.clone()
}

async fn redeem(client: &Client, code: &str, verifier: &str) -> Answer {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("client_secret", "secret"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ];
    client.form(&form(&pairs)).await
}

async fn refresh(client: &Client, refresh_token: &str) -> Answer {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "secret"),
        ("refresh_token", refresh_token),
    ];
    client.form(&form(&pairs)).await
}

async fn refresh_token(client: &Client) -> String {
    let body = json!({"client_id": "app", "username": "svc@acme.example"});
    let answer = client.org("POST", "/refresh-tokens", body).await;
    text(&answer, "refresh_token")
}

async fn introspect(client: &Client, token: &str) -> Value {
    let headers = [("Authorization", "Basic YXBwOnNlY3JldA==")];
    let answer = client
        .exchange(
            "POST",
            "/services/oauth2/introspect",
            &headers,
            &form(&[("token", token)]),
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn revoke(client: &Client, token: &str) -> Answer {
    client
        .exchange("POST", "/services/oauth2/revoke", &[], &form(&[("token", token)]))
        .await
        .unwrap()
}

/// Returns the status of a REST request with this access token.
async fn rest(client: &Client, token: &str) -> u16 {
    let client = Client {
        token: token.to_owned(),
        ..client.clone()
    };
    client.get("/limits").await.status
}

fn text(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
        .to_owned()
}

fn assert_refused(answer: &Answer, description: &str) {
    let expected = json!({"error": "invalid_grant", "error_description": description});
    assert_eq!((answer.status, answer.json()), (400, expected));
}

#[tokio::test]
async fn a_signed_assertion_gets_a_session_at_my_domain_and_at_the_login_host() {
    let signer = Signer::new();
    let rig = app(json!({"certificate": signer.public_key(), "approved_users": ["SVC@acme.example"]})).await;
    let login = Client {
        host: "login.salesforce.com".to_owned(),
        ..rig.client.clone()
    };
    for (client, aud, exp) in [
        (
            &rig.client,
            "https://acme.my.salesforce.com",
            json!(1_795_166_400),
        ),
        (&login, "https://login.salesforce.com", json!("1795166280")),
    ] {
        let claims = json!({"iss": "app", "sub": "svc@acme.example", "aud": aud, "exp": exp});
        let answer = client.form(&signer.form(&claims)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["scope"], "id api refresh_token");
        assert_eq!(answer["instance_url"], "https://acme.my.salesforce.com");
        assert_eq!(answer.get("refresh_token"), None);
        assert_eq!(rest(&rig.client, &text(&answer, "access_token")).await, 200);
    }
}

#[tokio::test]
async fn a_code_is_redeemed_once_by_who_asked_for_it() {
    let rig = app(json!({})).await;
    let client = &rig.client;

    let first = code(client).await;
    let redeemed = redeem(client, &first, VERIFIER).await;
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    let redeemed = redeemed.json();
    assert_eq!(redeemed["scope"], "id api refresh_token");
    assert_eq!(rest(client, &text(&redeemed, "access_token")).await, 200);
    let refreshed = refresh(client, &text(&redeemed, "refresh_token")).await.json();
    assert_eq!(rest(client, &text(&refreshed, "access_token")).await, 200);
    assert_eq!(refreshed.get("refresh_token"), None);
    assert_refused(
        &redeem(client, &first, VERIFIER).await,
        "expired authorization code",
    );

    let second = code(client).await;
    let refused = redeem(client, &second, "another-verifier").await;
    assert_refused(&refused, "invalid code verifier");

    let third = code(client).await;
    rig.clock.advance(TimeDelta::minutes(15));
    assert_refused(
        &redeem(client, &third, VERIFIER).await,
        "expired authorization code",
    );

    let fourth = code(client).await;
    let elsewhere = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("client_secret", "secret"),
        ("code", &fourth),
        ("redirect_uri", "https://client.example/other"),
        ("code_verifier", VERIFIER),
    ]);
    assert_refused(
        &client.form(&elsewhere).await,
        "redirect uri does not match configuration",
    );
}

#[tokio::test]
async fn authorize_redirects_errors_but_not_to_an_unknown_address() {
    let rig = app_in(
        json!({"require_pkce": true}),
        json!({"switches": {"login": {"authorize": "deny"}}}),
    )
    .await;
    let client = &rig.client;
    let error = async |pairs: &[(&str, &str)]| authorize(client, pairs).await[1].clone();
    let named = |text: &str| ("error".to_owned(), text.to_owned());

    assert_eq!(error(&[("code_challenge", "x")]).await, named("access_denied"));
    assert_eq!(error(&[]).await, named("invalid_request"));
    assert_eq!(
        error(&[("code_challenge", "x"), ("code_challenge_method", "plain")]).await,
        named("invalid_request")
    );
    assert_eq!(
        error(&[("code_challenge", "x"), ("scope", "api full")]).await,
        named("invalid_scope")
    );
    for (query, named) in [
        (
            "client_id=app&redirect_uri=https://evil.example/",
            "redirect_uri_mismatch",
        ),
        (
            "client_id=none&redirect_uri=https://evil.example/",
            "invalid_client_id",
        ),
    ] {
        let path = format!("/services/oauth2/authorize?response_type=code&{query}");
        let answer = client.exchange("GET", &path, &[], "").await.unwrap();
        assert_eq!((answer.status, answer.header("location")), (400, None));
        assert!(answer.text.contains(named), "{answer:?}");
    }
}

#[tokio::test]
async fn the_hinted_user_logs_in_with_the_scope_asked_for() {
    let users = json!([
        {"username": "old@acme.example", "active": false},
        {"username": "svc@acme.example"},
        {"username": "ann@acme.example"},
    ]);
    let rig = app_in(json!({}), json!({"users": users})).await;
    let client = &rig.client;
    for (pairs, username, has_refresh_token) in [
        (vec![], "svc@acme.example", true),
        (
            vec![("login_hint", "ann@acme.example"), ("scope", "api")],
            "ann@acme.example",
            false,
        ),
    ] {
        let code = authorize(client, &pairs).await[1].1.clone();
        let answer = redeem(client, &code, "").await.json();
        let told = introspect(client, &text(&answer, "access_token")).await;
        assert_eq!(told["username"], username);
        assert_eq!(answer.get("refresh_token").is_some(), has_refresh_token);
    }
    let inactive = authorize(client, &[("login_hint", "old@acme.example")]).await;
    assert_eq!(inactive[2].1, "inactive user");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_dead_and_its_successor_lives() {
    let rig = app(json!({"rotate_refresh_tokens": true, "require_secret_for_refresh": false})).await;
    let client = &rig.client;
    let first = refresh_token(client).await;

    let without_secret = form(&[
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", &first),
    ]);
    let answer = client.form(&without_secret).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let second = text(&answer.json(), "refresh_token");

    assert_ne!(first, second);
    assert_refused(&refresh(client, &first).await, "expired access/refresh token");
    assert_eq!(refresh(client, &second).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_dies_of_idleness_and_lives_by_use() {
    let rig = app(json!({"refresh_idle_days": 30})).await;
    let client = &rig.client;
    let token = refresh_token(client).await;
    for _ in 0..2 {
        rig.clock.advance(TimeDelta::days(29));
        assert_eq!(refresh(client, &token).await.status, 200);
    }
    rig.clock.advance(TimeDelta::days(30));
    assert_eq!(introspect(client, &token).await, json!({"active": false}));
    assert_refused(&refresh(client, &token).await, "expired access/refresh token");
}

#[tokio::test]
async fn the_sixth_approval_ends_the_first_and_its_sessions() {
    let rig = app(json!({})).await;
    let client = &rig.client;
    let first = refresh_token(client).await;
    let session = text(&refresh(client, &first).await.json(), "access_token");
    let second = refresh_token(client).await;
    for _ in 0..3 {
        refresh_token(client).await;
    }
    assert_eq!(refresh(client, &first).await.status, 200);

    refresh_token(client).await;

    assert_refused(&refresh(client, &first).await, "expired access/refresh token");
    assert_eq!(rest(client, &session).await, 401);
    assert_eq!(refresh(client, &second).await.status, 200);
}

#[tokio::test]
async fn introspection_tells_of_both_kinds_of_token_but_not_of_passwords() {
    let rig = app(json!({"session_idle_seconds": 900})).await;
    let client = &rig.client;
    let by_password = client
        .form("grant_type=password&client_id=app&client_secret=secret&username=svc@acme.example&password=pwTok1")
        .await
        .json();

    let access = introspect(client, &client.token).await;
    let refresh = introspect(client, &refresh_token(client).await).await;

    let sub = by_password["id"].clone();
    assert_eq!(
        access,
        json!({
            "active": true, "scope": "id api refresh_token", "client_id": "app", "username": "svc@acme.example",
            "sub": sub, "token_type": "access_token",
            "exp": 1_795_167_000, "iat": 1_795_166_100, "nbf": 1_795_166_100,
        })
    );
    assert_eq!(
        (&refresh["token_type"], &refresh["sub"]),
        (&json!("refresh_token"), &sub)
    );
    let inactive = json!({"active": false});
    for token in [text(&by_password, "access_token"), "unknown".to_owned()] {
        assert_eq!(introspect(client, &token).await, inactive);
    }
    rig.clock.advance(TimeDelta::seconds(900));
    assert_eq!(introspect(client, &client.token).await, inactive);
    let in_body = form(&[("token", "x"), ("client_id", "app"), ("client_secret", "no")]);
    let refused = client
        .exchange("POST", "/services/oauth2/introspect", &[], &in_body)
        .await
        .unwrap();
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (400, &json!("invalid_client"))
    );
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_sessions_along() {
    let rig = app(json!({})).await;
    let client = &rig.client;
    let token = refresh_token(client).await;
    let session = text(&refresh(client, &token).await.json(), "access_token");

    let login = Client {
        host: "login.salesforce.com".to_owned(),
        ..client.clone()
    };
    let revoked = revoke(&login, &token).await;
    assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
    assert_eq!(rest(client, &session).await, 401);
    assert_refused(&refresh(client, &token).await, "expired access/refresh token");

    let by_get = format!("/services/oauth2/revoke?{}", form(&[("token", &client.token)]));
    assert_eq!(
        client.exchange("GET", &by_get, &[], "").await.unwrap().status,
        200
    );
    assert_eq!(rest(client, &client.token).await, 401);

    let again = revoke(client, &token).await;
    assert_eq!(again.status, 400);
    assert_eq!(
        again.text,
        "error=unsupported_token_type&error_description=this+token+type+is+not+supported"
    );
    let rig = app_in(
        json!({}),
        json!({"switches": {"login": {"revoke_error": "json"}}}),
    )
    .await;
    let told = revoke(&rig.client, "unknown").await;
    assert_eq!(
        (told.status, &told.json()["error"]),
        (400, &json!("unsupported_token_type"))
    );
}

#[tokio::test]
async fn a_token_without_the_api_scope_is_not_for_the_rest_api() {
    let rig = app(json!({"scopes": ["id"]})).await;
    let answer = rig.client.get("/limits").await;
    let message = "This session is not valid for use with the REST API";
    assert_eq!(
        (answer.status, answer.json()),
        (401, call_error("INVALID_SESSION_ID", message))
    );
}

#[tokio::test]
async fn odd_token_answers_have_keys_to_ignore_and_a_slash_to_strip() {
    let rig = app_in(
        json!({}),
        json!({"switches": {"login": {"odd_token_answers": true}}}),
    )
    .await;
    let form = "grant_type=client_credentials&client_id=app&client_secret=secret";
    let answer = rig.client.form(form).await.json();
    assert_eq!(answer["instance_url"], "https://acme.my.salesforce.com/");
    assert_eq!(answer["api_instance_url"], "https://api.salesforce.com");
}
