//! Queries whose records do not fit on one page.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::ids::{RecordId, record_id};

/// What ids of cursors begin with, as seen in `nextRecordsUrl`.
const KEY_PREFIX: &str = "01g";

/// Most cursors of one user; opening another closes the oldest.
/// Source: Salesforce, "SOQL and SOSL Reference", Query Resource Limits.
const MAX_PER_USER: usize = 10;

/// The open cursors of one org, oldest first.
#[derive(Debug)]
pub(crate) struct Cursors {
    idle: TimeDelta,
    cursors: Vec<Cursor>,
    opened: u64,
}

#[derive(Debug)]
struct Cursor {
    id: RecordId,
    user_id: RecordId,
    records: Arc<Vec<Value>>,
    last_used: DateTime<Utc>,
}

/// One page of a cursor.
#[derive(Debug)]
pub(crate) struct Page {
    id: RecordId,
    records: Arc<Vec<Value>>,
    start: usize,
    end: usize,
}

impl Cursors {
    /// Returns no cursors; one that is not used for `idle` will be closed.
    pub(crate) fn new(idle: TimeDelta) -> Self {
        Self {
            idle,
            cursors: Vec::new(),
            opened: 0,
        }
    }

    /// Opens a cursor and returns its first page.
    pub(crate) fn open(
        &mut self,
        records: Vec<Value>,
        user_id: RecordId,
        size: usize,
        now: DateTime<Utc>,
    ) -> Page {
        self.expire(now);
        let own = self.cursors.iter().filter(|cursor| cursor.user_id == user_id);
        if own.count() >= MAX_PER_USER
            && let Some(oldest) = self.cursors.iter().position(|cursor| cursor.user_id == user_id)
        {
            self.cursors.remove(oldest);
        }
        self.opened += 1;
        let id = RecordId::parse(&record_id(KEY_PREFIX, self.opened)).expect("record_id returns valid ids");
        let records = Arc::new(records);
        let end = size.min(records.len());
        self.cursors.push(Cursor {
            id,
            user_id,
            records: Arc::clone(&records),
            last_used: now,
        });
        Page {
            id,
            records,
            start: 0,
            end,
        }
    }

    /// Returns the page that a locator (`01g5g…AAA-2000`) names; none if it is unknown, closed or someone
    /// else's.
    pub(crate) fn page(
        &mut self,
        locator: &str,
        user_id: RecordId,
        size: usize,
        now: DateTime<Utc>,
    ) -> Option<Page> {
        self.expire(now);
        let (id, start) = locator.rsplit_once('-')?;
        let (id, start) = (RecordId::parse(id)?, start.parse::<usize>().ok()?);
        let cursor = self
            .cursors
            .iter_mut()
            .find(|cursor| cursor.id == id && cursor.user_id == user_id)?;
        cursor.last_used = now;
        let length = cursor.records.len();
        (start < length).then(|| Page {
            id,
            records: Arc::clone(&cursor.records),
            start,
            end: start.saturating_add(size).min(length),
        })
    }

    fn expire(&mut self, now: DateTime<Utc>) {
        self.cursors.retain(|cursor| now - cursor.last_used < self.idle);
    }
}

impl Page {
    /// Returns the page as the API tells it.
    pub(crate) fn shown(&self, version: &str, all: bool) -> Value {
        let total = self.records.len();
        let records = &self.records[self.start..self.end];
        if self.end == total {
            return json!({"totalSize": total, "done": true, "records": records});
        }
        let resource = if all { "queryAll" } else { "query" };
        let next = format!("/services/data/{version}/{resource}/{}-{}", self.id, self.end);
        json!({"totalSize": total, "done": false, "nextRecordsUrl": next, "records": records})
    }
}
