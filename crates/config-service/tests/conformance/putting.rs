//! Connections and destinations made what a request says, in one change or none.

use contracts::{
    config::v1::{
        Connection, CreationRules, Destination, PutConnectionRequest, PutConnectionResponse,
        PutDestinationRequest, PutDestinationResponse, RecordType, SegmentActivation, SegmentSettings,
        UnknownSegments, UpdateSegmentSettingsRequest, WriteMode,
    },
    status::reason,
};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{
        CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, attribute, draft, identity, mappings, mask,
        segment,
    },
    simulated::ACME,
};

on_both_databases!(
    row_229_a_destination_is_put_and_read_as_one_resource_and_the_same_again_changes_nothing,
    what_a_put_leaves_out_gets_its_default_unless_it_is_to_be_kept,
    everything_wrong_with_a_put_is_named_by_its_path_and_nothing_is_stored,
    a_put_that_is_only_validated_tells_what_would_be,
    a_put_that_must_be_ready_is_refused_as_activation_would_be,
    what_is_fixed_after_activation_is_not_put_otherwise,
    of_puts_at_once_each_is_whole_or_refused,
    a_connection_is_created_then_changed_then_left_alone,
    a_draft_that_becomes_of_another_kind_is_changed_and_its_claims_are_looked_at_anew,
    a_delay_that_cannot_be_kept_is_refused,
    a_put_that_must_be_ready_is_refused_for_what_governance_forbids_to_go_live,
    a_thousand_times_the_limit_of_segments_is_refused_soon,
);

/// The draft of [`Rig::start_with_finished_draft`], as one request.
fn wanted() -> Destination {
    Destination {
        name: CONTACTS.to_owned(),
        field_mappings: mappings(),
        segments: vec![segment("vip-people", "vip")],
        ..draft(CONNECTION)
    }
}

fn request(destination: Destination) -> PutDestinationRequest {
    PutDestinationRequest {
        destination: Some(destination),
        ..Default::default()
    }
}

async fn put(rig: &Rig, request: PutDestinationRequest) -> Result<PutDestinationResponse, Status> {
    let answer = rig.destinations.clone().put_destination(request).await?;
    Ok(answer.into_inner())
}

fn changed(answer: &PutDestinationResponse) -> Vec<&str> {
    answer.changes.iter().map(|change| change.path.as_str()).collect()
}

async fn row_229_a_destination_is_put_and_read_as_one_resource_and_the_same_again_changes_nothing(
    place: &Place,
) {
    let rig = Rig::start_with_connection(place).await;
    let mut wanted = wanted();
    wanted.segments.push(segment("buyers", "buyers"));

    let created = put(&rig, request(wanted.clone())).await.unwrap();

    assert!(created.created);
    assert!(changed(&created).contains(&"segments[vip-people]"));
    assert!(created.changes.iter().all(|change| change.before.is_empty()));
    assert_eq!(created.warnings[0].code, "SEGMENTS_NOT_YET_REGISTERED");
    let stored = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(created.destination.as_ref(), Some(&stored));
    assert_eq!(stored.field_mappings, wanted.field_mappings);

    // The order of rows says nothing.
    wanted.segments.reverse();
    wanted.field_mappings.reverse();
    let again = put(&rig, request(wanted)).await.unwrap();
    assert!(!again.created);
    assert_eq!((changed(&again), again.warnings.len()), (vec![], 0));
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), stored);
}

async fn what_a_put_leaves_out_gets_its_default_unless_it_is_to_be_kept(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "buyers__c").await;
    let described = Destination {
        description: "For the spring campaign".to_owned(),
        ..wanted()
    };
    put(&rig, request(described)).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();
    rig.activate(CONTACTS).await.unwrap();

    let renamed = SegmentActivation {
        display_name: "Very important".to_owned(),
        ..segment("vip-people", "vip")
    };
    let some = PutDestinationRequest {
        keep_field_mappings: true,
        keep_other_segments: true,
        ..request(Destination {
            field_mappings: Vec::new(),
            segments: vec![renamed],
            ..wanted()
        })
    };
    let kept = put(&rig, some).await.unwrap();
    assert_eq!(
        changed(&kept),
        ["description", "segments[vip-people].display_name"]
    );
    assert_eq!(kept.destination.unwrap().staged_changes.len(), 1);

    let all = put(&rig, request(wanted())).await.unwrap();
    assert_eq!(
        changed(&all),
        ["segments[buyers]", "segments[vip-people].display_name"]
    );
    let staged = all.destination.unwrap().staged_changes;
    assert_eq!(staged.len(), 1);
    assert_eq!(
        (staged[0].path.as_str(), staged[0].staged.as_str()),
        ("segments[buyers]", "")
    );
}

async fn everything_wrong_with_a_put_is_named_by_its_path_and_nothing_is_stored(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let wrong = Destination {
        display_name: String::new(),
        description: "x".repeat(2_001),
        mapping_id_prefix: "_".to_owned(),
        field_mappings: vec![identity("crmID", "SalesforceId"), attribute("a b", "Not a field")],
        segments: vec![segment("", "vip"), segment("buyers", "not-an-id")],
        ..wanted()
    };
    let refused = put(&rig, request(wrong)).await.unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "destination.display_name",
            "destination.description",
            "destination.mapping_id_prefix",
            "destination.field_mappings[1].target.field",
            "destination.segments[0].segment",
            "destination.segments[1].mapping_id",
        ],
    );
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap_err().code(),
        Code::NotFound
    );

    put(&rig, request(wanted())).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();
    // A kept one comes before, and is not counted.
    let claimed = PutDestinationRequest {
        keep_other_segments: true,
        ..request(Destination {
            segments: vec![segment("vip-people", "vip"), segment("shoppers", "buyers")],
            ..wanted()
        })
    };
    let refused = put(&rig, claimed).await.unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &["destination.segments[1].mapping_id"],
    );
    let both = PutDestinationRequest {
        keep_field_mappings: true,
        ..request(wanted())
    };
    let refused = put(&rig, both).await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["destination.field_mappings"]);
    let elsewhere = Destination {
        connection: "workspaces/acme/connections/none".to_owned(),
        ..wanted()
    };
    let refused = put(&rig, request(elsewhere)).await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["destination.connection"]);
    assert_eq!(
        put(&rig, request(Destination::default()))
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
}

async fn a_put_that_is_only_validated_tells_what_would_be(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let only = |destination| PutDestinationRequest {
        validate_only: true,
        ..request(destination)
    };
    let would = put(&rig, only(wanted())).await.unwrap();
    assert!(would.created);
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap_err().code(),
        Code::NotFound
    );

    put(&rig, request(wanted())).await.unwrap();
    let stored = rig.destination(CONTACTS).await.unwrap();
    let other = Destination {
        description: "Other".to_owned(),
        ..wanted()
    };
    let would = put(&rig, only(other)).await.unwrap();
    assert_eq!(changed(&would), ["description"]);
    assert_eq!(would.destination.unwrap().description, "Other");
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), stored);
    let refused = put(
        &rig,
        only(Destination {
            segments: vec![segment("a", "one"), segment("b", "one")],
            ..wanted()
        }),
    );
    assert_names(
        &refused.await.unwrap_err(),
        Code::InvalidArgument,
        &["destination.segments[1].mapping_id"],
    );
}

async fn a_put_that_must_be_ready_is_refused_as_activation_would_be(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let live = rig.activate(CONTACTS).await.unwrap();
    let ready = |destination| PutDestinationRequest {
        require_ready: true,
        ..request(destination)
    };

    let mistyped = Destination {
        segments: vec![segment("vip-people", "vpi")],
        ..wanted()
    };
    let refused = put(&rig, ready(mistyped)).await.unwrap_err();
    assert_eq!(reason(&refused), "ORG_DOES_NOT_FIT");
    assert_names(
        &refused,
        Code::FailedPrecondition,
        &["destination.segments[0].mapping_id"],
    );
    let nameless = Destination {
        field_mappings: vec![identity("crmID", "SalesforceId")],
        ..wanted()
    };
    let refused = put(&rig, ready(nameless)).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FINISHED");
    assert_names(
        &refused,
        Code::FailedPrecondition,
        &["destination.field_mappings"],
    );
    let both = Destination {
        field_mappings: vec![identity("crmID", "SalesforceId")],
        segments: vec![segment("vip-people", "vpi")],
        ..wanted()
    };
    assert_names(
        &put(&rig, ready(both)).await.unwrap_err(),
        Code::FailedPrecondition,
        &["destination.field_mappings", "destination.segments[0].mapping_id"],
    );
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), live);

    assert_eq!(
        changed(&put(&rig, ready(wanted())).await.unwrap()),
        Vec::<&str>::new()
    );
}

async fn what_is_fixed_after_activation_is_not_put_otherwise(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    rig.create_connection(WORKSPACE, "other", "acme").await.unwrap();
    let others = [
        (
            "destination.connection",
            Destination {
                connection: "workspaces/acme/connections/other".to_owned(),
                ..wanted()
            },
        ),
        (
            "destination.record_type",
            Destination {
                record_type: RecordType::Lead.into(),
                ..wanted()
            },
        ),
        (
            "destination.write_mode",
            Destination {
                write_mode: WriteMode::Upsert.into(),
                key_field: "Key__c".to_owned(),
                field_mappings: vec![identity("crmID", "Key__c"), attribute("a", "LastName")],
                ..wanted()
            },
        ),
    ];
    for (field, other) in others {
        let refused = put(&rig, request(other)).await.unwrap_err();
        assert_eq!(reason(&refused), "FIXED_AFTER_ACTIVATION");
        assert_names(&refused, Code::FailedPrecondition, &[field]);
    }
    // What only UPSERT has.
    let creating = Destination {
        creation_rules: Some(CreationRules {
            max_creates_per_day: 5,
            ..Default::default()
        }),
        ..wanted()
    };
    let refused = put(&rig, request(creating)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn of_puts_at_once_each_is_whole_or_refused(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let mut puts = JoinSet::new();
    for number in 0..12 {
        let mut destinations = rig.destinations.clone();
        let mine = Destination {
            description: format!("Of {number}"),
            segments: vec![segment(&format!("segment-{number}"), &format!("field_{number}"))],
            ..wanted()
        };
        puts.spawn(async move { destinations.put_destination(request(mine)).await });
    }
    let answers = puts.join_all().await;

    assert!(answers.iter().any(Result::is_ok));
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(
            (refused.code(), reason(refused)),
            (Code::Aborted, "STALE_ETAG".into())
        );
    }
    let stored = rig.destination(CONTACTS).await.unwrap();
    let number = stored.description.strip_prefix("Of ").unwrap();
    assert_eq!(stored.segments.len(), 1);
    assert_eq!(stored.segments[0].segment, format!("segment-{number}"));

    let stale = Destination {
        etag: "0".to_owned(),
        ..wanted()
    };
    let refused = put(&rig, request(stale)).await.unwrap_err();
    assert_eq!(reason(&refused), "STALE_ETAG");
}

async fn a_connection_is_created_then_changed_then_left_alone(place: &Place) {
    let rig = Rig::start(place).await;
    let wanted = Connection {
        name: CONNECTION.to_owned(),
        display_name: "CRM".to_owned(),
        custom_domain: "acme".to_owned(),
        ..Default::default()
    };
    let put = async |connection: &Connection, validate_only| -> Result<PutConnectionResponse, Status> {
        let request = PutConnectionRequest {
            connection: Some(connection.clone()),
            validate_only,
        };
        Ok(rig
            .connections
            .clone()
            .put_connection(request)
            .await?
            .into_inner())
    };
    let changed = |answer: &PutConnectionResponse| -> Vec<String> {
        answer.changes.iter().map(|change| change.path.clone()).collect()
    };

    assert!(put(&wanted, true).await.unwrap().created);
    assert_eq!(
        rig.connection(CONNECTION).await.unwrap_err().code(),
        Code::NotFound
    );
    let created = put(&wanted, false).await.unwrap();
    assert!(created.created);
    assert_eq!(changed(&created), ["custom_domain", "display_name"]);
    let stored = rig.connection(CONNECTION).await.unwrap();

    // The same org, said otherwise.
    let same = Connection {
        custom_domain: ACME.to_owned(),
        ..wanted.clone()
    };
    let again = put(&same, false).await.unwrap();
    assert_eq!((again.created, changed(&again)), (false, vec![]));
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), stored);

    let renamed = Connection {
        display_name: "Our CRM".to_owned(),
        description: "Production".to_owned(),
        ..wanted.clone()
    };
    let would = put(&renamed, true).await.unwrap();
    assert_eq!(changed(&would), ["description", "display_name"]);
    assert_eq!(rig.connection(CONNECTION).await.unwrap(), stored);
    put(&renamed, false).await.unwrap();
    assert_eq!(
        changed(&put(&wanted, false).await.unwrap()),
        ["description", "display_name"]
    );
    let stale = Connection {
        etag: stored.etag,
        ..wanted
    };
    assert_eq!(reason(&put(&stale, false).await.unwrap_err()), "STALE_ETAG");
}

async fn a_draft_that_becomes_of_another_kind_is_changed_and_its_claims_are_looked_at_anew(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let lead = Destination {
        name: "workspaces/acme/destinations/other".to_owned(),
        record_type: RecordType::Lead.into(),
        segments: vec![segment("vip-people", "vip")],
        ..wanted()
    };
    put(&rig, request(lead.clone())).await.unwrap();
    let contact = Destination {
        record_type: RecordType::Contact.into(),
        ..lead.clone()
    };
    let refused = put(&rig, request(contact.clone())).await.unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &["destination.segments[0].mapping_id"],
    );

    let free = Destination {
        segments: vec![segment("vip-people", "other_vip")],
        ..lead
    };
    put(&rig, request(free.clone())).await.unwrap();
    let changed_to = put(
        &rig,
        request(Destination {
            record_type: RecordType::Contact.into(),
            ..free
        }),
    );
    let answer = changed_to.await.unwrap();
    assert_eq!(changed(&answer), ["record_type"]);
    assert_eq!(answer.destination.unwrap().record_type(), RecordType::Contact);
}

async fn a_delay_that_cannot_be_kept_is_refused(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let delayed = |nanos| Destination {
        max_delay: Some(prost_types::Duration { seconds: 1, nanos }),
        ..wanted()
    };
    let refused = put(&rig, request(delayed(400_000))).await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["destination.max_delay"]);
    put(&rig, request(delayed(4_000_000))).await.unwrap();
    let again = put(&rig, request(delayed(4_000_000))).await.unwrap();
    assert_eq!(changed(&again), Vec::<&str>::new());
}

async fn a_put_that_must_be_ready_is_refused_for_what_governance_forbids_to_go_live(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let refuse = UpdateSegmentSettingsRequest {
        settings: Some(SegmentSettings {
            name: format!("{WORKSPACE}/segmentSettings"),
            unknown_segments: UnknownSegments::Refuse.into(),
            ..Default::default()
        }),
        update_mask: Some(mask(&["unknown_segments"])),
    };
    rig.segments
        .clone()
        .update_segment_settings(refuse)
        .await
        .unwrap();
    // What the draft has stays, until it would go live.
    put(&rig, request(wanted())).await.unwrap();
    let ready = PutDestinationRequest {
        require_ready: true,
        validate_only: true,
        ..request(wanted())
    };
    let refused = put(&rig, ready).await.unwrap_err();
    assert_eq!(reason(&refused), "SEGMENT_NOT_REGISTERED");
    assert_names(
        &refused,
        Code::FailedPrecondition,
        &["destination.segments[0].segment"],
    );
}

async fn a_thousand_times_the_limit_of_segments_is_refused_soon(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let segments = (0..25_000).map(|number| segment(&format!("s-{number}"), &format!("f_{number}")));
    let many = Destination {
        segments: segments.collect(),
        ..wanted()
    };
    // The rig gives up long before what took a look at each pair would be done.
    let refused = put(&rig, request(many)).await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["destination.segments"]);
}
