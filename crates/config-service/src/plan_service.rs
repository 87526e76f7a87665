//! gRPC adapter of `PlanService`, for the delivery-service only.

use std::{pin::Pin, time::Duration};

use activation::InvalidField;
use contracts::{
    config::v1::{self as pb, plan_service_server::PlanService, watch_plans_response::Event},
    status::invalid_field,
};
use futures::Stream;
use service::{chain::Chain, database::to_micros};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::warn;

use crate::{
    destinations::{DeliveryState, DeliveryStatus, PlanChange},
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) shutdown: CancellationToken,
}

/// How often changes made by other processes are looked for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Polls without a change between two heartbeats.
const POLLS_PER_HEARTBEAT: u32 = 10;
/// Messages that wait for a slow watcher.
const BUFFERED_MESSAGES: usize = 64;

#[tonic::async_trait]
impl PlanService for Adapter {
    type WatchPlansStream = Pin<Box<dyn Stream<Item = Result<pb::WatchPlansResponse, Status>> + Send>>;

    async fn watch_plans(
        &self,
        request: Request<pb::WatchPlansRequest>,
    ) -> Result<Response<Self::WatchPlansStream>, Status> {
        let since = request.into_inner().since_revision;
        let (sender, receiver) = mpsc::channel(BUFFERED_MESSAGES);
        let store = self.store.clone();
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            let watch = watch(&store, since, &sender);
            if let Some(Err(error)) = shutdown.run_until_cancelled(watch).await {
                warn!(error = %Chain(&error), "plans cannot be read, the watcher will come back");
                let _ = sender.send(Err(ChangeError::from(error).into())).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn report_status(
        &self,
        request: Request<pb::ReportStatusRequest>,
    ) -> Result<Response<pb::ReportStatusResponse>, Status> {
        let request = request.into_inner();
        let state = match pb::DeliveryState::try_from(request.state) {
            Ok(pb::DeliveryState::Delivering) => DeliveryState::Delivering,
            Ok(pb::DeliveryState::Paused) => DeliveryState::Paused,
            Ok(pb::DeliveryState::Error) => DeliveryState::Error,
            Ok(pb::DeliveryState::Draining) => DeliveryState::Draining,
            Ok(pb::DeliveryState::Unspecified) | Err(_) => {
                return Err(invalid_field(InvalidField::new("state", "is required")));
            }
        };
        let status = DeliveryStatus {
            state,
            reason: request.reason,
            message: request.message,
            applied_revision: request.applied_revision,
            report_time_micros: to_micros(self.store.clock.now()),
            waiting_updates: request.waiting_updates,
        };
        self.store
            .report_status(&request.uid, &status, request.drained)
            .await?;
        Ok(Response::new(pb::ReportStatusResponse {}))
    }
}

/// Sends changes until the watcher goes away or the database fails.
async fn watch(
    store: &Store,
    since: i64,
    sender: &mpsc::Sender<Result<pb::WatchPlansResponse, Status>>,
) -> Result<(), sqlx::Error> {
    let mut known = since;
    let mut told = since;
    let mut is_snapshot = true;
    let mut quiet_polls = 0;
    loop {
        // Registered before the read, so that no change falls between.
        let changed = store.plans_changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let (changes, newest) = store.plan_changes(known).await?;
        let mut events: Vec<(i64, Event)> = changes
            .into_iter()
            .map(|change| {
                let revision = change.revision();
                let event = match change {
                    PlanChange::Planned(plan) => Event::Plan(plan.as_ref().into()),
                    PlanChange::Removed { uid, .. } => Event::RemovedUid(uid.to_string()),
                };
                (revision, event)
            })
            .collect();
        quiet_polls = if events.is_empty() { quiet_polls + 1 } else { 0 };
        known = newest.max(known);
        if is_snapshot {
            is_snapshot = false;
            events.push((known, Event::SnapshotComplete(pb::SnapshotComplete {})));
        } else if quiet_polls >= POLLS_PER_HEARTBEAT {
            quiet_polls = 0;
            events.push((known, Event::Heartbeat(pb::Heartbeat {})));
        }
        for (index, (revision, event)) in events.iter().enumerate() {
            // A revision is reached with the last of its events; a stream that
            // breaks before that must not skip the others.
            let is_last = events.get(index + 1).is_none_or(|(next, event)| {
                next > revision || matches!(event, Event::SnapshotComplete(_) | Event::Heartbeat(_))
            });
            if is_last {
                told = told.max(*revision);
            }
            let message = pb::WatchPlansResponse {
                revision: told,
                event: Some(event.clone()),
            };
            if sender.send(Ok(message)).await.is_err() {
                return Ok(());
            }
        }
        // A time-out is a poll.
        let _ = timeout(POLL_INTERVAL, changed).await;
    }
}
