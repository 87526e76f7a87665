//! The OpenAPI document, judged by a validator, and the JSON API, driven by schemathesis, which knows the document alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{
    repository,
    run::{output, run},
};

use super::{
    product::Product,
    venv::{Dependencies, Venv},
};

/// A Python with both.
pub(super) struct OpenApi {
    venv: Venv,
    directory: PathBuf,
}

impl OpenApi {
    /// Makes the environment; what an earlier run installed is used again.
    pub(super) fn prepare(directory: &Path) -> Result<Self> {
        let requirements = client_directory().join("requirements.txt");
        let directory = directory.join("openapi");
        Ok(Self {
            venv: Venv::prepare(&directory, &requirements, Dependencies::Listed)?,
            directory,
        })
    }

    /// Fails unless what `sluice openapi` prints is OpenAPI.
    pub(super) fn validate(&self, sluice: &Path) -> Result<()> {
        let document = self.directory.join("openapi.json");
        fs::write(&document, output(Command::new(sluice).arg("openapi"))?)?;
        run(self
            .venv
            .command()
            .args([
                "-m",
                "openapi_spec_validator",
                "--schema",
                "3.1",
                "--errors",
                "all",
            ])
            .arg(&document))?;
        println!("ok: the OpenAPI document is one");
        Ok(())
    }

    /// Calls everything that the served document names, with values that it allows and others; no answer may be a
    /// server's fault, or other than the document says.
    ///
    /// What `Python::run_conformance` set up must be there.
    pub(super) fn drive(&self, product: &Product) -> Result<()> {
        run(self
            .venv
            .command()
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(client_directory().join("schemathesis.toml"))
            .arg("run")
            .arg(format!("http://{}/v1/openapi.json", product.address))
            .env("PYTHONPATH", client_directory())
            // What it remembers from run to run stays here.
            .current_dir(&self.directory))
    }
}

fn client_directory() -> PathBuf {
    repository::root().join("clients/openapi")
}
