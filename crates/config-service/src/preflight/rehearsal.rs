//! A rehearsal: Salesforce judges records and saves none of them.

use activation::plan::Rules;
use contracts::config::v1 as pb;
use salesforce::{
    collections::{MAX_RECORDS_PER_CALL, Options, Record, RecordResult, WriteOutcome},
    describe::ObjectDescription,
};

use super::{
    bad_record::bad_record,
    planned_record::{PlannedRecord, operation},
    write::{error_of_call, errors_of},
};
use crate::{
    connections::Connection,
    org::{Orgs, Trouble},
};

/// Records of one call beside its bad one.
const RECORDS_PER_CALL: usize = MAX_RECORDS_PER_CALL - 1;

/// What Salesforce said.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// In the order of the records.
    pub records: Vec<pb::RehearsedRecord>,
    pub calls: i32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RehearsalError {
    Org(Trouble),
    /// There is no record that the org would certainly refuse.
    NothingToRefuse,
    /// The bad record was taken, or others in spite of it: something may have
    /// been saved. The keys of all records of the call.
    Saved(Vec<String>),
}

impl Orgs {
    /// Has records judged, in calls that save all or none and of which one
    /// record is refused whatever the org's rules.
    pub async fn rehearse(
        &self,
        connection: &Connection,
        rules: &Rules,
        object: &ObjectDescription,
        records: &[PlannedRecord],
    ) -> Result<Rehearsal, RehearsalError> {
        let mut rehearsal = Rehearsal {
            records: Vec::with_capacity(records.len()),
            calls: 0,
        };
        for batch in records.chunks(RECORDS_PER_CALL) {
            let keys: Vec<&str> = batch.iter().map(|record| record.key.as_str()).collect();
            let bad = bad_record(rules, object, &keys).ok_or(RehearsalError::NothingToRefuse)?;
            let to_send: Vec<Record> = batch
                .iter()
                .map(PlannedRecord::to_send)
                .chain(std::iter::once(bad))
                .collect();
            let options = Options {
                all_or_none: true,
                ..Options::default()
            };
            let outcome = self
                .write(
                    connection,
                    rules.record_type.object(),
                    &operation(rules),
                    to_send,
                    options,
                )
                .await
                .map_err(RehearsalError::Org)?;
            rehearsal.calls += 1;
            rehearsal.records.extend(judged(batch, rules, outcome)?);
        }
        Ok(rehearsal)
    }
}

/// Pairs records with their verdicts. The last result is the bad record's.
fn judged(
    batch: &[PlannedRecord],
    rules: &Rules,
    outcome: WriteOutcome,
) -> Result<Vec<pb::RehearsedRecord>, RehearsalError> {
    let results = match outcome {
        WriteOutcome::Answered(answered) => answered.value,
        WriteOutcome::NotSent(error) | WriteOutcome::InDoubt(error) => {
            let error = error_of_call(&error);
            let not_judged = |record| {
                told(
                    record,
                    rules,
                    pb::RehearsalVerdict::NotJudged,
                    vec![error.clone()],
                )
            };
            return Ok(batch.iter().map(not_judged).collect());
        }
    };
    let is_safe = matches!(results.last(), Some(RecordResult::Refused(_)))
        && !results
            .iter()
            .any(|result| matches!(result, RecordResult::Saved { .. }))
        && results.len() == batch.len() + 1;
    if !is_safe {
        return Err(RehearsalError::Saved(
            batch.iter().map(|record| record.key.clone()).collect(),
        ));
    }
    Ok(batch
        .iter()
        .zip(&results)
        .map(|(record, result)| match result {
            RecordResult::Refused(refusal) => {
                told(record, rules, pb::RehearsalVerdict::Refused, errors_of(refusal))
            }
            RecordResult::RolledBack | RecordResult::Saved { .. } => {
                told(record, rules, pb::RehearsalVerdict::Fine, Vec::new())
            }
        })
        .collect())
}

fn told(
    record: &PlannedRecord,
    rules: &Rules,
    verdict: pb::RehearsalVerdict,
    errors: Vec<pb::SampleRefusal>,
) -> pb::RehearsedRecord {
    pb::RehearsedRecord {
        samples: record
            .samples
            .iter()
            .filter_map(|sample| i32::try_from(*sample).ok())
            .collect(),
        record: Some(record.told(rules)),
        verdict: verdict.into(),
        errors,
    }
}
