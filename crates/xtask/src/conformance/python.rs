//! The foreign client of Sluice and what it needs: a virtual environment and stubs generated from the protos.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{repository, run::run};

use super::{
    product::Product,
    venv::{Dependencies, Venv, remove_directory},
};

/// A Python with grpcio, and stubs of our services.
pub(super) struct Python {
    venv: Venv,
    stubs: PathBuf,
}

impl Python {
    /// Makes the environment and the stubs; what an earlier run installed is used again.
    pub(super) fn prepare(directory: &Path) -> Result<Self> {
        let requirements = client_directory().join("requirements.txt");
        let python = Self {
            venv: Venv::prepare(&directory.join("venv"), &requirements, Dependencies::Added)?,
            stubs: directory.join("stubs"),
        };
        python.generate_stubs()?;
        Ok(python)
    }

    fn generate_stubs(&self) -> Result<()> {
        // A proto that is gone must not live on as a stub.
        remove_directory(&self.stubs)?;
        fs::create_dir_all(&self.stubs)?;
        let protos = repository::root().join("proto");
        let mut files = Vec::new();
        // Those of Google come with Python's packages.
        proto_files(&protos.join("sluice"), &mut files)?;
        run(self
            .venv
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
            .venv
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
            .venv
            .command()
            .args(["-c", "import sys, yaml; yaml.safe_load(open(sys.argv[1]))", file])
            .current_dir(repository::root()))
    }
}

fn client_directory() -> PathBuf {
    repository::root().join("clients/python")
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
