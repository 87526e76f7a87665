//! What has been asked of an org.

use serde::Serialize;

/// The answer of `GET /simulator/orgs/{host}/counters`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Counters {
    /// Requests at the token endpoint.
    pub token_requests: u64,
    /// Those of them that were refused or not answered.
    pub token_failures: u64,
    /// Describes answered, with 200 or 304.
    pub describe_calls: u64,
    /// Write requests, of collections or of one record, and rows of bulk jobs written at once.
    pub write_calls: u64,
    /// Write requests that were refused as a whole or never applied; a single record that was refused counts in
    /// both. Refused writes of setup objects (permission sets and their grants) count here only.
    pub write_calls_failed: u64,
    /// Records in `write_calls`; the sum of written and refused.
    pub records_received: u64,
    pub records_written: u64,
    /// Those of the written that did not exist before.
    pub records_created: u64,
    pub records_refused: u64,
    pub query_calls: u64,
    /// Requests counted against the daily quota.
    pub api_requests: u64,
    pub max_records_per_call: usize,
    pub max_concurrent_writes: usize,
    /// How often a write call named a record that another write call, not yet answered, also named.
    pub same_record_overlaps: u64,
    /// Write calls that had to wait for rows.
    pub lock_waits: u64,
    /// Records that were refused because their rows stayed locked.
    pub lock_failures: u64,
    /// Writes that were applied after their client had gone.
    pub late_writes: u64,
    /// Requests refused because too many long ones were running.
    pub long_running_refused: u64,
}
