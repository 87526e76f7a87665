//! Whether the fields of an org can take what the mapping rules make.

use activation::{
    InvalidField,
    destination::{Activation, Constant, FieldMapping, FieldSource, FieldTarget, TooLong},
    org_shape::FieldKind,
    record::FieldValue,
    transform::{DateInput, DateOutput, DateTransform, Transform},
};
use salesforce::describe::{FieldDescription, ObjectDescription};

use super::finding::Finding;
use crate::org::kind_of;

/// Lists what the org's fields cannot take of the mapping rules. Fields that are
/// not there or not editable are told elsewhere.
pub(super) fn findings(activation: &Activation, object: &ObjectDescription) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, row) in activation.field_mappings.iter().enumerate() {
        let FieldTarget::Field(target) = &row.target else {
            continue;
        };
        if let Some(field) = object.field(target.as_str()) {
            let path = format!("field_mappings[{index}]");
            found.extend(
                row_problems(row, field)
                    .into_iter()
                    .map(|(code, problem)| Finding::error_of(code, problem.below(&path)).about(&field.name)),
            );
        }
    }
    found
}

/// Returns what is wrong with each part of a row, and what to call it.
fn row_problems(row: &FieldMapping, field: &FieldDescription) -> Vec<(&'static str, InvalidField)> {
    if let FieldSource::Constant(constant) = &row.source {
        return constant_problem(constant, field)
            .map(|problem| {
                (
                    "CONSTANT_DOES_NOT_FIT",
                    InvalidField::new("source.constant", problem),
                )
            })
            .into_iter()
            .collect();
    }
    let mut found = Vec::new();
    if row.options.too_long == TooLong::Truncate
        && matches!(field.field_type.as_str(), "email" | "phone" | "url")
    {
        found.push((
            "CANNOT_TRUNCATE",
            InvalidField::new(
                "too_long",
                format!(
                    "{} is of type {}: cut off, it would be another one; use REFUSE",
                    field.name, field.field_type
                ),
            ),
        ));
    }
    for (index, transform) in row.options.transforms.iter().enumerate() {
        let is_last = index + 1 == row.options.transforms.len();
        if let Some(problem) = transform_problem(transform, is_last, field) {
            found.push((
                "TRANSFORM_DOES_NOT_FIT",
                InvalidField::new(format!("transforms[{index}]"), problem),
            ));
        }
    }
    found
}

fn constant_problem(constant: &Constant, field: &FieldDescription) -> Option<String> {
    let name = &field.name;
    let date = |output| DateTransform {
        input: DateInput::Iso,
        output,
    };
    match (constant, kind_of(field)) {
        (_, FieldKind::Other)
        | (Constant::Boolean(_), FieldKind::Checkbox)
        | (Constant::Number(_), FieldKind::Number) => None,
        (Constant::Text(text), FieldKind::Text) => {
            let length = text.chars().count();
            (length > field.length as usize && field.length > 0)
                .then(|| format!("has {length} characters, and {name} holds {}", field.length))
        }
        (Constant::Text(text), FieldKind::Picklist) => {
            refuses_value(field, text).then(|| format!("is not among the values of the picklist {name}"))
        }
        (Constant::Text(text), FieldKind::Date) => {
            let is_date = Transform::Date(date(DateOutput::Date))
                .apply(FieldValue::Text(text.clone()))
                .is_ok_and(|made| made == FieldValue::Text(text.clone()));
            (!is_date).then(|| format!("must be a date such as 2026-01-02, as {name} is one"))
        }
        (Constant::Text(text), FieldKind::Datetime) => {
            let is_time = text.contains('T')
                && Transform::Date(date(DateOutput::Datetime))
                    .apply(FieldValue::Text(text.clone()))
                    .is_ok();
            (!is_time).then(|| format!("must be a time such as 2026-01-02T03:04:05Z, as {name} is one"))
        }
        (_, FieldKind::Checkbox) => Some(format!("must be a boolean: {name} is a checkbox")),
        (_, FieldKind::Number) => Some(format!(
            "must be a number: {name} is of type {}",
            field.field_type
        )),
        (Constant::Number(_) | Constant::Boolean(_), _) => {
            Some(format!("must be a text: {name} is of type {}", field.field_type))
        }
    }
}

/// A value map behind it may make anything of a date or number.
fn transform_problem(transform: &Transform, is_last: bool, field: &FieldDescription) -> Option<String> {
    let (name, kind) = (&field.name, kind_of(field));
    match transform {
        Transform::Trim | Transform::Case(_) => None,
        Transform::Date(date) if is_last => {
            let fits = match date.output {
                DateOutput::Date => matches!(kind, FieldKind::Date | FieldKind::Text | FieldKind::Other),
                DateOutput::Datetime => {
                    matches!(kind, FieldKind::Datetime | FieldKind::Text | FieldKind::Other)
                }
            };
            (!fits).then(|| match kind {
                FieldKind::Date => format!("{name} is a date without a time; make the output DATE"),
                FieldKind::Datetime => format!("{name} is a date with a time; make the output DATETIME"),
                _ => format!("{name} is of type {} and takes no date", field.field_type),
            })
        }
        Transform::Number(_) if is_last => {
            let fits = matches!(kind, FieldKind::Number | FieldKind::Other);
            (!fits).then(|| format!("{name} is of type {} and takes no number", field.field_type))
        }
        Transform::Date(_) | Transform::Number(_) => None,
        Transform::ValueMap(map) => {
            let mut made = map.values.values().filter(|to| !to.is_empty());
            match kind {
                FieldKind::Picklist => made.find(|to| refuses_value(field, to)).map(|to| {
                    format!("maps to '{to}', which is not among the values of the picklist {name}")
                }),
                FieldKind::Checkbox => made
                    .find(|to| !matches!(to.as_str(), "true" | "false"))
                    .map(|to| format!("maps to '{to}', and the checkbox {name} takes true or false")),
                _ => None,
            }
        }
    }
}

/// Tells whether a picklist would refuse a value.
pub(super) fn refuses_value(field: &FieldDescription, value: &str) -> bool {
    field.restricted_picklist && lacks_value(field, value)
}

/// Tells whether a picklist does not offer a value.
pub(super) fn lacks_value(field: &FieldDescription, value: &str) -> bool {
    let mut selections: Vec<&str> = vec![value];
    if field.field_type == "multipicklist" {
        selections = value.split(';').collect();
    }
    selections.iter().any(|selection| {
        !field
            .picklist_values
            .iter()
            .any(|known| known.active && known.value.eq_ignore_ascii_case(selection))
    })
}
