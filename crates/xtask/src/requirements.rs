//! `requirements`: each row of `docs/requirements.tsv` with the tests that prove it and how they ended.
//!
//! A test names its rows: `row_25_26_131_the_26th_segment_is_refused_until_one_is_removed`. A row without a test says
//! why in the file. Both at once is an error too, so that a reason goes when its test comes.

mod ended;
mod register;
mod report;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};

use self::{ended::Ended, register::Register, report::Report};
use crate::{
    cargo::{build_sluice, cargo},
    postgres::Postgres,
    repository,
};

/// Where the rows are.
const REGISTER: &str = "docs/requirements.tsv";

/// Prints every row with its tests, from a log of `cargo test` or from a run of all of them.
///
/// Fails when a test of a row failed, or a row has neither a test nor a reason, or has both.
pub(crate) fn check(log: Option<&Path>) -> Result<ExitCode> {
    let file = repository::root().join(REGISTER);
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let register: Register = text.parse().context(REGISTER)?;
    let (output, whole) = match log {
        Some(log) => {
            let output =
                fs::read_to_string(log).with_context(|| format!("{} cannot be read", log.display()))?;
            (output, true)
        }
        None => run_tests()?,
    };
    let tests = ended::read(&output);
    if tests.is_empty() {
        bail!("no test has ended in what was read");
    }
    let report = Report::of(&register, &tests);
    println!("{}", report.table());
    for problem in report.problems() {
        eprintln!("{problem}");
    }
    println!("{}", report.sum());
    let failed = tests.iter().filter(|test| test.ended == Ended::Failed).count();
    if !whole && failed == 0 {
        eprintln!(
            "cargo test ended badly without a failed test: something did not build, or a test was killed"
        );
    }
    Ok(if report.problems().is_empty() && (whole || failed > 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs every test and returns what was printed, and whether all of it ended well.
fn run_tests() -> Result<(String, bool)> {
    build_sluice()?;
    let postgres = Postgres::start()?;
    let mut tests = cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("SLUICE_TEST_POSTGRES_URL", postgres.url())
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo could not be started")?;
    let stdout = tests.stdout.take().expect("it was piped");
    let mut output = String::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cargo test did not print text")?;
        println!("{line}");
        output.push_str(&line);
        output.push('\n');
    }
    let status = tests.wait().context("cargo test did not end")?;
    Ok((output, status.success()))
}
