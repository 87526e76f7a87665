//! What was edited of a live destination, and what was live before:
//! `sluice destinations apply-changes | discard-changes | revisions | restore`.

use clap::Args;
use contracts::config::v1 as pb;

use super::{
    destinations::NameArgs,
    text::{print_table, time},
};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Args)]
pub struct RestoreArgs {
    destination: String,
    /// Its number, from `sluice destinations revisions`.
    revision: i64,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn apply(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::ApplyChangesRequest {
        name: name.clone(),
        etag: String::new(),
    };
    let answer = servers.destinations().apply_changes(request).await?.into_inner();
    let destination = sent(answer.destination)?;
    println!("live: {name}, revision {}", destination.live_revision);
    Ok(())
}

pub(super) async fn discard(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::DiscardChangesRequest {
        name: name.clone(),
        etag: String::new(),
    };
    servers.destinations().discard_changes(request).await?;
    println!("{name} is again as it is live");
    Ok(())
}

pub(super) async fn revisions(args: NameArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListRevisionsRequest {
            parent: servers.destination_name(&args.destination)?,
            page_size: 0,
            page_token,
        };
        let page = servers.destinations().list_revisions(request).await?.into_inner();
        rows.extend(page.revisions.into_iter().map(|revision| {
            vec![
                revision.revision.to_string(),
                time(revision.create_time),
                revision.created_by,
                revision.changes.iter().map(line).collect::<Vec<_>>().join("\n"),
            ]
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    print_table(
        &["revision", "live since", "by", "what changed"],
        rows,
        "nothing was live yet; activate it: sluice destinations activate",
    );
    Ok(())
}

pub(super) async fn restore(args: RestoreArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::RestoreRevisionRequest {
        name: format!("{name}/revisions/{}", args.revision),
        etag: String::new(),
    };
    let answer = servers
        .destinations()
        .restore_revision(request)
        .await?
        .into_inner();
    let destination = sent(answer.destination)?;
    println!("revision {} is staged", args.revision);
    print(&destination);
    Ok(())
}

/// Prints what is edited and not live, and how to go on; nothing when all is
/// live.
pub(super) fn print(destination: &pb::Destination) {
    if destination.staged_changes.is_empty() {
        return;
    }
    println!("staged, not live yet:");
    for change in &destination.staged_changes {
        println!("  {}", line(change));
    }
    let id = super::text::short(&destination.name);
    println!("make it live: sluice destinations apply-changes {id}");
    println!("take it back: sluice destinations discard-changes {id}");
}

fn line(change: &pb::StagedChange) -> String {
    difference(&change.path, &change.live, &change.staged)
}

/// Writes one difference on a line; an empty side is nothing.
pub(super) fn difference(path: &str, before: &str, after: &str) -> String {
    match (before, after) {
        ("", after) => format!("+ {path}: {after}"),
        (before, "") => format!("- {path}: {before}"),
        (before, after) => format!("~ {path}: {before} -> {after}"),
    }
}
