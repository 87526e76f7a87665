//! npm, which some of the foreign tools come by.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{debian, run::on_path};

/// Returns npm, installing into the folder of the returned command; a machine without it is told what to install.
pub(super) fn npm(wanted_for: &str) -> Result<Command> {
    if on_path("npm").is_none() {
        bail!(
            "{wanted_for} comes as an npm package and npm is not here; install Node.js with npm 9 or newer \
             (on Debian: {}), then try again",
            debian::install_line("npm")
        );
    }
    let mut command = Command::new("npm");
    command.args(["--loglevel=error", "--no-audit", "--no-fund"]);
    Ok(command)
}
