//! `bench`: how many profiles a second go through the whole path.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{cargo::cargo, run::output};

/// What `sluice demo --output json` prints, as far as we read it.
#[derive(Debug, Deserialize)]
struct Demo {
    profiles_received: u64,
    seconds: f64,
}

pub(crate) fn run(profiles: u32) -> Result<ExitCode> {
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
