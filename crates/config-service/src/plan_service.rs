//! gRPC adapter of `PlanService`, for the delivery-service only.

use std::{pin::Pin, time::Duration};

use activation::InvalidField;
use contracts::{
    config::v1::{self as pb, plan_service_server::PlanService},
    convert::time::time_in,
    status::invalid_field,
};
use futures::Stream;
use service::{chain::Chain, database::to_micros};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::warn;

use crate::{
    destinations::{DeliveryState, DeliveryStatus},
    plan_watch::{PlanWatch, WatchEnded},
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    /// How often changes made by other processes are looked for.
    pub(crate) poll_interval: Duration,
    pub(crate) shutdown: CancellationToken,
}

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
        let watch = PlanWatch::new(self.store.clone(), since, self.poll_interval, sender.clone());
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            if let Some(Err(WatchEnded::Store(error))) = shutdown.run_until_cancelled(watch.run()).await {
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
        let now = self.store.clock.now();
        let report_time = time_in(request.report_time, "report_time").map_err(invalid_field)?;
        let status = DeliveryStatus {
            state,
            reason: request.reason,
            message: request.message,
            applied_revision: request.applied_revision,
            report_time_micros: to_micros(report_time.map_or(now, |time| time.min(now))),
            waiting_updates: request.waiting_updates,
        };
        self.store
            .report_status(&request.uid, &status, request.drained)
            .await?;
        Ok(Response::new(pb::ReportStatusResponse {}))
    }
}
