//! `sluice segments …`

mod backfills;
mod provision;
mod suggest;

use std::str::FromStr;

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use contracts::config::v1 as pb;
use prost_types::FieldMask;

use super::{
    registry, staged,
    text::{parse_time, print_table, print_warnings, time, time_message},
};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add segments: all of them, or none when one is wrong.
    ///
    /// Each is SEGMENT=MAPPING_ID, or SEGMENT=MAPPING_ID:NAME. The Mapping ID is the custom field that
    /// receives the segment's status: crm_2_seg names the field crm_2_seg__c.
    Add(AddArgs),
    /// List the segments.
    List(NameArgs),
    /// Change one segment.
    Update(UpdateArgs),
    /// Remove one segment; its field in Salesforce is left as it is.
    Remove(RemoveArgs),
    /// Suggest a Mapping ID for each segment, as `add` takes it.
    ///
    /// Made from the name, or the id where there is none, with the destination's prefix and suffix; none that
    /// a destination of the org has already. Changes nothing.
    Suggest(suggest::SuggestArgs),
    /// Make the custom fields that segments lack, and open them, with an admin's login.
    ///
    /// The login is another connection's (--admin-connection), or is given for this call only
    /// (--admin-client-id). Safe to repeat: what exists stays as it is.
    Provision(provision::ProvisionArgs),
    /// Write the same fields and permissions as a package that an admin deploys.
    Package(provision::PackageArgs),
    /// List the segments whose members the control plane should send once.
    Backfills(backfills::ListArgs),
    /// Ask for the members of segments to be sent once more.
    Backfill(backfills::RequestArgs),
    /// Say that the members of segments were sent; done by the control plane where there is one.
    BackfillDone(backfills::DoneArgs),
    /// Register a segment of the platform, or refresh what is known of it.
    Register(registry::RegisterArgs),
    /// List the registered segments.
    Registered(registry::RegisteredArgs),
    /// Forget registered segments; where they are activated they stay so.
    Unregister(registry::UnregisterArgs),
    /// Show or change what the workspace does with segments: unknown ones, allowed namespaces.
    Settings(registry::SettingsArgs),
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// Id of the destination.
    destination: String,
    /// The platform's id of the segment, its Mapping ID, and a name for people.
    #[arg(required = true, value_name = "SEGMENT=MAPPING_ID[:NAME]")]
    segments: Vec<SegmentArg>,
    /// Write only updates accepted from then on.
    #[arg(long, value_parser = parse_time)]
    start: Option<DateTime<Utc>>,
    /// Write only updates accepted before then.
    #[arg(long, value_parser = parse_time)]
    end: Option<DateTime<Utc>>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// Id of the destination.
    destination: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Id of the destination.
    destination: String,
    /// The platform's id of the segment.
    segment: String,
    /// The custom field that receives its status: crm_2_seg names crm_2_seg__c.
    #[arg(long)]
    mapping_id: Option<String>,
    /// Name for people.
    #[arg(long)]
    display_name: Option<String>,
    /// Write only updates accepted from then on.
    #[arg(long, value_parser = parse_time)]
    start: Option<DateTime<Utc>>,
    /// Write only updates accepted before then.
    #[arg(long, value_parser = parse_time)]
    end: Option<DateTime<Utc>>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Id of the destination.
    destination: String,
    /// The platform's id of the segment.
    segment: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentArg {
    /// The platform's id of the segment.
    segment: String,
    mapping_id: String,
    display_name: String,
}

impl FromStr for SegmentArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (segment, rest) = text
            .split_once('=')
            .filter(|(segment, rest)| !segment.is_empty() && !rest.is_empty())
            .ok_or("write it as SEGMENT=MAPPING_ID, for example 6b8e=crm_2_seg")?;
        let (mapping_id, display_name) = rest.split_once(':').unwrap_or((rest, ""));
        Ok(Self {
            segment: segment.to_owned(),
            mapping_id: mapping_id.to_owned(),
            display_name: display_name.to_owned(),
        })
    }
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    let destination = match command {
        Command::Register(args) => return registry::register(args).await,
        Command::Registered(args) => return registry::registered(args).await,
        Command::Unregister(args) => return registry::unregister(args).await,
        Command::Settings(args) => return registry::settings(args).await,
        Command::Add(args) => {
            let servers = args.client.servers()?;
            let segments = args
                .segments
                .into_iter()
                .map(|segment| pb::SegmentActivation {
                    segment: segment.segment,
                    display_name: segment.display_name,
                    mapping_id: segment.mapping_id,
                    start_time: time_message(args.start),
                    end_time: time_message(args.end),
                    ..Default::default()
                })
                .collect();
            let name = servers.destination_name(&args.destination)?;
            let request = pb::AddSegmentsRequest {
                name,
                segments,
                etag: String::new(),
            };
            let answer = servers.destinations().add_segments(request).await?.into_inner();
            print_warnings(&answer.warnings);
            answer.destination
        }
        Command::List(args) => {
            let servers = args.client.servers()?;
            let name = servers.destination_name(&args.destination)?;
            let request = pb::GetDestinationRequest { name };
            servers
                .destinations()
                .get_destination(request)
                .await?
                .into_inner()
                .destination
        }
        Command::Update(args) => update(args).await?,
        Command::Remove(args) => {
            let servers = args.client.servers()?;
            let name = servers.destination_name(&args.destination)?;
            let request = pb::RemoveSegmentRequest {
                name,
                segment: args.segment,
                etag: String::new(),
            };
            servers
                .destinations()
                .remove_segment(request)
                .await?
                .into_inner()
                .destination
        }
        Command::Suggest(args) => return suggest::run(args).await,
        Command::Provision(args) => return provision::provision(args).await,
        Command::Package(args) => return provision::package(args).await,
        Command::Backfills(args) => return backfills::list(args).await,
        Command::Backfill(args) => return backfills::request(args).await,
        Command::BackfillDone(args) => return backfills::done(args).await,
    };
    let destination = sent(destination)?;
    print(&destination);
    staged::print(&destination);
    Ok(())
}

async fn update(args: UpdateArgs) -> anyhow::Result<Option<pb::Destination>> {
    let servers = args.client.servers()?;
    let given = [
        ("mapping_id", args.mapping_id.is_some()),
        ("display_name", args.display_name.is_some()),
        ("start_time", args.start.is_some()),
        ("end_time", args.end.is_some()),
    ];
    let paths: Vec<String> = given
        .iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(path, _)| (*path).to_owned())
        .collect();
    if paths.is_empty() {
        bail!("nothing to change; give --mapping-id, --display-name, --start or --end");
    }
    let request = pb::UpdateSegmentRequest {
        name: servers.destination_name(&args.destination)?,
        segment: Some(pb::SegmentActivation {
            segment: args.segment,
            display_name: args.display_name.unwrap_or_default(),
            mapping_id: args.mapping_id.unwrap_or_default(),
            start_time: time_message(args.start),
            end_time: time_message(args.end),
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths }),
        etag: String::new(),
    };
    Ok(servers
        .destinations()
        .update_segment(request)
        .await?
        .into_inner()
        .destination)
}

/// Writes a segment as `add` takes it, and when it is written where that is
/// limited.
pub(super) fn line(segment: &pb::SegmentActivation) -> String {
    let mut line = format!("{}={}", segment.segment, segment.mapping_id);
    for (word, text) in [
        (":", segment.display_name.clone()),
        (" from ", time(segment.start_time)),
        (" until ", time(segment.end_time)),
    ] {
        if !text.is_empty() {
            line.push_str(word);
            line.push_str(&text);
        }
    }
    line
}

pub(super) fn print(destination: &pb::Destination) {
    let rows = destination
        .segments
        .iter()
        .map(|segment| {
            let name = if segment.display_name.is_empty() {
                &segment.registered_name
            } else {
                &segment.display_name
            };
            let registered = match segment.registration() {
                pb::SegmentRegistration::Registered => "yes",
                pb::SegmentRegistration::NotYetRegistered => "not yet",
                pb::SegmentRegistration::Unspecified => "",
            };
            vec![
                segment.segment.clone(),
                name.clone(),
                segment.field.clone(),
                time(segment.start_time),
                time(segment.end_time),
                registered.to_owned(),
            ]
        })
        .collect();
    print_table(
        &[
            "segment",
            "name",
            "Salesforce field",
            "start",
            "end",
            "registered",
        ],
        rows,
        "no segments; add them: sluice segments add",
    );
}
