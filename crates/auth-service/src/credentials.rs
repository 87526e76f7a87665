//! Credentials at rest: each row sealed by a data key of its own, bound to its
//! connection and version.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use salesforce::oauth::Grant;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service::{
    Clock, Database,
    database::{from_micros, to_micros},
    on_database,
    seal::{KeyError, MasterKey, OpenError},
};
use zeroize::{Zeroize, Zeroizing};

/// Version of what is inside a row's seal.
const FORMAT: i64 = 1;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    database: Database,
    key: Arc<MasterKey>,
    clock: Clock,
}

/// What may be told of stored credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsSummary {
    pub connection: String,
    pub grant_kind: String,
    pub client_id: String,
    pub username: String,
    pub version: i64,
    pub update_time: DateTime<Utc>,
}

/// Tells credentials from those before and after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Edition(Vec<u8>);

#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("the credential store did not answer")]
    Store(#[from] sqlx::Error),
    #[error("the credentials of {connection} cannot be opened with the key {key_id}")]
    Sealed {
        connection: String,
        key_id: String,
        #[source]
        source: OpenError,
    },
    #[error("the credentials could not be sealed")]
    Seal(#[source] KeyError),
}

/// The inside of the seal.
#[derive(Serialize, Deserialize)]
struct Secrets {
    client_secret: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    security_token: String,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.client_secret.zeroize();
        self.password.zeroize();
        self.security_token.zeroize();
    }
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    connection: String,
    grant_kind: String,
    client_id: String,
    username: String,
    version: i64,
    update_time: i64,
}

impl From<SummaryRow> for CredentialsSummary {
    fn from(row: SummaryRow) -> Self {
        Self {
            connection: row.connection,
            grant_kind: row.grant_kind,
            client_id: row.client_id,
            username: row.username,
            version: row.version,
            update_time: from_micros(row.update_time),
        }
    }
}

#[derive(sqlx::FromRow)]
struct SealedRow {
    version: i64,
    grant_kind: String,
    client_id: String,
    username: String,
    data_key: Vec<u8>,
    sealed: Vec<u8>,
}

impl Credentials {
    pub fn new(database: Database, key: MasterKey, clock: Clock) -> Self {
        Self {
            database,
            key: Arc::new(key),
            clock,
        }
    }

    pub fn key_id(&self) -> &str {
        self.key.id()
    }

    /// Returns the id of a key that seals a row and is not ours.
    pub async fn foreign_key_id(&self) -> Result<Option<String>, sqlx::Error> {
        const SQL: &str = "SELECT key_id FROM credentials WHERE key_id <> $1 LIMIT 1";
        on_database!(&self.database, pool => sqlx::query_scalar(SQL).bind(self.key.id()).fetch_optional(pool).await)
    }

    /// Stores credentials in place of those before.
    pub async fn put(&self, connection: &str, grant: &Grant) -> Result<CredentialsSummary, CredentialsError> {
        const HELD_VERSION: &str = "SELECT version FROM credentials WHERE connection = $1";
        const PUT: &str = "
            INSERT INTO credentials
                (connection, version, grant_kind, client_id, username, key_id, data_key, format, sealed, update_time)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (connection) DO UPDATE
            SET version = excluded.version, grant_kind = excluded.grant_kind, client_id = excluded.client_id,
                username = excluded.username, key_id = excluded.key_id, data_key = excluded.data_key,
                format = excluded.format, sealed = excluded.sealed, update_time = excluded.update_time
            -- Somebody else's put since the version was read: no row moves, and it is read again.
            WHERE credentials.version = excluded.version - 1";
        let (grant_kind, client_id, username, secrets) = parts(grant);
        let plaintext =
            Zeroizing::new(serde_json::to_vec(&secrets).expect("three texts can be written as JSON"));
        let now = self.clock.now();
        let version = loop {
            let held: Option<i64> = on_database!(
                &self.database,
                pool => sqlx::query_scalar(HELD_VERSION).bind(connection).fetch_optional(pool).await
            )?;
            let version = held.unwrap_or(0) + 1;
            // The seal is bound to the version, so it is made anew with it.
            let place = place(connection, version);
            let (data_key, wrapped) = self.key.new_data_key(&place).map_err(CredentialsError::Seal)?;
            let moved = on_database!(
                &self.database,
                pool => sqlx::query(PUT)
                    .bind(connection)
                    .bind(version)
                    .bind(grant_kind)
                    .bind(client_id)
                    .bind(username)
                    .bind(self.key.id())
                    .bind(&wrapped)
                    .bind(FORMAT)
                    .bind(data_key.seal(&place, &plaintext))
                    .bind(to_micros(now))
                    .execute(pool)
                    .await
                    .map(|done| done.rows_affected())
            )?;
            if moved == 1 {
                break version;
            }
        };
        Ok(CredentialsSummary {
            connection: connection.to_owned(),
            grant_kind: grant_kind.to_owned(),
            client_id: client_id.to_owned(),
            username: username.to_owned(),
            version,
            update_time: from_micros(to_micros(now)),
        })
    }

    /// Tells what is stored, without secrets.
    pub async fn summary(&self, connection: &str) -> Result<Option<CredentialsSummary>, CredentialsError> {
        const SQL: &str = "
            SELECT connection, grant_kind, client_id, username, version, update_time
            FROM credentials
            WHERE connection = $1";
        let row: Option<SummaryRow> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL).bind(connection).fetch_optional(pool).await
        )?;
        Ok(row.map(Into::into))
    }

    /// Names what is stored. Versions begin again after a deletion; the sealed
    /// data key is another one for every put.
    pub(crate) async fn edition(&self, connection: &str) -> Result<Option<Edition>, CredentialsError> {
        const SQL: &str = "SELECT data_key FROM credentials WHERE connection = $1";
        let data_key: Option<Vec<u8>> = on_database!(
            &self.database,
            pool => sqlx::query_scalar(SQL).bind(connection).fetch_optional(pool).await
        )?;
        Ok(data_key.map(Edition))
    }

    /// Opens the credentials.
    pub async fn grant(&self, connection: &str) -> Result<Option<Grant>, CredentialsError> {
        const SQL: &str = "
            SELECT version, grant_kind, client_id, username, data_key, sealed
            FROM credentials
            WHERE connection = $1";
        let row: Option<SealedRow> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL).bind(connection).fetch_optional(pool).await
        )?;
        let Some(row) = row else { return Ok(None) };
        let sealed_error = |source| CredentialsError::Sealed {
            connection: connection.to_owned(),
            key_id: self.key.id().to_owned(),
            source,
        };
        let place = place(connection, row.version);
        let data_key = self
            .key
            .open_data_key(&place, &row.data_key)
            .map_err(sealed_error)?;
        let plaintext = Zeroizing::new(data_key.open(&place, &row.sealed).map_err(sealed_error)?);
        let secrets: Secrets = serde_json::from_slice(&plaintext).map_err(|_| sealed_error(OpenError))?;
        Ok(Some(grant(
            &row.grant_kind,
            row.client_id,
            row.username,
            &secrets,
        )))
    }

    /// Forgets the credentials; answers whether there were any.
    pub async fn delete(&self, connection: &str) -> Result<bool, CredentialsError> {
        const SQL: &str = "DELETE FROM credentials WHERE connection = $1";
        let deleted = on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(connection).execute(pool).await.map(|done| done.rows_affected())
        )?;
        Ok(deleted > 0)
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

/// What a row's seal is bound to, so that rows cannot be swapped.
fn place(connection: &str, version: i64) -> Vec<u8> {
    format!("credentials|{connection}|{version}").into_bytes()
}

const CLIENT_CREDENTIALS: &str = "client_credentials";
const PASSWORD: &str = "password";

fn parts(grant: &Grant) -> (&'static str, &str, &str, Secrets) {
    let text = |secret: &SecretString| secret.expose_secret().to_owned();
    match grant {
        Grant::ClientCredentials {
            client_id,
            client_secret,
        } => (
            CLIENT_CREDENTIALS,
            client_id,
            "",
            Secrets {
                client_secret: text(client_secret),
                password: String::new(),
                security_token: String::new(),
            },
        ),
        Grant::Password {
            client_id,
            client_secret,
            username,
            password,
            security_token,
        } => (
            PASSWORD,
            client_id,
            username,
            Secrets {
                client_secret: text(client_secret),
                password: text(password),
                security_token: security_token.as_ref().map(text).unwrap_or_default(),
            },
        ),
    }
}

fn grant(kind: &str, client_id: String, username: String, secrets: &Secrets) -> Grant {
    let secret = |text: &String| SecretString::from(text.clone());
    let client_secret = secret(&secrets.client_secret);
    if kind == PASSWORD {
        let security_token = Some(&secrets.security_token)
            .filter(|token| !token.is_empty())
            .map(secret);
        let password = secret(&secrets.password);
        Grant::Password {
            client_id,
            client_secret,
            username,
            password,
            security_token,
        }
    } else {
        Grant::ClientCredentials {
            client_id,
            client_secret,
        }
    }
}
