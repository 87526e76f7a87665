//! Records that Salesforce does not have.

use std::num::NonZeroU32;

use super::*;

/// A plan that creates apart, at most ten records a day.
pub(super) fn upserting() -> Arc<Plan> {
    let mut plan = plan(PlanState::Enabled, 1).as_ref().clone();
    plan.rules.write_mode = WriteMode::Upsert {
        key_field: "Key__c".parse().unwrap(),
    };
    plan.rules.creation_rules.max_per_day = NonZeroU32::new(10);
    Arc::new(plan)
}

/// Starts a lane that creates apart, with one frame of these records.
fn started(now: Instant, records: &[u64]) -> (OrgMachine, Vec<Action>) {
    let mut machine = machine(settings());
    machine.step(now, Event::Plan(upserting()));
    let actions = load(&mut machine, now, 1, records);
    (machine, actions)
}

pub(super) fn answer(
    machine: &mut OrgMachine,
    now: Instant,
    batch: &Batch,
    results: &[RecordResult],
) -> Vec<Action> {
    machine.step(now, Event::Sent(batch.id, SendResult::Answered(results.to_vec())))
}

pub(super) fn reasons(actions: &[Action]) -> Vec<&str> {
    outcomes(actions)
        .iter()
        .map(|(_, outcome)| outcome.reason())
        .collect()
}

fn created(actions: &[Action]) -> Vec<Option<Created>> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Settle(_, settlements) => Some(settlements),
            _ => None,
        })
        .flatten()
        .map(|settlement| settlement.created)
        .collect()
}

fn notices(actions: &[Action]) -> Vec<Option<&str>> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Report(_, status) => Some(status.notice.as_ref().map(|notice| notice.reason)),
            _ => None,
        })
        .collect()
}

pub(super) fn keys(batch: &Batch) -> Vec<RecordKey> {
    batch.records.iter().map(|record| record.key.clone()).collect()
}

#[tokio::test]
async fn what_is_missing_is_created_in_a_request_of_its_own_with_what_came_meanwhile() {
    let now = Instant::now();
    let (mut machine, actions) = started(now, &[1, 2, 3]);
    let first = batches(&actions)[0].clone();
    assert!(!first.creates);
    load(&mut machine, now, 2, &[2, 4]);

    let later = now + Duration::from_secs(1);
    let results = [RecordResult::Saved, RecordResult::Missing, RecordResult::Missing];
    let actions = answer(&mut machine, later, &first, &results);

    assert_eq!(reasons(&actions), ["WRITTEN"]);
    let [create, write] = batches(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert!(create.creates && !write.creates);
    assert_eq!((keys(create), keys(write)), (vec![key(3), key(2)], vec![key(4)]));
    assert_eq!(
        create.records[1].fields.iter().next().unwrap().1,
        &FieldValue::Integer(2_000)
    );
    // Of the two updates of one new record, one says that it was created.
    let create = create.clone();
    let results = [RecordResult::Saved, RecordResult::Created(Created::Allowed)];
    let actions = answer(&mut machine, later, &create, &results);
    assert_eq!(reasons(&actions), ["WRITTEN", "SUPERSEDED", "WRITTEN"]);
    assert_eq!(created(&actions), [None, Some(Created::Allowed), None]);
}

#[tokio::test]
async fn what_salesforce_said_holds_for_the_next_request_only() {
    let now = Instant::now();
    let (mut machine, actions) = started(now, &[1, 2, 3]);
    let first = batches(&actions)[0].clone();
    let actions = answer(
        &mut machine,
        now,
        &first,
        &[
            RecordResult::Missing,
            RecordResult::Missing,
            RecordResult::Missing,
        ],
    );
    let create = batches(&actions)[0].clone();

    // A lost race, a refusal, and a lock.
    let lost = RecordResult::Passing(failure("DUPLICATE_VALUE"));
    let results = [lost.clone(), RecordResult::Refused(failure("NO")), lost];
    let actions = answer(&mut machine, now, &create, &results);
    assert_eq!(reasons(&actions), ["NO"]);

    let later = now + Duration::from_secs(5);
    let again = machine.step(later, Event::Tick);
    let [write] = batches(&again)[..] else {
        panic!("{again:?}")
    };
    assert!(!write.creates);
    assert_eq!(keys(write), [key(1), key(3)]);
}

#[tokio::test]
async fn a_creation_in_doubt_is_looked_for_again_and_one_not_sent_is_created_again() {
    for (in_doubt, creates) in [(true, false), (false, true)] {
        let now = Instant::now();
        let (mut machine, actions) = started(now, &[1, 2, 3]);
        let first = batches(&actions)[0].clone();
        let missing = [
            RecordResult::Missing,
            RecordResult::Missing,
            RecordResult::Missing,
        ];
        let actions = answer(&mut machine, now, &first, &missing);
        let create = batches(&actions)[0].clone();
        let result = if in_doubt {
            SendResult::InDoubt(trouble())
        } else {
            SendResult::Again(trouble())
        };

        let actions = machine.step(now, Event::Sent(create.id, result));

        assert!(outcomes(&actions).is_empty());
        let later = now + Duration::from_secs(5);
        let mut again = actions;
        again.extend(machine.step(later, Event::Tick));
        let [batch] = batches(&again)[..] else {
            panic!("{again:?}")
        };
        assert_eq!((batch.creates, batch.records.len()), (creates, 3));
    }
}

#[tokio::test]
async fn creations_that_fail_back_off_while_updates_go_on() {
    let now = Instant::now();
    let (mut machine, actions) = started(now, &[1, 2, 3]);
    let first = batches(&actions)[0].clone();
    let results = [RecordResult::Missing, RecordResult::Saved, RecordResult::Saved];
    answer(&mut machine, now, &first, &results);
    let later = now + Duration::from_secs(1);
    let actions = machine.step(later, Event::Tick);
    let mut create = batches(&actions)[0].clone();
    let mut waits = Vec::new();
    let mut time = later;
    for round in 2..6 {
        let actions = machine.step(time, Event::Sent(create.id, SendResult::Again(trouble())));
        assert!(batches(&actions).is_empty());
        // A full batch of updates goes at once and does not shorten the wait.
        let actions = load(&mut machine, time, round, &[7, 8, 9]);
        let write = batches(&actions)[0].clone();
        assert!(!write.creates);
        let actions = answer(
            &mut machine,
            time,
            &write,
            &[RecordResult::Saved, RecordResult::Saved, RecordResult::Saved],
        );
        assert!(batches(&actions).is_empty());
        let next = machine.next_tick(time).unwrap();
        waits.push(next - time);
        time = next;
        create = batches(&machine.step(time, Event::Tick))[0].clone();
        assert!(create.creates);
    }
    assert!(waits.is_sorted_by(|one, next| one < next), "{waits:?}");
    let actions = answer(
        &mut machine,
        time,
        &create,
        &[RecordResult::Created(Created::Allowed)],
    );
    assert!(matches!(
        actions.last(),
        Some(Action::Report(
            _,
            LaneStatus {
                state: LaneState::Delivering,
                ..
            }
        ))
    ));
}

#[tokio::test]
async fn the_limit_is_told_until_it_frees_or_there_is_room() {
    let now = Instant::now();
    let (mut machine, actions) = started(now, &[1, 2, 3]);
    let frees_at = now + Duration::from_secs(3_600);
    let over = RecordResult::OverLimit { frees_at };
    let first = batches(&actions)[0].clone();
    let actions = answer(
        &mut machine,
        now,
        &first,
        &[RecordResult::Missing, RecordResult::Missing, RecordResult::Saved],
    );
    let actions = match batches(&actions)[..] {
        [batch] => vec![batch.clone()],
        _ => batches(&machine.step(now + Duration::from_secs(1), Event::Tick))
            .into_iter()
            .cloned()
            .collect(),
    };
    let create = actions[0].clone();

    let actions = answer(
        &mut machine,
        now,
        &create,
        &[RecordResult::Created(Created::Allowed), over],
    );

    assert_eq!(reasons(&actions), ["WRITTEN", "CREATE_LIMIT"]);
    assert_eq!(notices(&actions), [Some("CREATE_LIMIT")]);
    assert_eq!(machine.next_tick(now), Some(frees_at));
    assert_eq!(notices(&machine.step(frees_at, Event::Tick)), [None]);
}
