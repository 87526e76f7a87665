//! An admin's login that is stored for one call: a connection of its own, whose
//! credentials and which is deleted afterwards, whatever happened.

use std::{path::PathBuf, time::Duration};

use activation::names::{ConnectionName, DestinationName};
use anyhow::{Context, anyhow};
use clap::Args;
use contracts::{
    auth::v1::{DeleteCredentialsRequest, PutCredentialsRequest},
    config::v1 as pb,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use crate::{
    admin::credentials::{Login, grant},
    client::{Servers, sent},
    program::stop_on_signal,
};

/// How long deleting may take, so that Ctrl-C ends the command.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
#[group(id = "one_time")]
pub(super) struct OneTimeLoginArgs {
    /// Log in once as an admin with this app's Consumer Key; nothing of it is kept.
    ///
    /// Secrets are read from SLUICE_ADMIN_CLIENT_SECRET, SLUICE_ADMIN_PASSWORD and
    /// SLUICE_ADMIN_SECURITY_TOKEN, or from files.
    #[arg(long, value_name = "KEY", group = "admin_login")]
    admin_client_id: Option<String>,
    /// File with the app's Consumer Secret; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "admin_client_id")]
    admin_client_secret_file: Option<PathBuf>,
    /// The admin's Salesforce user, for the username-password flow.
    #[arg(long, value_name = "USERNAME", requires = "admin_client_id")]
    admin_username: Option<String>,
    /// File with the admin's password; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "admin_username")]
    admin_password_file: Option<PathBuf>,
    /// File with the admin's security token; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "admin_username")]
    admin_security_token_file: Option<PathBuf>,
    /// Where the admin logs in; the destination's own domain when left out.
    #[arg(long, value_name = "DOMAIN", requires = "admin_client_id")]
    admin_custom_domain: Option<String>,
}

/// A connection that is deleted with [`OneTimeLogin::during`].
pub(super) struct OneTimeLogin<'a> {
    servers: &'a Servers,
    connection: ConnectionName,
    stop: CancellationToken,
}

impl<'a> OneTimeLogin<'a> {
    /// Stores the login. From here on a request to stop is heard.
    pub(super) async fn create(
        servers: &'a Servers,
        args: &OneTimeLoginArgs,
        destination: &str,
    ) -> anyhow::Result<Self> {
        let grant = grant(Login {
            client_id: args
                .admin_client_id
                .clone()
                .context("--admin-client-id is missing")?,
            client_secret_file: args.admin_client_secret_file.clone(),
            username: args.admin_username.clone(),
            password_file: args.admin_password_file.clone(),
            security_token_file: args.admin_security_token_file.clone(),
            flags: "--admin-",
            variables: "SLUICE_ADMIN_",
        })?;
        let custom_domain = match &args.admin_custom_domain {
            Some(domain) => domain.clone(),
            None => domain_of(servers, destination).await?,
        };
        let stop = CancellationToken::new();
        stop_on_signal(stop.clone())?;
        let destination: DestinationName = destination.parse()?;
        let id = format!("one-time-admin-{}", Uuid::new_v4().simple()).parse()?;
        let login = Self {
            servers,
            connection: ConnectionName::new(destination.workspace().clone(), id),
            stop,
        };
        if let Err(error) = login.store(custom_domain, grant).await {
            login.delete().await?;
            return Err(error);
        }
        Ok(login)
    }

    pub(super) fn connection(&self) -> String {
        self.connection.to_string()
    }

    /// Waits for the work, or for a request to stop; deletes the login then.
    pub(super) async fn during<T>(self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let result = tokio::select! {
            result = work => result,
            () = self.stop.cancelled() => Err(anyhow!(
                "stopped; what was made stays, and the same command completes it"
            )),
        };
        match (result, self.delete().await) {
            (result, Ok(())) => result,
            (Ok(_), Err(left)) => Err(left),
            (Err(error), Err(left)) => Err(error.context(left)),
        }
    }

    async fn store(
        &self,
        custom_domain: String,
        grant: contracts::auth::v1::put_credentials_request::Grant,
    ) -> anyhow::Result<()> {
        let request = pb::CreateConnectionRequest {
            parent: self.connection.workspace().to_string(),
            connection_id: self.connection.id().to_string(),
            connection: Some(pb::Connection {
                display_name: "One-time admin login".to_owned(),
                description: "Made by sluice segments provision; can be deleted.".to_owned(),
                custom_domain,
                ..Default::default()
            }),
        };
        self.servers.connections().create_connection(request).await?;
        let request = PutCredentialsRequest {
            connection: self.connection.to_string(),
            grant: Some(grant),
        };
        self.servers.credentials().put_credentials(request).await?;
        Ok(())
    }

    /// Deletes the credentials first: they matter most.
    async fn delete(&self) -> anyhow::Result<()> {
        let delete = async {
            let request = DeleteCredentialsRequest {
                connection: self.connection.to_string(),
            };
            let credentials = self.servers.credentials().delete_credentials(request).await;
            let request = pb::DeleteConnectionRequest {
                name: self.connection.to_string(),
                etag: String::new(),
            };
            let connection = self.servers.connections().delete_connection(request).await;
            for result in [credentials.map(drop), connection.map(drop)] {
                match result {
                    Err(status) if status.code() != Code::NotFound => return Err(anyhow::Error::new(status)),
                    Ok(()) | Err(_) => {}
                }
            }
            Ok(())
        };
        let deleted = timeout(PATIENCE, delete).await;
        deleted
            .map_err(anyhow::Error::new)
            .and_then(|result| result)
            .with_context(|| {
                format!(
                    "THE ADMIN LOGIN IS STILL STORED; delete it: sluice connections delete {}",
                    self.connection
                )
            })
    }
}

async fn domain_of(servers: &Servers, destination: &str) -> anyhow::Result<String> {
    let request = pb::GetDestinationRequest {
        name: destination.to_owned(),
    };
    let answer = servers.destinations().get_destination(request).await?;
    let name = sent(answer.into_inner().destination)?.connection;
    let request = pb::GetConnectionRequest { name };
    let answer = servers.connections().get_connection(request).await?;
    Ok(sent(answer.into_inner().connection)?.custom_domain)
}
