//! Schemas of messages and enums, as JSON writes them.

use std::collections::{BTreeMap, HashMap};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

use super::comments::Comments;
use crate::{problem, route::RouteTable};

/// The schemas that are referred to so far.
pub(crate) struct Schemas<'a> {
    comments: &'a Comments,
    /// How often a short name is used, by messages and enums of any package.
    short_names: HashMap<String, usize>,
    components: BTreeMap<String, Json>,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(comments: &'a Comments, table: &RouteTable) -> Self {
        let mut short_names: HashMap<String, usize> = HashMap::new();
        if let Some(route) = table.routes.first() {
            let pool = route.rpc.parent_pool();
            let messages = pool.all_messages().map(|message| message.name().to_owned());
            let enums = pool.all_enums().map(|descriptor| descriptor.name().to_owned());
            for name in messages.chain(enums) {
                *short_names.entry(name).or_default() += 1;
            }
        }
        Self {
            comments,
            short_names,
            components: BTreeMap::from([("Problem".to_owned(), problem_schema())]),
        }
    }

    pub(crate) fn into_components(self) -> BTreeMap<String, Json> {
        self.components
    }

    /// Returns a reference to the schema of a message, or what it is when it has
    /// a form of its own.
    pub(crate) fn message(&mut self, message: &MessageDescriptor) -> Json {
        if message.package_name() == "google.protobuf" {
            return self.googles(message);
        }
        let name = self.name(message.name(), message.full_name());
        if !self.components.contains_key(&name) {
            // Before its fields, which may have it again.
            self.components.insert(name.clone(), json!({}));
            let schema = self.object(message, &[]);
            self.components.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// Returns the schema of a message without some of its fields.
    pub(crate) fn object(&mut self, message: &MessageDescriptor, without: &[FieldDescriptor]) -> Json {
        let mut properties = Map::new();
        for field in message.fields().filter(|field| !without.contains(field)) {
            properties.insert(field.json_name().to_owned(), self.property(&field));
        }
        let mut description = self.comments.of_message(message).to_owned();
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let names: Vec<String> = oneof
                .fields()
                .map(|field| format!("`{}`", field.json_name()))
                .collect();
            let sentence = format!("\n\nAt most one of {} is there.", names.join(", "));
            description.push_str(&sentence);
        }
        json!({"type": "object", "description": description, "properties": properties})
    }

    fn property(&mut self, field: &FieldDescriptor) -> Json {
        let mut schema = self.field(field);
        let marks = self.comments.marks(field);
        let comment = self.comments.of_field(field);
        if !comment.is_empty() {
            schema["description"] = comment.into();
        }
        if marks.is_output_only {
            schema["readOnly"] = true.into();
        }
        if marks.is_input_only {
            schema["writeOnly"] = true.into();
        }
        schema
    }

    /// Returns the schema of a field's values.
    pub(crate) fn field(&mut self, field: &FieldDescriptor) -> Json {
        let kind = field.kind();
        if field.is_map()
            && let Some(entry) = kind.as_message()
        {
            let values = self.kind(&entry.map_entry_value_field().kind());
            return json!({"type": "object", "additionalProperties": values});
        }
        let one = self.kind(&kind);
        if field.is_list() {
            json!({"type": "array", "items": one})
        } else {
            one
        }
    }

    fn kind(&mut self, kind: &Kind) -> Json {
        match kind {
            Kind::Message(message) => self.message(message),
            Kind::Enum(descriptor) => self.enumeration(descriptor),
            Kind::String => json!({"type": "string"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX})
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"})
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"})
            }
        }
    }

    fn enumeration(&mut self, descriptor: &EnumDescriptor) -> Json {
        let name = self.name(descriptor.name(), descriptor.full_name());
        let mut description = self.comments.of_enum(descriptor).to_owned();
        description.push('\n');
        let mut names = Vec::new();
        for value in descriptor.values() {
            let meaning = self.comments.of_enum_value(&value);
            description.push_str(&format!("\n- `{}`: {meaning}", value.name()));
            names.push(value.name().to_owned());
        }
        let schema = json!({"type": "string", "description": description, "enum": names});
        self.components.insert(name.clone(), schema);
        reference(&name)
    }

    /// The JSON forms of Google's own types. Source: ProtoJSON Format.
    fn googles(&mut self, message: &MessageDescriptor) -> Json {
        match message.name() {
            "Timestamp" => json!({"type": "string", "format": "date-time"}),
            "Duration" => json!({
                "type": "string",
                "pattern": "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$",
                "examples": ["1.5s"],
            }),
            "FieldMask" => json!({"type": "string", "examples": ["displayName,description"]}),
            "Struct" | "Any" => json!({"type": "object"}),
            "ListValue" => json!({"type": "array"}),
            "Empty" => json!({"type": "object", "properties": {}}),
            "Value" => json!({}),
            // Wrappers: what they wrap.
            _ => message
                .get_field_by_name("value")
                .map_or_else(|| json!({}), |value| self.kind(&value.kind())),
        }
    }

    /// A short name where there is only one of it.
    fn name(&self, short: &str, full: &str) -> String {
        let is_unique = self.short_names.get(short) == Some(&1) && short != "Problem";
        if is_unique { short } else { full }.to_owned()
    }
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn problem_schema() -> Json {
    json!({
        "type": "object",
        "description": "What went wrong. The same as the gRPC status, by RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "reason", "violations"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri",
                "description": "`urn:sluice:` and the reason; `about:blank` when there is none.",
            },
            "title": {"type": "string", "description": "The reason, for people."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {
                "type": "string",
                "description": "What is wrong and what to do, for people; may change at any time.",
            },
            "code": {"type": "string", "description": "The gRPC code.", "enum": problem::CODE_NAMES},
            "reason": {
                "type": "string",
                "description": "A stable word for machines, for example `STALE_ETAG`.",
            },
            "violations": {
                "type": "array",
                "description": "Everything that is wrong with the request, or in the way of it.",
                "items": {
                    "type": "object",
                    "required": ["field", "description"],
                    "properties": {
                        "field": {
                            "type": "string",
                            "description":
                                "Path of the field in the request message, in the names of the proto, for example \
                                 `segments[1].mapping_id`.",
                        },
                        "description": {"type": "string", "description": "What is wrong with it."},
                    },
                },
            },
            "metadata": {
                "type": "object",
                "description": "More about the reason, by name.",
                "additionalProperties": {"type": "string"},
            },
            "retry_after_seconds": {
                "type": "integer",
                "description": "When to try again, where that may help.",
            },
        },
    })
}
