//! `sluice connections …`

use anyhow::bail;
use clap::{Args, Subcommand};
use contracts::config::v1 as pb;
use prost_types::FieldMask;

use super::{
    pages,
    text::{print_properties, print_table, short, time},
};
use crate::{
    cli::ClientArgs,
    client::{Servers, sent},
};

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
    /// Pin another org, after a sandbox refresh or a move: what waits is then sent there.
    ConfirmOrg(ConfirmOrgArgs),
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
    /// What it is for.
    #[arg(long, default_value = "")]
    description: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Id of the connection.
    connection: String,
    /// The org's My Domain: a prefix such as acme, a host or its URL.
    #[arg(long)]
    custom_domain: Option<String>,
    /// Name for people.
    #[arg(long)]
    display_name: Option<String>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
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

#[derive(Debug, Args)]
pub struct ConfirmOrgArgs {
    /// Id of the connection.
    connection: String,
    /// The 18-character id of the org, as `connections check` tells it.
    org_id: String,
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
        Command::ConfirmOrg(args) => confirm_org(args).await,
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

/// Reads all connections of the workspace, by name.
pub(super) async fn all(servers: &Servers) -> anyhow::Result<Vec<pb::Connection>> {
    Ok(pages::all(async |page_token| {
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
        Ok((page.connections, page.next_page_token))
    })
    .await?)
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let rows = all(&args.client.servers()?)
        .await?
        .into_iter()
        .map(|connection| {
            let check = connection.last_check.clone().unwrap_or_default();
            vec![
                short(&connection.name),
                connection.display_name.clone(),
                connection.custom_domain.clone(),
                state(&connection),
                org(&check),
                time(check.check_time),
            ]
        })
        .collect();
    print_table(
        &["connection", "name", "domain", "state", "org", "checked"],
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
    let request = pb::CheckConnectionRequest { name: name.clone() };
    let check = sent(
        servers
            .connections()
            .check_connection(request)
            .await?
            .into_inner()
            .check,
    )?;
    let is_connected = check.state() == pb::ConnectionState::Connected;
    if is_connected {
        println!("{}", connected(&check));
    }
    for warning in &check.warnings {
        println!(
            "warning: {} ({})\n  {}",
            warning.message, warning.code, warning.fix
        );
    }
    anyhow::ensure!(
        is_connected,
        "{} ({})\n  {}",
        check.message,
        check.reason,
        check.fix
    );
    if !is_used(&servers, &name).await? {
        println!(
            "next: sluice destinations create ID --connection {} --record-type contact (or lead)",
            short(&name)
        );
    }
    Ok(())
}

/// Tells whether a destination has this connection.
async fn is_used(servers: &Servers, connection: &str) -> anyhow::Result<bool> {
    let mut request = pb::ListDestinationsRequest {
        parent: servers.workspace().to_string(),
        ..Default::default()
    };
    loop {
        let answer = servers.destinations().list_destinations(request.clone()).await?;
        let page = answer.into_inner();
        if page.destinations.iter().any(|one| one.connection == connection) {
            return Ok(true);
        }
        if page.next_page_token.is_empty() {
            return Ok(false);
        }
        request.page_token = page.next_page_token;
    }
}

async fn confirm_org(args: ConfirmOrgArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::ConfirmOrgRequest {
        name: servers.connection_name(&args.connection)?,
        org_id: args.org_id,
        etag: String::new(),
    };
    let connection = sent(
        servers
            .connections()
            .confirm_org(request)
            .await?
            .into_inner()
            .connection,
    )?;
    println!("{} is pinned to {}", connection.name, connection.org_id);
    println!("{}", connected(&connection.last_check.unwrap_or_default()));
    Ok(())
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
    let check = connection.last_check.clone().unwrap_or_default();
    print_properties(&[
        ("connection", connection.name.clone()),
        ("name", connection.display_name.clone()),
        ("description", connection.description.clone()),
        ("domain", connection.custom_domain.clone()),
        ("state", state(connection)),
        ("problem", check.message.clone()),
        ("fix", check.fix.clone()),
        ("pinned org", connection.org_id.clone()),
        ("org", org(&check)),
        ("reached org", other_org(connection, &check)),
        ("user", check.username.clone()),
        ("scopes", check.scopes.join(" ")),
        ("checked", time(check.check_time)),
        (
            "created",
            by(time(connection.create_time), &connection.created_by),
        ),
        (
            "updated",
            by(time(connection.update_time), &connection.updated_by),
        ),
    ]);
    for warning in &check.warnings {
        println!(
            "warning: {} ({})\n  {}",
            warning.message, warning.code, warning.fix
        );
    }
}

fn connected(check: &pb::ConnectionCheck) -> String {
    let user = if check.username.is_empty() {
        "a user whom the token does not tell"
    } else {
        &check.username
    };
    format!(
        "Connected to {}, {} as {user}, at {}",
        org(check),
        check.org_id,
        time(check.check_time)
    )
}

/// Name and kind of the org, nothing where there was no answer.
fn org(check: &pb::ConnectionCheck) -> String {
    if check.org_name.is_empty() {
        return String::new();
    }
    let kind = if check.sandbox {
        ", sandbox"
    } else if check.org_type.starts_with("Developer") {
        ""
    } else {
        ", production"
    };
    format!("{} ({}{kind})", check.org_name, check.org_type)
}

/// The org that the login reaches where it is not the pinned one.
fn other_org(connection: &pb::Connection, check: &pb::ConnectionCheck) -> String {
    if check.org_id == connection.org_id {
        String::new()
    } else {
        check.org_id.clone()
    }
}

fn by(time: String, actor: &str) -> String {
    if actor.is_empty() {
        time
    } else {
        format!("{time} by {actor}")
    }
}

fn state(connection: &pb::Connection) -> String {
    let Some(check) = &connection.last_check else {
        return "Not checked".to_owned();
    };
    let state = match check.state() {
        pb::ConnectionState::Connected => "Connected",
        pb::ConnectionState::Refused => "Refused",
        pb::ConnectionState::Unreachable => "Unreachable",
        pb::ConnectionState::Unspecified => "Not checked",
    };
    if check.reason.is_empty() {
        state.to_owned()
    } else {
        format!("{state}: {}", check.reason)
    }
}
