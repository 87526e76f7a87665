//! Whether a destination may have the segments that it has.

use std::collections::{BTreeMap, BTreeSet};

use activation::InvalidField;

use super::{RegisteredSegment, SegmentNamespaces, SegmentSettings, namespace_or_default};
use crate::destinations::Destination;

const NOT_REGISTERED: &str = "SEGMENT_NOT_REGISTERED";
const NAMESPACE_NOT_ALLOWED: &str = "SEGMENT_NAMESPACE_NOT_ALLOWED";

/// Lists segments that the workspace or the destination does not want, each
/// with a stable word for why. What was there `before` stays, unless the
/// destination's own rule about namespaces is changed; where something goes
/// live, only what was live before stays.
pub(crate) fn problems(
    settings: &SegmentSettings,
    registered: &BTreeMap<String, RegisteredSegment>,
    before: Option<&Destination>,
    after: &Destination,
) -> Vec<(&'static str, InvalidField)> {
    let goes_live = before.is_none_or(|before| before.live != after.live);
    let live = before.and_then(|before| before.live.as_ref());
    let edited = before.map(|before| &before.activation).filter(|_| !goes_live);
    let old: BTreeSet<&str> = live
        .into_iter()
        .chain(edited)
        .flat_map(|activation| &activation.segments)
        .map(|segment| segment.segment.as_str())
        .collect();
    let is_old = |segment: &str| old.contains(segment);
    let own_rule_changed = before.is_none_or(|before| before.segment_namespaces != after.segment_namespaces);
    let mut found = Vec::new();
    for (index, activated) in after.activation.segments.iter().enumerate() {
        let path = format!("segments[{index}].segment");
        let known = registered.get(&activated.segment);
        let label = known.map_or_else(|| activated.label(), |known| known.shown_name(activated));
        let namespace = known.map_or_else(|| namespace_or_default(""), |known| &known.namespace);
        let is_new = !is_old(&activated.segment);
        if is_new && known.is_none() && settings.refuses_unknown() {
            found.push((
                NOT_REGISTERED,
                InvalidField::new(
                    path.clone(),
                    format!(
                        "the segment {label} is not registered in {}; correct its id, register it (PutSegments), \
                         or set unknown_segments of the workspace's segmentSettings to ACCEPT",
                        after.name.workspace()
                    ),
                ),
            ));
        }
        let forbidden = |rule: &SegmentNamespaces| !rule.allows(namespace);
        let by = if is_new && forbidden(&settings.namespaces) {
            Some("the workspace's segmentSettings")
        } else if (is_new || own_rule_changed) && forbidden(&after.segment_namespaces) {
            Some("the destination's segment_namespaces")
        } else {
            None
        };
        if let Some(by) = by {
            found.push((
                NAMESPACE_NOT_ALLOWED,
                InvalidField::new(
                    path,
                    format!(
                        "the segment {label} is of the namespace {namespace}, which {by} do not allow; \
                         remove the segment, or allow its namespace there"
                    ),
                ),
            ));
        }
    }
    found
}
