//! Does what the machine of one org says: reads, sends, settles, reports.

use std::sync::Arc;

use activation::{names::DestinationUid, record::Arrival};
use service::{Clock, chain::Chain};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::limit;
use super::machine::{
    Action, BatchId, Event, LaneState, LaneStatus, Loaded, OrgMachine, SendResult, Settlement, Trouble,
};
use crate::{
    journal::{Journal, JournalError},
    map::map_frame,
    receipt::{Receipts, SettleError},
    send::Sender,
    status_report::Reporter,
};

/// Frames read at once. A frame has up to some hundreds of updates.
const FRAMES_PER_READ: i64 = 32;
/// Between tries to settle while a database server is away.
const SETTLE_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// What drivers work with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) journal: Journal,
    pub(crate) receipts: Receipts,
    pub(crate) sender: Sender,
    pub(crate) reporter: Reporter,
    pub(crate) clock: Clock,
}

/// Drives the lanes of one org.
pub(crate) struct OrgDriver {
    org_id: String,
    machine: OrgMachine,
    events: mpsc::UnboundedReceiver<Event>,
    tools: Tools,
    sends: JoinSet<(BatchId, SendResult)>,
    /// Where lanes go that moved to another org.
    handed_over: mpsc::UnboundedSender<DestinationUid>,
}

impl OrgDriver {
    pub(crate) fn new(
        org_id: String,
        machine: OrgMachine,
        events: mpsc::UnboundedReceiver<Event>,
        tools: Tools,
        handed_over: mpsc::UnboundedSender<DestinationUid>,
    ) -> Self {
        Self {
            org_id,
            machine,
            events,
            tools,
            sends: JoinSet::new(),
            handed_over,
        }
    }

    /// Runs until shutdown, then waits for the answers under way and settles
    /// them. An error means that a local file failed: the process must stop.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> Result<(), SettleError> {
        // Invariant: between two events everything that the machine asked for
        // is done or under way, and a settlement asked for is durable.
        loop {
            let tick = self.machine.next_tick(Instant::now());
            let event = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(sent) = self.sends.join_next() => match sent {
                    Ok((id, result)) => Event::Sent(id, result),
                    Err(failed) => {
                        error!(org.id = self.org_id, error = %Chain(&failed), "a send task failed");
                        break;
                    }
                },
                Some(event) = self.events.recv() => event,
                () = sleep_until(tick.unwrap_or_else(Instant::now)), if tick.is_some() => Event::Tick,
            };
            self.take(event, Mode::Running, &shutdown).await?;
        }
        while let Some(sent) = self.sends.join_next().await {
            if let Ok((id, result)) = sent {
                self.take(Event::Sent(id, result), Mode::Stopping, &shutdown)
                    .await?;
            }
        }
        Ok(())
    }

    /// Steps the machine and does what it says, and what follows from that.
    async fn take(
        &mut self,
        event: Event,
        mode: Mode,
        shutdown: &CancellationToken,
    ) -> Result<(), SettleError> {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.machine.step(Instant::now(), event) {
                match action {
                    Action::Read {
                        uid,
                        generation,
                        after,
                    } if mode == Mode::Running => {
                        events.push(self.read(uid, generation, after).await);
                    }
                    Action::Send(batch) if mode == Mode::Running => {
                        let tools = self.tools.clone();
                        self.sends
                            .spawn(async move { (batch.id, limit::send(&tools, batch).await) });
                    }
                    Action::Settle(uid, settlements) => {
                        let arrivals = self.settle(&uid, &settlements, shutdown).await?;
                        self.tools.reporter.moved(&uid);
                        // Before anything else happens to the lane.
                        events.push(Event::Settled(uid, arrivals));
                    }
                    Action::Trim { uid, up_to } => self.trim(&uid, up_to).await,
                    Action::Report(uid, status) => {
                        log_status(&uid, &status);
                        let now = self.tools.clock.now();
                        self.tools.reporter.report(uid, status, now);
                    }
                    Action::HandOver(uid) => {
                        info!(destination.uid = %uid, org.id = self.org_id, "the destination left this org");
                        // Nobody listens only when the process is about to end.
                        let _ = self.handed_over.send(uid);
                    }
                    // The process is about to end; the journal keeps what waits.
                    Action::Read { .. } | Action::Send(_) => {}
                }
            }
        }
        Ok(())
    }

    async fn read(&self, uid: DestinationUid, generation: u64, after: i64) -> Event {
        match self.load(&uid, generation, after).await {
            Ok(loaded) => Event::Loaded(loaded),
            Err(error) => {
                error!(destination.uid = %uid, error = %Chain(&error), "the journal cannot be read for a destination");
                let trouble = Trouble {
                    reason: "JOURNAL_UNREADABLE".to_owned(),
                    message: Chain(&error).to_string(),
                    retry_after: None,
                };
                Event::ReadFailed {
                    uid,
                    generation,
                    trouble,
                }
            }
        }
    }

    async fn load(&self, uid: &DestinationUid, generation: u64, after: i64) -> Result<Loaded, JournalError> {
        let frames = self.tools.journal.read(uid, after, FRAMES_PER_READ).await?;
        let is_end = i64::try_from(frames.len()).is_ok_and(|read| read < FRAMES_PER_READ);
        let settled = match (frames.first(), frames.last()) {
            (Some(first), Some(last)) => {
                self.tools
                    .receipts
                    .settled(uid, first.position, last.position)
                    .await?
            }
            _ => std::collections::HashSet::new(),
        };
        let Some(plan) = self.machine.plan_of(uid) else {
            return Ok(Loaded {
                uid: uid.clone(),
                generation,
                frames: Vec::new(),
                is_end: true,
            });
        };
        let now = self.tools.clock.now();
        let frames = frames
            .into_iter()
            .map(|frame| map_frame(frame, &plan, &settled, now))
            .collect();
        Ok(Loaded {
            uid: uid.clone(),
            generation,
            frames,
            is_end,
        })
    }

    /// Makes outcomes durable. A database server that is away is waited for: it
    /// keeps nothing back that a restart would not find again.
    async fn settle(
        &self,
        uid: &DestinationUid,
        settlements: &[Settlement],
        shutdown: &CancellationToken,
    ) -> Result<Vec<Arrival>, SettleError> {
        let Some(plan) = self.machine.plan_of(uid) else {
            return Ok(Vec::new());
        };
        let mut was_away = false;
        loop {
            match self
                .tools
                .receipts
                .settle(&plan, settlements, self.tools.clock.now())
                .await
            {
                Ok(()) => break,
                Err(error) if self.tools.receipts.is_local() || error.is_conflict() => {
                    error!(org.id = self.org_id, error = %Chain(&error), "outcomes could not be written");
                    return Err(error);
                }
                Err(error) => {
                    if !was_away {
                        warn!(org.id = self.org_id, error = %Chain(&error), "outcomes could not be written, will try again");
                    }
                    was_away = true;
                    if shutdown
                        .run_until_cancelled(sleep(SETTLE_AGAIN_AFTER))
                        .await
                        .is_none()
                    {
                        return Err(error);
                    }
                }
            }
        }
        Ok(settlements
            .iter()
            .map(|settlement| settlement.update.arrival)
            .collect())
    }

    /// Failing to trim costs disk until the next trim, and nothing else.
    async fn trim(&self, uid: &DestinationUid, up_to: i64) {
        if let Err(error) = self.tools.journal.trim(uid, up_to).await {
            warn!(destination.uid = %uid, error = %Chain(&error), "the journal could not be trimmed, will be later");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Running,
    /// Nothing new is read or sent.
    Stopping,
}

fn log_status(uid: &DestinationUid, status: &LaneStatus) {
    match (&status.trouble, status.state) {
        (Some(trouble), _) => warn!(
            destination.uid = %uid,
            error.type = trouble.reason,
            "nothing can be sent now, will try again"
        ),
        (None, LaneState::Delivering) if status.notice.is_some() => {
            warn!(destination.uid = %uid, "the day's limit of new records is reached, updates go on");
        }
        (None, LaneState::Delivering) => info!(destination.uid = %uid, "delivering"),
        (None, LaneState::Paused) => info!(destination.uid = %uid, "paused"),
        (None, LaneState::Draining) => info!(destination.uid = %uid, drained = status.drained, "draining"),
        (None, LaneState::Error) => {}
    }
}

/// Starts a driver and returns where its events go.
pub(crate) fn channel() -> (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>) {
    // Events are wake-ups: at most one per group commit and plan change.
    mpsc::unbounded_channel()
}

/// Says to a driver that its destination has a plan, or had one and is held.
pub(crate) fn plan_event(plan: Arc<activation::plan::Plan>, is_held: bool) -> Event {
    if is_held {
        Event::Held(plan)
    } else {
        Event::Plan(plan)
    }
}
