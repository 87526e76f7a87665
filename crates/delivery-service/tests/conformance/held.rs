//! Destinations that the config-service does not know any more, though nobody deleted them.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use activation::plan::Plan;
use contracts::{
    config::v1::{
        self as config_pb, PlanRevision, ReportStatusRequest, ReportStatusResponse, SnapshotComplete,
        WatchPlansRequest, WatchPlansResponse,
        plan_service_server::{PlanService, PlanServiceServer},
        watch_plans_response::Event,
    },
    delivery::v1::{
        Attribute, DeliverRequest, Identity, InvalidUpdate, ListRunsRequest, Open, ProfileUpdate,
        UpdateBatch, attribute::Value, deliver_request::Message, deliver_response::Answer,
        delivery_service_client::DeliveryServiceClient, run_service_client::RunServiceClient,
        update_batch::Target,
    },
};
use delivery_service::{DeliveryService, Settings, lane::machine::LaneSettings};
use futures::Stream;
use salesforce::{Endpoint, Http};
use service::grpc::{client::traced, memory};
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, service::Routes, transport::Channel};

use crate::{
    place::{Place, on_both_databases},
    rig::{Rig, Time, UID, contacts, key_file, plan, uid},
};

on_both_databases!(
    a_destination_that_is_missing_is_held_and_goes_on_when_it_is_back,
    a_held_destination_stays_held_over_a_restart_without_the_config_service,
    a_destination_that_was_deleted_is_not_held,
    an_update_for_a_workspace_goes_to_the_others_while_one_is_held,
);

const NAME: &str = "workspaces/acme/destinations/contacts";
const MISSING: &str = "DESTINATION_MISSING";

/// What a config-service has, and what it was told. Cheap to clone.
#[derive(Clone)]
struct Config {
    configuration: watch::Sender<Configuration>,
    told: mpsc::UnboundedSender<ReportStatusRequest>,
    reports: Arc<Mutex<mpsc::UnboundedReceiver<ReportStatusRequest>>>,
}

#[derive(Clone, Default)]
struct Configuration {
    plans: Vec<Plan>,
    removed: Vec<&'static str>,
}

impl Config {
    fn with(plans: Vec<Plan>) -> Self {
        let (told, reports) = mpsc::unbounded_channel();
        let (configuration, _) = watch::channel(Configuration {
            plans,
            removed: Vec::new(),
        });
        Self {
            configuration,
            told,
            reports: Arc::new(Mutex::new(reports)),
        }
    }

    /// Has these plans from now on, as if the database had been replaced.
    fn replace(&self, plans: Vec<Plan>) {
        self.configuration.send_modify(|all| all.plans = plans);
    }

    fn remove(&self, uid: &'static str) {
        self.configuration.send_modify(|all| {
            all.plans.clear();
            all.removed.push(uid);
        });
    }

    /// Waits for a report with, or without, this reason.
    async fn report(&self, is_wanted: impl Fn(&ReportStatusRequest) -> bool) -> ReportStatusRequest {
        let mut told = Vec::new();
        let found = timeout(Duration::from_secs(20), async {
            loop {
                let next = std::future::poll_fn(|context| {
                    let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
                    reports.poll_recv(context)
                });
                let report = next.await.expect("this side keeps a sender");
                if is_wanted(&report) {
                    return report;
                }
                told.push(report);
            }
        });
        found.await.unwrap_or_else(|_| panic!("not reported: {told:?}"))
    }
}

#[tonic::async_trait]
impl PlanService for Config {
    type WatchPlansStream = Pin<Box<dyn Stream<Item = Result<WatchPlansResponse, Status>> + Send>>;

    /// Tells all again at each change, as after a restored backup.
    async fn watch_plans(
        &self,
        _: Request<WatchPlansRequest>,
    ) -> Result<Response<Self::WatchPlansStream>, Status> {
        let (sender, receiver) = mpsc::channel(64);
        let mut configuration = self.configuration.subscribe();
        tokio::spawn(async move {
            loop {
                let now = configuration.borrow_and_update().clone();
                let removed = now.removed.iter().map(|uid| Event::RemovedUid((*uid).to_owned()));
                let plans = now
                    .plans
                    .iter()
                    .map(|plan| Event::Plan(config_pb::Plan::from(plan)));
                let complete = Event::SnapshotComplete(SnapshotComplete {
                    plans: now
                        .plans
                        .iter()
                        .map(|plan| PlanRevision {
                            uid: plan.uid.to_string(),
                            revision: plan.revision,
                        })
                        .collect(),
                    started_over: true,
                });
                for event in removed.chain(plans).chain([complete]) {
                    let message = WatchPlansResponse {
                        revision: 1,
                        event: Some(event),
                    };
                    if sender.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
                if configuration.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn report_status(
        &self,
        request: Request<ReportStatusRequest>,
    ) -> Result<Response<ReportStatusResponse>, Status> {
        let _ = self.told.send(request.into_inner());
        Ok(Response::new(ReportStatusResponse {}))
    }
}

/// The delivery-service, running, without an auth-service.
struct Running {
    channel: Channel,
    shutdown: CancellationToken,
    run: JoinHandle<()>,
}

impl Running {
    /// Starts beside a config-service, or beside none.
    async fn start(place: &Place, keys: &TempDir, time: &Time, config: Option<&Config>) -> Self {
        let shutdown = CancellationToken::new();
        let (config_listener, config_connector) = memory::pair();
        match config {
            Some(config) => {
                let routes = Routes::default().add_service(PlanServiceServer::new(config.clone()));
                tokio::spawn(config_listener.serve(routes, shutdown.clone()));
            }
            None => drop(config_listener),
        }
        let (_nobody, auth) = memory::pair();
        let settings = Settings {
            database: place.location.clone(),
            key_file: key_file(keys),
            config: traced(config_connector.channel()),
            auth: traced(auth.channel()),
            salesforce: Http::new(Endpoint::Salesforce, Duration::from_secs(1)).unwrap(),
            clock: time.clock(),
            lanes: LaneSettings::default(),
            seed: 1,
            instance: "one".to_owned(),
        };
        let delivery = DeliveryService::open(settings, shutdown.clone()).await.unwrap();
        let (listener, connector) = memory::pair();
        let routes = delivery.add_public_routes(Routes::default());
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        let run = tokio::spawn(async move { delivery.run().await.unwrap() });
        Self {
            channel: connector.channel(),
            shutdown,
            run,
        }
    }

    /// Sends one update; it was accepted, or refused in this way.
    async fn send(&self, target: Target, sequence: u64) -> Result<(), InvalidUpdate> {
        let update = ProfileUpdate {
            sequence,
            identities: vec![Identity {
                namespace: "crmID".to_owned(),
                id: "003000000000001AAA".to_owned(),
                primary: true,
            }],
            // Waits for a token, which nobody gives.
            attributes: vec![Attribute {
                path: "person.name.lastName".to_owned(),
                value: Some(Value::StringValue("Okafor".to_owned())),
            }],
            ..Default::default()
        };
        let messages = [
            Message::Open(Open {
                producer: "producer".to_owned(),
            }),
            Message::Batch(UpdateBatch {
                target: Some(target),
                updates: vec![update],
            }),
        ];
        let messages = messages.map(|message| DeliverRequest {
            message: Some(message),
        });
        let mut answers = DeliveryServiceClient::new(self.channel.clone())
            .deliver(futures::stream::iter(messages))
            .await
            .unwrap()
            .into_inner();
        loop {
            match answers.message().await.unwrap().unwrap().answer.unwrap() {
                Answer::Opened(_) => {}
                Answer::AnsweredThrough(through) => {
                    assert_eq!(through, sequence);
                    return Ok(());
                }
                Answer::Invalid(refused) => return Err(refused),
            }
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.run.await.unwrap();
    }
}

fn destination() -> Target {
    Target::Destination(NAME.to_owned())
}

async fn stores(place: &Place) -> (TempDir, Time) {
    Rig::open(place).await.close().await
}

/// Counts the frames that the journal has for [`UID`].
async fn frames(place: &Place, keys: TempDir, time: Time) -> usize {
    let rig = Rig::open_again(place, keys, time).await;
    let frames = rig.journal.read(&uid(UID), 0, 100).await.unwrap().len();
    rig.close().await;
    frames
}

async fn a_destination_that_is_missing_is_held_and_goes_on_when_it_is_back(place: &Place) {
    let (keys, time) = stores(place).await;
    let config = Config::with(vec![contacts()]);
    let delivery = Running::start(place, &keys, &time, Some(&config)).await;
    delivery.send(destination(), 1).await.unwrap();

    config.replace(Vec::new());

    let report = config.report(|report| report.reason == MISSING).await;
    assert_eq!((report.uid.as_str(), report.drained), (UID, false));
    assert!(report.message.contains(NAME), "{}", report.message);
    let refused = delivery.send(destination(), 2).await.unwrap_err();
    assert_eq!(
        (refused.reason.as_str(), refused.field.as_str()),
        (MISSING, "batch.destination")
    );
    assert!(
        refused.message.contains(NAME) && refused.message.contains("Restore"),
        "{}",
        refused.message
    );
    // What is known of it can still be read.
    let request = ListRunsRequest {
        parent: NAME.to_owned(),
        ..Default::default()
    };
    RunServiceClient::new(delivery.channel.clone())
        .list_runs(request)
        .await
        .unwrap();

    // The same destination, of a history with lower revisions.
    let mut restored = contacts();
    restored.revision = 0;
    config.replace(vec![restored]);
    config
        .report(|report| report.reason != MISSING && report.applied_revision == 0)
        .await;
    delivery.send(destination(), 3).await.unwrap();

    delivery.stop().await;
    assert_eq!(frames(place, keys, time).await, 2);
}

async fn a_held_destination_stays_held_over_a_restart_without_the_config_service(place: &Place) {
    let (keys, time) = stores(place).await;
    let config = Config::with(vec![contacts()]);
    let delivery = Running::start(place, &keys, &time, Some(&config)).await;
    delivery.send(destination(), 1).await.unwrap();
    config.replace(Vec::new());
    config.report(|report| report.reason == MISSING).await;
    delivery.stop().await;

    let delivery = Running::start(place, &keys, &time, None).await;
    let refused = delivery.send(destination(), 2).await.unwrap_err();
    delivery.stop().await;

    assert_eq!(refused.reason, MISSING);
    // It comes back as it was, at the revision that is kept here.
    config.replace(vec![contacts()]);
    let delivery = Running::start(place, &keys, &time, Some(&config)).await;
    config.report(|report| report.reason != MISSING).await;
    delivery.send(destination(), 3).await.unwrap();
    delivery.stop().await;
    assert_eq!(frames(place, keys, time).await, 2);
}

async fn a_destination_that_was_deleted_is_not_held(place: &Place) {
    let (keys, time) = stores(place).await;
    let config = Config::with(vec![contacts()]);
    let delivery = Running::start(place, &keys, &time, Some(&config)).await;
    delivery.send(destination(), 1).await.unwrap();
    delivery.stop().await;

    // Deleted while delivery was away: only the word of it is left.
    config.remove(UID);
    let delivery = Running::start(place, &keys, &time, Some(&config)).await;
    let refused = loop {
        match delivery.send(destination(), 2).await {
            // Until the plans have come.
            Ok(()) => tokio::task::yield_now().await,
            Err(refused) => break refused,
        }
    };
    delivery.stop().await;

    assert_eq!(refused.reason, "DESTINATION_NOT_FOUND");
}

async fn an_update_for_a_workspace_goes_to_the_others_while_one_is_held(place: &Place) {
    const OTHER: &str = "0193-other";
    let workspace = || Target::Workspace("workspaces/acme".to_owned());
    let (keys, time) = stores(place).await;
    let config = Config::with(vec![contacts(), plan("other", OTHER)]);
    let delivery = Running::start(place, &keys, &time, Some(&config)).await;
    // Waits for the plans, which come together.
    delivery.send(destination(), 1).await.unwrap();
    delivery.send(workspace(), 2).await.unwrap();

    config.replace(vec![plan("other", OTHER)]);
    config.report(|report| report.reason == MISSING).await;
    delivery.send(workspace(), 3).await.unwrap();

    // When nobody else takes it, the producer is told who would have.
    config.replace(Vec::new());
    config
        .report(|report| report.uid == OTHER && report.reason == MISSING)
        .await;
    let refused = delivery.send(workspace(), 4).await.unwrap_err();
    assert_eq!(
        (refused.reason.as_str(), refused.field.as_str()),
        (MISSING, "batch.workspace")
    );
    delivery.stop().await;
    let rig = Rig::open_again(place, keys, time).await;
    for (partition, expected) in [(UID, 2), (OTHER, 2)] {
        let frames = rig.journal.read(&uid(partition), 0, 100).await.unwrap();
        assert_eq!(frames.len(), expected, "{partition}");
    }
    rig.close().await;
}
