//! The durable queue of accepted updates.
//!
//! `append` is durable when it returns; `read` answers a partition in the
//! order of appending; `trim` forgets what is settled. A partition is one
//! destination. Settlement is not the journal's business.

mod frame;
pub mod writer;

use std::collections::HashMap;

use activation::names::DestinationUid;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use service::{
    Clock, Database,
    database::{from_micros, to_micros},
    in_transaction, on_database,
    seal::MasterKey,
};

use crate::data_keys::{DataKeyError, DataKeys};

/// The journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    database: Database,
    keys: DataKeys,
    clock: Clock,
}

/// One destination's updates of one group commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub partition: DestinationUid,
    pub accepted_at: DateTime<Utc>,
    pub entries: Vec<Entry>,
}

/// One accepted update, as received.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub producer: String,
    pub sequence: u64,
    /// `sluice.delivery.v1.ProfileUpdate`.
    pub update: Bytes,
}

/// A frame with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Rises over all partitions; never used twice.
    pub position: i64,
    pub accepted_at: DateTime<Utc>,
    pub entries: Vec<Entry>,
}

/// Updates accepted in one hour of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourOfAcceptance {
    pub run_time: DateTime<Utc>,
    pub profiles: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal did not answer")]
    Store(#[from] sqlx::Error),
    #[error("the journal's keys do not work")]
    Key(#[from] DataKeyError),
    #[error("the frame at {position} is damaged, or sealed with another key")]
    Damaged { position: i64 },
    #[error("the frame at {position} has the format {format}, which this version does not know")]
    UnknownFormat { position: i64, format: i64 },
}

#[derive(sqlx::FromRow)]
struct FrameRow {
    position: i64,
    accept_time: i64,
    format: i64,
    key_id: String,
    body: Vec<u8>,
}

impl Journal {
    pub fn new(database: Database, master: MasterKey, clock: Clock) -> Self {
        let keys = DataKeys::new(database.clone(), master);
        Self {
            database,
            keys,
            clock,
        }
    }

    /// Returns the keys that seal frames, and dead letters too.
    pub fn keys(&self) -> &DataKeys {
        &self.keys
    }

    /// Appends frames and moves the producers on, in one synced commit.
    /// Returns the frames' positions, in their order.
    pub async fn append(
        &self,
        frames: &[Frame],
        producers: &HashMap<String, u64>,
    ) -> Result<Vec<i64>, JournalError> {
        const FRAME: &str = "
            INSERT INTO journal_frames (partition, accept_time, entries, format, key_id, body)
            VALUES ($1, $2, $3, $4, $5, $6)
            RETURNING position";
        const ACCEPTANCES: &str = "
            INSERT INTO acceptances (partition, run_time, profiles)
            VALUES ($1, $2, $3)
            ON CONFLICT (partition, run_time) DO UPDATE
            SET profiles = acceptances.profiles + excluded.profiles";
        const PRODUCER: &str = "
            INSERT INTO producers (producer, last_sequence)
            VALUES ($1, $2)
            ON CONFLICT (producer) DO UPDATE
            SET last_sequence = excluded.last_sequence
            WHERE producers.last_sequence < excluded.last_sequence";
        let (key_id, key) = self.keys.current(self.clock.now()).await?;
        let bodies: Vec<Vec<u8>> = frames
            .iter()
            .map(|frame| {
                key.seal(
                    frame.partition.as_str().as_bytes(),
                    &frame::encode(&frame.entries),
                )
            })
            .collect();
        // One order for everyone, so that two writers cannot wait for each other.
        let mut producers: Vec<(&String, &u64)> = producers.iter().collect();
        producers.sort();
        Ok(in_transaction!(&self.database, transaction => {
            let mut positions = Vec::with_capacity(frames.len());
            for (frame, body) in frames.iter().zip(&bodies) {
                let entries = count(frame.entries.len());
                let position: i64 = sqlx::query_scalar(FRAME)
                    .bind(frame.partition.as_str())
                    .bind(to_micros(frame.accepted_at))
                    .bind(entries)
                    .bind(frame::FORMAT)
                    .bind(&key_id)
                    .bind(body)
                    .fetch_one(&mut *transaction)
                    .await?;
                positions.push(position);
                sqlx::query(ACCEPTANCES)
                    .bind(frame.partition.as_str())
                    .bind(to_micros(hour_of(frame.accepted_at)))
                    .bind(entries)
                    .execute(&mut *transaction)
                    .await?;
            }
            for (producer, sequence) in producers {
                sqlx::query(PRODUCER)
                    .bind(producer)
                    .bind(i64::try_from(*sequence).unwrap_or(i64::MAX))
                    .execute(&mut *transaction)
                    .await?;
            }
            positions
        }))
    }

    /// Reads a partition's frames after a position, at most so many.
    pub async fn read(
        &self,
        partition: &DestinationUid,
        after: i64,
        max_frames: i64,
    ) -> Result<Vec<StoredFrame>, JournalError> {
        const SQL: &str = "
            SELECT position, accept_time, format, key_id, body
            FROM journal_frames
            WHERE partition = $1
              AND position > $2
            ORDER BY position
            LIMIT $3";
        let rows: Vec<FrameRow> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(partition.as_str())
                .bind(after)
                .bind(max_frames)
                .fetch_all(pool)
                .await
        )?;
        let mut frames = Vec::with_capacity(rows.len());
        for row in rows {
            let position = row.position;
            if row.format != frame::FORMAT {
                return Err(JournalError::UnknownFormat {
                    position,
                    format: row.format,
                });
            }
            let key = self.keys.get(&row.key_id).await?;
            let entries = key
                .open(partition.as_str().as_bytes(), &row.body)
                .ok()
                .and_then(|body| frame::decode(&body))
                .ok_or(JournalError::Damaged { position })?;
            frames.push(StoredFrame {
                position,
                accepted_at: from_micros(row.accept_time),
                entries,
            });
        }
        Ok(frames)
    }

    /// Forgets a partition's frames up to and with a position.
    pub async fn trim(&self, partition: &DestinationUid, up_to: i64) -> Result<(), JournalError> {
        const SQL: &str = "DELETE FROM journal_frames WHERE partition = $1 AND position <= $2";
        on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(partition.as_str()).bind(up_to).execute(pool).await.map(|_| ())
        )?;
        Ok(())
    }

    /// Returns the last sequence accepted from a producer; 0 when none was.
    pub async fn last_sequence(&self, producer: &str) -> Result<u64, JournalError> {
        const SQL: &str = "SELECT last_sequence FROM producers WHERE producer = $1";
        let last: Option<i64> = on_database!(&self.database, pool => sqlx::query_scalar(SQL).bind(producer).fetch_optional(pool).await)?;
        Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
    }

    /// Returns the first position kept of each partition that has one.
    pub async fn first_positions(&self) -> Result<HashMap<String, i64>, JournalError> {
        const SQL: &str = "SELECT partition, MIN(position) FROM journal_frames GROUP BY partition";
        let rows: Vec<(String, i64)> =
            on_database!(&self.database, pool => sqlx::query_as(SQL).fetch_all(pool).await)?;
        Ok(rows.into_iter().collect())
    }

    /// Returns how many updates were accepted by hour, newest first.
    pub async fn acceptances(
        &self,
        partition: &DestinationUid,
        before: Option<DateTime<Utc>>,
        limit: i64,
    ) -> Result<Vec<HourOfAcceptance>, JournalError> {
        const SQL: &str = "
            SELECT run_time, profiles
            FROM acceptances
            WHERE partition = $1
              AND run_time < $2
            ORDER BY run_time DESC
            LIMIT $3";
        let rows: Vec<(i64, i64)> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(partition.as_str())
                .bind(before.map_or(i64::MAX, to_micros))
                .bind(limit)
                .fetch_all(pool)
                .await
        )?;
        Ok(rows
            .into_iter()
            .map(|(run_time, profiles)| HourOfAcceptance {
                run_time: from_micros(run_time),
                profiles,
            })
            .collect())
    }

    /// Returns how many updates were accepted since the beginning of an hour.
    pub async fn accepted_since(
        &self,
        partition: &DestinationUid,
        run_time: DateTime<Utc>,
    ) -> Result<i64, JournalError> {
        const SQL: &str = "
            SELECT CAST(COALESCE(SUM(profiles), 0) AS BIGINT)
            FROM acceptances
            WHERE partition = $1
              AND run_time >= $2";
        Ok(on_database!(
            &self.database,
            pool => sqlx::query_scalar(SQL)
                .bind(partition.as_str())
                .bind(to_micros(run_time))
                .fetch_one(pool)
                .await
        )?)
    }

    /// Forgets how many updates were accepted in hours before a time.
    pub async fn forget_acceptances(&self, before: DateTime<Utc>) -> Result<(), JournalError> {
        const SQL: &str = "DELETE FROM acceptances WHERE run_time < $1";
        on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(to_micros(before)).execute(pool).await.map(|_| ())
        )?;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// Tells whether a failed append leaves the journal in a state that only a
    /// restart can tell: after a failed sync of a local file nothing is known.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.database, Database::Sqlite(_))
    }
}

/// Returns the start of the hour, which names the run.
pub fn hour_of(time: DateTime<Utc>) -> DateTime<Utc> {
    const HOUR_MICROS: i64 = 3_600_000_000;
    let micros = to_micros(time);
    from_micros(micros - micros.rem_euclid(HOUR_MICROS))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
