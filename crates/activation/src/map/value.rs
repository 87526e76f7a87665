//! What one attribute becomes.

use std::borrow::Cow;

use crate::{
    destination::{OnNull, TooLong},
    org_shape::FieldKind,
    outcome::Failure,
    plan::PlannedAttribute,
    profile::{AttributeValue, Found},
    record::FieldValue,
    transform::{DateInput, DateOutput, DateTransform, Transform},
};

/// Returns the value to write; `None` leaves the field as it is.
pub(super) fn of(planned: &PlannedAttribute, found: Found<'_>) -> Result<Option<FieldValue>, Failure> {
    let value = match found {
        Found::Absent => return Ok(None),
        Found::Object => return Err(unsupported(planned, "is an object")),
        Found::Value(AttributeValue::Array) => return Err(unsupported(planned, "is a list")),
        Found::Value(AttributeValue::Null) => return Ok(null(planned)),
        Found::Value(AttributeValue::Boolean(flag)) => FieldValue::Boolean(*flag),
        Found::Value(AttributeValue::Integer(integer)) => FieldValue::Integer(*integer),
        Found::Value(AttributeValue::Number(number)) => FieldValue::Number(*number),
        Found::Value(AttributeValue::Text(text)) => {
            if planned.options.transforms.is_empty() {
                return fitting(planned, Cow::Borrowed(text.as_str()));
            }
            FieldValue::Text(text.clone())
        }
    };
    match transformed(planned, value)? {
        FieldValue::Null => Ok(null(planned)),
        FieldValue::Text(text) if text.is_empty() => Ok(null(planned)),
        FieldValue::Text(text) => fitting(planned, Cow::Owned(text)),
        FieldValue::Boolean(flag) => boolean(planned, flag),
        FieldValue::Integer(integer) => number(planned, FieldValue::Integer(integer)),
        FieldValue::Number(decimal) => number(planned, FieldValue::from_number(decimal)),
    }
}

/// Writes a boolean as its field takes it. Salesforce would refuse the whole
/// call for a JSON value of another type (salesforce-contract.md §2.6).
fn boolean(planned: &PlannedAttribute, flag: bool) -> Result<Option<FieldValue>, Failure> {
    match planned.shape.kind {
        FieldKind::Checkbox | FieldKind::Other => Ok(Some(FieldValue::Boolean(flag))),
        FieldKind::Text | FieldKind::Picklist => fitting(planned, Cow::Owned(flag.to_string())),
        FieldKind::Number | FieldKind::Date | FieldKind::Datetime => Err(misfit(planned, "a boolean")),
    }
}

/// Writes a number as its field takes it, whole ones without a decimal point.
fn number(planned: &PlannedAttribute, number: FieldValue) -> Result<Option<FieldValue>, Failure> {
    match (planned.shape.kind, &number) {
        (FieldKind::Text | FieldKind::Picklist, FieldValue::Integer(integer)) => {
            fitting(planned, Cow::Owned(integer.to_string()))
        }
        (FieldKind::Text | FieldKind::Picklist, FieldValue::Number(decimal)) => {
            fitting(planned, Cow::Owned(decimal.to_string()))
        }
        (FieldKind::Checkbox | FieldKind::Date | FieldKind::Datetime, _) => Err(misfit(planned, "a number")),
        _ => Ok(Some(number)),
    }
}

/// Tells whether a value leaves its field empty.
pub(super) fn is_blank(value: &FieldValue) -> bool {
    match value {
        FieldValue::Null => true,
        FieldValue::Text(text) => text.trim().is_empty(),
        FieldValue::Boolean(_) | FieldValue::Integer(_) | FieldValue::Number(_) => false,
    }
}

/// Returns what empties a field. A checkbox refuses null
/// (salesforce-contract.md §9), and is unticked.
pub(super) fn blank(planned: &PlannedAttribute) -> FieldValue {
    if planned.shape.kind == FieldKind::Checkbox {
        FieldValue::Boolean(false)
    } else {
        FieldValue::Null
    }
}

fn null(planned: &PlannedAttribute) -> Option<FieldValue> {
    match planned.options.on_null {
        OnNull::Blank => Some(blank(planned)),
        OnNull::Leave => None,
    }
}

fn transformed(planned: &PlannedAttribute, mut value: FieldValue) -> Result<FieldValue, Failure> {
    for transform in &planned.options.transforms {
        if matches!(&value, FieldValue::Text(text) if text.is_empty()) {
            return Ok(FieldValue::Null);
        }
        value = transform
            .apply(value)
            .map_err(|unfit| unfit_for(planned, transform.name(), &unfit.0))?;
    }
    Ok(value)
}

/// Holds a text against the length of its field. Between counting characters
/// beyond U+FFFF as one and as two, what Salesforce might take is sent, and what
/// is cut fits for certain.
fn fitting(planned: &PlannedAttribute, text: Cow<'_, str>) -> Result<Option<FieldValue>, Failure> {
    if planned.options.on_null == OnNull::Leave && text.is_empty() {
        return Ok(None);
    }
    match planned.shape.kind {
        FieldKind::Checkbox => return ticked(planned, &text),
        FieldKind::Number | FieldKind::Date | FieldKind::Datetime if text.trim().is_empty() => {
            return Ok(null(planned));
        }
        FieldKind::Number if !is_number(&text) => return Err(misfit(planned, "a text")),
        FieldKind::Date => return dated(planned, text, DateOutput::Date),
        FieldKind::Datetime => return dated(planned, text, DateOutput::Datetime),
        FieldKind::Number | FieldKind::Text | FieldKind::Picklist | FieldKind::Other => {}
    }
    // A text has no fewer bytes than characters or UTF-16 units.
    let Some(limit) = planned.shape.text_limit().filter(|limit| text.len() > *limit) else {
        return Ok(Some(FieldValue::Text(text.into_owned())));
    };
    let text = match planned.options.too_long {
        TooLong::Refuse => {
            let length = text.chars().count();
            if length > limit {
                return Err(too_long(planned, length, limit));
            }
            text.into_owned()
        }
        TooLong::Truncate => cut(&text, limit).to_owned(),
    };
    Ok(Some(FieldValue::Text(text)))
}

/// Salesforce takes the text of a number as a number.
fn is_number(text: &str) -> bool {
    text.trim().parse().is_ok_and(f64::is_finite)
}

/// Writes a date or time in the form that its field takes: Salesforce would
/// refuse the whole call for another text (salesforce-contract.md §2.6).
fn dated(
    planned: &PlannedAttribute,
    text: Cow<'_, str>,
    output: DateOutput,
) -> Result<Option<FieldValue>, Failure> {
    let iso = Transform::Date(DateTransform {
        input: DateInput::Iso,
        output,
    });
    iso.apply(FieldValue::Text(text.into_owned()))
        .map(Some)
        .map_err(|_| misfit(planned, "a text"))
}

/// Reads the text of a boolean: Salesforce would refuse the whole call for a text
/// in a checkbox field (salesforce-contract.md §2.6).
fn ticked(planned: &PlannedAttribute, text: &str) -> Result<Option<FieldValue>, Failure> {
    match text {
        "" => Ok(Some(blank(planned))),
        "true" => Ok(Some(FieldValue::Boolean(true))),
        "false" => Ok(Some(FieldValue::Boolean(false))),
        _ => Err(Failure {
            code: Failure::UNSUPPORTED_VALUE.to_owned(),
            message: format!(
                "{} is neither true nor false, which is what the checkbox {} takes; add a value map to the mapping",
                planned.source_path, planned.field
            ),
            fields: vec![planned.field.to_string()],
        }),
    }
}

/// Returns as much of the beginning as has at most so many UTF-16 units.
fn cut(text: &str, limit: usize) -> &str {
    let mut units = 0;
    for (start, character) in text.char_indices() {
        units += character.len_utf16();
        if units > limit {
            return &text[..start];
        }
    }
    text
}

fn too_long(planned: &PlannedAttribute, length: usize, limit: usize) -> Failure {
    Failure {
        code: Failure::STRING_TOO_LONG.to_owned(),
        message: format!(
            "{} has {length} characters and the field {} holds {limit}; shorten it, or let the mapping truncate it",
            planned.source_path, planned.field
        ),
        fields: vec![planned.field.to_string()],
    }
}

fn unsupported(planned: &PlannedAttribute, problem: &str) -> Failure {
    Failure {
        code: Failure::UNSUPPORTED_VALUE.to_owned(),
        message: format!(
            "{} {problem}, which the field {} cannot hold; map a single value",
            planned.source_path, planned.field
        ),
        fields: vec![planned.field.to_string()],
    }
}

fn misfit(planned: &PlannedAttribute, what: &str) -> Failure {
    let (kind, advice) = match planned.shape.kind {
        FieldKind::Number => ("number", "add a number transform or a value map to the mapping"),
        FieldKind::Date => (
            "date",
            "add a date transform to the mapping, with the output DATE",
        ),
        FieldKind::Datetime => (
            "time",
            "add a date transform to the mapping, with the output DATETIME",
        ),
        FieldKind::Checkbox => ("checkbox", "add a value map to the mapping"),
        FieldKind::Text | FieldKind::Picklist | FieldKind::Other => ("field", "map another attribute"),
    };
    Failure {
        code: Failure::UNSUPPORTED_VALUE.to_owned(),
        message: format!(
            "{} is {what} that the {kind} {} cannot hold; {advice}",
            planned.source_path, planned.field
        ),
        fields: vec![planned.field.to_string()],
    }
}

fn unfit_for(planned: &PlannedAttribute, transform: &str, problem: &str) -> Failure {
    Failure {
        code: Failure::UNSUPPORTED_VALUE.to_owned(),
        message: format!(
            "{} {problem}, so that the {transform} of the mapping to the field {} cannot be made",
            planned.source_path, planned.field
        ),
        fields: vec![planned.field.to_string()],
    }
}
