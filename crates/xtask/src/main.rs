//! `cargo xtask <command>`: what this repository checks about itself.
//!
//! Each command is one module; `kept_process` and `postgres` say how whatever is started here ends again.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the commands talk to the person who started them"
)]

mod bench;
mod cargo;
mod conformance;
mod debian;
mod fuzz;
mod house_rules;
mod kept_process;
mod oracle_bites;
mod postgres;
mod repository;
mod requirements;
mod run;
mod workspace_tests;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Checks of the Sluice repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the house rules, then run every test, with a private Postgres beside SQLite.
    Test {
        /// Passed on to `cargo test --workspace`, for example a part of a test's name.
        #[arg(last = true, value_name = "ARGUMENTS")]
        cargo_arguments: Vec<String>,
    },
    /// Lint the protos and the compose file, drive a running Sluice with a foreign gRPC client (Python), and the
    /// Salesforce simulator with other people's Salesforce clients.
    Conformance {
        /// Only this Salesforce client, for example jsforce; may be given several times.
        #[arg(long = "client", value_name = "NAME")]
        clients: Vec<String>,
    },
    /// Run every test and print each requirement with the tests that prove it and how they ended.
    Requirements {
        /// Read what `cargo test --workspace --no-fail-fast` printed, instead of running the tests.
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
    },
    /// Put five faults into a copy of the mapping, one at a time; each must turn the demo red.
    OracleBites,
    /// Kill a running `sluice up` again and again while updates are sent; nothing accepted may be lost.
    Crash,
    /// The same for much longer.
    Soak {
        /// How many times it is killed.
        #[arg(long, default_value_t = 100)]
        rounds: u32,
    },
    /// Feed bytes that nobody thought of to what reads Salesforce's answers. Needs a C++ compiler.
    Fuzz {
        /// How long, after the build.
        #[arg(long, default_value_t = 120)]
        seconds: u32,
    },
    /// Measure with an optimised build.
    Bench {
        #[arg(value_enum, default_value_t = bench::Subject::Path)]
        subject: bench::Subject,
        /// Profiles to send through the path.
        #[arg(long, default_value_t = 100_000)]
        profiles: u32,
    },
}

fn main() -> ExitCode {
    run_command(Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn run_command(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Test { cargo_arguments } => workspace_tests::test(&cargo_arguments),
        Command::Conformance { clients } => conformance::run(&clients),
        Command::Requirements { log } => requirements::check(log.as_deref()),
        Command::OracleBites => oracle_bites::run(),
        Command::Crash => workspace_tests::crash(None),
        Command::Soak { rounds } => workspace_tests::crash(Some(rounds)),
        Command::Fuzz { seconds } => fuzz::run_for(seconds),
        Command::Bench { subject, profiles } => bench::measure(subject, profiles),
    }
}
