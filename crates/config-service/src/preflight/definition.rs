//! What is wrong with a destination by itself: the org need not be asked.

use activation::destination::{Activation, FieldTarget};

use super::finding::{Finding, Severity};
use crate::destinations::{ClaimedField, claimed_by_others};

/// More mapped attributes than this are warned of. The platform's own number
/// (requirements.md, row 76).
pub(super) const MANY_ATTRIBUTES: usize = 50;
/// More segments than this are warned of. The platform's own number
/// (requirements.md, row 26).
pub(super) const MANY_SEGMENTS: usize = 250;

/// Lists what a destination lacks or contradicts by itself.
pub(super) fn findings(
    activation: &Activation,
    claimed: &[ClaimedField],
    max_segments: usize,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = activation
        .conflicts()
        .into_iter()
        .map(|problem| Finding::error_of("CONFLICT", problem))
        .collect();
    found.extend(
        activation
            .gaps()
            .into_iter()
            .map(|problem| Finding::error_of("NOT_FINISHED", problem)),
    );
    found.extend(
        claimed_by_others(activation, claimed)
            .into_iter()
            .map(|problem| Finding::error_of("FIELD_CLAIMED", problem)),
    );
    let segments = activation.segments.len();
    if segments > max_segments {
        found.push(Finding::new(
            Severity::Error,
            "TOO_MANY_SEGMENTS",
            "segments",
            format!("{segments} segments are active and {max_segments} may be"),
            "Remove some, or raise config.max_segments_per_destination",
        ));
    }
    if segments > MANY_SEGMENTS {
        found.push(Finding::new(
            Severity::Warning,
            "MANY_SEGMENTS",
            "segments",
            format!("{segments} segments are active; above {MANY_SEGMENTS} the platform gets slow"),
            "Keep those that somebody uses in Salesforce",
        ));
    }
    let attributes = activation
        .field_mappings
        .iter()
        .filter(|row| matches!(row.target, FieldTarget::Field(_)))
        .count();
    if attributes > MANY_ATTRIBUTES {
        found.push(Finding::new(
            Severity::Warning,
            "MANY_ATTRIBUTES",
            "field_mappings",
            format!("{attributes} attributes are mapped; above {MANY_ATTRIBUTES} the platform gets slow"),
            "Map those that somebody uses in Salesforce",
        ));
    }
    found
}
