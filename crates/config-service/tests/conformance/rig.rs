//! A running config-service with its auth-service, beside a simulated Salesforce.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use auth_service::AuthService;
use chrono::{DateTime, TimeDelta};
use config_service::{ConfigService, DEFAULT_MAX_SEGMENTS, DEFAULT_PLAN_POLL_INTERVAL};
use contracts::{
    auth::v1::{
        ClientCredentialsGrant, PasswordGrant, PutCredentialsRequest,
        credential_service_client::CredentialServiceClient, put_credentials_request::Grant,
    },
    config::v1::{
        ActivateDestinationRequest, AddSegmentsRequest, ApplyChangesRequest, CatalogEntry,
        CheckConnectionRequest, ConfirmOrgRequest, Connection, ConnectionCheck, CreateConnectionRequest,
        CreateDestinationRequest, DeleteConnectionRequest, DeleteDestinationRequest, DeliveryState,
        Destination, DestinationRevision, DisableDestinationRequest, DiscardChangesRequest,
        EnableDestinationRequest, FieldMapping, FieldSource, FieldTarget, GetConnectionRequest,
        GetDestinationRequest, ListCatalogEntriesRequest, ListRevisionsRequest, Plan, RecordType,
        RemoveSegmentRequest, ReportStatusRequest, RestoreRevisionRequest, SegmentActivation,
        SetFieldMappingsRequest, UpdateConnectionRequest, UpdateDestinationRequest, UpdateSegmentRequest,
        WaitingUpdates, WatchPlansRequest, WatchPlansResponse,
        backfill_service_client::BackfillServiceClient, catalog_service_client::CatalogServiceClient,
        connection_service_client::ConnectionServiceClient,
        destination_service_client::DestinationServiceClient, field_source::Source, field_target::Target,
        governance_service_client::GovernanceServiceClient, plan_service_client::PlanServiceClient,
        preflight_service_client::PreflightServiceClient,
        provisioning_service_client::ProvisioningServiceClient, segment_service_client::SegmentServiceClient,
        watch_plans_response::Event,
    },
};
use prost_types::FieldMask;
use serde_json::{Value, json};
use service::{
    Clock,
    grpc::{
        client::{TracedChannel, traced},
        memory,
    },
};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{
    Code, Request, Status, Streaming,
    metadata::MetadataValue,
    service::{Interceptor, Routes, interceptor::InterceptedService},
    transport::Channel,
};
use tonic_types::StatusExt;

use crate::{
    http::Http,
    place::Place,
    simulated::{ACME, Salesforce},
};

/// Fewer than the default, so that a test reaches it soon.
pub(crate) const MAX_DESTINATIONS: u32 = 12;
pub(crate) const WORKSPACE: &str = "workspaces/acme";
pub(crate) const CONNECTION: &str = "workspaces/acme/connections/crm";
pub(crate) const CONTACTS: &str = "workspaces/acme/destinations/contacts";

/// What the operator told.
pub(crate) const EGRESS_ADDRESSES: [&str; 2] = ["203.0.113.7", "203.0.113.8"];

pub(crate) struct Rig {
    pub(crate) salesforce: Arc<Salesforce>,
    pub(crate) connections: ConnectionServiceClient<Channel>,
    pub(crate) destinations: DestinationServiceClient<Channel>,
    pub(crate) preflight: PreflightServiceClient<Channel>,
    pub(crate) backfills: BackfillServiceClient<Channel>,
    pub(crate) catalog: CatalogServiceClient<Channel>,
    channel: Channel,
    pub(crate) segments: SegmentServiceClient<Channel>,
    pub(crate) governance: GovernanceServiceClient<Channel>,
    pub(crate) provisioning: ProvisioningServiceClient<Channel>,
    plans: PlanServiceClient<Channel>,
    credentials: CredentialServiceClient<Channel>,
    keys: Arc<TempDir>,
    auth: AuthService,
    pub(crate) config: ConfigService,
    auth_connector: memory::MemoryConnector,
    /// By how many seconds the config-service's clock is ahead.
    ahead: Arc<AtomicI64>,
    _serving: DropGuard,
}

impl Rig {
    /// Starts with an empty database and a Salesforce without orgs.
    pub(crate) async fn start(place: &Place) -> Self {
        Self::open(
            place,
            Arc::new(Salesforce::start(clock()).await),
            Arc::new(tempfile::tempdir().unwrap()),
        )
        .await
    }

    /// Starts with the connection [`CONNECTION`], which nothing was checked of.
    pub(crate) async fn start_with_connection(place: &Place) -> Self {
        let rig = Self::start(place).await;
        rig.create_connection(WORKSPACE, "crm", "acme").await.unwrap();
        rig
    }

    /// Starts with an org that has the field `vip__c`, a connection that can log in there, and the draft
    /// [`CONTACTS`], which lacks nothing.
    pub(crate) async fn start_with_finished_draft(place: &Place) -> Self {
        let rig = Self::start_with_connection(place).await;
        rig.salesforce.create_acme().await;
        rig.create_field(ACME, "vip__c").await;
        rig.put_credentials(CONNECTION, app("app-secret")).await;
        rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
        rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
        rig.add_segments(CONTACTS, &[segment("vip-people", "vip")])
            .await
            .unwrap();
        rig
    }

    /// Stops both services and starts them again on the same database.
    pub(crate) async fn restart(self, place: &Place) -> Self {
        self.config.close().await;
        self.auth.close().await;
        Self::open(place, self.salesforce, self.keys).await
    }

    /// Starts a replica beside this one, on the same database.
    pub(crate) async fn replica(&self, place: &Place) -> Self {
        Self::open(place, self.salesforce.clone(), self.keys.clone()).await
    }

    /// Starts a replica that looks for changes so seldom only, unless it is told of them.
    pub(crate) async fn replica_polling_every(&self, place: &Place, poll_interval: Duration) -> Self {
        let (salesforce, keys) = (self.salesforce.clone(), self.keys.clone());
        Self::open_polling(place, salesforce, keys, DEFAULT_MAX_SEGMENTS, poll_interval).await
    }

    /// Starts with an installation that allows so many segments, and the draft [`CONTACTS`].
    pub(crate) async fn start_with_max_segments(place: &Place, max_segments: usize) -> Self {
        let salesforce = Arc::new(Salesforce::start(clock()).await);
        let keys = Arc::new(tempfile::tempdir().unwrap());
        let rig = Self::open_with(place, salesforce, keys, max_segments).await;
        rig.create_connection(WORKSPACE, "crm", "acme").await.unwrap();
        rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
        rig
    }

    async fn open(place: &Place, salesforce: Arc<Salesforce>, keys: Arc<TempDir>) -> Self {
        Self::open_with(place, salesforce, keys, DEFAULT_MAX_SEGMENTS).await
    }

    async fn open_with(
        place: &Place,
        salesforce: Arc<Salesforce>,
        keys: Arc<TempDir>,
        max_segments: usize,
    ) -> Self {
        Self::open_polling(place, salesforce, keys, max_segments, DEFAULT_PLAN_POLL_INTERVAL).await
    }

    async fn open_polling(
        place: &Place,
        salesforce: Arc<Salesforce>,
        keys: Arc<TempDir>,
        max_segments: usize,
        plan_poll_interval: Duration,
    ) -> Self {
        let auth = AuthService::open(auth_service::Settings {
            database: place.location.clone(),
            key_file: keys.path().join("auth.key"),
            salesforce: salesforce.http(),
            clock: clock(),
        })
        .await
        .unwrap();
        let shutdown = CancellationToken::new();
        let (listener, auth_connector) = memory::pair();
        let routes = auth.add_internal_routes(auth.add_public_routes(Routes::default()));
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        let ahead = Arc::new(AtomicI64::new(0));
        let config = ConfigService::open(config_service::Settings {
            plan_poll_interval,
            ..settings(
                place,
                &salesforce,
                traced(auth_connector.channel()),
                clock_ahead(Arc::clone(&ahead)),
                max_segments,
            )
        })
        .await
        .unwrap();
        let (listener, connector) = memory::pair();
        let routes =
            config.add_internal_routes(config.add_public_routes(Routes::default()), shutdown.clone());
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        Self {
            salesforce,
            connections: ConnectionServiceClient::new(connector.channel()),
            destinations: DestinationServiceClient::new(connector.channel()),
            preflight: PreflightServiceClient::new(connector.channel()),
            backfills: BackfillServiceClient::new(connector.channel()),
            catalog: CatalogServiceClient::new(connector.channel()),
            channel: connector.channel(),
            segments: SegmentServiceClient::new(connector.channel()),
            governance: GovernanceServiceClient::new(connector.channel()),
            provisioning: ProvisioningServiceClient::new(connector.channel()),
            plans: PlanServiceClient::new(connector.channel()),
            credentials: CredentialServiceClient::new(auth_connector.channel()),
            keys,
            auth,
            config,
            auth_connector,
            ahead,
            _serving: shutdown.drop_guard(),
        }
    }

    /// Opens another config-service on the same database.
    pub(crate) async fn unserved_replica(&self, place: &Place) -> ConfigService {
        ConfigService::open(settings(
            place,
            &self.salesforce,
            traced(self.auth_connector.channel()),
            clock_ahead(Arc::clone(&self.ahead)),
            DEFAULT_MAX_SEGMENTS,
        ))
        .await
        .unwrap()
    }

    /// Moves the config-service's clock.
    pub(crate) fn advance(&self, time: TimeDelta) {
        self.ahead.fetch_add(time.num_seconds(), Ordering::Relaxed);
    }

    /// Serves the public calls of both services as JSON over HTTP.
    pub(crate) async fn serve_http(&self) -> Http {
        Http::serve(
            self.config
                .add_public_routes(self.auth.add_public_routes(Routes::default())),
        )
        .await
    }

    /// Adds a text field to the Contacts of an org.
    pub(crate) async fn create_field(&self, host: &str, name: &str) {
        let field = json!({"object": "Contact", "name": name, "type": "textarea"});
        self.salesforce
            .admin("POST", &format!("/orgs/{host}/fields"), field)
            .await;
    }

    /// Adds a field of any type to the Contacts of [`ACME`], or replaces it.
    pub(crate) async fn put_field(&self, name: &str, field_type: &str, more: Value) {
        let mut field = json!({"object": "Contact", "name": name, "type": field_type});
        for (name, value) in more.as_object().unwrap() {
            field[name] = value.clone();
        }
        self.salesforce
            .admin("POST", &format!("/orgs/{ACME}/fields"), field)
            .await;
    }

    pub(crate) async fn put_credentials(&self, connection: &str, grant: Grant) {
        let request = PutCredentialsRequest {
            connection: connection.to_owned(),
            grant: Some(grant),
        };
        self.credentials.clone().put_credentials(request).await.unwrap();
    }

    pub(crate) async fn create_connection(
        &self,
        parent: &str,
        id: &str,
        custom_domain: &str,
    ) -> Result<Connection, Status> {
        let connection = Connection {
            display_name: format!("The {id}"),
            custom_domain: custom_domain.to_owned(),
            ..Default::default()
        };
        let request = CreateConnectionRequest {
            parent: parent.to_owned(),
            connection_id: id.to_owned(),
            connection: Some(connection),
        };
        let answer = self.connections.clone().create_connection(request).await?;
        Ok(answer.into_inner().connection.unwrap())
    }

    pub(crate) async fn connection(&self, name: &str) -> Result<Connection, Status> {
        let request = GetConnectionRequest {
            name: name.to_owned(),
        };
        let answer = self.connections.clone().get_connection(request).await?;
        Ok(answer.into_inner().connection.unwrap())
    }

    pub(crate) async fn update_connection(
        &self,
        connection: Connection,
        paths: &[&str],
    ) -> Result<Connection, Status> {
        let request = UpdateConnectionRequest {
            connection: Some(connection),
            update_mask: Some(mask(paths)),
        };
        let answer = self.connections.clone().update_connection(request).await?;
        Ok(answer.into_inner().connection.unwrap())
    }

    /// Returns a client whose calls say who makes them.
    pub(crate) fn connections_by(
        &self,
        actor: &'static [u8],
    ) -> ConnectionServiceClient<InterceptedService<Channel, impl Interceptor + use<>>> {
        let say = move |mut request: Request<()>| {
            let actor = MetadataValue::try_from(actor).unwrap();
            request.metadata_mut().insert("sluice-actor", actor);
            Ok(request)
        };
        ConnectionServiceClient::with_interceptor(self.channel.clone(), say)
    }

    pub(crate) async fn confirm_org(
        &self,
        name: &str,
        org_id: &str,
        etag: &str,
    ) -> Result<Connection, Status> {
        let request = ConfirmOrgRequest {
            name: name.to_owned(),
            org_id: org_id.to_owned(),
            etag: etag.to_owned(),
        };
        let answer = self.connections.clone().confirm_org(request).await?;
        Ok(answer.into_inner().connection.unwrap())
    }

    /// Lists the catalog.
    pub(crate) async fn catalog(
        &self,
        category: &str,
        query: &str,
        parent: &str,
    ) -> Result<Vec<CatalogEntry>, Status> {
        let request = ListCatalogEntriesRequest {
            category: category.to_owned(),
            query: query.to_owned(),
            parent: parent.to_owned(),
        };
        let mut catalog = CatalogServiceClient::new(self.channel.clone());
        Ok(catalog.list_catalog_entries(request).await?.into_inner().entries)
    }

    /// Checks as a config-service does whose auth-service is away.
    pub(crate) async fn check_without_auth(&self, place: &Place, name: &str) -> ConnectionCheck {
        let (gone, auth) = memory::pair();
        drop(gone);
        let config = ConfigService::open(settings(
            place,
            &self.salesforce,
            traced(auth.channel()),
            clock(),
            DEFAULT_MAX_SEGMENTS,
        ))
        .await
        .unwrap();
        let (listener, connector) = memory::pair();
        let shutdown = CancellationToken::new();
        tokio::spawn(listener.serve(config.add_public_routes(Routes::default()), shutdown.clone()));
        let request = CheckConnectionRequest {
            name: name.to_owned(),
        };
        let answer = ConnectionServiceClient::new(connector.channel())
            .check_connection(request)
            .await
            .unwrap();
        shutdown.cancel();
        config.close().await;
        answer.into_inner().check.unwrap()
    }

    pub(crate) async fn delete_connection(&self, name: &str, etag: &str) -> Result<(), Status> {
        let request = DeleteConnectionRequest {
            name: name.to_owned(),
            etag: etag.to_owned(),
        };
        self.connections.clone().delete_connection(request).await?;
        Ok(())
    }

    pub(crate) async fn check(&self, name: &str) -> ConnectionCheck {
        let request = CheckConnectionRequest {
            name: name.to_owned(),
        };
        let answer = self.connections.clone().check_connection(request).await.unwrap();
        answer.into_inner().check.unwrap()
    }

    pub(crate) async fn create_destination(
        &self,
        parent: &str,
        id: &str,
        destination: Destination,
    ) -> Result<Destination, Status> {
        let request = CreateDestinationRequest {
            parent: parent.to_owned(),
            destination_id: id.to_owned(),
            destination: Some(destination),
        };
        let answer = self.destinations.clone().create_destination(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    /// Creates a draft for Contacts; returns it.
    pub(crate) async fn create_draft(&self, parent: &str, id: &str, connection: &str) -> Destination {
        self.create_destination(parent, id, draft(connection))
            .await
            .unwrap()
    }

    pub(crate) async fn destination(&self, name: &str) -> Result<Destination, Status> {
        let request = GetDestinationRequest {
            name: name.to_owned(),
        };
        let answer = self.destinations.clone().get_destination(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn update_destination(
        &self,
        destination: Destination,
        paths: &[&str],
    ) -> Result<Destination, Status> {
        let request = UpdateDestinationRequest {
            destination: Some(destination),
            update_mask: Some(mask(paths)),
        };
        let answer = self.destinations.clone().update_destination(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn set_field_mappings(
        &self,
        name: &str,
        field_mappings: &[FieldMapping],
    ) -> Result<Destination, Status> {
        let request = SetFieldMappingsRequest {
            name: name.to_owned(),
            field_mappings: field_mappings.to_vec(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().set_field_mappings(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn add_segments(
        &self,
        name: &str,
        segments: &[SegmentActivation],
    ) -> Result<Destination, Status> {
        let request = AddSegmentsRequest {
            name: name.to_owned(),
            segments: segments.to_vec(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().add_segments(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn update_segment(
        &self,
        name: &str,
        segment: SegmentActivation,
        paths: &[&str],
    ) -> Result<Destination, Status> {
        let request = UpdateSegmentRequest {
            name: name.to_owned(),
            segment: Some(segment),
            update_mask: Some(mask(paths)),
            etag: String::new(),
        };
        let answer = self.destinations.clone().update_segment(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn remove_segment(&self, name: &str, segment: &str) -> Result<Destination, Status> {
        let request = RemoveSegmentRequest {
            name: name.to_owned(),
            segment: segment.to_owned(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().remove_segment(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn activate(&self, name: &str) -> Result<Destination, Status> {
        let request = ActivateDestinationRequest {
            name: name.to_owned(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().activate_destination(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn apply(&self, name: &str) -> Result<Destination, Status> {
        let request = ApplyChangesRequest {
            name: name.to_owned(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().apply_changes(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn discard_changes(&self, name: &str) -> Result<Destination, Status> {
        let request = DiscardChangesRequest {
            name: name.to_owned(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().discard_changes(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn restore_revision(&self, name: &str) -> Result<Destination, Status> {
        let request = RestoreRevisionRequest {
            name: name.to_owned(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().restore_revision(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    /// Lists the revisions of [`CONTACTS`], in pages of so many.
    pub(crate) async fn revisions(&self, page_size: i32) -> Vec<DestinationRevision> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListRevisionsRequest {
                parent: CONTACTS.to_owned(),
                page_size,
                page_token,
            };
            let page = self
                .destinations
                .clone()
                .list_revisions(request)
                .await
                .unwrap()
                .into_inner();
            all.extend(page.revisions);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    pub(crate) async fn enable(&self, name: &str, waiting: WaitingUpdates) -> Result<Destination, Status> {
        let request = EnableDestinationRequest {
            name: name.to_owned(),
            etag: String::new(),
            waiting_updates: waiting.into(),
        };
        let answer = self.destinations.clone().enable_destination(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn disable(&self, name: &str) -> Result<Destination, Status> {
        let request = DisableDestinationRequest {
            name: name.to_owned(),
            etag: String::new(),
        };
        let answer = self.destinations.clone().disable_destination(request).await?;
        Ok(answer.into_inner().destination.unwrap())
    }

    pub(crate) async fn delete_destination(&self, name: &str, waiting: WaitingUpdates) -> Result<(), Status> {
        let request = DeleteDestinationRequest {
            name: name.to_owned(),
            etag: String::new(),
            waiting_updates: waiting.into(),
        };
        self.destinations.clone().delete_destination(request).await?;
        Ok(())
    }

    /// Reports as delivery does.
    pub(crate) async fn report(&self, uid: &str, applied_revision: i64, state: DeliveryState, drained: bool) {
        self.report_waiting(uid, applied_revision, state, drained, 0)
            .await;
    }

    /// Reports that so many updates wait.
    pub(crate) async fn report_waiting(
        &self,
        uid: &str,
        applied_revision: i64,
        state: DeliveryState,
        drained: bool,
        waiting_updates: i64,
    ) {
        let request = ReportStatusRequest {
            uid: uid.to_owned(),
            applied_revision,
            state: state.into(),
            reason: "THE_REASON".to_owned(),
            message: "the message".to_owned(),
            drained,
            waiting_updates,
            report_time: None,
        };
        self.report_status(request).await;
    }

    pub(crate) async fn report_status(&self, request: ReportStatusRequest) {
        self.plans.clone().report_status(request).await.unwrap();
    }

    pub(crate) async fn watch(&self, since_revision: i64) -> Watcher {
        let request = WatchPlansRequest { since_revision };
        Watcher(
            self.plans
                .clone()
                .watch_plans(request)
                .await
                .unwrap()
                .into_inner(),
        )
    }

    /// Returns all plans, by name of the destination.
    pub(crate) async fn all_plans(&self) -> Vec<Plan> {
        let mut plans: Vec<Plan> = self
            .watch(0)
            .await
            .snapshot()
            .await
            .into_iter()
            .filter_map(|(_, event)| match event {
                Event::Plan(plan) => Some(plan),
                Event::RemovedUid(_) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        plans.sort_by(|one, other| one.destination.cmp(&other.destination));
        plans
    }
}

/// A stream of plans.
pub(crate) struct Watcher(Streaming<WatchPlansResponse>);

impl Watcher {
    /// Waits for the next event that is no heartbeat; returns it with its revision.
    pub(crate) async fn next(&mut self) -> (i64, Event) {
        loop {
            let message = timeout(Duration::from_secs(10), self.0.message()).await;
            let message = message.expect("a change is told soon").unwrap().unwrap();
            match message.event.unwrap() {
                Event::Heartbeat(_) => {}
                event => return (message.revision, event),
            }
        }
    }

    /// Waits for the next plan.
    pub(crate) async fn next_plan(&mut self) -> Plan {
        match self.next().await {
            (_, Event::Plan(plan)) => plan,
            (_, other) => panic!("{other:?}"),
        }
    }

    /// Reads to the end of the snapshot.
    pub(crate) async fn snapshot(&mut self) -> Vec<(i64, Event)> {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                (_, Event::SnapshotComplete(_)) => return events,
                event => events.push(event),
            }
        }
    }
}

/// Asserts that a request was refused for these fields, in this order, and returns what is wrong with each.
#[track_caller]
pub(crate) fn assert_names(refused: &Status, code: Code, fields: &[&str]) -> Vec<String> {
    assert_eq!(refused.code(), code, "{refused:?}");
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let named: Vec<&str> = violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(named, fields, "{refused}");
    violations.into_iter().map(|one| one.description).collect()
}

fn settings(
    place: &Place,
    salesforce: &Salesforce,
    auth: TracedChannel,
    clock: Clock,
    max_segments: usize,
) -> config_service::Settings {
    config_service::Settings {
        database: place.location.clone(),
        auth,
        salesforce: salesforce.http(),
        clock,
        max_segments_per_destination: max_segments,
        max_destinations_per_workspace: MAX_DESTINATIONS,
        egress_addresses: EGRESS_ADDRESSES.map(str::to_owned).into(),
        plan_poll_interval: DEFAULT_PLAN_POLL_INTERVAL,
    }
}

/// Returns a clock that is a second further each time it is read.
fn clock() -> Clock {
    let start: DateTime<chrono::Utc> = "2026-11-20T09:15:00Z".parse().unwrap();
    let seconds = AtomicI64::new(start.timestamp());
    Clock::new(move || DateTime::from_timestamp(seconds.fetch_add(1, Ordering::Relaxed), 0).unwrap())
}

fn clock_ahead(ahead: Arc<AtomicI64>) -> Clock {
    let clock = clock();
    Clock::new(move || clock.now() + TimeDelta::seconds(ahead.load(Ordering::Relaxed)))
}

pub(crate) fn mask(paths: &[&str]) -> FieldMask {
    FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    }
}

pub(crate) fn app(client_secret: &str) -> Grant {
    Grant::ClientCredentials(ClientCredentialsGrant {
        client_id: "app".to_owned(),
        client_secret: client_secret.to_owned(),
    })
}

/// Returns the login of the only user of an org.
pub(crate) fn user() -> Grant {
    Grant::Password(PasswordGrant {
        client_id: "app".to_owned(),
        client_secret: "app-secret".to_owned(),
        username: "svc@acme.example".to_owned(),
        password: "pass-word".to_owned(),
        security_token: "SecTok1".to_owned(),
    })
}

/// Returns a destination for Contacts, with nothing that may be left out.
pub(crate) fn draft(connection: &str) -> Destination {
    Destination {
        display_name: "Contacts".to_owned(),
        connection: connection.to_owned(),
        record_type: RecordType::Contact.into(),
        ..Default::default()
    }
}

pub(crate) fn identity(namespace: &str, target: &str) -> FieldMapping {
    mapping(
        Source::IdentityNamespace(namespace.to_owned()),
        Target::Identity(target.to_owned()),
    )
}

pub(crate) fn attribute(path: &str, field: &str) -> FieldMapping {
    mapping(
        Source::AttributePath(path.to_owned()),
        Target::Field(field.to_owned()),
    )
}

fn mapping(source: Source, target: Target) -> FieldMapping {
    FieldMapping {
        source: Some(FieldSource { source: Some(source) }),
        target: Some(FieldTarget { target: Some(target) }),
        ..Default::default()
    }
}

/// Returns all mappings that a destination for Contacts must have.
pub(crate) fn mappings() -> Vec<FieldMapping> {
    vec![
        identity("crmID", "SalesforceId"),
        attribute("person.name.lastName", "LastName"),
    ]
}

pub(crate) fn segment(segment: &str, mapping_id: &str) -> SegmentActivation {
    SegmentActivation {
        segment: segment.to_owned(),
        display_name: format!("The {segment}"),
        mapping_id: mapping_id.to_owned(),
        ..Default::default()
    }
}
