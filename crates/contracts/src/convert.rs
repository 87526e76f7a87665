//! Conversions: in with `TryFrom` or a function that fails with the field's
//! path, out with `From`. Past this line nothing is optional that is required.

pub mod creation;
pub mod destination;
pub mod mapping;
pub mod outcome;
pub mod plan;
pub mod profile;
pub mod time;

use activation::InvalidField;

/// Takes a message that must be there.
pub fn required<T>(value: Option<T>, field: &str) -> Result<T, InvalidField> {
    value.ok_or_else(|| InvalidField::new(field, "is required"))
}

/// Parses a text, and names the field when it is not what it must be.
pub fn parsed<T: std::str::FromStr<Err = InvalidField>>(text: &str, field: &str) -> Result<T, InvalidField> {
    if text.is_empty() {
        return Err(InvalidField::new(field, "is required"));
    }
    text.parse()
        .map_err(|invalid: InvalidField| InvalidField::new(field, invalid.problem))
}
