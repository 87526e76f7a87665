//! Labels, policies and what breaks them, in and out.

use std::collections::BTreeSet;

use activation::InvalidField;
use contracts::{config::v1 as pb, convert::time::time_out};

use crate::governance::{
    Label, Policy, PolicyKind,
    effects::{Affected, Response},
    violation_out,
};

const MAX_NAME_LENGTH: usize = 255;
const MAX_DESCRIPTION_LENGTH: usize = 4_096;

pub(crate) fn response_in(value: i32) -> Result<Response, InvalidField> {
    match pb::ViolationResponse::try_from(value) {
        Ok(pb::ViolationResponse::Unspecified | pb::ViolationResponse::Report) => Ok(Response::Report),
        Ok(pb::ViolationResponse::Disable) => Ok(Response::Disable),
        Ok(pb::ViolationResponse::Refuse) => Ok(Response::Refuse),
        Err(_) => Err(InvalidField::new(
            "violation_response",
            "must be REPORT, DISABLE or REFUSE",
        )),
    }
}

pub(crate) fn affected_out(affected: &Affected) -> pb::AffectedDestination {
    pb::AffectedDestination {
        destination: affected.destination.name.to_string(),
        violations: affected.violations.iter().map(violation_out).collect(),
        disabled: affected.disabled,
    }
}

pub(super) fn display_name_in(text: &str, field: &str) -> Result<String, InvalidField> {
    if text.trim().is_empty() {
        return Err(InvalidField::new(field, "is required: a name for people"));
    }
    if text.chars().count() > MAX_NAME_LENGTH {
        return Err(InvalidField::new(
            field,
            format!("must be at most {MAX_NAME_LENGTH} characters"),
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn description_in(text: &str, field: &str) -> Result<String, InvalidField> {
    if text.chars().count() > MAX_DESCRIPTION_LENGTH {
        return Err(InvalidField::new(
            field,
            format!("must be at most {MAX_DESCRIPTION_LENGTH} characters"),
        ));
    }
    Ok(text.to_owned())
}

/// Takes ids of labels, and notes each that is none.
pub(super) fn labels_in(ids: &[String], field: &str, wrong: &mut Vec<InvalidField>) -> BTreeSet<Label> {
    let mut labels = BTreeSet::new();
    for (index, id) in ids.iter().enumerate() {
        match id.parse() {
            Ok(label) => {
                labels.insert(label);
            }
            Err(InvalidField { problem, .. }) => {
                wrong.push(InvalidField::new(format!("{field}[{index}]"), problem));
            }
        }
    }
    labels
}

pub(super) fn policy_out(policy: &Policy) -> pb::Policy {
    let kind = match policy.kind {
        PolicyKind::Custom => pb::PolicyKind::Custom,
        PolicyKind::Core => pb::PolicyKind::Core,
        PolicyKind::Always => pb::PolicyKind::Always,
    };
    pb::Policy {
        name: policy.name.to_string(),
        display_name: policy.display_name.clone(),
        description: policy.description.clone(),
        marketing_action: policy
            .marketing_action
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        labels: policy.labels.iter().map(ToString::to_string).collect(),
        enabled: policy.enabled,
        kind: kind.into(),
        update_time: policy.update_time.map(time_out),
        etag: policy.version.to_string(),
    }
}
