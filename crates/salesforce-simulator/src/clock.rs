//! Time as an argument.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

/// Tells the time to the simulator; the caller owns it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// Returns a clock that asks `now` each time.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

/// Renders a time as Salesforce answers it: milliseconds, offset without a colon.
/// Source: salesforce-contract.md §9, "datetime out".
pub(crate) fn datetime_out(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// Renders a time as an HTTP date, for `Last-Modified`.
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads ISO 8601 with an offset, with or without its colon, as Salesforce writes and takes it.
/// Source: salesforce-contract.md §9, "datetime in" and "datetime out".
pub(crate) fn datetime_in(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|time| time.with_timezone(&Utc))
}

/// Reads `YYYY-MM-DD`, every digit of it. Source: salesforce-contract.md §9, "date".
pub(crate) fn date_in(text: &str) -> Option<NaiveDate> {
    let is_written_out = text.len() == "YYYY-MM-DD".len()
        && text.bytes().enumerate().all(|(position, byte)| match position {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let read = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    is_written_out.then(read).flatten()
}

/// Reads an HTTP date, as of `If-Modified-Since`.
pub(crate) fn http_date_in(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc2822(text).ok()?;
    Some(time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_all_its_digits_and_is_in_the_calendar() {
        for (text, expected) in [
            ("2024-02-29", true),
            ("2026-02-29", false),
            ("2026-1-02", false),
            ("+026-01-02", false),
            ("2026-01-02T00:00:00Z", false),
        ] {
            assert_eq!(date_in(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn offsets_are_read_with_and_without_a_colon() {
        let expected = Some("2026-11-20T09:15:00.000+0000".to_owned());
        for text in [
            "2026-11-20T09:15:00Z",
            "2026-11-20T10:15:00+01:00",
            "2026-11-20T09:15:00.000+0000",
        ] {
            assert_eq!(datetime_in(text).map(datetime_out), expected, "{text}");
        }
        assert_eq!(datetime_in("2026-11-20"), None);
    }

    #[test]
    fn an_http_date_is_read_as_it_is_written() {
        let time = datetime_in("2026-11-20T09:15:00Z").unwrap();
        assert_eq!(http_date_in(&http_date(time)), Some(time));
    }
}
