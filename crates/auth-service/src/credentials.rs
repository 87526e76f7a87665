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
#[derive(Default, Serialize, Deserialize)]
struct Secrets {
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    security_token: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    refresh_token: String,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.client_secret.zeroize();
        self.password.zeroize();
        self.security_token.zeroize();
        self.private_key.zeroize();
        self.refresh_token.zeroize();
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
        grant(&row.grant_kind, row.client_id, row.username, &secrets)
            .map(Some)
            .ok_or_else(|| sealed_error(OpenError))
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
const JWT_BEARER: &str = "jwt_bearer";
const REFRESH_TOKEN: &str = "refresh_token";
const PASSWORD: &str = "password";

/// Takes a grant apart: kind, client id, username, secrets.
fn parts(grant: &Grant) -> (&'static str, &str, &str, Secrets) {
    let text = |secret: &SecretString| secret.expose_secret().to_owned();
    let mut secrets = Secrets::default();
    match grant {
        Grant::ClientCredentials {
            client_id,
            client_secret,
        } => {
            secrets.client_secret = text(client_secret);
            (CLIENT_CREDENTIALS, client_id, "", secrets)
        }
        Grant::JwtBearer {
            client_id,
            username,
            private_key,
        } => {
            secrets.private_key = text(private_key);
            (JWT_BEARER, client_id, username, secrets)
        }
        Grant::RefreshToken {
            client_id,
            client_secret,
            refresh_token,
        } => {
            secrets.client_secret = client_secret.as_ref().map(text).unwrap_or_default();
            secrets.refresh_token = text(refresh_token);
            (REFRESH_TOKEN, client_id, "", secrets)
        }
        Grant::Password {
            client_id,
            client_secret,
            username,
            password,
            security_token,
        } => {
            secrets.client_secret = text(client_secret);
            secrets.password = text(password);
            secrets.security_token = security_token.as_ref().map(text).unwrap_or_default();
            (PASSWORD, client_id, username, secrets)
        }
    }
}

/// Puts a grant together again; none if the kind is unknown.
fn grant(kind: &str, client_id: String, username: String, secrets: &Secrets) -> Option<Grant> {
    let secret = |text: &String| SecretString::from(text.clone());
    let optional = |text: &String| (!text.is_empty()).then(|| SecretString::from(text.clone()));
    let grant = match kind {
        CLIENT_CREDENTIALS => Grant::ClientCredentials {
            client_id,
            client_secret: secret(&secrets.client_secret),
        },
        JWT_BEARER => Grant::JwtBearer {
            client_id,
            username,
            private_key: secret(&secrets.private_key),
        },
        REFRESH_TOKEN => Grant::RefreshToken {
            client_id,
            client_secret: optional(&secrets.client_secret),
            refresh_token: secret(&secrets.refresh_token),
        },
        PASSWORD => Grant::Password {
            client_id,
            client_secret: secret(&secrets.client_secret),
            username,
            password: secret(&secrets.password),
            security_token: optional(&secrets.security_token),
        },
        _ => return None,
    };
    Some(grant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_comes_back_as_it_was_put() {
        let (client_id, username) = ("id".to_owned(), "svc@acme.example".to_owned());
        for put in [
            Grant::ClientCredentials {
                client_id: client_id.clone(),
                client_secret: "s".into(),
            },
            Grant::JwtBearer {
                client_id: client_id.clone(),
                username: username.clone(),
                private_key: "k".into(),
            },
            Grant::RefreshToken {
                client_id: client_id.clone(),
                client_secret: None,
                refresh_token: "r".into(),
            },
            Grant::Password {
                client_id,
                client_secret: "s".into(),
                username,
                password: "p".into(),
                security_token: Some("t".into()),
            },
        ] {
            let (kind, client_id, username, secrets) = parts(&put);
            let got = grant(kind, client_id.to_owned(), username.to_owned(), &secrets).unwrap();
            let (kind_again, client_id_again, username_again, secrets_again) = parts(&got);
            assert_eq!(
                (kind, client_id, username),
                (kind_again, client_id_again, username_again)
            );
            assert_eq!(
                serde_json::to_value(&secrets).unwrap(),
                serde_json::to_value(&secrets_again).unwrap()
            );
        }
        assert!(grant("other", String::new(), String::new(), &Secrets::default()).is_none());
    }
}
