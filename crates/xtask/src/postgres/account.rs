//! Who runs Postgres: it refuses to be root.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{
    debian,
    run::{output, works},
};

/// An ordinary account that root lends to Postgres.
pub(super) struct Account {
    pub(super) user_id: u32,
    pub(super) group_id: u32,
}

impl Account {
    /// Returns the account to change to; none when we are an ordinary user ourselves.
    pub(super) fn unprivileged() -> Result<Option<Self>> {
        if !debian::is_root()? {
            return Ok(None);
        }
        let has_postgres = works(Command::new("id").arg("postgres"))?;
        let name = if has_postgres { "postgres" } else { "nobody" };
        Ok(Some(Self {
            user_id: id("-u", name)?,
            group_id: id("-g", name)?,
        }))
    }

    /// Returns a command that runs a program as this account.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", self.user_id))
            .arg(format!("--regid={}", self.group_id))
            .args(["--clear-groups", program]);
        command
    }
}

fn id(what: &str, name: &str) -> Result<u32> {
    output(Command::new("id").args([what, name]))?
        .trim()
        .parse()
        .with_context(|| format!("id {what} {name} did not print a number"))
}
