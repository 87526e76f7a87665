//! Violations as messages and as error statuses.

use contracts::{config::v1 as pb, status::DOMAIN};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    check::Refusal,
    evaluate::{Place, Violation},
};

pub(crate) fn violation_out(violation: &Violation) -> pb::PolicyViolation {
    let (segment, segment_display_name) = match &violation.place {
        Place::Mappings => (String::new(), String::new()),
        Place::Segment {
            segment,
            display_name,
            ..
        } => (segment.clone(), display_name.clone()),
    };
    pb::PolicyViolation {
        destination: violation.destination.to_string(),
        policy: violation.policy.to_string(),
        policy_display_name: violation.policy_display_name.clone(),
        marketing_action: violation
            .marketing_action
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        labels: violation.labels.iter().map(ToString::to_string).collect(),
        segment,
        segment_display_name,
        fields: violation
            .fields
            .iter()
            .map(|field| pb::ViolatingField {
                field: field.path.clone(),
                labels: field.labels.iter().map(ToString::to_string).collect(),
                labelled_fields: field.labelled.iter().cloned().collect(),
            })
            .collect(),
        message: violation.message(),
        resolutions: violation.resolutions(),
    }
}

/// Returns `FAILED_PRECONDITION` with everything that is in the way. Of a
/// policy violation the subject is the policy, and the whole of it is in a
/// `PolicyViolations`.
pub(crate) fn violations_status(refusals: &[Refusal]) -> Status {
    let reason = refusals.first().map_or("", |refusal| refusal.reason);
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, []);
    let mut sentences = Vec::new();
    for refusal in refusals {
        let problem = &refusal.problem;
        let subject = match &refusal.violation {
            Some(violation) => violation.policy.to_string(),
            None => problem.field.clone(),
        };
        details.add_bad_request_violation(problem.field.clone(), problem.problem.clone());
        details.add_precondition_failure_violation(refusal.reason, subject, problem.problem.clone());
        sentences.push(problem.to_string());
    }
    let status = Status::with_error_details(Code::FailedPrecondition, sentences.join("; "), details);
    let violations: Vec<pb::PolicyViolation> = refusals
        .iter()
        .filter_map(|refusal| refusal.violation.as_ref())
        .map(violation_out)
        .collect();
    if violations.is_empty() {
        return status;
    }
    with_detail(&status, &pb::PolicyViolations { violations })
}

/// Adds a detail of our own to those that every error has.
fn with_detail(status: &Status, violations: &pb::PolicyViolations) -> Status {
    let Ok(mut whole) = tonic_types::pb::Status::decode(status.details()) else {
        return status.clone();
    };
    whole.details.push(prost_types::Any {
        type_url: "type.googleapis.com/sluice.config.v1.PolicyViolations".to_owned(),
        value: violations.encode_to_vec(),
    });
    Status::with_details(status.code(), status.message(), whole.encode_to_vec().into())
}
