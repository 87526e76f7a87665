//! A running auth-service beside a simulated Salesforce.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicI64, Ordering},
};

use auth_service::{AuthService, OpenError, Settings};
use chrono::{DateTime, Utc};
use contracts::auth::v1::{
    ClientCredentialsGrant, CredentialsInfo, GetTokenRequest, GetTokenResponse, PasswordGrant,
    PutCredentialsRequest, ReportRejectedTokenRequest, credential_service_client::CredentialServiceClient,
    put_credentials_request::Grant, token_service_client::TokenServiceClient,
};
use service::{Clock, grpc::memory};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Status, service::Routes, transport::Channel};

use crate::{
    place::Place,
    simulated::{ACME, Salesforce},
};

pub(crate) const CONNECTION: &str = "workspaces/acme/connections/crm";

pub(crate) struct Rig {
    pub(crate) salesforce: Salesforce,
    pub(crate) credentials: CredentialServiceClient<Channel>,
    pub(crate) tokens: TokenServiceClient<Channel>,
    keys: TempDir,
    service: AuthService,
    _serving: DropGuard,
}

impl Rig {
    /// Starts with an empty database and a Salesforce without orgs.
    pub(crate) async fn start(place: &Place) -> Self {
        let salesforce = Salesforce::start(clock()).await;
        Self::open(place, salesforce, tempfile::tempdir().unwrap())
            .await
            .unwrap()
    }

    /// Starts with the org at [`ACME`].
    pub(crate) async fn start_with_acme(place: &Place) -> Self {
        let rig = Self::start(place).await;
        rig.salesforce.create_acme().await;
        rig
    }

    /// Stops the service and starts it again on the same database. `between` may change the key file.
    pub(crate) async fn restart(
        self,
        place: &Place,
        between: impl FnOnce(PathBuf),
    ) -> Result<Self, OpenError> {
        self.service.close().await;
        between(self.key_file());
        Self::open(place, self.salesforce, self.keys).await
    }

    async fn open(place: &Place, salesforce: Salesforce, keys: TempDir) -> Result<Self, OpenError> {
        let service = AuthService::open(Settings {
            database: place.location.clone(),
            key_file: keys.path().join("auth.key"),
            salesforce: salesforce.http(),
            clock: clock(),
        })
        .await?;
        let (listener, connector) = memory::pair();
        let shutdown = CancellationToken::new();
        let routes = service.add_internal_routes(service.add_public_routes(Routes::default()));
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        Ok(Self {
            salesforce,
            credentials: CredentialServiceClient::new(connector.channel()),
            tokens: TokenServiceClient::new(connector.channel()),
            keys,
            service,
            _serving: shutdown.drop_guard(),
        })
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.keys.path().join("auth.key")
    }

    pub(crate) async fn put(&self, connection: &str, grant: Grant) -> CredentialsInfo {
        let request = PutCredentialsRequest {
            connection: connection.to_owned(),
            grant: Some(grant),
        };
        let answer = self.credentials.clone().put_credentials(request).await.unwrap();
        answer.into_inner().info.unwrap()
    }

    /// Gets a token for [`CONNECTION`] at a host.
    pub(crate) async fn token_at(&self, login_host: &str) -> Result<GetTokenResponse, Status> {
        let request = GetTokenRequest {
            connection: CONNECTION.to_owned(),
            login_host: login_host.to_owned(),
            fresh: false,
        };
        Ok(self.tokens.clone().get_token(request).await?.into_inner())
    }

    /// Gets a token for [`CONNECTION`] at [`ACME`].
    pub(crate) async fn token(&self) -> Result<GetTokenResponse, Status> {
        self.token_at(ACME).await
    }

    /// Logs in for [`CONNECTION`] at [`ACME`], whatever is cached.
    pub(crate) async fn fresh_token(&self) -> Result<GetTokenResponse, Status> {
        let request = GetTokenRequest {
            connection: CONNECTION.to_owned(),
            login_host: ACME.to_owned(),
            fresh: true,
        };
        Ok(self.tokens.clone().get_token(request).await?.into_inner())
    }

    pub(crate) async fn report_rejected(&self, token_id: &str) {
        let request = ReportRejectedTokenRequest {
            connection: CONNECTION.to_owned(),
            token_id: token_id.to_owned(),
        };
        self.tokens.clone().report_rejected_token(request).await.unwrap();
    }
}

/// Returns a clock that is a second further each time it is read.
fn clock() -> Clock {
    let start: DateTime<Utc> = "2026-11-20T09:15:00Z".parse().unwrap();
    let seconds = AtomicI64::new(start.timestamp());
    Clock::new(move || DateTime::from_timestamp(seconds.fetch_add(1, Ordering::Relaxed), 0).unwrap())
}

pub(crate) fn client_credentials(client_id: &str, client_secret: &str) -> Grant {
    Grant::ClientCredentials(ClientCredentialsGrant {
        client_id: client_id.to_owned(),
        client_secret: client_secret.to_owned(),
    })
}

/// Returns the app's own credentials, which log in at every org of the simulator.
pub(crate) fn app() -> Grant {
    client_credentials("app", "app-secret")
}

/// Returns a login of the app as a user.
pub(crate) fn user(username: &str, password: &str, security_token: &str) -> Grant {
    Grant::Password(PasswordGrant {
        client_id: "app".to_owned(),
        client_secret: "app-secret".to_owned(),
        username: username.to_owned(),
        password: password.to_owned(),
        security_token: security_token.to_owned(),
    })
}
