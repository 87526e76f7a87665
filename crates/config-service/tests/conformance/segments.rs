//! Segments of a destination, each with a field of its own.

use contracts::{
    config::v1::{ListSegmentsRequest, RecordType, SegmentActivation, SegmentRegistration},
    status::reason,
};
use prost_types::Timestamp;
use serde_json::json;
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, app, assert_names, attribute, draft, segment, user},
};

on_both_databases!(
    row_171_172_231_234_segments_are_added_listed_changed_and_removed,
    row_75_105_107_added_segments_are_all_stored_or_none_and_each_wrong_one_is_named,
    a_wrong_segment_is_named_by_its_place_in_the_request,
    row_108_two_segments_of_one_org_never_share_a_field,
    orgs_that_share_nothing_may_use_the_same_field_names,
    two_logins_of_one_org_share_its_fields,
    two_orgs_behind_the_shared_login_host_do_not_share_fields,
    row_25_26_131_the_26th_segment_is_refused_until_one_is_removed,
);

async fn row_171_172_231_234_segments_are_added_listed_changed_and_removed(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let time = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let scheduled = SegmentActivation {
        start_time: time(1_000),
        end_time: time(2_000),
        ..segment("b", "crm_2_seg__c")
    };
    let all = [segment("c", "c_field"), scheduled, segment("a", "a_field")];
    let stored = |segment: &SegmentActivation| SegmentActivation {
        mapping_id: segment.mapping_id.trim_end_matches("__c").to_owned(),
        field: format!("{}__c", segment.mapping_id.trim_end_matches("__c")),
        registration: SegmentRegistration::NotYetRegistered.into(),
        ..segment.clone()
    };
    let list = async |page_token: String| {
        let request = ListSegmentsRequest {
            parent: CONTACTS.to_owned(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let answer = rig.destinations.clone().list_segments(request).await.unwrap();
        let answer = answer.into_inner();
        (answer.segments, answer.next_page_token)
    };

    let added = rig.add_segments(CONTACTS, &all).await.unwrap();

    assert_eq!(added.segments, all.each_ref().map(stored));
    let (first, token) = list(String::new()).await;
    let (second, end) = list(token).await;
    assert_eq!(first, [stored(&all[2]), stored(&all[1])]);
    assert_eq!((second, end.as_str()), (vec![stored(&all[0])], ""));

    let wanted = SegmentActivation {
        display_name: "Renamed".to_owned(),
        mapping_id: "ignored".to_owned(),
        end_time: time(3_000),
        ..segment("b", "ignored")
    };
    let updated = rig
        .update_segment(CONTACTS, wanted, &["display_name", "end_time"])
        .await
        .unwrap();
    assert_eq!(
        updated.segments[1],
        SegmentActivation {
            display_name: "Renamed".to_owned(),
            end_time: time(3_000),
            ..stored(&all[1])
        }
    );
    let removed = rig.remove_segment(CONTACTS, "b").await.unwrap();
    assert_eq!(removed.segments, [stored(&all[0]), stored(&all[2])]);
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), removed);
    for refused in [
        rig.remove_segment(CONTACTS, "b").await.unwrap_err(),
        rig.update_segment(CONTACTS, segment("b", "b"), &["mapping_id"])
            .await
            .unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    }
    let refused = rig
        .update_segment(CONTACTS, segment("a", "a"), &["segment"])
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["update_mask"]);
}

async fn row_75_105_107_added_segments_are_all_stored_or_none_and_each_wrong_one_is_named(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let before = rig
        .set_field_mappings(CONTACTS, &[attribute("tier", "Tier__c")])
        .await
        .unwrap();
    let backwards = SegmentActivation {
        start_time: Some(Timestamp { seconds: 2, nanos: 0 }),
        end_time: Some(Timestamp { seconds: 1, nanos: 0 }),
        ..segment("e", "e_field")
    };
    for (segments, wrong) in [
        (vec![], vec![("segments", "at least one")]),
        (
            vec![
                segment("good", "good"),
                segment("a", "crm 2 seg"),
                segment("b", ""),
                segment(" ", "c"),
                segment("d", "2_seg"),
            ],
            vec![
                ("segments[1].mapping_id", "underscore"),
                ("segments[2].mapping_id", "segment b"),
                ("segments[3].segment", "required"),
                ("segments[4].mapping_id", "start with a letter"),
            ],
        ),
        (
            vec![
                segment("good", "good"),
                segment("good", "other"),
                segment("c", "GOOD__c"),
                segment("d", "tier"),
                backwards,
            ],
            vec![
                ("segments[1].segment", "The good is activated already"),
                ("segments[2].mapping_id", "give The c a field of its own"),
                ("segments[3].mapping_id", "receives an attribute already"),
                ("segments[4].end_time", "after start_time"),
            ],
        ),
    ] {
        let refused = rig.add_segments(CONTACTS, &segments).await.unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|(field, _)| *field).collect();
        let problems = assert_names(&refused, Code::InvalidArgument, &fields);
        for ((_, part), problem) in wrong.iter().zip(&problems) {
            assert!(problem.contains(part), "{problem}");
        }
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), before);
}

async fn a_wrong_segment_is_named_by_its_place_in_the_request(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let before = [segment("a", "a_field"), segment("b", "b_field")];
    rig.add_segments(CONTACTS, &before).await.unwrap();

    let added = [segment("c", "c_field"), segment("d", "a_field")];
    let refused = rig.add_segments(CONTACTS, &added).await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["segments[1].mapping_id"]);

    let refused = rig
        .update_segment(CONTACTS, segment("b", "a_field"), &["mapping_id"])
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["segment.mapping_id"]);
}

/// Creates a draft with one segment on `shared__c`.
async fn with_shared_field(rig: &Rig, parent: &str, id: &str, connection: &str) -> Result<(), tonic::Status> {
    let created = rig.create_draft(parent, id, connection).await;
    rig.add_segments(&created.name, &[segment(&format!("people-of-{id}"), "shared")])
        .await
        .map(|_| ())
}

async fn row_108_two_segments_of_one_org_never_share_a_field(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    with_shared_field(&rig, WORKSPACE, "contacts", CONNECTION)
        .await
        .unwrap();
    // Another connection to the same host, entered in another way.
    let second = rig
        .create_connection(WORKSPACE, "second", "https://ACME.my.salesforce.com/")
        .await
        .unwrap();

    for connection in [CONNECTION, &second.name] {
        let id = connection.rsplit('/').next().unwrap();
        let refused = with_shared_field(&rig, WORKSPACE, id, connection)
            .await
            .unwrap_err();

        let problems = assert_names(&refused, Code::InvalidArgument, &["segments[0].mapping_id"]);
        for part in ["shared__c", "The people-of-contacts", CONTACTS] {
            assert!(problems[0].contains(part), "{problems:?}");
        }
    }
    // What is removed is free again.
    rig.remove_segment(CONTACTS, "people-of-contacts").await.unwrap();
    let taken = rig
        .add_segments(
            "workspaces/acme/destinations/second",
            &[segment("people-of-second", "shared")],
        )
        .await;
    assert!(taken.is_ok(), "{taken:?}");
}

async fn orgs_that_share_nothing_may_use_the_same_field_names(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    with_shared_field(&rig, WORKSPACE, "contacts", CONNECTION)
        .await
        .unwrap();

    let other_org = rig.create_connection(WORKSPACE, "other", "globex").await.unwrap();
    with_shared_field(&rig, WORKSPACE, "other-org", &other_org.name)
        .await
        .unwrap();
    let other_workspace = rig
        .create_connection("workspaces/globex", "crm", "acme")
        .await
        .unwrap();
    with_shared_field(
        &rig,
        "workspaces/globex",
        "other-workspace",
        &other_workspace.name,
    )
    .await
    .unwrap();
    let mut leads = draft(CONNECTION);
    leads.record_type = RecordType::Lead.into();
    let leads = rig.create_destination(WORKSPACE, "leads", leads).await.unwrap();
    rig.add_segments(&leads.name, &[segment("leads", "shared")])
        .await
        .unwrap();
}

async fn two_logins_of_one_org_share_its_fields(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.salesforce.create_acme().await;
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    let second = rig
        .create_connection(WORKSPACE, "by-user", "login.salesforce.com")
        .await
        .unwrap();
    rig.put_credentials(&second.name, user()).await;
    let org_id = rig.check(CONNECTION).await.org_id;
    assert_eq!(org_of(&rig, &second.name).await, org_id);
    with_shared_field(&rig, WORKSPACE, "contacts", CONNECTION)
        .await
        .unwrap();

    let refused = with_shared_field(&rig, WORKSPACE, "by-user", &second.name).await;

    let refused = refused.expect_err("both connections are pinned to one org");
    assert_names(&refused, Code::InvalidArgument, &["segments[0].mapping_id"]);
}

async fn two_orgs_behind_the_shared_login_host_do_not_share_fields(place: &Place) {
    let rig = Rig::start(place).await;
    rig.salesforce.create_acme().await;
    let globex = json!({"users": [{"username": "svc@globex.example", "password": "pass-word"}]});
    rig.salesforce
        .create_org("globex.my.salesforce.com", globex)
        .await;
    let host = "login.salesforce.com";
    let acme = rig.create_connection(WORKSPACE, "acme", host).await.unwrap();
    let globex = rig.create_connection(WORKSPACE, "globex", host).await.unwrap();
    rig.put_credentials(&acme.name, user()).await;
    let mut theirs = user();
    if let contracts::auth::v1::put_credentials_request::Grant::Password(grant) = &mut theirs {
        grant.username = "svc@globex.example".to_owned();
        grant.security_token.clear();
    }
    rig.put_credentials(&globex.name, theirs).await;
    let orgs = (org_of(&rig, &acme.name).await, org_of(&rig, &globex.name).await);
    assert_ne!(orgs.0, orgs.1);
    with_shared_field(&rig, WORKSPACE, "acme", &acme.name)
        .await
        .unwrap();

    let taken = with_shared_field(&rig, WORKSPACE, "globex", &globex.name).await;

    assert!(taken.is_ok(), "{taken:?}");
}

/// Checks a connection that must work; returns its org.
async fn org_of(rig: &Rig, connection: &str) -> String {
    let check = rig.check(connection).await;
    assert_eq!(check.reason, "", "{check:?}");
    check.org_id
}

async fn row_25_26_131_the_26th_segment_is_refused_until_one_is_removed(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let numbered = |number: usize| segment(&format!("segment-{number}"), &format!("field_{number}"));
    let most: Vec<SegmentActivation> = (1..=25).map(numbered).collect();
    rig.add_segments(CONTACTS, &most).await.unwrap();

    let refused = rig.add_segments(CONTACTS, &[numbered(26)]).await.unwrap_err();

    let problems = assert_names(&refused, Code::InvalidArgument, &["segments"]);
    assert_eq!(reason(&refused), "INVALID_FIELD");
    for part in ["26", "25", "remove one", "config.max_segments_per_destination"] {
        assert!(problems[0].contains(part), "{problems:?}");
    }
    rig.remove_segment(CONTACTS, "segment-7").await.unwrap();
    let full = rig.add_segments(CONTACTS, &[numbered(26)]).await.unwrap();
    assert_eq!(full.segments.len(), 25);
}
