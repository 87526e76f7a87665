//! The life of an activated destination: disabled, enabled, deleted, and what delivery says of it.

use contracts::{
    config::v1::{DeliveryState, DeliveryStatus, DesiredState, WaitingUpdates, watch_plans_response::Event},
    status::reason,
};
use prost_types::Timestamp;
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names},
};

on_both_databases!(
    row_63_233_a_disabled_destination_is_enabled_with_a_word_on_what_waits,
    a_draft_is_neither_enabled_nor_disabled,
    row_67_68_a_deleted_destination_stays_until_its_newest_plan_is_drained,
    a_deletion_can_discard_what_waits,
    what_delivery_reports_is_read_with_the_destination,
    row_238_everything_is_kept_over_a_restart,
);

async fn row_63_233_a_disabled_destination_is_enabled_with_a_word_on_what_waits(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    let disabled = rig.disable(CONTACTS).await.unwrap();
    assert_eq!(disabled.desired_state(), DesiredState::Disabled);
    assert!(disabled.revision > active.revision);
    assert_eq!(rig.all_plans().await[0].state(), DesiredState::Disabled);

    let refused = rig
        .enable(CONTACTS, WaitingUpdates::Unspecified)
        .await
        .unwrap_err();
    let problems = assert_names(&refused, Code::InvalidArgument, &["waiting_updates"]);
    assert!(problems[0].contains("RESUME") && problems[0].contains("DISCARD"));
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), disabled);

    let resumed = rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap();
    assert_eq!(resumed.desired_state(), DesiredState::Enabled);
    assert_eq!(rig.all_plans().await[0].discard_accepted_before, None);

    // Nothing waits while it is enabled, so that there is nothing to discard.
    rig.enable(CONTACTS, WaitingUpdates::Discard).await.unwrap();
    assert_eq!(rig.all_plans().await[0].discard_accepted_before, None);

    let disabled = rig.disable(CONTACTS).await.unwrap();
    let discarded = rig.enable(CONTACTS, WaitingUpdates::Discard).await.unwrap();
    let plan = rig.all_plans().await.remove(0);
    assert_eq!(plan.revision, discarded.revision);
    let seconds = |time: Option<Timestamp>| time.unwrap().seconds;
    assert!(seconds(plan.discard_accepted_before) > seconds(disabled.update_time));
}

async fn a_draft_is_neither_enabled_nor_disabled(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let draft = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    for refused in [
        rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap_err(),
        rig.disable(CONTACTS).await.unwrap_err(),
    ] {
        assert_names(&refused, Code::FailedPrecondition, &["name"]);
        assert_eq!(reason(&refused), "NOT_ACTIVATED");
        assert!(refused.message().contains("ActivateDestination"), "{refused}");
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), draft);
}

async fn row_67_68_a_deleted_destination_stays_until_its_newest_plan_is_drained(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();

    let deleting = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(deleting.desired_state(), DesiredState::Deleting);
    let plan = rig.all_plans().await.remove(0);
    assert_eq!(plan.state(), DesiredState::Deleting);
    assert_eq!(
        (plan.revision, plan.discard_accepted_before),
        (deleting.revision, None)
    );
    for refused in [
        rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap_err(),
        rig.remove_segment(CONTACTS, "vip-people").await.unwrap_err(),
        rig.delete_destination(CONTACTS, WaitingUpdates::Discard)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
        assert_eq!(reason(&refused), "DELETING");
    }
    // The connection is still needed.
    let refused = rig.delete_connection(CONNECTION, "").await.unwrap_err();
    assert_eq!(reason(&refused), "CONNECTION_IN_USE");

    // Drained, but not told of the deletion yet: more may be accepted.
    let uid = &active.uid;
    rig.report(uid, active.revision, DeliveryState::Delivering, true)
        .await;
    rig.report(uid, deleting.revision, DeliveryState::Draining, false)
        .await;
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap().desired_state(),
        DesiredState::Deleting
    );
    rig.report(uid, deleting.revision, DeliveryState::Draining, true)
        .await;

    assert_eq!(
        rig.destination(CONTACTS).await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(rig.all_plans().await, []);
    rig.delete_connection(CONNECTION, "").await.unwrap();
}

async fn a_deletion_can_discard_what_waits(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    let mut watcher = rig.watch(0).await;
    watcher.snapshot().await;

    rig.delete_destination(CONTACTS, WaitingUpdates::Discard)
        .await
        .unwrap();

    let (_, event) = watcher.next().await;
    let Event::Plan(plan) = event else {
        panic!("{event:?}")
    };
    // What is accepted until delivery hears of it is discarded too.
    let year_9000 = 221_845_392_000;
    assert!(plan.discard_accepted_before.unwrap().seconds > year_9000);
}

async fn what_delivery_reports_is_read_with_the_destination(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!(active.delivery_status, None);

    rig.report(&active.uid, 1, DeliveryState::Delivering, false).await;
    rig.report(&active.uid, active.revision, DeliveryState::Error, true)
        .await;

    let read = rig.destination(CONTACTS).await.unwrap();
    let status = read.delivery_status.clone().unwrap();
    assert_eq!(
        status,
        DeliveryStatus {
            state: DeliveryState::Error.into(),
            reason: "THE_REASON".to_owned(),
            message: "the message".to_owned(),
            applied_revision: active.revision,
            report_time: status.report_time,
            waiting_updates: 0,
        }
    );
    // A report is no change by an admin, and drained is not gone.
    assert_eq!((read.etag, read.revision), (active.etag, active.revision));
    let disabled = rig.disable(CONTACTS).await.unwrap();
    assert_eq!(disabled.delivery_status, Some(status));
}

async fn row_238_everything_is_kept_over_a_restart(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    rig.report(&active.uid, active.revision, DeliveryState::Delivering, false)
        .await;
    rig.check(CONNECTION).await;
    rig.create_draft(WORKSPACE, "draft", CONNECTION).await;
    let read = async |rig: &Rig| {
        (
            rig.connection(CONNECTION).await.unwrap(),
            rig.destination(CONTACTS).await.unwrap(),
            rig.destination("workspaces/acme/destinations/draft")
                .await
                .unwrap(),
            rig.all_plans().await,
        )
    };
    let before = read(&rig).await;

    let rig = rig.restart(place).await;

    assert_eq!(read(&rig).await, before);
    // With its credentials, and no revision is used twice.
    assert_eq!(rig.check(CONNECTION).await.reason, "");
    assert!(rig.disable(CONTACTS).await.unwrap().revision > active.revision);
}
