//! The surface under `/simulator`, the Rust API and the sample org.

use salesforce_simulator::{Settings, Simulator, StartError, record_id, sample};
use serde_json::{Value, json};

use crate::client::{Client, HOST, Rig, TestClock, body};

async fn sample_simulator(rig: &Rig) -> Simulator {
    let clock: &TestClock = &rig.clock;
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        clock: clock.clock(),
        sample_org: true,
    };
    Simulator::start(settings).await.unwrap()
}

#[tokio::test]
async fn orgs_are_created_once_listed_removed_and_reset() {
    let rig = Rig::empty().await;
    let client = &rig.client;
    let acme = json!({"host": "ACME.my.salesforce.com", "name": "Acme"});

    let created = client.admin("POST", "/orgs", &acme).await;
    let again = client.admin("POST", "/orgs", &acme).await;
    let list = client.admin("GET", "/orgs", &Value::Null).await.json();

    let org_id = created.json()["org_id"].clone();
    assert_eq!(
        (created.status, created.json()),
        (201, json!({"host": HOST, "org_id": org_id}))
    );
    assert_eq!(again.status, 409);
    assert_eq!(
        again.json(),
        json!({"error": format!("an org with host {HOST} exists")})
    );
    assert_eq!(
        list,
        json!([{"host": HOST, "org_id": org_id, "name": "Acme", "type": "Developer Edition"}])
    );

    assert_eq!(
        client
            .admin("DELETE", &format!("/orgs/{HOST}"), &Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(
        client
            .admin("DELETE", &format!("/orgs/{HOST}"), &Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(client.admin("POST", "/orgs", &acme).await.status, 201);
    assert_eq!(client.admin("POST", "/reset", &Value::Null).await.status, 200);
    assert_eq!(client.admin("GET", "/orgs", &Value::Null).await.json(), json!([]));
}

#[tokio::test]
async fn unknown_keys_are_refused_by_name() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let org = format!("/orgs/{HOST}");
    for (path, sent, named) in [
        (
            "/orgs".to_owned(),
            json!({"host": "b.my.salesforce.com", "colour": "red"}),
            "`colour`",
        ),
        (
            "/orgs".to_owned(),
            json!({"host": "b", "apps": [{"client_id": "a", "client_secret": "b", "x": 1}]}),
            "`x`",
        ),
        (
            format!("{org}/fields"),
            json!({"object": "Lead", "name": "a__c", "type": "string", "size": 1}),
            "`size`",
        ),
        (
            format!("{org}/faults"),
            json!([{"on": "write", "do": {"kind": "slow", "delay": 1}}]),
            "`delay`",
        ),
        (
            format!("{org}/faults"),
            json!([{"on": "write", "do": {"kind": "cut_before", "ids": []}}]),
            "`ids`",
        ),
        (
            format!("{org}/faults"),
            json!([{"on": "write", "do": {"kind": "status", "status": 503, "text": ""}}]),
            "`text`",
        ),
        (
            format!("{org}/records/Contact"),
            json!([{"Nope": 1}]),
            "Contact has no field Nope",
        ),
    ] {
        let answer = client.admin("POST", &path, &sent).await;
        assert_eq!(answer.status, 400, "{sent}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(named), "{error}");
    }
}

#[tokio::test]
async fn an_error_tells_where_it_is_and_what_to_send() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let org = format!("/orgs/{HOST}");
    let made = |host: &str| json!({"host": host});
    let host = "b.my.salesforce.com";
    for (method, path, sent, status, told) in [
        (
            "POST",
            "/orgs",
            json!({"host": host, "switches": {"login": 1}}),
            400,
            "switches.login: invalid type: integer `1`",
        ),
        (
            "POST",
            "/orgs",
            json!({"host": host, "users": [{"username": "a"}, {"username": "b", "active": "no"}]}),
            400,
            "users[1].active: invalid type: string \"no\"",
        ),
        (
            "POST",
            "/orgs",
            json!([made(host)]),
            400,
            "the body is an array; send an object",
        ),
        (
            "POST",
            "/orgs",
            Value::Null,
            400,
            "the body is empty; send an object",
        ),
        ("POST", "/orgs", json!(1), 400, "invalid type: integer `1`"),
        (
            "POST",
            "/orgs",
            made("b.my.salesforce.com:443"),
            400,
            "has a port",
        ),
        (
            "POST",
            "/orgs",
            made("localhost:7460"),
            400,
            "is a loopback address",
        ),
        (
            "POST",
            "/orgs",
            made("Test.salesforce.com"),
            400,
            "is a login host",
        ),
        ("POST", "/orgs", made("https://b"), 400, "has the character ':'"),
        ("POST", "/orgs", made(""), 400, "is empty"),
        (
            "PATCH",
            &format!("{org}/switches"),
            json!({"login": {"revoke_error": "xml"}}),
            400,
            "login.revoke_error: unknown variant `xml`",
        ),
        (
            "POST",
            &format!("{org}/faults"),
            json!({"on": "write"}),
            400,
            "the body is an object; send an array",
        ),
        (
            "POST",
            &format!("{org}/records/Lead"),
            json!({"LastName": "A"}),
            400,
            "the body is an object; send an array",
        ),
        (
            "POST",
            &format!("{org}/records/Lead"),
            json!([{}, 7]),
            400,
            "[1]: invalid type: integer `7`",
        ),
        (
            "GET",
            &format!("{org}/history?after=x"),
            Value::Null,
            400,
            "after: invalid digit",
        ),
        (
            "GET",
            &format!("{org}/calls?first=1"),
            Value::Null,
            400,
            "unknown field `first`",
        ),
        ("PUT", "/orgs", Value::Null, 405, "this path has no PUT"),
        (
            "GET",
            &format!("{org}/merges"),
            Value::Null,
            405,
            "this path has no GET",
        ),
    ] {
        let answer = client.admin(method, path, &sent).await;
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{method} {path} {sent}: {error}");
        assert!(error.contains(told), "{error}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{path}");
    }
}

#[tokio::test]
async fn users_and_apps_are_changed_member_by_member_and_listed_without_secrets() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let user = "/users/svc@acme.example";
    let changes = [
        json!({"permissions": {"view_setup": false, "objects": {"Lead": {"delete": false}}}}),
        json!({"permissions": {"objects": {"Lead": {"edit": false}, "contact": {"read": false}}}}),
    ];
    for change in changes {
        client.org("PATCH", user, change).await;
    }
    client
        .org("PATCH", "/apps/app", json!({"name": "App", "scopes": ["api"]}))
        .await;
    let twice = json!({"permissions": {"objects": {"lead": {"edit": true}}}});
    let refused = client
        .admin("PATCH", &format!("/orgs/{HOST}{user}"), &twice)
        .await;

    let users = client.org("GET", "/users", Value::Null).await;
    let apps = client.org("GET", "/apps", Value::Null).await;

    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("names Lead in two spellings"),
        "{refused:?}"
    );
    let objects = json!({
        "Contact": {"read": false, "create": true, "edit": true, "delete": true},
        "Lead": {"read": true, "create": true, "edit": false, "delete": false},
    });
    let permissions =
        json!({"view_setup": false, "manage_users": true, "customize_application": true, "objects": objects});
    let id = users[0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("005"), "{id}");
    assert_eq!(
        users,
        json!([{"id": id, "username": "svc@acme.example", "active": true, "locked": false, "api_enabled": true,
            "permissions": permissions}])
    );
    let shown = |name: &str| apps[0].get(name).cloned();
    assert_eq!(shown("client_id"), Some(json!("app")));
    assert_eq!(
        (shown("name"), shown("scopes")),
        (Some(json!("App")), Some(json!(["api"])))
    );
    assert_eq!((shown("client_secret"), shown("certificate")), (None, None));
}

#[tokio::test]
async fn rules_are_listed_as_they_were_set_up() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    for (path, given, added) in [
        (
            "/duplicate-rules",
            json!({"object": "Lead", "match_fields": ["Email"], "action": "block", "message": "m"}),
            json!({"name": "Standard_Lead_Duplicate_Rule"}),
        ),
        (
            "/validation-rules",
            json!({"object": "Lead", "field": "Title", "when": "equals", "value": "A", "message": "m"}),
            json!({}),
        ),
        (
            "/assignment-rules",
            json!({"owner": "svc@acme.example"}),
            json!({"object": "Lead", "active": true}),
        ),
        (
            "/record-types",
            json!({"object": "Contact", "name": "Vip"}),
            json!({"label": "Vip", "active": true, "available": true, "default": false}),
        ),
    ] {
        let made = client.org("POST", path, given.clone()).await;
        let listed = client.org("GET", path, Value::Null).await;
        let mut expected = given;
        for members in [added, made] {
            for (name, value) in members.as_object().unwrap() {
                expected[name] = value.clone();
            }
        }
        assert_eq!(listed, json!([expected]), "{path}");
    }
    client.org("DELETE", "/validation-rules", Value::Null).await;
    let none = client.org("GET", "/validation-rules", Value::Null).await;
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn custom_fields_can_be_removed_and_standard_ones_hidden() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let custom = json!({"object": "Lead", "name": "Tier__c", "type": "string"});
    client.org("POST", "/fields", custom).await;
    let delete = async |name: &str| {
        let path = format!("/orgs/{HOST}/fields/Lead/{name}");
        client.admin("DELETE", &path, &Value::Null).await
    };

    let removed = delete("Tier__c").await;
    let again = delete("Tier__c").await;
    let standard = delete("title").await;

    assert_eq!((removed.status, again.status, standard.status), (200, 404, 409));
    let error = standard.json()["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("Title of Lead is a standard field, and only custom fields"),
        "{error}"
    );
    assert_eq!(client.get("/query?q=SELECT+Title+FROM+Lead").await.status, 200);
    let hidden = json!({"object": "Lead", "name": "Title", "type": "string", "visible": false});
    client.org("POST", "/fields", hidden).await;
    assert_eq!(client.get("/query?q=SELECT+Title+FROM+Lead").await.status, 400);
}

#[tokio::test]
async fn twenty_thousand_records_are_seeded_in_one_call_and_read_back() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let records = Value::Array(sample::sample_records("Contact", 20_000));

    let ids = client.org("POST", "/records/Contact", records).await;
    let all = client.org("GET", "/records/Contact", Value::Null).await;
    let one = client
        .org(
            "GET",
            &format!("/records/Contact/{}", record_id("003", 20_000)),
            Value::Null,
        )
        .await;

    assert_eq!(ids.as_array().unwrap().len(), 20_000);
    assert_eq!(ids[0], record_id("003", 1));
    assert_eq!(all.as_array().unwrap().len(), 20_000);
    assert_eq!(all[19_999], one);
    assert!(one["Email"].as_str().unwrap().ends_with(".20000@example.com"));
}

#[tokio::test]
async fn a_taken_id_is_refused_and_nothing_is_stored() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let id = record_id("003", 1);
    let twice = json!([{"Id": id, "LastName": "A"}, {"Id": &id[..15], "LastName": "B"}]);
    let answer = client
        .admin("POST", &format!("/orgs/{HOST}/records/Contact"), &twice)
        .await;
    assert_eq!(answer.status, 409);
    assert_eq!(
        client.org("GET", "/records/Contact", Value::Null).await,
        json!([])
    );
}

#[tokio::test]
async fn the_history_tells_every_record_of_every_call() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client
        .org("POST", "/records/Contact", json!([{"LastName": "A"}]))
        .await;
    let id = record_id("003", 1);
    let records = json!([{"id": id, "title": "T", "Email": "nope"}]);
    client.write("PATCH", "", "Contact", &records).await;
    client
        .write("POST", "", "Contact", &json!([{"LastName": "B"}]))
        .await;

    let all = client.org("GET", "/history", Value::Null).await;
    let rest = client.org("GET", "/history?after=1", Value::Null).await;

    let time = "2026-11-20T09:15:00.123+0000";
    let refused = json!({"n": 1, "call": 1, "time": time, "object": "Contact", "id": id, "operation": "update",
        "fields": {"Title": "T", "Email": "nope"}, "success": false});
    let created = json!({"n": 2, "call": 2, "time": time, "object": "Contact", "id": record_id("003", 2), "operation": "create",
        "fields": {"LastName": "B"}, "success": true});
    assert_eq!(all, json!([refused, created]));
    assert_eq!(rest, json!([created]));
}

#[tokio::test]
async fn the_history_can_be_left_out() {
    let rig = Rig::with_org(json!({"history": false})).await;
    rig.client
        .write("POST", "", "Contact", &json!([{"LastName": "B"}]))
        .await;
    assert_eq!(rig.client.org("GET", "/history", Value::Null).await, json!([]));
}

#[tokio::test]
async fn the_counters_add_up() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client
        .write(
            "POST",
            "",
            "Contact",
            &json!([{"LastName": "A"}, {"LastName": "B"}, {"FirstName": "C"}]),
        )
        .await;
    client
        .write(
            "PATCH",
            "",
            "Contact",
            &json!([{"id": record_id("003", 1), "Title": "T"}]),
        )
        .await;
    client
        .rest(
            "PATCH",
            "/composite/sobjects",
            &body("Contact", &json!([{"X__c": 1}])),
        )
        .await;

    let counters = client.org("GET", "/counters", Value::Null).await;

    assert_eq!(
        counters,
        json!({
            "token_requests": 1, "token_failures": 0, "describe_calls": 0, "write_calls": 2, "write_calls_failed": 1,
            "records_received": 4, "records_written": 3, "records_created": 2, "records_refused": 1,
            "query_calls": 0, "api_requests": 3, "max_records_per_call": 3, "max_concurrent_writes": 1,
            "same_record_overlaps": 0, "lock_waits": 0, "lock_failures": 0, "late_writes": 0, "long_running_refused": 0,
        })
    );
}

#[tokio::test]
async fn the_sample_org_is_there_from_the_start() {
    let rig = Rig::empty().await;
    let simulator = sample_simulator(&rig).await;
    let mut client = Client {
        address: simulator.address(),
        host: simulator.address().to_string(),
        token: String::new(),
    };
    let login = client
        .form("grant_type=password&client_id=sluice-sample-client&client_secret=sluice-sample-secret&username=integration@acme.example&password=sample-passwordSampleToken123")
        .await
        .json();
    client.token = login["access_token"].as_str().unwrap().to_owned();
    client.host = HOST.to_owned();

    let leads = client.org("GET", "/records/Lead", Value::Null).await;
    let elements = client
        .write(
            "PATCH",
            "",
            "Lead",
            &json!([{"id": record_id("00Q", 100), "crm_2_seg__c": "realized"}]),
        )
        .await;

    assert_eq!(leads.as_array().unwrap().len(), 100);
    assert_eq!(leads[0]["Id"], record_id("00Q", 1));
    assert!(leads[0]["Company"].is_string());
    assert_eq!(elements[0]["success"], true);
    assert_eq!(
        client
            .org("GET", "/records/Contact", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        100
    );
    simulator.stop().await;
}

#[tokio::test]
async fn a_taken_address_is_said_in_plain_words() {
    let rig = Rig::empty().await;
    let listen = rig.simulator.address();
    let error = Simulator::start(Settings {
        listen,
        clock: rig.clock.clock(),
        sample_org: false,
    })
    .await
    .unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {listen}: address in use")
    );
}

#[tokio::test]
async fn a_stopped_simulator_no_longer_listens() {
    let rig = Rig::empty().await;
    let client = rig.client.clone();
    rig.simulator.stop().await;
    assert!(client.exchange("GET", "/simulator/orgs", &[], "").await.is_err());
}
