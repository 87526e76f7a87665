//! Cached tokens: one login however many ask at once.

use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};
use salesforce::{
    Host, Http,
    oauth::{IssuedToken, TokenError, request_token},
};
use secrecy::ExposeSecret;
use service::Clock;
use tracing::{info, warn};

use crate::credentials::{Credentials, CredentialsError, Edition};

/// Far above the connections of one installation; bounds memory all the same.
const MAX_CACHED_TOKENS: u64 = 10_000;

/// Hands out tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    credentials: Credentials,
    http: Http,
    clock: Clock,
    cache: Cache<CacheKey, Arc<Token>>,
}

/// New credentials, or another host, must never be answered with an old token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CacheKey {
    connection: String,
    login_host: Host,
    edition: Edition,
}

#[derive(Debug)]
pub struct Token {
    pub issued: IssuedToken,
    /// Names the token without telling it.
    pub id: String,
    pub issue_time: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum GetTokenError {
    #[error("{0} has no credentials")]
    NoCredentials(String),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Login(#[from] TokenError),
}

impl Tokens {
    pub fn new(credentials: Credentials, http: Http, clock: Clock) -> Self {
        Self {
            credentials,
            http,
            clock,
            cache: Cache::new(MAX_CACHED_TOKENS),
        }
    }

    /// Answers the cached token, or logs in. Calls at the same time share one
    /// login, and its failure.
    pub async fn get(&self, connection: &str, login_host: &Host) -> Result<Arc<Token>, Arc<GetTokenError>> {
        let key = self.key(connection, login_host).await.map_err(Arc::new)?;
        self.cache
            .try_get_with(key, self.log_in(connection, login_host))
            .await
    }

    /// Logs in whatever is cached. A refusal leaves the cached token, which may
    /// still be good.
    pub async fn get_fresh(
        &self,
        connection: &str,
        login_host: &Host,
    ) -> Result<Arc<Token>, Arc<GetTokenError>> {
        let key = self.key(connection, login_host).await.map_err(Arc::new)?;
        let token = self.log_in(connection, login_host).await.map_err(Arc::new)?;
        self.cache.insert(key, token.clone()).await;
        Ok(token)
    }

    async fn key(&self, connection: &str, login_host: &Host) -> Result<CacheKey, GetTokenError> {
        let edition = self
            .credentials
            .edition(connection)
            .await?
            .ok_or_else(|| GetTokenError::NoCredentials(connection.to_owned()))?;
        Ok(CacheKey {
            connection: connection.to_owned(),
            login_host: login_host.clone(),
            edition,
        })
    }

    /// Forgets a token that Salesforce refused. One that is no longer the
    /// cached one was reported before, and nothing happens.
    pub async fn reject(&self, connection: &str, token_id: &str) {
        let keys: Vec<Arc<CacheKey>> = self
            .cache
            .iter()
            .filter(|(key, _)| key.connection == connection)
            .map(|(key, _)| key)
            .collect();
        for key in keys {
            // Compared and removed in one step: another call may have brought
            // a newer token meanwhile.
            let outcome = self
                .cache
                .entry(key.as_ref().clone())
                .and_compute_with(|held| {
                    let is_rejected = held.is_some_and(|held| held.value().id == token_id);
                    std::future::ready(if is_rejected { Op::Remove } else { Op::Nop })
                })
                .await;
            if matches!(outcome, CompResult::Removed(_)) {
                info!(
                    connection.name = connection,
                    "salesforce no longer takes the token, will log in again"
                );
            }
        }
    }

    async fn log_in(&self, connection: &str, login_host: &Host) -> Result<Arc<Token>, GetTokenError> {
        let grant = self
            .credentials
            .grant(connection)
            .await?
            .ok_or_else(|| GetTokenError::NoCredentials(connection.to_owned()))?;
        let issued = request_token(&self.http, login_host, &grant, self.clock.now())
            .await
            .inspect_err(|error| {
                warn!(
                    connection.name = connection,
                    server.address = %login_host,
                    error = %service::chain::Chain(error),
                    "login failed"
                );
            })?;
        info!(connection.name = connection, server.address = %login_host, org.id = issued.org_id, "logged in");
        let digest = digest::digest(
            &digest::SHA256,
            issued.session.access_token.expose_secret().as_bytes(),
        );
        let id = digest.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Arc::new(Token {
            issued,
            id,
            issue_time: self.clock.now(),
        }))
    }
}
