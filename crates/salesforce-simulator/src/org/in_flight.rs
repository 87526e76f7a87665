//! Which records are being written right now.

use rustc_hash::FxHashMap;

use crate::ids::RecordId;
use crate::schema::ObjectName;

/// Names a record in a write call, whether it exists yet or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RecordKey {
    Id(RecordId),
    /// A record that an upsert found none for.
    New {
        object: ObjectName,
        field: String,
        value: String,
    },
}

/// The write calls that were received and not yet answered.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    calls: usize,
    calls_by_record: FxHashMap<RecordKey, usize>,
}

impl InFlight {
    /// Begins a call. Returns how many calls are in flight now, and how many of `keys`, each given once, another one names.
    pub(crate) fn begin(&mut self, keys: &[RecordKey]) -> (usize, u64) {
        self.calls += 1;
        let mut overlaps = 0;
        for key in keys {
            let calls = self.calls_by_record.entry(key.clone()).or_default();
            if *calls > 0 {
                overlaps += 1;
            }
            *calls += 1;
        }
        (self.calls, overlaps)
    }

    pub(crate) fn end(&mut self, keys: &[RecordKey]) {
        self.calls -= 1;
        for key in keys {
            if let Some(calls) = self.calls_by_record.get_mut(key) {
                *calls -= 1;
                if *calls == 0 {
                    self.calls_by_record.remove(key);
                }
            }
        }
    }
}
