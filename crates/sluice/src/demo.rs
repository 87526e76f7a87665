//! `sluice demo`: the main job, whole, against a simulated Salesforce, and
//! checked against what an independent oracle says.

mod control_plane;
mod profiles;
mod report;
mod simulated_org;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use service::Clock;
use tokio_util::sync::CancellationToken;

use self::{
    control_plane::ControlPlane,
    profiles::Scenario,
    report::Report,
    simulated_org::{HOST, SimulatedOrg},
};
use crate::{
    client::Servers,
    program::{installation::Installation, simulator},
    settings::Settings,
};

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many profile updates to stream.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    profiles: u32,
    /// Makes the same profiles again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the result is printed.
    #[arg(long, default_value = "table")]
    output: Output,
    /// Leave everything running at the end, to look around.
    #[arg(long)]
    keep_running: bool,
    /// Keep the data here instead of a temporary directory.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

/// Runs the demo; fails when Salesforce does not hold what it must.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let says = |text: &str| {
        if args.output == Output::Table {
            println!("{text}");
        }
    };
    let temporary = tempfile::tempdir().context("no temporary directory can be made")?;
    let data_dir = args
        .data_dir
        .clone()
        .unwrap_or_else(|| temporary.path().join("data"));

    let simulator = simulator::start(([127, 0, 0, 1], 0).into(), false).await?;
    let mut settings = Settings {
        data_dir,
        ..Settings::default()
    };
    settings.listen.public = ([127, 0, 0, 1], 0).into();
    settings.salesforce.simulator_url = Some(format!("http://{}", simulator.address()).parse()?);
    let installation = Installation::start(&settings, clock.clone()).await?;
    let server = format!("http://{}", installation.address());
    says(&format!(
        "Simulated Salesforce on http://{} (org {HOST})",
        simulator.address()
    ));
    says(&format!(
        "Sluice on {server}: config-service, auth-service, delivery-service"
    ));

    let scenario = Scenario::generate(args.profiles as usize, args.seed);
    let org = SimulatedOrg::create(simulator.address(), &scenario).await?;
    says(&format!(
        "The org holds {} Contacts and {} Leads",
        scenario.seeded_records("Contact"),
        scenario.seeded_records("Lead")
    ));

    let servers = Servers::new(&server, &server, &server, "demo")?;
    let control_plane = ControlPlane::new(servers);
    let connected = control_plane.set_up(&scenario).await?;
    says(&format!(
        "{connected}; two destinations with three segments each are active"
    ));

    let bar = progress_bar(&args);
    let started = clock.now();
    let sent = control_plane.stream(&scenario, &bar).await?;
    anyhow::ensure!(
        sent.refused.is_empty(),
        "{} updates were refused in the stream: {:?}",
        sent.refused.len(),
        sent.refused.first()
    );
    let runs = control_plane.wait_until_settled(&scenario, &bar).await?;
    let seconds = (clock.now() - started)
        .to_std()
        .unwrap_or(Duration::ZERO)
        .as_secs_f64();
    bar.finish_and_clear();

    let report = Report::make(&scenario, &org, &runs, started, seconds).await?;
    match args.output {
        Output::Table => report.print(&scenario),
        Output::Json => println!("{}", report.to_json()),
    }
    if args.keep_running {
        says(&format!(
            "\nStill running; look around: sluice destinations list --server {server} --workspace demo"
        ));
        says("Ctrl-C ends it.");
        let stopped = CancellationToken::new();
        crate::program::stop_on_signal(stopped.clone())?;
        stopped.cancelled().await;
    }
    installation.stop().await?;
    simulator.stop().await;
    Ok(if report.is_verified() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn progress_bar(args: &DemoArgs) -> ProgressBar {
    if args.output == Output::Json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {human_pos}/{human_len} updates");
    ProgressBar::new(args.profiles.into()).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
