//! `sluice destinations …`

use std::{process::ExitCode, str::FromStr};

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use contracts::config::v1 as pb;
use prost_types::FieldMask;

use super::{
    creation::{self, CreationArgs, waiting_updates},
    governance, mappings, pages, preflight, segments, staged,
    text::{enum_name, print_properties, print_table, short, time},
};
use crate::{
    cli::ClientArgs,
    client::{Servers, sent},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a draft; map fields and add segments next.
    Create(CreateArgs),
    /// Show one destination, with its mappings and segments.
    Get(NameArgs),
    /// List destinations.
    List(ListArgs),
    /// Change a destination.
    Update(UpdateArgs),
    /// Check the draft, against the org too, and start delivering.
    Activate(NameArgs),
    /// Enable a disabled destination.
    Enable(EnableArgs),
    /// Disable a destination: updates are refused, what was accepted waits.
    Disable(NameArgs),
    /// Delete a destination, after what was accepted is delivered.
    Delete(DeleteArgs),
    /// Check what was edited since the destination went live, and make it live.
    ApplyChanges(NameArgs),
    /// Take back what was edited since the destination went live.
    DiscardChanges(NameArgs),
    /// List what was live, newest first, with what changed.
    Revisions(NameArgs),
    /// Stage an earlier revision; apply-changes makes it live.
    Restore(staged::RestoreArgs),
    #[command(flatten)]
    Preflight(preflight::Command),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RecordType {
    Contact,
    Lead,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DeletedProfiles {
    Leave,
    Exit,
    ExitAndBlank,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Waiting {
    /// Send what was accepted before and waits.
    Resume,
    /// Do not send it; it ends as excluded.
    Discard,
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Its id: lower-case letters, digits and hyphens.
    id: String,
    /// Id of the connection.
    #[arg(long)]
    connection: String,
    /// What it writes.
    #[arg(long)]
    record_type: RecordType,
    /// Upsert by this external-id field, instead of updating by Salesforce id.
    #[arg(long, value_name = "FIELD")]
    upsert_by: Option<String>,
    /// Name for people; the id when left out.
    #[arg(long)]
    display_name: Option<String>,
    /// What it is for.
    #[arg(long, default_value = "")]
    description: String,
    /// What a deleted profile does to its record.
    #[arg(long, default_value = "leave")]
    deleted_profiles: DeletedProfiles,
    #[command(flatten)]
    max_delay: MaxDelay,
    #[command(flatten)]
    rules: SegmentRules,
    #[command(flatten)]
    creation: CreationArgs,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Id of the destination.
    destination: String,
    /// Name for people.
    #[arg(long)]
    display_name: Option<String>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// What a deleted profile does to its record.
    #[arg(long)]
    deleted_profiles: Option<DeletedProfiles>,
    #[command(flatten)]
    max_delay: MaxDelay,
    #[command(flatten)]
    rules: SegmentRules,
    #[command(flatten)]
    creation: CreationArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// What all segments of a destination have in common.
#[derive(Debug, Args)]
pub struct SegmentRules {
    /// What is written for realized, existing and exited, for example true,true,false for checkbox fields.
    #[arg(long, value_name = "REALIZED,EXISTING,EXITED")]
    status_values: Option<StatusValuesArg>,
    /// Before every Mapping ID that `segments suggest` makes, for example DEV_; "" for nothing.
    #[arg(long, value_name = "PREFIX")]
    mapping_id_prefix: Option<String>,
    /// Behind every Mapping ID that `segments suggest` makes; "" for nothing.
    #[arg(long, value_name = "SUFFIX")]
    mapping_id_suffix: Option<String>,
}

#[derive(Debug, Args)]
struct MaxDelay {
    /// The longest that a partial batch waits for more records, in seconds (60 unless given).
    #[arg(long, value_name = "SECONDS")]
    max_delay: Option<u32>,
}

impl MaxDelay {
    fn message(&self) -> Option<prost_types::Duration> {
        self.max_delay.map(|seconds| prost_types::Duration {
            seconds: seconds.into(),
            nanos: 0,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct StatusValuesArg(pb::StatusValues);

impl FromStr for StatusValuesArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split(',').collect::<Vec<_>>()[..] {
            [realized, existing, exited] => Ok(Self(pb::StatusValues {
                realized: realized.to_owned(),
                existing: existing.to_owned(),
                exited: exited.to_owned(),
            })),
            _ => Err("write three values, for example realized,existing,exited".to_owned()),
        }
    }
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// Id of the destination.
    pub(super) destination: String,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct EnableArgs {
    /// Id of the destination.
    destination: String,
    /// What happens to updates that were accepted before and wait. Without it: says how many they are, and
    /// enables nothing.
    #[arg(long)]
    waiting: Option<Waiting>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Id of the destination.
    destination: String,
    /// What happens to updates that were accepted before and wait.
    #[arg(long, default_value = "resume")]
    waiting: Waiting,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Preflight(command) => return preflight::run(command).await,
        Command::Create(args) => create(args).await,
        Command::Get(args) => get(args).await,
        Command::List(args) => list(args).await,
        Command::Update(args) => update(args).await,
        Command::Activate(args) => activate(args).await,
        Command::Enable(args) => enable(args).await,
        Command::Disable(args) => disable(args).await,
        Command::Delete(args) => delete(args).await,
        Command::ApplyChanges(args) => staged::apply(args).await,
        Command::DiscardChanges(args) => staged::discard(args).await,
        Command::Revisions(args) => staged::revisions(args).await,
        Command::Restore(args) => staged::restore(args).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let record_type = match args.record_type {
        RecordType::Contact => pb::RecordType::Contact,
        RecordType::Lead => pb::RecordType::Lead,
    };
    let write_mode = if args.upsert_by.is_some() {
        pb::WriteMode::Upsert
    } else {
        pb::WriteMode::UpdateById
    };
    let id = args.id.clone();
    let mut destination = pb::Destination {
        display_name: args.display_name.unwrap_or(args.id),
        description: args.description,
        connection: servers.connection_name(&args.connection)?,
        record_type: record_type.into(),
        write_mode: write_mode.into(),
        key_field: args.upsert_by.unwrap_or_default(),
        deleted_profile_policy: policy(args.deleted_profiles).into(),
        max_delay: args.max_delay.message(),
        status_values: args.rules.status_values.map(|values| values.0),
        mapping_id_prefix: args.rules.mapping_id_prefix.unwrap_or_default(),
        mapping_id_suffix: args.rules.mapping_id_suffix.unwrap_or_default(),
        ..Default::default()
    };
    args.creation.put_into(&mut destination);
    let request = pb::CreateDestinationRequest {
        parent: servers.workspace().to_string(),
        destination_id: id,
        destination: Some(destination),
    };
    let destination = sent(
        servers
            .destinations()
            .create_destination(request)
            .await?
            .into_inner()
            .destination,
    )?;
    let id = short(&destination.name);
    println!("created {} (draft)", destination.name);
    println!("next: sluice mappings set {id} …; sluice segments add {id} …; sluice destinations check {id}");
    Ok(())
}

fn policy(policy: DeletedProfiles) -> pb::DeletedProfilePolicy {
    match policy {
        DeletedProfiles::Leave => pb::DeletedProfilePolicy::Leave,
        DeletedProfiles::Exit => pb::DeletedProfilePolicy::Exit,
        DeletedProfiles::ExitAndBlank => pb::DeletedProfilePolicy::ExitAndBlank,
    }
}

pub(super) fn waiting(waiting: Waiting) -> pb::WaitingUpdates {
    match waiting {
        Waiting::Resume => pb::WaitingUpdates::Resume,
        Waiting::Discard => pb::WaitingUpdates::Discard,
    }
}

async fn get(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::GetDestinationRequest { name };
    print(&sent(
        servers
            .destinations()
            .get_destination(request)
            .await?
            .into_inner()
            .destination,
    )?);
    Ok(())
}

/// Reads all destinations of the workspace, by name.
pub(super) async fn all(servers: &Servers) -> anyhow::Result<Vec<pb::Destination>> {
    Ok(pages::all(async |page_token| {
        let request = pb::ListDestinationsRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
        };
        let page = servers
            .destinations()
            .list_destinations(request)
            .await?
            .into_inner();
        Ok((page.destinations, page.next_page_token))
    })
    .await?)
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let rows = all(&args.client.servers()?)
        .await?
        .into_iter()
        .map(|destination| {
            vec![
                short(&destination.name),
                destination.display_name.clone(),
                enum_name(destination.record_type().as_str_name(), "RECORD_TYPE_"),
                short(&destination.connection),
                enum_name(destination.state().as_str_name(), "DESTINATION_STATE_"),
                delivery(&destination),
            ]
        })
        .collect();
    print_table(
        &["destination", "name", "writes", "connection", "state", "delivery"],
        rows,
        "no destinations; create one: sluice destinations create",
    );
    Ok(())
}

async fn update(args: UpdateArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let mut paths = Vec::new();
    if args.display_name.is_some() {
        paths.push("display_name".to_owned());
    }
    if args.description.is_some() {
        paths.push("description".to_owned());
    }
    if args.deleted_profiles.is_some() {
        paths.push("deleted_profile_policy".to_owned());
    }
    let rules = args.rules;
    for (path, is_given) in [
        ("max_delay", args.max_delay.max_delay.is_some()),
        ("status_values", rules.status_values.is_some()),
        ("mapping_id_prefix", rules.mapping_id_prefix.is_some()),
        ("mapping_id_suffix", rules.mapping_id_suffix.is_some()),
    ] {
        if is_given {
            paths.push(path.to_owned());
        }
    }
    let mut destination = pb::Destination {
        name: servers.destination_name(&args.destination)?,
        display_name: args.display_name.unwrap_or_default(),
        description: args.description.unwrap_or_default(),
        deleted_profile_policy: args.deleted_profiles.map(policy).unwrap_or_default().into(),
        max_delay: args.max_delay.message(),
        status_values: rules.status_values.map(|values| values.0),
        mapping_id_prefix: rules.mapping_id_prefix.unwrap_or_default(),
        mapping_id_suffix: rules.mapping_id_suffix.unwrap_or_default(),
        ..Default::default()
    };
    let of_creation = args.creation.put_into(&mut destination);
    paths.extend(of_creation.into_iter().map(str::to_owned));
    if paths.is_empty() {
        bail!(
            "nothing to change; give --display-name, --description, --deleted-profiles, --max-delay, --status-values, \
             --mapping-id-prefix, --mapping-id-suffix, {}",
            CreationArgs::FLAGS
        );
    }
    let request = pb::UpdateDestinationRequest {
        destination: Some(destination),
        update_mask: Some(FieldMask { paths }),
    };
    print(&sent(
        servers
            .destinations()
            .update_destination(request)
            .await?
            .into_inner()
            .destination,
    )?);
    Ok(())
}

async fn activate(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::ActivateDestinationRequest {
        name: name.clone(),
        etag: String::new(),
    };
    let activated = servers.destinations().activate_destination(request).await;
    activated.map_err(|status| staged::refused(status, &name))?;
    let id = short(&name);
    println!("activated {name}; send to it: sluice send --destination {id} FILE");
    println!("watch it: sluice runs {id}; what fails for good: sluice dead-letters {id}");
    Ok(())
}

async fn enable(args: EnableArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::EnableDestinationRequest {
        name: name.clone(),
        etag: String::new(),
        waiting_updates: args.waiting.map(waiting).unwrap_or_default().into(),
    };
    let answer = servers.destinations().enable_destination(request).await?;
    let count = waiting_updates(&sent(answer.into_inner().destination)?);
    match (args.waiting, count) {
        (Some(Waiting::Discard), 1..) => println!("enabled {name}; {count} waiting updates are discarded"),
        (_, 1..) => println!("enabled {name}; {count} waiting updates are sent"),
        (_, ..=0) => println!("enabled {name}"),
    }
    Ok(())
}

async fn disable(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::DisableDestinationRequest {
        name: name.clone(),
        etag: String::new(),
    };
    let answer = servers.destinations().disable_destination(request).await?;
    let disabled = sent(answer.into_inner().destination)?;
    match creation::waiting(waiting_updates(&disabled)).as_str() {
        "" => println!("disabled {name}; what was accepted waits"),
        waiting => println!("disabled {name}; {waiting}"),
    }
    Ok(())
}

async fn delete(args: DeleteArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::DeleteDestinationRequest {
        name: name.clone(),
        etag: String::new(),
        waiting_updates: waiting(args.waiting).into(),
    };
    let answer = servers.destinations().delete_destination(request).await?;
    match args.waiting {
        Waiting::Resume => println!("deleting {name}, after what was accepted is delivered"),
        Waiting::Discard => println!("deleting {name}; what was accepted is discarded"),
    }
    let waiting = creation::waiting(answer.into_inner().waiting_updates);
    if !waiting.is_empty() {
        println!("{waiting}");
    }
    Ok(())
}

fn print(destination: &pb::Destination) {
    let write_mode = match destination.write_mode() {
        pb::WriteMode::Upsert => format!("upsert by {}", destination.key_field),
        pb::WriteMode::Unspecified | pb::WriteMode::UpdateById => "update by Salesforce id".to_owned(),
    };
    let status = destination.delivery_status.as_ref();
    let [creates, duplicate_rules] = creation::properties(destination);
    print_properties(&[
        ("destination", destination.name.clone()),
        ("name", destination.display_name.clone()),
        ("description", destination.description.clone()),
        ("connection", destination.connection.clone()),
        (
            "writes",
            format!(
                "{}, {write_mode}",
                enum_name(destination.record_type().as_str_name(), "RECORD_TYPE_")
            ),
        ),
        (
            "deleted profiles",
            enum_name(
                destination.deleted_profile_policy().as_str_name(),
                "DELETED_PROFILE_POLICY_",
            ),
        ),
        creates,
        duplicate_rules,
        (
            "longest delay",
            destination
                .max_delay
                .map(|delay| format!("{} s", delay.seconds))
                .unwrap_or_default(),
        ),
        ("status values", status_values(destination)),
        ("Mapping ID prefix", destination.mapping_id_prefix.clone()),
        ("Mapping ID suffix", destination.mapping_id_suffix.clone()),
        (
            "state",
            enum_name(destination.state().as_str_name(), "DESTINATION_STATE_"),
        ),
        ("used for", destination.marketing_actions.join(", ")),
        ("delivery", delivery(destination)),
        (
            "",
            status.map(|status| status.message.clone()).unwrap_or_default(),
        ),
        ("", creation::waiting(waiting_updates(destination))),
        (
            "export type",
            enum_name(destination.export_type().as_str_name(), "EXPORT_TYPE_"),
        ),
        (
            "frequency",
            enum_name(destination.export_frequency().as_str_name(), "EXPORT_FREQUENCY_"),
        ),
        (
            "created",
            by(time(destination.create_time), &destination.created_by),
        ),
        (
            "updated",
            by(time(destination.update_time), &destination.updated_by),
        ),
    ]);
    governance::print_violations(&destination.policy_violations);
    mappings::print(destination);
    segments::print(destination);
    staged::print(destination);
}

fn by(time: String, actor: &str) -> String {
    if actor.is_empty() {
        time
    } else {
        format!("{time} by {actor}")
    }
}

/// Tells what is written for statuses, where it is not their own words.
fn status_values(destination: &pb::Destination) -> String {
    let Some(values) = &destination.status_values else {
        return String::new();
    };
    format!(
        "realized is {}, existing is {}, exited is {}",
        values.realized, values.existing, values.exited
    )
}

fn delivery(destination: &pb::Destination) -> String {
    let Some(status) = &destination.delivery_status else {
        return String::new();
    };
    let state = enum_name(status.state().as_str_name(), "DELIVERY_STATE_");
    if status.reason.is_empty() {
        state
    } else {
        format!("{state} ({})", status.reason)
    }
}
