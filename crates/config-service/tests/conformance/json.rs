//! The same calls as JSON over HTTP.

use contracts::{
    config::v1::{ConnectionState, DesiredState, WaitingUpdates},
    status::reason,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic_types::StatusExt;

use crate::{
    http::Http,
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, app},
    simulated::ACME,
};

on_both_databases!(
    row_228_a_destination_is_set_up_from_connection_to_activation_in_json,
    row_227_what_json_writes_grpc_reads_and_the_other_way_round,
    row_232_a_stale_if_match_is_412_and_of_parallel_edits_exactly_one_wins,
    row_236_an_error_is_a_problem_with_the_reasons_of_grpc,
    row_71_a_name_in_two_workspaces_is_two_resources_in_json,
    an_activated_destination_is_disabled_enabled_and_deleted_in_json,
    who_makes_a_change_is_said_in_a_header,
    segments_are_changed_and_removed_one_by_one_in_json,
    lists_come_in_pages_in_json,
    a_secret_is_taken_and_never_answered,
    internal_calls_are_not_there,
);

const MAPPINGS: &str = r#"{"fieldMappings": [
    {"source": {"identityNamespace": "crmID"}, "target": {"identity": "SalesforceId"}},
    {"source": {"attributePath": "person.name.lastName"}, "target": {"field": "LastName"}}
]}"#;

fn mappings() -> Value {
    serde_json::from_str(MAPPINGS).unwrap()
}

fn draft() -> Value {
    json!({"displayName": "Contacts", "connection": CONNECTION, "recordType": "RECORD_TYPE_CONTACT"})
}

async fn create_draft(http: &Http) -> Value {
    http.post("workspaces/acme/destinations?destinationId=contacts", draft())
        .await
        .ok()
}

async fn row_228_a_destination_is_set_up_from_connection_to_activation_in_json(place: &Place) {
    let rig = Rig::start(place).await;
    rig.salesforce.create_acme().await;
    rig.create_field(ACME, "vip__c").await;
    let http = rig.serve_http().await;

    let catalog = http.get("catalogEntries?category=crm").await.ok();
    assert_eq!(catalog["entries"][0]["displayName"], "Salesforce CRM");

    // The base connection, with its credentials.
    let connection = json!({"displayName": "Acme", "customDomain": "acme"});
    let created = http
        .post("workspaces/acme/connections?connectionId=crm", connection)
        .await;
    assert_eq!(
        created.etag,
        format!("\"{}\"", created.json["etag"].as_str().unwrap())
    );
    let created = created.ok();
    assert_eq!(
        (created["name"].as_str(), created["customDomain"].as_str()),
        (Some(CONNECTION), Some(ACME))
    );
    let credentials = json!({"clientCredentials": {"clientId": "app", "clientSecret": "app-secret"}});
    http.put(&format!("{CONNECTION}/credentials"), credentials)
        .await
        .ok();
    let check = http.post(&format!("{CONNECTION}:check"), Value::Null).await.ok();
    assert_eq!(check["check"]["state"], "CONNECTION_STATE_CONNECTED");

    // The target connection and the flow: one resource of ours.
    let draft = create_draft(&http).await;
    assert_eq!(draft["desiredState"], "DESIRED_STATE_DRAFT");
    // Zero values are there, so that a script sees every field.
    assert_eq!(
        (&draft["segments"], &draft["keyField"], &draft["revision"]),
        (&json!([]), &json!(""), &json!("0"))
    );

    // Then attributes and segments.
    http.post(&format!("{CONTACTS}:setFieldMappings"), mappings())
        .await
        .ok();
    let segments = json!({"segments": [{"segment": "vip-people", "mappingId": "vip"}]});
    let added = http.post(&format!("{CONTACTS}:addSegments"), segments).await.ok();
    assert_eq!(added["destination"]["segments"][0]["field"], "vip__c");
    let activated = http.post(&format!("{CONTACTS}:activate"), json!({})).await.ok();
    assert_eq!(activated["destination"]["desiredState"], "DESIRED_STATE_ENABLED");

    assert_eq!(
        rig.destination(CONTACTS).await.unwrap().desired_state(),
        DesiredState::Enabled
    );
    assert_eq!(http.get(CONTACTS).await.ok(), activated["destination"]);
}

async fn row_227_what_json_writes_grpc_reads_and_the_other_way_round(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let http = rig.serve_http().await;

    let in_grpc = rig.connection(CONNECTION).await.unwrap();
    let in_json = http.get(CONNECTION).await.ok();
    assert_eq!(in_json["displayName"], json!(in_grpc.display_name));
    assert_eq!(in_json["customDomain"], json!(in_grpc.custom_domain));
    assert_eq!(
        in_json["createTime"],
        json!(in_grpc.create_time.unwrap().to_string())
    );
    // Nothing was checked yet.
    assert_eq!(in_json.get("lastCheck"), None);
    let check = rig.check(CONNECTION).await;
    assert_ne!(check.state(), ConnectionState::Connected);
    let in_json = http.get(CONNECTION).await.ok();
    assert_eq!(in_json["lastCheck"]["state"], json!(check.state().as_str_name()));

    create_draft(&http).await;
    let change = json!({"description": "Ours", "maxDelay": "1.500s", "displayName": "not in the mask"});
    let path = format!("{CONTACTS}?updateMask=description,maxDelay");
    let changed = http.patch(&path, change).await.ok();
    let read = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(
        (read.description.as_str(), read.display_name.as_str()),
        ("Ours", "Contacts")
    );
    let delay = read.max_delay.unwrap();
    assert_eq!((delay.seconds, delay.nanos), (1, 500_000_000));
    assert_eq!(changed["etag"], json!(read.etag));
}

async fn row_232_a_stale_if_match_is_412_and_of_parallel_edits_exactly_one_wins(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let http = rig.serve_http().await;
    create_draft(&http).await;
    let path = format!("{CONTACTS}?updateMask=displayName");

    let read = http.get(CONTACTS).await;
    let changed = http
        .call(
            Method::PATCH,
            &path,
            &[("if-match", &read.etag)],
            &json!({"displayName": "First"}),
        )
        .await;
    assert_ne!(changed.etag, read.etag, "the etag changes on every success");
    assert_eq!(changed.ok()["displayName"], "First");

    // The same etag again, in a header and in the resource.
    let stale = http
        .call(
            Method::PATCH,
            &path,
            &[("if-match", &read.etag)],
            &json!({"displayName": "Second"}),
        )
        .await;
    assert!(stale.refused(412, "STALE_ETAG").is_empty());
    assert_eq!(stale.json["code"], "ABORTED");
    let stale = http
        .patch(&path, json!({"displayName": "Second", "etag": read.json["etag"]}))
        .await;
    stale.refused(409, "STALE_ETAG");
    let stale = http
        .call(
            Method::DELETE,
            CONTACTS,
            &[("if-match", &read.etag)],
            &Value::Null,
        )
        .await;
    stale.refused(412, "STALE_ETAG");
    let other = json!({"displayName": "Second", "etag": "another"});
    let other = http
        .call(Method::PATCH, &path, &[("if-match", &read.etag)], &other)
        .await;
    assert_eq!(other.refused(400, "INVALID_FIELD"), ["destination.etag"]);
    let weak = http
        .call(Method::DELETE, CONTACTS, &[("if-match", "W/\"1\"")], &Value::Null)
        .await;
    assert_eq!(weak.refused(400, "INVALID_FIELD"), ["If-Match"]);
    assert_eq!(rig.destination(CONTACTS).await.unwrap().display_name, "First");

    let put = |display_name: &str| {
        json!({"destination": {"displayName": display_name, "recordType": "RECORD_TYPE_CONTACT",
            "connection": "workspaces/acme/connections/crm"}})
    };
    let path_of_put = format!("{CONTACTS}:put");
    let held = http.get(CONTACTS).await.etag;
    let done = http
        .call(Method::POST, &path_of_put, &[("if-match", &held)], &put("Put"))
        .await;
    assert_eq!(done.status, 200);
    let late = http
        .call(Method::POST, &path_of_put, &[("if-match", &held)], &put("Late"))
        .await;
    assert_eq!(late.status, 412);

    let etag = http.get(CONTACTS).await.etag;
    let http = std::sync::Arc::new(http);
    let mut edits = JoinSet::new();
    for index in 0..8 {
        let (http, path, etag) = (http.clone(), path.clone(), etag.clone());
        edits.spawn(async move {
            let body = json!({"displayName": format!("Edit {index}")});
            http.call(Method::PATCH, &path, &[("if-match", &etag)], &body)
                .await
                .status
        });
    }
    let mut statuses = edits.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

async fn row_236_an_error_is_a_problem_with_the_reasons_of_grpc(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let http = rig.serve_http().await;

    // What a service refuses is the same in both.
    let missing = "workspaces/acme/destinations/missing";
    let in_grpc = rig.destination(missing).await.unwrap_err();
    let in_json = http.get(missing).await;
    in_json.refused(404, &reason(&in_grpc));
    assert_eq!(in_json.json["detail"], json!(in_grpc.message()));

    let taken = "workspaces/acme/destinations?destinationId=contacts";
    http.post(taken, draft()).await.refused(409, "ALREADY_EXISTS");

    rig.create_field(ACME, "other__c").await;
    http.patch(
        &format!("{CONTACTS}/segments/vip-people?updateMask=mappingId"),
        json!({"mappingId": "mistyped"}),
    )
    .await
    .ok();
    let in_grpc = rig.activate(CONTACTS).await.unwrap_err();
    let in_json = http.post(&format!("{CONTACTS}:activate"), Value::Null).await;
    assert_eq!(
        in_json.refused(400, &reason(&in_grpc)),
        ["segments[0].mapping_id"]
    );
    assert_eq!(in_json.json["code"], "FAILED_PRECONDITION");
    let told = &in_grpc.get_details_bad_request().unwrap().field_violations[0].description;
    assert_eq!(in_json.json["violations"][0]["description"], json!(told));

    // What JSON itself gets wrong is told in the same form, all at once.
    let body = json!({"displayName": 7, "recordType": "RECORD_TYPE_ACCOUNT", "colour": "red", "name": "x"});
    let wrong = http
        .post("workspaces/acme/destinations?destinationId=a&pageSize=1", body)
        .await;
    assert_eq!(
        wrong.refused(400, "INVALID_FIELD"),
        [
            "destination.display_name",
            "destination.record_type",
            "destination.colour",
            "pageSize"
        ]
    );
    let allowed = wrong.json["violations"][1]["description"].as_str().unwrap();
    assert_eq!(allowed, "must be one of RECORD_TYPE_CONTACT, RECORD_TYPE_LEAD");
    let conflict = http
        .patch(
            &format!("{CONTACTS}?updateMask=displayName"),
            json!({"name": missing}),
        )
        .await;
    assert_eq!(conflict.refused(400, "INVALID_FIELD"), ["destination.name"]);

    http.get("nothing/here").await.refused(404, "UNKNOWN_PATH");
    http.put(CONTACTS, json!({})).await.refused(405, "WRONG_METHOD");
}

async fn row_71_a_name_in_two_workspaces_is_two_resources_in_json(place: &Place) {
    let rig = Rig::start(place).await;
    let http = rig.serve_http().await;
    for workspace in ["prod", "dev"] {
        let connection = json!({"displayName": workspace, "customDomain": "acme"});
        let path = format!("workspaces/{workspace}/connections?connectionId=crm");
        http.post(&path, connection).await.ok();
    }

    let read = http.get("workspaces/dev/connections/crm").await.ok();
    assert_eq!(read["displayName"], "dev");
    let listed = http.get("workspaces/prod/connections").await.ok();
    assert_eq!(listed["connections"].as_array().unwrap().len(), 1);
    assert_eq!(listed["connections"][0]["displayName"], "prod");

    http.delete("workspaces/dev/connections/crm").await.ok();
    http.get("workspaces/dev/connections/crm")
        .await
        .refused(404, "NOT_FOUND");
    http.get("workspaces/prod/connections/crm").await.ok();
}

async fn an_activated_destination_is_disabled_enabled_and_deleted_in_json(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let http = rig.serve_http().await;
    rig.activate(CONTACTS).await.unwrap();

    let disabled = http.post(&format!("{CONTACTS}:disable"), Value::Null).await;
    assert_eq!(
        disabled.etag,
        format!("\"{}\"", disabled.json["destination"]["etag"].as_str().unwrap())
    );
    assert_eq!(
        disabled.ok()["destination"]["desiredState"],
        "DESIRED_STATE_DISABLED"
    );
    let unsaid = http.post(&format!("{CONTACTS}:enable"), json!({})).await;
    assert_eq!(unsaid.refused(400, "INVALID_FIELD"), ["waiting_updates"]);
    let resume = json!({"waitingUpdates": WaitingUpdates::Resume.as_str_name()});
    let enabled = http.post(&format!("{CONTACTS}:enable"), resume).await.ok();
    assert_eq!(enabled["destination"]["desiredState"], "DESIRED_STATE_ENABLED");

    let discard = format!("{CONTACTS}?waitingUpdates=WAITING_UPDATES_DISCARD");
    assert_eq!(http.delete(&discard).await.ok(), json!({"waitingUpdates": "0"}));
    assert_eq!(
        http.get(CONTACTS).await.ok()["desiredState"],
        "DESIRED_STATE_DELETING"
    );
    assert!(rig.all_plans().await[0].discard_accepted_before.is_some());
}

async fn who_makes_a_change_is_said_in_a_header(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let http = rig.serve_http().await;
    let path = format!("{CONNECTION}?updateMask=description");
    let change = |description: &str| json!({"description": description});

    let actor = [("sluice-actor", "kim@acme.example")];
    let changed = http
        .call(Method::PATCH, &path, &actor, &change("Ours"))
        .await
        .ok();
    assert_eq!(changed["updatedBy"], "kim@acme.example");
    assert_eq!(changed["createdBy"], "");

    let actor = [("sluice-actor", "x".repeat(201))];
    let actor = actor.each_ref().map(|(name, value)| (*name, value.as_str()));
    let refused = http.call(Method::PATCH, &path, &actor, &change("Theirs")).await;
    assert_eq!(refused.refused(400, "INVALID_FIELD"), ["sluice-actor"]);
}

async fn segments_are_changed_and_removed_one_by_one_in_json(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let http = rig.serve_http().await;
    create_draft(&http).await;
    // Segment ids are the platform's: whatever they hold is escaped in a path.
    let segments = json!({"segments": [
        {"segment": "a/b:c d", "mappingId": "one"},
        {"segment": "plain", "mappingId": "two"},
    ]});
    http.post(&format!("{CONTACTS}:addSegments"), segments).await.ok();

    let escaped = format!("{CONTACTS}/segments/a%2Fb%3Ac%20d");
    let change = json!({"endTime": "2027-01-01T00:00:00Z"});
    let changed = http
        .patch(&format!("{escaped}?updateMask=endTime"), change)
        .await
        .ok();
    assert_eq!(
        changed["destination"]["segments"][0]["endTime"],
        "2027-01-01T00:00:00Z"
    );
    assert_eq!(changed["destination"]["segments"][0]["mappingId"], "one");
    http.delete(&escaped).await.ok();

    let listed = http.get(&format!("{CONTACTS}/segments")).await.ok();
    let left: Vec<&Value> = listed["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["segment"])
        .collect();
    assert_eq!(left, [&json!("plain")]);
}

async fn lists_come_in_pages_in_json(place: &Place) {
    let rig = Rig::start(place).await;
    for id in ["a", "b", "c"] {
        rig.create_connection(WORKSPACE, id, "acme").await.unwrap();
    }
    let http = rig.serve_http().await;

    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("{WORKSPACE}/connections?pageSize=2&pageToken={token}");
        let page = http.get(&path).await.ok();
        for connection in page["connections"].as_array().unwrap() {
            names.push(
                connection["name"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
        token = page["nextPageToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
    let wrong = http.get(&format!("{WORKSPACE}/connections?pageSize=few")).await;
    assert_eq!(wrong.refused(400, "INVALID_FIELD"), ["page_size"]);
}

async fn a_secret_is_taken_and_never_answered(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let http = rig.serve_http().await;
    let path = format!("{CONNECTION}/credentials");
    let answers = [
        http.put(
            &path,
            json!({"clientCredentials": {"clientId": "app", "clientSecret": "hush-hush"}}),
        )
        .await,
        http.get(&path).await,
        http.put(
            &path,
            json!({"clientCredentials": {"clientId": 7, "clientSecret": ["hush-hush"]}}),
        )
        .await,
        http.put(
            &path,
            json!({"password": {"clientSecret": "hush-hush", "colour": "hush-hush"}}),
        )
        .await,
        http.put(&path, json!("hush-hush")).await,
    ];
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 400, 400, 400]);
    assert_eq!(answers[1].json["clientId"], "app");
    for answer in answers {
        assert!(!answer.json.to_string().contains("hush"), "{answer:?}");
    }
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    assert_eq!(http.get(&path).await.ok()["version"], "2");
}

async fn internal_calls_are_not_there(place: &Place) {
    let rig = Rig::start(place).await;
    let http = rig.serve_http().await;
    let document = http.get("openapi.json").await.ok().to_string();
    for internal in [
        "PlanService",
        "TokenService",
        "GetToken",
        "access_token",
        "accessToken",
        "WatchPlans",
    ] {
        assert!(!document.contains(internal), "{internal}");
    }
    for path in [
        "plans",
        "tokens",
        "workspaces/acme/connections/crm:getToken",
        "workspaces/acme/plans",
    ] {
        http.get(path).await.refused(404, "UNKNOWN_PATH");
        http.post(path, json!({})).await.refused(404, "UNKNOWN_PATH");
    }
}
