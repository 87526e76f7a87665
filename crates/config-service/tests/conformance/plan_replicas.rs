//! WatchPlans across replicas: what one changes reaches the watchers of another, all of it and in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use config_service::migrations;
use contracts::config::v1::{DeliveryState, DesiredState, WaitingUpdates, watch_plans_response::Event};
use service::{Database, on_database};
use tokio::task::JoinSet;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, Watcher, draft, mappings},
};

on_both_databases!(
    a_change_on_one_replica_is_found_by_polling_on_another,
    no_change_is_skipped_however_many_edit_and_however_often_a_watcher_comes_back,
);

/// Longer than any test: what is found meanwhile was told.
const NEVER: Duration = Duration::from_secs(3_600);

/// Opens the tables beside the replicas.
async fn tables(place: &Place) -> Database {
    place.location.open("config", &migrations()).await.unwrap()
}

async fn a_change_on_one_replica_is_found_by_polling_on_another(place: &Place) {
    let one = Rig::start_with_finished_draft(place).await;
    let two = one.replica(place).await;
    let tables = tables(place).await;
    if let Database::Postgres(pool) = &tables {
        // Nobody is told any more.
        let cut = "DROP TRIGGER plan_revision_notify ON plan_revision";
        sqlx::query(cut).execute(pool).await.unwrap();
    }
    let mut watcher = two.watch(0).await;
    assert_eq!(watcher.snapshot().await, []);

    let active = one.activate(CONTACTS).await.unwrap();

    assert_eq!(watcher.next_plan().await.revision, active.revision);
    tables.close().await;
}

#[tokio::test]
async fn a_change_on_one_replica_reaches_another_by_notification() {
    let place = Place::postgres().await;
    let one = Rig::start_with_finished_draft(&place).await;
    let two = one.replica_polling_every(&place, NEVER).await;
    let mut watcher = two.watch(0).await;
    assert_eq!(watcher.snapshot().await, []);

    let active = one.activate(CONTACTS).await.unwrap();
    assert_eq!(watcher.next_plan().await.revision, active.revision);

    let disabled = one.disable(CONTACTS).await.unwrap();
    assert_eq!(watcher.next_plan().await.revision, disabled.revision);
    place.remove().await;
}

#[tokio::test]
async fn a_replica_whose_listening_connection_broke_listens_again_and_misses_nothing() {
    const BREAK: &str = "
        SELECT COUNT(pg_terminate_backend(pid))
        FROM pg_stat_activity
        WHERE datname = current_database()
          AND query LIKE 'LISTEN%'";
    let place = Place::postgres().await;
    let one = Rig::start_with_finished_draft(&place).await;
    let two = one.replica_polling_every(&place, NEVER).await;
    let mut watcher = two.watch(0).await;
    watcher.snapshot().await;
    let active = one.activate(CONTACTS).await.unwrap();
    assert_eq!(watcher.next_plan().await.revision, active.revision);
    let tables = tables(&place).await;
    let broken: i64 = on_database!(&tables, pool => sqlx::query_scalar(BREAK).fetch_one(pool).await).unwrap();
    assert!(broken > 0, "nobody listened");

    let disabled = one.disable(CONTACTS).await.unwrap();
    assert_eq!(watcher.next_plan().await.revision, disabled.revision);

    let enabled = one.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap();
    assert_eq!(watcher.next_plan().await.revision, enabled.revision);
    tables.close().await;
    place.remove().await;
}

/// What a watcher holds that comes and goes.
#[derive(Default)]
struct Held {
    /// Revisions by uid.
    plans: BTreeMap<String, i64>,
    removed: BTreeSet<String>,
    /// The last revision told.
    told: i64,
}

impl Held {
    /// Takes the next event of a stream; revisions must not go back.
    async fn take(&mut self, watcher: &mut Watcher) {
        let (revision, event) = watcher.next().await;
        assert!(revision >= self.told, "{revision} after {}", self.told);
        self.told = revision;
        match event {
            Event::Plan(plan) => {
                let before = self.plans.insert(plan.uid, plan.revision);
                assert!(before.is_none_or(|before| before <= plan.revision));
            }
            Event::RemovedUid(uid) => {
                self.plans.remove(&uid);
                self.removed.insert(uid);
            }
            Event::SnapshotComplete(snapshot) => {
                for there in snapshot.plans {
                    assert_eq!(self.plans.get(&there.uid), Some(&there.revision));
                }
            }
            Event::Heartbeat(_) => {}
        }
    }
}

async fn no_change_is_skipped_however_many_edit_and_however_often_a_watcher_comes_back(place: &Place) {
    const DESTINATIONS: usize = 4;
    const EDITS: usize = 10;
    let one = Rig::start_with_finished_draft(place).await;
    let mut names = Vec::new();
    for number in 0..DESTINATIONS {
        let created = one
            .create_destination(WORKSPACE, &format!("number-{number}"), draft(CONNECTION))
            .await
            .unwrap();
        one.set_field_mappings(&created.name, &mappings()).await.unwrap();
        one.activate(&created.name).await.unwrap();
        names.push(created.name);
    }
    let replicas = [one.replica(place).await, one].map(Arc::new);
    let gone = replicas[0].destination(&names[0]).await.unwrap().uid;

    let mut edits = JoinSet::new();
    for replica in &replicas {
        for name in names.clone() {
            let replica = replica.clone();
            edits.spawn(async move {
                for number in 0..EDITS {
                    // The one that is deleted meanwhile refuses some.
                    let _ = if number % 2 == 0 {
                        replica.disable(&name).await
                    } else {
                        replica.enable(&name, WaitingUpdates::Resume).await
                    };
                }
            });
        }
    }
    let (deleting, name) = (replicas[1].clone(), names[0].clone());
    edits.spawn(async move {
        deleting
            .delete_destination(&name, WaitingUpdates::Discard)
            .await
            .unwrap();
        let last = deleting.destination(&name).await.unwrap();
        assert_eq!(last.desired_state(), DesiredState::Deleting);
        deleting
            .report(&last.uid, last.revision, DeliveryState::Draining, true)
            .await;
    });

    let mut held = Held::default();
    let mut turn = 0;
    while !edits.is_empty() {
        let mut watcher = replicas[turn % 2].watch(held.told).await;
        // Breaks off after 1 to 7 events, wherever that is.
        for _ in 0..1 + turn * 5 % 7 {
            if edits.is_empty() {
                // Nothing may come any more.
                break;
            }
            tokio::select! {
                biased;
                () = held.take(&mut watcher) => {}
                Some(edited) = edits.join_next() => edited.unwrap(),
            }
        }
        turn += 1;
    }

    let newest: BTreeMap<String, i64> = replicas[0]
        .all_plans()
        .await
        .into_iter()
        .map(|plan| (plan.uid, plan.revision))
        .collect();
    let mut watcher = replicas[turn % 2].watch(held.told).await;
    while held.plans != newest || !held.removed.contains(&gone) {
        held.take(&mut watcher).await;
    }
    assert_eq!(newest.len(), DESTINATIONS - 1);
}
