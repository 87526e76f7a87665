//! What is written for segment statuses.

use contracts::{
    config::v1::{AddSegmentsRequest, Destination, RecordType, StatusValues},
    status::reason,
};
use serde_json::json;
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, draft, segment},
};

on_both_databases!(
    row_147_148_status_values_are_kept_planned_and_taken_back,
    status_values_that_cannot_be_told_apart_are_refused,
    row_19_20_a_field_that_cannot_hold_the_status_values_is_named,
    row_76_the_251st_segment_is_warned_of_where_so_many_are_allowed,
    row_153_no_call_sets_memberships,
);

fn values(realized: &str, existing: &str, exited: &str) -> Option<StatusValues> {
    Some(StatusValues {
        realized: realized.to_owned(),
        existing: existing.to_owned(),
        exited: exited.to_owned(),
    })
}

fn with_values(values: Option<StatusValues>) -> Destination {
    Destination {
        name: CONTACTS.to_owned(),
        status_values: values,
        ..Default::default()
    }
}

async fn row_147_148_status_values_are_kept_planned_and_taken_back(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let yes_or_no = values("Yes", "Yes", "No");
    let set = rig
        .update_destination(with_values(yes_or_no.clone()), &["status_values"])
        .await
        .unwrap();
    assert_eq!(set.status_values, yes_or_no);
    let rig = rig.restart(place).await;
    rig.activate(CONTACTS).await.unwrap();

    assert_eq!(rig.destination(CONTACTS).await.unwrap().status_values, yes_or_no);
    assert_eq!(rig.all_plans().await[0].status_values, yes_or_no);
    assert!(!rig.all_plans().await[0].segments[0].is_checkbox);

    let verbatim = rig
        .update_destination(with_values(None), &["status_values"])
        .await
        .unwrap();
    assert_eq!(verbatim.status_values, None);
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(rig.all_plans().await[0].status_values, None);
}

async fn status_values_that_cannot_be_told_apart_are_refused(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let before = rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    for (wrong, fields) in [
        (values("in", "in", "IN"), &["realized", "existing"][..]),
        (values("in", "out", "out"), &["existing"]),
        (values("in", "", "out"), &["existing"]),
        (values("in", "in", &"o".repeat(256)), &["exited"]),
    ] {
        let fields: Vec<String> = fields
            .iter()
            .map(|field| format!("destination.status_values.{field}"))
            .collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let updated = rig
            .update_destination(with_values(wrong.clone()), &["status_values"])
            .await;
        assert_names(&updated.unwrap_err(), Code::InvalidArgument, &fields);
        let mut other = draft(CONNECTION);
        other.record_type = RecordType::Lead.into();
        other.status_values = wrong;
        let created = rig.create_destination(WORKSPACE, "other", other).await;
        assert_names(&created.unwrap_err(), Code::InvalidArgument, &fields);
    }
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), before);
}

async fn row_19_20_a_field_that_cannot_hold_the_status_values_is_named(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.put_field("vip__c", "boolean", json!({})).await;
    let refused = rig.activate(CONTACTS).await.unwrap_err();
    let problems = assert_names(&refused, Code::FailedPrecondition, &["segments[0].mapping_id"]);
    assert_eq!(
        problems[0],
        "Field vip__c on Contact is a checkbox and cannot hold 'realized' (segment The vip-people). Set the \
         destination's status values to true and false, or use a Text, Text Area or Picklist field"
    );

    rig.update_destination(with_values(values("true", "true", "false")), &["status_values"])
        .await
        .unwrap();
    let active = rig.activate(CONTACTS).await.unwrap();
    assert!(rig.all_plans().await[0].segments[0].is_checkbox);

    // What is live is held against the org before it changes.
    rig.update_destination(with_values(None), &["status_values"])
        .await
        .unwrap();
    let refused = rig.apply(CONTACTS).await.unwrap_err();
    assert_eq!(reason(&refused), "ORG_DOES_NOT_FIT");
    assert_names(&refused, Code::FailedPrecondition, &["segments[0].mapping_id"]);
    let back = rig.discard_changes(CONTACTS).await.unwrap();
    assert_eq!(
        (back.status_values, back.revision),
        (active.status_values, active.revision)
    );

    let picklist = json!({"picklist_values": ["realized", "exited"], "restricted": true});
    rig.put_field("tier__c", "picklist", picklist).await;
    rig.put_field("short__c", "string", json!({"length": 4})).await;
    rig.put_field("number__c", "double", json!({})).await;
    for (mapping_id, part) in [
        ("tier", "without the value 'true'"),
        ("short", "holds 4 characters, a status needs 5"),
        ("number", "of type double"),
    ] {
        rig.add_segments(CONTACTS, &[segment("others", mapping_id)])
            .await
            .unwrap();
        let refused = rig.apply(CONTACTS).await.unwrap_err();
        let problems = assert_names(&refused, Code::FailedPrecondition, &["segments[1].mapping_id"]);
        rig.discard_changes(CONTACTS).await.unwrap();
        assert!(problems[0].contains(part), "{problems:?}");
    }
}

async fn row_76_the_251st_segment_is_warned_of_where_so_many_are_allowed(place: &Place) {
    let rig = Rig::start_with_max_segments(place, 300).await;
    let add = async |from: usize, to: usize| {
        let numbered = |number| segment(&format!("segment-{number}"), &format!("field_{number}"));
        let request = AddSegmentsRequest {
            name: CONTACTS.to_owned(),
            segments: (from..=to).map(numbered).collect(),
            etag: String::new(),
        };
        let answer = rig.destinations.clone().add_segments(request).await.unwrap();
        let mut warnings = answer.into_inner().warnings;
        warnings.retain(|warning| warning.code != "SEGMENTS_NOT_YET_REGISTERED");
        warnings
    };

    assert_eq!(add(1, 250).await, []);
    let warnings = add(251, 251).await;

    assert_eq!(warnings.len(), 1);
    assert_eq!(
        (warnings[0].code.as_str(), warnings[0].field.as_str()),
        ("MANY_SEGMENTS", "segments")
    );
    assert!(warnings[0].message.contains("251"), "{warnings:?}");
}

/// The services of the config package, as reflection tells them, have no message with a membership.
async fn row_153_no_call_sets_memberships(_place: &Place) {
    let descriptors: prost_types::FileDescriptorSet =
        prost::Message::decode(contracts::FILE_DESCRIPTORS).unwrap();
    let named = descriptors
        .file
        .iter()
        .filter(|file| file.package() == "sluice.config.v1")
        .flat_map(|file| &file.message_type)
        .flat_map(|message| message.field.iter().map(|field| (message.name(), field.name())))
        .filter(|(_, field)| field.contains("membership") || *field == "last_qualification_time");
    assert_eq!(named.collect::<Vec<_>>(), []);
}
