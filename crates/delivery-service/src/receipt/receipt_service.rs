//! gRPC adapter of `ReceiptService`.

use std::{pin::Pin, time::Duration};

use activation::{InvalidField, names::DestinationName};
use contracts::{
    convert::{parsed, time::time_out},
    delivery::v1::{self as pb, receipt_service_server::ReceiptService},
    status::{invalid_field, status},
};
use futures::Stream;
use service::{chain::Chain, database::from_micros, on_database};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use tracing::error;

use super::{Receipts, outcome_out};

pub(crate) struct Adapter {
    pub(crate) receipts: Receipts,
    pub(crate) shutdown: CancellationToken,
}

/// Receipts in one message.
const RECEIPTS_PER_MESSAGE: i64 = 1_000;
/// Messages that wait for a slow reader.
const BUFFERED_MESSAGES: usize = 4;
/// How often settlements of other processes are looked for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    producer: String,
    sequence: i64,
    update_id: String,
    destination: String,
    identity: i64,
    outcome: String,
    reason: String,
    settle_time: i64,
}

#[tonic::async_trait]
impl ReceiptService for Adapter {
    type WatchReceiptsStream = Pin<Box<dyn Stream<Item = Result<pb::WatchReceiptsResponse, Status>> + Send>>;

    async fn watch_receipts(
        &self,
        request: Request<pb::WatchReceiptsRequest>,
    ) -> Result<Response<Self::WatchReceiptsStream>, Status> {
        let request = request.into_inner();
        if request.after < 0 {
            return Err(invalid_field(InvalidField::new("after", "must not be negative")));
        }
        if !request.destination.is_empty() {
            let _: DestinationName = parsed(&request.destination, "destination").map_err(invalid_field)?;
        }
        let (sender, receiver) = mpsc::channel(BUFFERED_MESSAGES);
        let receipts = self.receipts.clone();
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            let watch = watch(&receipts, request, &sender);
            if let Some(Err(error)) = shutdown.run_until_cancelled(watch).await {
                error!(error = %Chain(&error), "receipts cannot be read");
                let failed = status(
                    Code::Unavailable,
                    "STORE_UNAVAILABLE",
                    "the receipts cannot be read",
                );
                let _ = sender.send(Err(failed)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// Sends receipts until the reader goes away or the database fails.
async fn watch(
    receipts: &Receipts,
    request: pb::WatchReceiptsRequest,
    sender: &mpsc::Sender<Result<pb::WatchReceiptsResponse, Status>>,
) -> Result<(), sqlx::Error> {
    let mut settled = receipts.settled.subscribe();
    let mut after = request.after;
    loop {
        settled.mark_unchanged();
        let rows = receipts
            .after(after, &request.producer, &request.destination)
            .await?;
        if let Some(last) = rows.last() {
            after = last.id;
            let message = pb::WatchReceiptsResponse {
                receipts: rows.into_iter().map(Into::into).collect(),
                cursor: after,
            };
            if sender.send(Ok(message)).await.is_err() {
                return Ok(());
            }
        } else {
            tokio::select! {
                // A time-out is a poll.
                _ = timeout(POLL_INTERVAL, settled.changed()) => {}
                () = sender.closed() => return Ok(()),
            }
        }
    }
}

impl Receipts {
    async fn after(&self, cursor: i64, producer: &str, destination: &str) -> Result<Vec<Row>, sqlx::Error> {
        const SQL: &str = "
            SELECT id, producer, sequence, update_id, destination, identity, outcome, reason, settle_time
            FROM settlements
            WHERE id > $1
              AND ($2 = '' OR producer = $2)
              AND ($3 = '' OR destination = $3)
            ORDER BY id
            LIMIT $4";
        on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(cursor)
                .bind(producer)
                .bind(destination)
                .bind(RECEIPTS_PER_MESSAGE)
                .fetch_all(pool)
                .await
        )
    }
}

impl From<Row> for pb::Receipt {
    fn from(row: Row) -> Self {
        Self {
            cursor: row.id,
            producer: row.producer,
            sequence: u64::try_from(row.sequence).unwrap_or(0),
            update_id: row.update_id,
            destination: row.destination,
            identity_index: i32::try_from(row.identity).unwrap_or(-1),
            outcome: outcome_out(&row.outcome).into(),
            reason: row.reason,
            settle_time: Some(time_out(from_micros(row.settle_time))),
        }
    }
}
