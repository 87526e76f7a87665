//! Follows the config-service's plans.

use std::{collections::HashMap, sync::Arc, time::Duration};

use activation::{names::DestinationUid, plan::Plan};
use contracts::config::v1::{
    SnapshotComplete, WatchPlansRequest, plan_service_client::PlanServiceClient, watch_plans_response::Event,
};
use service::{Database, chain::Chain, grpc::client::TracedChannel};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::{error, info, warn};

use super::{
    PlanSet, Plans,
    kept::{Keeping, KeptPlans},
};

/// How long to wait before asking a config-service again that was away.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// A stream that says nothing for so long is dead: three heartbeats.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// The end of a snapshot names all plans, at some 50 bytes each.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// Keeps the current plans current.
pub(crate) struct PlanWatcher {
    kept: KeptPlans,
    config: PlanServiceClient<TracedChannel>,
    plans: watch::Sender<PlanSet>,
    /// The last revision applied. It is 0 at a start, so that what was kept on
    /// disk is held against all that there is.
    applied: i64,
    /// Whether it was said that the config-service is away.
    is_away_told: bool,
}

/// What the stream says of one destination.
enum Change {
    Planned(Arc<Plan>),
    Removed(DestinationUid),
}

/// Why a stream was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Ended,
    /// What we have is of another history than the config-service's.
    MustStartOver,
}

impl PlanWatcher {
    /// Loads the plans kept on disk.
    pub(crate) async fn open(
        database: Database,
        config: TracedChannel,
    ) -> Result<(Self, Plans), sqlx::Error> {
        let kept = KeptPlans::new(database);
        let mut set = PlanSet::default();
        for one in kept.load().await? {
            let uid = one.plan.uid.clone();
            set.insert(Arc::new(one.plan));
            if one.is_held {
                set.hold(&uid);
                log_held(&set, &uid);
            }
        }
        let (sender, receiver) = watch::channel(set);
        let watcher = Self {
            kept,
            config: PlanServiceClient::new(config).max_decoding_message_size(MAX_MESSAGE_BYTES),
            plans: sender,
            applied: 0,
            is_away_told: false,
        };
        Ok((watcher, Plans(receiver)))
    }

    /// Follows the config-service until shutdown, and comes back after breaks.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            match shutdown.run_until_cancelled(self.follow()).await {
                None => return,
                Some(Ok(Left::MustStartOver)) => {
                    info!("the config-service has other plans than these, reading all of them");
                    self.applied = 0;
                    continue;
                }
                Some(Ok(Left::Ended)) => {}
                Some(Err(status)) => {
                    if !self.is_away_told {
                        warn!(error = %Chain(&status), "the config-service is away, working by the last plans");
                    }
                    self.is_away_told = true;
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

    async fn follow(&mut self) -> Result<Left, Status> {
        let request = WatchPlansRequest {
            since_revision: self.applied,
        };
        let mut stream = within_silence(self.config.watch_plans(request))
            .await?
            .into_inner();
        // Told and not applied yet. A snapshot is applied as a whole.
        let mut told = Vec::new();
        let mut is_snapshot = true;
        while let Some(message) = within_silence(stream.message()).await? {
            match message.event {
                Some(Event::Plan(plan)) => match Plan::try_from(&plan) {
                    Ok(valid) => told.push(Change::Planned(Arc::new(valid))),
                    Err(invalid) => {
                        error!(destination.name = plan.destination, error = %invalid, "a plan cannot be used");
                    }
                },
                Some(Event::RemovedUid(uid)) => told.push(Change::Removed(DestinationUid::new(uid))),
                Some(Event::SnapshotComplete(snapshot)) => {
                    is_snapshot = false;
                    self.is_away_told = false;
                    self.apply(std::mem::take(&mut told), Some(&snapshot)).await;
                    if !snapshot.started_over && self.differs_from(&snapshot) {
                        return Ok(Left::MustStartOver);
                    }
                    let plans = self.plans.borrow();
                    info!(
                        plans = plans.by_uid.len(),
                        held = plans.held.len(),
                        "plans are up to date"
                    );
                }
                Some(Event::Heartbeat(_)) | None => {}
            }
            if !is_snapshot {
                self.apply(std::mem::take(&mut told), None).await;
                self.applied = message.revision;
            }
        }
        Ok(Left::Ended)
    }

    /// Tells whether a plan is there that we do not have as it is.
    fn differs_from(&self, snapshot: &SnapshotComplete) -> bool {
        let plans = self.plans.borrow();
        snapshot.plans.iter().any(|there| {
            let ours = plans.by_uid.get(&DestinationUid::new(&there.uid));
            ours.is_none_or(|ours| ours.revision != there.revision)
        })
    }

    /// Takes changes; after a snapshot also holds what is not there, and lets
    /// go on what is there again. On disk first, then for everybody.
    async fn apply(&mut self, changes: Vec<Change>, snapshot: Option<&SnapshotComplete>) {
        let mut set = self.plans.borrow().clone();
        let before = set.held.clone();
        let mut planned = Vec::new();
        let mut removed = Vec::new();
        for change in changes {
            match change {
                Change::Planned(plan) => {
                    let is_known = set.by_uid.get(&plan.uid).is_some_and(|known| *known == plan);
                    if !is_known || set.is_held(&plan.uid) {
                        set.insert(plan.clone());
                        planned.push(plan);
                    }
                }
                Change::Removed(uid) => {
                    if set.by_uid.contains_key(&uid) {
                        set.remove(&uid);
                        removed.push(uid);
                    }
                }
            }
        }
        if let Some(snapshot) = snapshot {
            compare(&mut set, snapshot);
        }
        let held: Vec<DestinationUid> = set.held.difference(&before).cloned().collect();
        let released: Vec<DestinationUid> = before
            .difference(&set.held)
            .filter(|uid| set.by_uid.contains_key(*uid))
            .cloned()
            .collect();
        if planned.is_empty() && removed.is_empty() && held.is_empty() && released.is_empty() {
            return;
        }
        let keeping: Vec<Keeping<'_>> = planned
            .iter()
            .map(|plan| Keeping::Keep(plan))
            .chain(removed.iter().map(Keeping::Forget))
            .chain(held.iter().map(Keeping::Hold))
            .chain(released.iter().map(Keeping::Release))
            .collect();
        // Failing at it costs nothing while the config-service is there.
        if let Err(error) = self.kept.write(&keeping).await {
            warn!(error = %Chain(&error), "plans could not be kept on disk");
        }
        for uid in &held {
            log_held(&set, uid);
        }
        for uid in &released {
            info!(destination.uid = %uid, "the config-service knows the destination again, going on");
        }
        self.plans.send_replace(set);
    }
}

/// Holds the plans that are not there, and lets go on those that are there as
/// we have them.
fn compare(set: &mut PlanSet, snapshot: &SnapshotComplete) {
    let there: HashMap<DestinationUid, i64> = snapshot
        .plans
        .iter()
        .map(|plan| (DestinationUid::new(&plan.uid), plan.revision))
        .collect();
    let missing: Vec<DestinationUid> = set
        .by_uid
        .keys()
        .filter(|uid| !there.contains_key(*uid))
        .cloned()
        .collect();
    for uid in missing {
        set.hold(&uid);
    }
    let by_uid = &set.by_uid;
    set.held.retain(|uid| {
        let ours = by_uid.get(uid).map(|plan| plan.revision);
        there.get(uid).copied() != ours
    });
}

fn log_held(set: &PlanSet, uid: &DestinationUid) {
    let name = set.by_uid.get(uid).map(|plan| plan.destination.to_string());
    error!(
        destination.name = name,
        destination.uid = %uid,
        "the config-service does not know this destination, and nobody deleted it: what was accepted is kept, \
         and nothing is taken or sent until it is known again"
    );
}

async fn within_silence<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    timeout(LONGEST_SILENCE, answer)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("the config-service says nothing")))
}

#[cfg(test)]
mod tests;
