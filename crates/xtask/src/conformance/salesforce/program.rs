//! A client's program, ready to run.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{cargo::cargo, repository, run::run};

use super::{
    super::venv::{Dependencies, Venv},
    Keys,
    clients::{Client, Runtime},
    folder,
    node::Modules,
};

/// Longest that one client may take for all its cases. They take a few seconds.
const LIMIT: &str = "90s";

/// A program and all its packages.
pub(super) struct Program(Command);

/// What a program printed, and whether it ended well.
pub(super) struct Run {
    pub(super) printed: String,
    /// How it ended, if not well, with the end of what it said besides.
    pub(super) failure: Option<String>,
}

/// Installs what a client needs, or builds it.
pub(super) fn prepare(client: &Client, directory: &Path) -> Result<Program> {
    let sources = folder().join(client.name);
    let command = match client.runtime {
        Runtime::Node => {
            let modules = Modules::prepare(&directory.join(client.name), &sources, client.name)?;
            let mut command = Command::new(modules.node);
            command
                .arg(sources.join("conformance.js"))
                .env("NODE_PATH", modules.folder);
            command
        }
        Runtime::Python => {
            let mut command = venv(directory, client.name)?.command();
            command.arg(sources.join("conformance.py"));
            command
        }
        Runtime::Crate(package) => {
            run(cargo().args(["build", "--package", package, "--example", "conformance"]))?;
            Command::new(repository::target().join("debug/examples/conformance"))
        }
    };
    Ok(Program(command))
}

/// Returns the Python of one client.
pub(super) fn venv(directory: &Path, client: &str) -> Result<Venv> {
    let requirements = folder().join(client).join("requirements.txt");
    Venv::prepare(&directory.join(client), &requirements, Dependencies::Listed)
}

impl Program {
    /// Runs it to its end, or to that of its time. What it says besides its lines goes to `log`.
    pub(super) fn run(self, simulator_url: &str, keys: &Keys, log: &Path) -> Result<Run> {
        let errors = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5s", LIMIT])
            .arg(self.0.get_program())
            .args(self.0.get_args())
            .args(["--simulator", simulator_url])
            .arg("--key")
            .arg(&keys.key)
            .arg("--certificate")
            .arg(&keys.certificate);
        for (name, value) in self.0.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let output = command
            .stdin(Stdio::null())
            .stderr(errors)
            .output()
            .context("timeout could not be started")?;
        let said = fs::read_to_string(log).unwrap_or_default();
        let failure = match output.status.code() {
            Some(0) => None,
            Some(124) => Some(format!("took longer than {LIMIT}\n{said}")),
            _ => Some(format!("ended with {}\n{said}", output.status)),
        };
        Ok(Run {
            printed: String::from_utf8_lossy(&output.stdout).into_owned(),
            failure,
        })
    }
}
