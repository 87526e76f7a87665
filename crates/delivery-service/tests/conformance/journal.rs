//! The journal: durable, in order, sealed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::TimeDelta;
use delivery_service::journal::{HourOfAcceptance, JournalError, StoredFrame, hour_of};
use service::{chain::Chain, on_database};
use tokio::task::JoinSet;

use crate::{
    place::{Place, on_both_databases},
    rig::{Rig, UID, frame, uid},
    stored_bytes::StoredBytes,
};

on_both_databases!(
    what_was_appended_is_read_in_order_until_it_is_trimmed,
    positions_rise_over_partitions_and_are_never_used_again,
    a_partition_does_not_show_the_frames_of_another,
    an_append_moves_its_producers_on_and_never_back,
    appends_at_the_same_time_are_each_kept_whole,
    accepted_updates_are_counted_by_hour,
    frames_of_earlier_days_and_runs_stay_readable,
    frames_are_not_readable_with_another_key,
    a_frame_that_was_tampered_with_is_told_by_its_position,
    no_update_can_be_read_in_the_database,
);

/// Returns the updates of frames, as text.
fn updates(frames: &[StoredFrame]) -> Vec<&str> {
    frames
        .iter()
        .flat_map(|frame| &frame.entries)
        .map(|entry| std::str::from_utf8(&entry.update).unwrap())
        .collect()
}

async fn what_was_appended_is_read_in_order_until_it_is_trimmed(place: &Place) {
    let rig = Rig::open(place).await;
    let journal = &rig.journal;
    let partition = uid(UID);
    let frames = [
        frame(UID, rig.time.now(), &["a", "b"]),
        frame(UID, rig.time.now(), &["c"]),
    ];
    let mut positions = journal.append(&frames, &HashMap::new()).await.unwrap();
    positions.push(rig.append(&["d"]).await);

    let all = journal.read(&partition, 0, 10).await.unwrap();

    let read_positions: Vec<i64> = all.iter().map(|frame| frame.position).collect();
    assert_eq!(read_positions, positions);
    assert_eq!(updates(&all), ["a", "b", "c", "d"]);
    assert_eq!(all[0].entries, frames[0].entries);
    assert_eq!(all[0].accepted_at, rig.time.now());
    assert_eq!(journal.read(&partition, 0, 2).await.unwrap(), all[..2]);
    assert_eq!(
        journal.read(&partition, positions[0], 10).await.unwrap(),
        all[1..]
    );

    let rig = rig.reopen(place).await;
    rig.journal.trim(&partition, positions[1]).await.unwrap();
    assert_eq!(rig.journal.read(&partition, 0, 10).await.unwrap(), all[2..]);
    rig.journal.trim(&partition, positions[2]).await.unwrap();
    assert_eq!(rig.journal.read(&partition, 0, 10).await.unwrap(), []);
}

async fn positions_rise_over_partitions_and_are_never_used_again(place: &Place) {
    let mut rig = Rig::open(place).await;
    let mut last = 0;
    for _ in 0..3 {
        for partition in ["one", "two", "one"] {
            let frames = [frame(partition, rig.time.now(), &["update"])];
            let positions = rig.journal.append(&frames, &HashMap::new()).await.unwrap();
            assert!(positions[0] > last, "{positions:?} after {last}");
            last = positions[0];
        }
        // Even when nothing is left to tell what the last one was.
        for partition in ["one", "two"] {
            rig.journal.trim(&uid(partition), i64::MAX).await.unwrap();
        }
        rig = rig.reopen(place).await;
    }
}

async fn a_partition_does_not_show_the_frames_of_another(place: &Place) {
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    let frames = [
        frame("one", now, &["a"]),
        frame("two", now, &["b"]),
        frame("one", now, &["c"]),
    ];
    let positions = rig.journal.append(&frames, &HashMap::new()).await.unwrap();

    let one = rig.journal.read(&uid("one"), 0, 10).await.unwrap();
    let first = rig.journal.first_positions().await.unwrap();
    rig.journal.trim(&uid("one"), i64::MAX).await.unwrap();

    assert_eq!(updates(&one), ["a", "c"]);
    let entry = |partition: &str, position| (partition.to_owned(), position);
    assert_eq!(
        first,
        HashMap::from([entry("one", positions[0]), entry("two", positions[1])])
    );
    assert_eq!(rig.journal.read(&uid("one"), 0, 10).await.unwrap(), []);
    let two = rig.journal.read(&uid("two"), 0, 10).await.unwrap();
    assert_eq!(updates(&two), ["b"]);
    assert_eq!(
        rig.journal.first_positions().await.unwrap(),
        HashMap::from([entry("two", positions[1])])
    );
}

async fn an_append_moves_its_producers_on_and_never_back(place: &Place) {
    let rig = Rig::open(place).await;
    let moves = |moved: &[(&str, u64)]| -> HashMap<String, u64> {
        moved
            .iter()
            .map(|(producer, sequence)| ((*producer).to_owned(), *sequence))
            .collect()
    };
    assert_eq!(rig.journal.last_sequence("a").await.unwrap(), 0);

    let frames = [frame(UID, rig.time.now(), &["update"])];
    rig.journal
        .append(&frames, &moves(&[("a", 7), ("b", 2)]))
        .await
        .unwrap();
    // Refused updates move a producer on without a frame; an older writer does not move it back.
    rig.journal
        .append(&[], &moves(&[("a", 5), ("b", 3)]))
        .await
        .unwrap();

    let rig = rig.reopen(place).await;
    assert_eq!(rig.journal.last_sequence("a").await.unwrap(), 7);
    assert_eq!(rig.journal.last_sequence("b").await.unwrap(), 3);
    assert_eq!(rig.journal.last_sequence("c").await.unwrap(), 0);
}

async fn appends_at_the_same_time_are_each_kept_whole(place: &Place) {
    const APPENDS: u64 = 12;
    let rig = Arc::new(Rig::open(place).await);
    let mut appends = JoinSet::new();
    for number in 1..=APPENDS {
        let rig = rig.clone();
        appends.spawn(async move {
            let frames = [
                frame("one", rig.time.now(), &[&format!("{number}")]),
                frame("two", rig.time.now(), &[&format!("{number}")]),
            ];
            // The same two producers in every append, in any order.
            let moved = HashMap::from([("a".to_owned(), number), ("b".to_owned(), number)]);
            rig.journal.append(&frames, &moved).await.unwrap()
        });
    }

    let positions: BTreeSet<i64> = appends.join_all().await.into_iter().flatten().collect();

    assert_eq!(positions.len() as u64, 2 * APPENDS);
    for partition in ["one", "two"] {
        let frames = rig.journal.read(&uid(partition), 0, 100).await.unwrap();
        let kept: BTreeSet<u64> = updates(&frames)
            .iter()
            .map(|update| update.parse().unwrap())
            .collect();
        assert_eq!(kept, (1..=APPENDS).collect());
    }
    for producer in ["a", "b"] {
        assert_eq!(rig.journal.last_sequence(producer).await.unwrap(), APPENDS);
    }
}

async fn accepted_updates_are_counted_by_hour(place: &Place) {
    let rig = Rig::open(place).await;
    let first = hour_of(rig.time.now());
    rig.append(&["a", "b"]).await;
    rig.append(&["c"]).await;
    rig.time.advance(TimeDelta::minutes(45));
    rig.append(&["d"]).await;
    let other = [frame("other", rig.time.now(), &["e"])];
    rig.journal.append(&other, &HashMap::new()).await.unwrap();
    // What is trimmed was accepted all the same.
    rig.journal.trim(&uid(UID), i64::MAX).await.unwrap();

    let second = first + TimeDelta::hours(1);
    let hour = |run_time, profiles| HourOfAcceptance { run_time, profiles };
    let acceptances = async |before, limit| rig.journal.acceptances(&uid(UID), before, limit).await.unwrap();

    assert_eq!(acceptances(None, 10).await, [hour(second, 1), hour(first, 3)]);
    assert_eq!(acceptances(None, 1).await, [hour(second, 1)]);
    assert_eq!(acceptances(Some(second), 10).await, [hour(first, 3)]);
}

async fn frames_of_earlier_days_and_runs_stay_readable(place: &Place) {
    let mut rig = Rig::open(place).await;
    for update in ["monday", "tuesday", "wednesday"] {
        rig.append(&[update]).await;
        rig.time.advance(TimeDelta::days(1));
        rig.append(&[update]).await;
        rig = rig.reopen(place).await;
    }

    let frames = rig.journal.read(&uid(UID), 0, 10).await.unwrap();

    assert_eq!(
        updates(&frames),
        ["monday", "monday", "tuesday", "tuesday", "wednesday", "wednesday"]
    );
}

async fn frames_are_not_readable_with_another_key(place: &Place) {
    let rig = Rig::open(place).await;
    rig.append(&["update"]).await;
    let rig = rig.reopen_with_another_key(place).await;

    let error = rig.journal.read(&uid(UID), 0, 10).await.unwrap_err();

    assert!(matches!(error, JournalError::Key(_)), "{error}");
    let text = Chain(&error).to_string();
    assert!(text.contains("put the right key file back"), "{text}");
}

async fn a_frame_that_was_tampered_with_is_told_by_its_position(place: &Place) {
    const SWAP: &str = "UPDATE journal_frames SET partition = 'other' WHERE position = $1";
    const RENEW: &str = "UPDATE journal_frames SET format = 99 WHERE position = $1";
    const DAMAGE: &str = "UPDATE journal_frames SET body = $2 WHERE position = $1";
    let rig = Rig::open(place).await;
    let good = rig.append(&["good"]).await;
    let (swapped, renewed, damaged) = (
        rig.append(&["swapped"]).await,
        rig.append(&["renewed"]).await,
        rig.append(&["damaged"]).await,
    );
    for (sql, position) in [(SWAP, swapped), (RENEW, renewed)] {
        on_database!(&rig.journal_database, pool => sqlx::query(sql).bind(position).execute(pool).await.map(|_| ()))
            .unwrap();
    }
    on_database!(
        &rig.journal_database,
        pool => sqlx::query(DAMAGE).bind(damaged).bind(vec![7_u8; 64]).execute(pool).await.map(|_| ())
    )
    .unwrap();

    // A frame belongs to its partition: moved to another, it does not open.
    let error = rig.journal.read(&uid("other"), 0, 10).await.unwrap_err();
    assert!(
        matches!(error, JournalError::Damaged { position } if position == swapped),
        "{error}"
    );
    let error = rig.journal.read(&uid(UID), good, 1).await.unwrap_err();
    assert!(
        matches!(error, JournalError::UnknownFormat { position, format: 99 } if position == renewed),
        "{error}"
    );
    let error = rig.journal.read(&uid(UID), renewed, 1).await.unwrap_err();
    assert!(
        matches!(error, JournalError::Damaged { position } if position == damaged),
        "{error}"
    );
    let frames = rig.journal.read(&uid(UID), 0, 1).await.unwrap();
    assert_eq!(updates(&frames), ["good"]);
}

async fn no_update_can_be_read_in_the_database(place: &Place) {
    let rig = Rig::open(place).await;
    rig.append(&["last name: Okafor-Lindqvist"]).await;

    let stored = StoredBytes::read(&place.location).await;

    assert!(stored.contain(UID), "what may be plain is there");
    assert!(!stored.contain("Okafor-Lindqvist"));
}
