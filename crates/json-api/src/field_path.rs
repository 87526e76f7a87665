//! Where a field is in a message: `destination.name`.

use std::fmt;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// One field, or a field of a field. Never empty; only the last may be repeated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldPath(Vec<FieldDescriptor>);

impl FieldPath {
    /// Finds a dotted path in a message, by the names of the proto or of JSON.
    pub(crate) fn find(message: &MessageDescriptor, text: &str) -> Option<Self> {
        let mut fields: Vec<FieldDescriptor> = Vec::new();
        for name in text.split('.') {
            let field = match fields.last() {
                None => field(message, name)?,
                Some(parent) if parent.is_list() || parent.is_map() => return None,
                Some(parent) => field(parent.kind().as_message()?, name)?,
            };
            fields.push(field);
        }
        Some(Self(fields))
    }

    pub(crate) fn first(&self) -> &FieldDescriptor {
        &self.0[0]
    }

    /// Returns the field of a path that is not inside another.
    pub(crate) fn only(&self) -> Option<&FieldDescriptor> {
        match self.0.as_slice() {
            [field] => Some(field),
            _ => None,
        }
    }

    pub(crate) fn last(&self) -> &FieldDescriptor {
        &self.0[self.0.len() - 1]
    }

    /// Returns the value, when it is set.
    pub(crate) fn get(&self, message: &DynamicMessage) -> Option<Value> {
        let (field, rest) = self.0.split_first()?;
        if !message.has_field(field) {
            return None;
        }
        let value = message.get_field(field);
        if rest.is_empty() {
            return Some(value.into_owned());
        }
        Self(rest.to_vec()).get(value.as_message()?)
    }

    /// Sets the value, and makes the messages on the way to it.
    pub(crate) fn set(&self, message: &mut DynamicMessage, value: Value) {
        let mut message = message;
        for field in &self.0[..self.0.len() - 1] {
            let Value::Message(inner) = message.get_field_mut(field) else {
                return; // `find` goes through messages only.
            };
            message = inner;
        }
        message.set_field(self.last(), value);
    }

    /// Tells whether the path goes through a message of this type.
    pub(crate) fn passes(&self, message: &MessageDescriptor) -> bool {
        self.0
            .iter()
            .any(|field| field.parent_message() == message || field.kind().as_message() == Some(message))
    }

    /// Returns the path with one more field at its end.
    pub(crate) fn child(&self, field: FieldDescriptor) -> Self {
        let mut fields = self.0.clone();
        fields.push(field);
        Self(fields)
    }

    /// Returns the path in the names of JSON.
    pub(crate) fn json_name(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(FieldDescriptor::json_name).collect();
        names.join(".")
    }
}

impl From<FieldDescriptor> for FieldPath {
    fn from(field: FieldDescriptor) -> Self {
        Self(vec![field])
    }
}

/// In the names of the proto, as the services' own errors have them.
impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(formatter, "{dot}{}", field.name())?;
        }
        Ok(())
    }
}

/// Finds a field by its name in JSON or in the proto; both are taken.
pub(crate) fn field(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message
        .get_field_by_json_name(name)
        .or_else(|| message.get_field_by_name(name))
}

/// Returns the `etag` of a message that has one.
pub(crate) fn etag(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    message
        .get_field_by_name("etag")
        .filter(|field| field.kind() == Kind::String && !field.is_list())
}
