//! What one field holds.

use std::fmt;
use std::sync::Arc;

use serde_json::{Number, Value};

/// A JSON value without parts, small and cheap to copy: copies share their text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Scalar {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
}

/// A JSON value as it was given, of whatever type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given<'text> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'text str),
    Array,
    Object,
}

impl Scalar {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) => None,
        }
    }

    /// Returns text without its quotes, and anything else as JSON.
    pub(crate) fn plain(&self) -> String {
        self.as_str().map_or_else(|| self.to_string(), str::to_owned)
    }
}

impl fmt::Display for Scalar {
    /// Writes it as JSON.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(flag) => flag.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Text(_) => Value::from(self).fmt(formatter),
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Scalar {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<&Scalar> for Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(flag) => Self::Bool(*flag),
            Scalar::Number(number) => Self::Number(number.clone()),
            Scalar::Text(text) => Self::String(text.as_ref().to_owned()),
        }
    }
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        Self::from(&scalar)
    }
}

impl<'text> From<&'text str> for Given<'text> {
    fn from(text: &'text str) -> Self {
        Self::Text(text)
    }
}

impl<'text> From<&'text Value> for Given<'text> {
    fn from(value: &'text Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text),
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}
