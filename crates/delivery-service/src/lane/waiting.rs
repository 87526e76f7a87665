//! Records that wait to be sent: updates of one record become one.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use activation::record::{Contribution, MergedFields, RecordKey};
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
    /// Salesforce has just said that it does not have the record.
    pub(super) is_missing: bool,
}

impl WaitingRecord {
    pub(super) fn new(part: Part, now: Instant) -> Self {
        Self {
            parts: vec![part],
            waiting_since: now,
            attempts: 0,
            not_before: None,
            one_by_one: false,
            written: MergedFields::default(),
            is_missing: false,
        }
    }

    /// Puts a later record's parts behind these.
    fn absorb(&mut self, later: Self) {
        self.parts.extend(later.parts);
        self.waiting_since = self.waiting_since.min(later.waiting_since);
    }
}

/// Waiting records of a lane, in the order in which they began to wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    records: HashMap<RecordKey, WaitingRecord>,
    order: VecDeque<RecordKey>,
    /// How many of the records are missing in Salesforce.
    missing: usize,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Tells whether any record is missing in Salesforce.
    pub(super) fn has_missing(&self) -> bool {
        self.missing > 0
    }

    /// Adds an identity; of a record that waits already it becomes a part.
    pub(super) fn add(&mut self, part: Part, now: Instant) {
        match self.records.get_mut(&part.contribution.key) {
            Some(record) => record.parts.push(part),
            None => {
                let key = part.contribution.key.clone();
                self.order.push_back(key.clone());
                self.records.insert(key, WaitingRecord::new(part, now));
            }
        }
    }

    /// Takes a record back that was taken and must go again: before all others,
    /// or, where newer updates of it wait already, in their place and before them.
    pub(super) fn put_back(&mut self, key: RecordKey, mut record: WaitingRecord) {
        match self.records.remove(&key) {
            Some(later) => record.absorb(later),
            None => self.order.push_front(key.clone()),
        }
        // What was added meanwhile is not known to be missing.
        self.missing += usize::from(record.is_missing);
        self.records.insert(key, record);
    }

    /// Takes up to `most` records that `may_go` now, in their order.
    pub(super) fn take(
        &mut self,
        most: usize,
        now: Instant,
        may_go: impl Fn(&RecordKey, &WaitingRecord) -> bool,
    ) -> Vec<(RecordKey, WaitingRecord)> {
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        while let Some(key) = self.order.pop_front() {
            if taken.len() == most {
                left.push_back(key);
                break;
            }
            let is_due = self.records.get(&key).is_some_and(|record| {
                record.not_before.is_none_or(|time| time <= now) && may_go(&key, record)
            });
            if is_due {
                if let Some(record) = self.records.remove(&key) {
                    self.missing -= usize::from(record.is_missing);
                    taken.push((key, record));
                }
            } else {
                left.push_back(key);
            }
        }
        while let Some(key) = left.pop_back() {
            self.order.push_front(key);
        }
        taken
    }

    /// Counts the records that could go now, as far as `enough`, and tells since
    /// when the longest of them waits.
    pub(super) fn ready(
        &self,
        enough: usize,
        now: Instant,
        may_go: impl Fn(&RecordKey, &WaitingRecord) -> bool,
    ) -> (usize, Option<Instant>) {
        let mut count = 0;
        let mut oldest: Option<Instant> = None;
        for key in &self.order {
            let Some(record) = self.records.get(key) else {
                continue;
            };
            if record.not_before.is_none_or(|time| time <= now) && may_go(key, record) {
                count += 1;
                oldest = Some(oldest.map_or(record.waiting_since, |oldest| oldest.min(record.waiting_since)));
                if count == enough {
                    break;
                }
            }
        }
        (count, oldest)
    }

    /// Returns when the next record that must wait may go.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        self.records
            .values()
            .filter_map(|record| record.not_before)
            .filter(|time| *time > now)
            .min()
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.order.clear();
        self.missing = 0;
    }
}
