//! The org's own description of what a destination writes, and what is wrong
//! with a field whoever writes it.

use activation::destination::{Activation, FieldTarget, RecordType, WriteMode};
use salesforce::describe::{FieldDescription, ObjectDescription};

use super::finding::{Finding, Severity};

/// The objects that a destination is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    pub org_id: String,
    pub object: ObjectDescription,
    /// The other kind of record, where a field is missing that it may have.
    pub other: Option<ObjectDescription>,
}

/// Whose field it is: what a finding names.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub field: String,
    /// Id and label of the segment, where it is a status field.
    pub segment: Option<(&'a str, &'a str)>,
    pub create_or: &'static str,
}

/// Lists the names of all Salesforce fields that a destination writes or is
/// keyed by.
pub(super) fn written_fields(activation: &Activation) -> Vec<String> {
    let key = match &activation.write_mode {
        WriteMode::UpdateById => None,
        WriteMode::Upsert { key_field } => Some(key_field.to_string()),
    };
    let attributes = activation
        .field_mappings
        .iter()
        .filter_map(|row| match &row.target {
            FieldTarget::Field(field) => Some(field.to_string()),
            FieldTarget::Identity(_) => None,
        });
    let statuses = activation
        .segments
        .iter()
        .map(|segment| segment.mapping_id.field().to_string());
    key.into_iter().chain(attributes).chain(statuses).collect()
}

/// Returns the kind of record that a destination does not write.
pub(super) fn other_record_type(record_type: RecordType) -> RecordType {
    match record_type {
        RecordType::Contact => RecordType::Lead,
        RecordType::Lead => RecordType::Contact,
    }
}

impl Place<'_> {
    pub(super) fn finding(&self, severity: Severity, code: &str, message: String, fix: &str) -> Finding {
        let message = match self.segment {
            Some((_, label)) => format!("{message} (segment {label})"),
            None => message,
        };
        let finding = Finding::new(severity, code, self.field.as_str(), message, fix);
        match self.segment {
            Some((segment, _)) => finding.of_segment(segment),
            None => finding,
        }
    }
}

impl Described {
    /// Finds a field, or says that it is missing and where it is instead.
    pub(super) fn field(&self, name: &str, place: &Place<'_>) -> Result<&FieldDescription, Finding> {
        if let Some(field) = self.object.field(name) {
            return Ok(field);
        }
        let object = &self.object.name;
        let finding = match self.other.as_ref().filter(|other| other.field(name).is_some()) {
            Some(other) => place.finding(
                Severity::Error,
                "FIELD_OF_OTHER_RECORD_TYPE",
                format!(
                    "Field {name} does not exist on {object}, it is a field of {}",
                    other.name
                ),
                if name.ends_with("__c") {
                    place.create_or
                } else {
                    "Take it out of the mappings; it belongs to a destination of that kind"
                },
            ),
            None => place.finding(
                Severity::Error,
                "FIELD_MISSING",
                match place.segment {
                    Some(_) => format!("Field {name} does not exist on {object}"),
                    None => format!("Field {name} does not exist on {object}, or is hidden from the user"),
                },
                place.create_or,
            ),
        };
        Err(finding.about(name))
    }

    /// Says why a field cannot be written, if it cannot.
    pub(super) fn unwritable(
        &self,
        field: &FieldDescription,
        may_create: bool,
        place: &Place<'_>,
    ) -> Option<Finding> {
        let named = format!("Field {} on {}", field.name, self.object.name);
        let (code, message, fix) = if field.calculated {
            (
                "FIELD_IS_FORMULA",
                format!("{named} is a formula, which only Salesforce computes"),
                "Use a field that holds its own value",
            )
        } else if field.auto_number {
            (
                "FIELD_IS_AUTO_NUMBER",
                format!("{named} is an auto-number, which only Salesforce counts"),
                "Use a field that holds its own value",
            )
        } else if !field.updateable && (field.field_type == "address" || field.name == "Name") {
            (
                "FIELD_IS_COMPOUND",
                format!("{named} is made of other fields and cannot be edited"),
                "Write its parts, for example LastName or MailingCity",
            )
        } else if !field.updateable {
            (
                "FIELD_NOT_UPDATEABLE",
                format!("{named} cannot be edited by the user"),
                "Grant edit access (field-level security), or use another field",
            )
        } else if may_create && !field.createable {
            (
                "FIELD_NOT_CREATEABLE",
                format!("{named} cannot be set on new records, which an upsert may create"),
                "Grant access to it, use another field, or create nothing (creation_rules.create NEVER)",
            )
        } else {
            return None;
        };
        Some(
            place
                .finding(Severity::Error, code, message, fix)
                .about(&field.name),
        )
    }
}
