//! `sluice connections …`

use anyhow::bail;
use clap::{Args, Subcommand};
use contracts::config::v1 as pb;
use prost_types::FieldMask;

use super::text::{enum_name, print_properties, print_table, short, time};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a connection; put its credentials next.
    Create(CreateArgs),
    /// Show one connection.
    Get(NameArgs),
    /// List connections.
    List(ListArgs),
    /// Change a connection.
    Update(UpdateArgs),
    /// Log in to Salesforce and make one call.
    Check(NameArgs),
    /// Delete a connection that no destination uses, and its credentials.
    Delete(NameArgs),
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Its id: lower-case letters, digits and hyphens.
    id: String,
    /// The org's My Domain: a prefix such as acme, a host or its URL.
    #[arg(long)]
    custom_domain: String,
    /// Name for people; the id when left out.
    #[arg(long)]
    display_name: Option<String>,
    #[arg(long, default_value = "")]
    description: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    connection: String,
    #[arg(long)]
    custom_domain: Option<String>,
    #[arg(long)]
    display_name: Option<String>,
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    connection: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(args) => create(args).await,
        Command::Get(args) => get(args).await,
        Command::List(args) => list(args).await,
        Command::Update(args) => update(args).await,
        Command::Check(args) => check(args).await,
        Command::Delete(args) => delete(args).await,
    }
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::CreateConnectionRequest {
        parent: servers.workspace().to_string(),
        connection_id: args.id.clone(),
        connection: Some(pb::Connection {
            display_name: args.display_name.unwrap_or(args.id),
            description: args.description,
            custom_domain: args.custom_domain,
            ..Default::default()
        }),
    };
    let connection = sent(
        servers
            .connections()
            .create_connection(request)
            .await?
            .into_inner()
            .connection,
    )?;
    println!("created {} for {}", connection.name, connection.custom_domain);
    println!(
        "next: sluice credentials put {} --client-id …",
        short(&connection.name)
    );
    Ok(())
}

async fn get(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.connection_name(&args.connection)?;
    let request = pb::GetConnectionRequest { name };
    print(&sent(
        servers
            .connections()
            .get_connection(request)
            .await?
            .into_inner()
            .connection,
    )?);
    Ok(())
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListConnectionsRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
        };
        let page = servers
            .connections()
            .list_connections(request)
            .await?
            .into_inner();
        rows.extend(page.connections.into_iter().map(|connection| {
            let state = connection
                .last_check
                .as_ref()
                .map_or("not checked".to_owned(), state);
            vec![
                short(&connection.name),
                connection.display_name,
                connection.custom_domain,
                state,
            ]
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    print_table(
        &["connection", "name", "domain", "state"],
        rows,
        "no connections; create one: sluice connections create",
    );
    Ok(())
}

async fn update(args: UpdateArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let mut paths = Vec::new();
    let mut take = |path: &str, value: Option<String>| {
        if value.is_some() {
            paths.push(path.to_owned());
        }
        value.unwrap_or_default()
    };
    let connection = pb::Connection {
        name: servers.connection_name(&args.connection)?,
        display_name: take("display_name", args.display_name),
        description: take("description", args.description),
        custom_domain: take("custom_domain", args.custom_domain),
        ..Default::default()
    };
    if paths.is_empty() {
        bail!("nothing to change; give --display-name, --description or --custom-domain");
    }
    let request = pb::UpdateConnectionRequest {
        connection: Some(connection),
        update_mask: Some(FieldMask { paths }),
    };
    print(&sent(
        servers
            .connections()
            .update_connection(request)
            .await?
            .into_inner()
            .connection,
    )?);
    Ok(())
}

async fn check(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.connection_name(&args.connection)?;
    let request = pb::CheckConnectionRequest { name };
    let check = sent(
        servers
            .connections()
            .check_connection(request)
            .await?
            .into_inner()
            .check,
    )?;
    if check.state() == pb::ConnectionState::Connected {
        println!(
            "Connected to {} ({}, {}) as {}",
            check.org_name, check.org_type, check.org_id, check.username
        );
        return Ok(());
    }
    bail!("{} ({})\n  {}", check.message, check.reason, check.fix);
}

async fn delete(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.connection_name(&args.connection)?;
    let request = pb::DeleteConnectionRequest {
        name: name.clone(),
        etag: String::new(),
    };
    servers.connections().delete_connection(request).await?;
    let request = contracts::auth::v1::DeleteCredentialsRequest {
        connection: name.clone(),
    };
    match servers.credentials().delete_credentials(request).await {
        Ok(_) => println!("deleted {name} and its credentials"),
        Err(status) if status.code() == tonic::Code::NotFound => println!("deleted {name}"),
        Err(status) => return Err(status.into()),
    }
    Ok(())
}

fn print(connection: &pb::Connection) {
    print_properties(&[
        ("connection", connection.name.clone()),
        ("name", connection.display_name.clone()),
        ("description", connection.description.clone()),
        ("domain", connection.custom_domain.clone()),
        ("org", connection.org_id.clone()),
        (
            "state",
            connection
                .last_check
                .as_ref()
                .map_or("not checked".to_owned(), state),
        ),
        (
            "checked",
            connection
                .last_check
                .as_ref()
                .map(|check| time(check.check_time))
                .unwrap_or_default(),
        ),
        ("created", time(connection.create_time)),
        ("updated", time(connection.update_time)),
    ]);
}

fn state(check: &pb::ConnectionCheck) -> String {
    let state = enum_name(check.state().as_str_name(), "CONNECTION_STATE_");
    if check.reason.is_empty() {
        state
    } else {
        format!("{state} ({})", check.reason)
    }
}
