//! What is wrong with the fields that receive segment statuses.

use activation::{
    destination::{Activation, SegmentActivation},
    profile::SegmentStatus,
};
use salesforce::describe::FieldDescription;

use super::{
    described::{Described, Place},
    finding::{Finding, Severity},
};

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

/// Returns what is written as the status of a segment.
pub fn status_texts() -> Vec<String> {
    [
        SegmentStatus::Realized,
        SegmentStatus::Existing,
        SegmentStatus::Exited,
    ]
    .map(|status| status.as_str().to_owned())
    .to_vec()
}

/// Tells whether a field can receive statuses that are written so.
pub(super) fn can_hold(field: &FieldDescription, texts: &[String]) -> bool {
    field.updateable && !is_bad(field, texts) && (is_flag(field) || !is_too_short(field, texts))
}

pub(super) fn findings(activation: &Activation, org: &Described) -> Vec<Finding> {
    let texts = status_texts();
    let mut found = Vec::new();
    for (index, segment) in activation.segments.iter().enumerate() {
        let place = Place {
            field: format!("segments[{index}].mapping_id"),
            segment: Some((&segment.segment, segment.label())),
            create_or: "Create it or correct the Mapping ID",
        };
        match of_segment(activation, segment, org, &place, &texts) {
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
    texts: &[String],
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
    if let Some(error) = org.unwritable(field, &activation.write_mode, place) {
        return Err(error);
    }
    if is_bad(field, texts) {
        return Err(finding(
            Severity::Error,
            "FIELD_TYPE",
            format!(
                "Field {name} on {object} is of type {} and cannot hold a status",
                field.field_type
            ),
            match fit(field) {
                Fit::TrueOrFalse => {
                    "Use a Text, Text Area or Picklist field, or have statuses written as true and false"
                }
                Fit::Good | Fit::Odd | Fit::Bad => "Use a Text, Text Area or Picklist field",
            },
        ));
    }
    if is_flag(field) {
        return Ok(Vec::new());
    }
    if is_too_short(field, texts) {
        return Err(finding(
            Severity::Error,
            "FIELD_TOO_SHORT",
            format!(
                "Field {name} on {object} holds {} characters, a status needs {}",
                field.length,
                longest(texts)
            ),
            "Make it longer",
        ));
    }
    let mut found = Vec::new();
    if let Some(finding) = picklist_finding(field, object, texts, &finding)? {
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
    texts: &[String],
    finding: &dyn Fn(Severity, &str, String, &str) -> Finding,
) -> Result<Option<Finding>, Finding> {
    if !matches!(field.field_type.as_str(), "picklist" | "multipicklist") {
        return Ok(None);
    }
    let lacks: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|text| {
            !field
                .picklist_values
                .iter()
                .any(|entry| entry.active && entry.value == *text)
        })
        .collect();
    if lacks.is_empty() {
        return Ok(None);
    }
    let name = &field.name;
    let lacks = lacks.join(", ");
    if field.restricted_picklist {
        return Err(finding(
            Severity::Error,
            "PICKLIST_VALUES",
            format!("Picklist {name} on {object} takes only its own values and lacks {lacks}"),
            "Add these values to the picklist, or lift its restriction",
        ));
    }
    Ok(Some(finding(
        Severity::Advice,
        "PICKLIST_VALUES",
        format!("Picklist {name} on {object} lacks {lacks}, which it holds and nobody can choose"),
        "Add these values to the picklist",
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

fn is_bad(field: &FieldDescription, texts: &[String]) -> bool {
    match fit(field) {
        Fit::Good | Fit::Odd => false,
        Fit::TrueOrFalse => !texts.iter().all(|text| text == "true" || text == "false"),
        Fit::Bad => true,
    }
}

fn is_too_short(field: &FieldDescription, texts: &[String]) -> bool {
    usize::try_from(field.length).is_ok_and(|length| length < longest(texts))
}

fn longest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0)
}
