//! A rehearsal: Salesforce judges records and saves none of them.

use activation::plan::Rules;
use contracts::config::v1 as pb;
use salesforce::{
    collections::{MAX_RECORDS_PER_CALL, Options, Record, RecordResult, WriteOutcome},
    describe::ObjectDescription,
};

use super::{
    bad_record::bad_record,
    planned_record::{PlannedRecord, operation, options},
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
    /// In the order of their samples.
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
        // Who is left alone is not created, and goes in a call that only updates.
        let (left_alone, others): (Vec<_>, Vec<_>) =
            records.iter().partition(|record| record.left_alone.is_some());
        for batch in [others, left_alone]
            .iter()
            .flat_map(|alike| alike.chunks(RECORDS_PER_CALL))
        {
            let keys: Vec<&str> = batch.iter().map(|record| record.key.as_str()).collect();
            let bad = bad_record(rules, object, &keys).ok_or(RehearsalError::NothingToRefuse)?;
            let to_send: Vec<Record> = batch
                .iter()
                .map(|record| record.to_send())
                .chain(std::iter::once(bad))
                .collect();
            let options = Options {
                all_or_none: true,
                ..options(rules)
            };
            let outcome = self
                .write(
                    connection,
                    rules.record_type.object(),
                    &operation(rules, batch.iter().find_map(|record| record.left_alone)),
                    to_send,
                    options,
                )
                .await
                .map_err(RehearsalError::Org)?;
            rehearsal.calls += 1;
            rehearsal.records.extend(judged(batch, rules, outcome)?);
        }
        rehearsal
            .records
            .sort_by_key(|record| record.samples.first().copied());
        Ok(rehearsal)
    }
}

/// Pairs records with their verdicts. The last result is the bad record's.
fn judged(
    batch: &[&PlannedRecord],
    rules: &Rules,
    outcome: WriteOutcome,
) -> Result<Vec<pb::RehearsedRecord>, RehearsalError> {
    let results = match outcome {
        WriteOutcome::Answered(answered) => answered.value,
        WriteOutcome::NotSent(error) | WriteOutcome::InDoubt(error) => {
            let error = error_of_call(&error);
            let not_judged = |record: &&PlannedRecord| {
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
                let errors = if refusal.is_not_found() {
                    vec![record.not_created(rules)]
                } else {
                    errors_of(refusal)
                };
                told(record, rules, pb::RehearsalVerdict::Refused, errors)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use activation::destination::{
        Activation, DeletedProfilePolicy, FieldMapping, FieldSource, FieldTarget, MappingOptions, RecordType,
        StatusValues, WriteMode,
    };
    use activation::org_shape::OrgShape;
    use salesforce::{collections::results, usage::Answered};

    use super::*;

    fn rules() -> Rules {
        let row = |source, target| FieldMapping {
            source,
            target,
            options: MappingOptions::default(),
        };
        let activation = Activation {
            record_type: RecordType::Contact,
            write_mode: WriteMode::UpdateById,
            field_mappings: vec![
                row(
                    FieldSource::IdentityNamespace("crmID".to_owned()),
                    FieldTarget::Identity("SalesforceId".to_owned()),
                ),
                row(
                    FieldSource::AttributePath("name".to_owned()),
                    FieldTarget::Field("LastName".parse().unwrap()),
                ),
            ],
            segments: Vec::new(),
            deleted_profile_policy: DeletedProfilePolicy::Leave,
            status_values: StatusValues::default(),
            max_delay: Duration::from_secs(60),
            creation_rules: Default::default(),
            duplicate_rule: Default::default(),
        };
        Rules::compile(&activation, &OrgShape::unknown(true)).unwrap()
    }

    /// Judges one record by what Salesforce answers for it and for the bad one.
    fn judge(sample: &str, bad: &str) -> Result<Vec<pb::RehearsedRecord>, RehearsalError> {
        let record = PlannedRecord {
            samples: vec![0],
            key: "0035g0000000001AAA".to_owned(),
            fields: Vec::new(),
            left_alone: None,
        };
        let body = format!("[{sample},{bad}]");
        let value = results(&operation(&rules(), None), body.as_bytes(), 2).unwrap();
        let outcome = WriteOutcome::Answered(Answered { value, usage: None });
        judged(&[&record], &rules(), outcome)
    }

    const SAVED: &str = r#"{"id": "003", "success": true, "errors": []}"#;
    const ROLLED_BACK: &str =
        r#"{"success": false, "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK"}]}"#;
    const REFUSED: &str = r#"{"success": false, "errors": [{"statusCode": "MALFORMED_ID"}]}"#;

    #[test]
    fn only_a_refused_bad_record_makes_a_verdict() {
        let verdict = |sample, bad| judge(sample, bad).map(|records| records[0].verdict());
        assert_eq!(verdict(ROLLED_BACK, REFUSED), Ok(pb::RehearsalVerdict::Fine));
        assert_eq!(verdict(REFUSED, REFUSED), Ok(pb::RehearsalVerdict::Refused));
        let alarm = || Err(RehearsalError::Saved(vec!["0035g0000000001AAA".to_owned()]));
        // Saved in spite of it, or only kept by luck: the next one would be saved.
        assert_eq!(verdict(SAVED, SAVED), alarm());
        assert_eq!(verdict(SAVED, REFUSED), alarm());
        assert_eq!(verdict(REFUSED, ROLLED_BACK), alarm());
        assert_eq!(verdict(ROLLED_BACK, SAVED), alarm());
    }
}
