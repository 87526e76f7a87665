//! buf, the linter of protobuf, from its npm package.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{
    repository,
    run::{on_path, run},
};

const PACKAGE: &str = "@bufbuild/buf@1.75.0";

/// Lints the protos by `buf.yaml`.
pub(super) fn lint(directory: &Path) -> Result<()> {
    if on_path("npm").is_none() {
        bail!(
            "buf comes as an npm package and npm is not here; install Node.js with npm 9 or newer (on Debian: {}), \
             then try again",
            crate::debian::install_line("npm")
        );
    }
    let modules = directory.join("node");
    run(Command::new("npm")
        .args([
            "install",
            "--silent",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--prefix",
        ])
        .arg(&modules)
        .arg(PACKAGE))?;
    run(Command::new(modules.join("node_modules/.bin/buf"))
        .arg("lint")
        .current_dir(repository::root()))?;
    println!("ok: buf finds nothing to say about proto/");
    Ok(())
}
