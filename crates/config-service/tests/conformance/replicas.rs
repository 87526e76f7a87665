//! Two config-services on one database, editing at once: what must be decided once is decided once.

use std::sync::Arc;

use config_service::DEFAULT_MAX_SEGMENTS;
use contracts::status::reason;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, MAX_DESTINATIONS, Rig, WORKSPACE, assert_names, draft, segment},
};

on_both_databases!(
    row_232_of_edits_on_two_replicas_with_one_etag_exactly_one_wins,
    of_creates_on_two_replicas_with_one_id_exactly_one_wins,
    row_58_the_limit_of_destinations_holds_between_two_replicas,
    row_25_the_limit_of_segments_holds_between_two_replicas,
    of_two_destinations_that_claim_one_field_on_two_replicas_exactly_one_wins,
);

/// Returns a replica for each of so many callers, by turns.
async fn replicas(one: Rig, place: &Place, callers: usize) -> Vec<Arc<Rig>> {
    let two = Arc::new(one.replica(place).await);
    let one = Arc::new(one);
    (0..callers)
        .map(|caller| if caller % 2 == 0 { one.clone() } else { two.clone() })
        .collect()
}

/// Waits for calls that were made at once; returns what was granted and what was refused.
async fn decided<T: 'static>(calls: JoinSet<Result<T, Status>>) -> (Vec<T>, Vec<Status>) {
    let mut granted = Vec::new();
    let mut refused = Vec::new();
    for answer in calls.join_all().await {
        match answer {
            Ok(one) => granted.push(one),
            Err(status) => refused.push(status),
        }
    }
    (granted, refused)
}

async fn row_232_of_edits_on_two_replicas_with_one_etag_exactly_one_wins(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let read = rig.destination(CONTACTS).await.unwrap();
    let mut edits = JoinSet::new();
    for (number, rig) in replicas(rig, place, 12).await.into_iter().enumerate() {
        let mut mine = read.clone();
        mine.description = format!("Edit {number}");
        edits.spawn(async move {
            let won = rig.update_destination(mine, &["description"]).await?;
            Ok((won, rig))
        });
    }

    let (won, lost) = decided(edits).await;

    let [(won, rig)] = &won[..] else {
        panic!("{} won", won.len())
    };
    assert_eq!(lost.len(), 11);
    for refused in lost {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Aborted, "STALE_ETAG")
        );
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), *won);
}

async fn of_creates_on_two_replicas_with_one_id_exactly_one_wins(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let mut creates = JoinSet::new();
    for rig in replicas(rig, place, 8).await {
        creates.spawn(async move {
            let created = rig
                .create_destination(WORKSPACE, "contacts", draft(CONNECTION))
                .await?;
            Ok((created, rig))
        });
    }

    let (won, lost) = decided(creates).await;

    let [(won, rig)] = &won[..] else {
        panic!("{} won", won.len())
    };
    for refused in lost {
        assert_eq!(refused.code(), Code::AlreadyExists, "{refused:?}");
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), *won);
}

async fn row_58_the_limit_of_destinations_holds_between_two_replicas(place: &Place) {
    let limit = usize::try_from(MAX_DESTINATIONS).unwrap();
    let rig = Rig::start_with_connection(place).await;
    let mut creates = JoinSet::new();
    for (number, rig) in replicas(rig, place, limit + 4).await.into_iter().enumerate() {
        let id = format!("number-{number}");
        creates.spawn(async move {
            rig.create_destination(WORKSPACE, &id, draft(CONNECTION))
                .await
                .map(|_| ())
        });
    }

    let (created, refused) = decided(creates).await;

    assert_eq!(created.len(), limit);
    for refused in refused {
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    }
}

async fn row_25_the_limit_of_segments_holds_between_two_replicas(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let replicas = replicas(rig, place, DEFAULT_MAX_SEGMENTS + 4).await;
    let rig = replicas[0].clone();
    let mut additions = JoinSet::new();
    for (number, rig) in replicas.into_iter().enumerate() {
        let added = segment(&format!("segment-{number}"), &format!("field_{number}"));
        additions.spawn(async move { rig.add_segments(CONTACTS, &[added]).await.map(|_| ()) });
    }

    let (added, refused) = decided(additions).await;

    assert_eq!((added.len(), refused.len()), (DEFAULT_MAX_SEGMENTS, 4));
    for refused in refused {
        assert_names(&refused, Code::InvalidArgument, &["segments"]);
    }
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap().segments.len(),
        DEFAULT_MAX_SEGMENTS
    );
}

async fn of_two_destinations_that_claim_one_field_on_two_replicas_exactly_one_wins(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "one", CONNECTION).await;
    rig.create_draft(WORKSPACE, "two", CONNECTION).await;
    let replicas = replicas(rig, place, 2).await;
    for round in 0..6 {
        let mut claims = JoinSet::new();
        for (rig, id) in replicas.iter().cloned().zip(["one", "two"]) {
            let name = format!("{WORKSPACE}/destinations/{id}");
            let claim = segment(&format!("segment-{round}"), &format!("field_{round}"));
            claims.spawn(async move { rig.add_segments(&name, &[claim]).await.map(|_| ()) });
        }

        let (won, lost) = decided(claims).await;

        assert_eq!((won.len(), lost.len()), (1, 1));
        let problems = assert_names(&lost[0], Code::InvalidArgument, &["segments[0].mapping_id"]);
        assert!(problems[0].contains("already"), "{problems:?}");
    }
}
