//! Error statuses, each with details. Clients retry `UNAVAILABLE`, and what has
//! a `RetryInfo`, nothing else.

use std::time::Duration;

use activation::InvalidField;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every `ErrorInfo` of Sluice.
pub const DOMAIN: &str = "sluice";

/// Returns `INVALID_ARGUMENT` with a `BadRequest` that names every field at
/// fault; the message names them too, for clients that show nothing else.
pub fn invalid_argument(invalid: &[InvalidField]) -> Status {
    let mut details = ErrorDetails::with_error_info("INVALID_FIELD", DOMAIN, []);
    for one in invalid {
        details.add_bad_request_violation(one.field.clone(), one.problem.clone());
    }
    Status::with_error_details(Code::InvalidArgument, sentence(invalid), details)
}

/// Returns `INVALID_ARGUMENT` for one field.
pub fn invalid_field(invalid: InvalidField) -> Status {
    invalid_argument(&[invalid])
}

/// Returns `FAILED_PRECONDITION` with a `PreconditionFailure` and a `BadRequest`
/// that name everything that must be mended first.
pub fn not_ready(reason: &str, invalid: &[InvalidField]) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, []);
    for one in invalid {
        details.add_bad_request_violation(one.field.clone(), one.problem.clone());
        details.add_precondition_failure_violation(reason, one.field.clone(), one.problem.clone());
    }
    Status::with_error_details(Code::FailedPrecondition, sentence(invalid), details)
}

/// Returns a status with an `ErrorInfo`. `reason` is a stable word for machines.
pub fn status(code: Code, reason: &str, message: impl Into<String>) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, []))
}

/// Returns a status that asks the client to come back after a while.
pub fn retry_later(code: Code, reason: &str, message: impl Into<String>, after: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, []);
    details.set_retry_info(Some(after));
    Status::with_error_details(code, message, details)
}

/// Returns the reason that a status of ours carries; empty for a foreign one.
pub fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

fn sentence(invalid: &[InvalidField]) -> String {
    invalid
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_at_fault_is_in_the_details_and_the_message() {
        let status = invalid_argument(&[
            InvalidField::new("a", "is wrong"),
            InvalidField::new("b", "is missing"),
        ]);
        assert_eq!(status.message(), "a: is wrong; b: is missing");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[1].field, "b");
        assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELD");
    }
}
