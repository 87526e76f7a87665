//! `sluice up` with a data directory of its own, and the commands that people give it.

use std::{
    net::TcpListener,
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::Context;
use contracts::delivery::v1::{
    ListRunsRequest, Receipt, Run, WatchReceiptsRequest, receipt_service_client::ReceiptServiceClient,
    run_service_client::RunServiceClient,
};
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

use crate::{
    processes::{Finished, Running, finish, sluice},
    simulator::{CLIENT_ID, CLIENT_SECRET, Org, Simulator},
    until::PATIENCE,
};

/// A data directory and a port, served or not.
pub struct Installation {
    directory: TempDir,
    address: String,
    simulator: String,
    database_url: Option<String>,
    channel: Channel,
    up: Option<Running>,
}

/// All runs of a destination together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub received: i64,
    pub waiting: i64,
    pub delivered: i64,
    pub excluded: i64,
    pub failed: i64,
}

impl Installation {
    /// Starts one against a simulator, on files.
    pub async fn start(simulator: &Simulator) -> anyhow::Result<Self> {
        let mut installation = Self::prepare(simulator, None)?;
        installation.up().await?;
        Ok(installation)
    }

    /// Starts one against a simulator, on Postgres.
    pub async fn start_on_postgres(simulator: &Simulator, database_url: &str) -> anyhow::Result<Self> {
        let mut installation = Self::prepare(simulator, Some(database_url.to_owned()))?;
        installation.up().await?;
        Ok(installation)
    }

    /// Chooses directory and port, and starts nothing.
    fn prepare(simulator: &Simulator, database_url: Option<String>) -> anyhow::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        Ok(Self {
            directory: tempfile::tempdir()?,
            channel: Endpoint::from_shared(format!("http://{address}"))?.connect_lazy(),
            address,
            simulator: simulator.url().to_owned(),
            database_url,
            up: None,
        })
    }

    /// Starts the services, on the same data and the same port each time, and returns when they are ready.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        let mut command = sluice("up")?;
        command
            .args([
                "--listen",
                &self.address,
                "--simulator",
                &self.simulator,
                "--data-dir",
            ])
            .arg(self.directory.path().join("data"));
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        self.up_by(&mut command).await
    }

    /// Starts the services where no file may grow beyond this size, as on a disk that is full then.
    pub async fn up_with_small_files(&mut self, kibibytes: u32) -> anyhow::Result<()> {
        let program = crate::processes::program()?;
        let mut command = Command::new("sh");
        crate::processes::without_settings(&mut command);
        // Without the trap the limit is a signal; a full disk is an error of the write. sh counts in 512 bytes.
        command
            .args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh"])
            .arg((kibibytes * 2).to_string())
            .arg(program)
            .args([
                "up",
                "--listen",
                &self.address,
                "--simulator",
                &self.simulator,
                "--data-dir",
            ])
            .arg(self.directory.path().join("data"));
        self.up_by(&mut command).await
    }

    async fn up_by(&mut self, command: &mut Command) -> anyhow::Result<()> {
        let mut up = Running::start("sluice up", command)?;
        up.line_with("ready: all services").await?;
        self.up = Some(up);
        Ok(())
    }

    /// Returns the data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Kills the services with SIGKILL.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.taken()?.kill().await
    }

    /// Stops the services with SIGTERM.
    pub async fn terminate(&mut self) -> anyhow::Result<Finished> {
        self.taken()?.terminate().await
    }

    /// Waits until the services have ended by themselves.
    pub async fn ended(&mut self) -> anyhow::Result<Finished> {
        self.taken()?.ended().await
    }

    fn taken(&mut self) -> anyhow::Result<Running> {
        self.up.take().context("the services do not run")
    }

    /// Prepares a command that talks to these services; its words have no spaces in them.
    pub fn command(&self, line: &str) -> anyhow::Result<Command> {
        let mut command = sluice(line)?;
        command.env("SLUICE_SERVER", self.url());
        Ok(command)
    }

    /// Gives a command to its end.
    pub async fn run(&self, line: &str) -> anyhow::Result<Finished> {
        finish(&mut self.command(line)?).await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a file of documents, one a line, and returns its path.
    pub fn write(&self, name: &str, lines: &[String]) -> anyhow::Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::write(&path, lines.join("\n"))?;
        Ok(path)
    }

    /// Creates the connection `acme`.
    pub async fn connect(&self, org: &Org) -> anyhow::Result<()> {
        self.run(&format!("connections create acme --custom-domain {}", org.domain))
            .await?
            .succeeded()?;
        let mut put = self.command(&format!("credentials put acme --client-id {CLIENT_ID}"))?;
        finish(put.env("SLUICE_CLIENT_SECRET", CLIENT_SECRET))
            .await?
            .succeeded()?;
        Ok(())
    }

    /// Creates the connection `acme` and the draft `crm-contacts`, with the README's mappings and segments.
    pub async fn draft(&self, org: &Org) -> anyhow::Result<()> {
        self.connect(org).await?;
        for line in [
            "destinations create crm-contacts --connection acme --record-type contact",
            "mappings set crm-contacts identity:crmID=SalesforceId person.name.lastName=LastName \
             person.name.firstName=FirstName personalEmail.address=Email",
            "segments add crm-contacts crm-2=crm_2_seg vip=vip_customers newsletter=newsletter",
        ] {
            self.run(line).await?.succeeded()?;
        }
        Ok(())
    }

    /// Creates all of [`draft`](Self::draft) and activates it.
    pub async fn activate(&self, org: &Org) -> anyhow::Result<()> {
        self.draft(org).await?;
        self.run("destinations activate crm-contacts")
            .await?
            .succeeded()?;
        Ok(())
    }

    /// Returns the counts of `crm-contacts`; nothing while the services are away, or before the plan of a fresh
    /// activation has reached the delivery-service.
    pub async fn counts(&self) -> anyhow::Result<Option<Counts>> {
        let request = ListRunsRequest {
            parent: "workspaces/default/destinations/crm-contacts".to_owned(),
            page_size: 1_000,
            page_token: String::new(),
        };
        match RunServiceClient::new(self.channel.clone())
            .list_runs(request)
            .await
        {
            Ok(answer) => Ok(Some(Counts::of(&answer.into_inner().runs))),
            Err(status) => match status.code() {
                // A connection that breaks under a call has no code of its own.
                Code::Unavailable | Code::Unknown | Code::Cancelled | Code::NotFound => Ok(None),
                _ => Err(status.into()),
            },
        }
    }

    /// Returns the first so many receipts, in the order of settlement.
    pub async fn receipts(&self, count: usize) -> anyhow::Result<Vec<Receipt>> {
        let mut receipts = Vec::new();
        let watch = async {
            let mut stream = ReceiptServiceClient::new(self.channel.clone())
                .watch_receipts(WatchReceiptsRequest::default())
                .await?
                .into_inner();
            while receipts.len() < count {
                let message = stream.message().await?.context("the stream of receipts ended")?;
                receipts.extend(message.receipts);
            }
            Ok(())
        };
        let watched: anyhow::Result<()> = timeout(PATIENCE, watch)
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("they did not come")));
        watched.with_context(|| format!("{} of {count} receipts", receipts.len()))?;
        Ok(receipts)
    }
}

impl Counts {
    fn of(runs: &[Run]) -> Self {
        let total = |count: fn(&Run) -> i64| runs.iter().map(count).sum();
        Self {
            received: total(|run| run.profiles_received),
            waiting: total(|run| run.profiles_waiting),
            delivered: total(|run| run.identities_delivered),
            excluded: total(|run| run.identities_excluded),
            failed: total(|run| run.identities_failed),
        }
    }
}

/// Returns a port that nobody uses now. It is below those that the system gives to outgoing connections,
/// so that none of these takes it while a killed server is away.
pub fn free_port() -> anyhow::Result<u16> {
    const FIRST: u16 = 15_000;
    const PORTS: u16 = 15_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run at the same time begin at different places.
    let begin = u16::try_from(std::process::id() % u32::from(PORTS))?;
    for _ in 0..PORTS {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS;
        let port = FIRST + (begin + next) % PORTS;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free")
}
