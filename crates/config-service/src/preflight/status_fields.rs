//! What is wrong with the fields that receive segment statuses.

use activation::destination::{Activation, SegmentActivation, StatusValues};
use salesforce::describe::FieldDescription;

use super::{
    described::{Described, Place},
    finding::{Finding, Severity},
    mapping_rules::lacks_value,
};

const CREATE_OR: &str =
    "Create it (sluice segments provision DESTINATION, or in Setup), or correct the Mapping ID";

/// Whether a field of a type can hold a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Made for text.
    Good,
    /// Takes any text, and shows it as something else.
    Odd,
    /// Only statuses that are written as true and false.
    TrueOrFalse,
    Bad,
}

/// Tells whether a field can receive statuses that are written so.
pub(super) fn can_hold(field: &FieldDescription, values: &StatusValues) -> bool {
    field.updateable && !is_bad(field, values) && (is_flag(field) || !is_too_short(field, values))
}

pub(super) fn findings(activation: &Activation, org: &Described) -> Vec<Finding> {
    let values = &activation.status_values;
    let mut found = Vec::new();
    for (index, segment) in activation.segments.iter().enumerate() {
        let place = Place {
            field: format!("segments[{index}].mapping_id"),
            segment: Some((&segment.segment, segment.label())),
            create_or: CREATE_OR,
        };
        match of_segment(activation, segment, org, &place, values) {
            Ok(advice) => found.extend(advice),
            Err(error) => found.push(error),
        }
    }
    found
}

/// Returns the first error, or whatever less there is to say.
fn of_segment(
    activation: &Activation,
    segment: &SegmentActivation,
    org: &Described,
    place: &Place<'_>,
    values: &StatusValues,
) -> Result<Vec<Finding>, Finding> {
    let name = segment.mapping_id.field();
    let object = &org.object.name;
    let field = org.field(name.as_str(), place)?;
    let finding = |severity, code: &str, message: String, fix: &str| {
        place.finding(severity, code, message, fix).about(&field.name)
    };
    if field.name != name.as_str() {
        return Err(finding(
            Severity::Error,
            "FIELD_NAME_CASE",
            format!("Field {name} is spelled {} on {object}", field.name),
            "Correct the Mapping ID",
        ));
    }
    if let Some(error) = org.unwritable(field, activation.may_create(), place) {
        return Err(error);
    }
    if is_bad(field, values) {
        let (message, fix) = if is_flag(field) {
            (
                format!(
                    "Field {name} on {object} is a checkbox and cannot hold '{}'",
                    values.realized
                ),
                "Set the destination's status values to true and false, or use a Text, Text Area or Picklist field",
            )
        } else {
            (
                format!(
                    "Field {name} on {object} is of type {} and cannot hold a status",
                    field.field_type
                ),
                "Use a Text, Text Area or Picklist field",
            )
        };
        return Err(finding(Severity::Error, "FIELD_TYPE", message, fix));
    }
    if is_flag(field) {
        return Ok(Vec::new());
    }
    if is_too_short(field, values) {
        return Err(finding(
            Severity::Error,
            "FIELD_TOO_SHORT",
            format!(
                "Field {name} on {object} holds {} characters, a status needs {}",
                field.length,
                longest(values)
            ),
            "Make it longer",
        ));
    }
    let mut found = Vec::new();
    if let Some(finding) = picklist_finding(field, object, values, &finding)? {
        found.push(finding);
    }
    if fit(field) == Fit::Odd {
        found.push(finding(
            Severity::Warning,
            "STATUS_FIELD_TYPE",
            format!(
                "Field {name} on {object} is of type {}, which holds a status and shows it as something else",
                field.field_type
            ),
            "Use a Text, Text Area or Picklist field",
        ));
    }
    if field.is_long_text() || field.html_formatted {
        found.push(finding(
            Severity::Advice,
            "LONG_TEXT",
            format!("Field {name} on {object} is a long text, by which list views and reports cannot filter"),
            "Use a Text or Picklist field if people shall filter by the status",
        ));
    }
    Ok(found)
}

/// An error where the picklist refuses a status, advice where it only lacks it.
fn picklist_finding(
    field: &FieldDescription,
    object: &str,
    values: &StatusValues,
    finding: &dyn Fn(Severity, &str, String, &str) -> Finding,
) -> Result<Option<Finding>, Finding> {
    if !matches!(field.field_type.as_str(), "picklist" | "multipicklist") {
        return Ok(None);
    }
    let mut lacks: Vec<&str> = Vec::new();
    for (_, text) in values.all() {
        if lacks_value(field, text) && !lacks.contains(&text) {
            lacks.push(text);
        }
    }
    if lacks.is_empty() {
        return Ok(None);
    }
    let name = &field.name;
    let lacks: Vec<String> = lacks
        .into_iter()
        .map(|text| format!("the value '{text}'"))
        .collect();
    let lacks = lacks.join(" and ");
    if field.restricted_picklist {
        return Err(finding(
            Severity::Error,
            "PICKLIST_VALUES",
            format!("Field {name} on {object} is a restricted picklist without {lacks}"),
            "Add what it lacks in Setup, or set the destination's status values to values that it has",
        ));
    }
    Ok(Some(finding(
        Severity::Advice,
        "PICKLIST_VALUES",
        format!(
            "Field {name} on {object} is a picklist without {lacks}: it holds that, and nobody can choose it"
        ),
        "Add what it lacks in Setup",
    )))
}

fn fit(field: &FieldDescription) -> Fit {
    match field.field_type.as_str() {
        "string" | "textarea" | "picklist" => Fit::Good,
        "multipicklist" | "combobox" | "phone" | "url" | "encryptedstring" => Fit::Odd,
        "boolean" => Fit::TrueOrFalse,
        _ => Fit::Bad,
    }
}

fn is_flag(field: &FieldDescription) -> bool {
    fit(field) == Fit::TrueOrFalse
}

fn is_bad(field: &FieldDescription, values: &StatusValues) -> bool {
    match fit(field) {
        Fit::Good | Fit::Odd => false,
        Fit::TrueOrFalse => !values.fit_a_checkbox(),
        Fit::Bad => true,
    }
}

fn is_too_short(field: &FieldDescription, values: &StatusValues) -> bool {
    usize::try_from(field.length).is_ok_and(|length| length < longest(values))
}

fn longest(values: &StatusValues) -> usize {
    let lengths = values.all().map(|(_, text)| text.chars().count());
    lengths.into_iter().max().unwrap_or(0)
}
