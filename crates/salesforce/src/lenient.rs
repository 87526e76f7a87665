//! Parts of answers that may have any shape: one odd key must not hide the
//! rest of what Salesforce says.

use serde::Deserialize;
use serde_json::Value;

/// A text; anything else is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Text(pub(crate) String);

/// Texts; what is none in a list is empty, and what is no list is none.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Texts(pub(crate) Vec<String>);

/// A code of Salesforce's; anything that does not look like one is empty, so
/// that codes can be shown and logged.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Code(pub(crate) String);

/// Far above the longest code that is known.
const MAX_CODE_CHARACTERS: usize = 80;

impl Code {
    pub(crate) fn of(text: &str) -> Self {
        let is_code = text.len() <= MAX_CODE_CHARACTERS
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        Self(if is_code { text.to_owned() } else { String::new() })
    }
}

impl From<Value> for Text {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self(text),
            _ => Self::default(),
        }
    }
}

impl From<Value> for Texts {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(values) => Self(values.into_iter().map(|value| Text::from(value).0).collect()),
            _ => Self::default(),
        }
    }
}

impl From<Value> for Code {
    fn from(value: Value) -> Self {
        Self::of(value.as_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_not_shown() {
        for (text, shown) in [
            ("INVALID_FIELD", "INVALID_FIELD"),
            ("InvalidBatch", "InvalidBatch"),
            ("ada@example.org", ""),
            ("two words", ""),
            ("é", ""),
        ] {
            assert_eq!(Code::of(text).0, shown);
        }
        assert_eq!(Code::of(&"A".repeat(81)).0, "");
    }
}
