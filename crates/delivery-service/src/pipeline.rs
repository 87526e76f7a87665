//! Wires the stages in the order in which an update goes through them:
//!
//! ```text
//! intake → resolve → journal → map → lane → send → receipt
//! ```

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use activation::{names::DestinationUid, plan::Plan};
use contracts::delivery::v1::{
    dead_letter_service_server::DeadLetterServiceServer, delivery_service_server::DeliveryServiceServer,
    receipt_service_server::ReceiptServiceServer, run_service_server::RunServiceServer,
};
use rand::{SeedableRng, rngs::StdRng};
use salesforce::Http;
use service::{
    Clock, Database,
    chain::Chain,
    database::{self, Location, Migrations},
    grpc::client::TracedChannel,
    seal::{KeyError, MasterKey},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::interval,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tracing::warn;

use crate::{
    data_keys::DataKeyError,
    intake::{self, Intake, MAX_MESSAGE_BYTES, MAX_UNJOURNALED_BYTES},
    journal::{Journal, JournalError, writer},
    lane::{
        driver::{self, OrgDriver, Tools, plan_event},
        machine::{Event, LaneSettings, OrgMachine},
    },
    lease::{Lease, LeaseError},
    plans::{PlanWatcher, Plans},
    receipt::{DeadLetterAdapter, ReceiptAdapter, Receipts, RunAdapter, SettleError},
    send::Sender,
    status_report::Reporter,
    waiting_updates::WaitingUpdates,
};

/// How often what was kept long enough is forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_secs(600);

/// What the service needs.
pub struct Settings {
    pub database: Location,
    /// Seals what is at rest; made at the first start when it is not there.
    pub key_file: PathBuf,
    /// Channel to the config-service's internal listener.
    pub config: TracedChannel,
    /// Channel to the auth-service's internal listener.
    pub auth: TracedChannel,
    pub salesforce: Http,
    pub clock: Clock,
    pub lanes: LaneSettings,
    /// Seeds the jitter of retries.
    pub seed: u64,
    /// Names this installation, the same after a restart and unlike any other.
    pub instance: String,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the delivery-service has no key")]
    Key(#[source] KeyError),
    #[error("the delivery-service has no database")]
    Database(#[from] database::OpenError),
    #[error("the journal cannot be opened")]
    Journal(#[source] DataKeyError),
    #[error("the kept plans cannot be read")]
    Plans(#[source] sqlx::Error),
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// A failure that only a restart can mend.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    #[error("the journal failed; nothing more can be accepted")]
    Journal(#[source] JournalError),
    #[error("outcomes cannot be kept; nothing more can be delivered")]
    Settle(#[source] SettleError),
    #[error("the lease was lost; nothing more may be delivered")]
    Lease(#[source] LeaseError),
}

/// The service, opened and not running yet.
pub struct DeliveryService {
    intake: Arc<Intake>,
    journal: Journal,
    receipts: Receipts,
    plans: Plans,
    watcher: PlanWatcher,
    writer: writer::Writer,
    appended: mpsc::UnboundedReceiver<DestinationUid>,
    tools: Tools,
    config: TracedChannel,
    lanes: LaneSettings,
    random: StdRng,
    lease: Lease,
    database: Database,
    instance: String,
    shutdown: CancellationToken,
}

impl DeliveryService {
    /// Opens the stores. `shutdown` ends streams and tasks.
    pub async fn open(settings: Settings, shutdown: CancellationToken) -> Result<Self, OpenError> {
        let key = MasterKey::load_or_create(&settings.key_file).map_err(OpenError::Key)?;
        let journal_database = settings.database.open("journal", &journal_migrations()).await?;
        let delivery_database = settings.database.open("delivery", &delivery_migrations()).await?;
        let lease = Lease::take(
            delivery_database.clone(),
            settings.clock.clone(),
            settings.instance.clone(),
        )
        .await?;
        let journal = Journal::new(journal_database, key, settings.clock.clone());
        journal.keys().check().await.map_err(OpenError::Journal)?;
        let receipts = Receipts::new(delivery_database.clone(), journal.keys().clone());
        let (watcher, plans) = PlanWatcher::open(delivery_database.clone(), settings.config.clone())
            .await
            .map_err(OpenError::Plans)?;
        let (appended_sender, appended) = mpsc::unbounded_channel();
        let (writer, handle) = writer::writer(journal.clone(), settings.clock.clone(), appended_sender);
        let tools = Tools {
            journal: journal.clone(),
            receipts: receipts.clone(),
            sender: Sender::new(settings.salesforce, settings.auth),
            reporter: Reporter::default(),
            clock: settings.clock,
        };
        let intake = Arc::new(Intake {
            plans: plans.clone(),
            journal: journal.clone(),
            writer: handle,
            room: Arc::new(Semaphore::new(MAX_UNJOURNALED_BYTES)),
            tasks: TaskTracker::new(),
            shutdown: shutdown.clone(),
        });
        Ok(Self {
            intake,
            journal,
            receipts,
            plans,
            watcher,
            writer,
            appended,
            tools,
            config: settings.config,
            lanes: settings.lanes,
            random: StdRng::seed_from_u64(settings.seed),
            lease,
            database: delivery_database,
            instance: settings.instance,
            shutdown,
        })
    }

    pub fn add_public_routes(&self, routes: Routes) -> Routes {
        routes
            .add_service(
                DeliveryServiceServer::new(intake::Adapter {
                    intake: self.intake.clone(),
                })
                .max_decoding_message_size(MAX_MESSAGE_BYTES),
            )
            .add_service(ReceiptServiceServer::new(ReceiptAdapter {
                receipts: self.receipts.clone(),
                shutdown: self.shutdown.clone(),
            }))
            .add_service(RunServiceServer::new(RunAdapter {
                receipts: self.receipts.clone(),
                journal: self.journal.clone(),
                plans: self.plans.clone(),
            }))
            .add_service(DeadLetterServiceServer::new(DeadLetterAdapter {
                receipts: self.receipts.clone(),
                plans: self.plans.clone(),
            }))
    }

    /// Runs until shutdown; then answers what was read, settles what is under
    /// way, and closes the stores. An error is one that only a restart mends.
    pub async fn run(self) -> Result<(), FatalError> {
        let shutdown = self.shutdown.clone();
        // The writer outlives the streams, whose last answers come from it.
        let stop_writer = CancellationToken::new();
        let mut tasks: JoinSet<Result<(), FatalError>> = JoinSet::new();
        let writer = tokio::spawn({
            let (stop, shutdown) = (stop_writer.clone(), shutdown.clone());
            async move {
                let ended = self.writer.run(stop).await;
                if ended.is_err() {
                    shutdown.cancel();
                }
                ended.map_err(FatalError::Journal)
            }
        });
        let watcher = self.watcher.run(shutdown.clone());
        tasks.spawn(async move {
            watcher.await;
            Ok(())
        });
        let lease = self.lease.keep(shutdown.clone());
        tasks.spawn(async move { lease.await.map_err(FatalError::Lease) });
        let waiting = WaitingUpdates {
            journal: self.journal.clone(),
            receipts: self.receipts.clone(),
            clock: self.tools.clock.clone(),
        };
        let reporter = self
            .tools
            .reporter
            .clone()
            .run(self.config.clone(), waiting, shutdown.clone());
        tasks.spawn(async move {
            reporter.await;
            Ok(())
        });
        let prune = prune(
            self.receipts.clone(),
            self.journal.clone(),
            self.tools.clock.clone(),
            shutdown.clone(),
        );
        tasks.spawn(async move {
            prune.await;
            Ok(())
        });
        let (handed_over_sender, handed_over) = mpsc::unbounded_channel();
        let orgs = Orgs {
            plans: self.plans,
            appended: self.appended,
            tools: self.tools,
            lanes: self.lanes,
            random: self.random,
            drivers: JoinSet::new(),
            events: HashMap::new(),
            known: HashMap::new(),
            leaving: HashSet::new(),
            handed_over_sender,
            handed_over,
        };
        tasks.spawn(orgs.run(shutdown.clone()));

        let mut ended = Ok(());
        while let Some(task) = tasks.join_next().await {
            let result = task.unwrap_or(Ok(()));
            if result.is_err() {
                shutdown.cancel();
                ended = ended.and(result);
            }
        }
        self.intake.tasks.close();
        self.intake.tasks.wait().await;
        stop_writer.cancel();
        if let Ok(result) = writer.await {
            ended = ended.and(result);
        }
        if let Err(error) = Lease::give_back(&self.database, &self.instance).await {
            warn!(error = %Chain(&error), "the lease could not be given back, it ends by itself");
        }
        self.receipts.close().await;
        self.journal.close().await;
        ended
    }
}

/// One driver per org, and who is driven by which.
struct Orgs {
    plans: Plans,
    appended: mpsc::UnboundedReceiver<DestinationUid>,
    tools: Tools,
    lanes: LaneSettings,
    random: StdRng,
    drivers: JoinSet<Result<(), SettleError>>,
    /// By org id.
    events: HashMap<String, mpsc::UnboundedSender<Event>>,
    /// The plans that drivers were told of, or will be when they have the lane.
    known: HashMap<DestinationUid, Told>,
    /// Lanes whose former org has requests under way; no driver is told of
    /// them until it hands them over.
    leaving: HashSet<DestinationUid>,
    handed_over_sender: mpsc::UnboundedSender<DestinationUid>,
    handed_over: mpsc::UnboundedReceiver<DestinationUid>,
}

/// What a driver was told of a destination.
#[derive(Clone)]
struct Told {
    plan: Arc<Plan>,
    is_held: bool,
}

impl Orgs {
    async fn run(mut self, shutdown: CancellationToken) -> Result<(), FatalError> {
        // Invariant: every plan of the current set was told to its org's driver.
        self.tell_plans(&shutdown);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = self.plans.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.tell_plans(&shutdown);
                }
                Some(uid) = self.appended.recv() => {
                    self.tools.reporter.moved(&uid);
                    self.tell(&uid, Event::Appended(uid.clone()));
                }
                Some(uid) = self.handed_over.recv() => self.take_over(&uid, &shutdown),
                Some(driver) = self.drivers.join_next() => {
                    shutdown.cancel();
                    driver.unwrap_or(Ok(())).map_err(FatalError::Settle)?;
                }
            }
        }
        let mut ended = Ok(());
        while let Some(driver) = self.drivers.join_next().await {
            ended = ended.and(driver.unwrap_or(Ok(())).map_err(FatalError::Settle));
        }
        ended
    }

    fn tell_plans(&mut self, shutdown: &CancellationToken) {
        let plans = self.plans.now();
        let current: HashSet<&DestinationUid> = plans.iter().map(|plan| &plan.uid).collect();
        let gone: Vec<DestinationUid> = self
            .known
            .keys()
            .filter(|uid| !current.contains(uid) && !self.leaving.contains(uid))
            .cloned()
            .collect();
        for uid in gone {
            self.tell(&uid, Event::Removed(uid.clone()));
            self.known.remove(&uid);
        }
        for plan in plans.iter() {
            if self.leaving.contains(&plan.uid) {
                continue;
            }
            let told = Told {
                plan: plan.clone(),
                is_held: plans.is_held(&plan.uid),
            };
            let known = self.known.get(&plan.uid);
            // Not by the revision: a history that was restored has its own.
            if known.is_some_and(|known| Arc::ptr_eq(&known.plan, plan) && known.is_held == told.is_held) {
                continue;
            }
            if known.is_some_and(|known| known.plan.org_id != plan.org_id) {
                self.tell(&plan.uid, Event::Moved(plan.uid.clone()));
                self.leaving.insert(plan.uid.clone());
                self.known.insert(plan.uid.clone(), told);
                continue;
            }
            self.tell_plan(&told, shutdown);
            self.known.insert(plan.uid.clone(), told);
        }
    }

    fn tell_plan(&mut self, told: &Told, shutdown: &CancellationToken) {
        let org_id = &told.plan.org_id;
        let events = match self.events.get(org_id) {
            Some(events) => events,
            None => {
                let events = self.start_driver(org_id, shutdown);
                self.events.entry(org_id.clone()).or_insert(events)
            }
        };
        // A driver that has ended is on its way to end the service.
        let _ = events.send(plan_event(told.plan.clone(), told.is_held));
    }

    /// Gives a lane to its new org's driver, and then tells what changed while
    /// nobody had it.
    fn take_over(&mut self, uid: &DestinationUid, shutdown: &CancellationToken) {
        self.leaving.remove(uid);
        if let Some(told) = self.known.get(uid).cloned() {
            self.tell_plan(&told, shutdown);
        }
        self.tell_plans(shutdown);
    }

    fn start_driver(&mut self, org_id: &str, shutdown: &CancellationToken) -> mpsc::UnboundedSender<Event> {
        let (sender, receiver) = driver::channel();
        let machine = OrgMachine::new(self.lanes.clone(), StdRng::from_rng(&mut self.random));
        let driver = OrgDriver::new(
            org_id.to_owned(),
            machine,
            receiver,
            self.tools.clone(),
            self.handed_over_sender.clone(),
        );
        self.drivers.spawn(driver.run(shutdown.clone()));
        sender
    }

    fn tell(&self, uid: &DestinationUid, event: Event) {
        let events = self
            .known
            .get(uid)
            .and_then(|told| self.events.get(&told.plan.org_id));
        if let Some(events) = events {
            let _ = events.send(event);
        }
    }
}

async fn prune(receipts: Receipts, journal: Journal, clock: Clock, shutdown: CancellationToken) {
    let mut ticks = interval(PRUNE_INTERVAL);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = receipts.prune(&journal, clock.now()).await {
            warn!(error = %Chain(&error), "old receipts could not be forgotten, will try again");
        }
    }
}

/// The tables of the journal, which has a file of its own.
pub fn journal_migrations() -> Migrations {
    Migrations {
        sqlite: sqlx::migrate!("../../migrations/journal/sqlite"),
        postgres: sqlx::migrate!("../../migrations/journal/postgres"),
    }
}

/// The tables of plans, outcomes and dead letters.
pub fn delivery_migrations() -> Migrations {
    Migrations {
        sqlite: sqlx::migrate!("../../migrations/delivery/sqlite"),
        postgres: sqlx::migrate!("../../migrations/delivery/postgres"),
    }
}
