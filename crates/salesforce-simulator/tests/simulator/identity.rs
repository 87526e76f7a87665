//! The identity URL of token answers. Source: salesforce-contract.md §1.1.

use chrono::TimeDelta;
use serde_json::json;

use crate::client::{Answer, Client, HOST, Rig};

/// Reads the path of an identity URL at a host, with a token.
async fn read(client: &Client, host: &str, path: &str, token: &str) -> Answer {
    let client = Client {
        host: host.to_owned(),
        ..client.clone()
    };
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str())];
    client.exchange("GET", path, &headers, "").await.unwrap()
}

#[tokio::test]
async fn the_id_of_a_token_answer_leads_to_who_is_logged_in() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let login = client
        .form("grant_type=client_credentials&client_id=app&client_secret=secret")
        .await
        .json();
    let url = login["id"].as_str().unwrap();
    let token = login["access_token"].as_str().unwrap();
    let path = url.strip_prefix("https://login.salesforce.com").unwrap();

    for host in ["login.salesforce.com", HOST] {
        let answer = read(client, host, &format!("{path}?format=json"), token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let identity = answer.json();
        assert_eq!(identity["id"], url);
        assert_eq!(identity["username"], "svc@acme.example");
        assert_eq!(
            format!(
                "/id/{}/{}",
                identity["organization_id"].as_str().unwrap(),
                identity["user_id"].as_str().unwrap()
            ),
            path
        );
        assert_eq!(
            identity["urls"]["sobjects"],
            format!("https://{HOST}/services/data/v{{version}}/sobjects/")
        );
    }
    assert_eq!(client.counter("api_requests").await, 0);
    // The list of resources names it too.
    let client = Client {
        token: token.to_owned(),
        ..client.clone()
    };
    assert_eq!(client.get("/").await.json()["identity"], url);
}

#[tokio::test]
async fn an_identity_is_told_only_to_its_user() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let login = client
        .form("grant_type=client_credentials&client_id=app&client_secret=secret")
        .await
        .json();
    let token = login["access_token"].as_str().unwrap();
    let path = login["id"]
        .as_str()
        .unwrap()
        .replace("https://login.salesforce.com", "");
    let (org, user) = path["/id/".len()..].split_once('/').unwrap();

    for (path, status, text) in [
        (format!("/id/00D5g0000000001EAA/{user}"), 403, "Wrong_Org"),
        (format!("/id/{org}/0055g0000000001AAA"), 404, "Bad_Id"),
    ] {
        let answer = read(client, HOST, &path, token).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, text));
    }
    for host in ["login.salesforce.com", HOST] {
        let answer = read(client, host, &path, "unknown").await;
        assert_eq!((answer.status, answer.text.as_str()), (403, "Bad_OAuth_Token"));
    }
    rig.clock.advance(TimeDelta::hours(2));
    let answer = read(client, HOST, &path, token).await;
    assert_eq!((answer.status, answer.text.as_str()), (403, "Bad_OAuth_Token"));
}
