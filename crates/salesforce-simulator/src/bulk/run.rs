//! Working a job off, 200 rows at a time. Source: salesforce-contract.md §7.

use chrono::{DateTime, TimeDelta, Utc};

use super::columns::Columns;
use super::job::{Job, JobState};
use super::options::BulkOptions;
use super::rows::BegunRows;
use crate::ids::RecordId;
use crate::org::{FaultAction, Occasion, Org, OrgState};
use crate::refusal::RecordError;
use crate::setup::Viewer;

/// Rows that are written at once: what triggers see. Source: salesforce-contract.md §2.1.
const ROWS_AT_ONCE: usize = 200;

/// Rows of one batch as the daily allocation counts them.
/// Source: salesforce-contract.md §7 (limits: 150 000 000 records in 15 000 batches).
const ROWS_PER_BATCH: usize = 10_000;

/// The error that makes the server try again.
const LOCKED: &str = "UNABLE_TO_LOCK_ROW";

/// How far a job has come.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Read from the header when the job begins.
    columns: Option<Columns>,
    /// One for each row processed, in the order of the upload.
    pub results: Vec<RowResult>,
    /// Batches that were tried again.
    pub retries: u32,
    retries_of_batch: u32,
    began: DateTime<Utc>,
    /// When the next 200 rows are written; of a finished job, when it ended.
    next: DateTime<Utc>,
}

/// How one row ended.
#[derive(Debug)]
pub(crate) struct RowResult {
    pub outcome: Result<RecordId, RecordError>,
    pub is_created: bool,
    /// The id in the row.
    pub named: Option<RecordId>,
}

impl Run {
    pub(crate) fn processed(&self) -> usize {
        self.results.len()
    }

    pub(crate) fn failed(&self) -> usize {
        self.results
            .iter()
            .filter(|result| result.outcome.is_err())
            .count()
    }

    pub(crate) fn milliseconds(&self) -> i64 {
        (self.next - self.began).num_milliseconds()
    }

    /// Puts the next rows off.
    fn try_again(&mut self, after: TimeDelta) {
        self.retries += 1;
        self.retries_of_batch += 1;
        self.next = self
            .next
            .checked_add_signed(after)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
    }
}

/// Does what the jobs of an org have done by `now`.
pub(crate) fn catch_up(org: &Org, state: &mut OrgState, now: DateTime<Utc>) {
    state.bulk.expire(now);
    if state.bulk.jobs.iter().all(|job| job.state.is_final()) {
        return;
    }
    let mut jobs = std::mem::take(&mut state.bulk.jobs);
    for job in &mut jobs {
        if job.state == JobState::UploadComplete {
            begin(&org.options.bulk, state, job, now);
        }
        while job.state == JobState::InProgress && job.run.next <= now {
            step(org, state, job);
        }
    }
    state.bulk.jobs = jobs;
}

/// Begins a closed job, if it has waited long enough.
fn begin(options: &BulkOptions, state: &OrgState, job: &mut Job, now: DateTime<Utc>) {
    let start = job.modified + seconds(options.queue_seconds);
    if start > now {
        return;
    }
    job.run.began = start;
    job.run.next = start;
    let viewer = Viewer {
        user_id: job.created_by,
        now: start,
    };
    let columns = match &job.content {
        None => Err("InvalidBatch : No data was uploaded".to_owned()),
        Some(Err(message)) => Err(message.clone()),
        Some(Ok(upload)) => Columns::read(state, job, &upload.header, viewer),
    };
    match columns {
        Ok(columns) => {
            job.run.columns = Some(columns);
            job.run.next = start + seconds(options.seconds_per_batch);
            job.set_state(JobState::InProgress, start);
        }
        Err(message) => job.fail(message, start),
    }
}

/// Writes the next 200 rows, or ends the job, or puts the rows off because they are locked.
fn step(org: &Org, state: &mut OrgState, job: &mut Job) {
    let options = &org.options.bulk;
    let now = job.run.next;
    let (Some(columns), Some(Ok(upload))) = (&job.run.columns, &job.content) else {
        return;
    };
    let processed = job.run.processed();
    let rows = &upload.rows[processed..(processed + ROWS_AT_ONCE).min(upload.rows.len())];
    if rows.is_empty() {
        job.set_state(JobState::JobComplete, now);
        return;
    }
    if processed.is_multiple_of(ROWS_PER_BATCH) && job.run.retries_of_batch == 0 {
        if state.bulk.batches.total(now) >= options.daily_batches {
            job.fail("ExceededQuota : ApiBatchItems Limit exceeded.".to_owned(), now);
            return;
        }
        state.bulk.batches.add(now, 1);
    }

    let mut begun = BegunRows::begin(state, job, columns, rows, now);
    let may_try_again = job.run.retries_of_batch < options.max_retries;
    let is_held = begun.are_held(org, state);
    if is_held {
        state.counters.lock_waits += u64::from(job.run.retries_of_batch == 0);
        if may_try_again {
            // Each try waits for the rows as a call does; what is scripted for the rows waits with them.
            let waits = TimeDelta::from_std(org.options.lock_wait()).unwrap_or(TimeDelta::MAX);
            job.run.try_again(waits.max(seconds(options.seconds_per_batch)));
            return;
        }
    }
    let fault = match state.faults.next(Occasion::BulkRows) {
        Some(FaultAction::RecordError(fault)) => Some(fault),
        Some(FaultAction::Status(fault)) => {
            job.fail(format!("InternalServerError : {}", fault.message), now);
            return;
        }
        Some(_) | None => None,
    };
    if may_try_again && fault.as_ref().is_some_and(|fault| fault.status_code == LOCKED) {
        job.run.try_again(seconds(options.seconds_per_batch));
        return;
    }
    if is_held {
        state.counters.lock_failures += begun.refuse_held(org, state);
    }
    let results = begun.write(state, fault.as_ref());
    job.run.results.extend(results);
    job.run.retries_of_batch = 0;
    if job.run.processed() == upload.rows.len() {
        job.set_state(JobState::JobComplete, now);
    } else {
        job.run.next = now + seconds(options.seconds_per_batch);
    }
}

fn seconds(seconds: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(seconds))
}
