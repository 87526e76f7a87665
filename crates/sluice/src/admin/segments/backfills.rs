//! `sluice segments backfills`, `backfill` and `backfill-done`

use clap::Args;
use contracts::config::v1 as pb;

use crate::{
    admin::text::{print_table, short, time},
    cli::ClientArgs,
};

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only those of this destination.
    destination: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Id of the destination.
    destination: String,
    /// The platform's ids of segments.
    #[arg(required = true)]
    segments: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DoneArgs {
    /// Id of the destination.
    destination: String,
    /// The platform's ids of segments.
    #[arg(required = true)]
    segments: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn list(args: ListArgs) -> anyhow::Result<()> {
    print(wanted(args.destination.as_deref(), &args.client).await?);
    Ok(())
}

pub(super) async fn request(args: RequestArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::RequestBackfillsRequest {
        name: servers.destination_name(&args.destination)?,
        segments: args.segments,
    };
    let answer = servers.backfills().request_backfills(request).await?;
    print(answer.into_inner().wanted_backfills);
    Ok(())
}

/// What was asked for until now is done; what is asked for meanwhile stays.
pub(super) async fn done(args: DoneArgs) -> anyhow::Result<()> {
    let wanted = wanted(Some(&args.destination), &args.client).await?;
    let newest = wanted
        .iter()
        .filter(|one| args.segments.contains(&one.segment))
        .filter_map(|one| one.want_time)
        .max_by_key(|time| (time.seconds, time.nanos));
    if newest.is_some() {
        let servers = args.client.servers()?;
        let request = pb::CompleteBackfillsRequest {
            name: servers.destination_name(&args.destination)?,
            segments: args.segments,
            want_time: newest,
        };
        servers.backfills().complete_backfills(request).await?;
    }
    print(self::wanted(Some(&args.destination), &args.client).await?);
    Ok(())
}

async fn wanted(destination: Option<&str>, client: &ClientArgs) -> anyhow::Result<Vec<pb::WantedBackfill>> {
    let servers = client.servers()?;
    let destination = destination
        .map(|name| servers.destination_name(name))
        .transpose()?;
    let mut request = pb::ListWantedBackfillsRequest {
        parent: servers.workspace().to_string(),
        destination: destination.unwrap_or_default(),
        ..Default::default()
    };
    let mut wanted = Vec::new();
    loop {
        let answer = servers.backfills().list_wanted_backfills(request.clone()).await?;
        let page = answer.into_inner();
        wanted.extend(page.wanted_backfills);
        if page.next_page_token.is_empty() {
            return Ok(wanted);
        }
        request.page_token = page.next_page_token;
    }
}

fn print(wanted: Vec<pb::WantedBackfill>) {
    let rows = wanted
        .into_iter()
        .map(|one| vec![short(&one.destination), one.segment, time(one.want_time)])
        .collect();
    print_table(
        &["destination", "segment", "wanted since"],
        rows,
        "no backfill is wanted",
    );
}
