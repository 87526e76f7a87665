//! The time stamps of the platform's JSON documents.

use chrono::{DateTime, Utc};

/// Parses a time in one of the three forms that the platform writes:
/// `2026-01-02T03:04:05Z`, `…+00:00` and `….000+0000` (requirements.md §2.4).
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_the_platform_are_one_time() {
        let expected = DateTime::from_timestamp_micros(1_767_323_045_000_000).unwrap();
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05+00:00",
            "2026-01-02T03:04:05.000+0000",
            "2026-01-02T05:04:05.000+02:00",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in ["", "2026-01-02", "2026-01-02T03:04:05", "yesterday"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
