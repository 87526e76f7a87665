//! The compose file, read by compose itself where it is here.

use std::process::Command;

use anyhow::Result;

use crate::{
    repository,
    run::{run, works},
};

use super::python::Python;

/// Checks `docker-compose.yml`: by Docker's plugin, by the older program, or else at least as YAML.
pub(super) fn check(python: &Python) -> Result<()> {
    let checker = if works(Command::new("docker").args(["compose", "version"]))? {
        run(Command::new("docker")
            .args(["compose", "config", "--quiet"])
            .current_dir(repository::root()))?;
        "docker compose"
    } else if works(Command::new("docker-compose").arg("version"))? {
        run(Command::new("docker-compose")
            .args(["config", "--quiet"])
            .current_dir(repository::root()))?;
        "docker-compose"
    } else {
        python.check_yaml("docker-compose.yml")?;
        "a YAML reader; compose is not here"
    };
    println!("ok: docker-compose.yml is valid ({checker})");
    Ok(())
}
