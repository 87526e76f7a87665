//! `sluice simulator`: a simulated Salesforce on its own.

use std::net::SocketAddr;

use salesforce_simulator::{Settings, Simulator};
use service::Clock;
use tokio_util::sync::CancellationToken;

use super::stop;

pub async fn run(listen: SocketAddr, allow_remote: bool) -> anyhow::Result<()> {
    anyhow::ensure!(
        listen.ip().is_loopback() || allow_remote,
        "{listen} can be reached from other machines, and the simulator lets anybody change everything; \
         use a loopback address, or say --allow-remote"
    );
    let simulator = start(listen, true).await?;
    let address = simulator.address();
    println!("Simulated Salesforce on http://{address}");
    println!("  org            acme.my.salesforce.com (100 Contacts, 100 Leads)");
    println!("  client id      sluice-sample-client");
    println!("  client secret  sluice-sample-secret");
    println!("  as an admin    sluice-sample-admin, sluice-sample-admin-secret");
    println!("  start sluice with: sluice up --simulator http://{address}");
    let stopped = CancellationToken::new();
    stop::on_signal(stopped.clone())?;
    stopped.cancelled().await;
    simulator.stop().await;
    Ok(())
}

/// Starts a simulator in this process.
pub async fn start(listen: SocketAddr, sample_org: bool) -> anyhow::Result<Simulator> {
    let clock = Clock::system();
    let clock = salesforce_simulator::Clock::new(move || clock.now());
    Ok(Simulator::start(Settings {
        listen,
        clock,
        sample_org,
    })
    .await?)
}
