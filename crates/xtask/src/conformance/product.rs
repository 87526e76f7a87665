//! A running Sluice and a running simulator, as a person would start them.

use std::{fs, net::TcpListener, path::Path};

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::kept_process::{KeptProcess, last_lines};

/// `sluice up` beside `sluice simulator`, in a temporary folder. Dropping it ends both.
pub(super) struct Product {
    /// Where Sluice takes calls, host and port.
    pub(super) address: String,
    pub(super) simulator_url: String,
    sluice: KeptProcess,
    simulator: KeptProcess,
    // Last, so that it outlives the two programs.
    directory: TempDir,
}

impl Product {
    /// Starts both. They may not listen yet: the client waits for them.
    pub(super) fn start(program: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("sluice-conformance-").tempdir()?;
        let [address, simulator_address] = free_addresses()?;
        let simulator_url = format!("http://{simulator_address}");

        let simulator = KeptProcess::start(
            program,
            ["simulator", "--listen", &simulator_address],
            &[],
            &directory.path().join("simulator.log"),
        )?;
        let settings = directory.path().join("sluice.toml");
        fs::write(
            &settings,
            format!(
                "data_dir = {:?}\n\
                 [listen]\npublic = \"{address}\"\n\
                 [salesforce]\nsimulator_url = \"{simulator_url}\"\n",
                directory.path().join("data")
            ),
        )?;
        let settings = settings.display().to_string();
        let sluice = KeptProcess::start(
            program,
            ["up", "--config", &settings],
            &[],
            &directory.path().join("sluice.log"),
        )?;
        Ok(Self {
            address,
            simulator_url,
            sluice,
            simulator,
            directory,
        })
    }

    /// Prints the end of both logs.
    pub(super) fn explain(&self) {
        for name in ["simulator.log", "sluice.log"] {
            println!("--- {name}\n{}", last_lines(&self.directory.path().join(name)));
        }
    }

    /// Ends both; SIGTERM must be enough, and no fault.
    pub(super) fn end(self) -> Result<()> {
        for (name, process) in [("sluice up", self.sluice), ("sluice simulator", self.simulator)] {
            let status = process.end()?;
            if !status.success() {
                bail!("{name} ended with {status} on SIGTERM");
            }
            println!("ok: {name} ends well on SIGTERM");
        }
        Ok(())
    }
}

/// Returns two loopback addresses that nobody uses.
fn free_addresses() -> Result<[String; 2]> {
    // Both are held until both are known, so that they differ.
    let (first, second) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok([first.local_addr()?.to_string(), second.local_addr()?.to_string()])
}
