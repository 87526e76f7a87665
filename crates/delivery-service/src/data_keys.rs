//! Keys that seal payloads at rest: a new one each day, kept sealed by the
//! master key beside what they seal.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveTime, Utc};
use service::{
    Database,
    database::to_micros,
    in_transaction, on_database,
    seal::{DataKey, KeyError, MasterKey, OpenError},
};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Hands out data keys. Cheap to clone.
#[derive(Clone)]
pub struct DataKeys {
    database: Database,
    master: Arc<MasterKey>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DataKey>>,
    /// The key that seals now, and the day it was made for.
    current: Option<(i64, String)>,
}

#[derive(Debug, thiserror::Error)]
pub enum DataKeyError {
    #[error("the journal's keys cannot be read")]
    Store(#[from] sqlx::Error),
    #[error("a data key could not be made")]
    Make(#[source] KeyError),
    #[error("the data key {key_id} is gone, so what it sealed cannot be read")]
    Unknown { key_id: String },
    #[error(
        "the data key {key_id} was sealed with the master key {stored}, and the key file holds {given}; \
         put the right key file back"
    )]
    WrongMasterKey {
        key_id: String,
        stored: String,
        given: String,
        #[source]
        source: OpenError,
    },
}

#[derive(sqlx::FromRow)]
struct Row {
    master_key_id: String,
    sealed: Vec<u8>,
}

impl DataKeys {
    pub(crate) fn new(database: Database, master: MasterKey) -> Self {
        Self {
            database,
            master: Arc::new(master),
            known: Arc::default(),
        }
    }

    /// Returns the id and key to seal with today.
    pub(crate) async fn current(&self, now: DateTime<Utc>) -> Result<(String, Arc<DataKey>), DataKeyError> {
        let day = to_micros(now.with_time(NaiveTime::MIN).earliest().unwrap_or(now));
        let mut known = self.known.lock().await;
        if let Some((current_day, key_id)) = &known.current
            && *current_day == day
            && let Some(key) = known.keys.get(key_id)
        {
            return Ok((key_id.clone(), key.clone()));
        }
        let key_id = Uuid::now_v7().to_string();
        let (key, sealed) = self
            .master
            .new_data_key(key_id.as_bytes())
            .map_err(DataKeyError::Make)?;
        self.keep(&key_id, day, sealed).await?;
        let key = Arc::new(key);
        known.keys.insert(key_id.clone(), key.clone());
        known.current = Some((day, key_id.clone()));
        Ok((key_id, key))
    }

    /// Returns a key that sealed before.
    pub(crate) async fn get(&self, key_id: &str) -> Result<Arc<DataKey>, DataKeyError> {
        const SQL: &str = "SELECT master_key_id, sealed FROM data_keys WHERE key_id = $1";
        let mut known = self.known.lock().await;
        if let Some(key) = known.keys.get(key_id) {
            return Ok(key.clone());
        }
        let row: Option<Row> = on_database!(&self.database, pool => sqlx::query_as(SQL).bind(key_id).fetch_optional(pool).await)?;
        let row = row.ok_or_else(|| DataKeyError::Unknown {
            key_id: key_id.to_owned(),
        })?;
        let key = self
            .master
            .open_data_key(key_id.as_bytes(), &row.sealed)
            .map_err(|source| DataKeyError::WrongMasterKey {
                key_id: key_id.to_owned(),
                stored: row.master_key_id,
                given: self.master.id().to_owned(),
                source,
            })?;
        let key = Arc::new(key);
        known.keys.insert(key_id.to_owned(), key.clone());
        Ok(key)
    }

    /// Opens the newest key, so that a wrong master key is found at the start.
    pub(crate) async fn check(&self) -> Result<(), DataKeyError> {
        const SQL: &str = "SELECT key_id FROM data_keys ORDER BY day_time DESC LIMIT 1";
        let newest: Option<String> =
            on_database!(&self.database, pool => sqlx::query_scalar(SQL).fetch_optional(pool).await)?;
        if let Some(key_id) = newest {
            self.get(&key_id).await?;
        }
        Ok(())
    }

    async fn keep(&self, key_id: &str, day: i64, sealed: Vec<u8>) -> Result<(), DataKeyError> {
        const SQL: &str = "
            INSERT INTO data_keys (key_id, day_time, master_key_id, sealed)
            VALUES ($1, $2, $3, $4)";
        in_transaction!(&self.database, transaction => {
            sqlx::query(SQL)
                .bind(key_id)
                .bind(day)
                .bind(self.master.id())
                .bind(sealed)
                .execute(&mut *transaction)
                .await?;
        });
        Ok(())
    }
}
