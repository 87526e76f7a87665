//! Messages as proto3 JSON.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, value};

use crate::FILE_DESCRIPTORS;

/// The descriptors of all packages.
pub static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(FILE_DESCRIPTORS).expect("the build has checked the descriptors")
});

/// Writes a message of that full name (`sluice.config.v1.Destination`) as
/// proto3 JSON, with the names of the proto and without unset fields.
pub fn json(full_name: &str, message: &impl Message) -> Value {
    let descriptor = DESCRIPTORS
        .get_message_by_name(full_name)
        .expect("the message is one of ours");
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .expect("what was just encoded can be decoded");
    message
        .serialize_with_options(
            value::Serializer,
            &SerializeOptions::new().use_proto_field_name(true),
        )
        .expect("a message of ours can be written as JSON")
}
