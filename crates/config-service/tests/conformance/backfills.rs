//! Segments whose members the control plane should send once.

use contracts::{
    config::v1::{
        CompleteBackfillsRequest, ListWantedBackfillsRequest, RequestBackfillsRequest, WaitingUpdates,
        WantedBackfill,
    },
    status::reason,
};
use prost_types::Timestamp;
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, segment},
    simulated::ACME,
};

on_both_databases!(
    row_128_an_activation_wants_the_members_of_its_segments_until_they_were_sent,
    row_129_a_segment_that_is_added_again_wants_its_members_again,
    row_129_a_backfill_can_be_asked_for_at_any_time,
    wanted_backfills_are_listed_in_pages_by_workspace,
);

async fn wanted(rig: &Rig) -> Vec<WantedBackfill> {
    let request = ListWantedBackfillsRequest {
        parent: WORKSPACE.to_owned(),
        ..Default::default()
    };
    let answer = rig
        .backfills
        .clone()
        .list_wanted_backfills(request)
        .await
        .unwrap();
    answer.into_inner().wanted_backfills
}

async fn segments(rig: &Rig) -> Vec<String> {
    wanted(rig).await.into_iter().map(|one| one.segment).collect()
}

async fn complete(rig: &Rig, segment: &str, want_time: Option<Timestamp>) -> Result<(), Status> {
    let request = CompleteBackfillsRequest {
        name: CONTACTS.to_owned(),
        segments: vec![segment.to_owned()],
        want_time,
    };
    rig.backfills.clone().complete_backfills(request).await?;
    Ok(())
}

async fn request(rig: &Rig, segments: &[&str]) -> Result<Vec<WantedBackfill>, Status> {
    let request = RequestBackfillsRequest {
        name: CONTACTS.to_owned(),
        segments: segments.iter().map(|segment| (*segment).to_owned()).collect(),
    };
    let answer = rig.backfills.clone().request_backfills(request).await?;
    Ok(answer.into_inner().wanted_backfills)
}

async fn row_128_an_activation_wants_the_members_of_its_segments_until_they_were_sent(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    assert_eq!(wanted(&rig).await, []);

    let active = rig.activate(CONTACTS).await.unwrap();

    let due = wanted(&rig).await;
    assert_eq!(
        due,
        [WantedBackfill {
            destination: CONTACTS.to_owned(),
            segment: "vip-people".to_owned(),
            want_time: active.update_time,
        }]
    );
    // Neither a restart nor another edit takes the wish away or repeats it.
    let rig = rig.restart(place).await;
    rig.disable(CONTACTS).await.unwrap();
    rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap();
    assert_eq!(wanted(&rig).await, due);

    complete(&rig, "vip-people", due[0].want_time).await.unwrap();

    assert_eq!(wanted(&rig).await, []);
}

async fn row_129_a_segment_that_is_added_again_wants_its_members_again(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "other__c").await;
    rig.activate(CONTACTS).await.unwrap();
    complete(&rig, "vip-people", wanted(&rig).await[0].want_time)
        .await
        .unwrap();

    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(wanted(&rig).await, []);
    rig.add_segments(CONTACTS, &[segment("vip-people", "vip")])
        .await
        .unwrap();
    rig.apply(CONTACTS).await.unwrap();
    let again = wanted(&rig).await;
    assert_eq!(segments(&rig).await, ["vip-people"]);

    // A new field is empty too; a new name changes nothing.
    complete(&rig, "vip-people", again[0].want_time).await.unwrap();
    rig.update_segment(CONTACTS, segment("vip-people", "vip"), &["display_name"])
        .await
        .unwrap();
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(wanted(&rig).await, []);
    rig.update_segment(CONTACTS, segment("vip-people", "other"), &["mapping_id"])
        .await
        .unwrap();
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(segments(&rig).await, ["vip-people"]);
    // What is gone wants nothing.
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(wanted(&rig).await, []);
}

async fn row_129_a_backfill_can_be_asked_for_at_any_time(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let draft = request(&rig, &["vip-people"]).await.unwrap_err();
    assert_eq!(reason(&draft), "SEGMENT_NOT_LIVE");
    rig.activate(CONTACTS).await.unwrap();
    let first = wanted(&rig).await[0].want_time;

    let asked = request(&rig, &["vip-people"]).await.unwrap();

    assert_eq!(wanted(&rig).await, asked);
    // What was asked for after the replay began stays wanted.
    complete(&rig, "vip-people", first).await.unwrap();
    assert_eq!(wanted(&rig).await, asked);
    complete(&rig, "vip-people", asked[0].want_time).await.unwrap();
    assert_eq!(wanted(&rig).await, []);

    let unknown = request(&rig, &["vip-people", "unknown"]).await.unwrap_err();
    assert_names(&unknown, Code::FailedPrecondition, &["segments[1]"]);
    assert_eq!(wanted(&rig).await, []);
    let timeless = complete(&rig, "vip-people", None).await.unwrap_err();
    assert_names(&timeless, Code::InvalidArgument, &["want_time"]);
    let nothing = request(&rig, &[]).await.unwrap_err();
    assert_names(&nothing, Code::InvalidArgument, &["segments"]);
}

async fn wanted_backfills_are_listed_in_pages_by_workspace(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    for field in ["b__c", "c__c"] {
        rig.create_field(ACME, field).await;
    }
    rig.add_segments(CONTACTS, &[segment("c", "c"), segment("b", "b")])
        .await
        .unwrap();
    rig.activate(CONTACTS).await.unwrap();
    rig.create_draft(WORKSPACE, "others", CONNECTION).await;
    let page = async |parent: &str, destination: &str, page_token: String| {
        let request = ListWantedBackfillsRequest {
            parent: parent.to_owned(),
            destination: destination.to_owned(),
            page_size: 2,
            page_token,
        };
        let answer = rig
            .backfills
            .clone()
            .list_wanted_backfills(request)
            .await
            .unwrap();
        let answer = answer.into_inner();
        let segments: Vec<String> = answer
            .wanted_backfills
            .into_iter()
            .map(|one| one.segment)
            .collect();
        (segments, answer.next_page_token)
    };

    let (first, token) = page(WORKSPACE, "", String::new()).await;
    let (second, end) = page(WORKSPACE, CONTACTS, token).await;

    assert_eq!(first, ["b", "c"]);
    assert_eq!((second, end.as_str()), (vec!["vip-people".to_owned()], ""));
    assert_eq!(page("workspaces/globex", "", String::new()).await.0, [""; 0]);
    let others = "workspaces/acme/destinations/others";
    assert_eq!(page(WORKSPACE, others, String::new()).await.0, [""; 0]);
    // What is being deleted wants nothing.
    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();
    assert_eq!(page(WORKSPACE, "", String::new()).await.0, [""; 0]);
}
