//! Outcomes made durable: settlement, counts and dead letters in one
//! transaction; only then are they told.

mod creations;
mod dead_letter_service;
mod dead_letters;
mod receipt_service;
mod run_service;
mod runs;
mod settle;

use std::{collections::HashSet, sync::Arc};

use activation::{names::DestinationUid, record::Arrival};
use chrono::{DateTime, TimeDelta, Utc};
use service::{Database, database::to_micros, on_database};
use tokio::sync::{Mutex, watch};

pub use self::creations::Day;
pub(crate) use self::{
    dead_letter_service::Adapter as DeadLetterAdapter, receipt_service::Adapter as ReceiptAdapter,
    run_service::Adapter as RunAdapter,
};
use crate::{
    data_keys::{DataKeyError, DataKeys},
    journal::Journal,
    map::Place,
};

/// How long settled identities can be read as receipts.
const RECEIPTS_KEPT: TimeDelta = TimeDelta::hours(24);
/// How long dead letters are kept.
const DEAD_LETTERS_KEPT: TimeDelta = TimeDelta::days(30);
/// How long runs are kept: 13 months.
pub(crate) const RUNS_KEPT: TimeDelta = TimeDelta::days(396);

/// The tables of outcomes. Cheap to clone.
#[derive(Clone)]
pub struct Receipts {
    database: Database,
    keys: DataKeys,
    /// One settlement after the other, so that receipts become visible in the
    /// order of their cursor.
    in_order: Arc<Mutex<()>>,
    /// Counts settlements, to wake those who wait for receipts.
    settled: watch::Sender<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("the database of outcomes did not answer")]
    Store(#[from] sqlx::Error),
    #[error("dead letters cannot be sealed")]
    Key(#[from] DataKeyError),
}

impl SettleError {
    /// Tells whether an identity was settled already: somebody else works on
    /// the same journal, and trying again cannot help.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error
                .as_database_error()
                .is_some_and(sqlx::error::DatabaseError::is_unique_violation),
            Self::Key(_) => false,
        }
    }
}

impl Receipts {
    pub fn new(database: Database, keys: DataKeys) -> Self {
        let (settled, _) = watch::channel(0);
        Self {
            database,
            keys,
            in_order: Arc::default(),
            settled,
        }
    }

    /// Returns which identities of frames in a range are settled.
    pub async fn settled(
        &self,
        uid: &DestinationUid,
        first: i64,
        last: i64,
    ) -> Result<HashSet<Place>, sqlx::Error> {
        const SQL: &str = "
            SELECT position, entry, identity
            FROM settlements
            WHERE uid = $1
              AND position BETWEEN $2 AND $3";
        let rows: Vec<(i64, i64, i64)> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL).bind(uid.as_str()).bind(first).bind(last).fetch_all(pool).await
        )?;
        Ok(rows
            .into_iter()
            .map(|(position, entry, identity)| {
                (
                    Arrival {
                        position,
                        entry: u32::try_from(entry).unwrap_or(u32::MAX),
                    },
                    identity,
                )
            })
            .collect())
    }

    /// Forgets what was kept long enough. A settlement stays as long as its
    /// frame is in the journal: it tells a lane what need not be done again.
    pub async fn prune(
        &self,
        journal: &Journal,
        now: DateTime<Utc>,
    ) -> Result<(), crate::journal::JournalError> {
        const OF_UID: &str = "SELECT DISTINCT uid FROM settlements";
        const SETTLEMENTS: &str =
            "DELETE FROM settlements WHERE uid = $1 AND settle_time < $2 AND position < $3";
        const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE fail_time < $1";
        const COUNTS: &str = "DELETE FROM run_counts WHERE run_time < $1";
        const PROFILES: &str = "DELETE FROM run_profiles WHERE run_time < $1";
        const CREATED: &str = "DELETE FROM created_records WHERE day < $1";
        let uids: Vec<String> =
            on_database!(&self.database, pool => sqlx::query_scalar(OF_UID).fetch_all(pool).await)?;
        // Read after the uids: a frame that appears later is not settled yet.
        let first_positions = journal.first_positions().await?;
        for uid in uids {
            let before = first_positions.get(&uid).copied().unwrap_or(i64::MAX);
            on_database!(
                &self.database,
                pool => sqlx::query(SETTLEMENTS)
                    .bind(&uid)
                    .bind(to_micros(now - RECEIPTS_KEPT))
                    .bind(before)
                    .execute(pool)
                    .await
                    .map(|_| ())
            )?;
        }
        for (sql, kept) in [
            (DEAD_LETTERS, DEAD_LETTERS_KEPT),
            (COUNTS, RUNS_KEPT),
            (PROFILES, RUNS_KEPT),
            (CREATED, creations::DAYS_KEPT),
        ] {
            on_database!(
                &self.database,
                pool => sqlx::query(sql).bind(to_micros(now - kept)).execute(pool).await.map(|_| ())
            )?;
        }
        journal.forget_acceptances(now - RUNS_KEPT).await?;
        Ok(())
    }

    /// Tells whether a failed write is a local file's, which only a restart can mend.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.database, Database::Sqlite(_))
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

/// Returns the outcome as the tables keep it.
fn outcome_column(outcome: &activation::outcome::Outcome) -> &'static str {
    match outcome {
        activation::outcome::Outcome::Delivered(_) => "delivered",
        activation::outcome::Outcome::Excluded(_) => "excluded",
        activation::outcome::Outcome::Failed(_) => "failed",
    }
}

/// Reads what [`outcome_column`] wrote.
fn outcome_out(column: &str) -> contracts::delivery::v1::Outcome {
    use contracts::delivery::v1::Outcome;
    match column {
        "delivered" => Outcome::Delivered,
        "excluded" => Outcome::Excluded,
        "failed" => Outcome::Failed,
        _ => Outcome::Unspecified,
    }
}
