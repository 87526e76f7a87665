//! Salesforce credentials, encrypted at rest, and the tokens they buy. The
//! only service that sees secrets.

mod credential_service;
pub mod credentials;
mod token_service;
pub mod tokens;

use std::path::PathBuf;

use contracts::auth::v1::{
    credential_service_server::CredentialServiceServer, token_service_server::TokenServiceServer,
};
use salesforce::Http;
use service::{
    Clock,
    database::{self, Location, Migrations},
    seal::{KeyError, MasterKey},
};
use tonic::service::Routes;

use crate::{credentials::Credentials, tokens::Tokens};

/// Full names of the public services, for health and reflection.
pub const PUBLIC_SERVICES: [&str; 1] = ["sluice.auth.v1.CredentialService"];
/// Full names of the internal services.
pub const INTERNAL_SERVICES: [&str; 1] = ["sluice.auth.v1.TokenService"];

/// What the service needs.
pub struct Settings {
    pub database: Location,
    /// Seals the credentials; made at the first start when it is not there.
    pub key_file: PathBuf,
    pub salesforce: Http,
    pub clock: Clock,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the auth-service has no key")]
    Key(#[source] KeyError),
    #[error("the auth-service has no database")]
    Database(#[source] database::OpenError),
    #[error("the auth-service could not read its credentials")]
    Credentials(#[source] sqlx::Error),
    #[error(
        "the credentials were sealed with the key {stored}, and {path} holds the key {given}; \
         put the right key file back"
    )]
    WrongKey {
        stored: String,
        given: String,
        path: String,
    },
}

/// The running service.
#[derive(Clone)]
pub struct AuthService {
    credentials: Credentials,
    tokens: Tokens,
}

impl AuthService {
    /// Opens the store and checks that the key fits it.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let key = MasterKey::load_or_create(&settings.key_file).map_err(OpenError::Key)?;
        let database = settings
            .database
            .open("auth", &migrations())
            .await
            .map_err(OpenError::Database)?;
        let credentials = Credentials::new(database, key, settings.clock.clone());
        if let Some(stored) = credentials
            .foreign_key_id()
            .await
            .map_err(OpenError::Credentials)?
        {
            return Err(OpenError::WrongKey {
                stored,
                given: credentials.key_id().to_owned(),
                path: settings.key_file.display().to_string(),
            });
        }
        let tokens = Tokens::new(credentials.clone(), settings.salesforce, settings.clock);
        Ok(Self { credentials, tokens })
    }

    pub fn add_public_routes(&self, routes: Routes) -> Routes {
        routes.add_service(CredentialServiceServer::new(credential_service::Adapter {
            credentials: self.credentials.clone(),
        }))
    }

    pub fn add_internal_routes(&self, routes: Routes) -> Routes {
        routes.add_service(TokenServiceServer::new(token_service::Adapter {
            tokens: self.tokens.clone(),
        }))
    }

    pub async fn close(&self) {
        self.credentials.close().await;
    }
}

/// The tables of this service.
pub fn migrations() -> Migrations {
    Migrations {
        sqlite: sqlx::migrate!("../../migrations/auth/sqlite"),
        postgres: sqlx::migrate!("../../migrations/auth/postgres"),
    }
}
