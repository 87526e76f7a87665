//! Outcomes: kept together or not at all, counted, and kept for their time.

use std::collections::{BTreeMap, HashSet};

use activation::{
    outcome::{Delivered, Excluded, Outcome},
    record::Arrival,
};
use chrono::TimeDelta;
use delivery_service::{
    journal::hour_of,
    map::Place as IdentityPlace,
    receipt::{Receipts, SettleError},
};
use service::chain::Chain;

use crate::{
    place::{Place, on_both_databases},
    rig::{Rig, UID, contacts, failed, plan, settlement, uid},
    stored_bytes::StoredBytes,
};

on_both_databases!(
    a_settlement_keeps_places_counts_and_dead_letters_together,
    settled_places_are_those_of_the_range_and_the_destination,
    a_second_settlement_of_an_identity_is_refused_and_changes_nothing,
    runs_add_up_over_settlements_and_segments,
    a_large_settlement_is_kept_whole,
    dead_letters_are_listed_newest_first_by_code_in_pages,
    dead_letters_are_sealed,
    settlements_of_frames_in_the_journal_are_kept_and_the_rest_forgotten_in_time,
);

const WRITTEN: Outcome = Outcome::Delivered(Delivered::Written);

fn at(position: i64, entry: u32, identity: i64) -> IdentityPlace {
    (Arrival { position, entry }, identity)
}

async fn settled(rig: &Rig, first: i64, last: i64) -> HashSet<IdentityPlace> {
    rig.receipts.settled(&uid(UID), first, last).await.unwrap()
}

/// Returns the counts of the hour that is now, by segment, outcome and reason.
async fn counts(rig: &Rig) -> BTreeMap<(String, String, String), i64> {
    rig.receipts
        .run_counts(&uid(UID), hour_of(rig.time.now()))
        .await
        .unwrap()
        .into_iter()
        .map(|count| ((count.segment, count.outcome, count.reason), count.identities))
        .collect()
}

/// Returns counts as [`counts`] does: of all identities and, as every update names it, of the segment `vip`.
fn counted(counts: &[(&str, &str, i64)]) -> BTreeMap<(String, String, String), i64> {
    let mut expected = BTreeMap::new();
    for segment in ["", "vip"] {
        for (outcome, reason, identities) in counts {
            let key = (segment.to_owned(), (*outcome).to_owned(), (*reason).to_owned());
            expected.insert(key, *identities);
        }
    }
    expected
}

async fn dead_letter_codes(receipts: &Receipts, code: &str, before: i64, limit: i64) -> Vec<String> {
    receipts
        .list_dead_letters(&uid(UID), code, before, limit)
        .await
        .unwrap()
        .into_iter()
        .map(|letter| letter.code)
        .collect()
}

async fn a_settlement_keeps_places_counts_and_dead_letters_together(place: &Place) {
    let rig = Rig::open(place).await;
    let accepted = rig.time.now();
    let mut part = settlement(1, 0, Some(0), accepted, WRITTEN);
    part.completes_update = false;
    let settlements = [
        part,
        settlement(1, 0, Some(1), accepted, failed("STRING_TOO_LONG")),
        settlement(1, 1, None, accepted, Outcome::Excluded(Excluded::NoIdentity)),
    ];
    rig.time.advance(TimeDelta::seconds(30));
    let now = rig.time.now();

    rig.receipts.settle(&contacts(), &settlements, now).await.unwrap();

    let rig = rig.reopen(place).await;
    assert_eq!(
        settled(&rig, 1, 1).await,
        [at(1, 0, 0), at(1, 0, 1), at(1, 1, -1)].into()
    );
    assert_eq!(
        counts(&rig).await,
        counted(&[
            ("delivered", "WRITTEN", 1),
            ("excluded", "NO_IDENTITY", 1),
            ("failed", "STRING_TOO_LONG", 1),
        ])
    );
    let hour = hour_of(accepted);
    assert_eq!(
        rig.receipts.run_progress(&uid(UID), hour).await.unwrap().settled,
        2
    );
    let letters = rig
        .receipts
        .list_dead_letters(&uid(UID), "", i64::MAX, 10)
        .await
        .unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(letter.destination, "workspaces/acme/destinations/contacts");
    assert_eq!((letter.producer.as_str(), letter.sequence), ("producer", 1));
    assert_eq!(letter.update_id, "update-1-0");
    assert_eq!(letter.identity, "003000000000001AAA");
    assert_eq!(letter.code, "STRING_TOO_LONG");
    assert_eq!(letter.message, "what was wrong with okafor: STRING_TOO_LONG");
    assert_eq!(letter.fields, ["LastName", "Email"]);
    assert_eq!((letter.accept_time, letter.fail_time), (accepted, now));
}

async fn settled_places_are_those_of_the_range_and_the_destination(place: &Place) {
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    let settlements: Vec<_> = (1..=5)
        .map(|position| settlement(position, 0, Some(0), now, WRITTEN))
        .collect();
    rig.receipts.settle(&contacts(), &settlements, now).await.unwrap();
    // The same place of another destination is another identity.
    let other = plan("leads", "0193-leads");
    rig.receipts.settle(&other, &settlements[..1], now).await.unwrap();

    assert_eq!(
        settled(&rig, 2, 4).await,
        [at(2, 0, 0), at(3, 0, 0), at(4, 0, 0)].into()
    );
    assert_eq!(settled(&rig, 6, 9).await, [].into());
    assert_eq!(
        rig.receipts.settled(&other.uid, 1, 9).await.unwrap(),
        [at(1, 0, 0)].into()
    );
}

async fn a_second_settlement_of_an_identity_is_refused_and_changes_nothing(place: &Place) {
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    let first = [settlement(1, 0, Some(0), now, WRITTEN)];
    rig.receipts.settle(&contacts(), &first, now).await.unwrap();
    let before = (settled(&rig, 0, 9).await, counts(&rig).await);

    let again = [
        settlement(2, 0, Some(0), now, failed("OTHER")),
        settlement(1, 0, Some(0), now, failed("STRING_TOO_LONG")),
    ];
    let error = rig.receipts.settle(&contacts(), &again, now).await.unwrap_err();

    let SettleError::Store(source) = &error else {
        panic!("{error}")
    };
    assert!(
        source.as_database_error().unwrap().is_unique_violation(),
        "{}",
        Chain(&error)
    );
    assert_eq!((settled(&rig, 0, 9).await, counts(&rig).await), before);
    let hour = hour_of(now);
    assert_eq!(
        rig.receipts.run_progress(&uid(UID), hour).await.unwrap().settled,
        1
    );
    assert_eq!(dead_letter_codes(&rig.receipts, "", i64::MAX, 10).await, [""; 0]);
    // The refusal leaves nothing that the next settlement would stumble over.
    rig.receipts.settle(&contacts(), &again[..1], now).await.unwrap();
    assert_eq!(settled(&rig, 0, 9).await.len(), 2);
}

async fn runs_add_up_over_settlements_and_segments(place: &Place) {
    let rig = Rig::open(place).await;
    let accepted = rig.time.now();
    let superseded = Outcome::Delivered(Delivered::Superseded);
    for (position, outcome) in [(1, WRITTEN), (2, superseded), (3, WRITTEN), (4, failed("X"))] {
        // Settled an hour later, and still of the run in which it was accepted.
        let now = accepted + TimeDelta::hours(1);
        let settlements = [settlement(position, 0, Some(0), accepted, outcome)];
        rig.receipts.settle(&contacts(), &settlements, now).await.unwrap();
    }
    let next_hour = accepted + TimeDelta::hours(1);
    let later = [settlement(5, 0, Some(0), next_hour, WRITTEN)];
    rig.receipts.settle(&contacts(), &later, next_hour).await.unwrap();

    assert_eq!(
        counts(&rig).await,
        counted(&[
            ("delivered", "SUPERSEDED", 1),
            ("delivered", "WRITTEN", 2),
            ("failed", "X", 1),
        ])
    );
    rig.time.advance(TimeDelta::hours(1));
    assert_eq!(counts(&rig).await, counted(&[("delivered", "WRITTEN", 1)]));
    let profiles = async |time| {
        rig.receipts
            .run_progress(&uid(UID), hour_of(time))
            .await
            .unwrap()
            .settled
    };
    assert_eq!((profiles(accepted).await, profiles(next_hour).await), (4, 1));
}

async fn a_large_settlement_is_kept_whole(place: &Place) {
    const IDENTITIES: u32 = 2_500;
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    let settlements: Vec<_> = (0..IDENTITIES)
        .map(|entry| settlement(1, entry, Some(0), now, WRITTEN))
        .collect();

    rig.receipts.settle(&contacts(), &settlements, now).await.unwrap();

    let places = settled(&rig, 1, 1).await;
    assert_eq!(places, (0..IDENTITIES).map(|entry| at(1, entry, 0)).collect());
    let written = i64::from(IDENTITIES);
    assert_eq!(counts(&rig).await, counted(&[("delivered", "WRITTEN", written)]));
}

async fn dead_letters_are_listed_newest_first_by_code_in_pages(place: &Place) {
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    for (position, code) in [(1, "A"), (2, "B"), (3, "A"), (4, "C"), (5, "A")] {
        let settlements = [settlement(position, 0, Some(0), now, failed(code))];
        rig.receipts.settle(&contacts(), &settlements, now).await.unwrap();
    }
    let other = [settlement(1, 0, Some(0), now, failed("OTHER"))];
    let leads = plan("leads", "0193-leads");
    rig.receipts.settle(&leads, &other, now).await.unwrap();

    let receipts = &rig.receipts;
    assert_eq!(
        dead_letter_codes(receipts, "", i64::MAX, 10).await,
        ["A", "C", "A", "B", "A"]
    );
    assert_eq!(dead_letter_codes(receipts, "A", i64::MAX, 10).await, ["A"; 3]);
    assert_eq!(dead_letter_codes(receipts, "a", i64::MAX, 10).await, [""; 0]);
    let page = receipts
        .list_dead_letters(&uid(UID), "", i64::MAX, 2)
        .await
        .unwrap();
    let rest = dead_letter_codes(receipts, "", page[1].id, 10).await;
    assert_eq!(
        (page.len(), rest),
        (2, vec!["A".to_owned(), "B".to_owned(), "A".to_owned()])
    );
}

async fn dead_letters_are_sealed(place: &Place) {
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    let settlements = [settlement(1, 0, Some(0), now, failed("STRING_TOO_LONG"))];
    rig.receipts.settle(&contacts(), &settlements, now).await.unwrap();

    let stored = StoredBytes::read(&place.location).await;

    assert!(stored.contain("STRING_TOO_LONG"), "what may be plain is there");
    for personal in ["okafor", "003000000000001AAA"] {
        assert!(!stored.contain(personal), "{personal}");
    }
    let rig = rig.reopen_with_another_key(place).await;
    let error = rig
        .receipts
        .list_dead_letters(&uid(UID), "", i64::MAX, 10)
        .await
        .unwrap_err();
    let text = Chain(&error).to_string();
    assert!(text.contains("put the right key file back"), "{text}");
}

async fn settlements_of_frames_in_the_journal_are_kept_and_the_rest_forgotten_in_time(place: &Place) {
    let rig = Rig::open(place).await;
    let accepted = rig.time.now();
    let mut positions = Vec::new();
    for _ in 0..3 {
        positions.push(rig.append(&["update"]).await);
    }
    let settle = async |position: i64, outcome: Outcome| {
        let settlements = [settlement(position, 0, Some(0), accepted, outcome)];
        rig.receipts
            .settle(&contacts(), &settlements, rig.time.now())
            .await
            .unwrap();
    };
    settle(positions[0], WRITTEN).await;
    settle(positions[1], failed("OLD")).await;
    // The first frame is settled whole, of the second something waits.
    rig.journal.trim(&uid(UID), positions[0]).await.unwrap();
    let prune = async || rig.receipts.prune(&rig.journal, rig.time.now()).await.unwrap();
    let kept = async || -> HashSet<i64> {
        settled(&rig, 0, i64::MAX)
            .await
            .into_iter()
            .map(|(arrival, _)| arrival.position)
            .collect()
    };

    rig.time.advance(TimeDelta::hours(23));
    prune().await;
    assert_eq!(kept().await, [positions[0], positions[1]].into());

    rig.time.advance(TimeDelta::hours(2));
    settle(positions[2], failed("NEW")).await;
    prune().await;
    // The lane needs to know of the second, however old it is.
    assert_eq!(kept().await, [positions[1], positions[2]].into());

    rig.journal.trim(&uid(UID), positions[2]).await.unwrap();
    prune().await;
    assert_eq!(kept().await, [positions[2]].into());
    assert_eq!(
        dead_letter_codes(&rig.receipts, "", i64::MAX, 10).await,
        ["NEW", "OLD"]
    );

    rig.time.advance(TimeDelta::days(29));
    prune().await;
    assert_eq!(kept().await, [].into());
    assert_eq!(dead_letter_codes(&rig.receipts, "", i64::MAX, 10).await, ["NEW"]);
    let counts = async || {
        rig.receipts
            .run_counts(&uid(UID), hour_of(accepted))
            .await
            .unwrap()
    };
    assert_eq!(counts().await.len(), 6);

    rig.time.advance(TimeDelta::days(370));
    prune().await;
    assert_eq!(dead_letter_codes(&rig.receipts, "", i64::MAX, 10).await, [""; 0]);
    assert_eq!(counts().await, []);
    let progress = rig.receipts.run_progress(&uid(UID), hour_of(accepted)).await;
    assert_eq!(progress.unwrap().settled, 0);
}
