//! Cargo, called from a program that cargo runs.

use std::{env, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{repository, run::run};

/// Returns cargo, in the root folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository::root());
    // What `cargo run` tells xtask about xtask would make build scripts believe that something has changed.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds the `sluice` program and returns where it is.
pub(crate) fn build_sluice() -> Result<PathBuf> {
    // The features of the whole workspace: the same build that the tests use, not a second one.
    run(cargo().args(["build", "--workspace", "--bin", "sluice"]))?;
    Ok(repository::target().join("debug").join("sluice"))
}
