//! The Salesforce org: what it holds, what it refuses, and how it stores values.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::{
    Records,
    intent::{Version, Write},
};

/// The records, and the version of each field that an update wrote.
pub(crate) struct Org<'a> {
    pub(crate) records: BTreeMap<String, Records>,
    /// Object and record id → field → version of the value it holds.
    versions: HashMap<(String, String), HashMap<&'a str, Version>>,
}

impl<'a> Org<'a> {
    pub(crate) fn new(seeded: &BTreeMap<String, Records>) -> Self {
        let mut records = seeded.clone();
        for fields in records.values_mut().flat_map(BTreeMap::values_mut) {
            fields.retain(|_, value| !value.is_null());
        }
        Self {
            records,
            versions: HashMap::new(),
        }
    }

    /// Writes the values that are not older than what their fields hold. `Err` is the refusal's code; then neither
    /// the record nor any version has changed.
    ///
    /// An older value is never sent, so it cannot be refused either.
    pub(crate) fn write(&mut self, object: &str, id: &str, writes: &[Write<'a>]) -> Result<(), &'static str> {
        let Some(record) = self
            .records
            .get_mut(object)
            .and_then(|records| records.get_mut(id))
        else {
            return Err("INVALID_CROSS_REFERENCE_KEY");
        };
        let versions = self
            .versions
            .entry((object.to_owned(), id.to_owned()))
            .or_default();
        let is_due = |write: &&Write<'a>| {
            versions
                .get(write.field)
                .is_none_or(|held| write.version >= *held)
        };
        let due: Vec<&Write<'a>> = writes.iter().filter(is_due).collect();

        if due
            .iter()
            .any(|write| write.field == "Email" && !is_email_or_empty(&write.value))
        {
            return Err("INVALID_EMAIL_ADDRESS");
        }

        for write in due {
            versions.insert(write.field, write.version);
            match stored(write.field, &write.value) {
                Value::Null => record.remove(write.field),
                value => record.insert(write.field.to_owned(), value),
            };
        }
        Ok(())
    }
}

/// Returns a value as Salesforce keeps it.
fn stored(field: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) if field == "Email" => Value::from(text.to_lowercase()),
        other => other.clone(),
    }
}

fn is_email_or_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || is_email(text),
        _ => false,
    }
}

fn is_email(text: &str) -> bool {
    match text.split('@').collect::<Vec<_>>()[..] {
        [local, domain] => {
            !local.is_empty()
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !text.contains(char::is_whitespace)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_one_at_sign_a_local_part_and_a_dotted_domain() {
        for valid in ["a@b.c", "first.last+tag@mail.example.com", "é@b.c"] {
            assert!(is_email(valid), "{valid}");
        }
        let invalid = [
            "", "a", "@b.c", "a@", "a@b", "a@.b", "a@.b.c", "a@b.", "a@b.c.", "a@@b.c", "a@b@c.d", "a b@c.d",
            "a@b.c ",
        ];
        for text in invalid {
            assert!(!is_email(text), "{text}");
        }
    }
}
