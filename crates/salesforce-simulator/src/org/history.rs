//! What was written, in order.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a write meant to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WriteKind {
    Create,
    Update,
    Delete,
}

/// One record of one write call, sent or written along.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HistoryEntry {
    /// Counts from 1, over all calls.
    pub n: u64,
    /// Counts from 1; the same for all records of one call.
    pub call: u64,
    /// The `n` of the entry whose write wrote this record too: of the other half of a person, and of the Contacts
    /// that were deleted with their Account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<u64>,
    /// When it was applied.
    pub time: String,
    pub object: &'static str,
    /// None where no record was found or made.
    pub id: Option<String>,
    pub operation: WriteKind,
    /// As sent, under the names that describe gives; where the write was caused by another, what changed.
    pub fields: Map<String, Value>,
    pub success: bool,
}

/// The written records of one org, refused ones too.
#[derive(Debug)]
pub(crate) struct History {
    kept: bool,
    calls: u64,
    entries: Vec<HistoryEntry>,
}

impl History {
    pub(crate) fn new(kept: bool) -> Self {
        Self {
            kept,
            calls: 0,
            entries: Vec::new(),
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Numbers the next call.
    pub(crate) fn next_call(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// Adds an entry, whose `n` is set here, and returns that.
    pub(crate) fn add(&mut self, entry: HistoryEntry) -> u64 {
        let n = self.entries.len() as u64 + 1;
        self.entries.push(HistoryEntry { n, ..entry });
        n
    }

    /// Returns the entries whose `n` is above `after`.
    pub(crate) fn after(&self, after: u64) -> &[HistoryEntry] {
        let start = usize::try_from(after)
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        &self.entries[start..]
    }
}
