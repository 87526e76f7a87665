//! A private Postgres for the tests: a fresh cluster in a temporary folder, reached by a Unix socket only.

mod account;
mod package;
mod programs;

use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{debian, kept_process::KeptProcess};

use self::{account::Account, programs::Programs};

/// Makes the cluster, runs it until the end of its input, and removes it.
const KEEP: &str = include_str!("postgres/keep.sh");

/// A running cluster. Dropping it stops it and removes its folder; so does our own death.
pub(crate) struct Postgres {
    /// Held, never read.
    _kept: KeptProcess,
    directory: PathBuf,
}

impl Postgres {
    /// Starts a fresh cluster; installs Postgres where it is missing.
    pub(crate) fn start() -> Result<Self> {
        let programs = match Programs::find() {
            Some(programs) => programs,
            None => obtain()?,
        };
        let account = Account::unprivileged()?;
        let directory = new_directory(account.as_ref())?;
        let mut script = match &account {
            Some(account) => account.command("sh"),
            None => Command::new("sh"),
        };
        script
            .args(["-c", KEEP, "sh"])
            .arg(&programs.directory)
            .arg(&directory)
            // The folder we are in may be closed to that account.
            .current_dir(&directory);
        if let Some(libraries) = &programs.libraries {
            script.env("LD_LIBRARY_PATH", libraries);
        }
        let kept = KeptProcess::start_script(&mut script)
            .with_context(|| format!("the Postgres of {} does not run", programs.directory.display()))?;
        println!(
            "xtask: a private Postgres runs in {} ({})",
            directory.display(),
            programs.directory.display()
        );
        Ok(Self {
            _kept: kept,
            directory,
        })
    }

    /// Returns the URL of its database.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://sluice@localhost/postgres?host={}",
            self.directory.display()
        )
    }
}

/// Provides a Postgres on a machine that has none.
fn obtain() -> Result<Programs> {
    let missing = "the tests need Postgres, which is not here";
    if debian::is_root()? {
        debian::install("postgresql", missing)?;
        return Programs::find().context("postgresql was installed, and initdb is nowhere to be found");
    }
    println!("xtask: {missing}, so the distribution's package is unpacked below target/");
    package::unpack().with_context(|| {
        format!(
            "{missing}; run this, then try again:\n{}",
            debian::install_line("postgresql")
        )
    })
}

/// Makes the folder. It is directly below /tmp because the path of a Unix socket has 107 bytes at most.
fn new_directory(owner: Option<&Account>) -> Result<PathBuf> {
    let directory = tempfile::Builder::new()
        .prefix("sluice-postgres-")
        .permissions(PermissionsExt::from_mode(0o700))
        .tempdir_in("/tmp")
        .context("no folder could be made in /tmp")?;
    if let Some(account) = owner {
        chown(directory.path(), Some(account.user_id), Some(account.group_id))?;
    }
    // From here on the script owns it.
    Ok(directory.keep())
}

fn has_programs(directory: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"]
        .iter()
        .all(|program| directory.join(program).is_file())
}
