//! Destinations that keep to policies, and those that do not.

use contracts::{
    config::v1::{
        DesiredState, Destination, EvaluateDestinationRequest, Policy, SegmentActivation, ViolationResponse,
        WaitingUpdates,
    },
    status::reason,
};
use serde_json::json;
use tonic::Code;

use crate::{
    governed::{THIRD_PARTY, assert_fields, policy, policy_name, registered, violations_of},
    place::{Place, on_both_databases},
    rig::{CONTACTS, Rig, assert_names, attribute, mappings, segment},
    simulated::ACME,
};

on_both_databases!(
    row_114_217_a_violation_blocks_activation_until_it_is_resolved,
    row_219_a_c12_field_is_refused_whatever_the_destination_is_used_for,
    row_219_c1_and_c2_are_refused_by_policies_that_are_on,
    row_222_a_label_counts_only_on_a_field_that_is_mapped_or_used_by_a_segment,
    row_223_labels_of_two_segments_are_not_added_up,
    row_224_a_violation_names_policy_labels_field_segment_and_ways_out,
    row_224_a_violation_is_a_problem_in_json_too,
    row_225_every_later_edit_that_brings_a_violation_is_refused,
    row_225_a_change_elsewhere_is_taken_and_tells_what_it_breaks,
    row_225_a_change_elsewhere_can_disable_what_it_breaks,
    row_225_a_change_elsewhere_can_be_refused,
    row_225_staged_edits_are_judged_again_when_they_are_applied,
    violations_are_mended_one_by_one,
    a_violation_never_slips_between_two_changes_at_the_same_time,
);

const EXPORT: &str = "EXPORT_TO_THIRD_PARTY";

/// Starts with the draft [`CONTACTS`], which is used for [`EXPORT`], and the
/// policy that forbids it C2.
async fn start_governed(place: &Place) -> Rig {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "Email2__c").await;
    rig.create_field(ACME, "buyers__c").await;
    rig.use_for(CONTACTS, &[EXPORT]).await.unwrap();
    rig.switch(THIRD_PARTY, true).await;
    rig
}

async fn map_email(rig: &Rig) -> Result<Destination, tonic::Status> {
    let mut rows = mappings();
    rows.push(attribute("personalEmail.address", "Email2__c"));
    rig.set_field_mappings(CONTACTS, &rows).await
}

async fn row_114_217_a_violation_blocks_activation_until_it_is_resolved(place: &Place) {
    let rig = start_governed(place).await;
    rig.label("person.name", &["C2"]).await;
    // A draft may be unfinished, and is told.
    let evaluated = rig.evaluate(CONTACTS).await;
    assert_eq!(evaluated.len(), 1);
    assert_eq!(rig.shown_violations().await, evaluated);

    let refused = rig.activate(CONTACTS).await.unwrap_err();

    assert_eq!(violations_of(&refused), evaluated);
    assert_names(&refused, Code::FailedPrecondition, &["field_mappings[1].source"]);
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap().desired_state(),
        DesiredState::Draft
    );
    assert!(rig.all_plans().await.is_empty());
    rig.use_for(CONTACTS, &["ANALYTICS"]).await.unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!(active.desired_state(), DesiredState::Enabled);
    assert!(active.policy_violations.is_empty());
}

async fn row_219_a_c12_field_is_refused_whatever_the_destination_is_used_for(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.label("personalEmail", &["C12"]).await;
    rig.label("identityMap.loyaltyId", &["C12"]).await;

    // Even in a draft that is used for nothing.
    let refused = map_email(&rig).await.unwrap_err();
    let violations = violations_of(&refused);
    assert_eq!(violations[0].policy, policy_name("core-never-exported"));
    assert_eq!(violations[0].marketing_action, "");
    assert_fields(&violations[0], &["personalEmail.address"]);
    assert!(
        violations[0]
            .resolutions
            .iter()
            .all(|way| !way.contains("switch")),
        "{violations:?}"
    );
    let loyalty = [
        crate::rig::identity("loyaltyId", "SalesforceId"),
        mappings()[1].clone(),
    ];
    let refused = rig.set_field_mappings(CONTACTS, &loyalty).await.unwrap_err();
    assert_fields(&violations_of(&refused)[0], &["identityMap.loyaltyId"]);
    // A segment whose rule uses it too: its status tells of it.
    rig.put_segments(&[
        registered("vip-people", &[]),
        registered("buyers", &["personalEmail.address"]),
    ])
    .await
    .unwrap();
    let refused = rig
        .add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap_err();
    assert_eq!(violations_of(&refused)[0].segment, "buyers");
    assert_names(&refused, Code::FailedPrecondition, &["segments[0].segment"]);

    // And in an activated one.
    let active = rig.activate(CONTACTS).await.unwrap();
    rig.create_field(ACME, "Email2__c").await;
    violations_of(&map_email(&rig).await.unwrap_err());
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), active);
}

async fn row_219_c1_and_c2_are_refused_by_policies_that_are_on(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "Email2__c").await;
    rig.use_for(CONTACTS, &[EXPORT]).await.unwrap();
    rig.activate(CONTACTS).await.unwrap();
    for (label, policy) in [("C1", "core-only-aggregated-export"), ("C2", THIRD_PARTY)] {
        rig.label("personalEmail", &[label]).await;
        // Off: it never blocks (row 221).
        map_email(&rig).await.unwrap();
        rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();

        rig.switch(policy, true).await;
        let refused = map_email(&rig).await.unwrap_err();

        assert_eq!(violations_of(&refused)[0].policy, policy_name(policy));
        rig.switch(policy, false).await;
    }
}

async fn row_222_a_label_counts_only_on_a_field_that_is_mapped_or_used_by_a_segment(place: &Place) {
    let rig = start_governed(place).await;
    rig.put_segments(&[
        registered("vip-people", &["person.gender"]),
        registered("buyers", &["person.birthDate"]),
    ])
    .await
    .unwrap();
    rig.label("personalEmail", &["C2"]).await;
    rig.label("person.birthDate", &["C2"]).await;
    rig.activate(CONTACTS).await.unwrap();

    let mapped = map_email(&rig).await.unwrap_err();
    let used = rig
        .add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap_err();

    assert_fields(&violations_of(&mapped)[0], &["personalEmail.address"]);
    assert_fields(&violations_of(&used)[0], &["person.birthDate"]);
}

async fn row_223_labels_of_two_segments_are_not_added_up(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.create_field(ACME, "buyers__c").await;
    rig.create_field(ACME, "both__c").await;
    rig.use_for(CONTACTS, &["ANALYTICS"]).await.unwrap();
    rig.create_policy("both", policy("ANALYTICS", &["C1", "C2"]))
        .await
        .unwrap();
    rig.label("a", &["C1"]).await;
    rig.label("b", &["C2"]).await;
    rig.put_segments(&[
        registered("vip-people", &["a"]),
        registered("buyers", &["b"]),
        registered("both", &["a", "b"]),
    ])
    .await
    .unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();

    rig.activate(CONTACTS).await.unwrap();

    let refused = rig
        .add_segments(CONTACTS, &[segment("both", "both")])
        .await
        .unwrap_err();
    let violations = violations_of(&refused);
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].segment, "both");
    assert_fields(&violations[0], &["a", "b"]);
}

async fn row_224_a_violation_names_policy_labels_field_segment_and_ways_out(place: &Place) {
    let rig = start_governed(place).await;
    rig.label("person", &["C2", "I1"]).await;
    rig.put_segments(&[
        registered("vip-people", &[]),
        registered("buyers", &["person.birthDate"]),
    ])
    .await
    .unwrap();
    let nameless = SegmentActivation {
        display_name: String::new(),
        ..segment("buyers", "buyers")
    };
    rig.add_segments(CONTACTS, &[nameless]).await.unwrap();

    let refused = rig.activate(CONTACTS).await.unwrap_err();

    let violations = violations_of(&refused);
    assert_eq!(violations.len(), 2, "{violations:?}");
    let of_segment = &violations[1];
    assert_eq!(of_segment.destination, CONTACTS);
    assert_eq!(of_segment.policy, policy_name(THIRD_PARTY));
    assert_eq!(of_segment.policy_display_name, "No export to third parties");
    assert_eq!(of_segment.marketing_action, EXPORT);
    assert_eq!(of_segment.labels, ["C2"]);
    assert_eq!(of_segment.segment, "buyers");
    assert_eq!(of_segment.segment_display_name, "Registered buyers");
    assert_fields(of_segment, &["person.birthDate"]);
    assert_eq!(of_segment.fields[0].labels, ["C2"]);
    assert_eq!(of_segment.fields[0].labelled_fields, ["person"]);
    let problems = assert_names(
        &refused,
        Code::FailedPrecondition,
        &["field_mappings[1].source", "segments[1].segment"],
    );
    for part in [
        "No export to third parties (core-third-party-export)",
        "contacts is used for EXPORT_TO_THIRD_PARTY",
        "forbids for C2",
        "person.birthDate (labelled C2 from person)",
        "Registered buyers (buyers)",
        "remove the segment",
        "marketing_actions",
        "correct the labels",
        "switch the policy core-third-party-export off",
    ] {
        assert!(problems[1].contains(part), "{part}: {}", problems[1]);
    }
    assert_eq!(of_segment.resolutions.len(), 5);
}

async fn row_224_a_violation_is_a_problem_in_json_too(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let http = rig.serve_http().await;
    let labels = json!({"fieldLabels": [{"field": "person.name", "labels": ["C2"]}]});
    http.post("workspaces/acme/fieldLabels:put", labels).await.ok();
    let policy = json!({"enabled": true});
    http.patch(
        &format!("{}?updateMask=enabled", policy_name(THIRD_PARTY)),
        policy,
    )
    .await
    .ok();
    let used = json!({"marketingActions": [EXPORT]});
    http.patch(&format!("{CONTACTS}?updateMask=marketingActions"), used)
        .await
        .ok();

    let refused = http.post(&format!("{CONTACTS}:activate"), json!({})).await;

    assert_eq!(refused.json["reason"], "POLICY_VIOLATION");
    let named: Vec<&str> = refused.json["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["field_mappings[1].source", &policy_name(THIRD_PARTY)]);
    let evaluated = http.get(&format!("{CONTACTS}:evaluate")).await.ok();
    assert_eq!(
        evaluated["violations"][0]["fields"][0]["field"],
        "person.name.lastName"
    );
    let registered = json!({"segments": [{"segment": "a/b", "displayName": "A"}]});
    http.post("workspaces/acme/segments:put", registered).await.ok();
    let read = http.get("workspaces/acme/segments/a%2Fb").await.ok();
    assert_eq!(read["displayName"], "A");
    let label = json!({"description": "Points"});
    http.put("workspaces/acme/labels/LOYALTY", label).await.ok();
}

async fn row_225_every_later_edit_that_brings_a_violation_is_refused(place: &Place) {
    let rig = start_governed(place).await;
    rig.use_for(CONTACTS, &["ANALYTICS"]).await.unwrap();
    rig.label("personalEmail", &["C2"]).await;
    rig.label("person.birthDate", &["C8"]).await;
    rig.switch("core-analytics", true).await;
    rig.put_segments(&[
        registered("vip-people", &[]),
        registered("buyers", &["person.birthDate"]),
    ])
    .await
    .unwrap();
    rig.activate(CONTACTS).await.unwrap();

    // A segment, by its rule.
    let refused = rig
        .add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap_err();
    assert_eq!(violations_of(&refused)[0].segment, "buyers");
    assert_names(&refused, Code::FailedPrecondition, &["segments[0].segment"]);
    // What the data is used for.
    let before = map_email(&rig).await.unwrap();
    let refused = rig.use_for(CONTACTS, &["ANALYTICS", EXPORT]).await.unwrap_err();
    assert_fields(&violations_of(&refused)[0], &["personalEmail.address"]);
    assert_names(
        &refused,
        Code::FailedPrecondition,
        &["destination.marketing_actions"],
    );
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), before);
    // A mapping, in a disabled destination too.
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    rig.use_for(CONTACTS, &[EXPORT]).await.unwrap();
    rig.disable(CONTACTS).await.unwrap();
    violations_of(&map_email(&rig).await.unwrap_err());
}

async fn row_225_a_change_elsewhere_is_taken_and_tells_what_it_breaks(place: &Place) {
    let rig = start_governed(place).await;
    rig.switch(THIRD_PARTY, false).await;
    rig.put_segments(&[registered("vip-people", &[])]).await.unwrap();
    map_email(&rig).await.unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();

    // A label alone breaks nothing while the policy is off.
    assert!(rig.label("personalEmail", &["C2"]).await.is_empty());
    let by_policy = rig.switch(THIRD_PARTY, true).await;
    assert_eq!(by_policy.len(), 1);
    assert_eq!(by_policy[0].destination, CONTACTS);
    assert!(!by_policy[0].disabled);
    assert_fields(&by_policy[0].violations[0], &["personalEmail.address"]);
    assert_eq!(rig.shown_violations().await, by_policy[0].violations);
    // Only what a change brings is told.
    let by_label = rig.label("person.birthDate", &["C2"]).await;
    assert!(by_label.is_empty(), "{by_label:?}");
    let by_rule = rig
        .put_segments(&[registered("vip-people", &["person.birthDate"])])
        .await
        .unwrap()
        .affected_destinations;
    assert_eq!(by_rule[0].violations.len(), 1);
    assert_eq!(by_rule[0].violations[0].segment, "vip-people");
    assert_eq!(rig.shown_violations().await.len(), 2);
    assert_eq!(rig.evaluate(CONTACTS).await, rig.shown_violations().await);

    // It delivers on, by the plan that it had.
    let shown = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(shown.desired_state(), DesiredState::Enabled);
    assert_eq!((shown.revision, shown.etag), (active.revision, active.etag));
    // What mends it elsewhere needs no word here.
    rig.label("personalEmail", &[]).await;
    rig.label("person.birthDate", &[]).await;
    assert!(rig.shown_violations().await.is_empty());
}

async fn row_225_a_change_elsewhere_can_disable_what_it_breaks(place: &Place) {
    let rig = start_governed(place).await;
    map_email(&rig).await.unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();
    let mut watcher = rig.watch(active.revision).await;
    watcher.snapshot().await;

    let affected = rig
        .label_or("personalEmail", &["C2"], ViolationResponse::Disable)
        .await
        .unwrap();

    assert!(affected[0].disabled);
    assert_eq!(watcher.next_plan().await.state(), DesiredState::Disabled);
    let disabled = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(disabled.desired_state(), DesiredState::Disabled);
    assert_ne!(disabled.etag, active.etag);
    // Nobody can undo that before it is mended.
    let refused = rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap_err();
    violations_of(&refused);
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    violations_of(&rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap_err());
    rig.apply(CONTACTS).await.unwrap();
    rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap();
    // One that is disabled already stays so, and is told all the same.
    rig.disable(CONTACTS).await.unwrap();
    let affected = rig
        .label_or("person", &["C2"], ViolationResponse::Disable)
        .await
        .unwrap();
    assert_eq!((affected.len(), affected[0].disabled), (1, false));
}

async fn row_225_a_change_elsewhere_can_be_refused(place: &Place) {
    let rig = start_governed(place).await;
    rig.switch(THIRD_PARTY, false).await;
    rig.put_segments(&[registered("vip-people", &[])]).await.unwrap();
    rig.activate(CONTACTS).await.unwrap();
    let switch = Policy {
        name: policy_name(THIRD_PARTY),
        enabled: true,
        ..Default::default()
    };
    let refuse = ViolationResponse::Refuse;
    rig.label_or("person.birthDate", &["C2"], refuse).await.unwrap();
    rig.label_or("person.name", &["C2"], refuse).await.unwrap();

    let refused = rig
        .update_policy(switch.clone(), &["enabled"], refuse)
        .await
        .unwrap_err();

    let violations = violations_of(&refused);
    assert_eq!(violations[0].destination, CONTACTS);
    assert_names(&refused, Code::FailedPrecondition, &["violation_response"]);
    rig.label("person.name", &[]).await;
    let (policy, affected) = rig.update_policy(switch, &["enabled"], refuse).await.unwrap();
    assert!(policy.enabled && affected.is_empty());
    let refused = rig.label_or("person.name", &["C2"], refuse).await.unwrap_err();
    violations_of(&refused);
    let refused = rig
        .put_segments_or(&[registered("vip-people", &["person.birthDate"])], refuse)
        .await
        .unwrap_err();
    violations_of(&refused);
    assert!(rig.registered("vip-people").await.unwrap().fields.is_empty());
    assert!(rig.shown_violations().await.is_empty());
}

async fn violations_are_mended_one_by_one(place: &Place) {
    let rig = start_governed(place).await;
    rig.put_segments(&[registered("vip-people", &["person.birthDate"])])
        .await
        .unwrap();
    map_email(&rig).await.unwrap();
    rig.activate(CONTACTS).await.unwrap();
    rig.label("personalEmail", &["C2"]).await;
    rig.label("person.birthDate", &["C2"]).await;
    assert_eq!(rig.shown_violations().await.len(), 2);

    // Another field on top is refused, whatever is broken already.
    let mut more = mappings();
    more.push(attribute("personalEmail.address", "Email2__c"));
    more.push(attribute("personalEmail.type", "buyers__c"));
    let refused = rig.set_field_mappings(CONTACTS, &more).await.unwrap_err();
    assert_fields(
        &violations_of(&refused)[0],
        &["personalEmail.address", "personalEmail.type"],
    );
    // An edit that has nothing to do with it is taken.
    let renamed = Destination {
        name: CONTACTS.to_owned(),
        display_name: "Renamed".to_owned(),
        ..Default::default()
    };
    rig.update_destination(renamed, &["display_name"]).await.unwrap();
    // And each step out of it, which counts once it is live.
    let staged = rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    assert_eq!(staged.policy_violations.len(), 2);
    // So is the way back to what is live.
    rig.discard_changes(CONTACTS).await.unwrap();
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    let half = rig.apply(CONTACTS).await.unwrap();
    assert_eq!(half.policy_violations.len(), 1);
    assert_eq!(half.policy_violations[0].segment, "vip-people");
    rig.remove_segment(CONTACTS, "vip-people").await.unwrap();
    let whole = rig.apply(CONTACTS).await.unwrap();
    assert!(whole.policy_violations.is_empty());
}

async fn row_225_staged_edits_are_judged_again_when_they_are_applied(place: &Place) {
    let rig = start_governed(place).await;
    rig.put_segments(&[registered("vip-people", &[]), registered("buyers", &[])])
        .await
        .unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();
    map_email(&rig).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("buyers", "buyers")])
        .await
        .unwrap();

    // Nothing that is live breaks the policy.
    let affected = rig.label("personalEmail", &["C2"]).await;
    assert!(affected.is_empty(), "{affected:?}");
    assert!(rig.shown_violations().await.is_empty());
    let request = EvaluateDestinationRequest {
        name: CONTACTS.to_owned(),
    };
    let evaluated = rig.governance.clone().evaluate_destination(request).await;
    let evaluated = evaluated.unwrap().into_inner();
    assert!(evaluated.violations.is_empty());
    assert_fields(&evaluated.staged_violations[0], &["personalEmail.address"]);
    let refused = rig.apply(CONTACTS).await.unwrap_err();
    assert_eq!(violations_of(&refused), evaluated.staged_violations);
    assert_eq!(
        rig.destination(CONTACTS).await.unwrap().live_revision,
        active.live_revision
    );

    // A segment that is staged and is no longer registered does not go live.
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    rig.forget_segments(&["vip-people", "buyers"]).await;
    let refused = rig.apply(CONTACTS).await.unwrap_err();
    assert_eq!(reason(&refused), "SEGMENT_NOT_REGISTERED");
    assert_names(&refused, Code::FailedPrecondition, &["segments[1].segment"]);
    rig.put_segments(&[registered("buyers", &[])]).await.unwrap();
    rig.apply(CONTACTS).await.unwrap();
}

async fn a_violation_never_slips_between_two_changes_at_the_same_time(place: &Place) {
    let rig = start_governed(place).await;
    rig.activate(CONTACTS).await.unwrap();
    for _ in 0..5 {
        rig.label("personalEmail", &[]).await;
        rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();

        rig.apply(CONTACTS).await.unwrap();
        map_email(&rig).await.unwrap();

        let (applied, affected) = tokio::join!(rig.apply(CONTACTS), rig.label("personalEmail", &["C2"]));

        // One of the two was first, and the other saw it.
        match applied {
            Ok(_) => assert_eq!(affected.len(), 1),
            Err(refused) => {
                assert_eq!(reason(&refused), "POLICY_VIOLATION");
                assert!(affected.is_empty(), "{affected:?}");
            }
        }
    }
}
