//! `sluice segments provision` and `sluice segments package`

mod definition;
mod one_time_login;
mod report;

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use contracts::config::v1 as pb;

use self::{
    definition::DefinitionArgs,
    one_time_login::{OneTimeLogin, OneTimeLoginArgs},
};
use crate::{
    cli::ClientArgs,
    client::{Servers, sent},
};

const WITHOUT_LOGIN: &str =
    "Without an admin's login: sluice segments package writes the same for an admin to deploy.";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("admin_login").required(true), after_help = WITHOUT_LOGIN)]
pub struct ProvisionArgs {
    /// Id of the destination.
    destination: String,
    /// Only these segments; all when none is given.
    segments: Vec<String>,
    /// A connection of the workspace whose login may customize the org.
    #[arg(long, value_name = "CONNECTION", group = "admin_login")]
    admin_connection: Option<String>,
    #[command(flatten)]
    login: OneTimeLoginArgs,
    /// Make nothing, only tell what is missing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    definition: DefinitionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct PackageArgs {
    /// Id of the destination.
    destination: String,
    /// Only the fields of these segments; all when none is given.
    segments: Vec<String>,
    /// The zip file to write.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    definition: DefinitionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn provision(args: ProvisionArgs) -> anyhow::Result<()> {
    args.definition.check()?;
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = |admin_connection| pb::ProvisionSegmentFieldsRequest {
        name: name.clone(),
        segments: args.segments.clone(),
        definition: Some(args.definition.message()),
        admin_connection,
        validate_only: args.dry_run,
    };
    let answer = match args.admin_connection {
        Some(connection) => {
            let connection = servers.connection_name(&connection)?;
            call(&servers, request(connection)).await?
        }
        None => {
            let login = OneTimeLogin::create(&servers, &args.login, &name).await?;
            let work = call(&servers, request(login.connection()));
            login.during(work).await?
        }
    };
    report::print(&answer);
    if answer.complete {
        return Ok(());
    }
    bail!("not everything could be made; what was made stays, so mend the rest and run this again");
}

async fn call(
    servers: &Servers,
    request: pb::ProvisionSegmentFieldsRequest,
) -> anyhow::Result<pb::ProvisionSegmentFieldsResponse> {
    let answer = servers.provisioning().provision_segment_fields(request).await?;
    Ok(answer.into_inner())
}

pub(super) async fn package(args: PackageArgs) -> anyhow::Result<()> {
    args.definition.check()?;
    let servers = args.client.servers()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(!args.force);
    if args.force {
        options.create(true).truncate(true);
    } else if args.output.exists() {
        // Told before anything is asked; `create_new` holds it.
        bail!("{} exists; give --force to replace it", args.output.display());
    }
    let request = pb::WriteMetadataPackageRequest {
        name: servers.destination_name(&args.destination)?,
        segments: args.segments,
        definition: Some(args.definition.message()),
    };
    let answer = servers
        .provisioning()
        .write_metadata_package(request)
        .await?
        .into_inner();
    let content = sent((!answer.content.is_empty()).then_some(answer.content))?;
    options
        .open(&args.output)
        .and_then(|mut file| file.write_all(&content))
        .with_context(|| format!("{} cannot be written", args.output.display()))?;
    println!("wrote {}; unpack it and read README.txt", args.output.display());
    report::print_notes(&answer.notes);
    Ok(())
}
