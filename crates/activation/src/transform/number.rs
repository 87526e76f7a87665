//! Numbers as people write them, into numbers.

use serde::{Deserialize, Serialize};

use super::Unfit;
use crate::{InvalidField, record::FieldValue};

/// Most digits after the point of a Salesforce number.
/// Source: Salesforce Help, "Custom Field Attributes" (18 digits in all).
const MAX_SCALE: u8 = 18;

/// The signs that may stand between groups of three digits. A space stands for
/// the narrow and the no-break ones too.
const THOUSANDS_SEPARATORS: [char; 5] = [',', '.', ' ', '\'', '_'];

/// Reads a number in digits, with a sign before it or none. Groups must be of
/// three digits, so that `1.5` is never taken for fifteen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberTransform {
    /// `.` or `,`
    pub decimal: char,
    /// `,` `.` `'` `_` or a space, and not `decimal`.
    #[serde(default)]
    pub thousands: Option<char>,
    /// Digits kept after the point; a five is rounded away from zero. `None`
    /// keeps all.
    #[serde(default)]
    pub scale: Option<u8>,
}

impl NumberTransform {
    pub(super) fn conflicts(&self) -> Vec<InvalidField> {
        let mut found = Vec::new();
        if !matches!(self.decimal, '.' | ',') {
            found.push(InvalidField::new("number.decimal_separator", "must be . or ,"));
        }
        match self.thousands {
            Some(thousands) if !THOUSANDS_SEPARATORS.contains(&thousands) => found.push(InvalidField::new(
                "number.thousands_separator",
                "must be one of , . ' _ and a space, or left out",
            )),
            Some(thousands) if thousands == self.decimal => found.push(InvalidField::new(
                "number.thousands_separator",
                "must not be the decimal separator",
            )),
            _ => {}
        }
        if self.scale.is_some_and(|scale| scale > MAX_SCALE) {
            found.push(InvalidField::new(
                "number.scale",
                format!("must be at most {MAX_SCALE}, the digits that Salesforce keeps"),
            ));
        }
        found
    }

    pub(super) fn apply(&self, value: &FieldValue) -> Result<FieldValue, Unfit> {
        let read = match value {
            FieldValue::Text(text) => self.read(text.trim()),
            FieldValue::Integer(integer) => return Ok(FieldValue::Integer(*integer)),
            // Written out by Rust without an exponent, and as short as it can be.
            FieldValue::Number(number) => Decimal::plain(&number.to_string()),
            FieldValue::Null | FieldValue::Boolean(_) => None,
        };
        let number = read.and_then(|mut decimal| {
            if let Some(scale) = self.scale {
                decimal.round(usize::from(scale));
            }
            decimal.value()
        });
        number.ok_or_else(|| Unfit(format!("is not a number such as {}", self.example())))
    }

    fn example(&self) -> String {
        match self.thousands {
            Some(thousands) => format!("1{thousands}234{}5", self.decimal),
            None => format!("1234{}5", self.decimal),
        }
    }

    fn read(&self, text: &str) -> Option<Decimal> {
        let (whole, fraction) = text.split_once(self.decimal).unwrap_or((text, ""));
        let whole = match self.thousands {
            Some(thousands) => ungrouped(whole, thousands)?,
            None => whole.to_owned(),
        };
        if text.ends_with(self.decimal) {
            return None;
        }
        if fraction.is_empty() {
            Decimal::plain(&whole)
        } else {
            Decimal::plain(&format!("{whole}.{fraction}"))
        }
    }
}

/// Takes the separators out; `None` where groups are not of three digits.
fn ungrouped(whole: &str, separator: char) -> Option<String> {
    let is_separator = |sign: char| {
        sign == separator || (separator == ' ' && matches!(sign, '\u{a0}' | '\u{202f}' | '\u{2009}'))
    };
    let mut groups = whole.split(is_separator);
    let first = groups.next()?;
    let mut digits = first.to_owned();
    let mut is_grouped = false;
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        is_grouped = true;
        digits.push_str(group);
    }
    let leading = first.trim_start_matches(['-', '+']).len();
    (!is_grouped || (1..=3).contains(&leading)).then_some(digits)
}

/// A number in its decimal digits, so that rounding is what people expect.
struct Decimal {
    is_negative: bool,
    /// ASCII digits; at least one.
    whole: Vec<u8>,
    fraction: Vec<u8>,
}

impl Decimal {
    /// Reads digits with at most one point between them, and a sign.
    fn plain(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        Some(Self {
            is_negative,
            whole: whole.as_bytes().to_vec(),
            fraction: fraction.as_bytes().to_vec(),
        })
    }

    fn round(&mut self, scale: usize) {
        let Some(next) = self.fraction.get(scale) else {
            return;
        };
        let rounds_up = *next >= b'5';
        self.fraction.truncate(scale);
        if !rounds_up {
            return;
        }
        for digit in self.fraction.iter_mut().rev().chain(self.whole.iter_mut().rev()) {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.whole.insert(0, b'1');
    }

    /// Returns a whole number as such where it fits.
    fn value(self) -> Option<FieldValue> {
        let mut text = String::with_capacity(self.whole.len() + self.fraction.len() + 2);
        if self.is_negative {
            text.push('-');
        }
        text.extend(self.whole.iter().map(|digit| char::from(*digit)));
        let is_whole = self.fraction.iter().all(|digit| *digit == b'0');
        if let (true, Ok(integer)) = (is_whole, text.parse()) {
            return Some(FieldValue::Integer(integer));
        }
        text.push('.');
        text.extend(self.fraction.iter().map(|digit| char::from(*digit)));
        let number: f64 = text.parse().ok()?;
        number.is_finite().then_some(FieldValue::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(decimal: char, thousands: Option<char>, scale: Option<u8>) -> NumberTransform {
        NumberTransform {
            decimal,
            thousands,
            scale,
        }
    }

    fn read(transform: &NumberTransform, text: &str) -> Option<FieldValue> {
        transform.apply(&FieldValue::Text(text.to_owned())).ok()
    }

    #[test]
    fn a_number_is_read_as_its_people_write_it() {
        let plain = number('.', None, None);
        let german = number(',', Some('.'), None);
        let french = number(',', Some(' '), None);
        for (transform, text, value) in [
            (&plain, "12", FieldValue::Integer(12)),
            (&plain, " -12.50 ", FieldValue::Number(-12.5)),
            (&plain, "+7.00", FieldValue::Integer(7)),
            (&german, "1.234.567,8", FieldValue::Number(1_234_567.8)),
            (&german, "1234,5", FieldValue::Number(1234.5)),
            (&french, "1 234\u{a0}567", FieldValue::Integer(1_234_567)),
            (
                &number('.', Some('\''), None),
                "12'345",
                FieldValue::Integer(12_345),
            ),
        ] {
            assert_eq!(read(transform, text), Some(value), "{text}");
        }
        for (transform, text) in [
            (&plain, ""),
            (&plain, "1,5"),
            (&plain, "1e3"),
            (&plain, "--1"),
            (&plain, "."),
            (&plain, ".5"),
            (&plain, "5."),
            (&plain, "12 EUR"),
            (&plain, "NaN"),
            (&german, "1.5"),
            (&german, "1.23.456"),
            (&german, "1234.567"),
            (&german, ".123"),
            (&german, "1,234,5"),
        ] {
            assert_eq!(read(transform, text), None, "{text}");
        }
    }

    #[test]
    fn a_five_is_rounded_away_from_zero_in_decimal_digits() {
        for (scale, text, value) in [
            (2, "1.005", FieldValue::Number(1.01)),
            (2, "-1.005", FieldValue::Number(-1.01)),
            (0, "2.5", FieldValue::Integer(3)),
            (0, "9.9", FieldValue::Integer(10)),
            (1, "99.96", FieldValue::Integer(100)),
            (2, "1.004", FieldValue::Integer(1)),
            (5, "1.5", FieldValue::Number(1.5)),
        ] {
            assert_eq!(read(&number('.', None, Some(scale)), text), Some(value), "{text}");
        }
        let rounded = number('.', None, Some(1)).apply(&FieldValue::Number(0.25));
        assert_eq!(rounded, Ok(FieldValue::Number(0.3)));
    }

    proptest! {
        #[test]
        fn a_number_that_is_not_rounded_is_the_same(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
            let made = number('.', None, None).apply(&FieldValue::Number(value)).unwrap();
            let made = match made {
                FieldValue::Integer(integer) => integer as f64,
                FieldValue::Number(number) => number,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(made, value);
        }
    }
}
