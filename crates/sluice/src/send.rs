//! `sluice send`: profiles from files or standard input.

mod lines;
pub mod stream;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Args;
use contracts::delivery::v1 as pb;
use indicatif::{ProgressBar, ProgressStyle};
use service::telemetry::Telemetry;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use self::{
    lines::{Input, Lines},
    stream::{Progress, Stream, Summary},
};
use crate::{
    cli::{ClientArgs, SettingsArgs},
    client::Servers,
    settings,
};

/// Updates in one message.
const UPDATES_PER_BATCH: usize = 100;
/// Batches read ahead.
const BATCHES_AHEAD: usize = 8;
/// How often waiting updates are asked for.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Refused lines that are printed; more are counted.
const SHOWN_REFUSALS: usize = 20;

#[derive(Debug, Args)]
pub struct SendArgs {
    /// Files with one JSON document a line; - reads standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The destination to send to.
    #[arg(long, required_unless_present = "to_all", conflicts_with = "to_all")]
    destination: Option<String>,
    /// Send to every enabled destination of the workspace that maps something in an update.
    #[arg(long)]
    to_all: bool,
    /// Who sends. Sending again under one name goes on behind what was accepted. Left out, the name is
    /// made from the content, so that the same file is never sent twice by mistake.
    #[arg(long)]
    producer: Option<String>,
    /// Wait until everything has an outcome, and show it.
    #[arg(long)]
    wait: bool,
    /// How long to keep trying while the server does not answer, in seconds.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    #[command(flatten)]
    client: ClientArgs,
}

/// Sends, prints what was refused, and exits with failure when anything was.
pub async fn run(args: SendArgs) -> anyhow::Result<ExitCode> {
    let none = SettingsArgs {
        config: None,
        data_dir: None,
        database_url: None,
        listen: None,
        simulator: None,
    };
    let mut telemetry_settings = settings::load(&none)?.telemetry;
    // The progress bar is the output; the log is for trouble.
    if telemetry_settings.log_filter == "info" {
        telemetry_settings.log_filter = "warn".to_owned();
    }
    let telemetry = Telemetry::set_up(&telemetry_settings, "sluice-send")?;
    let servers = args.client.servers()?;
    let destination = args
        .destination
        .map(|name| servers.destination_name(&name))
        .transpose()?;
    let target = match &destination {
        Some(name) => pb::update_batch::Target::Destination(name.clone()),
        None => pb::update_batch::Target::Workspace(servers.workspace().to_string()),
    };
    // The same file for another destination is another thing to send.
    let to = destination
        .clone()
        .unwrap_or_else(|| servers.workspace().to_string());
    let input = Input::open(args.files, &to)?;
    let producer = args.producer.unwrap_or_else(|| input.producer.clone());
    let patience = Duration::from_secs(args.patience);
    let bar = progress_bar(input.lines);
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::spawn(read(input.into_lines(), target, sender));
    let stream = Stream {
        servers: servers.clone(),
        producer: producer.clone(),
        patience,
    };
    let summary = stream
        .send(batches, |progress| match progress {
            Progress::Answered(updates) => bar.inc(updates),
            Progress::Away => bar.set_message("the server is away, trying again"),
            Progress::Back => bar.set_message(""),
        })
        .await;
    bar.finish_and_clear();
    let summary = match summary {
        Ok(summary) => summary,
        Err(error) => {
            eprintln!("to go on later: send the same again with --producer '{producer}'");
            return Err(error);
        }
    };
    reading.await.context("reading the input failed")??;
    print(&summary, &producer);
    if let Some(destination) = destination.filter(|_| args.wait) {
        wait(&servers, &destination, patience).await?;
    }
    telemetry.shut_down();
    Ok(if summary.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Turns lines into batches; sequences are line numbers over all files.
async fn read(
    mut lines: Lines,
    target: pb::update_batch::Target,
    batches: mpsc::Sender<pb::UpdateBatch>,
) -> anyhow::Result<()> {
    let mut updates = Vec::with_capacity(UPDATES_PER_BATCH);
    loop {
        let line = lines.next().await?;
        let is_end = line.is_none();
        if let Some((sequence, document)) = line {
            updates.push(pb::ProfileUpdate {
                sequence,
                json_document: document,
                ..Default::default()
            });
        }
        let is_full = updates.len() == UPDATES_PER_BATCH;
        if (is_full || is_end) && !updates.is_empty() {
            let batch = pb::UpdateBatch {
                target: Some(target.clone()),
                updates: std::mem::take(&mut updates),
            };
            if batches.send(batch).await.is_err() {
                return Ok(());
            }
        }
        if is_end {
            return Ok(());
        }
    }
}

fn progress_bar(lines: Option<u64>) -> ProgressBar {
    match lines {
        Some(lines) => {
            let style =
                ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} accepted  {per_sec}  {msg}");
            ProgressBar::new(lines).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        None => {
            let style = ProgressStyle::with_template("{spinner} {human_pos} accepted  {per_sec}  {msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        }
    }
}

fn print(summary: &Summary, producer: &str) {
    for invalid in summary.refused.iter().take(SHOWN_REFUSALS) {
        eprintln!(
            "line {}: {} ({}, {})",
            invalid.sequence, invalid.message, invalid.field, invalid.reason
        );
    }
    if summary.refused.len() > SHOWN_REFUSALS {
        eprintln!("… and {} more lines", summary.refused.len() - SHOWN_REFUSALS);
    }
    if summary.already_answered > 0 {
        println!(
            "{} updates were answered before and are not sent again",
            summary.already_answered
        );
        println!("(to send them all again, choose another name with --producer)");
    }
    println!(
        "{} updates accepted, {} refused, as {producer}",
        summary.accepted,
        summary.refused.len()
    );
}

/// Waits until nothing of the destination waits, and shows the sum of its runs.
async fn wait(servers: &Servers, destination: &str, patience: Duration) -> anyhow::Result<()> {
    let mut last_answer = Instant::now();
    loop {
        let request = pb::ListRunsRequest {
            parent: destination.to_owned(),
            ..Default::default()
        };
        match servers.runs().list_runs(request).await {
            Ok(answer) => {
                last_answer = Instant::now();
                let runs = answer.into_inner().runs;
                let total = |count: fn(&pb::Run) -> i64| runs.iter().map(count).sum::<i64>();
                if total(|run| run.profiles_waiting) == 0 {
                    println!(
                        "{} identities delivered, {} excluded, {} failed (all runs of {destination})",
                        total(|run| run.identities_delivered),
                        total(|run| run.identities_excluded),
                        total(|run| run.identities_failed)
                    );
                    return Ok(());
                }
            }
            // Everything is accepted; the server may be on its way back.
            Err(status) if stream::may_retry(&status) && last_answer.elapsed() < patience => {}
            Err(status) => return Err(status.into()),
        }
        sleep(POLL_INTERVAL).await;
    }
}
