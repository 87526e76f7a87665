//! What a field takes, in two steps: a JSON value of the wrong type fails the whole call, a value that the
//! field refuses fails one record. Source: salesforce-contract.md §2.6, §3.4 and §9.

mod number;
mod scalar;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use scalar::{Given, Scalar};

use crate::clock::{date_in, datetime_in, datetime_out};
use crate::ids::RecordId;
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, FieldType};

/// Most values of one multi-select picklist. Source: salesforce-contract.md §9.
const MAX_PICKLIST_SELECTIONS: usize = 100;

/// Returns `given` as the JSON type that `field` has.
///
/// Text that is empty becomes null and a numeric string becomes a number (salesforce-contract.md §9).
///
/// # Errors
/// A JSON type that the field cannot be read from; the whole call fails (salesforce-contract.md §2.6).
pub(crate) fn read<'text>(field: &Field, given: impl Into<Given<'text>>) -> Result<Scalar, CallError> {
    let given = given.into();
    let read = match (field.field_type, &given) {
        (_, Given::Null) => Some(Scalar::Null),
        (kind, Given::Text(text)) if kind.is_text() => Some(if text.is_empty() {
            Scalar::Null
        } else {
            Scalar::from(*text)
        }),
        (FieldType::Id | FieldType::Reference, Given::Text(text)) => Some(Scalar::from(*text)),
        (FieldType::Boolean, Given::Bool(flag)) => Some(Scalar::Bool(*flag)),
        (FieldType::Int, _) => number::whole_number(&given),
        (kind, _) if kind.is_number() => number::number(&given),
        (FieldType::Date, Given::Text(text)) => date_in(text).map(|_| Scalar::from(*text)),
        (FieldType::Datetime, Given::Text(text)) => datetime_in(text).map(|time| datetime_out(time).into()),
        _ => None,
    };
    read.ok_or_else(|| wrong_type(field, &given))
}

/// Returns `value`, as [`read`] left it, in the form that `field` stores. Null stays null: whether a field
/// may be blank is known only with the rest of the record.
///
/// # Errors
/// What the field refuses; one record fails.
pub(crate) fn check(field: &Field, value: Scalar) -> Result<Scalar, RecordError> {
    match value {
        Scalar::Text(text) => check_text(field, text).map(Scalar::Text),
        Scalar::Number(number) if field.field_type.is_number() => number::check(field, &number),
        other => Ok(other),
    }
}

/// Returns a value that should name a record, what is no single value as its text.
pub(crate) fn plain_or_null(value: &Value) -> Scalar {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(flag) => Scalar::Bool(*flag),
        Value::Number(number) => Scalar::Number(number.clone()),
        Value::String(text) => Scalar::from(text.as_str()),
        Value::Array(_) | Value::Object(_) => value.to_string().into(),
    }
}

/// Returns text without its quotes, and anything else as JSON.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn check_text(field: &Field, text: Arc<str>) -> Result<Arc<str>, RecordError> {
    match field.field_type {
        FieldType::Reference => return check_reference(field, &text),
        // Checked when the type was read.
        FieldType::Date | FieldType::Datetime | FieldType::Id => return Ok(text),
        _ => {}
    }
    if text.contains(is_outside_charset) {
        let message = format!(
            "{}: text holds a character outside of the supported charset",
            field.label
        );
        return Err(RecordError::new(
            "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
            message,
            &[&field.name],
        ));
    }
    let max_length = usize::try_from(field.length).unwrap_or(usize::MAX);
    // A character has at least one byte.
    if text.len() > max_length && text.chars().count() > max_length {
        let message = format!(
            "{}: data value too large: {text} (max length={max_length})",
            field.label
        );
        return Err(RecordError::new("STRING_TOO_LONG", message, &[&field.name]));
    }
    match field.field_type {
        FieldType::Email if !is_email(&text) => {
            let message = format!("{}: invalid email address: {text}", field.label);
            Err(RecordError::new("INVALID_EMAIL_ADDRESS", message, &[&field.name]))
        }
        FieldType::Email => Ok(lower_case(text)),
        FieldType::Picklist => check_picklist(field, &text, 1).map(|()| text),
        FieldType::Multipicklist => check_picklist(field, &text, MAX_PICKLIST_SELECTIONS).map(|()| text),
        _ => Ok(text),
    }
}

fn check_picklist(field: &Field, text: &str, max_selections: usize) -> Result<(), RecordError> {
    let selections: Vec<&str> = if max_selections == 1 {
        vec![text]
    } else {
        text.split(';').collect()
    };
    if selections.len() > max_selections {
        let message = format!("{}: too many values, at most {max_selections}", field.label);
        return Err(RecordError::new("TOO_MANY_ENUM_VALUE", message, &[&field.name]));
    }
    let unknown = selections.into_iter().find(|selection| {
        !field
            .picklist_values
            .iter()
            .any(|entry| entry.value.eq_ignore_ascii_case(selection))
    });
    match unknown {
        // Only a restricted picklist refuses unknown values (salesforce-contract.md §5.1).
        Some(value) if field.restricted_picklist => Err(RecordError::new(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            format!(
                "{}: bad value for restricted picklist field: {value}",
                field.label
            ),
            &[&field.name],
        )),
        Some(_) | None => Ok(()),
    }
}

fn check_reference(field: &Field, text: &str) -> Result<Arc<str>, RecordError> {
    let fits = |id: &RecordId| {
        field.reference_to.is_empty()
            || field
                .reference_to
                .iter()
                .filter_map(|object| key_prefix(object))
                .any(|prefix| id.short().starts_with(prefix))
    };
    match RecordId::parse(text).filter(fits) {
        Some(id) => Ok(id.to_string().into()),
        None => Err(RecordError::malformed_id(&field.label, text, &field.name)),
    }
}

/// Tells what lower-casing would surely not change.
pub(crate) fn is_lower_case(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

/// Copies only what has to change.
fn lower_case(text: Arc<str>) -> Arc<str> {
    if is_lower_case(&text) {
        text
    } else {
        text.to_lowercase().into()
    }
}

/// The simulator's own rule, since Salesforce's is not published: one `@`, something before it, a dot inside
/// the domain, no white space.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && !domain.contains('@')
        && !text.contains(char::is_whitespace)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

/// The simulator's own rule, since Salesforce's is not published: what XML 1.0 cannot hold.
fn is_outside_charset(character: char) -> bool {
    matches!(character, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Source of the prefixes: salesforce-contract.md §5.5; Group, Opportunity, Individual and DandBCompany from
/// Salesforce Help, "Standard Field Record ID Prefix Decoder".
fn key_prefix(object: &str) -> Option<&'static str> {
    match object {
        "Account" => Some("001"),
        "Contact" => Some("003"),
        "User" => Some("005"),
        "Opportunity" => Some("006"),
        "Lead" => Some("00Q"),
        "RecordType" => Some("012"),
        "Group" => Some("00G"),
        "DandBCompany" => Some("06E"),
        "Individual" => Some("0PK"),
        "PermissionSet" => Some("0PS"),
        "Profile" => Some("00e"),
        _ => None,
    }
}

fn wrong_type(field: &Field, given: &Given<'_>) -> CallError {
    let (token, shown) = match given {
        Given::Null => ("VALUE_NULL", " value null".to_owned()),
        Given::Bool(true) => ("VALUE_TRUE", " value true".to_owned()),
        Given::Bool(false) => ("VALUE_FALSE", " value false".to_owned()),
        Given::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", format!(" value {number}")),
        Given::Number(number) => ("VALUE_NUMBER_INT", format!(" value {number}")),
        Given::Text(text) => ("VALUE_STRING", format!(" value {text}")),
        Given::Array => ("START_ARRAY", String::new()),
        Given::Object => ("START_OBJECT", String::new()),
    };
    CallError::bad_request(
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {} from {token}{shown} or request may be missing a required field at [line:1, column:1]",
            field.field_type.name()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_needs_one_at_sign_a_local_part_and_a_dotted_domain() {
        for valid in ["ada@example.org", "a.b+c@mail.example.co.uk"] {
            assert!(is_email(valid), "{valid}");
        }
        for invalid in [
            "nope",
            "@example.org",
            "a@b",
            "a@b@c.org",
            "a b@c.org",
            "a@.org",
            "a@c.",
            "a@c..org",
        ] {
            assert!(!is_email(invalid), "{invalid}");
        }
    }

    #[test]
    fn control_characters_are_outside_the_charset_and_white_space_is_not() {
        assert!("a\u{0}b".contains(is_outside_charset));
        assert!("a\u{1b}b".contains(is_outside_charset));
        assert!(!"tab\t line\r\n é 漢 🦀".contains(is_outside_charset));
    }
}
