//! What the org's own description says of the fields that a destination
//! writes: as much of it as mapping needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::field_name::FieldName;

/// Read from describe when a destination is activated, and again at each edit
/// of an activated one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgShape {
    /// Whether the key field tells upper from lower case. Always true for ids.
    pub key_case_sensitive: bool,
    /// By the name that the destination uses. A field that is not here is not
    /// known, and nothing is checked of it before sending.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldShape>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FieldShape {
    pub kind: FieldKind,
    /// The longest text that it holds, in characters; 0 where there is no such
    /// limit.
    #[serde(default)]
    pub max_length: u32,
}

/// Which values a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One that Sluice has no rule for, or that was never described.
    #[default]
    Other,
    /// Any text up to a length: text, text area, e-mail, phone, URL.
    Text,
    Picklist,
    Checkbox,
    /// A number, currency or percentage.
    Number,
    Date,
    Datetime,
}

impl OrgShape {
    /// Returns the shape of an org that was not asked.
    pub fn unknown(key_case_sensitive: bool) -> Self {
        Self {
            key_case_sensitive,
            fields: BTreeMap::new(),
        }
    }

    pub fn field(&self, field: &FieldName) -> FieldShape {
        self.fields.get(field.as_str()).copied().unwrap_or_default()
    }
}

impl FieldShape {
    /// Returns the longest text that is sent, where there is a limit.
    pub fn text_limit(self) -> Option<usize> {
        let limit = usize::try_from(self.max_length).unwrap_or(usize::MAX);
        (self.kind == FieldKind::Text && limit > 0).then_some(limit)
    }
}
