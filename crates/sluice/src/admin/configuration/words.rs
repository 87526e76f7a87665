//! The words of the API as a file has them: only what can be said, and names of
//! enums without what they all begin with (`RECORD_TYPE_CONTACT` is `CONTACT`).

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

/// Names that are so alike are one and the same, mistyped: `conection`. As
/// clap has it for flags.
const LIKE_A_TYPO: f64 = 0.8;

/// What is wrong in a file, and where: `destinations[0].segments[2].mapping_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) path: String,
    pub(super) problem: String,
}

impl Problem {
    pub(super) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// Returns the fields that a file can say, in the order in which it is written;
/// `None`: all of them. What the server tells besides is not said to it.
pub(super) fn sayable(message: &MessageDescriptor) -> Option<&'static [&'static str]> {
    match message.full_name() {
        "sluice.config.v1.Connection" => Some(&["name", "display_name", "description", "custom_domain"]),
        "sluice.config.v1.Destination" => Some(&[
            "name",
            "display_name",
            "description",
            "connection",
            "record_type",
            "write_mode",
            "key_field",
            "creation_rules",
            "duplicate_rule",
            "deleted_profile_policy",
            "max_delay",
            "status_values",
            "mapping_id_prefix",
            "mapping_id_suffix",
            "marketing_actions",
            "segment_namespaces",
            "desired_state",
            "field_mappings",
            "segments",
        ]),
        "sluice.config.v1.SegmentActivation" => {
            Some(&["segment", "display_name", "mapping_id", "start_time", "end_time"])
        }
        _ => None,
    }
}

fn sayable_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    match sayable(message) {
        Some(names) => names
            .iter()
            .filter_map(|name| message.get_field_by_name(name))
            .collect(),
        None => message.fields().collect(),
    }
}

/// Writes a message, given as the API's JSON, in the words of a file.
pub(super) fn shortened(message: &MessageDescriptor, json: &Value) -> Value {
    let Value::Object(given) = json else {
        return json.clone();
    };
    let mut said = Map::new();
    for field in sayable_fields(message) {
        let Some(value) = given.get(field.name()) else {
            continue;
        };
        said.insert(
            field.name().to_owned(),
            each(&field, value, |value| short(&field.kind(), value)),
        );
    }
    Value::Object(said)
}

fn short(kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Enum(descriptor), Value::String(name)) => {
            let short = name.strip_prefix(&prefix(descriptor)).unwrap_or(name);
            Value::String(short.to_owned())
        }
        (Kind::Message(message), Value::Object(_)) if has_fields_of_ours(message) => {
            shortened(message, value)
        }
        _ => value.clone(),
    }
}

/// Replaces the short names in what a file says by those of the API, and notes
/// what cannot be said.
pub(super) fn lengthen(message: &MessageDescriptor, value: &mut Value, path: &str, wrong: &mut Vec<Problem>) {
    // What is no object is told when it is read.
    let Value::Object(said) = value else { return };
    let fields = sayable_fields(message);
    for (name, value) in said {
        let at = format!("{path}.{name}");
        let Some(field) = fields
            .iter()
            .find(|field| field.name() == name || field.json_name() == name)
        else {
            wrong.push(Problem::new(at, unknown(message, &fields, name)));
            continue;
        };
        let kind = field.kind();
        match value {
            Value::Array(rows) if field.is_list() => {
                for (index, row) in rows.iter_mut().enumerate() {
                    lengthen_one(&kind, row, &format!("{at}[{index}]"), wrong);
                }
            }
            // Keys of a map are the user's own; no map of ours has messages or
            // enums as values.
            _ if field.is_map() => {}
            value => lengthen_one(&kind, value, &at, wrong),
        }
    }
}

fn lengthen_one(kind: &Kind, value: &mut Value, path: &str, wrong: &mut Vec<Problem>) {
    match kind {
        Kind::Enum(descriptor) => {
            let name = match value {
                Value::String(name) => name,
                // OFF without quotes is a word for false.
                Value::Bool(_) | Value::Number(_) => {
                    let problem = format!("must be one of {}, in quotes", names(descriptor));
                    wrong.push(Problem::new(path, problem));
                    return;
                }
                _ => return,
            };
            let long = format!("{}{}", prefix(descriptor), name.to_uppercase());
            if descriptor.get_value_by_name(&long).is_some() {
                *name = long;
            } else if descriptor.get_value_by_name(name).is_none() {
                wrong.push(Problem::new(
                    path,
                    format!("must be one of {}", names(descriptor)),
                ));
            }
        }
        Kind::String if value.is_number() || value.is_boolean() => {
            wrong.push(Problem::new(
                path,
                "must be text; put it in quotes, just as it is",
            ));
        }
        Kind::Message(message) if has_fields_of_ours(message) => lengthen(message, value, path, wrong),
        _ => {}
    }
}

/// Messages of Google's have a JSON form of their own.
fn has_fields_of_ours(message: &MessageDescriptor) -> bool {
    message.package_name() != "google.protobuf"
}

fn each(field: &FieldDescriptor, value: &Value, one: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Array(rows) if field.is_list() => rows.iter().map(one).collect(),
        value if field.is_map() => value.clone(),
        value => one(value),
    }
}

/// Returns what the names of an enum begin with, by the rule that its zero is
/// `…_UNSPECIFIED`.
fn prefix(descriptor: &EnumDescriptor) -> String {
    let zero = descriptor.default_value();
    zero.name()
        .strip_suffix("UNSPECIFIED")
        .unwrap_or_default()
        .to_owned()
}

fn names(descriptor: &EnumDescriptor) -> String {
    let prefix = prefix(descriptor);
    let names: Vec<String> = descriptor
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| {
            value
                .name()
                .strip_prefix(&prefix)
                .unwrap_or(value.name())
                .to_owned()
        })
        .collect();
    names.join(", ")
}

fn unknown(message: &MessageDescriptor, fields: &[FieldDescriptor], name: &str) -> String {
    let is_told = message.get_field_by_name(name).is_some() || message.get_field_by_json_name(name).is_some();
    if is_told {
        return "is told by Sluice and cannot be set; leave it out".to_owned();
    }
    let known: Vec<&str> = fields.iter().map(FieldDescriptor::name).collect();
    let likeness = |known: &str| strsim::jaro_winkler(known, name);
    let nearest = known
        .iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    if let Some(nearest) = nearest.filter(|nearest| likeness(nearest) > LIKE_A_TYPO) {
        return format!("is not known; did you mean {nearest}?");
    }
    format!("is not known; what can be said here: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use contracts::json::DESCRIPTORS;
    use serde_json::json;

    use super::*;

    fn descriptor(name: &str) -> MessageDescriptor {
        DESCRIPTORS
            .get_message_by_name(&format!("sluice.config.v1.{name}"))
            .unwrap()
    }

    #[test]
    fn what_cannot_be_said_is_what_the_server_tells() {
        for name in ["Connection", "Destination", "SegmentActivation"] {
            let message = descriptor(name);
            let said = sayable(&message).unwrap();
            for field in message.fields() {
                let comment = field_comment(&message, &field);
                let is_told = comment.starts_with("Output only.")
                    || field.name() == "etag"
                    // In files: whether it is to deliver.
                    || field.name() == "desired_state";
                let is_said = said.contains(&field.name());
                assert!(
                    is_said != is_told || field.name() == "desired_state",
                    "{name}.{}: {comment}",
                    field.name()
                );
            }
        }
    }

    fn field_comment(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
        let file = message.parent_file();
        let locations = &file
            .file_descriptor_proto()
            .source_code_info
            .as_ref()
            .unwrap()
            .location;
        let location = locations.iter().find(|location| location.path == field.path());
        location.unwrap().leading_comments().trim().to_owned()
    }

    #[test]
    fn names_are_short_in_a_file_and_either_way_when_read() {
        let api = json!({
            "name": "workspaces/w/destinations/d",
            "record_type": "RECORD_TYPE_LEAD",
            "revision": "7",
            "creation_rules": {"create": "CREATE_NEVER"},
            "field_mappings": [{"source": {"attribute_path": "a"}, "on_null": "ON_NULL_LEAVE"}],
        });
        let destination = descriptor("Destination");
        let mut file = shortened(&destination, &api);
        assert_eq!(
            file,
            json!({
                "name": "workspaces/w/destinations/d",
                "record_type": "LEAD",
                "creation_rules": {"create": "NEVER"},
                "field_mappings": [{"source": {"attribute_path": "a"}, "on_null": "LEAVE"}],
            })
        );
        file["record_type"] = json!("lead");
        file["creation_rules"]["create"] = json!("CREATE_NEVER");

        let mut wrong = Vec::new();
        lengthen(&destination, &mut file, "d", &mut wrong);
        assert_eq!(
            (&file["record_type"], &file["creation_rules"]),
            (&api["record_type"], &api["creation_rules"])
        );
        assert_eq!(wrong, []);
    }

    #[test]
    fn what_cannot_be_said_is_named_with_what_can() {
        let mut file = json!({
            "revision": 7,
            "conection": "acme",
            "zzz": [],
            "record_type": "ACCOUNT",
            "segments": [{"segment": 12, "mapping_id": "a", "field": "a__c"}],
        });
        let mut wrong = Vec::new();
        lengthen(
            &descriptor("Destination"),
            &mut file,
            "destinations[0]",
            &mut wrong,
        );
        let told: Vec<String> = wrong
            .iter()
            .map(|wrong| format!("{}: {}", wrong.path, wrong.problem))
            .collect();
        assert_eq!(
            told[0],
            "destinations[0].revision: is told by Sluice and cannot be set; leave it out"
        );
        assert_eq!(
            told[1],
            "destinations[0].conection: is not known; did you mean connection?"
        );
        assert!(told[2].starts_with("destinations[0].zzz: is not known; what can be said here: name, "));
        assert_eq!(
            told[3..],
            [
                "destinations[0].record_type: must be one of CONTACT, LEAD",
                "destinations[0].segments[0].segment: must be text; put it in quotes, just as it is",
                "destinations[0].segments[0].field: is told by Sluice and cannot be set; leave it out",
            ]
        );
    }
}
