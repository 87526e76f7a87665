//! Profile updates come in: gRPC streams, byte permits, cumulative answers.

use std::{pin::Pin, sync::Arc, time::Duration};

use activation::{InvalidField, profile::ProfileUpdate};
use contracts::{
    convert::parsed,
    delivery::v1::{
        self as pb, deliver_request, deliver_response::Answer, delivery_service_server::DeliveryService,
        update_batch,
    },
    status::{invalid_field, retry_later, status},
};
use futures::Stream;
use prost::Message;
use service::chain::Chain;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Code, Request, Response, Status, Streaming};
use tracing::{error, info};

use crate::{
    journal::{
        Journal,
        writer::{Admitted, Append, Appended, WriterHandle},
    },
    plans::Plans,
    resolve::{Refused, Route, Target},
};

/// Largest message of a stream, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;
/// Bytes of updates that may be read and not yet journaled, over all streams.
pub const MAX_UNJOURNALED_BYTES: usize = 64 << 20;
/// How long a stream waits for room before it is asked to come back.
const LONGEST_WAIT_FOR_ROOM: Duration = Duration::from_secs(30);
/// When a stream that found no room should come back.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);
/// Answers that wait for a slow reader; when full, reading its updates stops too.
const BUFFERED_ANSWERS: usize = 1_024;
const MAX_PRODUCER_BYTES: usize = 128;
/// Sequences are kept in signed columns.
const MAX_SEQUENCE: u64 = i64::MAX as u64;

/// gRPC adapter of `DeliveryService`.
pub(crate) struct Adapter {
    pub(crate) intake: Arc<Intake>,
}

/// What every stream shares.
pub(crate) struct Intake {
    pub(crate) plans: Plans,
    pub(crate) journal: Journal,
    pub(crate) writer: WriterHandle,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

type Answers = mpsc::Sender<Result<pb::DeliverResponse, Status>>;

#[tonic::async_trait]
impl DeliveryService for Adapter {
    type DeliverStream = Pin<Box<dyn Stream<Item = Result<pb::DeliverResponse, Status>> + Send>>;

    async fn deliver(
        &self,
        request: Request<Streaming<pb::DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let intake = self.intake.clone();
        let (answers, receiver) = mpsc::channel(BUFFERED_ANSWERS);
        let tasks = intake.tasks.clone();
        tasks.spawn(async move {
            let ended = intake.shutdown.run_until_cancelled(intake.take(request.into_inner(), &answers)).await;
            let status = match ended {
                Some(Ok(())) => return,
                Some(Err(status)) => status,
                None => status(
                    Code::Unavailable,
                    "SHUTTING_DOWN",
                    "the delivery-service is shutting down; open the stream again and go on after the last answer",
                ),
            };
            // A caller that is gone needs no status.
            let _ = answers.send(Err(status)).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

impl Intake {
    /// Takes one stream to its end. Returns after its last update was answered.
    async fn take(&self, mut stream: Streaming<pb::DeliverRequest>, answers: &Answers) -> Result<(), Status> {
        let producer = self.open(stream.message().await?, answers).await?;
        let (appended, mut word) = mpsc::unbounded_channel();
        let mut state = StreamState { through: 0 };
        // Requests handed to the writer and not answered by it yet.
        let mut unanswered = 0_usize;
        let mut has_ended = false;
        // Invariants: what the writer has said is passed on before more is
        // read; the stream ends only when it has ended and nothing waits.
        loop {
            tokio::select! {
                biased;
                Some(word) = word.recv() => {
                    unanswered -= 1;
                    match word {
                        Appended::Through(through) => {
                            answer(answers, Answer::AnsweredThrough(through)).await?;
                        }
                        Appended::Failed => return Err(journal_failed()),
                    }
                }
                message = stream.message(), if !has_ended => match message? {
                    None => has_ended = true,
                    Some(message) => {
                        let batch = batch(message)?;
                        let request = self.admit(batch, &producer, &mut state, answers, &appended).await?;
                        self.writer.append(request).await.map_err(|()| journal_failed())?;
                        unanswered += 1;
                    }
                },
                else => return Ok(()),
            }
            if has_ended && unanswered == 0 {
                return Ok(());
            }
        }
    }

    async fn open(&self, message: Option<pb::DeliverRequest>, answers: &Answers) -> Result<String, Status> {
        let Some(deliver_request::Message::Open(open)) = message.and_then(|message| message.message) else {
            return Err(invalid_field(InvalidField::new(
                "open",
                "must be the first message of the stream",
            )));
        };
        let producer = open.producer;
        let is_printable = producer.chars().all(|character| !character.is_control());
        if producer.trim().is_empty() || producer.len() > MAX_PRODUCER_BYTES || !is_printable {
            return Err(invalid_field(InvalidField::new(
                "open.producer",
                format!("must be a name of 1 to {MAX_PRODUCER_BYTES} printable characters"),
            )));
        }
        let last_accepted_sequence = self.journal.last_sequence(&producer).await.map_err(|error| {
            error!(error = %Chain(&error), "the journal cannot be read");
            journal_failed()
        })?;
        info!(producer, last_accepted_sequence, "a stream of updates is open");
        answer(
            answers,
            Answer::Opened(pb::Opened {
                last_accepted_sequence,
            }),
        )
        .await?;
        Ok(producer)
    }

    /// Refuses what cannot be taken, one by one, and admits the rest.
    async fn admit(
        &self,
        batch: pb::UpdateBatch,
        producer: &str,
        state: &mut StreamState,
        answers: &Answers,
        appended: &mpsc::UnboundedSender<Appended>,
    ) -> Result<Append, Status> {
        let route = match target(batch.target.as_ref()) {
            Ok(target) => Route::find(&self.plans, &target).await,
            Err(invalid) => Route::Nowhere(Refused {
                reason: "INVALID_FIELD",
                field: invalid.field,
                message: invalid.problem,
            }),
        };
        let mut updates = Vec::with_capacity(batch.updates.len());
        for (index, message) in batch.updates.into_iter().enumerate() {
            let sequence = message.sequence;
            match check(&message, index, &route) {
                Ok(partitions) => {
                    let update = message.encode_to_vec();
                    let permit = self.room_for(update.len()).await?;
                    state.through = state.through.max(sequence);
                    updates.push(Admitted {
                        sequence,
                        partitions,
                        update: update.into(),
                        permit,
                    });
                }
                Err(refused) => {
                    state.through = state.through.max(sequence);
                    let invalid = pb::InvalidUpdate {
                        sequence,
                        reason: refused.reason.to_owned(),
                        field: refused.field,
                        message: refused.message,
                    };
                    answer(answers, Answer::Invalid(invalid)).await?;
                }
            }
        }
        Ok(Append {
            producer: producer.to_owned(),
            updates,
            through: state.through,
            answer: appended.clone(),
        })
    }

    /// Waits until there is room for so many bytes.
    async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Status> {
        let permits = u32::try_from(bytes.clamp(1, MAX_MESSAGE_BYTES)).unwrap_or(u32::MAX);
        match timeout(
            LONGEST_WAIT_FOR_ROOM,
            self.room.clone().acquire_many_owned(permits),
        )
        .await
        {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(retry_later(
                Code::ResourceExhausted,
                "INTAKE_FULL",
                "more updates came in than could be journaled; come back and go on after the last answer",
                COME_BACK_AFTER,
            )),
        }
    }
}

/// What one stream remembers.
struct StreamState {
    /// Highest sequence read, refused ones included.
    through: u64,
}

async fn answer(answers: &Answers, answer: Answer) -> Result<(), Status> {
    answers
        .send(Ok(pb::DeliverResponse { answer: Some(answer) }))
        .await
        .map_err(|_| Status::cancelled("the caller is gone"))
}

fn batch(message: pb::DeliverRequest) -> Result<pb::UpdateBatch, Status> {
    match message.message {
        Some(deliver_request::Message::Batch(batch)) => Ok(batch),
        Some(deliver_request::Message::Open(_)) => Err(invalid_field(InvalidField::new(
            "open",
            "was sent already; a stream has one producer",
        ))),
        None => Err(invalid_field(InvalidField::new(
            "message",
            "is required: a batch of updates",
        ))),
    }
}

fn target(target: Option<&update_batch::Target>) -> Result<Target, InvalidField> {
    match target {
        Some(update_batch::Target::Destination(name)) => {
            Ok(Target::Destination(parsed(name, "batch.destination")?))
        }
        Some(update_batch::Target::Workspace(name)) => {
            Ok(Target::Workspace(parsed(name, "batch.workspace")?))
        }
        None => Err(InvalidField::new(
            "batch.target",
            "is required: a destination or a workspace",
        )),
    }
}

fn check(
    message: &pb::ProfileUpdate,
    index: usize,
    route: &Route,
) -> Result<Vec<activation::names::DestinationUid>, Refused> {
    let refused = |invalid: InvalidField| {
        let invalid = invalid.below(&format!("updates[{index}]"));
        Refused {
            reason: "INVALID_FIELD",
            field: invalid.field,
            message: invalid.problem,
        }
    };
    if message.sequence == 0 || message.sequence > MAX_SEQUENCE {
        return Err(refused(InvalidField::new(
            "sequence",
            format!("must be between 1 and {MAX_SEQUENCE}"),
        )));
    }
    let update = ProfileUpdate::try_from(message).map_err(refused)?;
    route.partitions(&update)
}

fn journal_failed() -> Status {
    status(
        Code::Unavailable,
        "JOURNAL_UNAVAILABLE",
        "the journal could not be written; open the stream again and go on after the last answer",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_of_zero_or_beyond_the_column_is_refused_by_name() {
        let route = Route::Workspace {
            enabled: Vec::new(),
            held: Vec::new(),
        };
        for sequence in [0, u64::MAX] {
            let message = pb::ProfileUpdate {
                sequence,
                ..Default::default()
            };
            assert_eq!(
                check(&message, 2, &route).unwrap_err().field,
                "updates[2].sequence"
            );
        }
    }
}
