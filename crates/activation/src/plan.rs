//! The compiled form of an activated destination.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    InvalidField,
    destination::{
        Activation, Constant, Create, CreationRules, DeletedProfilePolicy, DuplicateRule, FieldSource,
        FieldTarget, MappingOptions, RecordType, StatusValues, WriteMode,
    },
    field_name::FieldName,
    names::{ConnectionName, DestinationName, DestinationUid},
    org_shape::{FieldKind, FieldShape, OrgShape},
};

/// All that delivery needs to know of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub destination: DestinationName,
    pub uid: DestinationUid,
    /// Rises with every change, over all destinations.
    pub revision: i64,
    pub state: PlanState,
    pub connection: ConnectionName,
    /// Where tokens for the connection are asked for.
    pub login_host: String,
    /// The 18-character id of the org that the records must go to.
    pub org_id: String,
    pub rules: Rules,
    /// The longest that a partial batch waits for more records.
    pub max_delay: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Takes and sends.
    Enabled,
    /// Takes nothing; what was accepted waits.
    Disabled,
    /// Takes nothing; sends what was accepted, and is then gone.
    Deleting,
}

/// What `map` works by. Made by [`Rules::compile`], so what it promises holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub record_type: RecordType,
    pub write_mode: WriteMode,
    /// Whether the key field tells upper from lower case. Always true for ids.
    pub key_case_sensitive: bool,
    pub key_source: FieldSource,
    /// One per field; never the key field.
    pub attributes: Vec<PlannedAttribute>,
    /// No field that an attribute has.
    pub constants: Vec<PlannedConstant>,
    /// One per segment and per field; no field that an attribute has.
    pub segments: Vec<PlannedSegment>,
    pub status_values: StatusValues,
    pub deleted_profile_policy: DeletedProfilePolicy,
    pub creation_rules: CreationRules,
    pub duplicate_rule: DuplicateRule,
    /// Updates accepted before this are not sent.
    pub discard_accepted_before: Option<DateTime<Utc>>,
}

/// What becomes of a record that Salesforce does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// It cannot be written by its id.
    Refuse,
    /// The write creates it, unless the profile is to be left alone.
    Create,
    /// A write of its own creates it, after one that only updates has not found
    /// it.
    CreateApart,
    /// It is left out.
    Exclude,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedAttribute {
    pub source_path: String,
    pub field: FieldName,
    /// Whether an identity without a value is excluded.
    pub required: bool,
    pub options: MappingOptions,
    pub shape: FieldShape,
}

/// Written with every attribute of an update, and never alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedConstant {
    pub field: FieldName,
    pub value: Constant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSegment {
    pub segment: String,
    pub display_name: String,
    pub field: FieldName,
    /// Whether the status is written as true or false.
    pub is_checkbox: bool,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
}

impl PlannedSegment {
    /// Tells whether an update accepted then is written for this segment: from
    /// the start on, up to and without the end.
    pub fn is_scheduled_at(&self, accepted_at: DateTime<Utc>) -> bool {
        self.has_started_at(accepted_at) && self.end_time.is_none_or(|end| accepted_at < end)
    }

    pub fn has_started_at(&self, accepted_at: DateTime<Utc>) -> bool {
        self.start_time.is_none_or(|start| start <= accepted_at)
    }
}

impl Rules {
    /// Compiles what an admin configured, or lists everything that is wrong.
    pub fn compile(activation: &Activation, shape: &OrgShape) -> Result<Self, Vec<InvalidField>> {
        let mut wrong = activation.conflicts();
        wrong.extend(activation.gaps());
        let key_source = activation
            .field_mappings
            .iter()
            .find(|row| matches!(row.target, FieldTarget::Identity(_)))
            .map(|row| row.source.clone());
        let (Some(key_source), true) = (key_source, wrong.is_empty()) else {
            return Err(wrong);
        };
        let required = activation.record_type.required_fields();
        let attributes = activation
            .field_mappings
            .iter()
            .filter_map(|row| match (&row.source, &row.target) {
                (FieldSource::AttributePath(path), FieldTarget::Field(field)) => Some(PlannedAttribute {
                    source_path: path.clone(),
                    field: field.clone(),
                    required: required.iter().any(|required| field.is_same_field(required)),
                    options: row.options.clone(),
                    shape: shape.field(field),
                }),
                _ => None,
            })
            .collect();
        let constants = activation
            .field_mappings
            .iter()
            .filter_map(|row| match (&row.source, &row.target) {
                (FieldSource::Constant(value), FieldTarget::Field(field)) => Some(PlannedConstant {
                    field: field.clone(),
                    value: value.clone(),
                }),
                _ => None,
            })
            .collect();
        let segments = activation
            .segments
            .iter()
            .map(|row| PlannedSegment {
                segment: row.segment.clone(),
                display_name: row.display_name.clone(),
                field: row.mapping_id.field(),
                is_checkbox: shape.field(&row.mapping_id.field()).kind == FieldKind::Checkbox,
                start_time: row.start_time,
                end_time: row.end_time,
            })
            .collect();
        Ok(Self {
            record_type: activation.record_type,
            write_mode: activation.write_mode.clone(),
            key_case_sensitive: shape.key_case_sensitive,
            key_source,
            attributes,
            constants,
            segments,
            status_values: activation.status_values.clone(),
            deleted_profile_policy: activation.deleted_profile_policy,
            creation_rules: activation.creation_rules.clone(),
            duplicate_rule: activation.duplicate_rule,
            discard_accepted_before: None,
        })
    }

    pub fn segment(&self, segment: &str) -> Option<&PlannedSegment> {
        self.segments.iter().find(|planned| planned.segment == segment)
    }

    /// Tells whether a write may make new records.
    pub fn may_create(&self) -> bool {
        matches!(self.on_missing(), OnMissing::Create | OnMissing::CreateApart)
    }

    /// Returns what a write does with a record that Salesforce does not have.
    pub fn on_missing(&self) -> OnMissing {
        match self.write_mode {
            WriteMode::UpdateById => OnMissing::Refuse,
            WriteMode::Upsert { .. } if self.creation_rules.create == Create::Never => OnMissing::Exclude,
            WriteMode::Upsert { .. } if self.creation_rules.creates_apart() => OnMissing::CreateApart,
            WriteMode::Upsert { .. } => OnMissing::Create,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::{FieldMapping, SegmentActivation};

    fn attribute(path: &str, field: &str) -> FieldMapping {
        FieldMapping {
            source: FieldSource::AttributePath(path.to_owned()),
            target: FieldTarget::Field(field.parse().unwrap()),
            options: MappingOptions::default(),
        }
    }

    fn identity(namespace: &str, target: &str) -> FieldMapping {
        FieldMapping {
            source: FieldSource::IdentityNamespace(namespace.to_owned()),
            target: FieldTarget::Identity(target.to_owned()),
            options: MappingOptions::default(),
        }
    }

    fn segment(segment: &str, mapping_id: &str) -> SegmentActivation {
        SegmentActivation {
            segment: segment.to_owned(),
            display_name: String::new(),
            mapping_id: mapping_id.parse().unwrap(),
            start_time: None,
            end_time: None,
        }
    }

    fn contacts() -> Activation {
        Activation {
            record_type: RecordType::Contact,
            write_mode: WriteMode::UpdateById,
            field_mappings: vec![
                identity("crmID", "SalesforceId"),
                attribute("person.name.lastName", "LastName"),
                attribute("personalEmail.address", "Email"),
            ],
            segments: vec![segment("s1", "crm_2_seg"), segment("s2", "vip")],
            deleted_profile_policy: DeletedProfilePolicy::Leave,
            status_values: StatusValues::default(),
            max_delay: Duration::from_secs(60),
            creation_rules: CreationRules::default(),
            duplicate_rule: DuplicateRule::default(),
        }
    }

    fn problems(activation: &Activation) -> Vec<String> {
        Rules::compile(activation, &OrgShape::unknown(true))
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn row_89_90_92_143_the_source_documents_mappings_compile() {
        let rules = Rules::compile(&contacts(), &OrgShape::unknown(true)).unwrap();
        assert_eq!(
            rules.key_source,
            FieldSource::IdentityNamespace("crmID".to_owned())
        );
        assert!(rules.attributes[0].required && !rules.attributes[1].required);
        assert_eq!(rules.segments[0].field.as_str(), "crm_2_seg__c");
    }

    #[test]
    fn row_34_93_94_each_missing_mandatory_mapping_is_named() {
        let mut lead = contacts();
        lead.record_type = RecordType::Lead;
        lead.field_mappings.clear();
        let problems = problems(&lead).join("\n");
        for part in ["SalesforceId", "LastName", "Company"] {
            assert!(problems.contains(part), "{problems}");
        }
    }

    #[test]
    fn each_conflict_is_named_with_its_row() {
        for (change, field) in [
            (
                Box::new(|a: &mut Activation| a.field_mappings.push(attribute("x", "lastname")))
                    as Box<dyn Fn(&mut Activation)>,
                "field_mappings[3].target.field",
            ),
            (
                Box::new(|a| a.field_mappings.push(identity("other", "SalesforceId"))),
                "field_mappings[3].target.identity",
            ),
            (
                Box::new(|a| a.field_mappings[0] = identity("crmID", "ContactId")),
                "field_mappings[0].target.identity",
            ),
            (
                Box::new(|a| a.field_mappings.push(attribute("x", "Id"))),
                "field_mappings[3].target.field",
            ),
            (
                Box::new(|a| a.field_mappings.push(attribute(" ", "Title"))),
                "field_mappings[3].source",
            ),
            (
                Box::new(|a| a.segments.push(segment("s1", "other"))),
                "segments[2].segment",
            ),
            (
                Box::new(|a| a.segments.push(segment("s3", "VIP"))),
                "segments[2].mapping_id",
            ),
            (
                Box::new(|a| {
                    a.field_mappings.push(attribute("x", "both__c"));
                    a.segments.push(segment("s3", "both"));
                }),
                "segments[2].mapping_id",
            ),
        ] {
            let mut activation = contacts();
            change(&mut activation);
            let wrong = Rules::compile(&activation, &OrgShape::unknown(true)).unwrap_err();
            assert_eq!(
                wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(),
                [field],
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn row_88_an_attribute_may_name_the_record() {
        let mut activation = contacts();
        activation.field_mappings[0].source = FieldSource::AttributePath("crm.id".to_owned());
        assert!(Rules::compile(&activation, &OrgShape::unknown(true)).is_ok());
    }

    #[test]
    fn row_103_a_schedule_begins_with_its_start_and_ends_before_its_end() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let planned = PlannedSegment {
            segment: "s".to_owned(),
            display_name: String::new(),
            field: "s__c".parse().unwrap(),
            is_checkbox: false,
            start_time: Some(at(10)),
            end_time: Some(at(20)),
        };
        let scheduled = [9, 10, 19, 20].map(|seconds| planned.is_scheduled_at(at(seconds)));
        assert_eq!(scheduled, [false, true, true, false]);
    }
}
