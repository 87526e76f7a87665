//! `Metadata` of a custom field: what it may say, and the field it makes. Source: salesforce-contract.md §6.

use serde_json::{Map, Value, json};

use super::kind::{Kind, is_known, must_specify, unexpected};
use crate::refusal::CallError;
use crate::schema::Field;

/// Longest developer name, before `__c`.
const MAX_NAME: usize = 40;
const MAX_LABEL: usize = 40;
const MAX_HELP: usize = 510;
const MAX_DESCRIPTION: usize = 1_000;

/// Reads the metadata of the field `name` (`crm_2_seg__c`).
///
/// # Errors
/// 400 `FIELD_INTEGRITY_EXCEPTION` for what the field may not be, `JSON_PARSER_ERROR` for an unknown key.
pub(super) fn read(name: &str, metadata: &Map<String, Value>) -> Result<Field, CallError> {
    check_name(name)?;
    let kind = match text(metadata, "type")? {
        None => return Err(integrity("Must specify 'type' for a CustomField")),
        Some(kind) => Kind::parse(kind)
            .ok_or_else(|| integrity(format!("{kind} is not a type of field that can be made here")))?,
    };
    for (key, value) in metadata {
        // What is switched off is as good as not said.
        let is_said = !value.is_null() && *value != Value::Bool(false);
        if !kind.takes(key) && (is_said || !is_known(key)) {
            return Err(unexpected(kind, key));
        }
    }
    let label = text(metadata, "label")?
        .filter(|label| !label.trim().is_empty())
        .ok_or_else(|| integrity("Must specify a non-empty label for the CustomField"))?;
    for (key, value, most) in [
        ("label", Some(label), MAX_LABEL),
        ("inlineHelpText", text(metadata, "inlineHelpText")?, MAX_HELP),
        ("description", text(metadata, "description")?, MAX_DESCRIPTION),
    ] {
        if value.is_some_and(|value| value.chars().count() > most) {
            return Err(integrity(format!("The {key} may have at most {most} characters")));
        }
    }

    let external_id = flag(metadata, "externalId")?;
    let is_checkbox = kind == Kind::Checkbox;
    if is_checkbox && metadata.get("defaultValue").is_none_or(Value::is_null) {
        return Err(must_specify(kind, "defaultValue"));
    }
    if is_checkbox && !["false", "\"false\""].contains(&metadata["defaultValue"].to_string().as_str()) {
        return Err(integrity("The defaultValue of a Checkbox can only be false here"));
    }
    let (length, precision, scale) = kind.sizes(metadata)?;
    let (picklist_values, restricted) = match kind {
        Kind::Picklist => value_set(metadata)?,
        _ => (Vec::new(), false),
    };
    let field = json!({
        "name": name,
        "label": label,
        "type": kind.field_type(),
        "length": length,
        "nillable": !flag(metadata, "required")? && !is_checkbox,
        "createable": true,
        "updateable": true,
        "defaultedOnCreate": is_checkbox,
        // All custom external ids show both flags (salesforce-contract.md §2.5).
        "idLookup": external_id,
        "externalId": external_id,
        "unique": flag(metadata, "unique")?,
        "caseSensitive": flag(metadata, "caseSensitive")?,
        "restrictedPicklist": restricted,
        "picklistValues": picklist_values,
        "extraTypeInfo": matches!(kind, Kind::TextArea | Kind::LongTextArea).then_some("plaintextarea"),
        "precision": precision,
        "scale": scale,
    });
    serde_json::from_value(field).map_err(|error| integrity(error.to_string()))
}

/// Returns the entries of a picklist and whether it takes no others.
fn value_set(metadata: &Map<String, Value>) -> Result<(Vec<Value>, bool), CallError> {
    let missing = || must_specify(Kind::Picklist, "valueSet");
    let set = metadata.get("valueSet").ok_or_else(missing)?;
    let restricted = set.get("restricted").and_then(Value::as_bool).unwrap_or(false);
    let entries = set
        .pointer("/valueSetDefinition/value")
        .and_then(Value::as_array)
        .filter(|entries| !entries.is_empty())
        .ok_or_else(missing)?;
    let mut values = Vec::with_capacity(entries.len());
    for entry in entries {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let name = text("fullName")
            .or_else(|| text("valueName"))
            .ok_or_else(|| integrity("Each value of a valueSet needs a fullName"))?;
        values.push(json!({"value": name, "label": text("label").unwrap_or(name)}));
    }
    Ok((values, restricted))
}

/// Source: salesforce-contract.md §6.
fn check_name(name: &str) -> Result<(), CallError> {
    let developer_name = name
        .strip_suffix("__c")
        .ok_or_else(|| integrity(format!("The name of a custom field ends in __c, {name} does not")))?;
    let is_name = developer_name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !developer_name.ends_with('_')
        && !developer_name.contains("__")
        && developer_name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !is_name {
        return Err(integrity(
            "The Field Name field can only contain underscores and alphanumeric characters. It must be unique, \
             begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive \
             underscores.",
        ));
    }
    if developer_name.len() > MAX_NAME {
        return Err(integrity(format!(
            "The Field Name {developer_name} has more than {MAX_NAME} characters"
        )));
    }
    Ok(())
}

fn text<'a>(metadata: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, CallError> {
    match metadata.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(key, other)),
    }
}

fn flag(metadata: &Map<String, Value>, key: &str) -> Result<bool, CallError> {
    match metadata.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(wrong_type(key, other)),
    }
}

fn wrong_type(key: &str, value: &Value) -> CallError {
    CallError::bad_request(
        "JSON_PARSER_ERROR",
        format!("The value {value} of {key} is of the wrong type"),
    )
}

pub(super) fn integrity(message: impl Into<String>) -> CallError {
    CallError::bad_request("FIELD_INTEGRITY_EXCEPTION", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FieldType;

    fn made(name: &str, metadata: &Value) -> Result<Field, String> {
        read(name, metadata.as_object().unwrap()).map_err(|error| error.message)
    }

    #[test]
    fn every_kind_becomes_the_field_that_describe_shows() {
        let set =
            json!({"restricted": true, "valueSetDefinition": {"value": [{"fullName": "a", "label": "A"}]}});
        let cases = [
            (
                json!({"type": "Text", "length": 255, "unique": true, "externalId": true}),
                FieldType::String,
                255,
            ),
            (json!({"type": "TextArea"}), FieldType::Textarea, 255),
            (
                json!({"type": "LongTextArea", "length": 131_072, "visibleLines": 3}),
                FieldType::Textarea,
                131_072,
            ),
            (
                json!({"type": "Checkbox", "defaultValue": false}),
                FieldType::Boolean,
                0,
            ),
            (
                json!({"type": "Picklist", "valueSet": set}),
                FieldType::Picklist,
                255,
            ),
            (
                json!({"type": "Number", "precision": 18, "scale": 2}),
                FieldType::Double,
                0,
            ),
            (json!({"type": "Date"}), FieldType::Date, 0),
            (json!({"type": "DateTime"}), FieldType::Datetime, 0),
            (json!({"type": "Email"}), FieldType::Email, 80),
            (json!({"type": "Phone"}), FieldType::Phone, 40),
            (json!({"type": "Url", "required": true}), FieldType::Url, 255),
        ];
        for (mut metadata, field_type, length) in cases {
            metadata["label"] = json!("L");
            let field = made("a_1__c", &metadata).unwrap();
            assert_eq!((field.field_type, field.length), (field_type, length));
            assert_eq!(
                field.nillable,
                !matches!(field_type, FieldType::Boolean | FieldType::Url)
            );
            assert_eq!(field.id_lookup, field_type == FieldType::String);
        }
    }

    #[test]
    fn what_a_kind_cannot_be_is_named() {
        let cases = [
            (json!({"label": "L"}), "Must specify 'type' for a CustomField"),
            (
                json!({"type": "Text", "length": 5}),
                "Must specify a non-empty label for the CustomField",
            ),
            (
                json!({"type": "Text", "label": "L"}),
                "Must specify 'length' for a CustomField of type Text",
            ),
            (
                json!({"type": "Text", "label": "L", "length": 256}),
                "The length of a Text must be from 1 to 255, it is 256",
            ),
            (
                json!({"type": "LongTextArea", "label": "L", "length": 300}),
                "Must specify 'visibleLines' for a CustomField of type LongTextArea",
            ),
            (
                json!({"type": "LongTextArea", "label": "L", "length": 255, "visibleLines": 3}),
                "The length of a LongTextArea must be from 256 to 131072, it is 255",
            ),
            (
                json!({"type": "LongTextArea", "label": "L", "length": 300, "visibleLines": 3, "unique": true}),
                "Can not specify 'unique' for a CustomField of type LongTextArea",
            ),
            (
                json!({"type": "Number", "label": "L", "precision": 4, "scale": 5}),
                "The scale of a Number must be from 0 to 4, it is 5",
            ),
            (
                json!({"type": "Checkbox", "label": "L"}),
                "Must specify 'defaultValue' for a CustomField of type Checkbox",
            ),
            (
                json!({"type": "Picklist", "label": "L"}),
                "Must specify 'valueSet' for a CustomField of type Picklist",
            ),
            (
                json!({"type": "Date", "label": "L", "colour": "red"}),
                "Unrecognized field 'colour' in Metadata",
            ),
            (
                json!({"type": "Html", "label": "L"}),
                "Html is not a type of field that can be made here",
            ),
            (
                json!({"type": "Date", "label": "L".repeat(41)}),
                "The label may have at most 40 characters",
            ),
            (
                json!({"type": "Date", "label": "L", "inlineHelpText": "h".repeat(511)}),
                "The inlineHelpText may have at most 510 characters",
            ),
            (
                json!({"type": "Date", "label": "L", "description": "d".repeat(1001)}),
                "The description may have at most 1000 characters",
            ),
            (
                json!({"type": "Date", "label": 5}),
                "The value 5 of label is of the wrong type",
            ),
        ];
        for (metadata, message) in cases {
            assert_eq!(made("a__c", &metadata).unwrap_err(), message, "{metadata}");
        }
    }

    #[test]
    fn names_begin_with_a_letter_and_have_single_underscores() {
        let date = json!({"type": "Date", "label": "L"});
        for name in [
            "1a__c", "_a__c", "a___c", "a__b__c", "a b__c", "ä__c", "__c", "a", "a_c",
        ] {
            assert!(made(name, &date).is_err(), "{name}");
        }
        let longest = format!("{}__c", "a".repeat(40));
        assert!(made(&longest, &date).is_ok());
        assert!(made(&format!("a{longest}"), &date).is_err());
    }
}
