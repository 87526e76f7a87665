//! Numbers: read from JSON or text, rounded to the scale of their field. Source: salesforce-contract.md §9.

use serde_json::Number;

use super::{Given, Scalar};
use crate::refusal::RecordError;
use crate::schema::{Field, FieldType};

/// Reads a number or the text of one.
pub(super) fn number(given: &Given<'_>) -> Option<Scalar> {
    let value = match given {
        Given::Number(number) => number.as_f64()?,
        Given::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Number::from_f64(value).map(Scalar::Number)
}

/// Reads a number without decimals, or the text of one.
pub(super) fn whole_number(given: &Given<'_>) -> Option<Scalar> {
    let whole = match given {
        Given::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Given::Text(text) => text.trim().parse::<i64>().ok(),
        _ => None,
    };
    whole.map(|whole| Scalar::Number(whole.into()))
}

/// Returns `number` as `field` stores it; excess decimals are rounded, not refused.
pub(super) fn check(field: &Field, number: &Number) -> Result<Scalar, RecordError> {
    let out_of_range = || {
        let message = format!(
            "{}: value outside of valid range on numeric field: {number}",
            field.label
        );
        RecordError::new("NUMBER_OUTSIDE_VALID_RANGE", message, &[&field.name])
    };
    let is_int = field.field_type == FieldType::Int;
    let value = number.as_f64().ok_or_else(out_of_range)?;
    let stored = if is_int {
        value
    } else {
        rounded(value, field.scale)
    };
    let whole_digits = if is_int {
        field.digits
    } else {
        field.precision.saturating_sub(field.scale)
    };
    if stored.abs() >= 10_f64.powf(f64::from(whole_digits)) {
        return Err(out_of_range());
    }
    if is_int {
        return Ok(Scalar::Number(number.clone()));
    }
    Number::from_f64(stored)
        .map(Scalar::Number)
        .ok_or_else(out_of_range)
}

/// Rounds half away from zero, by the decimals as they were written: 1.005 is 1.01, although the nearest
/// double is below it.
fn rounded(value: f64, scale: u32) -> f64 {
    let text = format!("{value}");
    let Some((whole, decimals)) = text.split_once('.') else {
        return value;
    };
    let scale = usize::try_from(scale).unwrap_or(usize::MAX);
    if decimals.len() <= scale {
        return value;
    }
    let (kept, dropped) = decimals.split_at(scale);
    let mut digits: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    if dropped.as_bytes().first().is_some_and(|digit| *digit >= b'5') {
        carry(&mut digits);
    }
    // The point is put back by a power of ten, which is read exactly.
    String::from_utf8(digits)
        .ok()
        .and_then(|digits| format!("{digits}e-{scale}").parse().ok())
        .unwrap_or(value)
}

/// Adds one to the last of these digits, which a sign may precede.
fn carry(digits: &mut Vec<u8>) {
    for position in (0..digits.len()).rev() {
        match digits[position] {
            b'9' => digits[position] = b'0',
            b'-' => {
                digits.insert(position + 1, b'1');
                return;
            }
            _ => {
                digits[position] += 1;
                return;
            }
        }
    }
    digits.insert(0, b'1');
}

/// Returns the whole number that `value` is, such as 5 of 5.0.
fn whole(value: f64) -> Option<i64> {
    // The text of a whole double has no decimals.
    format!("{value}").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn excess_decimals_are_rounded_as_they_are_written() {
        for (value, scale, expected) in [
            (1.256, 2, 1.26),
            (1.005, 2, 1.01),
            (-1.005, 2, -1.01),
            (-9.999, 2, -10.0),
            (0.995, 2, 1.0),
            (99.95, 1, 100.0),
            (2.5, 0, 3.0),
            (-0.5, 0, -1.0),
            (1e300, 2, 1e300),
            (1.2, 15, 1.2),
        ] {
            assert_eq!(rounded(value, scale), expected, "{value} at {scale}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point_and_text_must_be_a_number() {
        let whole = |given: Value| whole_number(&Given::from(&given)).map(Value::from);
        assert_eq!(whole(json!(5.0)), Some(json!(5)));
        assert_eq!(whole(json!(5.5)), None);
        assert_eq!(whole(json!(" 12 ")), Some(json!(12)));
        assert_eq!(number(&"1e3".into()).map(Value::from), Some(json!(1000.0)));
        for text in ["", "NaN", "inf", "1,5", "12 apples"] {
            assert_eq!(number(&text.into()), None, "{text}");
        }
    }
}
