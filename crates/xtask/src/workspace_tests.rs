//! `test`, `crash` and `soak`: cargo's tests, with a real Postgres.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{
    cargo::{build_sluice, cargo},
    house_rules,
    postgres::Postgres,
};

/// Checks the house rules and runs every test.
pub(crate) fn test(cargo_arguments: &[String]) -> Result<ExitCode> {
    house_rules::check()?;
    // The end-to-end tests start the program itself.
    build_sluice()?;
    with_postgres(cargo().args(["test", "--workspace"]).args(cargo_arguments))
}

/// Runs the crash test, for as many rounds as it likes or as are given.
pub(crate) fn crash(rounds: Option<u32>) -> Result<ExitCode> {
    build_sluice()?;
    let mut command = cargo();
    command.args([
        "test",
        "--package",
        "end-to-end",
        "--test",
        "crash",
        "--",
        "--nocapture",
    ]);
    if let Some(rounds) = rounds {
        command.env("SLUICE_CRASH_ROUNDS", rounds.to_string());
    }
    with_postgres(&mut command)
}

/// Runs cargo with its output untouched and answers its exit code.
fn with_postgres(command: &mut Command) -> Result<ExitCode> {
    let postgres = Postgres::start()?;
    let status = command
        .env("SLUICE_TEST_POSTGRES_URL", postgres.url())
        .status()
        .context("cargo could not be started")?;
    // No code: a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
