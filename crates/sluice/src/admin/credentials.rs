//! `sluice credentials …`. Secrets come from variables or files, never from
//! arguments, which every process on the machine can read.

use std::{fs, io::Read, path::PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use contracts::auth::v1::{self as pb, put_credentials_request::Grant};

use super::text::{print_properties, short, time};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Store credentials in place of those before.
    ///
    /// Without --username: OAuth client credentials. With it: username and password.
    /// Secrets are read from SLUICE_CLIENT_SECRET, SLUICE_PASSWORD and SLUICE_SECURITY_TOKEN,
    /// or from files.
    Put(PutArgs),
    /// Show what is stored, without secrets.
    Get(NameArgs),
    /// Forget a connection's credentials.
    Delete(NameArgs),
}

#[derive(Debug, Args)]
pub struct PutArgs {
    /// Id of the connection.
    connection: String,
    /// The app's Consumer Key.
    #[arg(long)]
    client_id: String,
    /// File with the app's Consumer Secret; - reads standard input.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// The Salesforce user, for the username-password flow.
    #[arg(long)]
    username: Option<String>,
    /// File with the user's password; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// File with the user's security token; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "username")]
    security_token_file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// Id of the connection.
    connection: String,
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Put(args) => put(args).await,
        Command::Get(args) => get(args).await,
        Command::Delete(args) => delete(args).await,
    }
}

async fn put(args: PutArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let connection = servers.connection_name(&args.connection)?;
    let grant = grant(Login {
        client_id: args.client_id,
        client_secret_file: args.client_secret_file,
        username: args.username,
        password_file: args.password_file,
        security_token_file: args.security_token_file,
        flags: "--",
        variables: "SLUICE_",
    })?;
    let request = pb::PutCredentialsRequest {
        connection,
        grant: Some(grant),
    };
    let info = sent(
        servers
            .credentials()
            .put_credentials(request)
            .await?
            .into_inner()
            .info,
    )?;
    println!(
        "stored {} credentials of {} (version {})",
        info.grant, info.connection, info.version
    );
    println!("next: sluice connections check {}", short(&info.connection));
    Ok(())
}

/// Where the parts of a login come from.
pub(super) struct Login {
    pub(super) client_id: String,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) username: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) security_token_file: Option<PathBuf>,
    /// What the flags for files begin with.
    pub(super) flags: &'static str,
    /// What the variables begin with.
    pub(super) variables: &'static str,
}

/// Reads the secrets of a login: client credentials, or with a username a password.
pub(super) fn grant(login: Login) -> anyhow::Result<Grant> {
    let (flags, variables) = (login.flags, login.variables);
    let client_secret = secret(login.client_secret_file, &format!("{variables}CLIENT_SECRET"))?
        .with_context(|| {
            format!(
                "the client secret is missing; set {variables}CLIENT_SECRET or give {flags}client-secret-file"
            )
        })?;
    let Some(username) = login.username else {
        return Ok(Grant::ClientCredentials(pb::ClientCredentialsGrant {
            client_id: login.client_id,
            client_secret,
        }));
    };
    let password = secret(login.password_file, &format!("{variables}PASSWORD"))?.with_context(|| {
        format!("the password is missing; set {variables}PASSWORD or give {flags}password-file")
    })?;
    let security_token = secret(login.security_token_file, &format!("{variables}SECURITY_TOKEN"))?;
    Ok(Grant::Password(pb::PasswordGrant {
        client_id: login.client_id,
        client_secret,
        username,
        password,
        security_token: security_token.unwrap_or_default(),
    }))
}

fn secret(file: Option<PathBuf>, variable: &str) -> anyhow::Result<Option<String>> {
    let text = match file {
        Some(path) if path.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("standard input cannot be read")?;
            text
        }
        Some(path) => {
            fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None => match std::env::var(variable) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    // Editors end files with a line break, which no secret has.
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty()))
}

async fn get(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let connection = servers.connection_name(&args.connection)?;
    let request = pb::GetCredentialsInfoRequest { connection };
    let info = sent(
        servers
            .credentials()
            .get_credentials_info(request)
            .await?
            .into_inner()
            .info,
    )?;
    print_properties(&[
        ("connection", info.connection),
        ("grant", info.grant),
        ("client id", info.client_id),
        ("username", info.username),
        ("version", info.version.to_string()),
        ("updated", time(info.update_time)),
    ]);
    Ok(())
}

async fn delete(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let connection = servers.connection_name(&args.connection)?;
    let request = pb::DeleteCredentialsRequest {
        connection: connection.clone(),
    };
    servers.credentials().delete_credentials(request).await?;
    println!("deleted the credentials of {connection}");
    Ok(())
}
