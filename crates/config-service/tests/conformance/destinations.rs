//! Destinations: created, read, changed.

use std::sync::Arc;

use contracts::{
    config::v1::{
        ActivateDestinationRequest, AddSegmentsRequest, CreateDestinationRequest, DeleteDestinationRequest,
        DeletedProfilePolicy, DesiredState, Destination, DestinationState, DisableDestinationRequest,
        EnableDestinationRequest, ExportFrequency, ExportType, FieldMapping, ListDestinationsRequest,
        RecordType, RemoveSegmentRequest, SetFieldMappingsRequest, UpdateSegmentRequest, WaitingUpdates,
        WriteMode,
    },
    status::reason,
};
use prost_types::{Duration, FieldMask};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{
        CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, attribute, draft, identity, mappings, segment,
    },
};

on_both_databases!(
    row_56_69_a_new_destination_is_a_draft_with_defaults,
    row_71_169_destinations_are_listed_in_pages_by_name_and_workspace,
    row_1_2_50_each_wrong_field_of_a_new_destination_is_named,
    row_2_52_an_empty_request_names_every_field_that_is_required,
    an_id_is_taken_in_its_own_workspace_only,
    a_draft_can_be_changed_in_everything,
    row_59_60_62_after_activation_what_is_fixed_is_refused_and_the_rest_changes,
    row_232_a_stale_etag_aborts_every_kind_of_change,
    row_232_of_edits_at_the_same_time_with_one_etag_exactly_one_wins,
    edits_at_the_same_time_without_an_etag_all_arrive,
    row_34_80_100_field_mappings_are_replaced_as_one_unit,
    a_draft_is_deleted_at_once,
);

async fn row_56_69_a_new_destination_is_a_draft_with_defaults(place: &Place) {
    let rig = Rig::start_with_connection(place).await;

    let created = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;

    assert_eq!(
        created,
        Destination {
            name: CONTACTS.to_owned(),
            uid: created.uid.clone(),
            write_mode: WriteMode::UpdateById.into(),
            deleted_profile_policy: DeletedProfilePolicy::Leave.into(),
            max_delay: Some(seconds(60)),
            desired_state: DesiredState::Draft.into(),
            export_type: ExportType::ProfileBased.into(),
            export_frequency: ExportFrequency::Streaming.into(),
            create_time: created.create_time,
            update_time: created.create_time,
            etag: created.etag.clone(),
            state: DestinationState::Draft.into(),
            ..draft(CONNECTION)
        }
    );
    assert!(!created.uid.is_empty() && !created.etag.is_empty() && created.create_time.is_some());
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), created);
}

async fn row_71_169_destinations_are_listed_in_pages_by_name_and_workspace(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    for id in ["c", "a", "b"] {
        rig.create_draft(WORKSPACE, id, CONNECTION).await;
    }
    let page = async |page_token: String| {
        let request = ListDestinationsRequest {
            parent: WORKSPACE.to_owned(),
            page_size: 2,
            page_token,
        };
        let answer = rig.destinations.clone().list_destinations(request).await.unwrap();
        let answer = answer.into_inner();
        let names: Vec<String> = answer.destinations.into_iter().map(|one| one.name).collect();
        (names, answer.next_page_token)
    };

    let (first, token) = page(String::new()).await;
    let (second, end) = page(token).await;

    let name = |id| format!("{WORKSPACE}/destinations/{id}");
    assert_eq!(first, [name("a"), name("b")]);
    assert_eq!((second, end.as_str()), (vec![name("c")], ""));
}

async fn row_1_2_50_each_wrong_field_of_a_new_destination_is_named(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let with = |change: fn(&mut Destination)| {
        let mut destination = draft(CONNECTION);
        change(&mut destination);
        (WORKSPACE, "contacts", destination)
    };
    for ((parent, id, destination), fields) in [
        (("", "contacts", draft(CONNECTION)), &["parent"][..]),
        ((WORKSPACE, "Contacts", draft(CONNECTION)), &["destination_id"]),
        (
            with(|d| d.display_name = " ".to_owned()),
            &["destination.display_name"],
        ),
        (with(|d| d.connection.clear()), &["destination.connection"]),
        (
            with(|d| d.connection = "workspaces/acme/connections/gone".to_owned()),
            &["destination.connection"],
        ),
        (
            with(|d| d.connection = "workspaces/globex/connections/crm".to_owned()),
            &["destination.connection"],
        ),
        (with(|d| d.record_type = 0), &["destination.record_type"]),
        (with(|d| d.record_type = 99), &["destination.record_type"]),
        (with(|d| d.write_mode = 99), &["destination.write_mode"]),
        (
            with(|d| d.write_mode = WriteMode::Upsert.into()),
            &["destination.key_field"],
        ),
        (
            with(|d| d.key_field = "Crm_Key__c".to_owned()),
            &["destination.key_field"],
        ),
        (
            with(|d| d.deleted_profile_policy = 99),
            &["destination.deleted_profile_policy"],
        ),
        (
            with(|d| d.max_delay = Some(seconds(-1))),
            &["destination.max_delay"],
        ),
        (
            with(|d| d.max_delay = Some(seconds(3_601))),
            &["destination.max_delay"],
        ),
        (
            (
                "acme",
                "",
                Destination {
                    deleted_profile_policy: 99,
                    max_delay: Some(seconds(-1)),
                    write_mode: 99,
                    ..Default::default()
                },
            ),
            &[
                "parent",
                "destination_id",
                "destination.display_name",
                "destination.connection",
                "destination.record_type",
                "destination.write_mode",
                "destination.deleted_profile_policy",
                "destination.max_delay",
            ],
        ),
    ] {
        let refused = rig.create_destination(parent, id, destination).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, fields);
    }
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap_err().code(),
        Code::NotFound
    );
}

async fn row_2_52_an_empty_request_names_every_field_that_is_required(place: &Place) {
    let rig = Rig::start(place).await;

    let empty = CreateDestinationRequest::default();
    let refused = rig
        .destinations
        .clone()
        .create_destination(empty)
        .await
        .unwrap_err();

    assert_names(
        &refused,
        Code::InvalidArgument,
        &["parent", "destination_id", "destination"],
    );
}

async fn an_id_is_taken_in_its_own_workspace_only(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let first = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let connection = rig
        .create_connection("workspaces/globex", "crm", "globex")
        .await
        .unwrap();

    let refused = rig
        .create_destination(WORKSPACE, "contacts", draft(CONNECTION))
        .await
        .unwrap_err();
    let elsewhere = rig
        .create_draft("workspaces/globex", "contacts", &connection.name)
        .await;

    assert_eq!(refused.code(), Code::AlreadyExists, "{refused:?}");
    assert_ne!(elsewhere.uid, first.uid);
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), first);
    assert_eq!(rig.destination(&elsewhere.name).await.unwrap(), elsewhere);
}

/// Returns a destination that differs from [`draft`] in everything that a draft can change.
fn changed(connection: &str) -> Destination {
    Destination {
        name: CONTACTS.to_owned(),
        display_name: "Leads".to_owned(),
        description: "Described".to_owned(),
        connection: connection.to_owned(),
        record_type: RecordType::Lead.into(),
        write_mode: WriteMode::Upsert.into(),
        key_field: "Crm_Key__c".to_owned(),
        deleted_profile_policy: DeletedProfilePolicy::ExitAndBlank.into(),
        max_delay: Some(seconds(5)),
        ..Default::default()
    }
}

async fn a_draft_can_be_changed_in_everything(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let before = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let other = rig.create_connection(WORKSPACE, "other", "globex").await.unwrap();
    let wanted = changed(&other.name);

    let described = rig
        .update_destination(wanted.clone(), &["description"])
        .await
        .unwrap();
    let all = [
        "display_name",
        "description",
        "connection",
        "record_type",
        "write_mode",
        "key_field",
        "deleted_profile_policy",
        "max_delay",
    ];
    let after = rig.update_destination(wanted.clone(), &all).await.unwrap();

    assert_eq!(
        described,
        Destination {
            description: "Described".to_owned(),
            revision: described.revision,
            update_time: described.update_time,
            etag: described.etag.clone(),
            ..before
        }
    );
    assert_eq!(
        after,
        Destination {
            name: after.name.clone(),
            uid: described.uid,
            desired_state: described.desired_state,
            export_type: described.export_type,
            export_frequency: described.export_frequency,
            revision: after.revision,
            create_time: described.create_time,
            update_time: after.update_time,
            etag: after.etag.clone(),
            state: described.state,
            ..wanted
        }
    );
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), after);
}

async fn row_59_60_62_after_activation_what_is_fixed_is_refused_and_the_rest_changes(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    let other = rig.create_connection(WORKSPACE, "other", "globex").await.unwrap();

    for path in ["connection", "record_type", "write_mode", "key_field"] {
        let refused = rig
            .update_destination(changed(&other.name), &["description", path])
            .await
            .unwrap_err();
        assert_names(
            &refused,
            Code::FailedPrecondition,
            &[&format!("destination.{path}")],
        );
        assert_eq!(reason(&refused), "FIXED_AFTER_ACTIVATION");
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), active);

    let paths = [
        "display_name",
        "description",
        "deleted_profile_policy",
        "max_delay",
    ];
    let updated = rig
        .update_destination(changed(&other.name), &paths)
        .await
        .unwrap();

    assert_eq!(updated.display_name, changed(&other.name).display_name);
    let paths: Vec<_> = updated
        .staged_changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    assert_eq!(paths, ["deleted_profile_policy", "max_delay"]);
    let applied = rig.apply(CONTACTS).await.unwrap();
    assert!(applied.revision > active.revision);
    let plan = rig.all_plans().await.remove(0);
    assert_eq!(plan.revision, applied.revision);
    assert_eq!(plan.max_delay, Some(seconds(5)));
    assert_eq!(plan.deleted_profile_policy(), DeletedProfilePolicy::ExitAndBlank);
}

/// Makes each kind of change with the etag; returns what each was answered.
async fn every_change(rig: &Rig, etag: &str) -> Vec<Result<(), Status>> {
    let (name, etag) = (CONTACTS.to_owned(), etag.to_owned());
    let mut client = rig.destinations.clone();
    let mut update = changed(CONNECTION);
    update.etag.clone_from(&etag);
    vec![
        rig.update_destination(update, &["description"]).await.map(|_| ()),
        client
            .set_field_mappings(SetFieldMappingsRequest {
                name: name.clone(),
                field_mappings: mappings(),
                etag: etag.clone(),
            })
            .await
            .map(|_| ()),
        client
            .add_segments(AddSegmentsRequest {
                name: name.clone(),
                segments: vec![segment("other", "other")],
                etag: etag.clone(),
            })
            .await
            .map(|_| ()),
        client
            .update_segment(UpdateSegmentRequest {
                name: name.clone(),
                segment: Some(segment("vip-people", "vip")),
                update_mask: Some(FieldMask {
                    paths: vec!["display_name".to_owned()],
                }),
                etag: etag.clone(),
            })
            .await
            .map(|_| ()),
        client
            .remove_segment(RemoveSegmentRequest {
                name: name.clone(),
                segment: "vip-people".to_owned(),
                etag: etag.clone(),
            })
            .await
            .map(|_| ()),
        client
            .activate_destination(ActivateDestinationRequest {
                name: name.clone(),
                etag: etag.clone(),
            })
            .await
            .map(|_| ()),
        client
            .enable_destination(EnableDestinationRequest {
                name: name.clone(),
                etag: etag.clone(),
                waiting_updates: WaitingUpdates::Resume.into(),
            })
            .await
            .map(|_| ()),
        client
            .disable_destination(DisableDestinationRequest {
                name: name.clone(),
                etag: etag.clone(),
            })
            .await
            .map(|_| ()),
        client
            .delete_destination(DeleteDestinationRequest {
                name,
                etag,
                waiting_updates: WaitingUpdates::Resume.into(),
            })
            .await
            .map(|_| ()),
    ]
}

async fn row_232_a_stale_etag_aborts_every_kind_of_change(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let read = rig.destination(CONTACTS).await.unwrap();
    let theirs = rig
        .update_destination(changed(CONNECTION), &["description"])
        .await
        .unwrap();

    for answer in every_change(&rig, &read.etag).await {
        let refused = answer.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
        assert_eq!(reason(&refused), "STALE_ETAG");
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), theirs);
}

async fn row_232_of_edits_at_the_same_time_with_one_etag_exactly_one_wins(place: &Place) {
    let rig = Arc::new(Rig::start_with_finished_draft(place).await);
    let read = rig.destination(CONTACTS).await.unwrap();
    let mut edits = JoinSet::new();
    for number in 0..12 {
        let (rig, mut mine) = (rig.clone(), read.clone());
        mine.description = format!("Edit {number}");
        edits.spawn(async move { rig.update_destination(mine, &["description"]).await });
    }

    let (won, lost): (Vec<_>, Vec<_>) = edits.join_all().await.into_iter().partition(Result::is_ok);

    assert_eq!(won.len(), 1);
    for refused in lost {
        assert_eq!(refused.unwrap_err().code(), Code::Aborted);
    }
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap(),
        won.into_iter().next().unwrap().unwrap()
    );
}

async fn edits_at_the_same_time_without_an_etag_all_arrive(place: &Place) {
    const EDITS: usize = 12;
    let rig = Arc::new(Rig::start_with_connection(place).await);
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let mut edits = JoinSet::new();
    for number in 0..EDITS {
        let rig = rig.clone();
        edits.spawn(async move {
            let added = segment(&format!("segment-{number}"), &format!("field_{number}"));
            rig.add_segments(CONTACTS, &[added]).await.unwrap().etag
        });
    }

    let mut etags = edits.join_all().await;

    etags.sort_unstable();
    etags.dedup();
    assert_eq!(etags.len(), EDITS);
    assert_eq!(rig.destination(CONTACTS).await.unwrap().segments.len(), EDITS);
}

async fn row_34_80_100_field_mappings_are_replaced_as_one_unit(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let first = vec![identity("crmID", "SalesforceId"), attribute("a", "Title")];
    let second = mappings();
    rig.set_field_mappings(CONTACTS, &first).await.unwrap();

    let replaced = rig.set_field_mappings(CONTACTS, &second).await.unwrap();

    assert_eq!(replaced.field_mappings, second);
    for (rows, fields) in [
        (
            vec![
                attribute("b", "Title"),
                FieldMapping::default(),
                attribute("c", "not a field"),
            ],
            &[
                "field_mappings[1].source",
                "field_mappings[1].target",
                "field_mappings[2].target.field",
            ][..],
        ),
        (
            vec![
                attribute("b", "Title"),
                identity("crmID", "ContactId"),
                attribute("c", "title"),
            ],
            &[
                "field_mappings[1].target.identity",
                "field_mappings[2].target.field",
            ],
        ),
        (
            vec![attribute("", "Title"), attribute("b", "Id")],
            &["field_mappings[0].source", "field_mappings[1].target.field"],
        ),
    ] {
        let refused = rig.set_field_mappings(CONTACTS, &rows).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, fields);
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), replaced);
}

async fn a_draft_is_deleted_at_once(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let first = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;

    rig.delete_destination(CONTACTS, WaitingUpdates::Unspecified)
        .await
        .unwrap();

    assert_eq!(
        rig.destination(CONTACTS).await.unwrap_err().code(),
        Code::NotFound
    );
    let gone = rig
        .delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    let second = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    assert_ne!(second.uid, first.uid);
}

fn seconds(seconds: i64) -> Duration {
    Duration { seconds, nanos: 0 }
}
