//! All services in one process, their internal calls in memory.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use auth_service::AuthService;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use config_service::{ConfigService, DEFAULT_PLAN_POLL_INTERVAL};
use delivery_service::{DeliveryService, lane::machine::LaneSettings};
use service::{
    Clock,
    grpc::{Listener, client::traced, memory, with_health_and_reflection},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::{data_dir::DataDir, json};
use crate::settings::Settings;

/// How long callers may take to hang up once the services have stopped.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// Running services.
pub struct Installation {
    address: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Installation {
    /// Starts everything; returns when calls are taken.
    pub async fn start(settings: &Settings, clock: Clock) -> anyhow::Result<Self> {
        let data_dir = DataDir::open(&settings.data_dir)?;
        let listener = Listener::bind_public(settings.listen.public).await?;
        let address = listener.address();
        let shutdown = CancellationToken::new();
        // The internal calls outlive the public ones: what is under way at a
        // shutdown may still need a token.
        let stop_internal = CancellationToken::new();
        let (auth_listener, auth_connector) = memory::pair();
        let (config_listener, config_connector) = memory::pair();

        let auth = AuthService::open(auth_settings(settings, &clock)?).await?;
        let config = ConfigService::open(config_service::Settings {
            database: settings.database(),
            auth: traced(auth_connector.channel()),
            salesforce: settings.salesforce()?,
            clock: clock.clone(),
            max_segments_per_destination: settings.config.max_segments_per_destination,
            max_destinations_per_workspace: settings.config.max_destinations_per_workspace,
            egress_addresses: settings.config.egress_addresses.clone(),
            plan_poll_interval: DEFAULT_PLAN_POLL_INTERVAL,
        })
        .await
        .context("the config-service has no database")?;
        let delivery = DeliveryService::open(
            delivery_service::Settings {
                database: settings.database(),
                key_file: settings.data_dir.join("delivery.key"),
                config: traced(config_connector.channel()),
                auth: traced(auth_connector.channel()),
                salesforce: settings.salesforce()?,
                clock,
                lanes: LaneSettings::default(),
                seed: seed()?,
                instance: data_dir.instance().to_owned(),
            },
            shutdown.clone(),
        )
        .await?;

        let auth_calls = tokio::spawn(
            auth_listener.serve(auth.add_internal_routes(Routes::default()), stop_internal.clone()),
        );
        let config_calls = tokio::spawn(config_listener.serve(
            config.add_internal_routes(Routes::default(), stop_internal.clone()),
            stop_internal.clone(),
        ));
        let public =
            delivery.add_public_routes(config.add_public_routes(auth.add_public_routes(Routes::default())));
        let services = json::public_services();
        let public = json::api(&services)?.beside(public);
        let public = with_health_and_reflection(public, contracts::FILE_DESCRIPTORS, &services).await;
        let public_calls = tokio::spawn(listener.serve(public, shutdown.clone()));

        let recurring = tokio::spawn({
            let (config, stop_internal) = (config.clone(), stop_internal.clone());
            async move { config.run_recurring(stop_internal).await }
        });

        let stop = shutdown.clone();
        let stopped = format!(
            "the delivery-service stopped (data directory {})",
            settings.data_dir.display()
        );
        let running = tokio::spawn(async move {
            // Held until the very end.
            let _data_dir = data_dir;
            let delivered = delivery.run().await.context(stopped);
            stop.cancel();
            let _ = tokio::time::timeout(HANG_UP_TIMEOUT, public_calls).await;
            stop_internal.cancel();
            let _ = tokio::time::timeout(HANG_UP_TIMEOUT, async {
                let _ = recurring.await;
                let _ = config_calls.await;
                let _ = auth_calls.await;
            })
            .await;
            config.close().await;
            auth.close().await;
            delivered
        });
        Ok(Self {
            address,
            shutdown,
            running,
        })
    }

    /// Returns the public address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the token that stops it.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Waits until it has stopped, by itself or by the token.
    pub async fn stopped(self) -> anyhow::Result<()> {
        self.running.await.context("the services ended unexpectedly")?
    }

    /// Stops it and waits until it has.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.stopped().await
    }
}

pub(crate) fn auth_settings(settings: &Settings, clock: &Clock) -> anyhow::Result<auth_service::Settings> {
    Ok(auth_service::Settings {
        database: settings.database(),
        key_file: settings.data_dir.join("auth.key"),
        salesforce: settings.salesforce()?,
        clock: clock.clone(),
    })
}

/// Makes a seed; randomness enters here and nowhere else.
pub(crate) fn seed() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the operating system gave no randomness"))?;
    Ok(u64::from_le_bytes(bytes))
}
