//! The Mapping ID: the Salesforce custom field that receives a segment's status.

use std::{fmt, str::FromStr};

use crate::{InvalidField, field_name::FieldName, names::shown};

/// Longest developer name of a custom field, without `__c`.
/// Source: salesforce-contract.md §6.
pub const MAX_LENGTH: usize = 40;

/// Name of a custom field as Setup calls it: without the `__c` of the API name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingId(String);

impl MappingId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the API name of the field: `crm_2_seg` names `crm_2_seg__c`.
    pub fn field(&self) -> FieldName {
        format!("{}__c", self.0)
            .parse()
            .expect("a Mapping ID is the beginning of a field name")
    }
}

impl fmt::Display for MappingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for MappingId {
    type Err = InvalidField;

    /// Takes the name with or without `__c`.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let name = text.strip_suffix("__c").unwrap_or(text);
        match problem_of(name) {
            None => Ok(Self(name.to_owned())),
            Some(problem) => Err(InvalidField::new(
                "mapping_id",
                format!("'{}' {problem}", shown(text)),
            )),
        }
    }
}

fn problem_of(name: &str) -> Option<String> {
    let allowed = |next: char| next.is_ascii_alphanumeric() || next == '_';
    Some(match name {
        "" => "is empty; give the field name of the custom field, for example crm_2_seg".to_owned(),
        _ if name.contains(char::is_whitespace) => {
            "contains whitespace; Salesforce field names have none, use an underscore (_) instead".to_owned()
        }
        _ if !name.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            "must start with a letter A-Z".to_owned()
        }
        _ if !name.chars().all(allowed) => "may only have letters A-Z, digits and underscores".to_owned(),
        _ if name.contains("__") => "must not have two underscores in a row".to_owned(),
        _ if name.ends_with('_') => "must not end with an underscore".to_owned(),
        _ if name.len() > MAX_LENGTH => format!("is longer than {MAX_LENGTH} characters"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_22_112_161_a_mapping_id_with_and_without_its_suffix_names_one_field() {
        for text in ["crm_2_seg", "crm_2_seg__c"] {
            let mapping_id: MappingId = text.parse().unwrap();
            assert_eq!(mapping_id.field().as_str(), "crm_2_seg__c");
        }
    }

    #[test]
    fn row_21_112_each_break_of_the_grammar_is_named() {
        for (text, part_of_message) in [
            ("", "empty"),
            ("__c", "empty"),
            ("crm 2 seg", "underscore (_)"),
            ("crm_2_seg ", "whitespace"),
            ("\tseg", "whitespace"),
            ("2_seg", "start with a letter"),
            ("_seg", "start with a letter"),
            ("crm-2", "letters A-Z, digits"),
            ("größe", "letters A-Z, digits"),
            ("crm__2", "two underscores"),
            ("seg_", "end with an underscore"),
            ("seg__c__c", "two underscores"),
            (&"s".repeat(41), "longer than 40"),
        ] {
            let invalid = text.parse::<MappingId>().unwrap_err();
            assert!(invalid.problem.contains(part_of_message), "{text:?}: {invalid}");
        }
        assert!("s".repeat(40).parse::<MappingId>().is_ok());
    }
}
