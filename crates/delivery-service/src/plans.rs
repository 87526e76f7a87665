//! The plans that delivery works by: streamed from the config-service, kept on
//! disk for when it is away.

use std::{collections::HashMap, sync::Arc, time::Duration};

use activation::{
    names::{DestinationName, DestinationUid, WorkspaceName},
    plan::Plan,
};
use contracts::config::v1::{
    self as pb, WatchPlansRequest, plan_service_client::PlanServiceClient, watch_plans_response::Event,
};
use prost::Message;
use service::{Database, chain::Chain, grpc::client::TracedChannel, in_transaction, on_database};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How long to wait before asking a config-service again that was away.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// How long an unknown destination is waited for: the time that a plan may
/// need from a fresh activation to here.
const PLAN_DELAY: Duration = Duration::from_secs(3);

/// All plans at one moment.
#[derive(Debug, Clone, Default)]
pub struct PlanSet {
    by_uid: HashMap<DestinationUid, Arc<Plan>>,
    by_name: HashMap<DestinationName, DestinationUid>,
}

/// The current plans. Cheap to clone.
#[derive(Clone)]
pub struct Plans(watch::Receiver<PlanSet>);

/// Keeps the current plans current.
pub(crate) struct PlanWatcher {
    database: Database,
    config: PlanServiceClient<TracedChannel>,
    plans: watch::Sender<PlanSet>,
}

impl PlanSet {
    pub fn get(&self, name: &DestinationName) -> Option<&Arc<Plan>> {
        self.by_name.get(name).and_then(|uid| self.by_uid.get(uid))
    }

    pub fn of_workspace(&self, workspace: &WorkspaceName) -> impl Iterator<Item = &Arc<Plan>> {
        let mut plans: Vec<_> = self
            .by_uid
            .values()
            .filter(move |plan| plan.destination.workspace() == workspace)
            .collect();
        plans.sort_by(|one, other| one.destination.cmp(&other.destination));
        plans.into_iter()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.by_uid.values()
    }

    fn insert(&mut self, plan: Arc<Plan>) {
        self.by_name.insert(plan.destination.clone(), plan.uid.clone());
        self.by_uid.insert(plan.uid.clone(), plan);
    }

    fn remove(&mut self, uid: &DestinationUid) {
        let Some(plan) = self.by_uid.remove(uid) else {
            return;
        };
        // A later destination may have the name by now.
        if self.by_name.get(&plan.destination) == Some(uid) {
            self.by_name.remove(&plan.destination);
        }
    }
}

impl Plans {
    /// Returns the plans as they are now.
    pub fn now(&self) -> PlanSet {
        self.0.borrow().clone()
    }

    pub fn get(&self, name: &DestinationName) -> Option<Arc<Plan>> {
        self.0.borrow().get(name).cloned()
    }

    /// Returns a destination's plan; one that is not known yet is waited for, a
    /// short while.
    pub async fn find(&self, name: &DestinationName) -> Option<Arc<Plan>> {
        let mut plans = self.clone();
        timeout(PLAN_DELAY, async {
            loop {
                if let Some(plan) = plans.get(name) {
                    return Some(plan);
                }
                plans.changed().await.ok()?;
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Waits for the next change; ends when the watcher has stopped.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.0.changed().await
    }
}

impl PlanWatcher {
    /// Loads the plans kept on disk.
    pub(crate) async fn open(
        database: Database,
        config: TracedChannel,
    ) -> Result<(Self, Plans), sqlx::Error> {
        const SQL: &str = "SELECT uid, body FROM plans";
        let rows: Vec<(String, Vec<u8>)> =
            on_database!(&database, pool => sqlx::query_as(SQL).fetch_all(pool).await)?;
        let mut set = PlanSet::default();
        for (uid, body) in rows {
            match read(&body) {
                Some(plan) => {
                    set.insert(Arc::new(plan));
                }
                None => warn!(
                    destination.uid = uid,
                    "a kept plan cannot be read, waiting for a new one"
                ),
            }
        }
        let (sender, receiver) = watch::channel(set);
        Ok((
            Self {
                database,
                config: PlanServiceClient::new(config),
                plans: sender,
            },
            Plans(receiver),
        ))
    }

    /// Follows the config-service until shutdown, and comes back after breaks.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut was_away = false;
        loop {
            match shutdown.run_until_cancelled(self.follow()).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(status)) => {
                    if !was_away {
                        warn!(error = %Chain(&status), "the config-service is away, working by the last plans");
                    }
                    was_away = true;
                }
            }
            if shutdown
                .run_until_cancelled(sleep(RECONNECT_DELAY))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    async fn follow(&mut self) -> Result<(), tonic::Status> {
        let mut stream = self
            .config
            .watch_plans(WatchPlansRequest { since_revision: 0 })
            .await?
            .into_inner();
        // Until the snapshot is complete, plans that it has not told of stay.
        let mut snapshot = Some(PlanSet::default());
        while let Some(message) = stream.message().await? {
            match message.event {
                Some(Event::Plan(plan)) => match Plan::try_from(&plan) {
                    Ok(valid) => {
                        let valid = Arc::new(valid);
                        self.keep(&plan).await;
                        match &mut snapshot {
                            Some(snapshot) => {
                                snapshot.insert(valid);
                            }
                            None => self.plans.send_modify(|set| {
                                set.insert(valid.clone());
                            }),
                        }
                    }
                    Err(invalid) => {
                        error!(destination.name = plan.destination, error = %invalid, "a plan cannot be used");
                    }
                },
                Some(Event::RemovedUid(uid)) => {
                    self.forget(&uid).await;
                    self.plans.send_modify(|set| {
                        set.remove(&DestinationUid::new(uid));
                    });
                }
                Some(Event::SnapshotComplete(_)) => {
                    if let Some(snapshot) = snapshot.take() {
                        info!(plans = snapshot.by_uid.len(), "plans are up to date");
                        let known: Vec<DestinationUid> = self.plans.borrow().by_uid.keys().cloned().collect();
                        for uid in known.iter().filter(|uid| !snapshot.by_uid.contains_key(*uid)) {
                            self.forget(uid.as_str()).await;
                        }
                        self.plans.send_replace(snapshot);
                    }
                }
                Some(Event::Heartbeat(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Keeps a plan for the next start. Failing at it costs nothing while the
    /// config-service is there.
    async fn keep(&self, plan: &pb::Plan) {
        const SQL: &str = "
            INSERT INTO plans (uid, revision, body)
            VALUES ($1, $2, $3)
            ON CONFLICT (uid) DO UPDATE
            SET revision = excluded.revision, body = excluded.body
            WHERE plans.revision <= excluded.revision";
        let kept = on_database!(
            &self.database,
            pool => sqlx::query(SQL)
                .bind(&plan.uid)
                .bind(plan.revision)
                .bind(plan.encode_to_vec())
                .execute(pool)
                .await
                .map(|_| ())
        );
        if let Err(error) = kept {
            warn!(destination.name = plan.destination, error = %Chain(&error), "a plan could not be kept on disk");
        }
    }

    async fn forget(&self, uid: &str) {
        const SQL: &str = "DELETE FROM plans WHERE uid = $1";
        let forgotten: Result<(), sqlx::Error> = async {
            in_transaction!(&self.database, transaction => {
                sqlx::query(SQL).bind(uid).execute(&mut *transaction).await?;
            });
            Ok(())
        }
        .await;
        if let Err(error) = forgotten {
            warn!(destination.uid = uid, error = %Chain(&error), "a plan could not be forgotten on disk");
        }
    }
}

fn read(body: &[u8]) -> Option<Plan> {
    let message = pb::Plan::decode(body).ok()?;
    Plan::try_from(&message).ok()
}
