//! Working a job off, 200 rows at a time. Source: salesforce-contract.md §7.

use chrono::{DateTime, TimeDelta, Utc};
use csv::StringRecord;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::delete;
use super::job::{Job, JobOperation, JobState};
use super::options::BulkOptions;
use crate::ids::RecordId;
use crate::org::{FaultAction, Occasion, OrgState, RecordFault, WriteKind};
use crate::refusal::{CallError, RecordError};
use crate::setup::Viewer;
use crate::write::{self, Author, Operation, RecordResult, UpsertKey, WriteRequest};

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
}

/// Does what the jobs of an org have done by `now`.
pub(crate) fn catch_up(options: &BulkOptions, state: &mut OrgState, now: DateTime<Utc>) {
    state.bulk.expire(now);
    if state.bulk.jobs.iter().all(|job| job.state.is_final()) {
        return;
    }
    let mut jobs = std::mem::take(&mut state.bulk.jobs);
    for job in &mut jobs {
        if job.state == JobState::UploadComplete {
            begin(options, state, job, now);
        }
        while job.state == JobState::InProgress && job.run.next <= now {
            step(options, state, job);
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

/// Writes the next 200 rows, or ends the job.
fn step(options: &BulkOptions, state: &mut OrgState, job: &mut Job) {
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

    let fault = match state.faults.next(Occasion::Bulk) {
        Some(FaultAction::RecordError(fault)) => Some(fault),
        Some(FaultAction::Status(fault)) => {
            job.fail(format!("InternalServerError : {}", fault.message), now);
            return;
        }
        Some(_) | None => None,
    };
    let is_locked = fault.as_ref().is_some_and(|fault| fault.status_code == LOCKED);
    if is_locked && job.run.retries_of_batch < options.max_retries {
        job.run.retries += 1;
        job.run.retries_of_batch += 1;
    } else {
        let results = write_rows(state, job, columns, rows, fault.as_ref(), now);
        job.run.results.extend(results);
        job.run.retries_of_batch = 0;
    }
    let is_done = job.run.processed() == upload.rows.len();
    if is_done {
        job.set_state(JobState::JobComplete, now);
    } else {
        job.run.next = now + seconds(options.seconds_per_batch);
    }
}

fn write_rows(
    state: &mut OrgState,
    job: &Job,
    columns: &Columns,
    rows: &[StringRecord],
    fault: Option<&RecordFault>,
    now: DateTime<Utc>,
) -> Vec<RowResult> {
    let records = rows.iter().map(|row| columns.record(row)).collect();
    let author = Author {
        user_id: job.created_by,
        permissions: &job.creator.permissions,
        now,
    };
    let written = match job.operation {
        JobOperation::Delete => delete::delete(state.table_mut(job.object), records, fault, author),
        JobOperation::Insert | JobOperation::Update | JobOperation::Upsert => {
            request(state, job, records, author).map_or_else(
                // A field was hidden or deleted while the job ran.
                |error| refuse_all(rows.len(), &error),
                |request| write::apply(state, &request, fault, author),
            )
        }
    };
    written
        .into_iter()
        .zip(rows)
        .map(|(result, row)| RowResult {
            is_created: result.outcome.is_ok() && result.kind == WriteKind::Create,
            outcome: result.outcome,
            named: columns.id(row),
        })
        .collect()
}

fn request(
    state: &OrgState,
    job: &Job,
    records: Vec<Map<String, Value>>,
    author: Author<'_>,
) -> Result<WriteRequest, CallError> {
    let operation = operation(state, job)?;
    let mut request = WriteRequest::of_records(state, operation, job.object, records);
    state.restrict(&mut request, author.viewer())?;
    Ok(request)
}

fn refuse_all(rows: usize, error: &CallError) -> Vec<RecordResult> {
    let refuse = || RecordResult {
        kind: WriteKind::Update,
        outcome: Err(RecordError {
            status_code: error.error_code.clone(),
            message: error.message.clone(),
            fields: Vec::new(),
        }),
    };
    (0..rows).map(|_| refuse()).collect()
}

fn operation(state: &OrgState, job: &Job) -> Result<Operation, CallError> {
    Ok(match (job.operation, &job.external_id_field) {
        (JobOperation::Insert, _) => Operation::Create,
        (JobOperation::Upsert, Some(name)) => Operation::Upsert {
            object: job.object,
            key: UpsertKey::find(state, job.object, name)?,
            update_only: false,
        },
        (JobOperation::Update | JobOperation::Upsert | JobOperation::Delete, _) => Operation::Update,
    })
}

fn seconds(seconds: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(seconds))
}
