//! Runs: counts by hour of acceptance.

use activation::names::DestinationUid;
use chrono::{DateTime, Utc};
use service::{database::to_micros, on_database};

use super::Receipts;

/// Identities of a run that ended one way.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RunCount {
    /// Empty: all identities.
    pub segment: String,
    pub outcome: String,
    pub reason: String,
    pub identities: i64,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct RunProgress {
    /// Updates of which no identity waits.
    pub settled: i64,
    /// Salesforce records that they created.
    pub created: i64,
}

impl Receipts {
    /// Returns the counts of one run.
    pub async fn run_counts(
        &self,
        uid: &DestinationUid,
        run_time: DateTime<Utc>,
    ) -> Result<Vec<RunCount>, sqlx::Error> {
        const SQL: &str = "
            SELECT segment, outcome, reason, identities
            FROM run_counts
            WHERE uid = $1
              AND run_time = $2
            ORDER BY segment, outcome, reason";
        on_database!(
            &self.database,
            pool => sqlx::query_as(SQL).bind(uid.as_str()).bind(to_micros(run_time)).fetch_all(pool).await
        )
    }

    /// Returns what is complete of a run.
    pub async fn run_progress(
        &self,
        uid: &DestinationUid,
        run_time: DateTime<Utc>,
    ) -> Result<RunProgress, sqlx::Error> {
        const SQL: &str = "SELECT settled, created FROM run_profiles WHERE uid = $1 AND run_time = $2";
        let progress: Option<RunProgress> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(uid.as_str())
                .bind(to_micros(run_time))
                .fetch_optional(pool)
                .await
        )?;
        Ok(progress.unwrap_or_default())
    }

    /// Returns how many updates are settled of those that were accepted since
    /// the beginning of an hour.
    pub async fn settled_since(
        &self,
        uid: &DestinationUid,
        run_time: DateTime<Utc>,
    ) -> Result<i64, sqlx::Error> {
        const SQL: &str = "
            SELECT CAST(COALESCE(SUM(settled), 0) AS BIGINT)
            FROM run_profiles
            WHERE uid = $1
              AND run_time >= $2";
        on_database!(
            &self.database,
            pool => sqlx::query_scalar(SQL)
                .bind(uid.as_str())
                .bind(to_micros(run_time))
                .fetch_one(pool)
                .await
        )
    }
}
