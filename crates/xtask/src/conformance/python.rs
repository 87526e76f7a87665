//! The foreign client and what it needs: a virtual environment and stubs generated from the protos.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    debian, repository,
    run::{on_path, run, works},
};

use super::product::Product;

/// A Python with grpcio, and stubs of our services.
pub(super) struct Python {
    interpreter: PathBuf,
    stubs: PathBuf,
}

impl Python {
    /// Makes the environment and the stubs; what an earlier run installed is used again.
    pub(super) fn prepare(directory: &Path) -> Result<Self> {
        let environment = directory.join("venv");
        let python = Self {
            interpreter: environment.join("bin/python"),
            stubs: directory.join("stubs"),
        };
        let requirements = client_directory().join("requirements.txt");
        let wanted = fs::read_to_string(&requirements).context("clients/python/requirements.txt")?;
        let installed = environment.join("installed.txt");
        if fs::read_to_string(&installed).ok().as_ref() != Some(&wanted) {
            make_environment(&environment)?;
            run(python
                .command()
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--requirement",
                ])
                .arg(&requirements))?;
            fs::write(&installed, wanted)?;
        }
        python.generate_stubs()?;
        Ok(python)
    }

    fn generate_stubs(&self) -> Result<()> {
        // A proto that is gone must not live on as a stub.
        remove_directory(&self.stubs)?;
        fs::create_dir_all(&self.stubs)?;
        let protos = repository::root().join("proto");
        let mut files = Vec::new();
        proto_files(&protos, &mut files)?;
        run(self
            .command()
            .args(["-m", "grpc_tools.protoc"])
            .arg(format!("--proto_path={}", protos.display()))
            .arg(format!("--python_out={}", self.stubs.display()))
            .arg(format!("--grpc_python_out={}", self.stubs.display()))
            .args(&files))
    }

    /// Runs the client against a running Sluice.
    pub(super) fn run_conformance(&self, product: &Product) -> Result<()> {
        run(self
            .command()
            .arg(client_directory().join("conformance.py"))
            .args(["--address", &product.address])
            .args(["--simulator", &product.simulator_url])
            .env("PYTHONPATH", &self.stubs)
            // Lines are seen as they come.
            .env("PYTHONUNBUFFERED", "1"))
    }

    /// Fails unless a file of ours is YAML.
    pub(super) fn check_yaml(&self, file: &str) -> Result<()> {
        run(self
            .command()
            .args(["-c", "import sys, yaml; yaml.safe_load(open(sys.argv[1]))", file])
            .current_dir(repository::root()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn client_directory() -> PathBuf {
    repository::root().join("clients/python")
}

/// Makes a fresh virtual environment. Debian's Python lacks the module for it until it is installed.
fn make_environment(environment: &Path) -> Result<()> {
    if on_path("python3").is_none() {
        debian::install(
            "python3-venv",
            "the foreign client needs Python 3, which is not here",
        )?;
    }
    if !works(Command::new("python3").args(["-c", "import ensurepip"]))? {
        debian::install("python3-venv", "Python's venv is not here")?;
    }
    remove_directory(environment)?;
    run(Command::new("python3").args(["-m", "venv"]).arg(environment))
}

fn proto_files(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            proto_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

fn remove_directory(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| directory.display().to_string())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
