//! What admins configure: connections, destinations, field mappings, segments
//! with their Mapping IDs. Validates, compiles plans and streams their changes.

mod backfill_service;
mod catalog;
mod catalog_service;
mod connection_service;
mod destination_service;
mod difference;
mod for_people;
mod governance_service;
mod plan_notifications;
mod plan_service;
mod plan_watch;
mod preflight_service;
mod provisioning;
mod provisioning_service;
mod request_rows;
mod segment_service;
mod session;
mod warnings;

pub mod backfills;
pub mod connections;
pub mod destinations;
pub mod governance;
pub mod org;
pub mod preflight;
pub mod segments;
pub mod store;

use std::{sync::Arc, time::Duration};

use contracts::{
    auth::v1::token_service_client::TokenServiceClient,
    config::v1::{
        backfill_service_server::BackfillServiceServer, catalog_service_server::CatalogServiceServer,
        connection_service_server::ConnectionServiceServer,
        destination_service_server::DestinationServiceServer,
        governance_service_server::GovernanceServiceServer, plan_service_server::PlanServiceServer,
        preflight_service_server::PreflightServiceServer,
        provisioning_service_server::ProvisioningServiceServer, segment_service_server::SegmentServiceServer,
    },
};
use salesforce::Http;
use service::{
    Clock,
    database::{self, Location, Migrations},
    grpc::client::TracedChannel,
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::{org::Orgs, preflight::recurring::RecurringChecks, store::Store};

/// Full names of the public services, for health and reflection.
pub const PUBLIC_SERVICES: [&str; 8] = [
    "sluice.config.v1.BackfillService",
    "sluice.config.v1.CatalogService",
    "sluice.config.v1.ConnectionService",
    "sluice.config.v1.DestinationService",
    "sluice.config.v1.GovernanceService",
    "sluice.config.v1.PreflightService",
    "sluice.config.v1.ProvisioningService",
    "sluice.config.v1.SegmentService",
];
/// Full names of the internal services.
pub const INTERNAL_SERVICES: [&str; 1] = ["sluice.config.v1.PlanService"];

/// Most segments active on a destination at once. The source document's own
/// number (requirements.md, row 25).
pub const DEFAULT_MAX_SEGMENTS: usize = 25;

/// Most destinations of a workspace. The platform's own hard limit
/// (requirements.md, row 58).
pub const DEFAULT_MAX_DESTINATIONS: u32 = 100;

/// How often plan changes of other processes are looked for, which nothing else
/// tells of on SQLite, and on Postgres while notifications do not arrive.
pub const DEFAULT_PLAN_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What the service needs.
pub struct Settings {
    pub database: Location,
    /// Channel to the auth-service's internal listener.
    pub auth: TracedChannel,
    pub salesforce: Http,
    pub clock: Clock,
    pub max_segments_per_destination: usize,
    pub max_destinations_per_workspace: u32,
    /// Where this installation's calls to Salesforce come from, for people.
    pub egress_addresses: Vec<String>,
    pub plan_poll_interval: Duration,
}

/// The running service.
#[derive(Clone)]
pub struct ConfigService {
    store: Store,
    orgs: Orgs,
    max_segments: usize,
    max_destinations: u32,
    egress_addresses: Arc<[String]>,
    recurring_checks: RecurringChecks,
    plan_poll_interval: Duration,
}

impl ConfigService {
    pub async fn open(settings: Settings) -> Result<Self, database::OpenError> {
        let database = settings.database.open("config", &migrations()).await?;
        let egress_addresses: Arc<[String]> = settings.egress_addresses.into();
        let store = Store::new(database, settings.clock);
        let orgs = Orgs::new(
            TokenServiceClient::new(settings.auth),
            settings.salesforce,
            egress_addresses.clone(),
        );
        let max_segments = settings.max_segments_per_destination;
        Ok(Self {
            recurring_checks: RecurringChecks::new(store.clone(), orgs.clone(), max_segments),
            store,
            orgs,
            max_segments,
            max_destinations: settings.max_destinations_per_workspace,
            egress_addresses,
            plan_poll_interval: settings.plan_poll_interval,
        })
    }

    pub fn add_public_routes(&self, routes: Routes) -> Routes {
        routes
            .add_service(BackfillServiceServer::new(backfill_service::Adapter {
                store: self.store.clone(),
            }))
            .add_service(CatalogServiceServer::new(catalog_service::Adapter {
                store: self.store.clone(),
                egress_addresses: self.egress_addresses.clone(),
            }))
            .add_service(ConnectionServiceServer::new(connection_service::Adapter {
                store: self.store.clone(),
                orgs: self.orgs.clone(),
            }))
            .add_service(DestinationServiceServer::new(destination_service::Adapter {
                store: self.store.clone(),
                orgs: self.orgs.clone(),
                max_segments: self.max_segments,
                max_destinations: self.max_destinations.into(),
            }))
            .add_service(GovernanceServiceServer::new(governance_service::Adapter {
                store: self.store.clone(),
            }))
            .add_service(PreflightServiceServer::new(preflight_service::Adapter {
                store: self.store.clone(),
                orgs: self.orgs.clone(),
                max_segments: self.max_segments,
            }))
            .add_service(ProvisioningServiceServer::new(provisioning_service::Adapter {
                store: self.store.clone(),
                orgs: self.orgs.clone(),
            }))
            .add_service(SegmentServiceServer::new(segment_service::Adapter {
                store: self.store.clone(),
            }))
    }

    /// `shutdown` ends the streams, which otherwise never end, and what wakes
    /// them when another replica changes something.
    pub fn add_internal_routes(&self, routes: Routes, shutdown: CancellationToken) -> Routes {
        tokio::spawn(plan_notifications::listen(self.store.clone(), shutdown.clone()));
        routes.add_service(PlanServiceServer::new(plan_service::Adapter {
            store: self.store.clone(),
            poll_interval: self.plan_poll_interval,
            shutdown,
        }))
    }

    /// Does what recurs until shutdown: checks live destinations. Of several
    /// processes on one database one does it.
    pub async fn run_recurring(&self, shutdown: CancellationToken) {
        self.recurring_checks.run(shutdown).await;
    }

    /// Checks the live destinations that are due now, unless another process
    /// does; returns how many were checked.
    pub async fn check_live_destinations(&self) -> Result<usize, sqlx::Error> {
        self.recurring_checks.round().await
    }

    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// The tables of this service.
pub fn migrations() -> Migrations {
    Migrations {
        sqlite: sqlx::migrate!("../../migrations/config/sqlite"),
        postgres: sqlx::migrate!("../../migrations/config/postgres"),
    }
}
