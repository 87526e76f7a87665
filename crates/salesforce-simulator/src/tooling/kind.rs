//! The kinds of custom field, and what their metadata may say. Source: salesforce-contract.md §6.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::metadata::integrity;
use crate::refusal::CallError;

const TEXT_LENGTH: RangeInclusive<u64> = 1..=255;
const LONG_TEXT_LENGTH: RangeInclusive<u64> = 256..=131_072;
const VISIBLE_LINES: RangeInclusive<u64> = 2..=50;
const MAX_PRECISION: u64 = 18;

/// Keys that say nothing about a field's values here.
const WITHOUT_EFFECT: [&str; 10] = [
    "fullName",
    "description",
    "inlineHelpText",
    "trackHistory",
    "trackTrending",
    "trackFeedHistory",
    "securityClassification",
    "businessStatus",
    "complianceGroup",
    "deprecated",
];

/// The kinds of field that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    TextArea,
    LongTextArea,
    Checkbox,
    Picklist,
    Number,
    Date,
    DateTime,
    Email,
    Phone,
    Url,
}

impl Kind {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Text" => Self::Text,
            "TextArea" => Self::TextArea,
            "LongTextArea" => Self::LongTextArea,
            "Checkbox" => Self::Checkbox,
            "Picklist" => Self::Picklist,
            "Number" => Self::Number,
            "Date" => Self::Date,
            "DateTime" => Self::DateTime,
            "Email" => Self::Email,
            "Phone" => Self::Phone,
            "Url" => Self::Url,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::TextArea => "TextArea",
            Self::LongTextArea => "LongTextArea",
            Self::Checkbox => "Checkbox",
            Self::Picklist => "Picklist",
            Self::Number => "Number",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Email => "Email",
            Self::Phone => "Phone",
            Self::Url => "Url",
        }
    }

    /// As describe writes it.
    pub(super) fn field_type(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::TextArea | Self::LongTextArea => "textarea",
            Self::Checkbox => "boolean",
            Self::Picklist => "picklist",
            Self::Number => "double",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
        }
    }

    /// Tells whether the metadata of this kind may have a key.
    pub(super) fn takes(self, key: &str) -> bool {
        if WITHOUT_EFFECT.contains(&key) {
            return true;
        }
        match key {
            "type" | "label" => true,
            "required" => !matches!(self, Self::LongTextArea | Self::Checkbox),
            "defaultValue" => self != Self::LongTextArea,
            "length" => matches!(self, Self::Text | Self::LongTextArea),
            "visibleLines" => self == Self::LongTextArea,
            "unique" | "externalId" => matches!(self, Self::Text | Self::Number | Self::Email),
            "caseSensitive" => self == Self::Text,
            "precision" | "scale" => self == Self::Number,
            "valueSet" => self == Self::Picklist,
            _ => false,
        }
    }

    /// Returns length, precision and scale.
    pub(super) fn sizes(self, metadata: &Map<String, Value>) -> Result<(u64, u64, u64), CallError> {
        let number = |key: &str, range: RangeInclusive<u64>| {
            let value = metadata.get(key).filter(|value| !value.is_null());
            let value = value.ok_or_else(|| must_specify(self, key))?;
            value
                .as_u64()
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    integrity(format!(
                        "The {key} of a {} must be from {} to {}, it is {value}",
                        self.name(),
                        range.start(),
                        range.end()
                    ))
                })
        };
        Ok(match self {
            Self::Text => (number("length", TEXT_LENGTH)?, 0, 0),
            Self::LongTextArea => {
                let length = number("length", LONG_TEXT_LENGTH)?;
                number("visibleLines", VISIBLE_LINES)?;
                (length, 0, 0)
            }
            Self::Number => {
                let precision = number("precision", 1..=MAX_PRECISION)?;
                (0, precision, number("scale", 0..=precision)?)
            }
            Self::TextArea | Self::Picklist | Self::Url => (255, 0, 0),
            Self::Email => (80, 0, 0),
            Self::Phone => (40, 0, 0),
            Self::Checkbox | Self::Date | Self::DateTime => (0, 0, 0),
        })
    }
}

pub(super) fn unexpected(kind: Kind, key: &str) -> CallError {
    if is_known(key) {
        return integrity(format!(
            "Can not specify '{key}' for a CustomField of type {}",
            kind.name()
        ));
    }
    CallError::bad_request(
        "JSON_PARSER_ERROR",
        format!("Unrecognized field '{key}' in Metadata"),
    )
}

/// Tells whether some kind of field has this key.
pub(super) fn is_known(key: &str) -> bool {
    const KNOWN: [&str; 10] = [
        "required",
        "defaultValue",
        "length",
        "visibleLines",
        "unique",
        "externalId",
        "caseSensitive",
        "precision",
        "scale",
        "valueSet",
    ];
    KNOWN.contains(&key)
}

pub(super) fn must_specify(kind: Kind, key: &str) -> CallError {
    integrity(format!(
        "Must specify '{key}' for a CustomField of type {}",
        kind.name()
    ))
}
