//! Edits of a live destination: staged, shown, applied or taken back; and what was live before.

use contracts::{
    actor::{ACTOR, actor_metadata},
    config::v1::{
        ApplyChangesRequest, Destination, DestinationState, ListSegmentsRequest, SegmentActivation,
        SegmentRegistration, UpdateDestinationRequest,
    },
    status::reason,
};
use serde_json::Value;
use tonic::{Code, Request};

use crate::{
    place::{Place, on_both_databases},
    rig::{
        CONNECTION, CONTACTS, MAX_DESTINATIONS, Rig, WORKSPACE, assert_names, attribute, draft, mappings,
        mask, segment,
    },
    simulated::ACME,
};

on_both_databases!(
    row_116_edits_of_a_live_destination_are_shown_and_do_nothing_until_they_are_applied,
    edits_are_applied_when_the_org_fits_and_not_before,
    edits_can_be_taken_back,
    row_110_segments_that_are_staged_can_be_listed_alone,
    a_field_is_free_only_when_its_removal_is_live,
    an_earlier_revision_is_staged_again,
    revisions_are_gone_with_their_destination,
    row_58_one_destination_too_many_is_refused,
    row_65_66_the_state_of_a_destination_follows_what_delivery_reports,
    row_70_a_destination_tells_who_made_and_changed_it,
);

fn staged(destination: &Destination) -> Vec<&str> {
    destination
        .staged_changes
        .iter()
        .map(|change| change.path.as_str())
        .collect()
}

async fn row_116_edits_of_a_live_destination_are_shown_and_do_nothing_until_they_are_applied(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "buyers__c").await;
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!((staged(&active), active.live_revision), (vec![], active.revision));
    let live = rig.all_plans().await;

    let mut rows = mappings();
    rows.push(attribute("personalEmail.address", "Email"));
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();
    let edited = rig.destination(CONTACTS).await.unwrap();

    assert_eq!(staged(&edited), ["field_mappings[Email]", "segments[buyers]"]);
    assert!(edited.staged_changes[0].staged.contains("personalEmail.address"));
    assert_eq!(edited.staged_changes[0].live, "");
    assert_eq!(edited.revision, active.revision);
    assert_eq!(rig.all_plans().await, live);

    let applied = rig.apply(CONTACTS).await.unwrap();
    assert_eq!(staged(&applied), Vec::<&str>::new());
    assert_eq!(applied.live_revision, applied.revision);
    assert!(applied.revision > active.revision);
    let plan = rig.all_plans().await.remove(0);
    assert_eq!((plan.attributes.len(), plan.segments.len()), (2, 2));
    // Nothing to apply is no error, and nothing to follow.
    assert_eq!(rig.apply(CONTACTS).await.unwrap().revision, applied.revision);
}

async fn edits_are_applied_when_the_org_fits_and_not_before(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let draft = rig.apply(CONTACTS).await.unwrap_err();
    assert_eq!(reason(&draft), "NOT_ACTIVATED");
    rig.activate(CONTACTS).await.unwrap();
    let live = rig.all_plans().await;

    rig.add_segments(CONTACTS, &[segment("buyers", "crm_3_seg")])
        .await
        .unwrap();
    let missing = rig.apply(CONTACTS).await.unwrap_err();
    let problems = assert_names(&missing, Code::FailedPrecondition, &["segments[1].mapping_id"]);
    assert!(
        problems[0].contains("crm_3_seg__c does not exist on Contact"),
        "{problems:?}"
    );
    rig.set_field_mappings(CONTACTS, &mappings()[..1]).await.unwrap();
    let unfinished = rig.apply(CONTACTS).await.unwrap_err();
    let problems = assert_names(
        &unfinished,
        Code::FailedPrecondition,
        &["destination.field_mappings", "segments[1].mapping_id"],
    );
    assert!(problems[0].contains("LastName"), "{problems:?}");
    assert_eq!(rig.all_plans().await, live);

    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    rig.create_field(ACME, "crm_3_seg__c").await;
    // What the org has lost meanwhile can be removed all the same.
    let path = format!("/orgs/{ACME}/fields/Contact/vip__c");
    rig.salesforce.admin("DELETE", &path, Value::Null).await;
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    rig.apply(CONTACTS).await.unwrap();
    let plan = rig.all_plans().await.remove(0);
    assert_eq!(plan.segments[0].field, "crm_3_seg__c");
}

async fn edits_can_be_taken_back(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    assert_eq!(
        reason(&rig.discard_changes(CONTACTS).await.unwrap_err()),
        "NOT_ACTIVATED"
    );
    let active = rig.activate(CONTACTS).await.unwrap();
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();

    let back = rig.discard_changes(CONTACTS).await.unwrap();

    assert_eq!((staged(&back), &back.segments), (vec![], &active.segments));
    assert_eq!(back.revision, active.revision);
}

async fn row_110_segments_that_are_staged_can_be_listed_alone(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let staged = async || {
        let request = ListSegmentsRequest {
            parent: CONTACTS.to_owned(),
            only_staged: true,
            ..Default::default()
        };
        let answer = rig.destinations.clone().list_segments(request).await.unwrap();
        let segments = answer.into_inner().segments;
        segments
            .into_iter()
            .map(|segment| segment.segment)
            .collect::<Vec<_>>()
    };
    assert_eq!(staged().await, ["vip-people"]);
    rig.activate(CONTACTS).await.unwrap();
    assert_eq!(staged().await, Vec::<String>::new());
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();
    assert_eq!(staged().await, ["buyers"]);
    let renamed = segment("vip-people", "vip_2");
    rig.update_segment(CONTACTS, renamed, &["mapping_id"])
        .await
        .unwrap();
    assert_eq!(staged().await, ["buyers", "vip-people"]);
}

async fn a_field_is_free_only_when_its_removal_is_live(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    rig.create_draft(WORKSPACE, "second", CONNECTION).await;
    let second = "workspaces/acme/destinations/second";
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();

    let refused = rig
        .add_segments(second, &[segment("people", "vip")])
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["segments[0].mapping_id"]);

    rig.apply(CONTACTS).await.unwrap();
    rig.add_segments(second, &[segment("people", "vip")])
        .await
        .unwrap();
    // What is staged there is taken here.
    let refused = rig
        .add_segments(CONTACTS, &[segment("again", "vip")])
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["segments[0].mapping_id"]);
}

async fn an_earlier_revision_is_staged_again(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "buyers__c").await;
    let first = rig.activate(CONTACTS).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();
    let second = rig.apply(CONTACTS).await.unwrap();
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    let third = rig.apply(CONTACTS).await.unwrap();
    // What only pauses is no revision of the definition.
    rig.disable(CONTACTS).await.unwrap();

    for page_size in [1, 2, 50] {
        let revisions = rig.revisions(page_size).await;
        let numbers: Vec<i64> = revisions.iter().map(|revision| revision.revision).collect();
        assert_eq!(numbers, [third.revision, second.revision, first.revision]);
        let paths: Vec<Vec<&str>> = revisions
            .iter()
            .map(|revision| {
                revision
                    .changes
                    .iter()
                    .map(|change| change.path.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(
            paths,
            [vec!["segments[vip-people]"], vec!["segments[buyers]"], vec![]]
        );
        let unregistered = first.segments.iter().map(|segment| SegmentActivation {
            registration: SegmentRegistration::Unspecified.into(),
            ..segment.clone()
        });
        assert_eq!(revisions[2].segments, unregistered.collect::<Vec<_>>());
    }
    let unknown = rig
        .restore_revision(&format!("{CONTACTS}/revisions/0"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let foreign = rig.restore_revision(CONTACTS).await.unwrap_err();
    assert_names(&foreign, Code::InvalidArgument, &["name"]);

    let name = format!("{CONTACTS}/revisions/{}", first.revision);
    let restored = rig.restore_revision(&name).await.unwrap();

    assert_eq!(staged(&restored), ["segments[buyers]", "segments[vip-people]"]);
    assert_eq!(restored.segments, first.segments);
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(rig.all_plans().await[0].segments[0].segment, "vip-people");
    assert_eq!(rig.revisions(50).await.len(), 4);
}

async fn revisions_are_gone_with_their_destination(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    rig.delete_destination(CONTACTS, Default::default())
        .await
        .unwrap();
    let deleting = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(deleting.state(), DestinationState::Deleting);
    rig.report(
        &active.uid,
        deleting.revision,
        contracts::config::v1::DeliveryState::Draining,
        true,
    )
    .await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    assert_eq!(rig.revisions(50).await, []);
}

async fn row_58_one_destination_too_many_is_refused(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    for number in 0..MAX_DESTINATIONS {
        rig.create_draft(WORKSPACE, &format!("d-{number}"), CONNECTION)
            .await;
    }
    let refused = rig
        .create_destination(WORKSPACE, "one-more", draft(CONNECTION))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "LIMIT_REACHED")
    );
    assert!(
        refused
            .message()
            .contains("config.max_destinations_per_workspace"),
        "{refused}"
    );
    rig.delete_destination("workspaces/acme/destinations/d-0", Default::default())
        .await
        .unwrap();
    rig.create_draft(WORKSPACE, "one-more", CONNECTION).await;
}

async fn row_65_66_the_state_of_a_destination_follows_what_delivery_reports(place: &Place) {
    use contracts::config::v1::DeliveryState::{Delivering, Error, Paused};
    let rig = Rig::start_with_finished_draft(place).await;
    let state = async || rig.destination(CONTACTS).await.unwrap().state();
    assert_eq!(state().await, DestinationState::Draft);
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!(active.state(), DestinationState::Processing);
    rig.report(&active.uid, active.revision, Delivering, false).await;
    assert_eq!(state().await, DestinationState::Enabled);
    rig.report(&active.uid, active.revision, Error, false).await;
    assert_eq!(state().await, DestinationState::Error);
    let disabled = rig.disable(CONTACTS).await.unwrap();
    assert_eq!(disabled.state(), DestinationState::Disabled);
    rig.report(&active.uid, disabled.revision, Paused, false).await;
    let enabled = rig
        .enable(CONTACTS, contracts::config::v1::WaitingUpdates::Resume)
        .await
        .unwrap();
    assert_eq!(enabled.state(), DestinationState::Processing);
}

async fn row_70_a_destination_tells_who_made_and_changed_it(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let as_zoe = |mut request: Request<UpdateDestinationRequest>| {
        request
            .metadata_mut()
            .insert(ACTOR, actor_metadata("Zoë <zoe@example.org>").unwrap());
        request
    };
    let update = UpdateDestinationRequest {
        destination: Some(Destination {
            name: CONTACTS.to_owned(),
            description: "By Zoë".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(mask(&["description"])),
    };
    let before = rig.destination(CONTACTS).await.unwrap();
    rig.destinations
        .clone()
        .update_destination(as_zoe(Request::new(update.clone())))
        .await
        .unwrap();
    let after = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(
        (after.created_by.as_str(), after.updated_by.as_str()),
        ("", "Zoë <zoe@example.org>")
    );
    assert_ne!((after.etag, after.update_time), (before.etag, before.update_time));
    assert_eq!(after.create_time, before.create_time);

    rig.activate(CONTACTS).await.unwrap();
    let mut apply = Request::new(ApplyChangesRequest {
        name: CONTACTS.to_owned(),
        etag: String::new(),
    });
    apply.metadata_mut().insert(ACTOR, actor_metadata("Ann").unwrap());
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    rig.destinations.clone().apply_changes(apply).await.unwrap();
    let revisions = rig.revisions(50).await;
    assert_eq!(revisions[0].created_by, "Ann");
}
