//! Tells the config-service how the lanes go. Only the newest status of each
//! destination matters, and it is told until it is heard. With it goes how many
//! updates wait, which is told anew while it moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use activation::names::DestinationUid;
use chrono::{DateTime, Utc};
use contracts::{
    config::v1::{self as pb, plan_service_client::PlanServiceClient},
    convert::time::time_out,
};
use service::{chain::Chain, grpc::client::TracedChannel};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    lane::machine::{LaneState, LaneStatus},
    waiting_updates::WaitingUpdates,
};

/// How long to wait before telling again what was not heard.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How old the count of what waits may be where nothing is sent, and where it
/// moves all the time.
const FRESH_WHILE_STOPPED: Duration = Duration::from_secs(3);
const FRESH_WHILE_DELIVERING: Duration = Duration::from_secs(30);

/// Takes statuses. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Reporter {
    lanes: Arc<Mutex<Lanes>>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct Lanes {
    newest: BTreeMap<DestinationUid, Report>,
    /// Those whose status was not heard yet.
    untold: BTreeSet<DestinationUid>,
    /// Those of which other updates may wait than was told.
    moved: BTreeSet<DestinationUid>,
}

struct Report {
    status: LaneStatus,
    /// When it became so.
    time: DateTime<Utc>,
    /// When the count was made that was told last, and the count.
    counted: Option<(Instant, i64)>,
}

/// What is to be told.
struct Due {
    uid: DestinationUid,
    status: LaneStatus,
    time: DateTime<Utc>,
    /// Of a status that was told: nothing is said while the count is this.
    told_count: Option<i64>,
}

impl Report {
    fn due(&self, uid: DestinationUid, told_count: Option<i64>) -> Due {
        Due {
            uid,
            status: self.status.clone(),
            time: self.time,
            told_count,
        }
    }

    fn fresh_for(&self) -> Duration {
        match self.status.state {
            LaneState::Delivering => FRESH_WHILE_DELIVERING,
            LaneState::Paused | LaneState::Error | LaneState::Draining => FRESH_WHILE_STOPPED,
        }
    }
}

impl Lanes {
    /// Takes what is to be told now: new statuses, and those whose count is old.
    fn take_due(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        let old: Vec<DestinationUid> = self
            .moved
            .iter()
            .filter(|uid| {
                self.newest.get(uid).is_none_or(|report| {
                    report
                        .counted
                        .is_none_or(|(at, _)| at + report.fresh_for() <= now)
                })
            })
            .cloned()
            .collect();
        for uid in std::mem::take(&mut self.untold) {
            self.moved.remove(&uid);
            if let Some(report) = self.newest.get(&uid) {
                due.push(report.due(uid, None));
            }
        }
        for uid in old {
            // One that is gone has no report.
            if self.moved.remove(&uid)
                && let Some(report) = self.newest.get(&uid)
            {
                due.push(report.due(uid, report.counted.map(|(_, count)| count)));
            }
        }
        due
    }

    /// Returns when the next count is old.
    fn next_due(&self) -> Option<Instant> {
        self.moved
            .iter()
            .filter_map(|uid| {
                let report = self.newest.get(uid)?;
                report.counted.map(|(at, _)| at + report.fresh_for())
            })
            .min()
    }
}

impl Reporter {
    pub(crate) fn report(&self, uid: DestinationUid, status: LaneStatus, now: DateTime<Utc>) {
        let mut lanes = self.lanes();
        let counted = lanes.newest.get(&uid).and_then(|report| report.counted);
        lanes.untold.insert(uid.clone());
        lanes.newest.insert(
            uid,
            Report {
                status,
                time: now,
                counted,
            },
        );
        drop(lanes);
        self.wake.notify_one();
    }

    /// Hears that updates of a destination were accepted or settled.
    pub(crate) fn moved(&self, uid: &DestinationUid) {
        let mut lanes = self.lanes();
        if lanes.moved.contains(uid) {
            return;
        }
        lanes.moved.insert(uid.clone());
        drop(lanes);
        self.wake.notify_one();
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells until shutdown.
    pub(crate) async fn run(
        self,
        config: TracedChannel,
        waiting: WaitingUpdates,
        shutdown: CancellationToken,
    ) {
        let mut config = PlanServiceClient::new(config);
        // Invariant: what changed after it was taken is in `untold` or `moved`
        // again, and has left a permit in `wake`.
        loop {
            let due = self.lanes().take_due(Instant::now());
            let mut is_heard = true;
            for due in due {
                let Due {
                    uid,
                    status,
                    time,
                    told_count,
                } = due;
                let is_told = match waiting.of(&uid).await {
                    Ok(count) if told_count == Some(count) => {
                        self.counted(&uid, count);
                        true
                    }
                    Ok(count) => {
                        self.tell(&mut config, &uid, request(&uid, &status, time, count))
                            .await
                    }
                    Err(error) => {
                        warn!(destination.uid = %uid, error = %Chain(&error), "waiting updates cannot be counted, will try again");
                        false
                    }
                };
                if !is_told {
                    is_heard = false;
                    self.lanes().untold.insert(uid);
                }
            }
            let next = self.lanes().next_due();
            let wait = async {
                match next {
                    // News do not make the other side come back sooner.
                    _ if !is_heard => sleep(TELL_AGAIN_AFTER).await,
                    // A time-out means: it is time.
                    Some(next) => timeout_at(next, self.wake.notified()).await.unwrap_or(()),
                    None => self.wake.notified().await,
                }
            };
            if shutdown.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }

    async fn tell(
        &self,
        config: &mut PlanServiceClient<TracedChannel>,
        uid: &DestinationUid,
        report: pb::ReportStatusRequest,
    ) -> bool {
        let (is_drained, count) = (report.drained, report.waiting_updates);
        if let Err(error) = config.report_status(report).await {
            debug!(destination.uid = %uid, error = %Chain(&error), "a status was not heard, will tell again");
            return false;
        }
        if is_drained {
            // It is gone; its lane has nothing more to say.
            self.lanes().newest.remove(uid);
        } else {
            self.counted(uid, count);
        }
        true
    }

    fn counted(&self, uid: &DestinationUid, count: i64) {
        if let Some(report) = self.lanes().newest.get_mut(uid) {
            report.counted = Some((Instant::now(), count));
        }
    }
}

fn request(
    uid: &DestinationUid,
    status: &LaneStatus,
    time: DateTime<Utc>,
    waiting_updates: i64,
) -> pb::ReportStatusRequest {
    let state = match status.state {
        LaneState::Delivering => pb::DeliveryState::Delivering,
        LaneState::Paused => pb::DeliveryState::Paused,
        LaneState::Error => pb::DeliveryState::Error,
        LaneState::Draining => pb::DeliveryState::Draining,
    };
    let (reason, message) = match (&status.trouble, &status.notice) {
        (Some(trouble), _) => (trouble.reason.clone(), trouble.message.clone()),
        (None, Some(notice)) => (notice.reason.to_owned(), notice.message.clone()),
        (None, None) => Default::default(),
    };
    pb::ReportStatusRequest {
        uid: uid.to_string(),
        applied_revision: status.applied_revision,
        state: state.into(),
        reason,
        message,
        drained: status.drained,
        report_time: Some(time_out(time)),
        waiting_updates,
    }
}
