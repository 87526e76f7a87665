//! How a source becomes a value: constants, options, transforms, statuses, and
//! what the org says of fields.

use activation::{
    InvalidField,
    destination::{Constant, MappingOptions, OnNull, StatusValues, TooLong},
    org_shape::{FieldKind, FieldShape},
    transform::{
        DateInput, DateOutput, DateTransform, NumberTransform, TextCase, Transform, Unmapped, ValueMap,
    },
};

use super::parsed;
use crate::config::v1::{self as pb, constant::Value, transform::Transform as Kind};

/// Takes a constant; the paths of errors begin inside it.
pub fn constant_in(message: &pb::Constant) -> Result<Constant, InvalidField> {
    match &message.value {
        Some(Value::Text(text)) => Ok(Constant::Text(text.clone())),
        Some(Value::Number(number)) => (*number)
            .try_into()
            .map(Constant::Number)
            .map_err(|problem| InvalidField::new("number", problem)),
        Some(Value::Boolean(flag)) => Ok(Constant::Boolean(*flag)),
        None => Err(InvalidField::new(
            "",
            "is required: a text, a number or a boolean",
        )),
    }
}

impl From<&Constant> for pb::Constant {
    fn from(constant: &Constant) -> Self {
        let value = match constant {
            Constant::Text(text) => Value::Text(text.clone()),
            Constant::Number(number) => Value::Number(number.get()),
            Constant::Boolean(flag) => Value::Boolean(*flag),
        };
        Self { value: Some(value) }
    }
}

/// Takes the options of a row or planned attribute; the paths of errors begin
/// inside it.
pub fn options_in(
    too_long: i32,
    on_null: i32,
    transforms: &[pb::Transform],
) -> Result<MappingOptions, Vec<InvalidField>> {
    let mut wrong = Vec::new();
    let mut options = MappingOptions::default();
    match pb::TooLong::try_from(too_long) {
        Ok(pb::TooLong::Unspecified | pb::TooLong::Refuse) => options.too_long = TooLong::Refuse,
        Ok(pb::TooLong::Truncate) => options.too_long = TooLong::Truncate,
        Err(_) => wrong.push(InvalidField::new("too_long", "must be REFUSE or TRUNCATE")),
    }
    match pb::OnNull::try_from(on_null) {
        Ok(pb::OnNull::Unspecified | pb::OnNull::Blank) => options.on_null = OnNull::Blank,
        Ok(pb::OnNull::Leave) => options.on_null = OnNull::Leave,
        Err(_) => wrong.push(InvalidField::new("on_null", "must be BLANK or LEAVE")),
    }
    for (index, message) in transforms.iter().enumerate() {
        match transform_in(message) {
            Ok(transform) => options.transforms.push(transform),
            Err(invalid) => wrong.push(invalid.below(&format!("transforms[{index}]"))),
        }
    }
    if wrong.is_empty() { Ok(options) } else { Err(wrong) }
}

impl From<TooLong> for pb::TooLong {
    fn from(too_long: TooLong) -> Self {
        match too_long {
            TooLong::Refuse => Self::Refuse,
            TooLong::Truncate => Self::Truncate,
        }
    }
}

impl From<OnNull> for pb::OnNull {
    fn from(on_null: OnNull) -> Self {
        match on_null {
            OnNull::Blank => Self::Blank,
            OnNull::Leave => Self::Leave,
        }
    }
}

fn transform_in(message: &pb::Transform) -> Result<Transform, InvalidField> {
    match &message.transform {
        Some(Kind::Trim(_)) => Ok(Transform::Trim),
        Some(Kind::TextCase(case)) => text_case_in(*case).map(Transform::Case),
        Some(Kind::Date(date)) => date_in(date).map(Transform::Date),
        Some(Kind::Number(number)) => number_in(number).map(Transform::Number),
        Some(Kind::ValueMap(map)) => value_map_in(map).map(Transform::ValueMap),
        None => Err(InvalidField::new(
            "",
            "is required: trim, text_case, date, number or value_map",
        )),
    }
}

fn text_case_in(case: i32) -> Result<TextCase, InvalidField> {
    match pb::TextCase::try_from(case) {
        Ok(pb::TextCase::Upper) => Ok(TextCase::Upper),
        Ok(pb::TextCase::Lower) => Ok(TextCase::Lower),
        Ok(pb::TextCase::Title) => Ok(TextCase::Title),
        Ok(pb::TextCase::Unspecified) | Err(_) => {
            Err(InvalidField::new("text_case", "must be UPPER, LOWER or TITLE"))
        }
    }
}

fn date_in(message: &pb::DateTransform) -> Result<DateTransform, InvalidField> {
    let input = match pb::DateInput::try_from(message.input) {
        Ok(pb::DateInput::Iso8601) => DateInput::Iso,
        Ok(pb::DateInput::EpochSeconds) => DateInput::EpochSeconds,
        Ok(pb::DateInput::EpochMillis) => DateInput::EpochMillis,
        Ok(pb::DateInput::Pattern) => DateInput::Pattern(parsed(&message.pattern, "date.pattern")?),
        Ok(pb::DateInput::Unspecified) | Err(_) => {
            return Err(InvalidField::new(
                "date.input",
                "is required; it must be ISO_8601, EPOCH_SECONDS, EPOCH_MILLIS or PATTERN",
            ));
        }
    };
    if !matches!(input, DateInput::Pattern(_)) && !message.pattern.is_empty() {
        return Err(InvalidField::new(
            "date.pattern",
            "must be empty, or input must be PATTERN",
        ));
    }
    let output = match pb::DateOutput::try_from(message.output) {
        Ok(pb::DateOutput::Date) => DateOutput::Date,
        Ok(pb::DateOutput::Datetime) => DateOutput::Datetime,
        Ok(pb::DateOutput::Unspecified) | Err(_) => {
            return Err(InvalidField::new(
                "date.output",
                "is required; it must be DATE or DATETIME, as the field is",
            ));
        }
    };
    Ok(DateTransform { input, output })
}

/// Which signs may be separators is asked with everything else about the row.
fn number_in(message: &pb::NumberTransform) -> Result<NumberTransform, InvalidField> {
    let sign = |text: &str, field: &str| {
        let mut signs = text.chars();
        match (signs.next(), signs.next()) {
            (sign, None) => Ok(sign),
            _ => Err(InvalidField::new(field, "must be one character")),
        }
    };
    Ok(NumberTransform {
        decimal: sign(&message.decimal_separator, "number.decimal_separator")?.unwrap_or('.'),
        thousands: sign(&message.thousands_separator, "number.thousands_separator")?,
        scale: message
            .scale
            .map(u8::try_from)
            .transpose()
            .map_err(|_| InvalidField::new("number.scale", "must be 0 to 18"))?,
    })
}

fn value_map_in(message: &pb::ValueMapTransform) -> Result<ValueMap, InvalidField> {
    let unmapped = match pb::UnmappedValues::try_from(message.unmapped) {
        Ok(pb::UnmappedValues::Unspecified | pb::UnmappedValues::Keep) => Unmapped::Keep,
        Ok(pb::UnmappedValues::Refuse) => Unmapped::Refuse,
        Ok(pb::UnmappedValues::Blank) => Unmapped::Blank,
        Err(_) => {
            return Err(InvalidField::new(
                "value_map.unmapped",
                "must be KEEP, REFUSE or BLANK",
            ));
        }
    };
    let values = message
        .values
        .iter()
        .map(|(from, to)| (from.clone(), to.clone()))
        .collect();
    Ok(ValueMap { values, unmapped })
}

impl From<&Transform> for pb::Transform {
    fn from(transform: &Transform) -> Self {
        let kind = match transform {
            Transform::Trim => Kind::Trim(pb::TrimTransform {}),
            Transform::Case(case) => Kind::TextCase(
                match case {
                    TextCase::Upper => pb::TextCase::Upper,
                    TextCase::Lower => pb::TextCase::Lower,
                    TextCase::Title => pb::TextCase::Title,
                }
                .into(),
            ),
            Transform::Date(date) => Kind::Date(date.into()),
            Transform::Number(number) => Kind::Number(pb::NumberTransform {
                decimal_separator: number.decimal.to_string(),
                thousands_separator: number.thousands.map(String::from).unwrap_or_default(),
                scale: number.scale.map(i32::from),
            }),
            Transform::ValueMap(map) => Kind::ValueMap(pb::ValueMapTransform {
                values: map
                    .values
                    .iter()
                    .map(|(from, to)| (from.clone(), to.clone()))
                    .collect(),
                unmapped: match map.unmapped {
                    Unmapped::Keep => pb::UnmappedValues::Keep,
                    Unmapped::Refuse => pb::UnmappedValues::Refuse,
                    Unmapped::Blank => pb::UnmappedValues::Blank,
                }
                .into(),
            }),
        };
        Self {
            transform: Some(kind),
        }
    }
}

impl From<&DateTransform> for pb::DateTransform {
    fn from(date: &DateTransform) -> Self {
        let (input, pattern) = match &date.input {
            DateInput::Iso => (pb::DateInput::Iso8601, ""),
            DateInput::EpochSeconds => (pb::DateInput::EpochSeconds, ""),
            DateInput::EpochMillis => (pb::DateInput::EpochMillis, ""),
            DateInput::Pattern(pattern) => (pb::DateInput::Pattern, pattern.as_str()),
        };
        let output = match date.output {
            DateOutput::Date => pb::DateOutput::Date,
            DateOutput::Datetime => pb::DateOutput::Datetime,
        };
        Self {
            input: input.into(),
            pattern: pattern.to_owned(),
            output: output.into(),
        }
    }
}

/// Takes what is written for statuses; absent means the platform's own words.
pub fn status_values_in(message: Option<&pb::StatusValues>) -> StatusValues {
    message.map_or_else(StatusValues::default, |message| StatusValues {
        realized: message.realized.clone(),
        existing: message.existing.clone(),
        exited: message.exited.clone(),
    })
}

/// Tells what is written for statuses, where it is not the platform's own words.
pub fn status_values_out(values: &StatusValues) -> Option<pb::StatusValues> {
    (*values != StatusValues::default()).then(|| pb::StatusValues {
        realized: values.realized.clone(),
        existing: values.existing.clone(),
        exited: values.exited.clone(),
    })
}

const KINDS: [(FieldKind, pb::FieldKind); 7] = [
    (FieldKind::Other, pb::FieldKind::Unspecified),
    (FieldKind::Text, pb::FieldKind::Text),
    (FieldKind::Picklist, pb::FieldKind::Picklist),
    (FieldKind::Checkbox, pb::FieldKind::Checkbox),
    (FieldKind::Number, pb::FieldKind::Number),
    (FieldKind::Date, pb::FieldKind::Date),
    (FieldKind::Datetime, pb::FieldKind::Datetime),
];

/// Takes a shape; a kind that this version does not know has no rule here.
pub fn shape_in(message: Option<pb::FieldShape>) -> FieldShape {
    message.map_or_else(FieldShape::default, |message| FieldShape {
        kind: KINDS
            .into_iter()
            .find(|(_, kind)| *kind == message.kind())
            .map_or(FieldKind::Other, |(kind, _)| kind),
        max_length: message.max_length,
    })
}

/// Tells a shape, where there is something to tell.
pub fn shape_out(shape: FieldShape) -> Option<pb::FieldShape> {
    let kind = KINDS
        .into_iter()
        .find(|(kind, _)| *kind == shape.kind)
        .map_or(pb::FieldKind::Unspecified, |(_, kind)| kind);
    (shape != FieldShape::default()).then_some(pb::FieldShape {
        kind: kind.into(),
        max_length: shape.max_length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transform_and_constant_is_told_as_it_was_taken() {
        let transforms = [
            Transform::Trim,
            Transform::Case(TextCase::Title),
            Transform::Date(DateTransform {
                input: DateInput::Pattern("%d.%m.%Y".parse().unwrap()),
                output: DateOutput::Datetime,
            }),
            Transform::Date(DateTransform {
                input: DateInput::EpochMillis,
                output: DateOutput::Date,
            }),
            Transform::Number(NumberTransform {
                decimal: ',',
                thousands: Some('.'),
                scale: Some(2),
            }),
            Transform::ValueMap(ValueMap {
                values: [("m".to_owned(), "Mr.".to_owned())].into(),
                unmapped: Unmapped::Refuse,
            }),
        ];
        let messages: Vec<pb::Transform> = transforms.iter().map(Into::into).collect();
        let options = options_in(pb::TooLong::Truncate.into(), pb::OnNull::Leave.into(), &messages).unwrap();
        assert_eq!(
            options,
            MappingOptions {
                too_long: TooLong::Truncate,
                on_null: OnNull::Leave,
                transforms: transforms.to_vec(),
            }
        );
        for constant in [
            Constant::Text("Web".to_owned()),
            Constant::Number(0.5.try_into().unwrap()),
            Constant::Boolean(false),
        ] {
            assert_eq!(constant_in(&(&constant).into()), Ok(constant));
        }
    }

    #[test]
    fn each_wrong_option_is_named() {
        let transform = |kind| pb::Transform { transform: kind };
        let date = |input: pb::DateInput, pattern: &str, output: pb::DateOutput| {
            transform(Some(Kind::Date(pb::DateTransform {
                input: input.into(),
                pattern: pattern.to_owned(),
                output: output.into(),
            })))
        };
        let number = |decimal: &str, scale| {
            transform(Some(Kind::Number(pb::NumberTransform {
                decimal_separator: decimal.to_owned(),
                thousands_separator: String::new(),
                scale,
            })))
        };
        let wrong = options_in(
            9,
            9,
            &[
                transform(None),
                transform(Some(Kind::TextCase(0))),
                date(pb::DateInput::Unspecified, "", pb::DateOutput::Date),
                date(pb::DateInput::Pattern, "", pb::DateOutput::Date),
                date(pb::DateInput::Pattern, "%Y", pb::DateOutput::Date),
                date(pb::DateInput::Iso8601, "%F", pb::DateOutput::Date),
                date(pb::DateInput::Iso8601, "", pb::DateOutput::Unspecified),
                number("..", None),
                number("", Some(-1)),
                transform(Some(Kind::ValueMap(pb::ValueMapTransform {
                    unmapped: 9,
                    ..Default::default()
                }))),
            ],
        )
        .unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "too_long",
                "on_null",
                "transforms[0]",
                "transforms[1].text_case",
                "transforms[2].date.input",
                "transforms[3].date.pattern",
                "transforms[4].date.pattern",
                "transforms[5].date.pattern",
                "transforms[6].date.output",
                "transforms[7].number.decimal_separator",
                "transforms[8].number.scale",
                "transforms[9].value_map.unmapped",
            ]
        );
        for value in [
            None,
            Some(Value::Number(f64::NAN)),
            Some(Value::Number(f64::INFINITY)),
        ] {
            assert!(constant_in(&pb::Constant { value }).is_err());
        }
    }

    #[test]
    fn what_an_older_version_did_not_know_is_the_default() {
        assert_eq!(options_in(0, 0, &[]), Ok(MappingOptions::default()));
        assert_eq!(status_values_in(None), StatusValues::default());
        assert_eq!(status_values_out(&StatusValues::default()), None);
        assert_eq!(shape_in(None), FieldShape::default());
        for (kind, _) in KINDS {
            let shape = FieldShape { kind, max_length: 80 };
            assert_eq!(shape_in(shape_out(shape)), shape);
        }
    }
}
