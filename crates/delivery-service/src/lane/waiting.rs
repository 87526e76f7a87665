//! Records that wait to be sent: updates of one record become one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use activation::{
    outcome::Excluded,
    plan::OnMissing,
    record::{Contribution, MergedFields, RecordKey, Standing},
};
use tokio::time::Instant;

use crate::map::AcceptedUpdate;

/// One identity of one update, with what it wants written.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) update: Arc<AcceptedUpdate>,
    pub(super) index: Option<usize>,
    pub(super) id: String,
    pub(super) contribution: Contribution,
}

/// All that waits for one record.
#[derive(Debug, Clone)]
pub(super) struct WaitingRecord {
    /// In the order of arrival; never empty.
    pub(super) parts: Vec<Part>,
    pub(super) waiting_since: Instant,
    /// Failed tries of the parts as they are.
    pub(super) attempts: u32,
    /// Not to be sent before.
    pub(super) not_before: Option<Instant>,
    /// Salesforce refused the parts merged: they go one by one, oldest first,
    /// so that only the culprit fails.
    pub(super) one_by_one: bool,
    /// What parts sent one by one have written; older values stay unsent.
    pub(super) written: MergedFields,
    /// Salesforce has just said that it does not have the record. Never of a
    /// profile that is left alone.
    pub(super) is_missing: bool,
    /// The newest of all parts, those that went one by one too.
    standing: Standing,
}

/// Which records go into one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those that are written where they are there.
    Update,
    /// Those that are created where they are not.
    Create,
}

impl Part {
    pub(super) fn has_fields(&self) -> bool {
        !self.contribution.fields.is_empty()
    }
}

impl WaitingRecord {
    pub(super) fn new(part: Part, now: Instant) -> Self {
        Self {
            standing: part.contribution.standing,
            parts: vec![part],
            waiting_since: now,
            attempts: 0,
            not_before: None,
            one_by_one: false,
            written: MergedFields::default(),
            is_missing: false,
        }
    }

    fn push(&mut self, part: Part) {
        self.standing = self.standing.newer(part.contribution.standing);
        self.parts.push(part);
        self.is_missing &= self.left_alone().is_none();
    }

    /// Puts a later record's parts behind these.
    fn absorb(&mut self, later: Self) {
        self.waiting_since = self.waiting_since.min(later.waiting_since);
        for part in later.parts {
            self.push(part);
        }
    }

    /// Returns the parts that go together in the next request. Those that have
    /// nothing to write go with the next one that has.
    pub(super) fn next_parts(&self) -> &[Part] {
        if !self.one_by_one {
            return &self.parts;
        }
        match self.parts.iter().position(Part::has_fields) {
            Some(index) => &self.parts[..=index],
            None => &self.parts,
        }
    }

    /// Returns why the next request must not create the record: the newest word
    /// of the profile, or the newest of those that go.
    pub(super) fn left_alone(&self) -> Option<Excluded> {
        if self.standing.left_alone.is_some() || !self.one_by_one {
            return self.standing.left_alone;
        }
        let standings = self.next_parts().iter().map(|part| part.contribution.standing);
        standings.reduce(Standing::newer)?.left_alone
    }

    fn kind(&self, on_missing: OnMissing) -> Kind {
        let creates = match on_missing {
            OnMissing::Refuse | OnMissing::Exclude => false,
            OnMissing::Create => self.left_alone().is_none(),
            OnMissing::CreateApart => self.is_missing,
        };
        if creates { Kind::Create } else { Kind::Update }
    }
}

/// Waiting records of a lane, in the order in which they began to wait.
#[derive(Debug)]
pub(super) struct Waiting {
    on_missing: OnMissing,
    records: HashMap<RecordKey, Queued>,
    lines: Lines,
    /// Before and behind all places that were given.
    first_place: i64,
    last_place: i64,
}

#[derive(Debug)]
struct Queued {
    record: WaitingRecord,
    place: i64,
}

/// The keys of each kind by their place.
#[derive(Debug, Default)]
struct Lines {
    update: BTreeMap<i64, RecordKey>,
    create: BTreeMap<i64, RecordKey>,
}

impl Lines {
    fn of(&self, kind: Kind) -> &BTreeMap<i64, RecordKey> {
        match kind {
            Kind::Update => &self.update,
            Kind::Create => &self.create,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeMap<i64, RecordKey> {
        match kind {
            Kind::Update => &mut self.update,
            Kind::Create => &mut self.create,
        }
    }
}

impl Waiting {
    pub(super) fn new(on_missing: OnMissing) -> Self {
        Self {
            on_missing,
            records: HashMap::new(),
            lines: Lines::default(),
            first_place: 0,
            last_place: 0,
        }
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        !self.lines.of(kind).is_empty()
    }

    /// Adds an identity; of a record that waits already it becomes a part.
    pub(super) fn add(&mut self, part: Part, now: Instant) {
        let Some(queued) = self.records.get_mut(&part.contribution.key) else {
            self.last_place += 1;
            let key = part.contribution.key.clone();
            self.insert(key, self.last_place, WaitingRecord::new(part, now));
            return;
        };
        let before = queued.record.kind(self.on_missing);
        queued.record.push(part);
        let after = queued.record.kind(self.on_missing);
        if before != after
            && let Some(key) = self.lines.of_mut(before).remove(&queued.place)
        {
            self.lines.of_mut(after).insert(queued.place, key);
        }
    }

    /// Takes a record back that was taken and must go again: before all others,
    /// or, where newer updates of it wait already, in their place and before them.
    pub(super) fn put_back(&mut self, key: RecordKey, mut record: WaitingRecord) {
        let place = if let Some(later) = self.remove(&key) {
            record.absorb(later.record);
            later.place
        } else {
            self.first_place -= 1;
            self.first_place
        };
        self.insert(key, place, record);
    }

    /// Takes up to `most` records that `may_go` now, in their order.
    pub(super) fn take(
        &mut self,
        kind: Kind,
        most: usize,
        now: Instant,
        may_go: impl Fn(&RecordKey) -> bool,
    ) -> Vec<(RecordKey, WaitingRecord)> {
        let keys: Vec<RecordKey> = self
            .due(kind, now, may_go)
            .take(most)
            .map(|(key, _)| key.clone())
            .collect();
        keys.into_iter()
            .filter_map(|key| {
                let queued = self.remove(&key)?;
                Some((key, queued.record))
            })
            .collect()
    }

    /// Takes the parts of a record that has nothing to write.
    pub(super) fn take_without_fields(&mut self, key: &RecordKey) -> Vec<Part> {
        let has_fields = |queued: &Queued| queued.record.parts.iter().any(Part::has_fields);
        if self.records.get(key).is_none_or(has_fields) {
            return Vec::new();
        }
        self.remove(key)
            .map(|queued| queued.record.parts)
            .unwrap_or_default()
    }

    /// Counts the records that could go now, as far as `enough`, and tells since
    /// when the longest of them waits.
    pub(super) fn ready(
        &self,
        kind: Kind,
        enough: usize,
        now: Instant,
        may_go: impl Fn(&RecordKey) -> bool,
    ) -> (usize, Option<Instant>) {
        let ready = self.due(kind, now, may_go).take(enough);
        ready.fold((0, None), |(count, oldest), (_, record)| {
            let since = record.waiting_since;
            (
                count + 1,
                Some(oldest.map_or(since, |oldest: Instant| oldest.min(since))),
            )
        })
    }

    /// Returns when the next record that must wait may go.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        self.records
            .values()
            .filter_map(|queued| queued.record.not_before)
            .filter(|time| *time > now)
            .min()
    }

    fn due(
        &self,
        kind: Kind,
        now: Instant,
        may_go: impl Fn(&RecordKey) -> bool,
    ) -> impl Iterator<Item = (&RecordKey, &WaitingRecord)> {
        self.lines
            .of(kind)
            .values()
            .filter_map(|key| Some((key, &self.records.get(key)?.record)))
            .filter(move |(key, record)| record.not_before.is_none_or(|time| time <= now) && may_go(key))
    }

    fn insert(&mut self, key: RecordKey, place: i64, record: WaitingRecord) {
        let kind = record.kind(self.on_missing);
        self.lines.of_mut(kind).insert(place, key.clone());
        self.records.insert(key, Queued { record, place });
    }

    fn remove(&mut self, key: &RecordKey) -> Option<Queued> {
        let queued = self.records.remove(key)?;
        let kind = queued.record.kind(self.on_missing);
        self.lines.of_mut(kind).remove(&queued.place);
        Some(queued)
    }
}
