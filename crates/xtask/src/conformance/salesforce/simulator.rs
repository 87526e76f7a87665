//! A running simulator, as a person would start it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::kept_process::{KeptProcess, last_lines};

/// `sluice simulator` on a free port. Dropping it ends it.
pub(super) struct Simulator {
    pub(super) url: String,
    process: KeptProcess,
    log: PathBuf,
}

impl Simulator {
    /// Starts it; it listens once it has said where.
    pub(super) fn start(sluice: &Path, log: &Path) -> Result<Self> {
        let arguments = ["simulator", "--listen", "127.0.0.1:0"];
        let (process, line) = KeptProcess::start_announced(sluice, arguments, log)?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .with_context(|| format!("sluice simulator does not say where it listens: {line}"))?
            .to_owned();
        Ok(Self {
            url,
            process,
            log: log.to_owned(),
        })
    }

    /// Prints the end of its log.
    pub(super) fn explain(&self) {
        println!("--- simulator.log\n{}", last_lines(&self.log));
    }

    /// Ends it; SIGTERM must be enough, and no fault.
    pub(super) fn end(self) -> Result<()> {
        let status = self.process.end()?;
        if !status.success() {
            bail!("sluice simulator ended with {status} on SIGTERM");
        }
        Ok(())
    }
}
