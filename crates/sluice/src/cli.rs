//! The command line.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use contracts::actor::actor_metadata;

use crate::{admin, client::Servers, demo, program, send, settings};

/// Streams customer-profile and segment updates into Salesforce CRM, and loses none.
///
/// Try it: `sluice demo` runs everything against a simulated Salesforce.
/// At work: `sluice up` runs the services; the other commands talk to them.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything against a simulated Salesforce, stream profiles, and check the result field by field.
    Demo(demo::DemoArgs),
    /// Run all services in this process, with one data directory.
    Up(UpArgs),
    /// Run one service; several machines together make an installation, on Postgres.
    Serve(ServeArgs),
    /// Run a simulated Salesforce with a sample org (acme.my.salesforce.com).
    Simulator(SimulatorArgs),
    /// Send profiles, one JSON document a line; goes on where it stopped.
    Send(send::SendArgs),
    /// Salesforce logins: create, check, list, …
    #[command(subcommand)]
    Connections(admin::connections::Command),
    /// The secrets of a connection: put, show (without secrets), delete.
    #[command(subcommand)]
    Credentials(admin::credentials::Command),
    /// What is sent where: create, check, activate, disable, …
    #[command(subcommand)]
    Destinations(admin::destinations::Command),
    /// Which fields the org has.
    #[command(subcommand)]
    Fields(admin::fields::Command),
    /// Which profile fields go to which Salesforce fields.
    #[command(subcommand)]
    Mappings(admin::mappings::Command),
    /// Which segments' statuses go to which custom fields (Mapping IDs).
    #[command(subcommand)]
    Segments(admin::segments::Command),
    /// Make connections and destinations what files say; the same files again change nothing.
    Apply(admin::configuration::apply::ApplyArgs),
    /// Write connections and destinations as a file for `apply`, without secrets.
    Export(admin::configuration::export::ExportArgs),
    /// What data may be used for: labels, marketing actions, policies.
    #[command(subcommand)]
    Governance(admin::governance::Command),
    /// What happened, by hour: received, delivered, excluded, failed, waiting.
    Runs(admin::monitoring::RunsArgs),
    /// What Salesforce refused for good, with the reason.
    DeadLetters(admin::monitoring::DeadLettersArgs),
    /// How each update ended, as it happens.
    Receipts(admin::monitoring::ReceiptsArgs),
    /// What setting up a destination takes.
    Catalog(admin::catalog::CatalogArgs),
    /// Print the OpenAPI document of the JSON API, which `up` and `serve` offer on the public address.
    Openapi,
}

/// Where settings come from: the file, then SLUICE__… variables, then these flags.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// Settings file (TOML). Unknown keys are errors.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where keys and databases are kept.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Use Postgres instead of files: postgres://user@host/database.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Public address.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Talk to a simulator instead of Salesforce, for example http://127.0.0.1:7460.
    #[arg(long, value_name = "URL")]
    pub simulator: Option<String>,
}

#[derive(Debug, Args)]
pub struct UpArgs {
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which one.
    service: ServiceName,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceName {
    Config,
    Auth,
    Delivery,
}

#[derive(Debug, Args)]
pub struct SimulatorArgs {
    /// Where to listen; loopback only, because anybody who reaches it can change everything.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7460")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach, in a closed network of your own.
    #[arg(long)]
    allow_remote: bool,
}

/// Which servers to talk to, and about which workspace.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where and who, the same for every command")]
pub struct ClientArgs {
    /// Public address of `sluice up`.
    #[arg(
        long,
        value_name = "URL",
        env = "SLUICE_SERVER",
        default_value = "http://127.0.0.1:7450",
        global = true
    )]
    server: String,
    /// Public address of the config-service, when it runs alone.
    #[arg(long, value_name = "URL", env = "SLUICE_CONFIG_SERVER", global = true)]
    config_server: Option<String>,
    /// Public address of the auth-service, when it runs alone.
    #[arg(long, value_name = "URL", env = "SLUICE_AUTH_SERVER", global = true)]
    auth_server: Option<String>,
    /// Public address of the delivery-service, when it runs alone.
    #[arg(long, value_name = "URL", env = "SLUICE_DELIVERY_SERVER", global = true)]
    delivery_server: Option<String>,
    /// The workspace that short names are in.
    #[arg(
        long,
        value_name = "ID",
        env = "SLUICE_WORKSPACE",
        default_value = "default",
        global = true
    )]
    workspace: String,
    /// Who makes the change, told to people afterwards; $USER when left out.
    #[arg(long, value_name = "NAME", env = "SLUICE_ACTOR", global = true)]
    actor: Option<String>,
}

impl ClientArgs {
    /// Makes channels, which connect when they are first used.
    pub fn servers(&self) -> anyhow::Result<Servers> {
        let or_server = |alone: &Option<String>| alone.clone().unwrap_or_else(|| self.server.clone());
        let actor = match &self.actor {
            Some(actor) => actor.clone(),
            // Nobody chose this one, so an odd one is no reason to stop.
            None => std::env::var("USER")
                .ok()
                .filter(|user| actor_metadata(user).is_ok())
                .unwrap_or_default(),
        };
        Servers::acting_as(
            &actor,
            &or_server(&self.config_server),
            &or_server(&self.auth_server),
            &or_server(&self.delivery_server),
            &self.workspace,
        )
    }
}

/// Runs a command to its end.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => return demo::run(args).await,
        Command::Send(args) => return send::run(args).await,
        Command::Up(args) => program::up::run(&settings::load(&args.settings)?).await?,
        Command::Serve(args) => program::serve::run(args.service, &settings::load(&args.settings)?).await?,
        Command::Simulator(args) => program::simulator::run(args.listen, args.allow_remote).await?,
        Command::Connections(command) => admin::connections::run(command).await?,
        Command::Credentials(command) => admin::credentials::run(command).await?,
        Command::Destinations(command) => return admin::destinations::run(command).await,
        Command::Fields(command) => admin::fields::run(command).await?,
        Command::Mappings(command) => admin::mappings::run(command).await?,
        Command::Segments(command) => admin::segments::run(command).await?,
        Command::Apply(args) => return admin::configuration::apply::run(args).await,
        Command::Export(args) => admin::configuration::export::run(args).await?,
        Command::Governance(command) => admin::governance::run(command).await?,
        Command::Runs(args) => admin::monitoring::runs(args).await?,
        Command::DeadLetters(args) => admin::monitoring::dead_letters(args).await?,
        Command::Receipts(args) => admin::monitoring::receipts(args).await?,
        Command::Catalog(args) => admin::catalog::run(args).await?,
        Command::Openapi => program::json::print_openapi()?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_says_what_it_is() {
        fn silent(command: &clap::Command, path: &str, found: &mut Vec<String>) {
            let path = format!("{path} {}", command.get_name());
            if command.get_about().is_none() {
                found.push(path.clone());
            }
            for argument in command.get_arguments() {
                if argument.get_help().is_none() && !argument.is_global_set() {
                    found.push(format!("{path} {}", argument.get_id()));
                }
            }
            for inner in command.get_subcommands() {
                silent(inner, &path, found);
            }
        }
        let mut found = Vec::new();
        silent(&Cli::command(), "", &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}
