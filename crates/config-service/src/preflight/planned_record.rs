//! Records as Salesforce receives them.

use activation::{
    destination::{DuplicateRule, WriteMode},
    field_name::FieldName,
    map::MapResult,
    outcome::Excluded,
    plan::{OnMissing, Rules},
    record::{FieldValue, MergedFields, RecordKey, Standing},
};
use contracts::config::v1 as pb;
use salesforce::collections::{DuplicateRules, Operation, Options, Record};
use serde_json::{Map, Value};

use super::dry_run::MappedSample;

/// One record, made of what all samples want written to it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRecord {
    /// By their place; at least one.
    pub samples: Vec<usize>,
    pub key: String,
    /// In the order in which they are sent.
    pub fields: Vec<(String, Value)>,
    /// Why no record is created of the profile, by the newest of the samples.
    pub left_alone: Option<Excluded>,
}

/// Merges what samples want written, one record per key as delivery does, in
/// the order in which keys come first.
pub fn planned_records(samples: &[MappedSample]) -> Vec<PlannedRecord> {
    struct Merged<'a> {
        key: &'a RecordKey,
        key_text: &'a str,
        fields: MergedFields,
        standing: Standing,
        samples: Vec<usize>,
    }
    let mut records: Vec<Merged<'_>> = Vec::new();
    for (index, sample) in samples.iter().enumerate() {
        for identity in &sample.identities {
            let (MapResult::Write(contribution) | MapResult::LeaveAlone { contribution, .. }) =
                &identity.result
            else {
                continue;
            };
            match records.iter_mut().find(|record| *record.key == contribution.key) {
                Some(record) => {
                    record.fields.merge(&contribution.fields);
                    record.standing = record.standing.newer(contribution.standing);
                    if !record.samples.contains(&index) {
                        record.samples.push(index);
                    }
                }
                None => {
                    let mut fields = MergedFields::default();
                    fields.merge(&contribution.fields);
                    records.push(Merged {
                        key: &contribution.key,
                        key_text: &contribution.key_text,
                        fields,
                        standing: contribution.standing,
                        samples: vec![index],
                    });
                }
            }
        }
    }
    records
        .into_iter()
        .filter(|record| !record.fields.is_empty())
        .map(|record| PlannedRecord {
            samples: record.samples,
            key: key_text(record.key, record.key_text),
            fields: fields_of(record.fields.iter()),
            left_alone: record.standing.left_alone,
        })
        .collect()
}

impl PlannedRecord {
    pub(super) fn to_send(&self) -> Record {
        Record {
            key: Some(self.key.clone()),
            fields: self.fields.clone(),
        }
    }

    pub(super) fn told(&self, rules: &Rules) -> pb::SampleRecord {
        sample_record(rules, &self.key, &self.fields)
    }

    /// Says why Salesforce was not asked to create it.
    pub(super) fn not_created(&self, rules: &Rules) -> pb::SampleRefusal {
        let (reason, message) = match (self.left_alone, rules.on_missing()) {
            (Some(reason), _) => (
                reason,
                "No record has this key, and none is created of a profile that was deleted or does not consent",
            ),
            (None, OnMissing::CreateApart) => (
                Excluded::NotFoundNotCreated,
                "No record has this key. Delivery creates one as the creation rules say; sending one does not",
            ),
            (None, OnMissing::Exclude | OnMissing::Refuse | OnMissing::Create) => (
                Excluded::NotFoundNotCreated,
                "No record has this key, and the destination creates none",
            ),
        };
        pb::SampleRefusal {
            code: reason.to_string(),
            message: message.to_owned(),
            fields: Vec::new(),
        }
    }
}

/// Returns how records are written. Where delivery creates in a call of its own,
/// this one creates too.
pub(super) fn operation(rules: &Rules, left_alone: Option<Excluded>) -> Operation {
    match &rules.write_mode {
        WriteMode::UpdateById => Operation::Update,
        WriteMode::Upsert { key_field } => Operation::Upsert {
            key_field: key_field.to_string(),
            update_only: left_alone.is_some() || !rules.may_create(),
        },
    }
}

/// Returns what a call asks for beside its records, with each of them standing
/// for itself.
pub(super) fn options(rules: &Rules) -> Options {
    let duplicate_rules = (rules.duplicate_rule == DuplicateRule::Allow).then(|| DuplicateRules {
        allow_save: true,
        ..DuplicateRules::default()
    });
    Options {
        duplicate_rules,
        ..Options::default()
    }
}

/// Returns the key as it is sent.
pub(super) fn key_text(key: &RecordKey, given: &str) -> String {
    match key {
        RecordKey::Id(id) => id.to_string(),
        RecordKey::External { .. } => given.to_owned(),
    }
}

pub(super) fn fields_of<'a>(
    fields: impl Iterator<Item = (&'a FieldName, &'a FieldValue)>,
) -> Vec<(String, Value)> {
    fields
        .map(|(name, value)| (name.to_string(), json(value)))
        .collect()
}

pub(super) fn sample_record(rules: &Rules, key: &str, fields: &[(String, Value)]) -> pb::SampleRecord {
    let key_field = match &rules.write_mode {
        WriteMode::UpdateById => "Id".to_owned(),
        WriteMode::Upsert { key_field } => key_field.to_string(),
    };
    let fields: Map<String, Value> = fields.iter().cloned().collect();
    pb::SampleRecord {
        object: rules.record_type.object().to_owned(),
        key_field,
        key: key.to_owned(),
        fields_json: Value::Object(fields).to_string(),
        excluded_as: String::new(),
    }
}

fn json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Boolean(flag) => Value::from(*flag),
        FieldValue::Integer(integer) => Value::from(*integer),
        FieldValue::Number(number) => Value::from(*number),
        FieldValue::Text(text) => Value::from(text.as_str()),
    }
}
