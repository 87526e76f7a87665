//! Segments as the control plane registers them, and what a workspace does with them.

use contracts::{
    config::v1::{
        AddSegmentsRequest, DeleteSegmentsRequest, Destination, GetSegmentSettingsRequest,
        ListRegisteredSegmentsRequest, PreviewConsentRequest, RegisteredSegment, SegmentActivation,
        SegmentName, SegmentNamespaces, SegmentRegistration, SegmentSettings, SegmentUse,
        SuggestMappingIdsRequest, UnknownSegments,
    },
    status::reason,
};
use prost_types::Timestamp;
use tonic::Code;

use crate::{
    governed::registered,
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, segment},
    simulated::ACME,
};

on_both_databases!(
    segments_are_registered_refreshed_read_and_forgotten,
    a_call_with_a_wrong_segment_registers_none_and_names_each,
    registered_segments_are_listed_in_pages_by_namespace_and_use,
    row_12_an_unknown_segment_is_accepted_until_the_workspace_registers_any,
    row_12_what_an_unknown_segment_does_is_a_setting_of_the_workspace,
    row_12_a_registered_name_is_shown_where_a_segment_has_none,
    row_102_namespaces_are_allowed_or_denied_and_never_both,
    row_102_a_segment_of_a_namespace_that_is_not_allowed_is_refused,
    row_115_consent_is_previewed_as_it_was_registered,
    settings_take_an_etag,
);

async fn segments_are_registered_refreshed_read_and_forgotten(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let counted = RegisteredSegment {
        namespace: "partner".to_owned(),
        description: "People who buy much".to_owned(),
        member_count: Some(1_000),
        consented_member_count: Some(900),
        count_time: Some(Timestamp { seconds: 5, nanos: 0 }),
        ..registered("vip-people", &["person.birthDate"])
    };

    let answer = rig
        .put_segments(&[counted.clone(), registered("a/b", &[])])
        .await
        .unwrap();

    let stored = &answer.segments[0];
    assert_eq!(
        *stored,
        RegisteredSegment {
            name: "workspaces/acme/segments/vip-people".to_owned(),
            create_time: stored.create_time,
            update_time: stored.update_time,
            ..counted
        }
    );
    assert!(stored.create_time.is_some() && stored.create_time == stored.update_time);
    assert_eq!(answer.segments[1].namespace, "ups");
    assert_eq!(answer.segments[1].count_time, None);
    assert_eq!(rig.registered("vip-people").await.unwrap(), *stored);
    assert_eq!(rig.registered("a/b").await.unwrap(), answer.segments[1]);

    // Refreshing replaces everything but the time of the first registration.
    let again = rig.put_segments(&[registered("vip-people", &[])]).await.unwrap();
    let refreshed = &again.segments[0];
    assert_eq!(refreshed.create_time, stored.create_time);
    assert_ne!(refreshed.update_time, stored.update_time);
    assert_eq!((refreshed.member_count, refreshed.fields.len()), (None, 0));
    rig.activate(CONTACTS).await.unwrap();
    assert_eq!(
        rig.registered("vip-people").await.unwrap().destinations,
        [CONTACTS]
    );

    let delete = |segments: &[&str]| DeleteSegmentsRequest {
        parent: WORKSPACE.to_owned(),
        segments: segments.iter().map(|one| (*one).to_owned()).collect(),
    };
    let refused = rig
        .segments
        .clone()
        .delete_segments(delete(&["vip-people", "no", "nor"]))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.message().contains("no, nor"), "{refused}");
    assert!(rig.registered("vip-people").await.is_ok());
    let deleted = rig
        .segments
        .clone()
        .delete_segments(delete(&["vip-people"]))
        .await
        .unwrap();
    assert_eq!(deleted.into_inner().destinations, [CONTACTS]);
    assert_eq!(
        rig.registered("vip-people").await.unwrap_err().code(),
        Code::NotFound
    );
    let shown = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(
        shown.segments[0].registration(),
        SegmentRegistration::NotYetRegistered
    );
}

async fn a_call_with_a_wrong_segment_registers_none_and_names_each(place: &Place) {
    let rig = Rig::start(place).await;
    let all_wrong = [
        registered("good", &[]),
        RegisteredSegment {
            member_count: Some(-1),
            ..registered(" ", &["a..b", "a.b"])
        },
        RegisteredSegment {
            display_name: String::new(),
            member_count: Some(1),
            consented_member_count: Some(2),
            ..registered("good", &[])
        },
        RegisteredSegment {
            consented_member_count: Some(2),
            ..registered("c", &[])
        },
    ];

    let refused = rig.put_segments(&all_wrong).await.unwrap_err();

    let problems = assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "segments[1].segment",
            "segments[1].member_count",
            "segments[1].fields[0]",
            "segments[2].display_name",
            "segments[2].consented_member_count",
            "segments[2].segment",
            "segments[3].consented_member_count",
        ],
    );
    assert!(problems[5].contains("segments[0]"), "{problems:?}");
    assert_eq!(rig.registered("good").await.unwrap_err().code(), Code::NotFound);
    let many: Vec<RegisteredSegment> = (0..=1_000)
        .map(|number| registered(&format!("s{number}"), &[]))
        .collect();
    for wrong in [&[] as &[RegisteredSegment], &many] {
        let refused = rig.put_segments(wrong).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, &["segments"]);
    }
    let most = rig.put_segments(&many[..1_000]).await.unwrap();
    assert_eq!(most.segments.len(), 1_000);
}

async fn registered_segments_are_listed_in_pages_by_namespace_and_use(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.activate(CONTACTS).await.unwrap();
    let of_partner = |segment: &str| RegisteredSegment {
        namespace: "partner".to_owned(),
        ..registered(segment, &[])
    };
    let all = [
        registered("b", &[]),
        of_partner("B"),
        registered("vip-people", &[]),
        of_partner("x"),
        registered("a", &[]),
    ];
    rig.put_segments(&all).await.unwrap();
    let list = async |page_size, namespace: &str, segment_use: SegmentUse| {
        let mut pages: Vec<Vec<String>> = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListRegisteredSegmentsRequest {
                parent: WORKSPACE.to_owned(),
                page_size,
                page_token,
                namespace: namespace.to_owned(),
                r#use: segment_use.into(),
            };
            let answer = rig.segments.clone().list_registered_segments(request).await;
            let answer = answer.unwrap().into_inner();
            pages.push(answer.segments.into_iter().map(|one| one.segment).collect());
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return pages;
            }
        }
    };

    assert_eq!(
        list(2, "", SegmentUse::Unspecified).await,
        [vec!["B", "a"], vec!["b", "vip-people"], vec!["x"]]
    );
    assert_eq!(list(0, "partner", SegmentUse::Unspecified).await, [["B", "x"]]);
    assert_eq!(list(2, "", SegmentUse::Activated).await, [["vip-people"]]);
    assert_eq!(
        list(3, "", SegmentUse::NotActivated).await,
        [vec!["B", "a", "b"], vec!["x"]]
    );
    assert_eq!(list(0, "ups", SegmentUse::NotActivated).await, [vec!["a", "b"]]);
}

async fn row_12_an_unknown_segment_is_accepted_until_the_workspace_registers_any(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let draft = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(
        draft.segments[0].registration(),
        SegmentRegistration::NotYetRegistered
    );

    let request = AddSegmentsRequest {
        name: CONTACTS.to_owned(),
        segments: vec![segment("not-yet", "not_yet")],
        etag: String::new(),
    };
    let answer = rig.destinations.clone().add_segments(request).await.unwrap();
    let warnings = answer.into_inner().warnings;
    assert_eq!(
        (warnings[0].code.as_str(), warnings[0].field.as_str()),
        ("SEGMENTS_NOT_YET_REGISTERED", "segments")
    );
    assert!(warnings[0].message.contains("The not-yet"), "{warnings:?}");
    rig.remove_segment(CONTACTS, "not-yet").await.unwrap();

    rig.put_segments(&[registered("buyers", &[])]).await.unwrap();

    let unknown = segment("typo", "typo");
    let refused = rig
        .add_segments(CONTACTS, &[segment("buyers", "buyers"), unknown])
        .await
        .unwrap_err();
    let problems = assert_names(&refused, Code::FailedPrecondition, &["segments[1].segment"]);
    assert_eq!(reason(&refused), "SEGMENT_NOT_REGISTERED");
    for part in [
        "The typo is not registered in workspaces/acme",
        "PutSegments",
        "ACCEPT",
    ] {
        assert!(problems[0].contains(part), "{problems:?}");
    }
    // What a draft has already is looked at when it is activated.
    let refused = rig.activate(CONTACTS).await.unwrap_err();
    assert_names(&refused, Code::FailedPrecondition, &["segments[0].segment"]);
    rig.put_segments(&[registered("vip-people", &[])]).await.unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!(active.segments[0].registration(), SegmentRegistration::Registered);

    // What is active stays, and can be changed, when the platform forgets it.
    rig.forget_segments(&["vip-people", "buyers"]).await;
    let renamed = SegmentActivation {
        display_name: "Still there".to_owned(),
        ..segment("vip-people", "vip")
    };
    rig.update_segment(CONTACTS, renamed, &["display_name"])
        .await
        .unwrap();
    // The workspace has registered segments, even if it has none now.
    let refused = rig
        .add_segments(CONTACTS, &[segment("buyers", "vip2")])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

async fn row_12_what_an_unknown_segment_does_is_a_setting_of_the_workspace(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let set = async |unknown: UnknownSegments| {
        let settings = SegmentSettings {
            unknown_segments: unknown.into(),
            ..Default::default()
        };
        rig.update_segment_settings(settings, &["unknown_segments"])
            .await
            .unwrap()
    };

    set(UnknownSegments::Refuse).await;
    let refused = rig
        .add_segments(CONTACTS, &[segment("a", "a")])
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "SEGMENT_NOT_REGISTERED");
    rig.put_segments(&[registered("known", &[])]).await.unwrap();
    let settings = set(UnknownSegments::Accept).await;
    assert!(settings.has_registered_segments);
    let added = rig.add_segments(CONTACTS, &[segment("a", "a")]).await.unwrap();
    assert_eq!(
        added.segments[0].registration(),
        SegmentRegistration::NotYetRegistered
    );
}

async fn row_12_a_registered_name_is_shown_where_a_segment_has_none(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    rig.put_segments(&[registered("a", &[])]).await.unwrap();
    let nameless = SegmentActivation {
        display_name: String::new(),
        ..segment("a", "a")
    };

    let added = rig.add_segments(CONTACTS, &[nameless]).await.unwrap();

    assert_eq!(added.segments[0].display_name, "");
    assert_eq!(added.segments[0].registered_name, "Registered a");
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), added);
    // A Mapping ID is made from it too.
    let request = SuggestMappingIdsRequest {
        name: CONTACTS.to_owned(),
        segments: vec![SegmentName {
            segment: "a".to_owned(),
            display_name: String::new(),
        }],
    };
    let answer = rig.destinations.clone().suggest_mapping_ids(request).await;
    assert_eq!(
        answer.unwrap().into_inner().suggestions[0].mapping_id,
        "Registered_a"
    );
}

fn namespaces(allowed: &[&str], denied: &[&str]) -> SegmentNamespaces {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    SegmentNamespaces {
        allowed: list(allowed),
        denied: list(denied),
    }
}

async fn row_102_namespaces_are_allowed_or_denied_and_never_both(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let of_destination = async |namespaces: SegmentNamespaces| {
        let destination = Destination {
            name: CONTACTS.to_owned(),
            segment_namespaces: Some(namespaces),
            ..Default::default()
        };
        rig.update_destination(destination, &["segment_namespaces"]).await
    };
    let of_workspace = async |namespaces: SegmentNamespaces| {
        let settings = SegmentSettings {
            segment_namespaces: Some(namespaces),
            ..Default::default()
        };
        rig.update_segment_settings(settings, &["segment_namespaces"])
            .await
    };

    for one in [namespaces(&["ups"], &[]), namespaces(&[], &["partner"])] {
        let stored = of_destination(one.clone()).await.unwrap();
        assert_eq!(stored.segment_namespaces, Some(one.clone()));
        let stored = of_workspace(one.clone()).await.unwrap();
        assert_eq!(stored.segment_namespaces, Some(one));
    }
    let any = of_destination(namespaces(&[], &[])).await.unwrap();
    assert_eq!(any.segment_namespaces, None);
    let both = namespaces(&["ups"], &["partner", " "]);
    let refused = of_destination(both.clone()).await.unwrap_err();
    let problems = assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "destination.segment_namespaces",
            "destination.segment_namespaces.denied[1]",
        ],
    );
    assert!(problems[0].contains("give one of them"), "{problems:?}");
    let refused = of_workspace(both).await.unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "settings.segment_namespaces",
            "settings.segment_namespaces.denied[1]",
        ],
    );
}

async fn row_102_a_segment_of_a_namespace_that_is_not_allowed_is_refused(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let partner = RegisteredSegment {
        namespace: "partner".to_owned(),
        ..registered("theirs", &[])
    };
    rig.put_segments(&[partner, registered("vip-people", &[]), registered("ours", &[])])
        .await
        .unwrap();
    let restrict = async |namespaces: SegmentNamespaces| {
        let destination = Destination {
            name: CONTACTS.to_owned(),
            segment_namespaces: Some(namespaces),
            ..Default::default()
        };
        rig.update_destination(destination, &["segment_namespaces"]).await
    };

    restrict(namespaces(&["ups"], &[])).await.unwrap();
    let refused = rig
        .add_segments(CONTACTS, &[segment("ours", "ours"), segment("theirs", "theirs")])
        .await
        .unwrap_err();
    let problems = assert_names(&refused, Code::FailedPrecondition, &["segments[1].segment"]);
    assert_eq!(reason(&refused), "SEGMENT_NAMESPACE_NOT_ALLOWED");
    for part in ["The theirs", "partner", "destination's segment_namespaces"] {
        assert!(problems[0].contains(part), "{problems:?}");
    }
    // A rule that shuts out what is there is refused too.
    let refused = restrict(namespaces(&[], &["ups"])).await.unwrap_err();
    assert_names(&refused, Code::FailedPrecondition, &["segments[0].segment"]);

    // Both rules must allow it; the workspace's counts for what is added and
    // activated from then on.
    restrict(namespaces(&[], &[])).await.unwrap();
    let settings = SegmentSettings {
        segment_namespaces: Some(namespaces(&["partner"], &[])),
        ..Default::default()
    };
    rig.update_segment_settings(settings, &["segment_namespaces"])
        .await
        .unwrap();
    let refused = rig
        .add_segments(CONTACTS, &[segment("ours", "ours")])
        .await
        .unwrap_err();
    let problems = assert_names(&refused, Code::FailedPrecondition, &["segments[0].segment"]);
    assert!(problems[0].contains("segmentSettings"), "{problems:?}");
    let refused = rig.activate(CONTACTS).await.unwrap_err();
    assert_names(&refused, Code::FailedPrecondition, &["segments[0].segment"]);
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    rig.create_field(ACME, "theirs__c").await;
    rig.add_segments(CONTACTS, &[segment("theirs", "theirs")])
        .await
        .unwrap();
    rig.activate(CONTACTS).await.unwrap();
}

async fn row_115_consent_is_previewed_as_it_was_registered(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let counted = |segment: &str, all, consented| RegisteredSegment {
        member_count: Some(all),
        consented_member_count: consented,
        count_time: Some(Timestamp { seconds: 7, nanos: 0 }),
        ..registered(segment, &[])
    };
    rig.add_segments(
        CONTACTS,
        &[segment("a", "a"), segment("b", "b"), segment("unknown", "c")],
    )
    .await
    .unwrap();
    rig.put_segments(&[counted("a", 100, Some(60)), counted("b", 50, None)])
        .await
        .unwrap();

    let request = PreviewConsentRequest {
        name: CONTACTS.to_owned(),
    };
    let preview = rig.governance.clone().preview_consent(request).await.unwrap();

    let rows: Vec<_> = preview
        .into_inner()
        .segments
        .into_iter()
        .map(|row| {
            (
                row.segment,
                row.member_count,
                row.consented_member_count,
                row.excluded_member_count,
                row.count_time.map(|time| time.seconds),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("a".to_owned(), Some(100), Some(60), Some(40), Some(7)),
            ("b".to_owned(), Some(50), None, None, Some(7)),
            ("unknown".to_owned(), None, None, None, None),
        ]
    );
}

async fn settings_take_an_etag(place: &Place) {
    let rig = Rig::start(place).await;
    let read = async || {
        let request = GetSegmentSettingsRequest {
            name: "workspaces/acme/segmentSettings".to_owned(),
        };
        let answer = rig.segments.clone().get_segment_settings(request).await;
        answer.unwrap().into_inner().settings.unwrap()
    };
    let before = read().await;
    assert_eq!(before.unknown_segments(), UnknownSegments::AcceptUntilRegistered);
    assert!(!before.has_registered_segments);
    // Registering is not an edit of the settings.
    rig.put_segments(&[registered("a", &[])]).await.unwrap();
    assert_eq!(read().await.etag, before.etag);

    let wanted = SegmentSettings {
        unknown_segments: UnknownSegments::Refuse.into(),
        ..before
    };
    let changed = rig
        .update_segment_settings(wanted.clone(), &["unknown_segments"])
        .await
        .unwrap();
    let stale = rig
        .update_segment_settings(wanted, &["unknown_segments"])
        .await
        .unwrap_err();
    let unknown_path = rig
        .update_segment_settings(SegmentSettings::default(), &["name"])
        .await
        .unwrap_err();

    assert_eq!(stale.code(), Code::Aborted);
    assert_names(&unknown_path, Code::InvalidArgument, &["update_mask"]);
    assert_eq!(read().await, changed);
    assert!(changed.has_registered_segments);
}
