//! `sluice up`: all services in this process.

use service::{Clock, telemetry::Telemetry};
use tracing::info;

use super::{installation::Installation, stop};
use crate::settings::Settings;

pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let telemetry = Telemetry::set_up(&settings.telemetry, "sluice")?;
    let installation = Installation::start(settings, Clock::system()).await?;
    stop::on_signal(installation.shutdown())?;
    let database = if settings.database_url.is_some() {
        "postgres"
    } else {
        "sqlite"
    };
    info!(
        server.address = %installation.address(),
        database,
        data_dir = %settings.data_dir.display(),
        "ready: all services"
    );
    if let Some(url) = &settings.salesforce.simulator_url {
        info!(%url, "salesforce is a simulator");
    }
    let ended = installation.stopped().await;
    info!("stopped");
    telemetry.shut_down();
    ended
}
