//! Bulk API 2.0 ingest: jobs that write CSV rows later. Source: salesforce-contract.md §7.
//!
//! A job is opened, given its CSV once, closed, and then worked off by the org's own time: whoever asks the
//! org anything first lets it catch up ([`catch_up`]), so that a poll, a query and the admin surface all see
//! the same.

mod columns;
mod job;
mod jobs;
mod new_job;
mod options;
mod results;
mod rows;
mod run;
mod upload;

pub(crate) use job::{Job, JobState};
pub(crate) use jobs::Jobs;
pub(crate) use new_job::NewJob;
pub(crate) use options::BulkOptions;
pub(crate) use results::ResultSet;
pub(crate) use run::catch_up;
pub(crate) use upload::Upload;
