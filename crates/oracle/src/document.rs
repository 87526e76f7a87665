//! Reading one update's document.
//!
//! What has the wrong JSON type is read as absent, and so is a time that cannot be parsed.

use serde_json::Value;

use crate::time;

/// The parts of a document that are not attributes.
const RESERVED: [&str; 3] = ["identityMap", "segmentMembership", "_sluice"];

/// One update's JSON document.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a>(pub(crate) &'a Value);

/// What a document says about one segment.
pub(crate) struct Membership<'a> {
    pub(crate) status: &'a str,
    pub(crate) qualified_at: Option<i64>,
    pub(crate) valid_until: Option<i64>,
}

impl<'a> Document<'a> {
    /// Returns the ids of one namespace, in the document's order, repeated where the document repeats them.
    pub(crate) fn ids(self, namespace: &str) -> Vec<&'a str> {
        let Some(identities) = self.child("identityMap", namespace).and_then(Value::as_array) else {
            return Vec::new();
        };
        identities
            .iter()
            .filter_map(|identity| identity.get("id")?.as_str())
            .collect()
    }

    /// Returns what each namespace says about a segment, in the document's order.
    pub(crate) fn memberships(self, segment_id: &str) -> Vec<Membership<'a>> {
        let membership = |entry: &'a Value| Membership {
            status: entry.get("status").and_then(Value::as_str).unwrap_or("realized"),
            qualified_at: entry.get("lastQualificationTime").and_then(instant),
            valid_until: entry.get("validUntil").and_then(instant),
        };
        self.membership_entries(segment_id).map(membership).collect()
    }

    /// Returns whether some namespace says anything about a segment.
    pub(crate) fn names_segment(self, segment_id: &str) -> bool {
        self.membership_entries(segment_id).next().is_some()
    }

    fn membership_entries(self, segment_id: &str) -> impl Iterator<Item = &'a Value> {
        let namespaces = self.0.get("segmentMembership").and_then(Value::as_object);
        let entries = namespaces.into_iter().flat_map(|namespaces| namespaces.values());
        entries
            .filter_map(move |segments| segments.get(segment_id))
            .filter(|entry| entry.is_object())
    }

    /// Returns the value at a dotted path. An explicit null is `Some(Null)`; below a null or a scalar nothing is.
    pub(crate) fn attribute(self, path: &str) -> Option<&'a Value> {
        let mut value = self.0;
        for (depth, key) in path.split('.').enumerate() {
            if depth == 0 && RESERVED.contains(&key) {
                return None;
            }
            value = value.as_object()?.get(key)?;
        }
        Some(value)
    }

    pub(crate) fn event_time(self) -> Option<i64> {
        self.child("_sluice", "eventTime").and_then(instant)
    }

    pub(crate) fn is_consent_withdrawn(self) -> bool {
        self.child("_sluice", "consent").and_then(Value::as_str) == Some("withdrawn")
    }

    pub(crate) fn is_deleted(self) -> bool {
        self.child("_sluice", "deleted") == Some(&Value::Bool(true))
    }

    fn child(self, parent: &str, key: &str) -> Option<&'a Value> {
        self.0.get(parent)?.get(key)
    }
}

fn instant(value: &Value) -> Option<i64> {
    value.as_str().and_then(time::parse)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attribute_is_addressed_by_its_dotted_path() {
        let document = json!({"person": {"name": {"lastName": "Rossi", "title": null}}, "tags": ["a"]});
        let document = Document(&document);

        assert_eq!(document.attribute("person.name.lastName"), Some(&json!("Rossi")));
        assert_eq!(document.attribute("person.name.title"), Some(&Value::Null));
        assert_eq!(document.attribute("person.name.firstName"), None);
        assert_eq!(document.attribute("person.name.title.short"), None);
        assert_eq!(document.attribute("tags.0"), None);
    }

    #[test]
    fn identities_memberships_and_directives_are_not_attributes() {
        let document = json!({"_sluice": {"updateId": "u1"}, "identityMap": {}, "segmentMembership": {}});

        assert_eq!(Document(&document).attribute("_sluice.updateId"), None);
        assert_eq!(Document(&document).attribute("identityMap"), None);
        assert_eq!(Document(&document).attribute("segmentMembership"), None);
    }

    #[test]
    fn a_document_that_is_no_object_says_nothing() {
        let document = json!("text");
        let document = Document(&document);

        assert!(document.ids("crmID").is_empty());
        assert!(document.memberships("vip").is_empty());
        assert_eq!(document.event_time(), None);
        assert!(!document.is_deleted() && !document.is_consent_withdrawn());
    }
}
