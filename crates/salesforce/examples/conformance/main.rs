//! Drives the simulator with our own client, case by case as other people's
//! clients are driven (`clients/salesforce/cases.toml`). Prints one line of
//! JSON for each case; `cargo xtask conformance` reads them.
//!
//! `conformance --simulator http://127.0.0.1:7460 --key key.pem --certificate certificate.pem`

#![expect(clippy::print_stdout, reason = "the lines are what it is for")]

mod cases;
mod org;

use std::{
    env, fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::future::LocalBoxFuture;
use salesforce::{Endpoint, Http};
use serde_json::json;

use crate::{cases::Cases, org::Simulator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let simulator = argument("--simulator")?;
    let private_key = fs::read_to_string(argument("--key")?)?;
    let certificate = fs::read_to_string(argument("--certificate")?)?;

    let http = Http::new(Endpoint::Simulator(simulator.parse()?), Duration::from_secs(30))?;
    let simulator = Simulator::new(simulator, certificate);
    let cases = Cases::prepare(&simulator, http, private_key).await?;
    for (name, run) in Cases::ALL {
        report(name, run(&cases)).await;
    }
    Ok(())
}

async fn report(case: &str, run: LocalBoxFuture<'_, Result<()>>) {
    let start = Instant::now();
    let (outcome, detail) = match run.await {
        Ok(()) => ("passed", String::new()),
        Err(error) => ("failed", format!("{error:#}")),
    };
    let milliseconds = start.elapsed().as_millis();
    println!(
        "{}",
        json!({"case": case, "outcome": outcome, "detail": detail, "milliseconds": milliseconds})
    );
}

fn argument(name: &str) -> Result<String> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    if arguments.next().is_none() {
        bail!("{name} is missing");
    }
    arguments.next().with_context(|| format!("{name} has no value"))
}
