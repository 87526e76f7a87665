//! API names of Salesforce fields.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{InvalidField, names::shown};

/// Longest API name that is taken: namespace (15), developer name (40) and the
/// separators fit with room to spare.
const MAX_LENGTH: usize = 80;

/// API name of a Salesforce field, for example `LastName` or `crm_2_seg__c`,
/// byte for byte as it is sent. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldName(Arc<str>);

impl FieldName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether Salesforce takes both for the same field: names are
    /// case-insensitive on input (salesforce-contract.md §5.3).
    pub fn is_same_field(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for FieldName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let well_formed = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .chars()
                .all(|next| next.is_ascii_alphanumeric() || next == '_')
            && !text.ends_with('_')
            && text.len() <= MAX_LENGTH;
        if well_formed {
            return Ok(Self(text.into()));
        }
        Err(InvalidField::new(
            "field",
            format!(
                "'{}' is not a Salesforce field name; use the API name, such as LastName or Tier__c",
                shown(text)
            ),
        ))
    }
}
