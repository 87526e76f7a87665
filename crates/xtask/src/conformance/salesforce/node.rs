//! Packages from npm, exactly those of a lock file, kept from run to run.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::run::run;

use super::super::{npm::npm, venv::remove_directory};

/// The packages of one `package-lock.json`, and a Node.js that runs them.
pub(super) struct Modules {
    pub(super) folder: PathBuf,
    pub(super) node: PathBuf,
}

impl Modules {
    /// Installs what `client` locks into `directory`; what an earlier run installed by the same lock is used again.
    pub(super) fn prepare(directory: &Path, client: &Path, wanted_for: &str) -> Result<Self> {
        let lock = client.join("package-lock.json");
        let wanted = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
        let installed = directory.join("installed.json");
        let folder = directory.join("node_modules");
        if fs::read_to_string(&installed).ok().as_ref() != Some(&wanted) {
            remove_directory(directory)?;
            fs::create_dir_all(directory)?;
            for file in ["package.json", "package-lock.json"] {
                fs::copy(client.join(file), directory.join(file)).with_context(|| file.to_owned())?;
            }
            run(npm(wanted_for)?
                // No package may run a program of its own here.
                .args(["ci", "--ignore-scripts"])
                .current_dir(directory))?;
            fs::write(&installed, wanted)?;
        }
        Ok(Self {
            node: node(&folder),
            folder,
        })
    }
}

/// Returns the Node.js that is locked with the packages, since they need a newer one than Debian has; on machines
/// that it is not made for, the one on the `PATH`.
fn node(folder: &Path) -> PathBuf {
    let architecture = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let locked = folder.join(format!("node-linux-{architecture}/bin/node"));
    if locked.is_file() {
        locked
    } else {
        PathBuf::from("node")
    }
}
