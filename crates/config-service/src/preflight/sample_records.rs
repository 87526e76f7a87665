//! Whether the user sees and may edit records that an admin named.

use activation::{InvalidField, destination::RecordType, record_id::RecordId};
use salesforce::record_access::{MAX_RECORDS_PER_QUESTION, RecordAccess};

use super::finding::{Finding, Severity};

/// Reads the ids of a request.
pub(super) fn parse(ids: &[String]) -> Result<Vec<RecordId>, Vec<InvalidField>> {
    if ids.len() > MAX_RECORDS_PER_QUESTION {
        return Err(vec![InvalidField::new(
            "sample_record_ids",
            format!(
                "{} ids; at most {MAX_RECORDS_PER_QUESTION} can be looked up at once",
                ids.len()
            ),
        )]);
    }
    let mut wrong = Vec::new();
    let mut read = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        match id.parse::<RecordId>() {
            Ok(id) => read.push(id),
            Err(invalid) => wrong.push(InvalidField::new(
                format!("sample_record_ids[{index}]"),
                invalid.problem,
            )),
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

/// Says what delivery could not do with each of the records.
pub(super) fn findings(record_type: RecordType, ids: &[RecordId], access: &[RecordAccess]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let of_record = access.iter().find(|access| {
            access
                .record_id
                .parse::<RecordId>()
                .is_ok_and(|other| other == *id)
        });
        let (code, message, fix) = if id.key_prefix() != record_type.key_prefix() {
            (
                "SAMPLE_OF_OTHER_KIND",
                format!(
                    "Record {id} is no {record_type}: its id does not begin with {}",
                    record_type.key_prefix()
                ),
                "Such ids are excluded as OTHER_RECORD_KIND; send them to a destination of their kind",
            )
        } else if !of_record.is_some_and(|access| access.has_read_access) {
            (
                "SAMPLE_NOT_VISIBLE",
                format!("Record {id} does not exist, or the user does not see it"),
                "Share such records with the user (owner, sharing rule, or View All), or correct the id",
            )
        } else if !of_record.is_some_and(|access| access.has_edit_access) {
            (
                "SAMPLE_NOT_EDITABLE",
                format!("Record {id} is seen by the user, who may not edit it"),
                "Share such records for editing (sharing rule or Modify All), or wait for the end of their approval",
            )
        } else {
            continue;
        };
        found.push(Finding::new(
            Severity::Warning,
            code,
            format!("sample_record_ids[{index}]"),
            message,
            fix,
        ));
    }
    found
}
