//! buf, the linter of protobuf, from its npm package.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{repository, run::run};

use super::npm::npm;

const PACKAGE: &str = "@bufbuild/buf@1.75.0";

/// Lints the protos by `buf.yaml`.
pub(super) fn lint(directory: &Path) -> Result<()> {
    let modules = directory.join("node");
    run(npm("buf")?
        .args(["install", "--silent", "--no-save", "--prefix"])
        .arg(&modules)
        .arg(PACKAGE))?;
    run(Command::new(modules.join("node_modules/.bin/buf"))
        .arg("lint")
        .current_dir(repository::root()))?;
    println!("ok: buf finds nothing to say about proto/");
    Ok(())
}
