//! Group commit: one writer appends what many streams hand in, and tells them
//! *accepted* only after the sync.

use std::collections::{BTreeMap, HashMap};

use activation::names::DestinationUid;
use bytes::Bytes;
use service::{Clock, chain::Chain};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Entry, Frame, Journal, JournalError};

/// A group is closed at so many updates or bytes: group size × sync rate is
/// the throughput, and a bigger group only adds latency (engineering.md §2).
const MAX_GROUP_UPDATES: usize = 2_000;
const MAX_GROUP_BYTES: usize = 1 << 20;
/// Requests that wait for the writer.
const QUEUE: usize = 256;

/// An update that was read and is not yet journaled. Dropping it gives the
/// bytes back that it holds.
pub struct Admitted {
    pub sequence: u64,
    /// Where it goes: one destination, or all of a workspace that want it.
    pub partitions: Vec<DestinationUid>,
    pub update: Bytes,
    pub permit: OwnedSemaphorePermit,
}

/// Updates of one stream, in their order.
pub struct Append {
    pub producer: String,
    pub updates: Vec<Admitted>,
    /// The stream's highest sequence so far, refused ones included.
    pub through: u64,
    pub answer: mpsc::UnboundedSender<Appended>,
}

/// The writer's word to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Everything up to this sequence is durable, or was refused before.
    Through(u64),
    /// The journal failed; nothing of what was not answered is known to be kept.
    Failed,
}

/// Hands requests to the writer. Cheap to clone.
#[derive(Clone)]
pub struct WriterHandle(mpsc::Sender<Append>);

impl WriterHandle {
    /// Waits for room. Fails when the writer has stopped.
    pub async fn append(&self, request: Append) -> Result<(), ()> {
        self.0.send(request).await.map_err(|_| ())
    }
}

/// The one that appends.
pub struct Writer {
    journal: Journal,
    clock: Clock,
    requests: mpsc::Receiver<Append>,
    /// Told which partitions have something new.
    appended: mpsc::UnboundedSender<DestinationUid>,
    /// Last accepted sequences, so that the table is read once per producer.
    last_sequences: HashMap<String, u64>,
}

/// Makes the writer and the handle to it.
pub fn writer(
    journal: Journal,
    clock: Clock,
    appended: mpsc::UnboundedSender<DestinationUid>,
) -> (Writer, WriterHandle) {
    let (sender, requests) = mpsc::channel(QUEUE);
    (
        Writer {
            journal,
            clock,
            requests,
            appended,
            last_sequences: HashMap::new(),
        },
        WriterHandle(sender),
    )
}

impl Writer {
    /// Appends until every handle is gone. An error means that a local file
    /// failed: the process must stop, because a failed sync cannot be retried.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), JournalError> {
        loop {
            let Some(first) = stop.run_until_cancelled(self.requests.recv()).await.flatten() else {
                return Ok(());
            };
            let group = self.group(first);
            match self.append(&group).await {
                Ok(partitions) => {
                    for request in &group {
                        // A stream that is gone resumes by its last sequence.
                        let _ = request.answer.send(Appended::Through(request.through));
                    }
                    for partition in partitions {
                        let _ = self.appended.send(partition);
                    }
                }
                Err(error) => {
                    error!(error = %Chain(&error), "the journal could not be written");
                    for request in &group {
                        let _ = request.answer.send(Appended::Failed);
                    }
                    // What was committed and what not is not known any more.
                    self.last_sequences.clear();
                    if self.journal.is_local() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Takes what waits, up to the bounds of a group.
    fn group(&mut self, first: Append) -> Vec<Append> {
        let size =
            |request: &Append| -> usize { request.updates.iter().map(|update| update.update.len()).sum() };
        let mut bytes = size(&first);
        let mut updates = first.updates.len();
        let mut group = vec![first];
        while updates < MAX_GROUP_UPDATES && bytes < MAX_GROUP_BYTES {
            let Ok(next) = self.requests.try_recv() else { break };
            bytes += size(&next);
            updates += next.updates.len();
            group.push(next);
        }
        group
    }

    /// Appends what was not accepted before; returns the partitions that grew.
    async fn append(&mut self, group: &[Append]) -> Result<Vec<DestinationUid>, JournalError> {
        let accepted_at = self.clock.now();
        let mut frames: BTreeMap<DestinationUid, Vec<Entry>> = BTreeMap::new();
        let mut moved: HashMap<String, u64> = HashMap::new();
        for request in group {
            let mut last = match moved.get(&request.producer) {
                Some(last) => *last,
                None => self.last_sequence(&request.producer).await?,
            };
            for admitted in &request.updates {
                if admitted.sequence <= last {
                    continue;
                }
                last = admitted.sequence;
                moved.insert(request.producer.clone(), last);
                for partition in &admitted.partitions {
                    frames.entry(partition.clone()).or_default().push(Entry {
                        producer: request.producer.clone(),
                        sequence: admitted.sequence,
                        update: admitted.update.clone(),
                    });
                }
            }
        }
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let frames: Vec<Frame> = frames
            .into_iter()
            .map(|(partition, entries)| Frame {
                partition,
                accepted_at,
                entries,
            })
            .collect();
        self.journal.append(&frames, &moved).await?;
        self.last_sequences.extend(moved);
        Ok(frames.into_iter().map(|frame| frame.partition).collect())
    }

    async fn last_sequence(&mut self, producer: &str) -> Result<u64, JournalError> {
        if let Some(last) = self.last_sequences.get(producer) {
            return Ok(*last);
        }
        let last = self.journal.last_sequence(producer).await?;
        self.last_sequences.insert(producer.to_owned(), last);
        Ok(last)
    }
}
