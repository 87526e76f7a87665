//! What Salesforce must hold after a stream of profile updates, computed from the rules alone.
//!
//! The crate shares no code with the product, so that the two can only agree by both being right. It covers the
//! write mode `UPDATE_BY_ID` and applies the updates one after another, in arrival order. Read `expectation.rs`
//! first: it names the rules in the order in which they are asked.

mod differences;
mod document;
mod expectation;
mod intent;
mod org;
mod record_id;
mod time;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use differences::differences;
pub use expectation::expect;

/// What one destination is configured to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Destination {
    /// Any label; nothing depends on it.
    pub name: String,
    /// `Contact` or `Lead`.
    pub object: String,
    /// The identity namespace whose ids are Salesforce record ids, for example `crmID`.
    pub identity_namespace: String,
    /// Pairs of a dotted source path and the Salesforce field it fills.
    pub attributes: Vec<(String, String)>,
    /// Pairs of a segment id and the Salesforce field that receives its status.
    pub segments: Vec<(String, String)>,
}

/// One update as a producer sent it. Updates are given in arrival order.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// Index into the list of destinations.
    pub destination: usize,
    /// The JSON document, as it was sent.
    pub document: &'a Value,
    /// When it was accepted, in microseconds since 1970.
    pub accepted_at_micros: i64,
}

/// The records of one object: 18-character id → field → value. A field that is null is absent.
pub type Records = BTreeMap<String, BTreeMap<String, Value>>;

/// What must be true once every update is settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Object → every seeded record in its final state, non-null fields only.
    pub records: BTreeMap<String, Records>,
    /// All identities: delivered + excluded + failed.
    pub identities: u64,
    /// Identities whose values, or newer ones, Salesforce holds.
    pub delivered: u64,
    /// Identities a rule kept back, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// Identities refused for good, by code.
    pub failed: BTreeMap<String, u64>,
    /// Identities whose document names the mapped segment, by destination index and segment id. A segment that no
    /// document named has no entry.
    pub by_segment: BTreeMap<(usize, String), SegmentCounts>,
}

/// How the identities that name one segment ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentCounts {
    pub delivered: u64,
    pub excluded: u64,
    pub failed: u64,
}
