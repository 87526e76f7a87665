//! The producer's end of `Deliver`: sends batches, keeps what is not answered,
//! and goes on after a break without losing or repeating anything.

use std::{collections::VecDeque, time::Duration};

use activation::profile::ProfileUpdate;
use contracts::delivery::v1::{
    self as pb, DeliverRequest, deliver_request::Message, deliver_response::Answer,
};
use service::trace_context::TraceContext;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::client::Servers;

/// Updates sent and not answered, at most.
const WINDOW: usize = 10_000;
/// Messages handed to the connection ahead.
const MESSAGES_AHEAD: usize = 4;
const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// A producer.
pub struct Stream {
    pub servers: Servers,
    pub producer: String,
    /// How long to try without any progress.
    pub patience: Duration,
}

/// What became of everything.
#[derive(Debug, Default)]
pub struct Summary {
    /// Answered under this name before.
    pub already_answered: u64,
    pub accepted: u64,
    pub refused: Vec<pb::InvalidUpdate>,
}

/// What happens meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many more updates were answered.
    Answered(u64),
    Away,
    Back,
}

struct Sending<'a> {
    stream: &'a Stream,
    batches: mpsc::Receiver<pb::UpdateBatch>,
    has_more: bool,
    unanswered: VecDeque<pb::UpdateBatch>,
    summary: Summary,
    last_progress: Instant,
}

impl Stream {
    /// Sends every batch; returns when all are answered. Sequences must rise.
    pub async fn send(
        &self,
        batches: mpsc::Receiver<pb::UpdateBatch>,
        mut on_progress: impl FnMut(Progress),
    ) -> anyhow::Result<Summary> {
        let mut sending = Sending {
            stream: self,
            batches,
            has_more: true,
            unanswered: VecDeque::new(),
            summary: Summary::default(),
            last_progress: Instant::now(),
        };
        let mut is_first = true;
        loop {
            match sending.connection(is_first, &mut on_progress).await {
                Ok(()) => return Ok(sending.summary),
                Err(status) if may_retry(&status) && sending.last_progress.elapsed() < self.patience => {
                    on_progress(Progress::Away);
                    is_first &= sending.unanswered.is_empty() && sending.summary.accepted == 0;
                    let hint = status.get_details_retry_info().and_then(|info| info.retry_delay);
                    sleep(hint.unwrap_or(RECONNECT_DELAY)).await;
                }
                Err(status) => return Err(status.into()),
            }
        }
    }
}

impl Sending<'_> {
    /// Sends over one connection, to the end or until it breaks.
    async fn connection(
        &mut self,
        is_first: bool,
        on_progress: &mut impl FnMut(Progress),
    ) -> Result<(), Status> {
        let (requests, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let open = Message::Open(pb::Open {
            producer: self.stream.producer.clone(),
        });
        // The channel is empty, so there is room.
        let _ = requests.send(DeliverRequest { message: Some(open) }).await;
        let mut answers = self
            .stream
            .servers
            .delivery()
            .deliver(ReceiverStream::new(receiver))
            .await?
            .into_inner();
        let last_accepted = opened(&mut answers).await?;
        on_progress(Progress::Back);
        self.last_progress = Instant::now();
        // After a break everything unanswered is sent again: what was accepted is
        // answered at once, and a refusal that was lost is told again.
        let mut again: VecDeque<pb::UpdateBatch> = self.unanswered.clone();
        let mut requests = Some(requests);
        // Invariants: what was sent and not answered is in `unanswered`; the
        // sending half is closed once nothing is left to send.
        loop {
            if self.is_done() {
                // Half-closed; the server ends its half when all is answered.
                requests = None;
            }
            let in_flight: usize = self.unanswered.iter().map(|batch| batch.updates.len()).sum();
            let may_read = self.has_more && again.is_empty() && in_flight < WINDOW && requests.is_some();
            tokio::select! {
                biased;
                answer = answers.message() => match answer?.and_then(|message| message.answer) {
                    Some(Answer::AnsweredThrough(through)) => {
                        self.last_progress = Instant::now();
                        self.answered_through(through, on_progress);
                    }
                    Some(Answer::Invalid(invalid)) => self.refused(invalid, on_progress),
                    Some(Answer::Opened(_)) => {}
                    None if self.is_done() => return Ok(()),
                    None => return Err(Status::unavailable("the server ended the stream")),
                },
                Ok(permit) = reserve(requests.as_ref()), if !again.is_empty() => {
                    if let Some(batch) = again.pop_front() {
                        permit.send(DeliverRequest { message: Some(Message::Batch(batch)) });
                    }
                }
                batch = self.batches.recv(), if may_read => match batch {
                    None => self.has_more = false,
                    Some(mut batch) => {
                        if is_first {
                            self.skip_accepted(&mut batch, last_accepted, on_progress);
                        }
                        if !batch.updates.is_empty() {
                            trace(&mut batch);
                            self.unanswered.push_back(batch.clone());
                            again.push_back(batch);
                        }
                    }
                },
            }
        }
    }

    fn is_done(&self) -> bool {
        !self.has_more && self.unanswered.is_empty()
    }

    /// Leaves out what an earlier run under this name had accepted.
    fn skip_accepted(
        &mut self,
        batch: &mut pb::UpdateBatch,
        last_accepted: u64,
        on_progress: &mut impl FnMut(Progress),
    ) {
        let before = batch.updates.len();
        batch.updates.retain(|update| {
            let is_new = update.sequence > last_accepted;
            if !is_new {
                // What was malformed was refused then, and still is.
                match ProfileUpdate::try_from(update) {
                    Ok(_) => self.summary.already_answered += 1,
                    Err(invalid) => self.summary.refused.push(pb::InvalidUpdate {
                        sequence: update.sequence,
                        reason: "INVALID_FIELD".to_owned(),
                        field: invalid.field,
                        message: invalid.problem,
                    }),
                }
            }
            is_new
        });
        let skipped = (before - batch.updates.len()) as u64;
        if skipped > 0 {
            on_progress(Progress::Answered(skipped));
        }
    }

    fn answered_through(&mut self, through: u64, on_progress: &mut impl FnMut(Progress)) {
        let mut answered = 0;
        while let Some(batch) = self.unanswered.front_mut() {
            let before = batch.updates.len();
            batch.updates.retain(|update| update.sequence > through);
            answered += (before - batch.updates.len()) as u64;
            if !batch.updates.is_empty() {
                break;
            }
            self.unanswered.pop_front();
        }
        self.summary.accepted += answered;
        if answered > 0 {
            on_progress(Progress::Answered(answered));
        }
    }

    fn refused(&mut self, invalid: pb::InvalidUpdate, on_progress: &mut impl FnMut(Progress)) {
        for batch in &mut self.unanswered {
            batch.updates.retain(|update| update.sequence != invalid.sequence);
        }
        self.unanswered.retain(|batch| !batch.updates.is_empty());
        self.summary.refused.push(invalid);
        on_progress(Progress::Answered(1));
    }
}

async fn opened(answers: &mut Streaming<pb::DeliverResponse>) -> Result<u64, Status> {
    match answers.message().await?.and_then(|message| message.answer) {
        Some(Answer::Opened(opened)) => Ok(opened.last_accepted_sequence),
        Some(Answer::AnsweredThrough(_) | Answer::Invalid(_)) | None => {
            Err(Status::internal("the server did not open the stream"))
        }
    }
}

async fn reserve(
    requests: Option<&mpsc::Sender<DeliverRequest>>,
) -> Result<mpsc::Permit<'_, DeliverRequest>, ()> {
    match requests {
        Some(requests) => requests.reserve().await.map_err(|_| ()),
        None => std::future::pending().await,
    }
}

/// Begins a trace for the batch; its updates carry it to their delivery.
fn trace(batch: &mut pb::UpdateBatch) {
    let span = tracing::info_span!(parent: None, "send", "otel.kind" = "producer", batch.updates = batch.updates.len());
    let Some(current) = span.in_scope(TraceContext::current) else {
        return;
    };
    for update in &mut batch.updates {
        update.trace_context = Some(pb::TraceContext {
            traceparent: current.traceparent.clone(),
            tracestate: current.tracestate.clone(),
        });
    }
}

/// Clients retry `UNAVAILABLE`, and what has a `RetryInfo`. A connection that
/// breaks in the middle is `UNKNOWN` or `CANCELLED` from below, without details.
pub(super) fn may_retry(status: &Status) -> bool {
    let is_ours = status.get_details_error_info().is_some();
    status.code() == Code::Unavailable
        || status.get_details_retry_info().is_some()
        || (!is_ours && matches!(status.code(), Code::Unknown | Code::Cancelled | Code::Internal))
}
