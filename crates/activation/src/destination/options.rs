//! How a source becomes a value of its field.

use serde::{Deserialize, Serialize};

use super::{FieldMapping, FieldSource, FieldTarget};
use crate::{
    InvalidField,
    transform::{MAX_TRANSFORMS, Transform},
};

/// What happens to a text that is longer than its field. Lengths are those of
/// the org's own description, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    /// The identity fails before anything is sent.
    #[default]
    Refuse,
    /// What does not fit is cut off, between two characters. Salesforce does not
    /// document how it counts characters beyond U+FFFF, so that what is kept
    /// fits with each of them counted as two.
    Truncate,
}

/// What a null does to its field. A text that a transform leaves empty counts
/// as a null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNull {
    /// The field is blanked; a checkbox, which has no blank, is unticked.
    #[default]
    Blank,
    /// The field is left as it is; an empty text leaves it too.
    Leave,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingOptions {
    #[serde(default)]
    pub too_long: TooLong,
    #[serde(default)]
    pub on_null: OnNull,
    /// Applied in their order, to whatever is not null.
    #[serde(default)]
    pub transforms: Vec<Transform>,
}

impl MappingOptions {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Lists the options of a row that make no sense there.
pub(super) fn conflicts(row: &FieldMapping, path: &str, found: &mut Vec<InvalidField>) {
    let options = &row.options;
    let without = match (&row.source, &row.target) {
        (_, FieldTarget::Identity(_)) => Some("names the record and is taken as it is"),
        (FieldSource::Constant(_), _) => Some("is a constant; write it as it should be"),
        _ => None,
    };
    if let Some(reason) = without {
        let given = [
            ("too_long", options.too_long != TooLong::default()),
            ("on_null", options.on_null != OnNull::default()),
            ("transforms", !options.transforms.is_empty()),
        ];
        found.extend(
            given
                .into_iter()
                .filter(|(_, is_given)| *is_given)
                .map(|(option, _)| {
                    InvalidField::new(
                        format!("{path}.{option}"),
                        format!("must be left out: the row {reason}"),
                    )
                }),
        );
        return;
    }
    transform_conflicts(&options.transforms, path, found);
    let makes_no_text = options
        .transforms
        .iter()
        .find(|one| matches!(one, Transform::Date(_) | Transform::Number(_)));
    if let (TooLong::Truncate, Some(transform)) = (options.too_long, makes_no_text) {
        found.push(InvalidField::new(
            format!("{path}.too_long"),
            format!(
                "a {} cannot be truncated, it would be another one; use REFUSE",
                transform.name()
            ),
        ));
    }
}

fn transform_conflicts(transforms: &[Transform], path: &str, found: &mut Vec<InvalidField>) {
    if transforms.len() > MAX_TRANSFORMS {
        found.push(InvalidField::new(
            format!("{path}.transforms"),
            format!("{} are too many; {MAX_TRANSFORMS} are enough", transforms.len()),
        ));
        return;
    }
    for (index, transform) in transforms.iter().enumerate() {
        let earlier = &transforms[..index];
        let problem = if earlier.iter().any(|other| other.name() == transform.name()) {
            Some(format!("{} is there already", transform.name()))
        } else {
            earlier
                .iter()
                .find(|other| !transform.makes_sense_after(other))
                .map(|other| {
                    format!(
                        "{} has no use after {}, whose result is no free text",
                        transform.name(),
                        other.name()
                    )
                })
        };
        let path = format!("{path}.transforms[{index}]");
        found.extend(transform.conflicts().into_iter().map(|wrong| wrong.below(&path)));
        found.extend(problem.map(|problem| InvalidField::new(path, problem)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        destination::Constant,
        transform::{DateInput, DateOutput, DateTransform, NumberTransform, TextCase, Unmapped, ValueMap},
    };

    fn date() -> Transform {
        Transform::Date(DateTransform {
            input: DateInput::Iso,
            output: DateOutput::Date,
        })
    }

    fn number(decimal: char, thousands: Option<char>, scale: Option<u8>) -> Transform {
        Transform::Number(NumberTransform {
            decimal,
            thousands,
            scale,
        })
    }

    fn values(from: &str) -> Transform {
        Transform::ValueMap(ValueMap {
            values: [(from.to_owned(), "to".to_owned())].into(),
            unmapped: Unmapped::Keep,
        })
    }

    fn wrong(source: FieldSource, target: FieldTarget, options: MappingOptions) -> Vec<String> {
        let row = FieldMapping {
            source,
            target,
            options,
        };
        let mut found = Vec::new();
        conflicts(&row, "row", &mut found);
        found.into_iter().map(|one| one.field).collect()
    }

    fn transformed(transforms: &[Transform]) -> Vec<String> {
        wrong(
            FieldSource::AttributePath("a".to_owned()),
            FieldTarget::Field("Title".parse().unwrap()),
            MappingOptions {
                transforms: transforms.to_vec(),
                ..MappingOptions::default()
            },
        )
    }

    #[test]
    fn transforms_that_make_sense_together_are_taken() {
        for transforms in [
            &[Transform::Trim, Transform::Case(TextCase::Title), values("x")][..],
            &[Transform::Trim, date()],
            &[values("n/a"), number('.', Some(','), Some(2))],
            &[number('.', None, None), values("5")],
        ] {
            assert_eq!(transformed(transforms), [""; 0], "{transforms:?}");
        }
    }

    #[test]
    fn transforms_that_make_no_sense_are_each_named() {
        for (transforms, fields) in [
            (
                &[Transform::Trim, Transform::Trim][..],
                &["row.transforms[1]"][..],
            ),
            (&[date(), Transform::Trim], &["row.transforms[1]"]),
            (&[date(), number('.', None, None)], &["row.transforms[1]"]),
            (
                &[
                    number('.', None, None),
                    Transform::Case(TextCase::Upper),
                    Transform::Trim,
                ],
                &["row.transforms[1]", "row.transforms[2]"],
            ),
            (
                &[number('x', Some(';'), Some(19))],
                &[
                    "row.transforms[0].number.decimal_separator",
                    "row.transforms[0].number.thousands_separator",
                    "row.transforms[0].number.scale",
                ],
            ),
            (
                &[number(',', Some(','), None)],
                &["row.transforms[0].number.thousands_separator"],
            ),
            (&[values("")], &["row.transforms[0].value_map.values"]),
            (
                &[values(&"x".repeat(256))],
                &["row.transforms[0].value_map.values"],
            ),
        ] {
            assert_eq!(transformed(transforms), fields, "{transforms:?}");
        }
        assert_eq!(transformed(&vec![Transform::Trim; 6]), ["row.transforms"]);
    }

    #[test]
    fn a_date_or_number_is_not_truncated() {
        for transform in [date(), number('.', None, None)] {
            let options = MappingOptions {
                too_long: TooLong::Truncate,
                transforms: vec![transform],
                ..MappingOptions::default()
            };
            let fields = wrong(
                FieldSource::AttributePath("a".to_owned()),
                FieldTarget::Field("Birthdate".parse().unwrap()),
                options,
            );
            assert_eq!(fields, ["row.too_long"]);
        }
    }

    #[test]
    fn what_names_the_record_and_what_is_constant_takes_no_options() {
        let all = MappingOptions {
            too_long: TooLong::Truncate,
            on_null: OnNull::Leave,
            transforms: vec![date()],
        };
        for (source, target) in [
            (
                FieldSource::IdentityNamespace("crmID".to_owned()),
                FieldTarget::Identity("SalesforceId".to_owned()),
            ),
            (
                FieldSource::Constant(Constant::Boolean(true)),
                FieldTarget::Field("Vip__c".parse().unwrap()),
            ),
        ] {
            assert_eq!(
                wrong(source, target, all.clone()),
                ["row.too_long", "row.on_null", "row.transforms"]
            );
        }
    }
}
