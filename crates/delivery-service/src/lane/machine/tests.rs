use std::collections::{BTreeMap, HashSet};

use activation::{
    destination::{
        CreationRules, DeletedProfilePolicy, DuplicateRule, FieldSource, MappingOptions, RecordType,
        StatusValues, WriteMode,
    },
    map::MappedIdentity,
    org_shape::FieldShape,
    plan::{OnMissing, PlannedAttribute, Rules},
    record::{Contribution, FieldValue, FieldWrite, Standing, Version},
};
use bytes::Bytes;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::map::{MappedEntry, identity_column};

mod creation;
mod left_alone;

use self::left_alone::Word;

fn plan(state: PlanState, revision: i64) -> Arc<Plan> {
    Arc::new(Plan {
        destination: "workspaces/w/destinations/d".parse().unwrap(),
        uid: DestinationUid::new("d"),
        revision,
        state,
        connection: "workspaces/w/connections/c".parse().unwrap(),
        login_host: "acme.my.salesforce.com".to_owned(),
        org_id: "00D000000000001EAA".to_owned(),
        rules: Rules {
            record_type: RecordType::Contact,
            write_mode: WriteMode::UpdateById,
            key_case_sensitive: true,
            key_source: FieldSource::IdentityNamespace("crmID".to_owned()),
            attributes: vec![PlannedAttribute {
                source_path: "name".to_owned(),
                field: "LastName".parse().unwrap(),
                required: true,
                options: MappingOptions::default(),
                shape: FieldShape::default(),
            }],
            constants: Vec::new(),
            segments: Vec::new(),
            status_values: StatusValues::default(),
            deleted_profile_policy: DeletedProfilePolicy::Leave,
            creation_rules: CreationRules::default(),
            duplicate_rule: DuplicateRule::default(),
            discard_accepted_before: None,
        },
        max_delay: Duration::from_secs(60),
    })
}

fn key(number: u64) -> RecordKey {
    RecordKey::Id(format!("003{number:012}").parse().unwrap())
}

/// An update of one record at a time, whose value is its own arrival.
fn entry(position: i64, entry: u32, record: u64, time: i64) -> MappedEntry {
    let arrival = Arrival { position, entry };
    let event_time = DateTime::from_timestamp(time, 0).unwrap();
    let version = Version {
        time: event_time,
        event_time,
        arrival,
    };
    let write = FieldWrite {
        value: FieldValue::Integer(position * 1_000 + i64::from(entry)),
        version,
    };
    let contribution = Contribution {
        key: key(record),
        key_text: record.to_string(),
        fields: BTreeMap::from([("LastName".parse().unwrap(), write)]),
        excluded_as: None,
        standing: Standing {
            left_alone: None,
            version,
        },
    };
    let update = AcceptedUpdate {
        arrival,
        accepted_at: event_time,
        producer: "p".to_owned(),
        sequence: 1,
        update_id: String::new(),
        segments: Vec::new(),
        trace: None,
        body: Bytes::new(),
    };
    let identity = MappedIdentity {
        index: Some(0),
        id: record.to_string(),
        result: MapResult::Write(contribution),
    };
    MappedEntry {
        update: Arc::new(update),
        identities: vec![identity],
    }
}

fn machine(settings: LaneSettings) -> OrgMachine {
    OrgMachine::new(settings, StdRng::seed_from_u64(1))
}

fn settings() -> LaneSettings {
    LaneSettings {
        max_batch_records: 3,
        max_requests_in_flight: 2,
        ..LaneSettings::default()
    }
}

fn uid() -> DestinationUid {
    DestinationUid::new("d")
}

/// Starts the lane and loads one frame of these records.
fn loaded(machine: &mut OrgMachine, now: Instant, records: &[u64]) -> Vec<Action> {
    machine.step(now, Event::Plan(plan(PlanState::Enabled, 1)));
    load(machine, now, 1, records)
}

fn load(machine: &mut OrgMachine, now: Instant, position: i64, records: &[u64]) -> Vec<Action> {
    let entries = records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            entry(
                position,
                u32::try_from(index).unwrap(),
                *record,
                position * 100 + index as i64,
            )
        })
        .collect();
    let generation = machine.lanes[&uid()].generation;
    let frames = vec![MappedFrame { position, entries }];
    machine.step(
        now,
        Event::Loaded(Loaded {
            uid: uid(),
            generation,
            frames,
            is_end: true,
        }),
    )
}

fn batches(actions: &[Action]) -> Vec<&Batch> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Send(batch) => Some(batch),
            _ => None,
        })
        .collect()
}

fn outcomes(actions: &[Action]) -> Vec<(Arrival, &Outcome)> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Settle(_, settlements) => Some(settlements),
            _ => None,
        })
        .flatten()
        .map(|settlement| (settlement.update.arrival, &settlement.outcome))
        .collect()
}

fn failure(code: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: String::new(),
        fields: Vec::new(),
    }
}

fn trouble() -> Trouble {
    Trouble {
        reason: "DOWN".to_owned(),
        message: String::new(),
        retry_after: None,
    }
}

#[tokio::test]
async fn row_133_a_full_batch_goes_at_once_and_a_partial_one_after_the_linger() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let actions = loaded(&mut machine, now, &[1, 2, 3, 4]);
    assert_eq!(
        batches(&actions)
            .iter()
            .map(|batch| batch.records.len())
            .collect::<Vec<_>>(),
        [3]
    );
    let tick = machine.next_tick(now).unwrap();
    assert_eq!(tick, now + Duration::from_millis(250));
    assert!(batches(&machine.step(now, Event::Tick)).is_empty());
    assert_eq!(batches(&machine.step(tick, Event::Tick))[0].records.len(), 1);
}

#[tokio::test]
async fn row_44_updates_of_one_record_become_one_and_the_newest_value_is_sent() {
    let now = Instant::now();
    let mut machine = machine(settings());
    loaded(&mut machine, now, &[1, 1, 2, 1]);
    let actions = machine.step(now + Duration::from_secs(1), Event::Tick);
    let batch = batches(&actions)[0].clone();
    assert_eq!(batch.records.len(), 2);
    assert_eq!(
        batch.records[0].fields.iter().next().unwrap().1,
        &FieldValue::Integer(1_003)
    );

    let results = vec![RecordResult::Saved, RecordResult::Saved];
    let actions = machine.step(now, Event::Sent(batch.id, SendResult::Answered(results)));
    let reasons: Vec<_> = outcomes(&actions)
        .iter()
        .map(|(arrival, outcome)| (arrival.entry, outcome.reason()))
        .collect();
    assert_eq!(
        reasons,
        [
            (0, "SUPERSEDED"),
            (1, "SUPERSEDED"),
            (3, "WRITTEN"),
            (2, "WRITTEN")
        ]
    );
}

#[tokio::test]
async fn a_record_in_a_request_waits_for_its_answer() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let first = batches(&loaded(&mut machine, now, &[1, 2, 3]))[0].id;
    load(&mut machine, now, 2, &[1, 4]);
    let later = now + Duration::from_secs(1);
    let actions = machine.step(later, Event::Tick);
    let keys: Vec<_> = batches(&actions)[0]
        .records
        .iter()
        .map(|record| record.key.clone())
        .collect();
    assert_eq!(keys, [key(4)]);
    let results = vec![RecordResult::Saved; 3];
    let actions = machine.step(later, Event::Sent(first, SendResult::Answered(results)));
    assert_eq!(batches(&actions)[0].records[0].key, key(1));
}

#[tokio::test]
async fn a_call_that_failed_is_sent_again_after_a_wait_with_what_came_meanwhile() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let first = batches(&loaded(&mut machine, now, &[1, 2, 3]))[0].id;
    load(&mut machine, now, 2, &[1]);
    let actions = machine.step(now, Event::Sent(first, SendResult::Again(trouble())));
    assert!(batches(&actions).is_empty() && outcomes(&actions).is_empty());
    assert!(
        actions
            .iter()
            .any(|action| matches!(action, Action::Report(_, status) if status.state == LaneState::Error))
    );

    let tick = machine.next_tick(now).unwrap();
    assert!(tick > now && tick <= now + Duration::from_secs(1));
    let actions = machine.step(tick, Event::Tick);
    let batch = batches(&actions)[0].clone();
    assert_eq!(batch.records.len(), 3);
    let merged = batch.records.iter().find(|record| record.key == key(1)).unwrap();
    assert_eq!(
        merged.fields.iter().next().unwrap().1,
        &FieldValue::Integer(2_000)
    );
    let actions = machine.step(
        tick,
        Event::Sent(batch.id, SendResult::Answered(vec![RecordResult::Saved; 3])),
    );
    assert_eq!(outcomes(&actions).len(), 4);
    assert!(
        actions.iter().any(
            |action| matches!(action, Action::Report(_, status) if status.state == LaneState::Delivering)
        )
    );
}

#[tokio::test]
async fn of_updates_that_were_refused_together_only_the_culprit_fails() {
    let now = Instant::now();
    let mut machine = machine(settings());
    loaded(&mut machine, now, &[1, 1]);
    let later = now + Duration::from_secs(1);
    let actions = machine.step(later, Event::Tick);
    let id = batches(&actions)[0].id;
    let refused = || SendResult::Answered(vec![RecordResult::Refused(failure("STRING_TOO_LONG"))]);
    let actions = machine.step(later, Event::Sent(id, refused()));
    assert!(outcomes(&actions).is_empty());

    // The older one alone is fine.
    let alone = batches(&actions)[0].clone();
    assert_eq!(
        alone.records[0].fields.iter().next().unwrap().1,
        &FieldValue::Integer(1_000)
    );
    let actions = machine.step(
        later,
        Event::Sent(alone.id, SendResult::Answered(vec![RecordResult::Saved])),
    );
    assert_eq!(
        outcomes(&actions),
        [(
            Arrival {
                position: 1,
                entry: 0
            },
            &Outcome::Delivered(Delivered::Written)
        )]
    );

    let id = batches(&actions)[0].id;
    let actions = machine.step(later, Event::Sent(id, refused()));
    assert_eq!(outcomes(&actions)[0].1.reason(), "STRING_TOO_LONG");
}

#[tokio::test]
async fn a_record_refused_for_now_is_tried_again_alone_and_fails_in_the_end() {
    let mut now = Instant::now();
    let mut machine = machine(LaneSettings {
        max_record_attempts: 3,
        ..settings()
    });
    let mut actions = loaded(&mut machine, now, &[1, 2, 3]);
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let batch = batches(&actions)[0].clone();
        sizes.push(batch.records.len());
        let results = batch
            .records
            .iter()
            .map(|record| match record.key == key(2) {
                true => RecordResult::Passing(failure("UNABLE_TO_LOCK_ROW")),
                false => RecordResult::Saved,
            })
            .collect();
        actions = machine.step(now, Event::Sent(batch.id, SendResult::Answered(results)));
        if let Some(tick) = machine.next_tick(now) {
            now = tick;
            actions.extend(machine.step(now, Event::Tick));
        }
    }
    assert_eq!(sizes, [3, 1, 1]);
    assert_eq!(outcomes(&actions)[0].1.reason(), "UNABLE_TO_LOCK_ROW");
}

#[tokio::test]
async fn a_disabled_lane_sends_nothing_and_goes_on_when_enabled() {
    let now = Instant::now();
    let mut machine = machine(settings());
    machine.step(now, Event::Plan(plan(PlanState::Disabled, 1)));
    let actions = load(&mut machine, now, 1, &[1, 2, 3]);
    assert!(batches(&actions).is_empty());
    assert_eq!(machine.next_tick(now), None);
    let actions = machine.step(now, Event::Plan(plan(PlanState::Enabled, 2)));
    assert_eq!(batches(&actions).len(), 1);
}

#[tokio::test]
async fn a_held_lane_reads_and_sends_nothing_says_why_and_goes_on_when_the_plan_is_back() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let sent = batches(&loaded(&mut machine, now, &[1, 2, 3]))[0].id;

    let actions = machine.step(now, Event::Held(plan(PlanState::Enabled, 1)));

    let status = actions.iter().find_map(|action| match action {
        Action::Report(_, status) => Some(status),
        _ => None,
    });
    let status = status.unwrap();
    assert_eq!(status.state, LaneState::Error);
    assert_eq!(status.trouble.as_ref().unwrap().reason, DESTINATION_MISSING);
    // What had left is settled; what comes waits, on disk.
    let answered = SendResult::Answered(vec![RecordResult::Saved; 3]);
    assert_eq!(outcomes(&machine.step(now, Event::Sent(sent, answered))).len(), 3);
    let later = now + Duration::from_secs(3600);
    for event in [Event::Appended(uid()), Event::Tick] {
        let actions = machine.step(later, event);
        assert!(
            !actions
                .iter()
                .any(|action| matches!(action, Action::Read { .. } | Action::Send(_) | Action::Report(..))),
            "{actions:?}"
        );
    }
    assert_eq!(machine.next_tick(later), None);

    let actions = machine.step(later, Event::Plan(plan(PlanState::Enabled, 1)));

    assert!(
        actions
            .iter()
            .any(|action| matches!(action, Action::Read { after: 1, .. })),
        "{actions:?}"
    );
    assert_eq!(batches(&load(&mut machine, later, 2, &[4, 5, 6])).len(), 1);
}

#[tokio::test]
async fn when_the_rules_change_the_lane_finishes_forgets_and_reads_again() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let first = batches(&loaded(&mut machine, now, &[1, 2, 3]))[0].id;
    load(&mut machine, now, 2, &[4]);
    let mut changed = plan(PlanState::Enabled, 2).as_ref().clone();
    changed.rules.attributes[0].source_path = "other".to_owned();
    let actions = machine.step(now, Event::Plan(Arc::new(changed)));
    assert!(
        !actions.iter().any(|action| matches!(action, Action::Read { .. })),
        "{actions:?}"
    );
    let actions = machine.step(
        now,
        Event::Sent(first, SendResult::Answered(vec![RecordResult::Saved; 3])),
    );
    assert_eq!(outcomes(&actions).len(), 3);
    assert!(actions.iter().any(|action| matches!(
        action,
        Action::Read {
            after: 0,
            generation: 1,
            ..
        }
    )));
    let waiting = &machine.lanes[&uid()].waiting;
    assert!(!waiting.has(Kind::Update) && !waiting.has(Kind::Create));
}

#[tokio::test]
async fn a_deleted_destination_is_drained_only_when_nothing_waits() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let first = batches(&loaded(&mut machine, now, &[1, 2, 3]))[0].id;
    let is_drained = |actions: &[Action]| {
        actions
            .iter()
            .any(|action| matches!(action, Action::Report(_, status) if status.drained))
    };
    assert!(!is_drained(
        &machine.step(now, Event::Plan(plan(PlanState::Deleting, 2)))
    ));
    let actions = machine.step(
        now,
        Event::Sent(first, SendResult::Answered(vec![RecordResult::Saved; 3])),
    );
    assert!(!is_drained(&actions));
    let arrivals = outcomes(&actions).iter().map(|(arrival, _)| *arrival).collect();
    assert!(is_drained(&machine.step(now, Event::Settled(uid(), arrivals))));
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_tried_again_later() {
    let now = Instant::now();
    let mut machine = machine(settings());
    machine.step(now, Event::Plan(plan(PlanState::Enabled, 1)));
    let actions = machine.step(
        now,
        Event::ReadFailed {
            uid: uid(),
            generation: 0,
            trouble: trouble(),
        },
    );
    assert!(!actions.iter().any(|action| matches!(action, Action::Read { .. })));
    let tick = machine.next_tick(now).unwrap();
    assert!(
        machine
            .step(tick, Event::Tick)
            .iter()
            .any(|action| matches!(action, Action::Read { .. }))
    );
}

/// Record, event time, and what the update says.
type Said = (u64, i64, Word);

/// Everything around a machine: a journal, what is settled, a Salesforce that
/// fails in every way, and crashes.
struct World {
    plan: Arc<Plan>,
    random: StdRng,
    now: Instant,
    machine: OrgMachine,
    frames: Vec<Vec<Said>>,
    /// The newest that the machine was given of each record.
    newest_loaded: BTreeMap<RecordKey, Arrival>,
    trimmed_up_to: i64,
    settled: BTreeMap<(Arrival, i64), Outcome>,
    /// What Salesforce holds: the arrival that wrote it.
    salesforce: BTreeMap<RecordKey, Arrival>,
    in_flight: Vec<Batch>,
}

impl World {
    /// Salesforce has records of the numbers below `records`.
    fn new(seed: u64, plan: Arc<Plan>, records: u64, frames: Vec<Vec<Said>>) -> Self {
        let seeded = Arrival {
            position: 0,
            entry: 0,
        };
        let mut world = Self {
            plan: plan.clone(),
            random: StdRng::seed_from_u64(seed),
            now: Instant::now(),
            machine: machine(settings()),
            frames,
            newest_loaded: BTreeMap::new(),
            trimmed_up_to: 0,
            settled: BTreeMap::new(),
            salesforce: (0..records).map(|record| (key(record), seeded)).collect(),
            in_flight: Vec::new(),
        };
        world.take(Event::Plan(plan));
        world
    }

    fn take(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            if let Event::Loaded(loaded) = &event {
                self.note(loaded);
            }
            for action in self.machine.step(self.now, event) {
                match action {
                    Action::Read {
                        uid,
                        generation,
                        after,
                    } => {
                        events.push(Event::Loaded(self.read(uid, generation, after)));
                    }
                    Action::Send(batch) => {
                        self.check_exclusive(&batch);
                        self.check_creation(&batch);
                        self.in_flight.push(batch);
                    }
                    Action::Settle(uid, settlements) => {
                        let mut arrivals = Vec::new();
                        for settlement in settlements {
                            let place = (settlement.update.arrival, identity_column(settlement.index));
                            assert!(
                                self.settled.insert(place, settlement.outcome).is_none(),
                                "settled twice"
                            );
                            assert!(settlement.completes_update);
                            arrivals.push(settlement.update.arrival);
                        }
                        events.push(Event::Settled(uid, arrivals));
                    }
                    Action::Trim { up_to, .. } => self.trimmed_up_to = self.trimmed_up_to.max(up_to),
                    Action::Report(..) => {}
                    // The other org's machine begins with what the journal says, as this one would.
                    Action::HandOver(_) => {
                        assert!(self.in_flight.is_empty(), "handed over with requests under way");
                        self.newest_loaded.clear();
                        events.push(Event::Plan(self.plan.clone()));
                    }
                }
            }
        }
    }

    fn check_exclusive(&self, batch: &Batch) {
        let mut keys: HashSet<&RecordKey> = self
            .in_flight
            .iter()
            .flat_map(|batch| &batch.records)
            .map(|record| &record.key)
            .collect();
        for record in &batch.records {
            assert!(
                keys.insert(&record.key),
                "a record is in two requests, or twice in one"
            );
        }
        assert!(batch.records.len() <= 3);
    }

    fn read(&self, uid: DestinationUid, generation: u64, after: i64) -> Loaded {
        let first = usize::try_from(after.max(self.trimmed_up_to)).unwrap();
        let frames: Vec<MappedFrame> = (first..self.frames.len())
            .take(2)
            .map(|index| {
                let position = i64::try_from(index).unwrap() + 1;
                let entries = self.frames[index]
                    .iter()
                    .enumerate()
                    .map(|(place, (record, time, word))| {
                        let entry = entry(position, u32::try_from(place).unwrap(), *record, *time);
                        word.said_in(entry, &self.plan.rules)
                    })
                    .filter(|entry| !self.settled.contains_key(&(entry.update.arrival, 0)))
                    .collect();
                MappedFrame { position, entries }
            })
            .collect();
        let is_end = frames.len() < 2;
        Loaded {
            uid,
            generation,
            frames,
            is_end,
        }
    }

    /// Lets something happen to a request, or time pass.
    fn go_on(&mut self) {
        if self.in_flight.is_empty() || self.random.random_ratio(1, 4) {
            self.now = self
                .machine
                .next_tick(self.now)
                .unwrap_or(self.now + Duration::from_secs(1));
            self.take(Event::Tick);
            return;
        }
        let batch = self
            .in_flight
            .swap_remove(self.random.random_range(0..self.in_flight.len()));
        match self.random.random_range(0..10) {
            0 => self.take(Event::Sent(batch.id, SendResult::Again(trouble()))),
            1 => {
                // In doubt: applied, and the answer lost.
                self.apply(&batch);
                self.take(Event::Sent(batch.id, SendResult::InDoubt(trouble())));
            }
            _ => {
                let results = self.apply(&batch);
                self.take(Event::Sent(batch.id, SendResult::Answered(results)));
            }
        }
    }

    fn apply(&mut self, batch: &Batch) -> Vec<RecordResult> {
        let mut results = Vec::new();
        for record in &batch.records {
            if self.random.random_ratio(1, 10) {
                results.push(RecordResult::Passing(failure("UNABLE_TO_LOCK_ROW")));
                continue;
            }
            if self.random.random_ratio(1, 30) {
                results.push(RecordResult::Refused(failure("NO")));
                continue;
            }
            let on_missing = self.plan.rules.on_missing();
            let is_there = self.salesforce.contains_key(&record.key);
            if !batch.creates && !is_there {
                results.push(match on_missing {
                    OnMissing::Refuse => RecordResult::Refused(failure("INVALID_CROSS_REFERENCE_KEY")),
                    OnMissing::Create | OnMissing::CreateApart | OnMissing::Exclude => RecordResult::Missing,
                });
                continue;
            }
            assert!(
                !(batch.creates && is_there && on_missing == OnMissing::CreateApart),
                "what is there is not created"
            );
            if let Some((_, FieldValue::Integer(value))) = record.fields.iter().next() {
                let arrival = Arrival {
                    position: value / 1_000,
                    entry: u32::try_from(value % 1_000).unwrap(),
                };
                self.salesforce.insert(record.key.clone(), arrival);
            }
            results.push(match is_there {
                true => RecordResult::Saved,
                false => RecordResult::Created(Created::Allowed),
            });
        }
        results
    }

    /// The process dies and starts again; what was on its way arrives or not.
    fn crash(&mut self) {
        for batch in std::mem::take(&mut self.in_flight) {
            if self.random.random_bool(0.5) {
                self.apply(&batch);
            }
        }
        self.machine = machine(settings());
        self.newest_loaded.clear();
        self.take(Event::Plan(self.plan.clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_everything_ends_once_and_the_newest_value_stays(
        seed in any::<u64>(),
        on_missing in left_alone::any_on_missing(),
        records in 0..6_u64,
        frames in prop::collection::vec(prop::collection::vec((0..6_u64, left_alone::any_word()), 1..6), 1..12),
    ) {
        // Times rise, as they do for one producer; late streams need versions.
        let mut time = 0;
        let frames: Vec<Vec<Said>> = frames
            .into_iter()
            .map(|frame| frame.into_iter().map(|(record, word)| { time += 1; (record, time, word) }).collect())
            .collect();
        let total: usize = frames.iter().map(Vec::len).sum();
        let mut world = World::new(seed, left_alone::plan(on_missing), records, frames);
        let mut steps = 0;
        while world.settled.len() < total {
            steps += 1;
            prop_assert!(steps < 20_000, "nothing moves any more");
            if steps < 200 && world.random.random_ratio(1, 25) {
                world.crash();
            } else if steps < 200 && world.random.random_ratio(1, 25) {
                world.take(Event::Moved(uid()));
            } else {
                world.go_on();
            }
        }
        world.check_end(records);
        prop_assert_eq!(world.trimmed_up_to, i64::try_from(world.frames.len()).unwrap());
    }
}

#[tokio::test]
async fn a_moved_lane_is_handed_over_when_its_last_request_is_settled() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let actions = loaded(&mut machine, now, &[1, 2, 3, 4]);
    let [batch] = batches(&actions)[..] else {
        panic!("{actions:?}")
    };
    let is_handed_over =
        |actions: &[Action]| matches!(actions.last(), Some(Action::HandOver(moved)) if *moved == uid());

    let told = machine.step(now, Event::Moved(uid()));
    let appended = machine.step(now, Event::Appended(uid()));
    let ticked = machine.step(now + Duration::from_secs(60), Event::Tick);
    let sent = machine.step(
        now,
        Event::Sent(batch.id, SendResult::Answered(vec![RecordResult::Saved; 3])),
    );

    // Nothing more is read, sent or reported, and what was sent is settled by who sent it.
    assert!(
        told.is_empty() && appended.is_empty() && ticked.is_empty(),
        "{ticked:?}"
    );
    assert_eq!(machine.next_tick(now), None);
    assert_eq!(outcomes(&sent).len(), 3);
    assert!(!is_handed_over(&sent), "{sent:?}");
    assert!(machine.plan_of(&uid()).is_some());
    let arrivals = outcomes(&sent).into_iter().map(|(arrival, _)| arrival).collect();
    let settled = machine.step(now, Event::Settled(uid(), arrivals));
    assert!(is_handed_over(&settled), "{settled:?}");
    assert!(machine.plan_of(&uid()).is_none());
    assert!(!machine.is_sending());
}

#[tokio::test]
async fn a_moved_lane_with_nothing_under_way_is_handed_over_at_once() {
    let now = Instant::now();
    let mut machine = machine(settings());
    let actions = loaded(&mut machine, now, &[1, 2, 3]);
    let id = batches(&actions)[0].id;
    machine.step(now, Event::Sent(id, SendResult::Again(trouble())));

    let told = machine.step(now, Event::Moved(uid()));

    assert!(matches!(&told[..], [Action::HandOver(_)]), "{told:?}");
    assert!(
        machine
            .step(now + Duration::from_secs(600), Event::Tick)
            .is_empty()
    );
}
