//! Writing rows of a job by the rules of collections.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use csv::StringRecord;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::job::{Job, JobOperation};
use super::run::RowResult;
use crate::ids::RecordId;
use crate::org::{Org, OrgState, RecordFault, User, WriteKind};
use crate::refusal::{CallError, RecordError};
use crate::setup::Viewer;
use crate::write::{self, Assignment, Author, Operation, RecordResult, Touched, UpsertKey, WriteRequest};

/// Rows that are about to be written.
#[derive(Debug)]
pub(super) struct BegunRows {
    /// An error fails every row: a field was hidden or deleted while the job ran.
    request: Result<WriteRequest, CallError>,
    creator: Arc<User>,
    user_id: RecordId,
    now: DateTime<Utc>,
    /// The ids in the rows.
    named: Vec<Option<RecordId>>,
}

impl BegunRows {
    pub(super) fn begin(
        state: &OrgState,
        job: &Job,
        columns: &Columns,
        rows: &[StringRecord],
        now: DateTime<Utc>,
    ) -> Self {
        let records = rows.iter().map(|row| columns.record(row)).collect();
        let mut begun = Self {
            request: request(state, job, records),
            creator: Arc::clone(&job.creator),
            user_id: job.created_by,
            now,
            named: rows.iter().map(|row| columns.id(row)).collect(),
        };
        let restricted = match &mut begun.request {
            Ok(request) => state.restrict(
                request,
                Viewer {
                    user_id: job.created_by,
                    now,
                },
            ),
            Err(_) => Ok(()),
        };
        if let Err(error) = restricted {
            begun.request = Err(error);
        }
        begun
    }

    /// Tells whether some call holds a record to be written, or its parent.
    pub(super) fn are_held(&self, org: &Org, state: &OrgState) -> bool {
        let Ok(request) = &self.request else {
            return false;
        };
        let rows = Touched::by(state, request).all_rows();
        org.row_locks.ask(rows).has_to_wait()
    }

    /// Marks the records that calls still hold as refused, and returns how many these are.
    pub(super) fn refuse_held(&mut self, org: &Org, state: &OrgState) -> u64 {
        let mut refused = 0;
        let Ok(request) = &mut self.request else {
            return refused;
        };
        let rows = Touched::by(state, request).rows;
        for (record, rows) in request.records.iter_mut().zip(rows) {
            let held = rows
                .into_iter()
                .flatten()
                .filter(|row| org.row_locks.ask(vec![*row]).has_to_wait())
                .min();
            if let (Some(row), None) = (held, &record.refused) {
                record.refused = Some(write::unlockable(row));
                refused += 1;
            }
        }
        refused
    }

    /// Writes the rows. Returns one result for each, in the same order.
    pub(super) fn write(self, state: &mut OrgState, fault: Option<&RecordFault>) -> Vec<RowResult> {
        let author = Author::new(self.user_id, &self.creator.permissions, self.now);
        let results = match &self.request {
            Ok(request) => write::apply(state, request, fault, &author),
            Err(error) => refuse_all(self.named.len(), error),
        };
        results
            .into_iter()
            .zip(self.named)
            .map(|(result, named)| RowResult {
                is_created: result.outcome.is_ok() && result.kind == WriteKind::Create,
                outcome: result.outcome,
                named,
            })
            .collect()
    }
}

fn request(state: &OrgState, job: &Job, records: Vec<Map<String, Value>>) -> Result<WriteRequest, CallError> {
    let operation = match (job.operation, &job.external_id_field) {
        (JobOperation::Insert, _) => Operation::Create,
        (JobOperation::Upsert, Some(name)) => Operation::Upsert {
            object: job.object,
            key: UpsertKey::find(state, job.object, name)?,
            update_only: false,
        },
        (JobOperation::Delete, _) => Operation::Delete,
        (JobOperation::Update | JobOperation::Upsert, _) => Operation::Update,
    };
    let mut request = WriteRequest::of_records(state, operation, job.object, records);
    // Without a rule of its own a job assigns nobody (salesforce-contract.md §7).
    request.options.assignment = job.assignment_rule_id.map_or(Assignment::Off, Assignment::Rule);
    Ok(request)
}

fn refuse_all(rows: usize, error: &CallError) -> Vec<RecordResult> {
    let refuse = || RecordResult {
        kind: WriteKind::Update,
        meant: None,
        outcome: Err(RecordError {
            status_code: error.error_code.clone(),
            message: error.message.clone(),
            fields: Vec::new(),
            duplicates: None,
        }),
    };
    (0..rows).map(|_| refuse()).collect()
}
