//! What an admin configures of a destination, and the rules it must keep.

mod constant;
mod creation;
mod options;
mod status_values;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    time::Duration,
};

use chrono::{DateTime, Utc};

pub use self::{
    constant::{Constant, Finite},
    creation::{Assignment, Create, CreationRules, DuplicateRule},
    options::{MappingOptions, OnNull, TooLong},
    status_values::{MAX_STATUS_LENGTH, StatusValues},
};
use crate::{InvalidField, field_name::FieldName, mapping_id::MappingId, names::shown};

/// The kind of Salesforce record that a destination writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordType {
    Contact,
    Lead,
}

impl RecordType {
    pub const ALL: [Self; 2] = [Self::Contact, Self::Lead];

    /// Returns the API name of the object.
    pub fn object(self) -> &'static str {
        match self {
            Self::Contact => "Contact",
            Self::Lead => "Lead",
        }
    }

    /// Returns the first three characters of its record ids.
    /// Source: salesforce-contract.md §5.5.
    pub fn key_prefix(self) -> &'static str {
        match self {
            Self::Contact => "003",
            Self::Lead => "00Q",
        }
    }

    /// Returns the fields that must be mapped, and whose missing value excludes
    /// an identity (requirements.md 90, 93, 94).
    pub fn required_fields(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["LastName"],
            Self::Lead => &["LastName", "Company"],
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.object())
    }
}

/// How records are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteMode {
    /// By Salesforce id; never creates.
    UpdateById,
    /// By this external-id field; creates where there is none.
    Upsert { key_field: FieldName },
}

impl WriteMode {
    /// The identity target that names the record in `UPDATE_BY_ID`.
    pub const SALESFORCE_ID: &'static str = "SalesforceId";

    /// Returns the only identity target that mappings may name.
    pub fn identity_target(&self) -> &str {
        match self {
            Self::UpdateById => Self::SALESFORCE_ID,
            Self::Upsert { key_field } => key_field.as_str(),
        }
    }
}

/// What a deleted profile does to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletedProfilePolicy {
    #[default]
    Leave,
    Exit,
    ExitAndBlank,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldSource {
    AttributePath(String),
    IdentityNamespace(String),
    /// The same for every profile; for fields only.
    Constant(Constant),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTarget {
    Identity(String),
    Field(FieldName),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMapping {
    pub source: FieldSource,
    pub target: FieldTarget,
    pub options: MappingOptions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentActivation {
    /// The platform's segment id.
    pub segment: String,
    /// For people; may be empty.
    pub display_name: String,
    pub mapping_id: MappingId,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
}

impl SegmentActivation {
    /// Returns what a person would call the segment.
    pub fn label(&self) -> &str {
        if self.display_name.is_empty() {
            &self.segment
        } else {
            &self.display_name
        }
    }
}

/// The part of a destination that becomes its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    pub record_type: RecordType,
    pub write_mode: WriteMode,
    pub field_mappings: Vec<FieldMapping>,
    pub segments: Vec<SegmentActivation>,
    pub deleted_profile_policy: DeletedProfilePolicy,
    pub status_values: StatusValues,
    pub max_delay: Duration,
    pub creation_rules: CreationRules,
    pub duplicate_rule: DuplicateRule,
}

impl Activation {
    /// Lists what is wrong with the mappings and segments as far as they go.
    /// Empty for a draft that is fine and not finished.
    pub fn conflicts(&self) -> Vec<InvalidField> {
        let mut found = Vec::new();
        self.mapping_conflicts(&mut found);
        self.segment_conflicts(&mut found);
        self.status_values.conflicts(&mut found);
        creation::conflicts(self, &mut found);
        found
    }

    /// Lists what is missing before the destination can be activated.
    pub fn gaps(&self) -> Vec<InvalidField> {
        let mut found = Vec::new();
        let identity_target = self.write_mode.identity_target();
        let has_key = self
            .field_mappings
            .iter()
            .any(|row| matches!(row.target, FieldTarget::Identity(_)));
        if !has_key {
            found.push(InvalidField::new(
                "destination.field_mappings",
                format!(
                    "nothing is mapped to the identity {identity_target}, which names the record; \
                     map an identity namespace to it, for example crmID"
                ),
            ));
        }
        for required in self.record_type.required_fields() {
            if self
                .target_fields()
                .all(|(_, field)| !field.is_same_field(required))
            {
                found.push(InvalidField::new(
                    "destination.field_mappings",
                    format!(
                        "{required} is required on {} and nothing is mapped to it",
                        self.record_type
                    ),
                ));
            }
        }
        found
    }

    /// Tells whether a write may make new records.
    pub fn may_create(&self) -> bool {
        self.write_mode != WriteMode::UpdateById && self.creation_rules.create == Create::Allowed
    }

    /// Returns the fields that something is written to already.
    pub fn taken_fields(&self) -> Vec<FieldName> {
        let statuses = self.segments.iter().map(|segment| segment.mapping_id.field());
        self.target_fields()
            .map(|(_, field)| field.clone())
            .chain(statuses)
            .collect()
    }

    fn target_fields(&self) -> impl Iterator<Item = (usize, &FieldName)> {
        self.field_mappings
            .iter()
            .enumerate()
            .filter_map(|(index, row)| match &row.target {
                FieldTarget::Field(field) => Some((index, field)),
                FieldTarget::Identity(_) => None,
            })
    }

    fn mapping_conflicts(&self, found: &mut Vec<InvalidField>) {
        let identity_target = self.write_mode.identity_target();
        let mut key_row = None;
        for (index, row) in self.field_mappings.iter().enumerate() {
            let path = format!("field_mappings[{index}]");
            options::conflicts(row, &path, found);
            match (&row.source, &row.target) {
                (FieldSource::AttributePath(source) | FieldSource::IdentityNamespace(source), _)
                    if source.trim().is_empty() =>
                {
                    found.push(InvalidField::new(format!("{path}.source"), "must not be empty"));
                }
                (_, FieldTarget::Identity(target)) if target != identity_target => {
                    found.push(InvalidField::new(
                        format!("{path}.target.identity"),
                        format!(
                            "'{}' is not an identity of this destination; the only one is {identity_target}",
                            shown(target)
                        ),
                    ));
                }
                (FieldSource::Constant(_), FieldTarget::Identity(_)) => {
                    found.push(InvalidField::new(
                        format!("{path}.source.constant"),
                        format!(
                            "a constant would make every profile the same record; map an identity namespace \
                             or an attribute to {identity_target}"
                        ),
                    ));
                }
                (_, FieldTarget::Identity(_)) => match key_row {
                    None => key_row = Some(index),
                    Some(first) => found.push(InvalidField::new(
                        format!("{path}.target.identity"),
                        format!("{identity_target} is mapped already, by field_mappings[{first}]"),
                    )),
                },
                (FieldSource::IdentityNamespace(namespace), FieldTarget::Field(field)) => {
                    found.push(InvalidField::new(
                        format!("{path}.target"),
                        format!(
                            "the identity namespace {} can only be mapped to the identity {identity_target}, \
                             not to the field {field}",
                            shown(namespace)
                        ),
                    ));
                }
                (FieldSource::Constant(Constant::Text(text)), FieldTarget::Field(_))
                    if text.trim().is_empty() =>
                {
                    found.push(InvalidField::new(
                        format!("{path}.source.constant"),
                        "must not be blank; leave the row out to leave the field alone",
                    ));
                }
                (FieldSource::AttributePath(_) | FieldSource::Constant(_), FieldTarget::Field(field)) => {
                    if field.is_same_field("Id") || field.is_same_field(identity_target) {
                        found.push(InvalidField::new(
                            format!("{path}.target.field"),
                            format!("{field} names the record; map it as the identity {identity_target}"),
                        ));
                    }
                }
            }
        }
        for (index, field) in self.target_fields() {
            let first = self
                .target_fields()
                .find(|(_, other)| other.is_same_field(field.as_str()));
            if let Some((first, _)) = first.filter(|(first, _)| *first < index) {
                found.push(InvalidField::new(
                    format!("field_mappings[{index}].target.field"),
                    format!("{field} is mapped already, by field_mappings[{first}]"),
                ));
            }
        }
    }

    fn segment_conflicts(&self, found: &mut Vec<InvalidField>) {
        let mut ids: HashSet<&str> = HashSet::new();
        // By the first segment that has it; fields are the same in any case.
        let mut fields: HashMap<String, &SegmentActivation> = HashMap::new();
        for (index, row) in self.segments.iter().enumerate() {
            let path = format!("segments[{index}]");
            let field = row.mapping_id.field();
            let earlier = *fields.entry(field.as_str().to_ascii_lowercase()).or_insert(row);
            if row.segment.trim().is_empty() {
                found.push(InvalidField::new(format!("{path}.segment"), "must not be empty"));
            }
            if !ids.insert(&row.segment) {
                found.push(InvalidField::new(
                    format!("{path}.segment"),
                    format!("the segment {} is activated already", shown(row.label())),
                ));
            } else if !std::ptr::eq(earlier, row) {
                found.push(InvalidField::new(
                    format!("{path}.mapping_id"),
                    format!(
                        "the field {field} receives the status of the segment {} already; give {} a field of its own",
                        shown(earlier.label()),
                        shown(row.label())
                    ),
                ));
            }
            if let Some((mapping, _)) = self
                .target_fields()
                .find(|(_, other)| other.is_same_field(field.as_str()))
            {
                found.push(InvalidField::new(
                    format!("{path}.mapping_id"),
                    format!("the field {field} receives an attribute already, by field_mappings[{mapping}]"),
                ));
            }
            if field.is_same_field(self.write_mode.identity_target()) {
                found.push(InvalidField::new(
                    format!("{path}.mapping_id"),
                    format!("the field {field} names the record and cannot receive a status"),
                ));
            }
            if let (Some(start), Some(end)) = (row.start_time, row.end_time)
                && end <= start
            {
                found.push(InvalidField::new(
                    format!("{path}.end_time"),
                    "must be after start_time",
                ));
            }
        }
    }
}
