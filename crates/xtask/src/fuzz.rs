//! `fuzz`: bytes that nobody thought of, fed to what reads Salesforce's answers.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{
    cargo::cargo,
    debian, repository,
    run::{on_path, run},
};

const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Fuzzes for `seconds`. What was found interesting is kept in `target/` for the next time; what makes a target
/// fail is left in its `artifacts` folder, and its path is printed.
pub(crate) fn run_for(seconds: u32) -> Result<ExitCode> {
    if on_path("c++").is_none() {
        debian::install("g++", "libFuzzer is C++ and there is no compiler for it")?;
    }
    let program = cargo_fuzz()?;
    let package = repository::root().join("crates/salesforce");
    let corpus = repository::target().join("fuzz-corpus").join("answers");
    fs::create_dir_all(&corpus)?;
    run(Command::new(program)
        .args(["fuzz", "run", "answers"])
        .arg(corpus)
        .arg("fuzz/seeds/answers")
        .args(["--", "-print_final_stats=1", "-rss_limit_mb=4096"])
        .arg(format!("-max_total_time={seconds}"))
        .current_dir(package)
        .env("CARGO_TARGET_DIR", repository::target().join("fuzz"))
        // Sanitizers are flags of the nightly compiler; this lets the stable one take them, in this build alone.
        .env("RUSTC_BOOTSTRAP", "1"))?;
    println!("ok: {seconds} seconds without a finding");
    Ok(ExitCode::SUCCESS)
}

/// Returns `cargo-fuzz`, installed into `target/` if it is not there.
fn cargo_fuzz() -> Result<PathBuf> {
    let root = repository::target().join("tools");
    let program = root.join("bin/cargo-fuzz");
    if !program.is_file() {
        run(cargo()
            .args([
                "install",
                "cargo-fuzz",
                "--locked",
                "--version",
                CARGO_FUZZ_VERSION,
                "--root",
            ])
            .arg(&root))?;
    }
    Ok(program)
}
