//! Dates and times, into the forms that Salesforce takes.

use std::{fmt::Write, str::FromStr};

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc,
    format::{Parsed, StrftimeItems, parse},
};
use serde::{Deserialize, Serialize};

use super::Unfit;
use crate::{InvalidField, record::FieldValue};

/// The years that Salesforce stores.
/// Source: Salesforce SOAP API Developer Guide, "Primitive Data Types", dateTime.
const YEARS: std::ops::RangeInclusive<i32> = 1700..=4000;
const MAX_PATTERN_LENGTH: usize = 64;

/// Reads a date or time, and writes it as Salesforce takes it. A time without
/// an offset is UTC, a date without a time is midnight. A date is the day as
/// written, in the value's own offset: `1990-05-01T00:00:00+02:00` is the first
/// of May.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateTransform {
    pub input: DateInput,
    pub output: DateOutput,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateInput {
    /// `2026-01-02`, `2026-01-02T03:04:05`, with or without a fraction, and with
    /// `Z`, `+01:00`, `+0100` or no offset.
    Iso,
    /// Seconds since 1970, as a number or its text.
    EpochSeconds,
    /// Milliseconds since 1970, as a number or its text.
    EpochMillis,
    Pattern(DatePattern),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOutput {
    /// `2026-01-02`
    Date,
    /// `2026-01-02T03:04:05.000Z`
    Datetime,
}

/// A pattern such as `%d.%m.%Y`, in the signs of `strftime`
/// (<https://docs.rs/chrono/0.4/chrono/format/strftime>). It has a whole date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatePattern(String);

impl DatePattern {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<DatePattern> for String {
    fn from(pattern: DatePattern) -> Self {
        pattern.0
    }
}

impl TryFrom<String> for DatePattern {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        text.parse()
    }
}

impl FromStr for DatePattern {
    type Err = InvalidField;

    /// Takes what gives back, from a date it has written, that date.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let wrong = |problem: &str| {
            InvalidField::new(
                "pattern",
                format!(
                    "{problem}; write it with the signs of strftime, for example %d.%m.%Y or %Y-%m-%d %H:%M"
                ),
            )
        };
        if text.len() > MAX_PATTERN_LENGTH {
            return Err(wrong(&format!("is longer than {MAX_PATTERN_LENGTH} characters")));
        }
        let example = NaiveDate::from_ymd_opt(2001, 2, 3)
            .and_then(|date| date.and_hms_opt(16, 5, 6))
            .map(|time| time.and_utc().fixed_offset())
            .ok_or_else(|| wrong("cannot be tried"))?;
        let mut written = String::new();
        write!(written, "{}", example.format(text)).map_err(|_| wrong("has a sign that is not known"))?;
        match read_pattern(&written, text) {
            Some(read) if read.date_naive() == example.date_naive() => Ok(Self(text.to_owned())),
            Some(_) | None => Err(wrong(
                "does not tell a whole date: a year, a month and a day, and hours only with minutes",
            )),
        }
    }
}

impl DateTransform {
    pub(super) fn apply(&self, value: &FieldValue) -> Result<FieldValue, Unfit> {
        let time = match (&self.input, value) {
            (DateInput::Iso, FieldValue::Text(text)) => read_iso(text.trim()),
            (DateInput::Pattern(pattern), FieldValue::Text(text)) => read_pattern(text.trim(), &pattern.0),
            (DateInput::EpochSeconds, value) => epoch_micros(value, 1_000_000)
                .and_then(DateTime::from_timestamp_micros)
                .map(utc),
            (DateInput::EpochMillis, value) => epoch_micros(value, 1_000)
                .and_then(DateTime::from_timestamp_micros)
                .map(utc),
            (DateInput::Iso | DateInput::Pattern(_), _) => None,
        };
        let Some(time) = time else {
            return Err(Unfit(format!("is not {}", self.input.described())));
        };
        let text = match self.output {
            DateOutput::Date => time.date_naive().format("%Y-%m-%d").to_string(),
            DateOutput::Datetime => time.to_utc().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        };
        let year = match self.output {
            DateOutput::Date => time.year(),
            DateOutput::Datetime => time.to_utc().year(),
        };
        if !YEARS.contains(&year) {
            return Err(Unfit(format!(
                "is not in the years {} to {}, which Salesforce stores",
                YEARS.start(),
                YEARS.end()
            )));
        }
        Ok(FieldValue::Text(text))
    }
}

impl DateInput {
    fn described(&self) -> String {
        match self {
            Self::Iso => "a date such as 2026-01-02 or 2026-01-02T03:04:05Z".to_owned(),
            Self::EpochSeconds => "a number of seconds since 1970".to_owned(),
            Self::EpochMillis => "a number of milliseconds since 1970".to_owned(),
            Self::Pattern(pattern) => format!("a date of the form {}", pattern.0),
        }
    }
}

fn utc(time: DateTime<Utc>) -> DateTime<FixedOffset> {
    time.fixed_offset()
}

fn read_iso(text: &str) -> Option<DateTime<FixedOffset>> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(utc(date.and_time(NaiveTime::MIN).and_utc()));
    }
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .or_else(|| {
            let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
            Some(utc(time.and_utc()))
        })
}

fn read_pattern(text: &str, pattern: &str) -> Option<DateTime<FixedOffset>> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(pattern)).ok()?;
    let offset = FixedOffset::east_opt(parsed.offset().unwrap_or(0))?;
    let has_time = parsed.timestamp().is_some()
        || parsed.hour_div_12().is_some()
        || parsed.hour_mod_12().is_some()
        || parsed.minute().is_some()
        || parsed.second().is_some();
    let local = if has_time {
        parsed
            .to_naive_datetime_with_offset(offset.local_minus_utc())
            .ok()?
    } else {
        parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN)
    };
    local.and_local_timezone(offset).single()
}

/// Reads a count of units of so many microseconds.
fn epoch_micros(value: &FieldValue, unit_micros: i64) -> Option<i64> {
    let from_number = |number: f64| {
        let micros = (number * unit_micros as f64).round();
        // Beyond this a float does not hold every microsecond, and no year that
        // Salesforce stores begins.
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        (micros.abs() < 1e17).then_some(micros as i64)
    };
    match value {
        FieldValue::Integer(units) => units.checked_mul(unit_micros),
        FieldValue::Number(number) => from_number(*number),
        FieldValue::Text(text) => match text.trim().parse::<i64>() {
            Ok(units) => units.checked_mul(unit_micros),
            Err(_) => from_number(text.trim().parse().ok()?),
        },
        FieldValue::Null | FieldValue::Boolean(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(input: &DateInput, output: DateOutput, value: &FieldValue) -> Result<String, Unfit> {
        let transform = DateTransform {
            input: input.clone(),
            output,
        };
        transform.apply(value).map(|made| match made {
            FieldValue::Text(text) => text,
            other => panic!("{other:?}"),
        })
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.to_owned())
    }

    #[test]
    fn each_input_becomes_a_date_and_a_time() {
        let pattern = |pattern: &str| DateInput::Pattern(pattern.parse().unwrap());
        for (input, value, date, datetime) in [
            (
                DateInput::Iso,
                text("2026-01-02"),
                "2026-01-02",
                "2026-01-02T00:00:00.000Z",
            ),
            (
                DateInput::Iso,
                text(" 2026-01-02T03:04:05Z "),
                "2026-01-02",
                "2026-01-02T03:04:05.000Z",
            ),
            (
                DateInput::Iso,
                text("2026-01-02T03:04:05.6789"),
                "2026-01-02",
                "2026-01-02T03:04:05.678Z",
            ),
            (
                DateInput::Iso,
                text("1990-05-01T00:00:00.000+0200"),
                "1990-05-01",
                "1990-04-30T22:00:00.000Z",
            ),
            (
                DateInput::EpochSeconds,
                FieldValue::Integer(1_767_323_045),
                "2026-01-02",
                "2026-01-02T03:04:05.000Z",
            ),
            (
                DateInput::EpochSeconds,
                text("1767323045.5"),
                "2026-01-02",
                "2026-01-02T03:04:05.500Z",
            ),
            (
                DateInput::EpochMillis,
                FieldValue::Number(1_767_323_045_006.0),
                "2026-01-02",
                "2026-01-02T03:04:05.006Z",
            ),
            (
                pattern("%d.%m.%Y"),
                text("02.01.2026"),
                "2026-01-02",
                "2026-01-02T00:00:00.000Z",
            ),
            (
                pattern("%m/%d/%y"),
                text("1/2/26"),
                "2026-01-02",
                "2026-01-02T00:00:00.000Z",
            ),
            (
                pattern("%d %b %Y %H:%M %z"),
                text("2 Jan 2026 03:04 -0100"),
                "2026-01-02",
                "2026-01-02T04:04:00.000Z",
            ),
        ] {
            assert_eq!(made(&input, DateOutput::Date, &value).as_deref(), Ok(date));
            assert_eq!(
                made(&input, DateOutput::Datetime, &value).as_deref(),
                Ok(datetime)
            );
        }
    }

    #[test]
    fn what_is_no_date_is_told_by_the_form_and_not_by_the_value() {
        let pattern = DateInput::Pattern("%d.%m.%Y".parse().unwrap());
        for (input, value, part) in [
            (&DateInput::Iso, text("02.01.2026"), "2026-01-02T03:04:05Z"),
            (&DateInput::Iso, FieldValue::Boolean(true), "2026-01-02"),
            (&DateInput::Iso, text("2026-02-30"), "2026-01-02"),
            (&DateInput::EpochMillis, text("soon"), "milliseconds since 1970"),
            (
                &DateInput::EpochSeconds,
                FieldValue::Integer(i64::MAX),
                "seconds since 1970",
            ),
            (
                &DateInput::EpochSeconds,
                FieldValue::Number(1e300),
                "seconds since 1970",
            ),
            (&DateInput::Iso, text("1600-01-01"), "1700 to 4000"),
            (&pattern, text("2026-01-02"), "%d.%m.%Y"),
        ] {
            let Unfit(problem) = made(input, DateOutput::Date, &value).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn a_pattern_has_a_whole_date_and_known_signs() {
        for good in [
            "%d.%m.%Y",
            "%Y%m%d",
            "%m/%d/%y",
            "%Y-%m-%d %H:%M",
            "%Y-%j",
            "%s",
            "%F",
        ] {
            assert!(good.parse::<DatePattern>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "2026",
            "%Y",
            "%d.%m",
            "%Y-%m-%d %H",
            "%Q",
            "%",
            "%H:%M",
            &"%".repeat(65),
        ] {
            assert!(bad.parse::<DatePattern>().is_err(), "{bad}");
        }
    }
}
