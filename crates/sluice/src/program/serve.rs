//! `sluice serve`: one service in this process, the others elsewhere.

use anyhow::Context;
use auth_service::AuthService;
use config_service::{ConfigService, DEFAULT_PLAN_POLL_INTERVAL};
use delivery_service::{DeliveryService, lane::machine::LaneSettings};
use service::{
    Clock,
    grpc::{
        Listener,
        client::{TracedChannel, channel, traced},
        with_health_and_reflection,
    },
    telemetry::Telemetry,
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing::info;

use super::{
    data_dir::DataDir,
    installation::{auth_settings, seed},
    json, stop,
};
use crate::{cli::ServiceName, settings::Settings};

pub async fn run(service: ServiceName, settings: &Settings) -> anyhow::Result<()> {
    anyhow::ensure!(
        settings.database_url.is_some(),
        "services on their own share a Postgres: set database_url, or run `sluice up`"
    );
    let name = match service {
        ServiceName::Config => "sluice-config",
        ServiceName::Auth => "sluice-auth",
        ServiceName::Delivery => "sluice-delivery",
    };
    let telemetry = Telemetry::set_up(&settings.telemetry, name)?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    let shutdown = CancellationToken::new();
    stop::on_signal(shutdown.clone())?;
    let listener = Listener::bind_public(settings.listen.public).await?;
    match service {
        ServiceName::Auth => auth(settings, listener, shutdown).await?,
        ServiceName::Config => config(settings, listener, shutdown).await?,
        ServiceName::Delivery => delivery(settings, &data_dir, listener, shutdown).await?,
    }
    info!("stopped");
    telemetry.shut_down();
    Ok(())
}

async fn auth(settings: &Settings, listener: Listener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let internal = internal_listener(settings).await?;
    let auth = AuthService::open(auth_settings(settings, &Clock::system())?).await?;
    ready(&listener, settings);
    let public = public(
        auth.add_public_routes(Routes::default()),
        &auth_service::PUBLIC_SERVICES,
    )
    .await?;
    let private = with_health(
        auth.add_internal_routes(Routes::default()),
        &auth_service::INTERNAL_SERVICES,
    )
    .await;
    tokio::try_join!(
        listener.serve(public, shutdown.clone()),
        internal.serve(private, shutdown)
    )?;
    auth.close().await;
    Ok(())
}

async fn config(settings: &Settings, listener: Listener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let internal = internal_listener(settings).await?;
    let config = ConfigService::open(config_service::Settings {
        database: settings.database(),
        auth: internal_channel(settings, settings.internal.auth.as_deref(), "internal.auth")?,
        salesforce: settings.salesforce()?,
        clock: Clock::system(),
        max_segments_per_destination: settings.config.max_segments_per_destination,
        max_destinations_per_workspace: settings.config.max_destinations_per_workspace,
        egress_addresses: settings.config.egress_addresses.clone(),
        plan_poll_interval: DEFAULT_PLAN_POLL_INTERVAL,
    })
    .await
    .context("the config-service has no database")?;
    ready(&listener, settings);
    let public = public(
        config.add_public_routes(Routes::default()),
        &config_service::PUBLIC_SERVICES,
    )
    .await?;
    let private = config.add_internal_routes(Routes::default(), shutdown.clone());
    let private = with_health(private, &config_service::INTERNAL_SERVICES).await;
    tokio::try_join!(
        listener.serve(public, shutdown.clone()),
        internal.serve(private, shutdown.clone()),
        async {
            config.run_recurring(shutdown).await;
            Ok(())
        }
    )?;
    config.close().await;
    Ok(())
}

async fn delivery(
    settings: &Settings,
    data_dir: &DataDir,
    listener: Listener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let delivery = DeliveryService::open(
        delivery_service::Settings {
            database: settings.database(),
            key_file: settings.data_dir.join("delivery.key"),
            config: internal_channel(settings, settings.internal.config.as_deref(), "internal.config")?,
            auth: internal_channel(settings, settings.internal.auth.as_deref(), "internal.auth")?,
            salesforce: settings.salesforce()?,
            clock: Clock::system(),
            lanes: LaneSettings::default(),
            seed: seed()?,
            instance: data_dir.instance().to_owned(),
        },
        shutdown.clone(),
    )
    .await?;
    ready(&listener, settings);
    let public = public(
        delivery.add_public_routes(Routes::default()),
        &delivery_service::PUBLIC_SERVICES,
    )
    .await?;
    let calls = tokio::spawn(listener.serve(public, shutdown.clone()));
    let ended = delivery.run().await;
    shutdown.cancel();
    calls.await??;
    Ok(ended?)
}

/// Says so when everything is open and calls are about to be taken.
fn ready(listener: &Listener, settings: &Settings) {
    info!(server.address = %listener.address(), data_dir = %settings.data_dir.display(), "ready");
}

/// Adds JSON, health and reflection to the public routes of a service.
async fn public(routes: Routes, services: &[&'static str]) -> anyhow::Result<Routes> {
    Ok(with_health(json::api(services)?.beside(routes), services).await)
}

async fn with_health(routes: Routes, services: &[&'static str]) -> Routes {
    with_health_and_reflection(routes, contracts::FILE_DESCRIPTORS, services).await
}

async fn internal_listener(settings: &Settings) -> anyhow::Result<Listener> {
    let tls = settings
        .internal
        .tls
        .as_ref()
        .map(service::grpc::tls::TlsSettings::server)
        .transpose()?;
    Ok(Listener::bind_internal(settings.listen.internal, tls).await?)
}

fn internal_channel(settings: &Settings, address: Option<&str>, key: &str) -> anyhow::Result<TracedChannel> {
    let address =
        address.with_context(|| format!("{key} is not set: where that service's internal listener is"))?;
    let tls = settings
        .internal
        .tls
        .as_ref()
        .map(service::grpc::tls::TlsSettings::client)
        .transpose()?;
    Ok(traced(
        channel(address, tls.as_ref()).with_context(|| format!("{key} cannot be used"))?,
    ))
}
