//! The fields of a destination that governance and the segment registry own,
//! in and out.

use std::collections::BTreeSet;

use activation::{InvalidField, destination::SegmentActivation};
use contracts::config::v1 as pb;

use super::{Standing, violation_out, words::MarketingAction};
use crate::{destinations::Destination, segments::SegmentNamespaces};

/// Longest namespace, in characters.
pub(crate) const MAX_NAMESPACE_LENGTH: usize = 255;

/// Longest path of a field, in characters.
const MAX_PATH_LENGTH: usize = 512;

/// Takes the path of a field that labels know.
pub(crate) fn field_path_in(text: &str, field: &str) -> Result<String, InvalidField> {
    let is_part = |part: &str| !part.trim().is_empty() && !part.chars().any(char::is_control);
    if text.split('.').all(is_part) && text.chars().count() <= MAX_PATH_LENGTH {
        return Ok(text.to_owned());
    }
    Err(InvalidField::new(
        field,
        format!(
            "must be a dotted path of at most {MAX_PATH_LENGTH} characters, for example person.name.lastName, or \
             identityMap.crmID for an identity namespace"
        ),
    ))
}

/// Takes ids of marketing actions; order and repetition mean nothing.
pub(crate) fn marketing_actions_in(ids: &[String]) -> Result<Vec<MarketingAction>, Vec<InvalidField>> {
    let mut wrong = Vec::new();
    let mut actions = BTreeSet::new();
    for (index, id) in ids.iter().enumerate() {
        match id.parse() {
            Ok(action) => {
                actions.insert(action);
            }
            Err(InvalidField { problem, .. }) => wrong.push(InvalidField::new(
                format!("destination.marketing_actions[{index}]"),
                problem,
            )),
        }
    }
    if wrong.is_empty() {
        Ok(actions.into_iter().collect())
    } else {
        Err(wrong)
    }
}

/// Takes namespaces that are allowed or denied, never both.
pub(crate) fn segment_namespaces_in(
    message: Option<&pb::SegmentNamespaces>,
    field: &str,
) -> Result<SegmentNamespaces, Vec<InvalidField>> {
    let Some(message) = message else {
        return Ok(SegmentNamespaces::default());
    };
    let mut wrong = Vec::new();
    if !message.allowed.is_empty() && !message.denied.is_empty() {
        wrong.push(InvalidField::new(
            field,
            "has both allowed and denied; give one of them: allowed names all that may come, denied all that may not",
        ));
    }
    for (list, namespaces) in [("allowed", &message.allowed), ("denied", &message.denied)] {
        for (index, namespace) in namespaces.iter().enumerate() {
            if namespace.trim().is_empty() || namespace.chars().count() > MAX_NAMESPACE_LENGTH {
                wrong.push(InvalidField::new(
                    format!("{field}.{list}[{index}]"),
                    format!("must be a namespace of 1 to {MAX_NAMESPACE_LENGTH} characters, for example ups"),
                ));
            }
        }
    }
    if wrong.is_empty() {
        Ok(SegmentNamespaces {
            allowed: message.allowed.clone(),
            denied: message.denied.clone(),
        })
    } else {
        Err(wrong)
    }
}

/// Writes the namespaces; nothing where any may come.
pub(crate) fn segment_namespaces_out(namespaces: &SegmentNamespaces) -> Option<pb::SegmentNamespaces> {
    (*namespaces != SegmentNamespaces::default()).then(|| pb::SegmentNamespaces {
        allowed: namespaces.allowed.clone(),
        denied: namespaces.denied.clone(),
    })
}

/// Writes segments of a destination, with what is registered of them.
pub(crate) fn segments_out(
    segments: &[SegmentActivation],
    standing: &Standing,
) -> Vec<pb::SegmentActivation> {
    segments
        .iter()
        .map(|segment| {
            let registered = standing.registered.get(&segment.segment);
            let registration = match registered {
                Some(_) => pb::SegmentRegistration::Registered,
                None => pb::SegmentRegistration::NotYetRegistered,
            };
            pb::SegmentActivation {
                registration: registration.into(),
                registered_name: registered.cloned().unwrap_or_default(),
                ..segment.into()
            }
        })
        .collect()
}

/// Writes what governance says of a destination into its message.
pub(crate) fn add_governance(message: &mut pb::Destination, destination: &Destination) {
    message.segments = segments_out(&destination.activation.segments, &destination.standing);
    add_use(message, destination);
    message.policy_violations = destination
        .standing
        .violations
        .iter()
        .map(violation_out)
        .collect();
}

/// Writes what a destination is used for, and whose segments it takes, into its
/// message.
pub(crate) fn add_use(message: &mut pb::Destination, destination: &Destination) {
    message.marketing_actions = destination
        .marketing_actions
        .iter()
        .map(ToString::to_string)
        .collect();
    message.segment_namespaces = segment_namespaces_out(&destination.segment_namespaces);
}
