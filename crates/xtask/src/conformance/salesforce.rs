//! Other people's Salesforce clients, and our own, against the simulator.
//!
//! Each client is a program below `clients/salesforce` that uses one client library as its users do, and prints one
//! line of JSON for each case of `cases.toml`. Every case must pass with every client; what a library has no way to
//! do is listed, with the client, in `clients.rs`.

mod cases;
mod clients;
mod node;
mod outcome;
mod program;
mod simulator;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{repository, run::run};

use self::{
    clients::Client,
    outcome::{Fault, Line},
    simulator::Simulator,
};

pub(super) use self::clients::{Chosen, chosen};

/// What one client made of the cases.
struct Report {
    client: &'static Client,
    lines: Vec<Line>,
    faults: Vec<Fault>,
    took: Duration,
}

/// Runs the chosen clients one after another and prints the table. Fails unless every case passed.
pub(super) fn drive(directory: &Path, sluice: &Path, chosen: &Chosen) -> Result<()> {
    let cases = cases::read(&folder().join("cases.toml"))?;
    let keys = make_keys(directory)?;
    let programs = chosen
        .clients()
        .map(|client| Ok((client, program::prepare(client, directory)?)))
        .collect::<Result<Vec<_>>>()?;

    let simulator = Simulator::start(sluice, &directory.join("simulator.log"))?;
    let mut reports = Vec::new();
    for (client, program) in programs {
        let start = Instant::now();
        let run = program.run(
            &simulator.url,
            &keys,
            &directory.join(format!("{}.log", client.name)),
        )?;
        let (lines, faults) = outcome::judge(client, &cases, &run);
        reports.push(Report {
            client,
            lines,
            faults,
            took: start.elapsed(),
        });
    }
    let is_at_fault = reports.iter().any(|report| !report.faults.is_empty());
    if is_at_fault {
        simulator.explain();
    }
    simulator.end()?;

    for report in &reports {
        for fault in &report.faults {
            println!("--- {}: {fault}", report.client.name);
        }
    }
    println!("{}", table::render(&cases, &reports));
    if is_at_fault {
        bail!("the simulator and its clients disagree; see above");
    }
    println!("ok: {} Salesforce clients believe the simulator", reports.len());
    Ok(())
}

/// Where the key pair is that clients sign assertions with.
struct Keys {
    key: PathBuf,
    certificate: PathBuf,
}

/// Makes a key pair, which is of no use outside this run.
fn make_keys(directory: &Path) -> Result<Keys> {
    let folder_of_keys = directory.join("keys");
    fs::create_dir_all(&folder_of_keys)?;
    let keys = Keys {
        key: folder_of_keys.join("key.pem"),
        certificate: folder_of_keys.join("certificate.pem"),
    };
    // Any client's Python that has `cryptography`.
    run(program::venv(directory, "simple-salesforce")?
        .command()
        .arg(folder().join("make_key.py"))
        .args([&keys.key, &keys.certificate]))?;
    Ok(keys)
}

fn folder() -> PathBuf {
    repository::root().join("clients/salesforce")
}
