//! Messages from JSON, by the JSON mapping of proto3.
//!
//! Scalars and Google's own types are read by `prost-reflect`, one by one, so
//! that each is named that cannot be.

use std::collections::HashMap;

use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use serde_json::{Map, Value as Json, json};

use crate::{field_path, problem::Violation};

/// Reads an object; a field that cannot be read is named and left out.
pub(crate) fn message(
    descriptor: &MessageDescriptor,
    json: &Json,
    path: &str,
    wrong: &mut Vec<Violation>,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let Json::Object(object) = json else {
        let at = if path.is_empty() { "body" } else { path };
        wrong.push(Violation::new(at, format!("must be an object{}", instead(json))));
        return message;
    };
    let mut given: HashMap<u32, &str> = HashMap::new();
    for (name, json) in object {
        let Some(field) = field_path::field(descriptor, name) else {
            wrong.push(Violation::new(join(path, name), unknown(descriptor)));
            continue;
        };
        let at = join(path, field.name());
        if let Some(other) = given.insert(field.number(), name) {
            wrong.push(Violation::new(
                at,
                format!("is given twice, as {other} and as {name}"),
            ));
            continue;
        }
        // Null is a field that is not there, except where it is a value itself.
        if json.is_null() && !takes_null(&field) {
            continue;
        }
        if let Some(other) = other_of_oneof(&message, &field) {
            let problem = format!("excludes {}; give one of them", join(path, &other));
            wrong.push(Violation::new(at, problem));
            continue;
        }
        if let Some(value) = value(&field, json, &at, wrong) {
            message.set_field(&field, value);
        }
    }
    message
}

fn value(field: &FieldDescriptor, json: &Json, path: &str, wrong: &mut Vec<Violation>) -> Option<Value> {
    if field.is_map() {
        return map(field, json, path, wrong);
    }
    if !field.is_list() {
        return single(field, json, path, wrong);
    }
    let Json::Array(elements) = json else {
        wrong.push(Violation::new(path, format!("must be an array{}", instead(json))));
        return None;
    };
    let before = wrong.len();
    let values: Vec<Value> = elements
        .iter()
        .enumerate()
        .filter_map(|(index, element)| single(field, element, &format!("{path}[{index}]"), wrong))
        .collect();
    (wrong.len() == before).then_some(Value::List(values))
}

fn map(field: &FieldDescriptor, json: &Json, path: &str, wrong: &mut Vec<Violation>) -> Option<Value> {
    let kind = field.kind();
    let entry = kind.as_message()?;
    let (key_field, value_field) = (entry.map_entry_key_field(), entry.map_entry_value_field());
    let Json::Object(object) = json else {
        wrong.push(Violation::new(
            path,
            format!("must be an object{}", instead(json)),
        ));
        return None;
    };
    let before = wrong.len();
    let mut values: HashMap<MapKey, Value> = HashMap::new();
    for (key, json) in object {
        let at = format!("{path}[{key:?}]");
        let key = match key_field.kind() {
            Kind::Bool => key.parse().map_or(Json::Null, Json::Bool),
            _ => Json::String(key.clone()),
        };
        let key = read(&key_field, &key).and_then(Value::into_map_key);
        match (key, single(&value_field, json, &at, wrong)) {
            (Some(key), Some(value)) => {
                values.insert(key, value);
            }
            (None, _) => wrong.push(Violation::new(
                at,
                format!("its key {}", expected(&key_field.kind())),
            )),
            (_, None) => {} // Named by `single`.
        }
    }
    (wrong.len() == before).then_some(Value::Map(values))
}

/// Reads one value of a field, of a repeated one one element.
pub(crate) fn single(
    field: &FieldDescriptor,
    json: &Json,
    path: &str,
    wrong: &mut Vec<Violation>,
) -> Option<Value> {
    let kind = field.kind();
    match kind.as_message() {
        Some(descriptor) if !is_googles(descriptor) => {
            Some(Value::Message(message(descriptor, json, path, wrong)))
        }
        _ => {
            let value = read(field, json);
            if value.is_none() {
                let mismatch = if is_of_type(&kind, json) {
                    String::new()
                } else {
                    instead(json)
                };
                wrong.push(Violation::new(path, format!("{}{mismatch}", expected(&kind))));
            }
            value
        }
    }
}

/// Reads a scalar, or a message that has a JSON form of its own.
pub(crate) fn read(field: &FieldDescriptor, json: &Json) -> Option<Value> {
    if let Kind::Message(message) = field.kind()
        && message.full_name() == "google.protobuf.FieldMask"
    {
        return mask(&message, json);
    }
    if field.is_map() || (json.is_null() && !takes_null(field)) {
        return None;
    }
    let json = if field.is_list() {
        json!([json])
    } else {
        json.clone()
    };
    let object = Json::Object(Map::from_iter([(field.json_name().to_owned(), json)]));
    let parent = field.parent_message().clone();
    let mut message = DynamicMessage::deserialize(parent, object).ok()?;
    match message.take_field(field) {
        Some(Value::List(mut values)) => values.pop(),
        Some(value) => Some(value),
        // A zero is as good as absent.
        None => Some(Value::default_value(&field.kind())),
    }
}

/// Reads a field mask in the names of JSON (`displayName`) or of the proto.
fn mask(descriptor: &MessageDescriptor, json: &Json) -> Option<Value> {
    let mut mask = DynamicMessage::new(descriptor.clone());
    let paths = json
        .as_str()?
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty());
    let snake = |path: &str| {
        let mut snake = String::with_capacity(path.len());
        for c in path.chars() {
            if c.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        Value::String(snake)
    };
    mask.set_field_by_name("paths", Value::List(paths.map(snake).collect()));
    Some(Value::Message(mask))
}

/// Tells whether a message has a JSON form of its own.
pub(crate) fn is_googles(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}

fn takes_null(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => message.full_name() == "google.protobuf.Value",
        Kind::Enum(descriptor) => descriptor.full_name() == "google.protobuf.NullValue",
        _ => false,
    }
}

/// Returns the name of a field that is set and that this one would unset.
fn other_of_oneof(message: &DynamicMessage, field: &FieldDescriptor) -> Option<String> {
    let other = field
        .containing_oneof()?
        .fields()
        .find(|other| other != field && message.has_field(other))?;
    Some(other.name().to_owned())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn unknown(descriptor: &MessageDescriptor) -> String {
    let names: Vec<String> = descriptor
        .fields()
        .map(|field| field.json_name().to_owned())
        .collect();
    if names.is_empty() {
        return "is not known; there is nothing to give here".to_owned();
    }
    format!("is not known; what can be given here: {}", names.join(", "))
}

/// Says what a value of this kind is like.
pub(crate) fn expected(kind: &Kind) -> String {
    let text = match kind {
        Kind::String => "must be a string",
        Kind::Bool => "must be true or false",
        Kind::Bytes => "must be bytes in base64",
        Kind::Double | Kind::Float => "must be a number",
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            "must be a whole number from -2147483648 to 2147483647"
        }
        Kind::Uint32 | Kind::Fixed32 => "must be a whole number from 0 to 4294967295",
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            "must be a whole number from -9223372036854775808 to 9223372036854775807"
        }
        Kind::Uint64 | Kind::Fixed64 => "must be a whole number from 0 to 18446744073709551615",
        Kind::Enum(descriptor) => return format!("must be one of {}", names(descriptor)),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => "must be a time such as 2026-11-20T09:15:00Z",
            "google.protobuf.Duration" => "must be a duration in seconds, such as 1.5s",
            "google.protobuf.FieldMask" => "must be names of fields with commas between them",
            "google.protobuf.ListValue" => "must be an array",
            "google.protobuf.Any" => "must be an object with an @type that is known here",
            "google.protobuf.Value" => "must be JSON",
            wrapper if wrapper.ends_with("Value") => {
                return message
                    .get_field_by_name("value")
                    .map_or_else(|| "must be a value".to_owned(), |value| expected(&value.kind()));
            }
            _ => "must be an object",
        },
    };
    text.to_owned()
}

fn names(descriptor: &EnumDescriptor) -> String {
    // The zero value means that nothing is given.
    let names: Vec<String> = descriptor
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| value.name().to_owned())
        .collect();
    names.join(", ")
}

/// Tells whether JSON is of the type that a kind has there, whatever its value.
fn is_of_type(kind: &Kind, json: &Json) -> bool {
    match kind {
        Kind::Bool => json.is_boolean(),
        Kind::String | Kind::Bytes | Kind::Enum(_) => json.is_string(),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask" => {
                json.is_string()
            }
            _ => false,
        },
        _ => json.is_number() || json.is_string(),
    }
}

/// Names the type of what is there; never the value, which may be a secret.
fn instead(json: &Json) -> String {
    let found = match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    };
    format!(", and is {found}")
}
