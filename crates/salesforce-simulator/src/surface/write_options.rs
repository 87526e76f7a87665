//! The headers of a write. Source: salesforce-contract.md §2.7.

use axum::http::HeaderName;

use super::ApiRequest;
use crate::ids::RecordId;
use crate::org::{ASSIGNMENT_RULE_PREFIX, OrgState};
use crate::refusal::CallError;
use crate::write::{Assignment, DuplicateOptions, WriteOptions};

const AUTO_ASSIGN: HeaderName = HeaderName::from_static("sforce-auto-assign");
const DUPLICATE_RULE: HeaderName = HeaderName::from_static("sforce-duplicate-rule-header");

/// The first API version that reads the duplicate rule header. Source: salesforce-contract.md §2.7.
const DUPLICATE_RULE_VERSION: u32 = 52;

/// Reads the headers of a write.
///
/// # Errors
/// 400 for an assignment rule that the org has not.
pub(super) fn read(state: &OrgState, request: &ApiRequest) -> Result<WriteOptions, CallError> {
    let assignment = match request.header(AUTO_ASSIGN) {
        Some(value) => assignment(state, value.trim())?,
        None => Assignment::default(),
    };
    let duplicates = request
        .header(DUPLICATE_RULE)
        .filter(|_| request.route.version_number() >= DUPLICATE_RULE_VERSION)
        .map(duplicates)
        .unwrap_or_default();
    Ok(WriteOptions {
        assignment,
        duplicates,
    })
}

fn assignment(state: &OrgState, value: &str) -> Result<Assignment, CallError> {
    if value.eq_ignore_ascii_case("TRUE") {
        return Ok(Assignment::ActiveRule);
    }
    if value.eq_ignore_ascii_case("FALSE") {
        return Ok(Assignment::Off);
    }
    let id = RecordId::parse_of(ASSIGNMENT_RULE_PREFIX, value).ok_or_else(|| {
        CallError::bad_request(
            "MALFORMED_ID",
            format!("Assignment Rule ID: id value of incorrect type: {value}"),
        )
    })?;
    if state.rules.assignments.iter().any(|rule| rule.id == id) {
        Ok(Assignment::Rule(id))
    } else {
        Err(CallError::bad_request(
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
        ))
    }
}

fn duplicates(value: &str) -> DuplicateOptions {
    let says = |name: &str| {
        value.split([';', ',']).any(|item| {
            item.split_once('=').is_some_and(|(key, flag)| {
                key.trim().eq_ignore_ascii_case(name) && flag.trim().eq_ignore_ascii_case("true")
            })
        })
    };
    DuplicateOptions {
        allow_save: says("allowSave"),
        include_record_details: says("includeRecordDetails"),
        run_as_current_user: says("runAsCurrentUser"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duplicate_header_is_read_in_any_case_and_spacing() {
        let read = duplicates("AllowSave = TRUE; includeRecordDetails=false,runAsCurrentUser=true");
        assert!(read.allow_save);
        assert!(!read.include_record_details);
        assert!(read.run_as_current_user);
    }
}
