//! WatchPlans: what delivery works by, in the order of its changes.

use std::collections::BTreeSet;

use contracts::config::v1::{
    Connection, DeliveryState, DesiredState, Plan, WaitingUpdates, watch_plans_response::Event,
};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, draft, mappings, segment},
    simulated::ACME,
};

on_both_databases!(
    row_113_a_watcher_gets_a_snapshot_and_then_every_change_in_order,
    a_watcher_that_comes_back_gets_what_it_missed,
    a_watcher_that_broke_off_within_a_revision_misses_nothing,
    a_new_host_of_a_connection_is_a_change_of_its_plans,
);

const SECOND: &str = "workspaces/acme/destinations/second";

/// Activates [`CONTACTS`] and [`SECOND`]; returns both.
async fn activate_two(rig: &Rig) -> [contracts::config::v1::Destination; 2] {
    rig.create_destination(WORKSPACE, "second", draft(CONNECTION))
        .await
        .unwrap();
    rig.set_field_mappings(SECOND, &mappings()).await.unwrap();
    [
        rig.activate(CONTACTS).await.unwrap(),
        rig.activate(SECOND).await.unwrap(),
    ]
}

fn plan(event: (i64, Event)) -> Plan {
    let (revision, Event::Plan(plan)) = event else {
        panic!("{event:?}")
    };
    assert_eq!(revision, plan.revision);
    plan
}

async fn row_113_a_watcher_gets_a_snapshot_and_then_every_change_in_order(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut empty = rig.watch(0).await;
    assert_eq!(empty.snapshot().await, []);
    let [first, second] = activate_two(&rig).await;
    let mut watcher = rig.watch(0).await;

    let snapshot: Vec<Plan> = watcher.snapshot().await.into_iter().map(plan).collect();
    assert_eq!(
        snapshot.iter().map(|plan| &plan.uid).collect::<Vec<_>>(),
        [&first.uid, &second.uid]
    );

    rig.disable(SECOND).await.unwrap();
    let disabled = watcher.next_plan().await;
    assert_eq!(
        (disabled.uid.as_str(), disabled.state()),
        (second.uid.as_str(), DesiredState::Disabled)
    );
    // A draft is no plan, and its changes and its end are nothing to delivery.
    rig.create_draft(WORKSPACE, "draft", CONNECTION).await;
    let draft = "workspaces/acme/destinations/draft";
    rig.add_segments(draft, &[segment("s", "draft_field")])
        .await
        .unwrap();
    rig.delete_destination(draft, WaitingUpdates::Resume)
        .await
        .unwrap();
    rig.create_field(ACME, "buyers__c").await;
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();
    // An edit is nothing to delivery before it is applied.
    rig.apply(CONTACTS).await.unwrap();
    let grown = watcher.next_plan().await;
    assert_eq!(
        (grown.uid.as_str(), grown.segments.len()),
        (first.uid.as_str(), 2)
    );
    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();
    let deleting = watcher.next_plan().await;
    assert_eq!(deleting.state(), DesiredState::Deleting);
    rig.report(&first.uid, deleting.revision, DeliveryState::Draining, true)
        .await;
    let (removal, removed) = watcher.next().await;
    assert_eq!(removed, Event::RemovedUid(first.uid));

    let revisions = [
        snapshot[0].revision,
        snapshot[1].revision,
        disabled.revision,
        grown.revision,
        deleting.revision,
        removal,
    ];
    assert!(revisions.is_sorted_by(|one, next| one < next), "{revisions:?}");
    // Who reads late may miss what was overtaken, and ends at the same place, in the same order.
    let mut told = Vec::new();
    while told.last() != Some(&removal) {
        told.push(empty.next().await.0);
    }
    assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
    assert!(
        told.iter().all(|revision| revisions.contains(revision)),
        "{told:?}"
    );
}

async fn a_watcher_that_comes_back_gets_what_it_missed(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let [first, second] = activate_two(&rig).await;
    let mut watcher = rig.watch(0).await;
    let known = watcher.snapshot().await.last().unwrap().0;
    drop(watcher);
    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();
    let deleting = rig.destination(CONTACTS).await.unwrap();
    rig.report(&first.uid, deleting.revision, DeliveryState::Draining, true)
        .await;
    let disabled = rig.disable(SECOND).await.unwrap();

    let missed = rig.watch(known).await.snapshot().await;
    let nothing = rig.watch(disabled.revision).await.snapshot().await;

    assert_eq!(missed.len(), 2, "{missed:?}");
    assert_eq!(missed[0].1, Event::RemovedUid(first.uid));
    let changed = plan(missed[1].clone());
    assert_eq!((changed.uid, changed.revision), (second.uid, disabled.revision));
    assert_eq!(nothing, []);
}

/// Moves the connection to another host.
async fn move_connection(rig: &Rig) {
    let moved = Connection {
        name: CONNECTION.to_owned(),
        custom_domain: "globex".to_owned(),
        ..Default::default()
    };
    rig.update_connection(moved, &["custom_domain"]).await.unwrap();
}

async fn a_watcher_that_broke_off_within_a_revision_misses_nothing(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    activate_two(&rig).await;
    let mut watcher = rig.watch(0).await;
    watcher.snapshot().await;
    move_connection(&rig).await;

    // One change, two plans, and the stream breaks between them.
    let (revision, Event::Plan(first)) = watcher.next().await else {
        panic!("a plan changed")
    };
    drop(watcher);
    let rest = rig.watch(revision).await.snapshot().await;

    let mut told: BTreeSet<String> = [first.destination].into();
    for (_, event) in rest {
        if let Event::Plan(plan) = event {
            told.insert(plan.destination);
        }
    }
    assert_eq!(told, [CONTACTS, SECOND].map(str::to_owned).into());
}

async fn a_new_host_of_a_connection_is_a_change_of_its_plans(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    let mut watcher = rig.watch(0).await;
    watcher.snapshot().await;

    move_connection(&rig).await;

    let moved = watcher.next_plan().await;
    assert_eq!(moved.login_host, "globex.my.salesforce.com");
    assert!(moved.revision > active.revision);
    // The destination itself was not changed: what was read of it can still be edited.
    assert_eq!(rig.destination(CONTACTS).await.unwrap().etag, active.etag);
}
