//! The pages for a person with a browser.

use serde_json::{Value, json};

use crate::client::{Answer, Client, Rig};

/// Asks our own address for a page.
async fn page(client: &Client, path: &str) -> Answer {
    let own = Client {
        host: client.address.to_string(),
        ..client.clone()
    };
    own.exchange("GET", path, &[], "").await.unwrap()
}

#[tokio::test]
async fn the_first_page_tells_every_org_and_no_secret() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client.get("/limits").await;
    client
        .org(
            "POST",
            "/records/Lead",
            json!([{"LastName": "A"}, {"LastName": "B", "IsDeleted": true}]),
        )
        .await;
    client
        .admin(
            "POST",
            "/orgs",
            &json!({"host": "other.my.salesforce.com", "name": "<b>Other</b>"}),
        )
        .await;

    let home = page(client, "/").await;
    assert_eq!(
        (home.status, home.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert_eq!(
        home.header("content-security-policy"),
        Some("default-src 'none'; style-src 'unsafe-inline'")
    );
    for text in [
        "acme.my.salesforce.com",
        "other.my.salesforce.com",
        "svc@acme.example",
        "1 of 100000",
        "1</a> and 1 deleted",
        "&lt;b&gt;Other&lt;/b&gt;",
    ] {
        assert!(home.text.contains(text), "{text}");
    }
    for secret in ["<b>Other", "secret", "Tok1", "pw<", client.token.as_str()] {
        assert!(!home.text.contains(secret), "{secret}");
    }
    // Asking changes nothing, and an org's own host has no such page.
    assert_eq!(client.counter("api_requests").await, 1);
    let org = client.exchange("GET", "/", &[], "").await.unwrap();
    assert_eq!(org.status, 401);
    assert!(!org.text.contains("Salesforce simulator"));
    let versions = page(client, "/services/data/").await;
    assert_eq!(versions.json()[0]["version"], "46.0");
}

#[tokio::test]
async fn the_page_of_an_org_shows_calls_records_writes_and_faults_escaped() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let evil = "<script>alert('x')</script>";
    client
        .write(
            "POST",
            "",
            "Lead",
            &json!([{"LastName": evil, "Company": "C"}, {"LastName": "Refused"}]),
        )
        .await;
    let many: Vec<Value> = (0..60)
        .map(|number| json!({"LastName": format!("L{number}"), "Description": "d".repeat(100)}))
        .collect();
    client.org("POST", "/records/Contact", json!(many)).await;
    client
        .org(
            "POST",
            "/faults",
            json!([{"on": "describe", "times": 3, "do": {"kind": "quota"}}]),
        )
        .await;

    let leads = page(client, "/simulator/view/acme.my.salesforce.com?object=lead").await;
    assert_eq!(leads.status, 200);
    for text in [
        "POST /services/data/v67.0/composite/sobjects",
        "&lt;script&gt;alert(",
        "refused",
        "&quot;kind&quot;:&quot;quota&quot;",
        "compressed answers",
        "Company",
    ] {
        assert!(leads.text.contains(text), "{text}");
    }
    assert!(!leads.text.contains("<script"));
    assert!(
        !leads.text.contains("<th title=\"Fax\">"),
        "empty columns are left out"
    );

    let first = page(client, "/simulator/view/acme.my.salesforce.com").await;
    let second = page(
        client,
        "/simulator/view/acme.my.salesforce.com?object=Contact&page=2",
    )
    .await;
    let beyond = page(
        client,
        "/simulator/view/acme.my.salesforce.com?object=Contact&page=99",
    )
    .await;
    assert!(
        first.text.contains("page 1 of 2")
            && first.text.contains("<td>L49</td>")
            && !first.text.contains("<td>L50</td>")
    );
    assert!(
        second.text.contains("<td>L50</td>")
            && second.text.contains("Previous")
            && !second.text.contains(">Next<")
    );
    assert!(first.text.contains(&format!("{}…", "d".repeat(60))));
    assert!(beyond.text.contains("page 2 of 2"));

    let unknown = page(client, "/simulator/view/nobody.example").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.text.contains("nobody.example"));
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_by_a_page_that_says_why() {
    let rig = Rig::with_org(json!({})).await;
    for (query, words) in [
        ("page=two", "page: invalid digit found in string"),
        (
            "page=0",
            "page: invalid value: integer `0`, expected a nonzero usize",
        ),
        (
            "object=%3Cb%3E",
            "object is &quot;&lt;b&gt;&quot;, but there are only Contact, Lead, Account",
        ),
        ("objct=Lead", "unknown field `objct`"),
    ] {
        let path = format!("/simulator/view/acme.my.salesforce.com?{query}");
        let answer = page(&rig.client, &path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (400, Some("text/html; charset=utf-8")),
            "{query}"
        );
        assert!(answer.text.contains(words), "{query}: {}", answer.text);
        assert!(
            answer
                .text
                .contains("<a href=\"/simulator/view/acme.my.salesforce.com\">"),
            "{query}"
        );
    }
}
