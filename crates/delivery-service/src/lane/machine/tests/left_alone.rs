//! Profiles that no record may be created of.

use activation::destination::Create;

use super::{
    creation::{answer, keys, reasons, upserting},
    *,
};

/// What an update says of its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// An ordinary one.
    Update,
    /// Consent withdrawn, with exits to write.
    Withdrawn,
    /// Deleted, with exits to write.
    Deleted,
    /// Deleted, with nothing to write.
    DeletedLeave,
}

impl Word {
    fn left_alone(self) -> Option<Excluded> {
        match self {
            Self::Update => None,
            Self::Withdrawn => Some(Excluded::Consent),
            Self::Deleted | Self::DeletedLeave => Some(Excluded::ProfileDeleted),
        }
    }

    /// Lets an update say this, as `activation::map` would.
    pub(super) fn said_in(self, mut entry: MappedEntry, rules: &Rules) -> MappedEntry {
        let result = &mut entry.identities[0].result;
        let MapResult::Write(contribution) = result else {
            panic!("{result:?}")
        };
        contribution.standing.left_alone = self.left_alone();
        contribution.excluded_as = match self {
            Self::Update | Self::Deleted => None,
            Self::Withdrawn | Self::DeletedLeave => self.left_alone(),
        };
        if self == Self::DeletedLeave {
            let reason = Excluded::ProfileDeleted;
            contribution.fields.clear();
            *result = match rules.may_create() {
                true => MapResult::LeaveAlone {
                    reason,
                    contribution: contribution.clone(),
                },
                false => MapResult::Exclude(reason),
            };
        }
        entry
    }
}

pub(super) fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        5 => Just(Word::Update),
        2 => Just(Word::Withdrawn),
        1 => Just(Word::Deleted),
        1 => Just(Word::DeletedLeave),
    ]
}

pub(super) fn any_on_missing() -> impl Strategy<Value = OnMissing> {
    prop_oneof![
        Just(OnMissing::Refuse),
        Just(OnMissing::Create),
        Just(OnMissing::CreateApart),
        Just(OnMissing::Exclude),
    ]
}

/// A plan that does this with records that are not there.
pub(super) fn plan(on_missing: OnMissing) -> Arc<Plan> {
    let create = match on_missing {
        OnMissing::Refuse => return super::plan(PlanState::Enabled, 1),
        OnMissing::CreateApart => return upserting(),
        OnMissing::Create => Create::Allowed,
        OnMissing::Exclude => Create::Never,
    };
    let mut plan = upserting().as_ref().clone();
    plan.rules.creation_rules = CreationRules {
        create,
        ..CreationRules::default()
    };
    assert_eq!(plan.rules.on_missing(), on_missing);
    Arc::new(plan)
}

impl World {
    pub(super) fn note(&mut self, loaded: &Loaded) {
        for entry in loaded.frames.iter().flat_map(|frame| &frame.entries) {
            let arrival = entry.update.arrival;
            let record = key(self.said_at(arrival).0);
            let newest = self.newest_loaded.entry(record).or_insert(arrival);
            *newest = arrival.max(*newest);
        }
    }

    fn said_at(&self, arrival: Arrival) -> Said {
        self.frames[usize::try_from(arrival.position).unwrap() - 1][usize::try_from(arrival.entry).unwrap()]
    }

    /// Checks that nobody is created whose newest word is to be left alone: of
    /// what goes, and of all that the lane knows.
    pub(super) fn check_creation(&self, batch: &Batch) {
        assert!(!batch.creates || self.plan.rules.may_create());
        for record in batch.records.iter().filter(|_| batch.creates) {
            let newest_sent = record.updates.iter().map(|update| update.arrival).max().unwrap();
            for newest in [newest_sent, self.newest_loaded[&record.key]] {
                assert_eq!(
                    self.said_at(newest).2,
                    Word::Update,
                    "{newest:?} of {:?}",
                    record.key
                );
            }
        }
    }

    /// Checks how everything ended, where Salesforce had records of the numbers
    /// below `records`.
    pub(super) fn check_end(&self, records: u64) {
        let mut histories: BTreeMap<u64, Vec<(Arrival, Word, &Outcome)>> = BTreeMap::new();
        for ((arrival, _), outcome) in &self.settled {
            let (record, _, word) = self.said_at(*arrival);
            histories
                .entry(record)
                .or_default()
                .push((*arrival, word, outcome));
        }
        for (record, history) in &histories {
            self.check_history(*record, *record < records, history);
        }
    }

    fn check_history(&self, record: u64, was_there: bool, history: &[(Arrival, Word, &Outcome)]) {
        let on_missing = self.plan.rules.on_missing();
        let held = self.salesforce.get(&key(record));
        for (index, (_, word, outcome)) in history.iter().enumerate() {
            let is_right = match (word, outcome) {
                (Word::DeletedLeave, outcome) => **outcome == Outcome::Excluded(Excluded::ProfileDeleted),
                (_, Outcome::Failed(_)) => true,
                // Salesforce holds this value or a newer one.
                (Word::Update | Word::Deleted, Outcome::Delivered(_)) => held.is_some(),
                (Word::Withdrawn, outcome) => **outcome == Outcome::Excluded(Excluded::Consent),
                (Word::Deleted, outcome) => **outcome == Outcome::Excluded(Excluded::ProfileDeleted),
                (Word::Update, Outcome::Excluded(Excluded::NotFoundNotCreated)) => {
                    on_missing == OnMissing::Exclude && !was_there
                }
                // A newer word kept it from being created.
                (Word::Update, Outcome::Excluded(reason)) => {
                    let mut newer = history[index..].iter();
                    self.plan.rules.may_create()
                        && newer.any(|(_, word, _)| word.left_alone() == Some(*reason))
                }
            };
            assert!(is_right, "{word:?} of {record} ended {outcome:?}: {history:?}");
        }
        if history.iter().all(|(_, word, _)| *word != Word::Update) {
            assert_eq!(held.is_some(), was_there, "{history:?}");
        }
        if history
            .iter()
            .any(|(_, _, outcome)| matches!(outcome, Outcome::Failed(_)))
        {
            // A value that was refused, or locked too often, is not the newest that stays.
            return;
        }
        let newest = history
            .iter()
            .rev()
            .find(|(_, word, _)| *word != Word::DeletedLeave);
        if let (Some(held), Some((arrival, ..))) = (held, newest) {
            assert_eq!(held, arrival, "{history:?}");
        }
        let is_wanted = matches!(history.last(), Some((_, Word::Update, _)));
        if is_wanted && self.plan.rules.may_create() {
            assert!(held.is_some(), "{history:?}");
        }
    }
}

fn started(on_missing: OnMissing) -> OrgMachine {
    let mut machine = machine(settings());
    machine.step(Instant::now(), Event::Plan(plan(on_missing)));
    machine
}

/// Loads a frame of these records, event times and words.
fn load_said(machine: &mut OrgMachine, now: Instant, position: i64, said: &[Said]) -> Vec<Action> {
    let lane = &machine.lanes[&uid()];
    let (rules, generation) = (&lane.plan.rules, lane.generation);
    let entries = said
        .iter()
        .zip(0..)
        .map(|((record, time, word), place)| word.said_in(entry(position, place, *record, *time), rules))
        .collect();
    machine.step(
        now,
        Event::Loaded(Loaded {
            uid: uid(),
            generation,
            frames: vec![MappedFrame { position, entries }],
            is_end: true,
        }),
    )
}

/// Sends everything that lingers.
fn sent(machine: &mut OrgMachine, now: &mut Instant) -> Vec<Batch> {
    *now += Duration::from_secs(1);
    let actions = machine.step(*now, Event::Tick);
    batches(&actions).into_iter().cloned().collect()
}

#[tokio::test]
async fn who_is_left_alone_is_only_updated_and_others_are_created() {
    use Word::{Deleted, Update, Withdrawn};
    let mut now = Instant::now();
    let mut machine = started(OnMissing::Create);
    load_said(&mut machine, now, 1, &[(1, 1, Withdrawn), (2, 2, Update)]);
    load_said(&mut machine, now, 2, &[(3, 3, Deleted)]);

    let sent = sent(&mut machine, &mut now);

    let told: Vec<_> = sent.iter().map(|batch| (batch.creates, keys(batch))).collect();
    assert_eq!(told, [(true, vec![key(2)]), (false, vec![key(1), key(3)])]);
    let missing = [RecordResult::Missing, RecordResult::Missing];
    let actions = answer(&mut machine, now, &sent[1], &missing);
    assert_eq!(reasons(&actions), ["CONSENT", "PROFILE_DELETED"]);
    let actions = answer(
        &mut machine,
        now,
        &sent[0],
        &[RecordResult::Created(Created::Freely)],
    );
    assert_eq!(reasons(&actions), ["WRITTEN"]);
}

#[tokio::test]
async fn who_is_left_alone_and_there_is_written() {
    let mut now = Instant::now();
    let mut machine = started(OnMissing::Create);
    load_said(
        &mut machine,
        now,
        1,
        &[(1, 1, Word::Withdrawn), (2, 2, Word::Deleted)],
    );
    let batch = sent(&mut machine, &mut now).remove(0);
    let actions = answer(
        &mut machine,
        now,
        &batch,
        &[RecordResult::Saved, RecordResult::Saved],
    );
    assert_eq!(reasons(&actions), ["CONSENT", "WRITTEN"]);
}

#[tokio::test]
async fn of_what_waits_together_the_newest_word_decides() {
    use Word::{Deleted, DeletedLeave, Update, Withdrawn};
    let missing: &[&str] = &["CONSENT", "CONSENT"];
    let deleted: &[&str] = &["PROFILE_DELETED", "PROFILE_DELETED"];
    for on_missing in [OnMissing::Create, OnMissing::CreateApart] {
        for (said, ended) in [
            ([(1, 1, Update), (1, 2, Withdrawn)], Some(missing)),
            ([(1, 1, Update), (1, 2, Deleted)], Some(deleted)),
            ([(1, 1, Update), (1, 2, DeletedLeave)], Some(deleted)),
            ([(1, 1, Withdrawn), (1, 2, Update)], None),
            ([(1, 1, DeletedLeave), (1, 2, Update)], None),
            // An update that comes late is not the newest.
            ([(1, 2, Withdrawn), (1, 1, Update)], Some(missing)),
            ([(1, 2, Update), (1, 1, Withdrawn)], None),
        ] {
            let mut now = Instant::now();
            let mut machine = started(on_missing);
            load_said(&mut machine, now, 1, &said);
            let mut batch = sent(&mut machine, &mut now).remove(0);
            if on_missing == OnMissing::Create {
                assert_eq!(batch.creates, ended.is_none(), "{said:?}");
            }
            if !batch.creates {
                let actions = answer(&mut machine, now, &batch, &[RecordResult::Missing]);
                if let Some(ended) = ended {
                    assert_eq!(reasons(&actions), ended, "{said:?}");
                    continue;
                }
                assert_eq!(reasons(&actions), [""; 0], "{said:?}");
                batch = batches(&actions)[0].clone();
            }
            assert!(ended.is_none() && batch.creates, "{said:?}");
            let actions = answer(
                &mut machine,
                now,
                &batch,
                &[RecordResult::Created(Created::Freely)],
            );
            assert!(reasons(&actions).contains(&"WRITTEN"), "{said:?}");
        }
    }
}

#[tokio::test]
async fn a_withdrawal_stops_a_creation_that_must_go_again() {
    for on_missing in [OnMissing::Create, OnMissing::CreateApart] {
        for again in [
            SendResult::Again(trouble()),
            SendResult::InDoubt(trouble()),
            SendResult::Answered(vec![RecordResult::Passing(failure("UNABLE_TO_LOCK_ROW"))]),
        ] {
            let mut now = Instant::now();
            let mut machine = started(on_missing);
            load_said(&mut machine, now, 1, &[(1, 1, Word::Update)]);
            let mut create = sent(&mut machine, &mut now).remove(0);
            if on_missing == OnMissing::CreateApart {
                let actions = answer(&mut machine, now, &create, &[RecordResult::Missing]);
                create = batches(&actions)[0].clone();
            }
            assert!(create.creates);
            load_said(&mut machine, now, 2, &[(1, 2, Word::Withdrawn)]);

            let actions = machine.step(now, Event::Sent(create.id, again));

            let mut again: Vec<Batch> = batches(&actions).into_iter().cloned().collect();
            now += Duration::from_secs(60);
            again.extend(sent(&mut machine, &mut now));
            let [batch] = &again[..] else { panic!("{again:?}") };
            assert!(!batch.creates && batch.records[0].updates.len() == 2, "{batch:?}");
            let actions = answer(&mut machine, now, batch, &[RecordResult::Missing]);
            assert_eq!(reasons(&actions), ["CONSENT", "CONSENT"]);
        }
    }
}

#[tokio::test]
async fn a_withdrawal_stops_a_creation_between_the_two_calls() {
    let mut now = Instant::now();
    let mut machine = started(OnMissing::CreateApart);
    load_said(&mut machine, now, 1, &[(1, 1, Word::Update)]);
    let look = sent(&mut machine, &mut now).remove(0);
    load_said(&mut machine, now, 2, &[(1, 2, Word::Withdrawn)]);

    let actions = answer(&mut machine, now, &look, &[RecordResult::Missing]);

    let mut again: Vec<Batch> = batches(&actions).into_iter().cloned().collect();
    again.extend(sent(&mut machine, &mut now));
    let [batch] = &again[..] else { panic!("{again:?}") };
    assert!(!batch.creates);
    let actions = answer(&mut machine, now, batch, &[RecordResult::Missing]);
    assert_eq!(reasons(&actions), ["CONSENT", "CONSENT"]);
}

#[tokio::test]
async fn refused_together_nobody_is_created_by_a_part_of_what_waits() {
    use Word::{Update, Withdrawn};
    // Each is sent alone; the newest word of all holds, and each one's own.
    for (said, creates) in [
        ([(1, 1, Update), (1, 2, Withdrawn)], [false, false]),
        ([(1, 1, Withdrawn), (1, 2, Update)], [false, true]),
    ] {
        let mut now = Instant::now();
        let mut machine = started(OnMissing::Create);
        load_said(&mut machine, now, 1, &said);
        let together = sent(&mut machine, &mut now).remove(0);
        let refused = [RecordResult::Refused(failure("STRING_TOO_LONG"))];
        let mut actions = answer(&mut machine, now, &together, &refused);
        for creates in creates {
            let alone = batches(&actions)[0].clone();
            assert_eq!(
                (alone.creates, alone.records[0].updates.len()),
                (creates, 1),
                "{said:?}"
            );
            let result = match creates {
                true => RecordResult::Created(Created::Freely),
                false => RecordResult::Missing,
            };
            actions = answer(&mut machine, now, &alone, &[result]);
            let expected = if creates { "WRITTEN" } else { "CONSENT" };
            assert_eq!(reasons(&actions), [expected], "{said:?}");
        }
    }
}

#[tokio::test]
async fn who_has_nothing_to_write_ends_at_once_or_with_what_waits() {
    let mut now = Instant::now();
    let mut machine = started(OnMissing::Create);
    let alone = load_said(&mut machine, now, 1, &[(1, 1, Word::DeletedLeave)]);
    assert_eq!(reasons(&alone), ["PROFILE_DELETED"]);

    // A request is under way: it may have to go again.
    load_said(&mut machine, now, 2, &[(1, 2, Word::Update)]);
    let batch = sent(&mut machine, &mut now).remove(0);
    let meanwhile = load_said(&mut machine, now, 3, &[(1, 3, Word::DeletedLeave)]);
    assert_eq!(reasons(&meanwhile), [""; 0]);
    let actions = answer(
        &mut machine,
        now,
        &batch,
        &[RecordResult::Created(Created::Freely)],
    );
    assert_eq!(reasons(&actions), ["WRITTEN", "PROFILE_DELETED"]);
    assert_eq!(machine.next_tick(now), None);

    // Refused with an update, it is no culprit.
    load_said(
        &mut machine,
        now,
        4,
        &[(1, 4, Word::Update), (1, 5, Word::DeletedLeave)],
    );
    let batch = sent(&mut machine, &mut now).remove(0);
    let refused = [RecordResult::Refused(failure("STRING_TOO_LONG"))];
    let actions = answer(&mut machine, now, &batch, &refused);
    assert_eq!(reasons(&actions), ["STRING_TOO_LONG", "PROFILE_DELETED"]);
}

#[tokio::test]
async fn without_creations_who_is_left_alone_and_not_there_is_excluded_for_that() {
    use Word::{Deleted, Update, Withdrawn};
    let not_there = RecordResult::Refused(failure("INVALID_CROSS_REFERENCE_KEY"));
    for (on_missing, result, of_update) in [
        (OnMissing::Exclude, RecordResult::Missing, "NOT_FOUND_NOT_CREATED"),
        (OnMissing::Refuse, not_there, "INVALID_CROSS_REFERENCE_KEY"),
    ] {
        let now = Instant::now();
        let mut machine = started(on_missing);
        let said = [(1, 1, Update), (2, 2, Withdrawn), (3, 3, Deleted)];
        let actions = load_said(&mut machine, now, 1, &said);
        let batch = batches(&actions)[0].clone();
        let results = [result.clone(), result.clone(), result];
        let actions = answer(&mut machine, now, &batch, &results);
        assert_eq!(reasons(&actions), [of_update, "CONSENT", "PROFILE_DELETED"]);
    }
}

#[tokio::test]
async fn a_withdrawal_does_not_wait_behind_ever_more_creations() {
    let mut now = Instant::now();
    let mut machine = started(OnMissing::Create);
    load_said(&mut machine, now, 1, &[(9, 1, Word::Withdrawn)]);
    now += Duration::from_millis(1);
    let many: Vec<Said> = (1..=8).map(|record| (record, 2, Word::Update)).collect();
    let actions = load_said(&mut machine, now, 2, &many);
    let first: Vec<Batch> = batches(&actions).into_iter().cloned().collect();
    assert!(first.len() == 2 && first.iter().all(|batch| batch.creates));
    let more: Vec<Said> = (11..=16).map(|record| (record, 3, Word::Update)).collect();
    load_said(&mut machine, now, 3, &more);

    now += Duration::from_secs(1);
    let created = vec![RecordResult::Created(Created::Freely); 3];
    let actions = answer(&mut machine, now, &first[0], &created);

    assert_eq!(keys(batches(&actions)[0]), [key(9)]);
}
