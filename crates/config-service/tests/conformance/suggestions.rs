//! Mapping IDs suggested from segment names.

use contracts::config::v1::{Destination, SegmentName, SuggestMappingIdsRequest, SuggestedMappingId};
use tonic::{Code, Status};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, attribute, draft, segment},
};

on_both_databases!(
    row_23_24_109_mapping_ids_are_suggested_from_names_with_prefix_and_suffix,
    row_24_a_suggestion_is_nobodys_yet,
    row_23_an_affix_that_no_field_name_can_have_is_refused,
);

async fn suggest(
    rig: &Rig,
    name: &str,
    segments: &[(&str, &str)],
) -> Result<Vec<SuggestedMappingId>, Status> {
    let request = SuggestMappingIdsRequest {
        name: name.to_owned(),
        segments: segments
            .iter()
            .map(|(segment, display_name)| SegmentName {
                segment: (*segment).to_owned(),
                display_name: (*display_name).to_owned(),
            })
            .collect(),
    };
    let answer = rig.destinations.clone().suggest_mapping_ids(request).await?;
    Ok(answer.into_inner().suggestions)
}

async fn suggested(rig: &Rig, segments: &[(&str, &str)]) -> Vec<String> {
    let suggestions = suggest(rig, CONTACTS, segments).await.unwrap();
    suggestions.into_iter().map(|one| one.mapping_id).collect()
}

fn with_affixes(prefix: &str, suffix: &str) -> Destination {
    Destination {
        name: CONTACTS.to_owned(),
        mapping_id_prefix: prefix.to_owned(),
        mapping_id_suffix: suffix.to_owned(),
        ..draft(CONNECTION)
    }
}

async fn row_23_24_109_mapping_ids_are_suggested_from_names_with_prefix_and_suffix(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_destination(WORKSPACE, "contacts", with_affixes("DEV_", ""))
        .await
        .unwrap();

    let suggestions = suggest(&rig, CONTACTS, &[("6b8e", "test segment"), ("crm-2", "")])
        .await
        .unwrap();

    let suggestion = |segment: &str, mapping_id: &str| SuggestedMappingId {
        segment: segment.to_owned(),
        mapping_id: mapping_id.to_owned(),
        field: format!("{mapping_id}__c"),
    };
    assert_eq!(
        suggestions,
        [
            suggestion("6b8e", "DEV_test_segment"),
            suggestion("crm-2", "DEV_crm_2")
        ]
    );
    let updated = rig
        .update_destination(with_affixes("ignored", "_seg"), &["mapping_id_suffix"])
        .await
        .unwrap();
    assert_eq!(
        (
            updated.mapping_id_prefix.as_str(),
            updated.mapping_id_suffix.as_str()
        ),
        ("DEV_", "_seg")
    );
    let rig = rig.restart(place).await;
    assert_eq!(suggested(&rig, &[("x", "Käufer")]).await, ["DEV_Kaufer_seg"]);
    // A suggestion can be taken as it is.
    rig.add_segments(CONTACTS, &[segment("x", "DEV_Kaufer_seg")])
        .await
        .unwrap();
}

async fn row_24_a_suggestion_is_nobodys_yet(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    rig.create_draft(WORKSPACE, "others", CONNECTION).await;
    rig.set_field_mappings(CONTACTS, &[attribute("tier", "Tier__c")])
        .await
        .unwrap();
    rig.add_segments(CONTACTS, &[segment("a", "vip")]).await.unwrap();
    rig.add_segments("workspaces/acme/destinations/others", &[segment("b", "buyers")])
        .await
        .unwrap();

    let made = suggested(
        &rig,
        &[
            ("1", "VIP"),
            ("2", "tier"),
            ("3", "Buyers"),
            ("4", "new"),
            ("5", "New"),
        ],
    )
    .await;

    assert_eq!(made, ["VIP_2", "tier_2", "Buyers_2", "new", "New_2"]);
    let nameless = suggest(&rig, CONTACTS, &[("", "x"), ("y", "y"), (" ", "z")]).await;
    assert_names(
        &nameless.unwrap_err(),
        Code::InvalidArgument,
        &["segments[0].segment", "segments[2].segment"],
    );
    let nothing = suggest(&rig, CONTACTS, &[]).await.unwrap_err();
    assert_names(&nothing, Code::InvalidArgument, &["segments"]);
    let gone = suggest(&rig, "workspaces/acme/destinations/gone", &[("x", "")]).await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
}

async fn row_23_an_affix_that_no_field_name_can_have_is_refused(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let (prefix, suffix) = ("destination.mapping_id_prefix", "destination.mapping_id_suffix");
    for (given, fields) in [
        (("a b", ""), &[prefix][..]),
        (("_a", "b_"), &[prefix, suffix]),
        (("2", ""), &[prefix]),
        (("", &*"x".repeat(16)), &[suffix]),
    ] {
        let created = rig
            .create_destination(WORKSPACE, "other", with_affixes(given.0, given.1))
            .await;
        assert_names(&created.unwrap_err(), Code::InvalidArgument, fields);
        let path = fields[0].strip_prefix("destination.").unwrap();
        let updated = rig
            .update_destination(with_affixes(given.0, given.1), &[path])
            .await;
        assert_names(&updated.unwrap_err(), Code::InvalidArgument, &fields[..1]);
    }
}
