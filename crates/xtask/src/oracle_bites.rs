//! `oracle-bites`: proves that the demo would notice.
//!
//! Five faults, one at a time, in a copy of the repository: each must turn the demo red, and the copy without
//! any must be green.

mod faults;
mod tree;

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    cargo::{build_sluice, cargo},
    repository,
    run::run as run_command,
};

use self::{
    faults::{FAULTS, Fault},
    tree::Tree,
};

/// What `sluice demo --output json` prints, as far as we read it.
#[derive(Debug, Deserialize)]
struct Demo {
    verified: bool,
}

/// How a demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Green,
    /// It came to its end and said that Salesforce holds something else.
    Red,
    /// It did not come so far, which proves nothing.
    Broken,
}

pub(crate) fn run() -> Result<ExitCode> {
    let tree = Tree::copy()?;
    let verdicts = verdicts(&tree);
    if let Ok(verdicts) = &verdicts {
        show(verdicts);
    }
    // The copy was built into our own target folder: put our own program back, whatever came of it.
    build_sluice().context("target/debug/sluice is still the copy's")?;
    let is_as_it_should = verdicts?.iter().all(|(fault, verdict)| match fault {
        Some(_) => *verdict == Verdict::Red,
        None => *verdict == Verdict::Green,
    });
    Ok(if is_as_it_should {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(verdicts: &[(Option<&Fault>, Verdict)]) {
    println!("\n{:<50} caught", "fault");
    for (fault, verdict) in verdicts {
        let (name, caught) = match (fault, verdict) {
            (Some(fault), Verdict::Red) => (fault.name, "yes"),
            (Some(fault), Verdict::Green) => (fault.name, "NO"),
            (Some(fault), Verdict::Broken) => (fault.name, "NO: the demo did not come to its end"),
            (None, Verdict::Green) => ("(none)", "nothing to catch: verified"),
            (None, Verdict::Red | Verdict::Broken) => ("(none)", "NOT VERIFIED WITHOUT A FAULT"),
        };
        println!("{name:<50} {caught}");
    }
}

/// Tries every fault, and none at last.
fn verdicts(tree: &Tree) -> Result<Vec<(Option<&'static Fault>, Verdict)>> {
    let mut verdicts = Vec::new();
    for fault in FAULTS {
        println!("xtask: {}", fault.name);
        let original = tree.replace(fault)?;
        let verdict = demo(tree.root());
        tree.restore(fault, &original)?;
        verdicts.push((Some(fault), verdict?));
    }
    println!("xtask: no fault");
    verdicts.push((None, demo(tree.root())?));
    Ok(verdicts)
}

fn demo(root: &Path) -> Result<Verdict> {
    let target = repository::target();
    run_command(
        cargo()
            .args(["build", "--quiet", "--workspace", "--bin", "sluice"])
            .current_dir(root)
            .env("CARGO_TARGET_DIR", &target),
    )?;
    let output = Command::new(target.join("debug/sluice"))
        .args(["demo", "--profiles", "2000", "--output", "json"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the demo could not be started")?;
    let verified = serde_json::from_slice(&output.stdout)
        .ok()
        .map(|demo: Demo| demo.verified);
    Ok(match (output.status.success(), verified) {
        (true, Some(true)) => Verdict::Green,
        (false, Some(false)) => Verdict::Red,
        _ => Verdict::Broken,
    })
}
