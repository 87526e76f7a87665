//! WatchPlans when histories part: a database that was restored from a backup, and reports that come late.

use config_service::migrations;
use contracts::config::v1::{
    DeliveryState, PlanRevision, ReportStatusRequest, SnapshotComplete, WaitingUpdates,
    watch_plans_response::Event,
};
use prost_types::Timestamp;
use service::on_database;
use sqlx::AssertSqlSafe;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONTACTS, Rig, Watcher},
};

on_both_databases!(
    a_snapshot_names_every_plan_there_is,
    a_removal_is_told_to_every_watcher_for_13_months,
    a_watcher_of_a_newer_history_starts_over,
    a_watcher_starts_over_when_the_database_goes_back_under_it,
    an_older_report_does_not_overwrite_a_newer_one,
    a_report_of_a_revision_that_is_not_there_changes_nothing,
);

/// Changes the tables as no service does.
async fn execute(place: &Place, sql: &'static str) {
    let tables = place.location.open("config", &migrations()).await.unwrap();
    on_database!(
        &tables,
        pool => sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.map(|_| ())
    )
    .unwrap();
    tables.close().await;
}

/// Reads to the end of the snapshot; returns who had a plan or was removed, in this order, and the end.
async fn snapshot(watcher: &mut Watcher) -> (Vec<String>, SnapshotComplete) {
    let mut told = Vec::new();
    loop {
        match watcher.next().await.1 {
            Event::Plan(plan) => told.push(plan.uid),
            Event::RemovedUid(uid) => told.push(format!("removed {uid}")),
            Event::SnapshotComplete(complete) => return (told, complete),
            Event::Heartbeat(_) => {}
        }
    }
}

fn present(uid: &str, revision: i64) -> PlanRevision {
    PlanRevision {
        uid: uid.to_owned(),
        revision,
    }
}

async fn a_snapshot_names_every_plan_there_is(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    let (all, whole) = snapshot(&mut rig.watch(0).await).await;
    let (changed, part) = snapshot(&mut rig.watch(active.revision).await).await;

    let plans = vec![present(&active.uid, active.revision)];
    assert_eq!(all, [active.uid.as_str()]);
    assert_eq!(
        whole,
        SnapshotComplete {
            plans: plans.clone(),
            started_over: true
        }
    );
    // Who has everything is told nothing, and can see that it is everything.
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(
        part,
        SnapshotComplete {
            plans,
            started_over: false
        }
    );
}

async fn a_removal_is_told_to_every_watcher_for_13_months(place: &Place) {
    const LONG_AGO: &str = "
        INSERT INTO removed_destinations (uid, revision, remove_time)
        -- The rig's time is the 20th of November 2026; this is the 19th of October 2025.
        VALUES ('long-ago', 1, 1760832000000000);
        INSERT INTO removed_destinations (uid, revision, remove_time)
        -- The 1st of November 2025.
        VALUES ('a-year-ago', 2, 1761955200000000)";
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    execute(place, LONG_AGO).await;
    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();
    let deleting = rig.destination(CONTACTS).await.unwrap();

    let (before, _) = snapshot(&mut rig.watch(0).await).await;
    rig.report(&active.uid, deleting.revision, DeliveryState::Draining, true)
        .await;
    let (after, complete) = snapshot(&mut rig.watch(0).await).await;

    assert_eq!(
        before,
        ["removed long-ago", "removed a-year-ago", active.uid.as_str()]
    );
    assert_eq!(after, ["removed a-year-ago", &format!("removed {}", active.uid)]);
    assert_eq!(complete.plans, []);
}

async fn a_watcher_of_a_newer_history_starts_over(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    let mut watcher = rig.watch(active.revision + 100).await;
    let (revision, event) = watcher.next().await;

    assert!(
        matches!(&event, Event::Plan(plan) if plan.uid == active.uid),
        "{event:?}"
    );
    assert_eq!(revision, active.revision);
    let (_, complete) = snapshot(&mut watcher).await;
    assert!(complete.started_over);
    assert_eq!(complete.plans, [present(&active.uid, active.revision)]);
    // It goes on from there.
    let disabled = rig.disable(CONTACTS).await.unwrap();
    assert_eq!(watcher.next_plan().await.revision, disabled.revision);
}

async fn a_watcher_starts_over_when_the_database_goes_back_under_it(place: &Place) {
    const RESTORED: &str = "
        UPDATE plan_revision SET revision = 2 WHERE id = 1;
        UPDATE destinations SET revision = 1, live_revision = 1";
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    let mut watcher = rig.watch(0).await;
    snapshot(&mut watcher).await;

    execute(place, RESTORED).await;

    let (told, complete) = snapshot(&mut watcher).await;
    assert_eq!(told, [active.uid.as_str()]);
    assert_eq!(
        complete,
        SnapshotComplete {
            plans: vec![present(&active.uid, 1)],
            started_over: true
        }
    );
    // What comes after the restored revision is a change again.
    assert_eq!(rig.disable(CONTACTS).await.unwrap().revision, 3);
    assert_eq!(watcher.next_plan().await.revision, 3);
}

async fn an_older_report_does_not_overwrite_a_newer_one(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let first = rig.activate(CONTACTS).await.unwrap();
    let disabled = rig.disable(CONTACTS).await.unwrap();
    let report = |applied_revision: i64, seconds: i64, reason: &str| ReportStatusRequest {
        uid: first.uid.clone(),
        applied_revision,
        state: DeliveryState::Error.into(),
        reason: reason.to_owned(),
        report_time: Some(Timestamp { seconds, nanos: 0 }),
        ..Default::default()
    };
    let kept = async || {
        let status = rig.destination(CONTACTS).await.unwrap().delivery_status.unwrap();
        (status.reason, status.report_time.unwrap().seconds)
    };
    // Before the rig's time.
    let now = 1_700_000_000;

    rig.report_status(report(disabled.revision, now, "FIRST")).await;
    assert_eq!(kept().await, ("FIRST".to_owned(), now));
    for late in [
        report(first.revision, now + 100, "OLDER_REVISION"),
        report(disabled.revision, now - 1, "OLDER_TIME"),
    ] {
        rig.report_status(late).await;
        assert_eq!(kept().await, ("FIRST".to_owned(), now));
    }
    rig.report_status(report(disabled.revision, now + 1, "NEXT"))
        .await;
    assert_eq!(kept().await, ("NEXT".to_owned(), now + 1));

    // A clock that is ahead counts as now, and keeps nobody else out.
    rig.report_status(report(disabled.revision, now * 2, "AHEAD"))
        .await;
    let (reason, seconds) = kept().await;
    assert_eq!(reason, "AHEAD");
    assert!(seconds < now * 2, "{seconds}");
    let unsaid = ReportStatusRequest {
        report_time: None,
        ..report(disabled.revision, 0, "NOW")
    };
    rig.report_status(unsaid).await;
    assert_eq!(kept().await.0, "NOW");

    let enabled = rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap();
    rig.report_status(report(enabled.revision, now, "NEWER_REVISION"))
        .await;
    assert_eq!(kept().await, ("NEWER_REVISION".to_owned(), now));
}

async fn a_report_of_a_revision_that_is_not_there_changes_nothing(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    // Of a history that a restored database does not have.
    rig.report(&active.uid, active.revision + 50, DeliveryState::Error, false)
        .await;
    assert_eq!(rig.destination(CONTACTS).await.unwrap().delivery_status, None);
    rig.report("nobody", 1, DeliveryState::Error, true).await;

    rig.report(&active.uid, active.revision, DeliveryState::Delivering, false)
        .await;
    let status = rig.destination(CONTACTS).await.unwrap().delivery_status.unwrap();
    assert_eq!(status.state(), DeliveryState::Delivering);
}
