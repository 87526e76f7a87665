//! One SQL text for SQLite and Postgres.
//!
//! A store is a struct around [`Database`]; its queries are written once, with
//! `$1` binds, and dispatched by [`on_database!`](crate::on_database),
//! [`in_transaction!`](crate::in_transaction) or
//! [`in_snapshot!`](crate::in_snapshot). Times are microseconds since 1970, ids
//! and JSON are text.

use std::{path::Path, time::Duration};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions, Connection, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Oldest SQLite without the WAL-reset bug. Source: engineering.md §1.
const OLDEST_SAFE_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// How long a writer waits for another one before it gives up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_POSTGRES_CONNECTIONS: u32 = 8;
const MAX_SQLITE_CONNECTIONS: u32 = 4;

/// Where a store keeps its rows. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The migrations of one store, for both databases.
pub struct Migrations {
    pub sqlite: Migrator,
    pub postgres: Migrator,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database file {path} could not be opened")]
    File {
        path: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("the SQLite library is {0}, which can lose data; 3.51.3 or newer is needed")]
    UnsafeSqlite(String),
    /// The URL may carry a password, so it is not told.
    #[error("the database URL is not a Postgres URL such as postgres://user@host/database")]
    Url,
    #[error("Postgres at {host} did not let us in")]
    Connect {
        host: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("the schema {schema} could not be created")]
    Schema {
        schema: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("the tables of {schema} could not be brought up to date")]
    Migrate {
        schema: &'static str,
        #[source]
        source: MigrateError,
    },
}

impl Database {
    /// Opens a SQLite file, creates it if need be, and migrates it.
    pub async fn open_sqlite(
        path: &Path,
        schema: &'static str,
        migrations: &Migrations,
    ) -> Result<Self, OpenError> {
        let file_error = |source| OpenError::File {
            path: path.display().to_string(),
            source,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a commit says is durable must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(LOCK_TIMEOUT)
            .pragma("cache_size", "-16384");
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_SQLITE_CONNECTIONS)
            .connect_with(options)
            .await
            .map_err(file_error)?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&pool)
            .await
            .map_err(file_error)?;
        if !is_safe_sqlite(&version) {
            return Err(OpenError::UnsafeSqlite(version));
        }
        migrations
            .sqlite
            .run(&pool)
            .await
            .map_err(|source| OpenError::Migrate { schema, source })?;
        Ok(Self::Sqlite(pool))
    }

    /// Connects to Postgres, creates the store's schema if need be, and
    /// migrates it. Everything the store does happens inside that schema.
    pub async fn open_postgres(
        url: &SecretString,
        schema: &'static str,
        migrations: &Migrations,
    ) -> Result<Self, OpenError> {
        let text = url.expose_secret();
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(OpenError::Url);
        }
        let options: PgConnectOptions = text.parse().map_err(|_| OpenError::Url)?;
        let host = options.get_host().to_owned();
        // The pool would try until its time is up, and then say only that.
        let connection = options.connect().await.map_err(|source| OpenError::Connect {
            host: host.clone(),
            source,
        })?;
        connection.close().await.map_err(|source| OpenError::Connect {
            host: host.clone(),
            source,
        })?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_POSTGRES_CONNECTIONS)
            .acquire_timeout(LOCK_TIMEOUT)
            .connect_with(options.options([("search_path", schema)]))
            .await
            .map_err(|source| OpenError::Connect { host, source })?;
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "CREATE SCHEMA IF NOT EXISTS {schema}"
        )))
        .execute(&pool)
        .await
        .map_err(|source| OpenError::Schema { schema, source })?;
        migrations
            .postgres
            .run(&pool)
            .await
            .map_err(|source| OpenError::Migrate { schema, source })?;
        Ok(Self::Postgres(pool))
    }

    /// Closes every connection; for SQLite that also folds the WAL back in.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Says which database and where, when the store is opened.
#[derive(Debug, Clone)]
pub enum Location {
    /// One SQLite file per store in this directory.
    Directory(std::path::PathBuf),
    /// One schema per store in this Postgres database.
    Postgres(SecretString),
}

impl Location {
    /// Opens the store of this name: `{name}.db`, or the schema `{name}`.
    pub async fn open(&self, name: &'static str, migrations: &Migrations) -> Result<Database, OpenError> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(format!("{name}.db"));
                Database::open_sqlite(&path, name, migrations).await
            }
            Self::Postgres(url) => Database::open_postgres(url, name, migrations).await,
        }
    }
}

/// Runs a query against whichever database it is:
/// `on_database!(&self.database, pool => sqlx::query(SQL).execute(pool).await)`.
#[macro_export]
macro_rules! on_database {
    ($database:expr, $pool:ident => $body:expr) => {
        match $database {
            $crate::database::Database::Sqlite($pool) => $body,
            $crate::database::Database::Postgres($pool) => $body,
        }
    };
}

/// Runs a block in a write transaction and commits it. A `?` in the block
/// leaves the function and rolls back. On SQLite the transaction takes the
/// write lock at once, so that it never fails half-way for want of it.
#[macro_export]
macro_rules! in_transaction {
    ($database:expr, $transaction:ident => $body:block) => {
        match $database {
            $crate::database::Database::Sqlite(pool) => {
                let mut $transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                let value = $body;
                $transaction.commit().await?;
                value
            }
            $crate::database::Database::Postgres(pool) => {
                let mut $transaction = pool.begin().await?;
                let value = $body;
                $transaction.commit().await?;
                value
            }
        }
    };
}

/// Runs a block of reads that all see the same moment. A `?` in the block
/// leaves the function.
#[macro_export]
macro_rules! in_snapshot {
    ($database:expr, $transaction:ident => $body:block) => {
        match $database {
            $crate::database::Database::Sqlite(pool) => {
                let mut $transaction = pool.begin().await?;
                let value = $body;
                $transaction.commit().await?;
                value
            }
            $crate::database::Database::Postgres(pool) => {
                let mut $transaction = pool
                    .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?;
                let value = $body;
                $transaction.commit().await?;
                value
            }
        }
    };
}

/// Writes a time as both databases keep it: microseconds since 1970.
pub fn to_micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// Reads a time that [`to_micros`] wrote.
pub fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn is_safe_sqlite(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SAFE_SQLITE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_with_the_wal_reset_bug_is_told_from_a_safe_one() {
        assert!(!is_safe_sqlite("3.40.1"));
        assert!(!is_safe_sqlite("3.51.2"));
        assert!(is_safe_sqlite("3.51.3"));
        assert!(is_safe_sqlite("4.0.0"));
    }
}
