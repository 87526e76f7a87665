//! What samples would become: the very mapping that delivery works by.

use activation::{
    map::{Acceptance, MapResult, MappedIdentity, map},
    outcome::Excluded,
    plan::Rules,
    profile::{AttributeValue, Consent, Found, ProfileUpdate, SegmentStatus},
    record::Arrival,
};
use chrono::{DateTime, Utc};
use contracts::config::v1::{self as pb, sample_identity};

use super::planned_record::{fields_of, key_text, sample_record};

/// What one sample comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedSample {
    pub update_id: String,
    pub identities: Vec<MappedIdentity>,
    /// Salesforce fields that are required and that the sample has no value for.
    pub lacks: Vec<String>,
}

/// Maps samples as if they were accepted now, one after the other.
pub fn dry_run(updates: &[ProfileUpdate], rules: &Rules, now: DateTime<Utc>) -> Vec<MappedSample> {
    updates
        .iter()
        .zip(0..)
        .map(|(update, entry)| {
            let accepted = Acceptance {
                time: now,
                arrival: Arrival { position: 1, entry },
            };
            MappedSample {
                update_id: update.update_id.clone(),
                identities: map(update, rules, accepted, now),
                lacks: lacking(update, rules),
            }
        })
        .collect()
}

fn lacking(update: &ProfileUpdate, rules: &Rules) -> Vec<String> {
    rules
        .attributes
        .iter()
        .filter(|planned| planned.required)
        .filter(|planned| match update.attribute(&planned.source_path) {
            Found::Absent | Found::Value(AttributeValue::Null) => true,
            Found::Value(AttributeValue::Text(text)) => text.trim().is_empty(),
            Found::Value(_) | Found::Object => false,
        })
        .map(|planned| planned.field.to_string())
        .collect()
}

/// Writes samples as the API tells them, in their order.
pub fn results(samples: &[MappedSample], rules: &Rules) -> Vec<pb::SampleResult> {
    samples
        .iter()
        .zip(0..)
        .map(|(sample, index)| pb::SampleResult {
            sample: index,
            update_id: sample.update_id.clone(),
            identities: sample
                .identities
                .iter()
                .map(|identity| pb::SampleIdentity {
                    id: identity.id.clone(),
                    result: Some(result(identity, sample, rules)),
                })
                .collect(),
        })
        .collect()
}

fn result(identity: &MappedIdentity, sample: &MappedSample, rules: &Rules) -> sample_identity::Result {
    match &identity.result {
        MapResult::Write(contribution) => {
            let fields = fields_of(
                contribution
                    .fields
                    .iter()
                    .map(|(name, write)| (name, &write.value)),
            );
            let mut record = sample_record(
                rules,
                &key_text(&contribution.key, &contribution.key_text),
                &fields,
            );
            record.excluded_as = contribution
                .excluded_as
                .map(|reason| reason.to_string())
                .unwrap_or_default();
            sample_identity::Result::Record(record)
        }
        MapResult::Exclude(reason) | MapResult::LeaveAlone { reason, .. } => {
            sample_identity::Result::Excluded(pb::SampleRefusal {
                code: reason.to_string(),
                message: because(*reason, rules),
                fields: match reason {
                    Excluded::MissingRequiredValue => sample.lacks.clone(),
                    _ => Vec::new(),
                },
            })
        }
        MapResult::Fail(failure) => sample_identity::Result::Failed(pb::SampleRefusal {
            code: failure.code.clone(),
            message: failure.message.clone(),
            fields: failure.fields.clone(),
        }),
    }
}

/// Counts, for each segment, the samples that are in it and that remain.
pub fn segment_previews(
    updates: &[ProfileUpdate],
    samples: &[MappedSample],
    rules: &Rules,
) -> Vec<pb::SegmentPreview> {
    rules
        .segments
        .iter()
        .map(|planned| {
            let mut preview = pb::SegmentPreview {
                segment: planned.segment.clone(),
                display_name: planned.display_name.clone(),
                ..pb::SegmentPreview::default()
            };
            for (update, sample) in updates.iter().zip(samples) {
                let is_member = update.memberships.iter().any(|membership| {
                    membership.segment == planned.segment && membership.status != SegmentStatus::Exited
                });
                if !is_member {
                    continue;
                }
                preview.samples += 1;
                if update.consent == Consent::Withdrawn {
                    preview.without_consent += 1;
                    continue;
                }
                let is_written = sample.identities.iter().any(|identity| match &identity.result {
                    MapResult::Write(contribution) => contribution.fields.contains_key(&planned.field),
                    MapResult::Exclude(_) | MapResult::LeaveAlone { .. } | MapResult::Fail(_) => false,
                });
                if is_written && !update.deleted {
                    preview.remaining += 1;
                }
            }
            preview
        })
        .collect()
}

/// Says for people why something is not sent.
fn because(reason: Excluded, rules: &Rules) -> String {
    let record_type = rules.record_type;
    match reason {
        Excluded::NoIdentity => {
            "The profile has no id where the key is mapped from: no identity of that namespace, or no such \
             attribute"
                .to_owned()
        }
        Excluded::OtherRecordKind => {
            format!("The id is of the other kind of record; this destination writes {record_type}s")
        }
        Excluded::MissingRequiredValue => {
            format!("A field that Salesforce requires of a {record_type} has no value in the profile")
        }
        Excluded::NothingMapped => {
            "Nothing in the profile is mapped: no mapped attribute, and no active segment".to_owned()
        }
        Excluded::Consent => {
            "The profile does not consent, and no segment has begun that it could leave".to_owned()
        }
        Excluded::ProfileDeleted => {
            "The profile was deleted, and the destination leaves its record alone".to_owned()
        }
        Excluded::LeadConverted => "The lead was converted".to_owned(),
        Excluded::RecordGone => "The record was deleted or merged away".to_owned(),
        Excluded::NotFoundNotCreated => "No record has this key, and the destination creates none".to_owned(),
        Excluded::CreateLimit => "The day's limit of new records is reached".to_owned(),
        Excluded::Discarded => "The admin chose to discard what was accepted before".to_owned(),
    }
}
