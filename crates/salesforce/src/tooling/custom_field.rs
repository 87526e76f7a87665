//! Making custom fields (§6). Needs the permission Customize Application.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{API_VERSION, Http, Session, record::created, request::RequestError};

/// Characters of a developer name, without `__c` (§6).
const MAX_NAME_CHARACTERS: usize = 40;
const MAX_LABEL_CHARACTERS: usize = 40;
const MAX_DESCRIPTION_CHARACTERS: usize = 1_000;
const MAX_HELP_TEXT_CHARACTERS: usize = 510;
/// Characters that a Text holds (§6).
const TEXT_LENGTHS: RangeInclusive<u32> = 1..=255;
/// Characters that a Text Area (Long) holds (§6).
const LONG_TEXT_LENGTHS: RangeInclusive<u32> = 256..=131_072;

/// A field to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewField {
    /// For example `Contact`.
    pub object: String,
    /// API name, with `__c`.
    pub name: String,
    pub label: String,
    /// For admins.
    pub description: Option<String>,
    /// For whoever sees the field on a page.
    pub help_text: Option<String>,
    pub kind: FieldKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    Text {
        /// In characters.
        length: u32,
        unique: bool,
        /// Whether values that differ in case are different.
        case_sensitive: bool,
        external_id: bool,
    },
    /// Text Area (Long).
    LongText {
        /// In characters.
        length: u32,
        visible_lines: u32,
    },
    Checkbox {
        default: bool,
    },
    Picklist {
        values: Vec<String>,
        /// Whether other values are refused.
        restricted: bool,
    },
}

/// How making a field ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// With the id of the CustomField.
    Created(String),
    /// There is a field of that name; describe tells whether it is of use.
    Exists,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateFieldError {
    #[error(transparent)]
    Invalid(#[from] InvalidNewField),
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// What Salesforce would refuse in a field, told before it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNewField {
    #[error(
        "'{0}' is no API name of a custom field: up to 40 letters, digits and single underscores, a letter first, \
         no underscore last, then __c"
    )]
    Name(String),
    #[error("the label '{0}' is empty or longer than 40 characters")]
    Label(String),
    #[error("the description is longer than 1,000 characters")]
    Description,
    #[error("the help text is longer than 510 characters")]
    HelpText,
    #[error("length {length} is not within {} and {}", allowed.start(), allowed.end())]
    Length {
        length: u32,
        allowed: RangeInclusive<u32>,
    },
    #[error("a picklist needs values, each of them once")]
    PicklistValues,
}

/// Makes a field. Safe to repeat: a field of that name stays as it is.
pub async fn create_field(
    http: &Http,
    session: &Session,
    field: &NewField,
) -> Result<Creation, CreateFieldError> {
    field.check()?;
    let path = format!("/services/data/{API_VERSION}/tooling/sobjects/CustomField");
    match created(http, session, &path, &field.body()).await {
        Ok(id) => Ok(Creation::Created(id.value)),
        // Both are reported for a name that is taken (§6).
        Err(RequestError::Refused(refusal))
            if matches!(
                refusal.code.as_str(),
                "DUPLICATE_DEVELOPER_NAME" | "DUPLICATE_VALUE"
            ) =>
        {
            Ok(Creation::Exists)
        }
        Err(error) => Err(error.into()),
    }
}

impl NewField {
    /// Finds what Salesforce would refuse whatever the org is.
    pub fn check(&self) -> Result<(), InvalidNewField> {
        let is_name = |name: &str| {
            name.len() <= MAX_NAME_CHARACTERS
                && name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '_')
                && !name.contains("__")
                && !name.ends_with('_')
        };
        if !self.name.strip_suffix("__c").is_some_and(is_name) {
            return Err(InvalidNewField::Name(self.name.clone()));
        }
        if self.label.trim().is_empty() || self.label.chars().count() > MAX_LABEL_CHARACTERS {
            return Err(InvalidNewField::Label(self.label.clone()));
        }
        let description = self.description.as_deref().unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION_CHARACTERS {
            return Err(InvalidNewField::Description);
        }
        let help_text = self.help_text.as_deref().unwrap_or_default();
        if help_text.chars().count() > MAX_HELP_TEXT_CHARACTERS {
            return Err(InvalidNewField::HelpText);
        }
        self.kind.check()
    }

    fn body(&self) -> impl Serialize {
        let mut metadata = self.kind.metadata();
        metadata.insert("label".to_owned(), json!(self.label));
        if let Some(description) = &self.description {
            metadata.insert("description".to_owned(), json!(description));
        }
        if let Some(help_text) = &self.help_text {
            metadata.insert("inlineHelpText".to_owned(), json!(help_text));
        }
        json!({"FullName": format!("{}.{}", self.object, self.name), "Metadata": metadata})
    }
}

impl FieldKind {
    fn check(&self) -> Result<(), InvalidNewField> {
        let within = |length: u32, allowed: RangeInclusive<u32>| {
            if allowed.contains(&length) {
                Ok(())
            } else {
                Err(InvalidNewField::Length { length, allowed })
            }
        };
        match self {
            Self::Text { length, .. } => within(*length, TEXT_LENGTHS),
            Self::LongText { length, .. } => within(*length, LONG_TEXT_LENGTHS),
            Self::Checkbox { .. } => Ok(()),
            Self::Picklist { values, .. } => {
                let mut different: Vec<&String> = values.iter().collect();
                different.sort_unstable();
                different.dedup();
                let has_blank = values.iter().any(|value| value.trim().is_empty());
                if values.is_empty() || has_blank || different.len() < values.len() {
                    Err(InvalidNewField::PicklistValues)
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Keys of the Metadata API's CustomField, in lower camel case.
    fn metadata(&self) -> Map<String, Value> {
        let metadata = match self {
            Self::Text {
                length,
                unique,
                case_sensitive,
                external_id,
            } => {
                let mut metadata = json!({
                    "type": "Text", "length": length, "unique": unique, "externalId": external_id, "required": false,
                });
                // Only a unique field may say it.
                if *unique {
                    metadata["caseSensitive"] = json!(case_sensitive);
                }
                metadata
            }
            Self::LongText {
                length,
                visible_lines,
            } => {
                json!({"type": "LongTextArea", "length": length, "visibleLines": visible_lines, "required": false})
            }
            Self::Checkbox { default } => json!({"type": "Checkbox", "defaultValue": default.to_string()}),
            Self::Picklist { values, restricted } => {
                let values: Vec<Value> = values
                    .iter()
                    .map(|value| json!({"fullName": value, "label": value, "default": false}))
                    .collect();
                json!({
                    "type": "Picklist",
                    "required": false,
                    "valueSet": {
                        "restricted": restricted,
                        "valueSetDefinition": {"sorted": false, "value": values},
                    },
                })
            }
        };
        match metadata {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: FieldKind) -> NewField {
        NewField {
            object: "Contact".to_owned(),
            name: name.to_owned(),
            label: "CRM 2 segments".to_owned(),
            description: None,
            help_text: None,
            kind,
        }
    }

    fn long_text(length: u32) -> FieldKind {
        FieldKind::LongText {
            length,
            visible_lines: 3,
        }
    }

    #[test]
    fn names_follow_salesforces_grammar() {
        let long = format!("{}__c", "a".repeat(40));
        for name in ["crm_2_seg__c", "A__c", &long] {
            assert_eq!(field(name, long_text(256)).check(), Ok(()), "{name}");
        }
        let too_long = format!("{}__c", "a".repeat(41));
        for name in [
            "crm_2_seg",
            "2crm__c",
            "_a__c",
            "a___c",
            "a__b__c",
            "a b__c",
            "é__c",
            "__c",
            &too_long,
        ] {
            let found = field(name, long_text(256)).check();
            assert_eq!(found, Err(InvalidNewField::Name(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_type() {
        for (length, is_good) in [(255, false), (256, true), (131_072, true), (131_073, false)] {
            assert_eq!(long_text(length).check().is_ok(), is_good, "{length}");
        }
        let error = long_text(255).check().unwrap_err();
        assert_eq!(error.to_string(), "length 255 is not within 256 and 131072");
        let twice = FieldKind::Picklist {
            values: vec!["a".to_owned(), "a".to_owned()],
            restricted: true,
        };
        assert_eq!(twice.check(), Err(InvalidNewField::PicklistValues));
    }
}
