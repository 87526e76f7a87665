//! Times, in microseconds since 1970.

const MICROS_PER_SECOND: i64 = 1_000_000;
const MAX_AHEAD_MICROS: i64 = 5 * 60 * MICROS_PER_SECOND;

/// Returns `time`, or `accepted_at` where `time` lies more than five minutes after it.
pub(crate) fn clamped(time: i64, accepted_at: i64) -> i64 {
    if time > accepted_at.saturating_add(MAX_AHEAD_MICROS) {
        accepted_at
    } else {
        time
    }
}

/// Reads `2026-01-02T03:04:05`, an optional fraction, and one of `Z`, `+00:00`, `+0000`.
///
/// Digits after the sixth of the fraction are dropped. Anything else is `None`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date_time, rest) = text.split_at_checked("2026-01-02T03:04:05".len())?;
    let separators = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')];
    if separators
        .iter()
        .any(|&(at, separator)| date_time.as_bytes()[at] != separator as u8)
    {
        return None;
    }
    let part = |from: usize, to: usize| date_time.get(from..to).and_then(number);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }

    let (micros, zone) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit())?;
            let (digits, zone) = fraction.split_at(end);
            if digits.is_empty() {
                return None;
            }
            let six: String = digits.chars().chain("000000".chars()).take(6).collect();
            (number(&six)?, zone)
        }
        None => (0, rest),
    };

    let days = days_before_year(year) - days_before_year(1970)
        + (1..month)
            .map(|earlier| days_in_month(year, earlier))
            .sum::<i64>()
        + (day - 1);
    let local_seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some((local_seconds - offset_seconds(zone)?) * MICROS_PER_SECOND + micros)
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        4 => (digits.get(0..2)?, digits.get(2..4)?),
        5 if digits.get(2..3) == Some(":") => (digits.get(0..2)?, digits.get(3..5)?),
        _ => return None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60)
}

/// Reads digits only; `str::parse` alone would also take a sign.
fn number(digits: &str) -> Option<i64> {
    if digits.chars().all(|c| c.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

/// Days from 1 January of year 1 to 1 January of `year`, in the Gregorian calendar.
fn days_before_year(year: i64) -> i64 {
    let years = year - 1;
    years * 365 + years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_spellings_of_one_instant_are_equal() {
        // `date -u -d 2026-01-02T03:04:05Z +%s`
        let expected = Some(1_767_323_045_000_000);

        assert_eq!(parse("2026-01-02T03:04:05Z"), expected);
        assert_eq!(parse("2026-01-02T03:04:05+00:00"), expected);
        assert_eq!(parse("2026-01-02T03:04:05.000+0000"), expected);
    }

    #[test]
    fn a_fraction_counts_to_the_microsecond() {
        assert_eq!(parse("1970-01-01T00:00:00.5Z"), Some(500_000));
        assert_eq!(parse("1970-01-01T00:00:00.000001Z"), Some(1));
        assert_eq!(parse("1970-01-01T00:00:00.0000019Z"), Some(1));
    }

    #[test]
    fn an_offset_is_taken_off() {
        assert_eq!(parse("1970-01-01T02:00:00+02:00"), Some(0));
        assert_eq!(parse("1969-12-31T22:30:00-0130"), Some(0));
    }

    #[test]
    fn leap_days_count() {
        // `date -u -d … +%s`
        assert_eq!(parse("2024-02-29T00:00:00Z"), Some(1_709_164_800_000_000));
        assert_eq!(parse("2000-03-01T00:00:00Z"), Some(951_868_800_000_000));
        assert_eq!(parse("2100-03-01T00:00:00Z"), Some(4_107_542_400_000_000));
        assert_eq!(parse("2025-02-29T00:00:00Z"), None);
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        let not_times = [
            "",
            "now",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05Z",
            "2026-13-02T03:04:05Z",
            "2026-01-02T24:04:05Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.5",
            "2026-01-02T03:04:05+0",
            "+026-01-02T03:04:05Z",
            "2026-01-02T03:04:0é",
        ];
        for text in not_times {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_time_more_than_five_minutes_ahead_is_clamped() {
        let accepted_at = 1_000;

        assert_eq!(
            clamped(accepted_at + MAX_AHEAD_MICROS, accepted_at),
            accepted_at + MAX_AHEAD_MICROS
        );
        assert_eq!(
            clamped(accepted_at + MAX_AHEAD_MICROS + 1, accepted_at),
            accepted_at
        );
        assert_eq!(clamped(5, accepted_at), 5);
    }
}
