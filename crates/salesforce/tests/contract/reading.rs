//! What is read: pages, records, limits, versions, and in what form.

use salesforce::{
    Host,
    limits::limits,
    organization::organization,
    query::{query, query_all_pages},
    record::{create_record, get_record, update_record},
    record_access::record_access,
    versions::versions,
};
use salesforce_simulator::record_id;
use serde_json::{Map, Value, json};

use crate::org::{Org, USER};

#[tokio::test]
async fn a_query_is_read_to_its_last_page() {
    let org = Org::start(json!({})).await;
    let people: Vec<Value> = (0..4_500)
        .map(|number| json!({"LastName": format!("Person {number}")}))
        .collect();
    org.admin("POST", "records/Contact", json!(people)).await;
    let soql = "SELECT Id, LastName FROM Contact";
    let first = query::<Value>(&org.http, &org.session, soql).await.unwrap().value;
    assert_eq!((first.total_size, first.records.len()), (4_500, 2_000));

    let rows: Vec<Value> = query_all_pages(&org.http, &org.session, soql).await.unwrap();
    let mut names: Vec<&str> = rows.iter().filter_map(|row| row["LastName"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4_500);
}

#[tokio::test]
async fn a_record_is_created_changed_and_read() {
    let org = Org::start(json!({})).await;
    let fields = |fields: Value| -> Map<String, Value> { fields.as_object().cloned().unwrap() };
    let id = create_record(
        &org.http,
        &org.session,
        "Contact",
        &fields(json!({"LastName": "A", "Title": "Dr"})),
    )
    .await
    .unwrap()
    .value;
    update_record(
        &org.http,
        &org.session,
        "Contact",
        &id,
        &fields(json!({"Title": null, "FirstName": "Ada"})),
    )
    .await
    .unwrap();
    let read = |id: String| {
        let org = &org;
        async move {
            get_record(&org.http, &org.session, "Contact", &id, &["FirstName", "Title"])
                .await
                .unwrap()
        }
    };
    let record = read(id).await.unwrap().value;
    assert_eq!(record["FirstName"], "Ada");
    assert_eq!(record["Title"], Value::Null);
    assert!(!record.contains_key("LastName"));
    assert!(read(record_id("003", 9_999)).await.is_none());
}

#[tokio::test]
async fn limits_come_with_the_usage_in_every_form() {
    for (form, others) in [("exact", 0), ("jitter", 0), ("bursts", 1), ("per_app", 1)] {
        let app = json!({"client_id": "app", "client_secret": "secret", "run_as": USER, "daily_request_limit": 250});
        let org = Org::start(json!({"usage_header": form, "apps": [app]})).await;
        let found = limits(&org.http, &org.session).await.unwrap();
        let usage = found.usage.unwrap();
        assert_eq!(usage.others.len(), others, "{form}: {usage:?}");
        let daily = found.value.daily_api_requests().unwrap();
        assert_eq!(u64::try_from(daily.max).unwrap(), usage.max, "{form}");
        // One call was made; the real header may lag behind.
        let most = u64::from(form != "jitter");
        assert!((most..=1).contains(&usage.used), "{form}: {usage:?}");
    }
    let silent = Org::start(json!({"usage_header": "absent"})).await;
    assert_eq!(limits(&silent.http, &silent.session).await.unwrap().usage, None);
}

#[tokio::test]
async fn versions_need_no_token_and_cost_nothing() {
    let org = Org::start(json!({})).await;
    let host = Host::login("acme.my.salesforce.com").unwrap();
    let found = versions(&org.http, &host).await.unwrap();
    assert!(found.windows(2).all(|pair| pair[0].major < pair[1].major));
    assert!(found.iter().any(|version| version.major == 67));
    let counters = org.admin("GET", "counters", Value::Null).await;
    assert_eq!(counters["api_requests"], 0);
}

#[tokio::test]
async fn what_the_user_may_do_with_records_is_told_by_record() {
    let org = Org::start(json!({})).await;
    let mut ids = Vec::new();
    for access in ["full", "read_only", "hidden"] {
        let id = org.seed("Contact", json!({"LastName": access})).await;
        let body = json!({"ids": [id], "access": access});
        org.admin("POST", "record-access", body).await;
        ids.push(id);
    }
    let user_id = organization(&org.http, &org.session).await.unwrap().user_id;

    let answered = record_access(&org.http, &org.session, &user_id, &ids)
        .await
        .unwrap();

    let told: Vec<(&str, bool, bool)> = answered
        .value
        .iter()
        .map(|access| {
            (
                access.record_id.as_str(),
                access.has_read_access,
                access.has_edit_access,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (ids[0].as_str(), true, true),
            (&ids[1], true, false),
            (&ids[2], false, false)
        ]
    );
}
