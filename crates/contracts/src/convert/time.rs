//! Times and durations.

use std::time::Duration;

use activation::InvalidField;
use chrono::{DateTime, Utc};

/// Takes a time; fails for one that no calendar has.
pub fn time_in(
    time: Option<prost_types::Timestamp>,
    field: &str,
) -> Result<Option<DateTime<Utc>>, InvalidField> {
    time.map(|time| {
        u32::try_from(time.nanos)
            .ok()
            .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
            .ok_or_else(|| InvalidField::new(field, "is not a time between the years 1 and 9999"))
    })
    .transpose()
}

pub fn time_out(time: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.timestamp(),
        // Below a billion, or two in a leap second.
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

/// Takes a duration that must not be negative.
pub fn duration_in(duration: prost_types::Duration, field: &str) -> Result<Duration, InvalidField> {
    Duration::try_from(duration).map_err(|_| InvalidField::new(field, "must not be negative"))
}

pub fn duration_out(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}
