//! What a mapping does to a value on its way: a small, typed set, no scripts.
//!
//! A transform gets a value that is not null and gives one back, or says what
//! is wrong with it, never telling the value itself. Trim and case leave
//! numbers and booleans as they are.

mod date;
mod number;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{
    date::{DateInput, DateOutput, DatePattern, DateTransform},
    number::NumberTransform,
};
use crate::{InvalidField, names::shown, record::FieldValue};

/// Most transforms of one mapping; there are no more kinds.
pub(crate) const MAX_TRANSFORMS: usize = 5;
/// Most rows of one value map.
const MAX_MAPPED_VALUES: usize = 1_000;
/// Longest value in a value map, in characters: that of a picklist value.
const MAX_MAPPED_LENGTH: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Takes white space away from both ends.
    Trim,
    Case(TextCase),
    Date(DateTransform),
    Number(NumberTransform),
    ValueMap(ValueMap),
}

/// By Unicode's rules, the same for all languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextCase {
    Upper,
    Lower,
    /// Each first letter after white space, a hyphen or the beginning is upper
    /// case, every other one lower case.
    Title,
}

/// Replaces values by others, compared whole and in their case. A number or
/// boolean is compared as JSON writes it: `5`, `true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueMap {
    /// From and to; an empty `to` is a null.
    pub values: BTreeMap<String, String>,
    pub unmapped: Unmapped,
}

/// What becomes of a value that a value map does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmapped {
    /// It stays as it is.
    #[default]
    Keep,
    /// The identity fails.
    Refuse,
    /// It becomes a null.
    Blank,
}

/// Why a value cannot be transformed: what it is not, in words that follow
/// "the value", and never the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(pub String);

impl Transform {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::Case(_) => "case",
            Self::Date(_) => "date",
            Self::Number(_) => "number",
            Self::ValueMap(_) => "value map",
        }
    }

    /// Tells whether it can change what another one has made: a date or number
    /// is no free text any more, and can only be looked up.
    pub fn makes_sense_after(&self, earlier: &Self) -> bool {
        match earlier {
            Self::Date(_) | Self::Number(_) => matches!(self, Self::ValueMap(_)),
            Self::Trim | Self::Case(_) | Self::ValueMap(_) => true,
        }
    }

    /// Lists what it cannot work by; paths begin inside the transform.
    pub(crate) fn conflicts(&self) -> Vec<InvalidField> {
        match self {
            // A date's pattern was checked when it was read.
            Self::Trim | Self::Case(_) | Self::Date(_) => Vec::new(),
            Self::Number(number) => number.conflicts(),
            Self::ValueMap(map) => map.conflicts(),
        }
    }

    pub fn apply(&self, value: FieldValue) -> Result<FieldValue, Unfit> {
        Ok(match (self, value) {
            (_, FieldValue::Null) => FieldValue::Null,
            (Self::Trim, FieldValue::Text(text)) => FieldValue::Text(text.trim().to_owned()),
            (Self::Case(case), FieldValue::Text(text)) => FieldValue::Text(case.of(&text)),
            (Self::Trim | Self::Case(_), other) => other,
            (Self::Date(date), value) => date.apply(&value)?,
            (Self::Number(number), value) => number.apply(&value)?,
            (Self::ValueMap(map), value) => map.apply(value)?,
        })
    }
}

impl TextCase {
    fn of(self, text: &str) -> String {
        match self {
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Title => {
                let mut title = String::with_capacity(text.len());
                let mut begins = true;
                for letter in text.chars() {
                    if begins {
                        title.extend(letter.to_uppercase());
                    } else {
                        title.extend(letter.to_lowercase());
                    }
                    begins = letter.is_whitespace() || letter == '-';
                }
                title
            }
        }
    }
}

impl ValueMap {
    fn conflicts(&self) -> Vec<InvalidField> {
        let mut found = Vec::new();
        let problem = match self.values.len() {
            0 => Some("must have at least one value".to_owned()),
            count if count > MAX_MAPPED_VALUES => Some(format!(
                "has {count} values, and at most {MAX_MAPPED_VALUES} are taken"
            )),
            _ => None,
        };
        found.extend(problem.map(|problem| InvalidField::new("value_map.values", problem)));
        if self.values.contains_key("") {
            found.push(InvalidField::new(
                "value_map.values",
                "must not map the empty text, which is a null; say in on_null what a null does",
            ));
        }
        for (from, to) in &self.values {
            if from.chars().count().max(to.chars().count()) > MAX_MAPPED_LENGTH {
                found.push(InvalidField::new(
                    "value_map.values",
                    format!(
                        "'{}' or what it becomes has more than {MAX_MAPPED_LENGTH} characters",
                        shown(from)
                    ),
                ));
            }
        }
        found
    }

    fn apply(&self, value: FieldValue) -> Result<FieldValue, Unfit> {
        let found = match &value {
            FieldValue::Text(text) => self.values.get(text.as_str()),
            FieldValue::Boolean(flag) => self.values.get(if *flag { "true" } else { "false" }),
            FieldValue::Integer(integer) => self.values.get(&integer.to_string()),
            FieldValue::Number(number) => self.values.get(&number.to_string()),
            FieldValue::Null => None,
        };
        match (found, self.unmapped) {
            (Some(to), _) if to.is_empty() => Ok(FieldValue::Null),
            (Some(to), _) => Ok(FieldValue::Text(to.clone())),
            (None, Unmapped::Keep) => Ok(value),
            (None, Unmapped::Blank) => Ok(FieldValue::Null),
            (None, Unmapped::Refuse) => Err(Unfit("is not in the value map".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.to_owned())
    }

    #[test]
    fn trim_and_case_change_text_and_nothing_else() {
        for (transform, given, made) in [
            (Transform::Trim, "\u{a0} Ada\t ", "Ada"),
            (Transform::Case(TextCase::Upper), "straße", "STRASSE"),
            (Transform::Case(TextCase::Lower), "ÉLAN", "élan"),
            (
                Transform::Case(TextCase::Title),
                "jean-luc O'NEIL  mcdonald",
                "Jean-Luc O'neil  Mcdonald",
            ),
        ] {
            assert_eq!(transform.apply(text(given)), Ok(text(made)));
            for other in [
                FieldValue::Null,
                FieldValue::Integer(5),
                FieldValue::Boolean(true),
            ] {
                assert_eq!(transform.apply(other.clone()), Ok(other));
            }
        }
    }

    #[test]
    fn a_value_map_replaces_whole_values_and_does_with_others_as_it_is_told() {
        let map = |unmapped| {
            Transform::ValueMap(ValueMap {
                values: [("m", "Mr."), ("true", "Yes"), ("5", "Five"), ("n/a", "")]
                    .map(|(from, to)| (from.to_owned(), to.to_owned()))
                    .into(),
                unmapped,
            })
        };
        for (given, made) in [
            (text("m"), text("Mr.")),
            (FieldValue::Boolean(true), text("Yes")),
            (FieldValue::Integer(5), text("Five")),
            (FieldValue::Number(5.0), text("Five")),
            (text("n/a"), FieldValue::Null),
        ] {
            assert_eq!(map(Unmapped::Refuse).apply(given), Ok(made));
        }
        assert_eq!(map(Unmapped::Keep).apply(text("M")), Ok(text("M")));
        assert_eq!(map(Unmapped::Blank).apply(text("M")), Ok(FieldValue::Null));
        let Unfit(problem) = map(Unmapped::Refuse).apply(text("Secret")).unwrap_err();
        assert!(!problem.contains("Secret"), "{problem}");
    }

    fn any_value() -> impl Strategy<Value = FieldValue> {
        prop_oneof![
            Just(FieldValue::Null),
            any::<bool>().prop_map(FieldValue::Boolean),
            any::<i64>().prop_map(FieldValue::Integer),
            any::<f64>()
                .prop_filter("finite", |number| number.is_finite())
                .prop_map(FieldValue::Number),
            "\\PC{0,12}".prop_map(FieldValue::Text),
            "[-+0-9., eE:TZ]{0,30}".prop_map(FieldValue::Text),
        ]
    }

    proptest! {
        #[test]
        fn no_value_makes_a_transform_panic_or_a_number_infinite(value in any_value(), transform in tests_any::transform()) {
            if let Ok(FieldValue::Number(number)) = transform.apply(value) {
                prop_assert!(number.is_finite());
            }
        }
    }
}

/// Transforms for property tests, here and of `map`.
#[cfg(test)]
pub(crate) mod tests_any {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn transform() -> impl Strategy<Value = Transform> {
        let input = prop_oneof![
            Just(DateInput::Iso),
            Just(DateInput::EpochSeconds),
            Just(DateInput::EpochMillis),
            Just(DateInput::Pattern("%d.%m.%Y".parse().unwrap())),
            Just(DateInput::Pattern("%Y/%m/%d %H:%M %z".parse().unwrap())),
        ];
        prop_oneof![
            Just(Transform::Trim),
            prop_oneof![
                Just(TextCase::Upper),
                Just(TextCase::Lower),
                Just(TextCase::Title)
            ]
            .prop_map(Transform::Case),
            (input, any::<bool>()).prop_map(|(input, is_date)| {
                let output = if is_date {
                    DateOutput::Date
                } else {
                    DateOutput::Datetime
                };
                Transform::Date(DateTransform { input, output })
            }),
            (any::<bool>(), any::<bool>(), prop::option::of(0..=18_u8)).prop_map(
                |(comma, grouped, scale)| {
                    let (decimal, thousands) = if comma { (',', '.') } else { ('.', ',') };
                    Transform::Number(NumberTransform {
                        decimal,
                        thousands: grouped.then_some(thousands),
                        scale,
                    })
                }
            ),
            (
                prop::collection::btree_map("\\PC{0,3}", "\\PC{0,3}", 0..3),
                prop_oneof![
                    Just(Unmapped::Keep),
                    Just(Unmapped::Refuse),
                    Just(Unmapped::Blank)
                ]
            )
                .prop_map(|(values, unmapped)| Transform::ValueMap(ValueMap { values, unmapped })),
        ]
    }
}
