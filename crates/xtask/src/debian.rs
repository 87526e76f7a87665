//! What a Debian machine may lack.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{output, run};

/// Tells whether we are root, who may install packages.
pub(crate) fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// Installs a package as root; anybody else is told the line to run.
pub(crate) fn install(package: &str, why: &str) -> Result<()> {
    if !is_root()? {
        bail!("{why}; run this, then try again:\n{}", install_line(package));
    }
    println!("xtask: {why}, so the package {package} is installed");
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends", package])
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Returns what a person types to install a package.
pub(crate) fn install_line(package: &str) -> String {
    format!("sudo apt-get update && sudo apt-get install --yes --no-install-recommends {package}")
}
