//! `sluice segments suggest`

use std::str::FromStr;

use clap::Args;
use contracts::config::v1 as pb;

use crate::{admin::text::quoted, cli::ClientArgs};

#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// Id of the destination.
    destination: String,
    /// The platform's id of the segment, and its name.
    #[arg(required = true, value_name = "SEGMENT[=NAME]")]
    segments: Vec<NamedSegment>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedSegment {
    segment: String,
    name: String,
}

impl FromStr for NamedSegment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (segment, name) = text.split_once('=').unwrap_or((text, ""));
        if segment.is_empty() {
            return Err("write it as SEGMENT=NAME, for example 6b8e=\"VIP customers\"".to_owned());
        }
        Ok(Self {
            segment: segment.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// Prints one argument of `sluice segments add` a line.
pub(super) async fn run(args: SuggestArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let segments = args
        .segments
        .iter()
        .map(|segment| pb::SegmentName {
            segment: segment.segment.clone(),
            display_name: segment.name.clone(),
        })
        .collect();
    let request = pb::SuggestMappingIdsRequest {
        name: servers.destination_name(&args.destination)?,
        segments,
    };
    let answer = servers.destinations().suggest_mapping_ids(request).await?;
    for suggestion in answer.into_inner().suggestions {
        let name = args
            .segments
            .iter()
            .find(|segment| segment.segment == suggestion.segment)
            .map_or("", |segment| segment.name.as_str());
        let colon = if name.is_empty() { "" } else { ":" };
        let line = format!("{}={}{colon}{name}", suggestion.segment, suggestion.mapping_id);
        println!("{}", quoted(&line));
    }
    Ok(())
}
