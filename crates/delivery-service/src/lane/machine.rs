//! The lanes of one org as a state machine without I/O: `step(now, event)`
//! answers actions.
//!
//! Invariants:
//! - One record is in one request at a time, over all lanes of the org, and
//!   once in a request.
//! - Every identity that was loaded is settled once, or still waits.
//! - What waits in memory is a part of the journal behind the last position
//!   read; the rest stays on disk.
//! - A record that a plan creates apart goes into a request that creates only
//!   after one that only updates has not found it.
//! - A profile that is to be left alone, by the newest of what waits for its
//!   record, is in no request that creates.
//! - A record that waits has something to write, or is in a request of its lane.
//! - When the rules of a plan change, a lane finishes what is in flight,
//!   forgets what waits, and reads the journal again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use activation::{
    map::MapResult,
    names::DestinationUid,
    outcome::{Delivered, Excluded, Failure, Outcome},
    plan::{OnMissing, Plan, PlanState},
    record::{Arrival, MergedFields, RecordKey},
};
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::{
    backoff::Backoff,
    pace::Pace,
    waiting::{Kind, Part, Waiting, WaitingRecord},
};
use crate::{
    map::{AcceptedUpdate, MappedFrame},
    plans::DESTINATION_MISSING,
};

/// What the machine is allowed.
#[derive(Debug, Clone)]
pub struct LaneSettings {
    /// Most records in one request.
    pub max_batch_records: usize,
    /// How long a partial batch waits for more.
    pub linger: Duration,
    /// Requests at the same time, over all lanes of the org.
    pub max_requests_in_flight: usize,
    /// Unsettled identities of a lane that may be in memory before it stops reading.
    pub max_loaded_identities: usize,
    /// Between tries of a call that failed as a whole.
    pub call_backoff: Backoff,
    /// Between tries of a record that Salesforce refused for now.
    pub record_backoff: Backoff,
    /// After so many tries such a record fails.
    pub max_record_attempts: u32,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            max_batch_records: 200,
            linger: Duration::from_millis(250),
            max_requests_in_flight: 4,
            max_loaded_identities: 20_000,
            call_backoff: Backoff {
                base: Duration::from_secs(1),
                cap: Duration::from_secs(60),
            },
            record_backoff: Backoff {
                base: Duration::from_secs(1),
                cap: Duration::from_secs(60),
            },
            max_record_attempts: 10,
        }
    }
}

/// Names one request of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(u64);

#[derive(Debug)]
pub enum Event {
    /// A plan is new or has changed.
    Plan(Arc<Plan>),
    /// The config-service does not know the destination any more, though nobody
    /// deleted it; this was its plan. Nothing more is read or sent for it, and
    /// nothing is given up, until there is a plan again.
    Held(Arc<Plan>),
    /// The destination is gone.
    Removed(DestinationUid),
    /// The destination writes to another org now, whose machine waits for
    /// [`Action::HandOver`].
    Moved(DestinationUid),
    /// The destination's part of the journal has grown.
    Appended(DestinationUid),
    /// Answer to [`Action::Read`].
    Loaded(Loaded),
    /// The other answer to [`Action::Read`]: the journal could not be read.
    ReadFailed {
        uid: DestinationUid,
        generation: u64,
        trouble: Trouble,
    },
    /// Answer to [`Action::Send`].
    Sent(BatchId, SendResult),
    /// What [`Action::Settle`] named is durable.
    Settled(DestinationUid, Vec<Arrival>),
    /// A time that was asked for has come.
    Tick,
}

/// Frames of a partition, mapped.
#[derive(Debug)]
pub struct Loaded {
    pub uid: DestinationUid,
    /// Of the read; an answer from before a reset is dropped.
    pub generation: u64,
    pub frames: Vec<MappedFrame>,
    /// Whether the journal has nothing behind these.
    pub is_end: bool,
}

/// How a request ended.
#[derive(Debug)]
pub enum SendResult {
    /// What became of each record, in their order.
    Answered(Vec<RecordResult>),
    /// Nothing was stored; all records are to be sent again.
    Again(Trouble),
    /// It is not known what was stored; all records are to be sent again, which
    /// is safe because every write names its record.
    InDoubt(Trouble),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordResult {
    /// An existing record was updated.
    Saved,
    Created(Created),
    /// A request that only updates an external id's record found none.
    Missing,
    /// The day's limit of new records leaves no room before then.
    OverLimit {
        frees_at: Instant,
    },
    /// Refused for now.
    Passing(Failure),
    /// Refused for good.
    Refused(Failure),
    /// Gone in a way that excludes it.
    Excluded(Excluded),
}

/// How the creation of a record stands to the day's limit of its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was counted before it was sent.
    Allowed,
    /// There was no limit; it is counted when it is settled.
    Freely,
}

/// Why nothing could be sent, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A stable word for machines.
    pub reason: String,
    pub message: String,
    /// How long the other side asked us to wait.
    pub retry_after: Option<Duration>,
}

#[derive(Debug)]
pub enum Action {
    /// Read frames after a position.
    Read {
        uid: DestinationUid,
        generation: u64,
        after: i64,
    },
    Send(Batch),
    /// Make outcomes durable, then say `Settled`.
    Settle(DestinationUid, Vec<Settlement>),
    /// Forget frames up to and with a position.
    Trim {
        uid: DestinationUid,
        up_to: i64,
    },
    /// Tell the config-service how it goes.
    Report(DestinationUid, LaneStatus),
    /// Nothing of a moved lane is under way here any more; what is not settled
    /// is the other org's.
    HandOver(DestinationUid),
}

/// One request to send.
#[derive(Debug, Clone)]
pub struct Batch {
    pub id: BatchId,
    pub plan: Arc<Plan>,
    pub records: Vec<BatchRecord>,
    /// Whether records that Salesforce does not have are created.
    pub creates: bool,
}

/// One record of a request.
#[derive(Debug, Clone)]
pub struct BatchRecord {
    pub key: RecordKey,
    /// The external id as the newest update gave it.
    pub key_text: String,
    pub fields: MergedFields,
    /// The updates that go out with it.
    pub updates: Vec<Arc<AcceptedUpdate>>,
}

/// How one identity of one update ended.
#[derive(Debug, Clone)]
pub struct Settlement {
    pub update: Arc<AcceptedUpdate>,
    pub index: Option<usize>,
    /// The id as the update gave it.
    pub id: String,
    pub outcome: Outcome,
    /// Whether it is the update's last.
    pub completes_update: bool,
    /// Whether the write that ended it created its record. Of the identities
    /// that became one record, the first says so.
    pub created: Option<Created>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStatus {
    pub state: LaneState,
    pub applied_revision: i64,
    pub trouble: Option<Trouble>,
    /// What people should know though all is well.
    pub notice: Option<Notice>,
    /// Whether nothing that was accepted waits any more.
    pub drained: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A stable word for machines.
    pub reason: &'static str,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneState {
    Delivering,
    Paused,
    Error,
    Draining,
}

/// The lanes of one org.
pub struct OrgMachine {
    settings: LaneSettings,
    lanes: BTreeMap<DestinationUid, Lane>,
    /// Records in a request now, and whose.
    keys_in_flight: HashSet<RecordKey>,
    flights: HashMap<BatchId, Flight>,
    next_batch: u64,
    random: StdRng,
    /// Whose turn it is, so that one busy lane does not take every request.
    last_served: Option<DestinationUid>,
}

struct Lane {
    plan: Arc<Plan>,
    /// Counts resets.
    generation: u64,
    is_reading: bool,
    /// Appended while a read was under way.
    must_read_again: bool,
    /// Whether the journal has more behind `read_up_to`.
    has_more: bool,
    read_up_to: i64,
    /// Frames in memory, each with its entries' identities that are not settled.
    frames: BTreeMap<i64, HashMap<u32, usize>>,
    /// Identities in memory that are not settled.
    unsettled: usize,
    waiting: Waiting,
    requests_in_flight: usize,
    /// To forget and read again once nothing is in flight.
    must_reset: bool,
    /// Of requests that write what is there.
    writing: Pace,
    /// Of requests that create: what stops them need not stop the others.
    creating: Pace,
    /// Until when the day's limit of new records is reached.
    limit_reached_until: Option<Instant>,
    failed_reads: u32,
    read_not_before: Option<Instant>,
    reported: Option<LaneStatus>,
    /// The destination is gone; the lane goes when nothing is left of it.
    is_removed: bool,
    /// The config-service does not know the destination any more.
    is_held: bool,
    /// Another org has the lane when nothing of it is under way here.
    is_moved: bool,
    /// Identities whose outcomes are being made durable.
    settling: usize,
}

struct Flight {
    uid: DestinationUid,
    creates: bool,
    records: Vec<(RecordKey, WaitingRecord, Sent)>,
}

/// Which part of a waiting record was sent.
struct Sent {
    /// How many parts, from the first.
    parts: usize,
    fields: MergedFields,
    /// What the plan does that they were sent by.
    on_missing: OnMissing,
}

impl OrgMachine {
    pub fn new(settings: LaneSettings, random: StdRng) -> Self {
        Self {
            settings,
            lanes: BTreeMap::new(),
            keys_in_flight: HashSet::new(),
            flights: HashMap::new(),
            next_batch: 0,
            random,
            last_served: None,
        }
    }

    /// Takes an event and returns what is to be done, in this order.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        for lane in self.lanes.values_mut() {
            lane.limit_reached_until = lane.limit_reached_until.filter(|until| *until > now);
        }
        match event {
            Event::Plan(plan) => self.plan(plan),
            Event::Held(plan) => self.held(plan),
            Event::Removed(uid) => self.removed(&uid),
            Event::Moved(uid) => self.moved(&uid, &mut actions),
            Event::Appended(uid) => {
                if let Some(lane) = self.lanes.get_mut(&uid) {
                    lane.has_more = true;
                    lane.must_read_again = lane.is_reading;
                }
            }
            Event::Loaded(loaded) => self.loaded(now, loaded, &mut actions),
            Event::ReadFailed {
                uid,
                generation,
                trouble,
            } => self.read_failed(now, &uid, generation, trouble),
            Event::Sent(id, result) => self.sent(now, id, result, &mut actions),
            Event::Settled(uid, arrivals) => self.settled(&uid, &arrivals, &mut actions),
            Event::Tick => {}
        }
        self.reset_and_read(now, &mut actions);
        self.send(now, &mut actions);
        self.report(&mut actions);
        self.lanes
            .retain(|_, lane| !(lane.is_removed && lane.is_drained() && lane.requests_in_flight == 0));
        self.hand_over(&mut actions);
        actions
    }

    /// Returns when a `Tick` is wanted; `None` when only other events matter.
    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        if self.flights.len() >= self.settings.max_requests_in_flight {
            return None;
        }
        self.lanes
            .values()
            .filter_map(|lane| self.next_tick_of(lane, now))
            .min()
    }

    fn next_tick_of(&self, lane: &Lane, now: Instant) -> Option<Instant> {
        let next_read = lane
            .read_not_before
            .filter(|time| *time > now && lane.has_more && !lane.is_moved && !lane.is_held);
        [
            next_read,
            self.next_send_of(lane, Kind::Update, now),
            self.next_send_of(lane, Kind::Create, now),
            lane.limit_reached_until,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn next_send_of(&self, lane: &Lane, kind: Kind, now: Instant) -> Option<Instant> {
        if !lane.may_send() || !lane.waiting.has(kind) {
            return None;
        }
        if let Some(not_before) = lane.pace(kind).not_before.filter(|time| *time > now) {
            return Some(not_before);
        }
        let (_, oldest) = lane
            .waiting
            .ready(kind, 1, now, |key| !self.keys_in_flight.contains(key));
        let partial = oldest.map(|oldest| oldest + self.linger(lane));
        [partial, lane.waiting.next_due(now)].into_iter().flatten().min()
    }

    fn linger(&self, lane: &Lane) -> Duration {
        self.settings.linger.min(lane.plan.max_delay)
    }

    /// Returns a lane's plan, for whoever reads its frames.
    pub fn plan_of(&self, uid: &DestinationUid) -> Option<Arc<Plan>> {
        self.lanes.get(uid).map(|lane| lane.plan.clone())
    }

    /// Tells whether requests are under way.
    pub fn is_sending(&self) -> bool {
        !self.flights.is_empty()
    }

    fn plan(&mut self, plan: Arc<Plan>) {
        match self.lanes.get_mut(&plan.uid) {
            None => {
                self.lanes.insert(plan.uid.clone(), Lane::new(plan));
            }
            Some(lane) => {
                if lane.plan.rules != plan.rules {
                    lane.must_reset = true;
                    lane.limit_reached_until = None;
                }
                // An admin's change may be the cure.
                lane.writing.not_before = None;
                lane.creating.not_before = None;
                lane.is_held = false;
                lane.plan = plan;
            }
        }
    }

    fn held(&mut self, plan: Arc<Plan>) {
        let uid = plan.uid.clone();
        self.plan(plan);
        if let Some(lane) = self.lanes.get_mut(&uid) {
            lane.is_held = true;
        }
    }

    /// What a destination left behind when it went is not sent any more; it
    /// still ends in an outcome.
    fn removed(&mut self, uid: &DestinationUid) {
        let Some(lane) = self.lanes.get_mut(uid) else {
            return;
        };
        let mut plan = lane.plan.as_ref().clone();
        plan.state = PlanState::Deleting;
        plan.rules.discard_accepted_before = Some(DateTime::<Utc>::MAX_UTC);
        lane.plan = Arc::new(plan);
        lane.must_reset = true;
        lane.is_held = false;
        lane.is_removed = true;
    }

    fn moved(&mut self, uid: &DestinationUid, actions: &mut Vec<Action>) {
        match self.lanes.get_mut(uid) {
            Some(lane) => lane.is_moved = true,
            None => actions.push(Action::HandOver(uid.clone())),
        }
    }

    /// An identity settles once, so the other org begins only when the last
    /// request that left from here is settled.
    fn hand_over(&mut self, actions: &mut Vec<Action>) {
        self.lanes.retain(|uid, lane| {
            let is_over = lane.is_moved && lane.requests_in_flight == 0 && lane.settling == 0;
            if is_over {
                actions.push(Action::HandOver(uid.clone()));
            }
            !is_over
        });
    }

    fn read_failed(&mut self, now: Instant, uid: &DestinationUid, generation: u64, trouble: Trouble) {
        let Some(lane) = self.lanes.get_mut(uid) else {
            return;
        };
        if lane.generation != generation {
            return;
        }
        lane.is_reading = false;
        lane.has_more = true;
        lane.failed_reads = lane.failed_reads.saturating_add(1);
        let wait = self
            .settings
            .call_backoff
            .wait(lane.failed_reads, None, &mut self.random);
        lane.read_not_before = Some(now + wait);
        lane.writing.trouble = Some(trouble);
    }

    fn loaded(&mut self, now: Instant, loaded: Loaded, actions: &mut Vec<Action>) {
        let Some(lane) = self.lanes.get_mut(&loaded.uid) else {
            return;
        };
        if lane.generation != loaded.generation {
            return;
        }
        lane.is_reading = false;
        if lane.failed_reads > 0 {
            lane.failed_reads = 0;
            lane.read_not_before = None;
            lane.writing.trouble = None;
        }
        lane.has_more = !loaded.is_end || lane.must_read_again;
        lane.must_read_again = false;
        let mut settlements = Vec::new();
        let mut left_alone = Vec::new();
        for frame in loaded.frames {
            lane.read_up_to = lane.read_up_to.max(frame.position);
            let unsettled = lane.frames.entry(frame.position).or_default();
            for entry in &frame.entries {
                unsettled.insert(entry.update.arrival.entry, entry.identities.len());
                lane.unsettled += entry.identities.len();
            }
            for entry in frame.entries {
                for identity in entry.identities {
                    let update = entry.update.clone();
                    let outcome = match identity.result {
                        MapResult::Write(contribution) | MapResult::LeaveAlone { contribution, .. } => {
                            if contribution.fields.is_empty() {
                                left_alone.push(contribution.key.clone());
                            }
                            let part = Part {
                                update,
                                index: identity.index,
                                id: identity.id,
                                contribution,
                            };
                            lane.waiting.add(part, now);
                            continue;
                        }
                        MapResult::Exclude(reason) => Outcome::Excluded(reason),
                        MapResult::Fail(failure) => Outcome::Failed(failure),
                    };
                    settlements.push(Ended {
                        update,
                        index: identity.index,
                        id: identity.id,
                        outcome,
                        created: None,
                    });
                }
            }
        }
        for key in left_alone {
            let is_in_flight = self.keys_in_flight.contains(&key)
                && self.flights.values().any(|flight| {
                    flight.uid == loaded.uid && flight.records.iter().any(|(flown, ..)| *flown == key)
                });
            if !is_in_flight {
                lane.end_without_fields(&key, &mut settlements);
            }
        }
        lane.settle(loaded.uid.clone(), settlements, actions);
        // A frame may have had nothing left to settle.
        lane.trim(&loaded.uid, actions);
    }

    fn sent(&mut self, now: Instant, id: BatchId, result: SendResult, actions: &mut Vec<Action>) {
        let Some(flight) = self.flights.remove(&id) else {
            return;
        };
        for (key, _, _) in &flight.records {
            self.keys_in_flight.remove(key);
        }
        let Some(lane) = self.lanes.get_mut(&flight.uid) else {
            return;
        };
        lane.requests_in_flight -= 1;
        let pace = if flight.creates {
            &mut lane.creating
        } else {
            &mut lane.writing
        };
        match result {
            SendResult::Again(trouble) => {
                pace.failed(now, trouble, &self.settings.call_backoff, &mut self.random);
                for (key, record, _) in flight.records.into_iter().rev() {
                    lane.waiting.put_back(key, record);
                }
            }
            SendResult::InDoubt(trouble) => {
                pace.failed(now, trouble, &self.settings.call_backoff, &mut self.random);
                for (key, mut record, _) in flight.records.into_iter().rev() {
                    // It may have been created.
                    record.is_missing = false;
                    lane.waiting.put_back(key, record);
                }
            }
            SendResult::Answered(results) => {
                pace.succeeded();
                if let Some(until) = limit_reached_until(&results) {
                    lane.limit_reached_until = until;
                }
                let mut ended = Vec::new();
                let mut left = Vec::new();
                let keys: Vec<RecordKey> = flight.records.iter().map(|(key, ..)| key.clone()).collect();
                // The sender pairs records and results and has compared lengths.
                for ((key, record, sent), result) in flight.records.into_iter().zip(results) {
                    let rest = answered(
                        record,
                        &sent,
                        result,
                        now,
                        &self.settings,
                        &mut self.random,
                        &mut ended,
                    );
                    left.extend(rest.map(|rest| (key, rest)));
                }
                for (key, rest) in left.into_iter().rev() {
                    lane.waiting.put_back(key, rest);
                }
                for key in keys {
                    lane.end_without_fields(&key, &mut ended);
                }
                lane.settle(flight.uid, ended, actions);
            }
        }
    }

    fn settled(&mut self, uid: &DestinationUid, arrivals: &[Arrival], actions: &mut Vec<Action>) {
        let Some(lane) = self.lanes.get_mut(uid) else {
            return;
        };
        lane.settling = lane.settling.saturating_sub(arrivals.len());
        for arrival in arrivals {
            let Some(entries) = lane.frames.get_mut(&arrival.position) else {
                continue;
            };
            if let Some(left) = entries.get_mut(&arrival.entry) {
                *left -= 1;
                lane.unsettled -= 1;
                if *left == 0 {
                    entries.remove(&arrival.entry);
                }
            }
        }
        lane.trim(uid, actions);
    }

    fn reset_and_read(&mut self, now: Instant, actions: &mut Vec<Action>) {
        for (uid, lane) in &mut self.lanes {
            if lane.must_reset && lane.requests_in_flight == 0 {
                lane.reset();
            }
            let has_room = lane.unsettled < self.settings.max_loaded_identities;
            let may_read =
                !lane.is_moved && !lane.is_held && lane.read_not_before.is_none_or(|time| time <= now);
            if lane.has_more && !lane.is_reading && !lane.must_reset && has_room && may_read {
                lane.is_reading = true;
                actions.push(Action::Read {
                    uid: uid.clone(),
                    generation: lane.generation,
                    after: lane.read_up_to,
                });
            }
        }
    }

    /// Sends batches while there are any, one lane after the other.
    fn send(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while self.flights.len() < self.settings.max_requests_in_flight {
            let Some((uid, kind)) = self.next_lane(now) else {
                return;
            };
            let batch = self.batch(&uid, kind, now);
            self.last_served = Some(uid);
            actions.push(Action::Send(batch));
        }
    }

    /// Returns the next lane, in turn, that has a batch to send now, and which:
    /// the one that waits longest.
    fn next_lane(&self, now: Instant) -> Option<(DestinationUid, Kind)> {
        let after_last = self
            .lanes
            .keys()
            .filter(|uid| self.last_served.as_ref().is_none_or(|last| *uid > last));
        let from_first = self.lanes.keys();
        after_last.chain(from_first).find_map(|uid| {
            let lane = self.lanes.get(uid)?;
            let (_, kind) = [Kind::Create, Kind::Update]
                .into_iter()
                .filter_map(|kind| Some((self.due_since(lane, kind, now)?, kind)))
                .min_by_key(|(since, _)| *since)?;
            Some((uid.clone(), kind))
        })
    }

    /// Returns since when a batch waits that may go now. A full one goes at once,
    /// a partial one when it has waited long enough.
    fn due_since(&self, lane: &Lane, kind: Kind, now: Instant) -> Option<Instant> {
        let pace = lane.pace(kind);
        if !lane.may_send() || !lane.waiting.has(kind) || pace.not_before.is_some_and(|time| time > now) {
            return None;
        }
        // After a failed call one request probes before the others follow.
        if pace.failed_calls > 0 && lane.requests_in_flight > 0 {
            return None;
        }
        let most = self.settings.max_batch_records;
        let (count, oldest) = lane
            .waiting
            .ready(kind, most, now, |key| !self.keys_in_flight.contains(key));
        oldest.filter(|oldest| count == most || *oldest + self.linger(lane) <= now)
    }

    fn batch(&mut self, uid: &DestinationUid, kind: Kind, now: Instant) -> Batch {
        let lane = self.lanes.get_mut(uid).expect("the lane was just found");
        let keys_in_flight = &self.keys_in_flight;
        let taken = lane
            .waiting
            .take(kind, self.settings.max_batch_records, now, |key| {
                !keys_in_flight.contains(key)
            });
        lane.requests_in_flight += 1;
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let mut records = Vec::with_capacity(taken.len());
        let mut flown = Vec::with_capacity(taken.len());
        for (key, record) in taken {
            self.keys_in_flight.insert(key.clone());
            let parts = record.next_parts().len();
            let mut fields = MergedFields::default();
            for part in &record.parts[..parts] {
                fields.merge(&part.contribution.fields);
            }
            records.push(BatchRecord {
                key: key.clone(),
                key_text: record.parts[parts - 1].contribution.key_text.clone(),
                fields: fields.newer_than(&record.written),
                updates: record.parts[..parts]
                    .iter()
                    .map(|part| part.update.clone())
                    .collect(),
            });
            let sent = Sent {
                parts,
                fields,
                on_missing: lane.plan.rules.on_missing(),
            };
            flown.push((key, record, sent));
        }
        self.flights.insert(
            id,
            Flight {
                uid: uid.clone(),
                creates: kind == Kind::Create,
                records: flown,
            },
        );
        Batch {
            id,
            plan: lane.plan.clone(),
            records,
            creates: kind == Kind::Create,
        }
    }

    fn report(&mut self, actions: &mut Vec<Action>) {
        for (uid, lane) in self.lanes.iter_mut().filter(|(_, lane)| !lane.is_moved) {
            let status = lane.status();
            if lane.reported.as_ref() != Some(&status) {
                lane.reported = Some(status.clone());
                actions.push(Action::Report(uid.clone(), status));
            }
        }
    }
}

/// An identity that ended, before it is known whether it is its update's last.
struct Ended {
    update: Arc<AcceptedUpdate>,
    index: Option<usize>,
    id: String,
    outcome: Outcome,
    created: Option<Created>,
}

impl Ended {
    fn of(part: Part, outcome: Outcome) -> Self {
        Self {
            update: part.update,
            index: part.index,
            id: part.id,
            outcome,
            created: None,
        }
    }
}

/// Returns until when a limit is reached, as far as results of new records tell:
/// `None` where they do not, `Some(None)` where there was room.
fn limit_reached_until(results: &[RecordResult]) -> Option<Option<Instant>> {
    let until = results.iter().find_map(|result| match result {
        RecordResult::OverLimit { frees_at } => Some(*frees_at),
        _ => None,
    });
    let has_room = || results.contains(&RecordResult::Created(Created::Allowed));
    (until.is_some() || has_room()).then_some(until)
}

/// Ends the parts that a result decides; returns what still waits.
fn answered(
    mut record: WaitingRecord,
    sent: &Sent,
    result: RecordResult,
    now: Instant,
    settings: &LaneSettings,
    random: &mut StdRng,
    ended: &mut Vec<Ended>,
) -> Option<WaitingRecord> {
    // What Salesforce said of the record holds for the next request only.
    record.is_missing = false;
    match result {
        RecordResult::Saved => record.end_saved(sent, None, ended),
        RecordResult::Created(created) => record.end_saved(sent, Some(created), ended),
        RecordResult::Missing => {
            let reason = match (sent.on_missing, record.left_alone()) {
                (OnMissing::CreateApart, None) => {
                    record.is_missing = true;
                    return Some(record);
                }
                (OnMissing::CreateApart | OnMissing::Create, Some(reason)) => reason,
                (OnMissing::Create, None) | (OnMissing::Exclude | OnMissing::Refuse, _) => {
                    Excluded::NotFoundNotCreated
                }
            };
            record.end_not_created(sent.parts, reason, ended);
        }
        RecordResult::OverLimit { .. } => record.end_not_created(sent.parts, Excluded::CreateLimit, ended),
        RecordResult::Excluded(reason) => record.end_excluded(sent.parts, reason, ended),
        RecordResult::Passing(_) if record.attempts + 1 < settings.max_record_attempts => {
            record.attempts += 1;
            record.not_before = Some(now + settings.record_backoff.wait(record.attempts, None, random));
            return Some(record);
        }
        RecordResult::Refused(_) if record.has_several_to_write(sent.parts) => {
            record.one_by_one = true;
            return Some(record);
        }
        RecordResult::Passing(failure) | RecordResult::Refused(failure) => {
            record.end_failed(sent.parts, &failure, ended);
        }
    }
    record.attempts = 0;
    record.not_before = None;
    (!record.parts.is_empty()).then_some(record)
}

impl WaitingRecord {
    fn end_saved(&mut self, sent: &Sent, mut created: Option<Created>, ended: &mut Vec<Ended>) {
        let newest = sent.fields.newer_than(&self.written);
        for part in self.parts.drain(..sent.parts) {
            let outcome = match part.contribution.excluded_as {
                Some(reason) => Outcome::Excluded(reason),
                None if newest.has_value_of(part.update.arrival) => Outcome::Delivered(Delivered::Written),
                None => Outcome::Delivered(Delivered::Superseded),
            };
            self.written.merge(&part.contribution.fields);
            ended.push(Ended {
                created: created.take(),
                ..Ended::of(part, outcome)
            });
        }
    }

    /// Ends parts for a reason, or for the one that they have of themselves.
    fn end_excluded(&mut self, parts: usize, reason: Excluded, ended: &mut Vec<Ended>) {
        for part in self.parts.drain(..parts) {
            let reason = part.contribution.excluded_as.unwrap_or(reason);
            ended.push(Ended::of(part, Outcome::Excluded(reason)));
        }
    }

    /// Ends parts of a record that is not there and not created: for a reason,
    /// or for the one for which their profile is left alone.
    fn end_not_created(&mut self, parts: usize, reason: Excluded, ended: &mut Vec<Ended>) {
        for part in self.parts.drain(..parts) {
            let reason = part.contribution.standing.left_alone.unwrap_or(reason);
            ended.push(Ended::of(part, Outcome::Excluded(reason)));
        }
    }

    /// Ends parts that were refused. Who is left alone is excluded where nothing
    /// was to be written, or there is no such record to write to.
    fn end_failed(&mut self, parts: usize, failure: &Failure, ended: &mut Vec<Ended>) {
        for part in self.parts.drain(..parts) {
            let is_nothing_lost = !part.has_fields() || failure.code == Failure::INVALID_CROSS_REFERENCE_KEY;
            let outcome = match part.contribution.standing.left_alone {
                Some(reason) if is_nothing_lost => Outcome::Excluded(reason),
                _ => Outcome::Failed(failure.clone()),
            };
            ended.push(Ended::of(part, outcome));
        }
    }

    fn has_several_to_write(&self, parts: usize) -> bool {
        let to_write = self.parts[..parts].iter().filter(|part| part.has_fields());
        to_write.count() > 1
    }
}

impl Lane {
    fn new(plan: Arc<Plan>) -> Self {
        Self {
            waiting: Waiting::new(plan.rules.on_missing()),
            plan,
            generation: 0,
            is_reading: false,
            must_read_again: false,
            has_more: true,
            read_up_to: 0,
            frames: BTreeMap::new(),
            unsettled: 0,
            requests_in_flight: 0,
            must_reset: false,
            writing: Pace::default(),
            creating: Pace::default(),
            limit_reached_until: None,
            failed_reads: 0,
            read_not_before: None,
            reported: None,
            is_removed: false,
            is_held: false,
            is_moved: false,
            settling: 0,
        }
    }

    fn may_send(&self) -> bool {
        self.plan.state != PlanState::Disabled && !self.must_reset && !self.is_moved && !self.is_held
    }

    fn pace(&self, kind: Kind) -> &Pace {
        match kind {
            Kind::Update => &self.writing,
            Kind::Create => &self.creating,
        }
    }

    /// Ends what waits for a record that has nothing to write.
    fn end_without_fields(&mut self, key: &RecordKey, ended: &mut Vec<Ended>) {
        for part in self.waiting.take_without_fields(key) {
            let reason = part.contribution.excluded_as.unwrap_or(Excluded::NothingMapped);
            ended.push(Ended::of(part, Outcome::Excluded(reason)));
        }
    }

    fn reset(&mut self) {
        self.must_reset = false;
        self.generation += 1;
        self.is_reading = false;
        self.must_read_again = false;
        self.has_more = true;
        self.read_up_to = 0;
        self.frames.clear();
        self.unsettled = 0;
        // The rules may be others now.
        self.waiting = Waiting::new(self.plan.rules.on_missing());
    }

    /// Asks for identities to be settled, each knowing whether it is the last
    /// of its update.
    fn settle(&mut self, uid: DestinationUid, ended: Vec<Ended>, actions: &mut Vec<Action>) {
        if ended.is_empty() {
            return;
        }
        self.settling += ended.len();
        let mut ending: HashMap<Arrival, usize> = HashMap::new();
        for one in &ended {
            *ending.entry(one.update.arrival).or_default() += 1;
        }
        let mut seen: HashMap<Arrival, usize> = HashMap::new();
        let settlements = ended
            .into_iter()
            .map(|one| {
                let arrival = one.update.arrival;
                let so_far = seen.entry(arrival).or_default();
                *so_far += 1;
                let left = self
                    .frames
                    .get(&arrival.position)
                    .and_then(|entries| entries.get(&arrival.entry))
                    .copied()
                    .unwrap_or(0);
                let completes_update = left == ending[&arrival] && *so_far == left;
                Settlement {
                    update: one.update,
                    index: one.index,
                    id: one.id,
                    outcome: one.outcome,
                    completes_update,
                    created: one.created,
                }
            })
            .collect();
        actions.push(Action::Settle(uid, settlements));
    }

    /// Forgets the frames at the front of which everything is settled.
    fn trim(&mut self, uid: &DestinationUid, actions: &mut Vec<Action>) {
        let mut up_to = None;
        while let Some(frame) = self.frames.first_entry() {
            if !frame.get().is_empty() {
                break;
            }
            up_to = Some(*frame.key());
            frame.remove();
        }
        if let Some(up_to) = up_to {
            actions.push(Action::Trim {
                uid: uid.clone(),
                up_to,
            });
        }
    }

    fn is_drained(&self) -> bool {
        !self.has_more && !self.is_reading && self.frames.is_empty() && !self.must_reset
    }

    fn limit_notice(&self) -> Option<Notice> {
        self.limit_reached_until?;
        let limit = self.plan.rules.creation_rules.max_per_day?;
        Some(Notice {
            reason: Excluded::CreateLimit.as_str(),
            message: format!(
                "{limit} records were created today, which is the limit: until 00:00 UTC records that Salesforce does \
                 not have end as excluded (CREATE_LIMIT), and all others are updated. Raise \
                 creation_rules.max_creates_per_day to create more."
            ),
        })
    }

    fn status(&self) -> LaneStatus {
        let trouble = self.writing.trouble.as_ref().or(self.creating.trouble.as_ref());
        if self.is_held {
            return LaneStatus {
                state: LaneState::Error,
                applied_revision: self.plan.revision,
                trouble: Some(missing(&self.plan)),
                notice: None,
                drained: false,
            };
        }
        let state = match self.plan.state {
            PlanState::Disabled => LaneState::Paused,
            _ if trouble.is_some() => LaneState::Error,
            PlanState::Enabled => LaneState::Delivering,
            PlanState::Deleting => LaneState::Draining,
        };
        LaneStatus {
            state,
            applied_revision: self.plan.revision,
            trouble: trouble.filter(|_| state == LaneState::Error).cloned(),
            notice: self.limit_notice(),
            // Told only where it matters, so that not every update is a report.
            drained: self.is_drained() && self.plan.state == PlanState::Deleting,
        }
    }
}

fn missing(plan: &Plan) -> Trouble {
    Trouble {
        reason: DESTINATION_MISSING.to_owned(),
        message: format!(
            "the config-service does not know {} (uid {}), and nobody deleted it; what was accepted waits until \
             its configuration is restored",
            plan.destination, plan.uid
        ),
        retry_after: None,
    }
}

#[cfg(test)]
mod tests;
