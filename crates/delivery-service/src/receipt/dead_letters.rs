//! Failed updates, kept with their reason.

use activation::names::DestinationUid;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use prost::Message;
use service::{database::from_micros, on_database};

use super::Receipts;
use crate::data_keys::DataKeyError;

/// The inside of a dead letter: what may tell of a person.
#[derive(Message)]
pub(super) struct DeadLetterBody {
    #[prost(string, tag = "1")]
    pub identity: String,
    #[prost(string, tag = "2")]
    pub message: String,
    /// As received.
    #[prost(bytes = "bytes", tag = "3")]
    pub update: Bytes,
}

impl DeadLetterBody {
    pub(super) fn encode(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

/// One identity that was refused for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub id: i64,
    pub destination: String,
    pub producer: String,
    pub sequence: i64,
    pub update_id: String,
    pub identity: String,
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
    pub accept_time: DateTime<Utc>,
    pub fail_time: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    #[error("the dead letters cannot be read")]
    Store(#[from] sqlx::Error),
    #[error("the dead letters cannot be opened")]
    Key(#[from] DataKeyError),
    #[error("the dead letter {0} is damaged")]
    Damaged(i64),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    destination: String,
    producer: String,
    sequence: i64,
    update_id: String,
    code: String,
    fields: String,
    key_id: String,
    sealed: Vec<u8>,
    accept_time: i64,
    fail_time: i64,
}

impl Receipts {
    /// Lists a destination's dead letters, newest first, before an id.
    pub async fn list_dead_letters(
        &self,
        uid: &DestinationUid,
        code: &str,
        before: i64,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, DeadLettersError> {
        const SQL: &str = "
            SELECT id, destination, producer, sequence, update_id, code, fields, key_id, sealed, accept_time, fail_time
            FROM dead_letters
            WHERE uid = $1
              AND ($2 = '' OR code = $2)
              AND id < $3
            ORDER BY id DESC
            LIMIT $4";
        let rows: Vec<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(uid.as_str())
                .bind(code)
                .bind(before)
                .bind(limit)
                .fetch_all(pool)
                .await
        )?;
        let mut letters = Vec::with_capacity(rows.len());
        for row in rows {
            let key = self.keys.get(&row.key_id).await?;
            let body = key
                .open(uid.as_str().as_bytes(), &row.sealed)
                .ok()
                .and_then(|bytes| DeadLetterBody::decode(bytes.as_slice()).ok())
                .ok_or(DeadLettersError::Damaged(row.id))?;
            letters.push(DeadLetter {
                id: row.id,
                destination: row.destination,
                producer: row.producer,
                sequence: row.sequence,
                update_id: row.update_id,
                identity: body.identity,
                code: row.code,
                message: body.message,
                fields: serde_json::from_str(&row.fields).unwrap_or_default(),
                accept_time: from_micros(row.accept_time),
                fail_time: from_micros(row.fail_time),
            });
        }
        Ok(letters)
    }
}
