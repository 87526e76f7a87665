//! What is taken, and probably not meant.

use activation::destination::{Activation, FieldTarget, SegmentActivation};
use contracts::config::v1 as pb;

use crate::destinations::Destination;

/// More mapped attributes than this are warned of. Source: the platform's
/// guardrails (requirements.md, row 77).
const MANY_ATTRIBUTES: usize = 50;
/// More segments than this are warned of. Source: the same, row 76.
const MANY_SEGMENTS: usize = 250;

pub(crate) fn of_field_mappings(activation: &Activation) -> Vec<pb::Warning> {
    let mapped = activation
        .field_mappings
        .iter()
        .filter(|row| matches!(row.target, FieldTarget::Field(_)))
        .count();
    let warning = (mapped > MANY_ATTRIBUTES).then(|| pb::Warning {
        code: "MANY_ATTRIBUTES".to_owned(),
        field: "field_mappings".to_owned(),
        message: format!(
            "{mapped} fields are mapped; above {MANY_ATTRIBUTES} every update and every call to Salesforce gets \
             large. Leave out what nobody reads there"
        ),
    });
    warning.into_iter().collect()
}

pub(crate) fn of_segments(activation: &Activation) -> Vec<pb::Warning> {
    let active = activation.segments.len();
    let warning = (active > MANY_SEGMENTS).then(|| pb::Warning {
        code: "MANY_SEGMENTS".to_owned(),
        field: "segments".to_owned(),
        message: format!(
            "{active} segments are active; above {MANY_SEGMENTS} their custom fields may be more than the org's \
             edition allows. Remove those that nobody uses there"
        ),
    });
    warning.into_iter().collect()
}

/// Warns of those among added segments that the control plane does not know
/// (requirements.md, row 12).
pub(crate) fn of_added_segments<'a>(
    destination: &Destination,
    added: impl IntoIterator<Item = &'a SegmentActivation>,
) -> Option<pb::Warning> {
    const SHOWN: usize = 5;
    let unknown: Vec<&str> = added
        .into_iter()
        .filter(|segment| !destination.standing.registered.contains_key(&segment.segment))
        .map(SegmentActivation::label)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let more = if unknown.len() > SHOWN { " and more" } else { "" };
    Some(pb::Warning {
        code: "SEGMENTS_NOT_YET_REGISTERED".to_owned(),
        field: "segments".to_owned(),
        message: format!(
            "{}{more}: not registered in {}, so that nothing tells whether the ids are right. The control plane \
             registers segments (PutSegments), people by sluice segments register",
            unknown[..unknown.len().min(SHOWN)].join(", "),
            destination.name.workspace(),
        ),
    })
}
