//! What was edited of a live destination and is not live yet.

use activation::destination::Activation;
use contracts::{
    config::v1::{DestinationRevision, StagedChange},
    convert::{
        creation::{creation_rules_out, duplicate_rule_out},
        mapping::status_values_out,
        time::duration_out,
    },
    json::json,
};
use serde_json::Value;

use crate::difference::{between, by_name};

/// Lists how two definitions differ, in the words of the API: by field, and in
/// lists by row, which the target or the segment names. The order of rows says
/// nothing and is no difference.
pub fn changes(live: &Activation, staged: &Activation) -> Vec<StagedChange> {
    between(&in_words(live), &in_words(staged))
        .into_iter()
        .map(|change| StagedChange {
            path: change.path,
            live: change.before,
            staged: change.after,
        })
        .collect()
}

/// Returns the part of a revision that a definition fills.
pub fn revision_of(definition: &Activation) -> DestinationRevision {
    DestinationRevision {
        field_mappings: definition.field_mappings.iter().map(Into::into).collect(),
        segments: definition.segments.iter().map(Into::into).collect(),
        deleted_profile_policy: contracts::config::v1::DeletedProfilePolicy::from(
            definition.deleted_profile_policy,
        )
        .into(),
        status_values: status_values_out(&definition.status_values),
        max_delay: Some(duration_out(definition.max_delay)),
        creation_rules: creation_rules_out(&definition.creation_rules),
        duplicate_rule: duplicate_rule_out(definition.duplicate_rule),
        ..DestinationRevision::default()
    }
}

/// Writes a definition as the API does, with rows by their names in place of
/// lists.
pub fn in_words(definition: &Activation) -> Value {
    let mut value = json("sluice.config.v1.DestinationRevision", &revision_of(definition));
    if let Value::Object(fields) = &mut value {
        by_name(fields, "field_mappings", |row| {
            let target = row.get("target")?;
            target.get("field").or_else(|| target.get("identity"))
        });
        by_name(fields, "segments", |row| row.get("segment"));
    }
    value
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use activation::destination::{
        DeletedProfilePolicy, FieldMapping, FieldSource, FieldTarget, RecordType, SegmentActivation,
        WriteMode,
    };

    use super::*;

    fn definition(mappings: &[(&str, &str)], segments: &[(&str, &str)]) -> Activation {
        Activation {
            record_type: RecordType::Contact,
            write_mode: WriteMode::UpdateById,
            field_mappings: mappings
                .iter()
                .map(|(source, target)| FieldMapping {
                    source: FieldSource::AttributePath((*source).to_owned()),
                    target: FieldTarget::Field(target.parse().unwrap()),
                    options: Default::default(),
                })
                .collect(),
            segments: segments
                .iter()
                .map(|(segment, mapping_id)| SegmentActivation {
                    segment: (*segment).to_owned(),
                    display_name: String::new(),
                    mapping_id: mapping_id.parse().unwrap(),
                    start_time: None,
                    end_time: None,
                })
                .collect(),
            deleted_profile_policy: DeletedProfilePolicy::Leave,
            status_values: Default::default(),
            max_delay: Duration::from_secs(60),
            creation_rules: Default::default(),
            duplicate_rule: Default::default(),
        }
    }

    fn told(live: &Activation, staged: &Activation) -> Vec<String> {
        changes(live, staged)
            .into_iter()
            .map(|change| format!("{}: {} -> {}", change.path, change.live, change.staged))
            .collect()
    }

    #[test]
    fn the_order_of_rows_is_no_difference() {
        let one = definition(&[("a", "A__c"), ("b", "B__c")], &[("s", "s"), ("t", "t")]);
        let other = definition(&[("b", "B__c"), ("a", "A__c")], &[("t", "t"), ("s", "s")]);
        assert_eq!(changes(&one, &other), []);
    }

    #[test]
    fn each_difference_is_named_by_its_row_and_field() {
        let live = definition(&[("a", "A__c"), ("b", "B__c")], &[("s", "s"), ("t", "t")]);
        let mut staged = definition(&[("a", "A__c"), ("c", "B__c")], &[("s", "s2"), ("u", "u")]);
        staged.max_delay = Duration::from_secs(5);
        staged.deleted_profile_policy = DeletedProfilePolicy::Exit;
        assert_eq!(
            told(&live, &staged),
            [
                "deleted_profile_policy: \"DELETED_PROFILE_POLICY_LEAVE\" -> \"DELETED_PROFILE_POLICY_EXIT\"",
                "field_mappings[B__c].source.attribute_path: \"b\" -> \"c\"",
                "max_delay: \"60s\" -> \"5s\"",
                "segments[s].field: \"s__c\" -> \"s2__c\"",
                "segments[s].mapping_id: \"s\" -> \"s2\"",
                "segments[t]: {\"segment\":\"t\",\"mapping_id\":\"t\",\"field\":\"t__c\"} -> ",
                "segments[u]:  -> {\"segment\":\"u\",\"mapping_id\":\"u\",\"field\":\"u__c\"}",
            ]
        );
    }
}
