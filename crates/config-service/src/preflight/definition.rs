//! What is wrong with a destination by itself: the org need not be asked.

use activation::destination::Activation;

use super::finding::{Finding, Severity};
use crate::{
    destinations::{ClaimedField, claimed_by_others},
    warnings,
};

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
    let warnings = warnings::of_segments(activation)
        .into_iter()
        .chain(warnings::of_field_mappings(activation));
    found.extend(warnings.map(|warning| {
        let (message, fix) = match warning.message.split_once(". ") {
            Some((message, fix)) => (message.to_owned(), fix.to_owned()),
            None => (warning.message, String::new()),
        };
        Finding::new(Severity::Warning, &warning.code, warning.field, message, fix)
    }));
    found
}
