//! The `sluice` command.

#![expect(clippy::print_stderr, reason = "a command-line program speaks to people")]

use std::process::ExitCode;

use clap::Parser;
use sluice::{cli::Cli, client::error_text};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match sluice::cli::run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", error_text(&error));
            ExitCode::FAILURE
        }
    }
}
