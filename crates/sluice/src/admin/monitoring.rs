//! `sluice runs`, `sluice dead-letters`, `sluice receipts`

use std::num::NonZeroUsize;

use clap::Args;
use contracts::delivery::v1 as pb;

use super::text::{enum_name, print_table, short, time};
use crate::cli::ClientArgs;

#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Id of the destination.
    destination: String,
    /// How many hours, newest first.
    #[arg(long, default_value_t = 24)]
    last: i32,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// Id of the destination.
    destination: String,
    /// Only this code, for example STRING_TOO_LONG.
    #[arg(long, default_value = "")]
    code: String,
    /// How many, newest first.
    #[arg(long, default_value_t = 50)]
    last: i32,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct ReceiptsArgs {
    /// Only of this producer.
    #[arg(long, default_value = "")]
    producer: String,
    /// Only of this destination.
    #[arg(long)]
    destination: Option<String>,
    /// Only after this cursor.
    #[arg(long, default_value_t = 0)]
    after: i64,
    /// End after so many; without it, go on as they come.
    #[arg(long)]
    count: Option<NonZeroUsize>,
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn runs(args: RunsArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::ListRunsRequest {
        parent: servers.destination_name(&args.destination)?,
        page_size: args.last,
        page_token: String::new(),
    };
    let runs = servers.runs().list_runs(request).await?.into_inner().runs;
    let rows = runs.iter().map(run_row).collect();
    print_table(
        &[
            "run",
            "profiles received",
            "waiting",
            "identities delivered",
            "excluded",
            "failed",
            "records created",
        ],
        rows,
        "nothing was received yet",
    );
    if let Some(run) = runs.first() {
        println!("\nReasons of the newest run:");
        let rows = run
            .reasons
            .iter()
            .map(|reason| {
                let outcome = enum_name(reason.outcome().as_str_name(), "OUTCOME_");
                vec![outcome, reason.reason.clone(), reason.identities.to_string()]
            })
            .collect();
        print_table(
            &["outcome", "reason", "identities"],
            rows,
            "nothing is settled yet",
        );
    }
    Ok(())
}

fn run_row(run: &pb::Run) -> Vec<String> {
    vec![
        time(run.start_time),
        run.profiles_received.to_string(),
        run.profiles_waiting.to_string(),
        run.identities_delivered.to_string(),
        run.identities_excluded.to_string(),
        run.identities_failed.to_string(),
        run.records_created.to_string(),
    ]
}

pub async fn dead_letters(args: DeadLettersArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::ListDeadLettersRequest {
        parent: servers.destination_name(&args.destination)?,
        page_size: args.last,
        page_token: String::new(),
        code: args.code,
    };
    let answer = servers
        .dead_letters()
        .list_dead_letters(request)
        .await?
        .into_inner();
    let rows = answer
        .dead_letters
        .into_iter()
        .map(|letter| {
            vec![
                time(letter.fail_time),
                letter.identity,
                letter.code,
                letter.fields.join(", "),
                letter.message,
                letter.sequence.to_string(),
                letter.update_id,
            ]
        })
        .collect();
    print_table(
        &[
            "failed",
            "identity",
            "code",
            "fields",
            "message",
            "sequence",
            "update id",
        ],
        rows,
        "no dead letters",
    );
    if !answer.next_page_token.is_empty() {
        println!("there are more; raise --last, or narrow with --code");
    }
    Ok(())
}

pub async fn receipts(args: ReceiptsArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let destination = args
        .destination
        .map(|name| servers.destination_name(&name))
        .transpose()?
        .unwrap_or_default();
    let request = pb::WatchReceiptsRequest {
        producer: args.producer,
        after: args.after,
        destination,
    };
    let mut stream = servers.receipts().watch_receipts(request).await?.into_inner();
    let mut left = args.count.map_or(usize::MAX, NonZeroUsize::get);
    while let Some(message) = stream.message().await? {
        for receipt in message.receipts.into_iter().take(left) {
            left -= 1;
            let update = match receipt.update_id.as_str() {
                "" => String::new(),
                id => format!(" {id}"),
            };
            println!(
                "{}  {}  {}  {}  #{}{update} identity {}: {} {}",
                receipt.cursor,
                time(receipt.settle_time),
                short(&receipt.destination),
                receipt.producer,
                receipt.sequence,
                receipt.identity_index,
                enum_name(receipt.outcome().as_str_name(), "OUTCOME_"),
                receipt.reason
            );
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}
