//! What was edited of a live destination, and what was live before:
//! `sluice destinations apply-changes | discard-changes | revisions | restore`.

use anyhow::anyhow;
use clap::Args;
use contracts::{config::v1 as pb, json::message};
use serde_json::Value;
use tonic::Status;
use tonic_types::StatusExt;

use super::{
    destinations::NameArgs,
    mappings, pages, segments,
    text::{print_table, short, time},
};
use crate::{
    cli::ClientArgs,
    client::{error_text, sent},
};

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Id of the destination.
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
    let applied = servers.destinations().apply_changes(request).await;
    let answer = applied.map_err(|status| refused(status, &name))?;
    let destination = sent(answer.into_inner().destination)?;
    println!("live: {name}, revision {}", destination.live_revision);
    Ok(())
}

/// Adds to what is wrong with a definition where all of it is told: what is
/// checked first hides what is checked behind it.
pub(super) fn refused(status: Status, name: &str) -> anyhow::Error {
    let is_of_definition = status
        .get_details_bad_request()
        .is_some_and(|details| details.field_violations.iter().any(|one| one.field != "name"));
    let error = anyhow::Error::new(status);
    if !is_of_definition {
        return error;
    }
    anyhow!(
        "{}\nall that is wrong, and what to do: sluice destinations check {}",
        error_text(&error),
        short(name)
    )
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
    let parent = servers.destination_name(&args.destination)?;
    let rows = pages::all(async |page_token| {
        let request = pb::ListRevisionsRequest {
            parent: parent.clone(),
            page_size: 0,
            page_token,
        };
        let page = servers.destinations().list_revisions(request).await?.into_inner();
        Ok((
            page.revisions
                .into_iter()
                .map(|revision| {
                    vec![
                        revision.revision.to_string(),
                        time(revision.create_time),
                        revision.created_by,
                        revision.changes.iter().map(line).collect::<Vec<_>>().join("\n"),
                    ]
                })
                .collect(),
            page.next_page_token,
        ))
    })
    .await?;
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

/// Prints how to go on: the next step of a draft, or what is edited and not
/// live; nothing when all is live.
pub(super) fn print(destination: &pb::Destination) {
    if destination.state() == pb::DestinationState::Draft {
        println!("next: {}", next_of_draft(destination));
        return;
    }
    if destination.staged_changes.is_empty() {
        return;
    }
    println!("staged, not live yet:");
    for change in &destination.staged_changes {
        println!("  {}", line(change));
    }
    let id = short(&destination.name);
    println!("make it live: sluice destinations apply-changes {id}");
    println!("take it back: sluice destinations discard-changes {id}");
}

/// Returns the command that brings a draft nearer to its activation.
pub(super) fn next_of_draft(draft: &pb::Destination) -> String {
    let id = short(&draft.name);
    if draft.field_mappings.is_empty() {
        format!("sluice mappings set {id} SOURCE=TARGET …")
    } else if draft.segments.is_empty() {
        format!("sluice segments add {id} SEGMENT=MAPPING_ID …")
    } else {
        format!("sluice destinations check {id}")
    }
}

fn line(change: &pb::StagedChange) -> String {
    difference(&change.path, &change.live, &change.staged)
}

/// Writes one difference on a line; an empty side is nothing.
pub(super) fn difference(path: &str, before: &str, after: &str) -> String {
    match (before, after) {
        ("", after) => format!("+ {}", in_words(path, after)),
        (before, "") => format!("- {}", in_words(path, before)),
        (before, after) => format!("~ {path}: {} -> {}", plain(before), plain(after)),
    }
}

/// Writes what came or went: rows as the commands take them.
fn in_words(path: &str, json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let row = match path.split_once('[') {
        Some(("field_mappings", row)) if row.ends_with(']') => {
            message("sluice.config.v1.FieldMapping", &value)
                .map(|mapping| format!("mapping {}", mappings::line(&mapping)))
        }
        Some(("segments", row)) if row.ends_with(']') => {
            message("sluice.config.v1.SegmentActivation", &value)
                .map(|segment| format!("segment {}", segments::line(&segment)))
        }
        _ => None,
    };
    row.unwrap_or_else(|| format!("{path}: {}", plain(json)))
}

/// Writes a text without its quotes, and anything else as JSON.
fn plain(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => text,
        Ok(_) | Err(_) => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, live: &str, staged: &str) -> String {
        line(&pb::StagedChange {
            path: path.to_owned(),
            live: live.to_owned(),
            staged: staged.to_owned(),
        })
    }

    #[test]
    fn a_change_is_told_as_the_commands_take_it() {
        let mapping = r#"{"source": {"attribute_path": "jobTitle"}, "target": {"field": "Title"},
            "too_long": "TOO_LONG_TRUNCATE"}"#;
        let segment = r#"{"segment": "71f2", "display_name": "Opens", "mapping_id": "opens",
            "field": "opens__c", "end_time": "2027-01-01T00:00:00Z"}"#;
        for (path, live, staged, text) in [
            (
                "field_mappings[Title]",
                "",
                mapping,
                "+ mapping jobTitle=Title,truncate",
            ),
            (
                "field_mappings[Title]",
                mapping,
                "",
                "- mapping jobTitle=Title,truncate",
            ),
            (
                "segments[71f2]",
                "",
                segment,
                "+ segment 71f2=opens:Opens until 2027-01-01 00:00:00 UTC",
            ),
            (
                "segments[71f2].mapping_id",
                r#""opens""#,
                r#""open""#,
                "~ segments[71f2].mapping_id: opens -> open",
            ),
            ("max_delay", "", r#""30s""#, "+ max_delay: 30s"),
            // Of a server that knows more than this program.
            (
                "segments[9]",
                "",
                r#"{"colour":"red"}"#,
                r#"+ segments[9]: {"colour":"red"}"#,
            ),
        ] {
            assert_eq!(told(path, live, staged), text);
        }
    }

    #[test]
    fn a_draft_is_led_to_its_check() {
        let mut draft = pb::Destination {
            name: "workspaces/default/destinations/crm".to_owned(),
            ..Default::default()
        };
        assert!(next_of_draft(&draft).starts_with("sluice mappings set crm "));
        draft.field_mappings.push(pb::FieldMapping::default());
        assert!(next_of_draft(&draft).starts_with("sluice segments add crm "));
        draft.segments.push(pb::SegmentActivation::default());
        assert_eq!(next_of_draft(&draft), "sluice destinations check crm");
    }
}
