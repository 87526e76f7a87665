//! How many records were created in a day.

use std::num::NonZeroU32;

use activation::names::DestinationUid;
use chrono::{DateTime, TimeDelta, Utc};
use service::{
    database::{from_micros, to_micros},
    in_transaction, on_database,
};

use super::Receipts;

/// How long the counts of days are kept; only the current one limits anything.
pub(super) const DAYS_KEPT: TimeDelta = TimeDelta::days(2);

/// A day of 24 hours, from 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(DateTime<Utc>);

impl Day {
    pub fn of(time: DateTime<Utc>) -> Self {
        const DAY_MICROS: i64 = 86_400_000_000;
        let micros = to_micros(time);
        Self(from_micros(micros - micros.rem_euclid(DAY_MICROS)))
    }

    /// Returns when the next one begins.
    pub fn end(self) -> DateTime<Utc> {
        self.0 + TimeDelta::days(1)
    }

    pub(super) fn column(self) -> i64 {
        to_micros(self.0)
    }
}

/// Adds to what a day has; returns the sum.
pub(super) const ADD: &str = "
    INSERT INTO created_records (uid, day, records)
    VALUES ($1, $2, $3)
    ON CONFLICT (uid, day) DO UPDATE
    SET records = created_records.records + excluded.records
    RETURNING records";

const TAKE_BACK: &str = "UPDATE created_records SET records = records - $3 WHERE uid = $1 AND day = $2";

impl Receipts {
    /// Counts as many records as created as the limit leaves room for, at most
    /// `wanted`; returns how many.
    pub async fn allow_creates(
        &self,
        uid: &DestinationUid,
        day: Day,
        limit: NonZeroU32,
        wanted: usize,
    ) -> Result<usize, sqlx::Error> {
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        let allowed = in_transaction!(&self.database, transaction => {
            // Holds the row until the end: nobody else counts meanwhile.
            let counted: i64 = sqlx::query_scalar(ADD)
                .bind(uid.as_str())
                .bind(day.column())
                .bind(wanted)
                .fetch_one(&mut *transaction)
                .await?;
            let excess = (counted - i64::from(limit.get())).clamp(0, wanted);
            sqlx::query(TAKE_BACK)
                .bind(uid.as_str())
                .bind(day.column())
                .bind(excess)
                .execute(&mut *transaction)
                .await?;
            wanted - excess
        });
        Ok(usize::try_from(allowed).unwrap_or(0))
    }

    /// Takes back what was counted and certainly not created.
    pub async fn take_creates_back(
        &self,
        uid: &DestinationUid,
        day: Day,
        records: usize,
    ) -> Result<(), sqlx::Error> {
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        on_database!(
            &self.database,
            pool => sqlx::query(TAKE_BACK)
                .bind(uid.as_str())
                .bind(day.column())
                .bind(records)
                .execute(pool)
                .await
                .map(|_| ())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_at_midnight_utc() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let day = Day::of(time("2026-11-24T23:59:59.999999Z"));
        assert_eq!(day, Day::of(time("2026-11-24T00:00:00Z")));
        assert_eq!(day.end(), time("2026-11-25T00:00:00Z"));
        assert_ne!(day, Day::of(day.end()));
        assert_eq!(
            Day::of(time("1969-12-31T23:00:00Z")).end(),
            time("1970-01-01T00:00:00Z")
        );
    }
}
