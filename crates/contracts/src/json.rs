//! Messages as proto3 JSON.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, SerializeOptions};
use serde_json::{Value, value};

use crate::FILE_DESCRIPTORS;

/// The descriptors of all packages.
pub static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(FILE_DESCRIPTORS).expect("the build has checked the descriptors")
});

/// Writes a message of that full name (`sluice.config.v1.Destination`) as
/// proto3 JSON, with the names of the proto and without unset fields. The same
/// message is written the same each time: fields in the order of their numbers,
/// maps in that of their keys.
pub fn json(full_name: &str, message: &impl Message) -> Value {
    let descriptor = DESCRIPTORS
        .get_message_by_name(full_name)
        .expect("the message is one of ours");
    let message = DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice())
        .expect("what was just encoded can be decoded");
    let mut json = message
        .serialize_with_options(
            value::Serializer,
            &SerializeOptions::new().use_proto_field_name(true),
        )
        .expect("a message of ours can be written as JSON");
    sort_maps(&descriptor, &mut json);
    json
}

fn sort_maps(message: &MessageDescriptor, json: &mut Value) {
    let Value::Object(object) = json else { return };
    for field in message.fields() {
        let Some(value) = object.get_mut(field.name()) else {
            continue;
        };
        if field.is_map() {
            value.sort_all_objects();
        } else if let Kind::Message(message) = field.kind() {
            match value {
                Value::Array(rows) => rows.iter_mut().for_each(|row| sort_maps(&message, row)),
                one => sort_maps(&message, one),
            }
        }
    }
}

/// Reads what [`json`] wrote of a message of that full name; nothing where it
/// is another's, or has fields that are not known here.
pub fn message<M: Message + Default>(full_name: &str, value: &Value) -> Option<M> {
    let descriptor = DESCRIPTORS.get_message_by_name(full_name)?;
    let message = DynamicMessage::deserialize(descriptor, value).ok()?;
    message.transcode_to().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::v1::{
        FieldMapping, FieldSource, Transform, ValueMapTransform, field_source::Source, transform,
    };

    #[test]
    fn a_map_is_written_in_the_order_of_its_keys() {
        let keys: Vec<String> = (10..40).map(|key| key.to_string()).collect();
        let map = ValueMapTransform {
            values: keys.iter().map(|key| (key.clone(), String::new())).collect(),
            ..Default::default()
        };
        let mapping = FieldMapping {
            transforms: vec![Transform {
                transform: Some(transform::Transform::ValueMap(map)),
            }],
            ..Default::default()
        };
        let written = json("sluice.config.v1.FieldMapping", &mapping);
        let values = &written["transforms"][0]["value_map"]["values"];
        assert!(values.as_object().unwrap().keys().eq(&keys), "{written}");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let mapping = FieldMapping {
            source: Some(FieldSource {
                source: Some(Source::AttributePath("a.b".to_owned())),
            }),
            ..Default::default()
        };
        let name = "sluice.config.v1.FieldMapping";
        let written = json(name, &mapping);
        assert_eq!(message(name, &written), Some(mapping));
        let unknown = serde_json::json!({"colour": "red"});
        assert_eq!(message::<FieldMapping>(name, &unknown), None);
    }
}
