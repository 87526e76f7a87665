//! `bench`: how fast it is, with an optimised build.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;

use crate::{
    cargo::cargo,
    run::{output, run},
};

/// What is measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Subject {
    /// How many profiles a second go through the whole path.
    Path,
    /// How many records a second the simulator takes on one core, and the memory of each.
    Simulator,
}

/// What is sent to the simulator: enough that a round takes seconds, and rounds of which one is undisturbed.
const RECORDS_PER_ROUND: u32 = 2_000_000;
const ROUNDS: u32 = 3;

/// What the simulator must take in its best round, so that it is never what a test of ours waits for.
const LEAST_RECORDS_PER_SECOND: u32 = 150_000;

/// What `sluice demo --output json` prints, as far as we read it.
#[derive(Debug, Deserialize)]
struct Demo {
    profiles_received: u64,
    seconds: f64,
}

pub(crate) fn measure(subject: Subject, profiles: u32) -> Result<ExitCode> {
    match subject {
        Subject::Path => path(profiles),
        Subject::Simulator => simulator(),
    }
}

fn simulator() -> Result<ExitCode> {
    let measured = run(cargo()
        .args([
            "run",
            "--release",
            "--package",
            "salesforce-simulator",
            "--example",
            "throughput",
            "--",
        ])
        .args([RECORDS_PER_ROUND, ROUNDS, LEAST_RECORDS_PER_SECOND].map(|number| number.to_string())));
    measured.context("the simulator is too slow, or was not measured")?;
    Ok(ExitCode::SUCCESS)
}

fn path(profiles: u32) -> Result<ExitCode> {
    let printed = output(cargo().args([
        "run",
        "--release",
        "--package",
        "sluice",
        "--",
        "demo",
        "--profiles",
        &profiles.to_string(),
        "--output",
        "json",
    ]))?;
    let demo: Demo = serde_json::from_str(&printed).context("the demo did not print its one JSON object")?;
    println!("{}", printed.trim_end());
    println!(
        "{:.0} profiles/s: {} in {:.2} s",
        demo.profiles_received as f64 / demo.seconds,
        demo.profiles_received,
        demo.seconds
    );
    Ok(ExitCode::SUCCESS)
}
