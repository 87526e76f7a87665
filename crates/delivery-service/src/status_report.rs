//! Tells the config-service how the lanes go. Only the newest status of each
//! destination matters, and it is told until it is heard.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use activation::names::DestinationUid;
use contracts::config::v1::{self as pb, plan_service_client::PlanServiceClient};
use service::{chain::Chain, grpc::client::TracedChannel};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lane::machine::{LaneState, LaneStatus};

/// How long to wait before telling again what was not heard.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Takes statuses. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Reporter {
    untold: Arc<Mutex<BTreeMap<DestinationUid, LaneStatus>>>,
    wake: Arc<Notify>,
}

impl Reporter {
    pub(crate) fn report(&self, uid: DestinationUid, status: LaneStatus) {
        self.untold
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid, status);
        self.wake.notify_one();
    }

    /// Tells until shutdown.
    pub(crate) async fn run(self, config: TracedChannel, shutdown: CancellationToken) {
        let mut config = PlanServiceClient::new(config);
        loop {
            let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
            let mut is_heard = true;
            for (uid, status) in untold {
                let told = config.report_status(request(&uid, &status)).await;
                if let Err(error) = told {
                    debug!(destination.uid = %uid, error = %Chain(&error), "a status was not heard, will tell again");
                    is_heard = false;
                    // A newer one may have come meanwhile.
                    self.untold
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .entry(uid)
                        .or_insert(status);
                }
            }
            let wait = async {
                if is_heard {
                    self.wake.notified().await;
                } else {
                    // A time-out means: tell again.
                    let _ = timeout(TELL_AGAIN_AFTER, self.wake.notified()).await;
                }
            };
            if shutdown.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }
}

fn request(uid: &DestinationUid, status: &LaneStatus) -> pb::ReportStatusRequest {
    let state = match status.state {
        LaneState::Delivering => pb::DeliveryState::Delivering,
        LaneState::Paused => pb::DeliveryState::Paused,
        LaneState::Error => pb::DeliveryState::Error,
        LaneState::Draining => pb::DeliveryState::Draining,
    };
    let (reason, message) = status
        .trouble
        .as_ref()
        .map(|trouble| (trouble.reason.clone(), trouble.message.clone()))
        .unwrap_or_default();
    pb::ReportStatusRequest {
        uid: uid.to_string(),
        applied_revision: status.applied_revision,
        state: state.into(),
        reason,
        message,
        drained: status.drained,
        waiting_updates: 0,
    }
}
