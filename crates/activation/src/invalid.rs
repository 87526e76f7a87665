//! One value that cannot be taken.

use std::fmt;

/// A value that cannot be taken: where it is, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// Path in the request, for example `destination.record_type`.
    pub field: String,
    /// What is wrong with the value and what would be right, lowercase, without
    /// a final stop.
    pub problem: String,
}

impl InvalidField {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// Returns the same problem, with the field seen from further out:
    /// `identities[0].id` below `updates` is `updates.identities[0].id`.
    #[must_use]
    pub fn below(mut self, parent: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => parent.to_owned(),
            field if field.starts_with('[') => format!("{parent}{field}"),
            field => format!("{parent}.{field}"),
        };
        self
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for InvalidField {}
