//! Connections: created, read, changed, deleted.

use std::sync::Arc;

use contracts::{
    config::v1::{
        Connection, CreateConnectionRequest, ListConnectionsRequest, ListConnectionsResponse,
        UpdateConnectionRequest, WaitingUpdates,
    },
    status::reason,
};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names},
};

on_both_databases!(
    connections_are_listed_in_pages_by_name_and_workspace,
    row_46_each_wrong_field_of_a_new_connection_is_named,
    row_46_an_empty_request_names_every_field_that_is_required,
    row_27_a_custom_domain_is_stored_as_its_host,
    row_71_an_id_is_taken_in_its_own_workspace_only,
    an_update_changes_what_its_mask_names_and_nothing_else,
    a_wrong_update_is_refused_by_field,
    a_stale_etag_aborts_and_changes_nothing,
    of_edits_at_the_same_time_with_one_etag_exactly_one_wins,
    a_connection_in_use_is_not_deleted,
    row_50_51_names_may_repeat_and_descriptions_may_be_left_out,
    who_made_a_change_is_told,
    what_older_versions_wrote_is_read,
);

async fn list(
    rig: &Rig,
    parent: &str,
    page_size: i32,
    page_token: &str,
) -> Result<ListConnectionsResponse, Status> {
    let request = ListConnectionsRequest {
        parent: parent.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    Ok(rig
        .connections
        .clone()
        .list_connections(request)
        .await?
        .into_inner())
}

async fn connections_are_listed_in_pages_by_name_and_workspace(place: &Place) {
    let rig = Rig::start(place).await;
    let mut created = Vec::new();
    for id in ["e", "b", "d", "a-2", "a"] {
        created.push(rig.create_connection(WORKSPACE, id, "acme").await.unwrap());
    }
    rig.create_connection("workspaces/acme-2", "c", "acme")
        .await
        .unwrap();

    let mut listed = Vec::new();
    let mut sizes = Vec::new();
    let mut token = String::new();
    loop {
        let page = list(&rig, WORKSPACE, 2, &token).await.unwrap();
        sizes.push(page.connections.len());
        listed.extend(page.connections);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }

    created.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(listed, created);
    assert_eq!(sizes, [2, 2, 1]);
    let refused = list(&rig, WORKSPACE, 2, "%%").await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["page_token"]);
    let refused = list(&rig, WORKSPACE, -1, "").await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["page_size"]);
    let refused = list(&rig, "acme", 0, "").await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["parent"]);
}

async fn row_46_each_wrong_field_of_a_new_connection_is_named(place: &Place) {
    let rig = Rig::start(place).await;
    for (parent, id, display_name, custom_domain, fields) in [
        ("", "crm", "CRM", "acme", &["parent"][..]),
        ("workspaces/Acme", "crm", "CRM", "acme", &["parent"]),
        (WORKSPACE, "", "CRM", "acme", &["connection_id"]),
        (WORKSPACE, "2crm", "CRM", "acme", &["connection_id"]),
        (WORKSPACE, "crm", " ", "acme", &["connection.display_name"]),
        (WORKSPACE, "crm", "CRM", "", &["connection.custom_domain"]),
        (
            WORKSPACE,
            "crm",
            "CRM",
            "evil.example",
            &["connection.custom_domain"],
        ),
        (
            WORKSPACE,
            "crm",
            "CRM",
            "http://acme.my.salesforce.com",
            &["connection.custom_domain"],
        ),
        (
            "acme",
            "CRM",
            "",
            "127.0.0.1",
            &[
                "parent",
                "connection_id",
                "connection.display_name",
                "connection.custom_domain",
            ],
        ),
    ] {
        let request = CreateConnectionRequest {
            parent: parent.to_owned(),
            connection_id: id.to_owned(),
            connection: Some(Connection {
                display_name: display_name.to_owned(),
                custom_domain: custom_domain.to_owned(),
                ..Default::default()
            }),
        };
        let refused = rig
            .connections
            .clone()
            .create_connection(request)
            .await
            .unwrap_err();
        assert_names(&refused, Code::InvalidArgument, fields);
    }
    assert_eq!(list(&rig, WORKSPACE, 0, "").await.unwrap().connections, []);
}

async fn row_46_an_empty_request_names_every_field_that_is_required(place: &Place) {
    let rig = Rig::start(place).await;

    let empty = CreateConnectionRequest::default();
    let refused = rig
        .connections
        .clone()
        .create_connection(empty)
        .await
        .unwrap_err();

    assert_names(
        &refused,
        Code::InvalidArgument,
        &["parent", "connection_id", "connection"],
    );
}

async fn row_27_a_custom_domain_is_stored_as_its_host(place: &Place) {
    let rig = Rig::start(place).await;
    for (id, entered, host) in [
        ("a", " ACME ", "acme.my.salesforce.com"),
        ("b", "acme--uat", "acme--uat.sandbox.my.salesforce.com"),
        (
            "c",
            "https://acme.lightning.force.com/lightning/page",
            "acme.my.salesforce.com",
        ),
    ] {
        let created = rig.create_connection(WORKSPACE, id, entered).await.unwrap();
        assert_eq!(created.custom_domain, host);
        assert_eq!(rig.connection(&created.name).await.unwrap(), created);
    }
}

async fn row_71_an_id_is_taken_in_its_own_workspace_only(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let first = rig.connection(CONNECTION).await.unwrap();

    let refused = rig
        .create_connection(WORKSPACE, "crm", "other")
        .await
        .unwrap_err();
    let elsewhere = rig
        .create_connection("workspaces/globex", "crm", "other")
        .await
        .unwrap();

    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(reason(&refused), "ALREADY_EXISTS");
    assert!(refused.message().contains(CONNECTION), "{refused}");
    assert_eq!(elsewhere.name, "workspaces/globex/connections/crm");
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), first);
}

async fn an_update_changes_what_its_mask_names_and_nothing_else(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let before = rig.connection(CONNECTION).await.unwrap();
    let wanted = Connection {
        name: CONNECTION.to_owned(),
        display_name: "Renamed".to_owned(),
        description: "Described".to_owned(),
        custom_domain: "globex".to_owned(),
        org_id: "00D000000000001AAA".to_owned(),
        ..Default::default()
    };

    let described = rig
        .update_connection(wanted.clone(), &["description"])
        .await
        .unwrap();
    let moved = rig
        .update_connection(wanted, &["custom_domain", "display_name"])
        .await
        .unwrap();

    assert_eq!(
        described,
        Connection {
            description: "Described".to_owned(),
            update_time: described.update_time,
            etag: described.etag.clone(),
            ..before.clone()
        }
    );
    assert_ne!(described.etag, before.etag);
    assert!(described.update_time.unwrap().seconds > before.update_time.unwrap().seconds);
    assert_eq!(
        moved,
        Connection {
            display_name: "Renamed".to_owned(),
            custom_domain: "globex.my.salesforce.com".to_owned(),
            update_time: moved.update_time,
            etag: moved.etag.clone(),
            ..described
        }
    );
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), moved);
}

async fn a_wrong_update_is_refused_by_field(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let before = rig.connection(CONNECTION).await.unwrap();
    let named = |name: &str| Connection {
        name: name.to_owned(),
        ..Default::default()
    };
    for (connection, paths, field) in [
        (named(""), &["description"][..], "connection.name"),
        (named("crm"), &["description"], "connection.name"),
        (named(CONNECTION), &["display_name"], "connection.display_name"),
        (named(CONNECTION), &["custom_domain"], "connection.custom_domain"),
        (named(CONNECTION), &["description", "org_id"], "update_mask"),
    ] {
        let refused = rig.update_connection(connection, paths).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, &[field]);
    }
    let all = ["display_name", "custom_domain", "org_id"];
    let refused = rig.update_connection(named("crm"), &all).await.unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "connection.name",
            "connection.display_name",
            "connection.custom_domain",
            "update_mask",
        ],
    );
    for (connection, fields) in [
        (None, &["connection", "update_mask"][..]),
        (Some(named(CONNECTION)), &["update_mask"]),
    ] {
        let request = UpdateConnectionRequest {
            connection,
            update_mask: None,
        };
        let refused = rig
            .connections
            .clone()
            .update_connection(request)
            .await
            .unwrap_err();
        assert_names(&refused, Code::InvalidArgument, fields);
    }
    let unknown = named("workspaces/acme/connections/other");
    let refused = rig
        .update_connection(unknown, &["description"])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), before);
}

async fn a_stale_etag_aborts_and_changes_nothing(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let mut read = rig.connection(CONNECTION).await.unwrap();
    read.description = "Mine".to_owned();
    let theirs = Connection {
        description: "Theirs".to_owned(),
        ..read.clone()
    };
    let theirs = rig.update_connection(theirs, &["description"]).await.unwrap();

    let update = rig
        .update_connection(read.clone(), &["description"])
        .await
        .unwrap_err();
    let delete = rig.delete_connection(CONNECTION, &read.etag).await.unwrap_err();

    for refused in [update, delete] {
        assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
        assert_eq!(reason(&refused), "STALE_ETAG");
    }
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), theirs);
    rig.delete_connection(CONNECTION, &theirs.etag).await.unwrap();
    assert_eq!(
        rig.connection(CONNECTION).await.unwrap_err().code(),
        Code::NotFound
    );
}

async fn of_edits_at_the_same_time_with_one_etag_exactly_one_wins(place: &Place) {
    let rig = Arc::new(Rig::start_with_connection(place).await);
    let read = rig.connection(CONNECTION).await.unwrap();
    let mut edits = JoinSet::new();
    for number in 0..12 {
        let (rig, mut mine) = (rig.clone(), read.clone());
        mine.description = format!("Edit {number}");
        edits.spawn(async move { rig.update_connection(mine, &["description"]).await });
    }

    let (won, lost): (Vec<_>, Vec<_>) = edits.join_all().await.into_iter().partition(Result::is_ok);

    assert_eq!(won.len(), 1);
    for refused in lost {
        assert_eq!(refused.unwrap_err().code(), Code::Aborted);
    }
    assert_eq!(
        rig.connection(CONNECTION).await.unwrap(),
        won.into_iter().next().unwrap().unwrap()
    );
}

async fn a_connection_in_use_is_not_deleted(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;

    let refused = rig.delete_connection(CONNECTION, "").await.unwrap_err();

    let problems = assert_names(&refused, Code::FailedPrecondition, &["name"]);
    assert_eq!(reason(&refused), "CONNECTION_IN_USE");
    assert!(problems[0].contains(CONTACTS), "{problems:?}");
    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();
    rig.delete_connection(CONNECTION, "").await.unwrap();
    let gone = rig.delete_connection(CONNECTION, "").await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

async fn create(rig: &Rig, id: &str, display_name: &str, description: &str) -> Result<Connection, Status> {
    let request = CreateConnectionRequest {
        parent: WORKSPACE.to_owned(),
        connection_id: id.to_owned(),
        connection: Some(Connection {
            display_name: display_name.to_owned(),
            description: description.to_owned(),
            custom_domain: "acme".to_owned(),
            ..Default::default()
        }),
    };
    let answer = rig.connections.clone().create_connection(request).await?;
    Ok(answer.into_inner().connection.unwrap())
}

async fn row_50_51_names_may_repeat_and_descriptions_may_be_left_out(place: &Place) {
    let rig = Rig::start(place).await;

    let first = create(&rig, "a", " Acme ", "").await.unwrap();
    let second = create(&rig, "b", "Acme", "Línea 1\nLine 2").await.unwrap();
    let longest = create(&rig, "c", &"ß".repeat(200), &"ß".repeat(2_000))
        .await
        .unwrap();
    let too_long = create(&rig, "d", &"x".repeat(201), &"x".repeat(2_001))
        .await
        .unwrap_err();

    assert_eq!(
        (first.display_name.as_str(), first.description.as_str()),
        ("Acme", "")
    );
    assert_eq!(second.description, "Línea 1\nLine 2");
    for created in [first, second, longest] {
        assert_eq!(rig.connection(&created.name).await.unwrap(), created);
    }
    let problems = assert_names(
        &too_long,
        Code::InvalidArgument,
        &["connection.display_name", "connection.description"],
    );
    assert!(
        problems[0].contains("201") && problems[0].contains("200"),
        "{problems:?}"
    );
}

async fn who_made_a_change_is_told(place: &Place) {
    let rig = Rig::start(place).await;
    let by = |actor: &'static [u8]| rig.connections_by(actor);
    let request = CreateConnectionRequest {
        parent: WORKSPACE.to_owned(),
        connection_id: "crm".to_owned(),
        connection: Some(Connection {
            display_name: "CRM".to_owned(),
            custom_domain: "acme".to_owned(),
            created_by: "somebody".to_owned(),
            ..Default::default()
        }),
    };
    by("Zoë".as_bytes())
        .create_connection(request.clone())
        .await
        .unwrap();
    let change = |description: &str| UpdateConnectionRequest {
        connection: Some(Connection {
            name: CONNECTION.to_owned(),
            description: description.to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["description".to_owned()],
        }),
    };
    by(b"ann").update_connection(change("one")).await.unwrap();

    let changed = rig.connection(CONNECTION).await.unwrap();
    assert_eq!(
        (changed.created_by.as_str(), changed.updated_by.as_str()),
        ("Zoë", "ann")
    );
    // The last change was by nobody who said who they are.
    let changed = rig.update_connection(changed, &["description"]).await.unwrap();
    assert_eq!(
        (changed.created_by.as_str(), changed.updated_by.as_str()),
        ("Zoë", "")
    );
    let refused = by(&[b'x'; 201])
        .update_connection(change("two"))
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["sluice-actor"]);
    let refused = by(&[b'x'; 201])
        .create_connection(CreateConnectionRequest::default())
        .await
        .unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &["sluice-actor", "parent", "connection_id", "connection"],
    );
}

/// Of a check as the first release stored it.
async fn what_older_versions_wrote_is_read(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let database = place
        .location
        .open("config", &config_service::migrations())
        .await
        .unwrap();
    let check = r#"{"state":"connected","reason":"","message":"","fix":"","org_id":"00D000000000001EAA",
        "org_name":"Acme","org_type":"Enterprise Edition","username":"svc@acme.example","time_micros":1}"#;
    service::on_database!(
        &database,
        pool => sqlx::query("UPDATE connections SET last_check = $1").bind(check).execute(pool).await.map(|_| ())
    )
    .unwrap();
    database.close().await;

    let check = rig.connection(CONNECTION).await.unwrap().last_check.unwrap();

    assert_eq!((check.org_name.as_str(), check.scopes.len()), ("Acme", 0));
}
