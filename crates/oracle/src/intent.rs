//! What one update asks of each record it names, before Salesforce is asked.

use serde_json::Value;

use crate::{
    Destination,
    document::{Document, Membership},
    time,
};

/// Most characters of the text fields that have a limit here.
/// Source: Salesforce Object Reference, Contact and Lead.
const MAX_CHARACTERS: [(&str, usize); 4] = [
    ("LastName", 80),
    ("FirstName", 40),
    ("Company", 255),
    ("Email", 80),
];

/// The order of values of one field: the larger one stays. The order of the fields is the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// Of a segment, its last qualification time; of everything else, the event time.
    pub(crate) qualified_at: i64,
    pub(crate) event_at: i64,
    /// The update's index in arrival order.
    pub(crate) arrival: usize,
}

/// One value for one Salesforce field; null blanks the field.
pub(crate) struct Write<'a> {
    pub(crate) field: &'a str,
    pub(crate) value: Value,
    pub(crate) version: Version,
}

/// What an update asks of each record it names.
pub(crate) enum Intent<'a> {
    /// These fields are written, and the identity is delivered unless Salesforce refuses.
    Deliver(Vec<Write<'a>>),
    /// The identity is excluded for this reason; these fields are written all the same.
    Exclude(&'static str, Vec<Write<'a>>),
    /// Nothing is written; the identity failed with this code.
    Fail(&'static str),
}

/// Returns what an update asks for. Its checks are in the order of the rules.
pub(crate) fn intent<'a>(
    destination: &'a Destination,
    document: Document<'_>,
    accepted_at: i64,
    arrival: usize,
) -> Intent<'a> {
    let event_at = time::clamped(document.event_time().unwrap_or(accepted_at), accepted_at);
    let unqualified = Version {
        qualified_at: event_at,
        event_at,
        arrival,
    };

    if document.is_consent_withdrawn() {
        let mut exits = Vec::new();
        for (_, field) in &destination.segments {
            exits.push(Write {
                field,
                value: Value::from("exited"),
                version: unqualified,
            });
        }
        return Intent::Exclude("CONSENT", exits);
    }
    if document.is_deleted() {
        return Intent::Exclude("PROFILE_DELETED", Vec::new());
    }

    let mut attributes = Vec::new();
    for (path, field) in &destination.attributes {
        if let Some(value) = document.attribute(path) {
            attributes.push(Write {
                field,
                value: value.clone(),
                version: unqualified,
            });
        }
    }
    let mut statuses = Vec::new();
    for (segment_id, field) in &destination.segments {
        if let Some((status, version)) = newest_status(document, segment_id, unqualified, accepted_at) {
            statuses.push(Write {
                field,
                value: Value::from(status),
                version,
            });
        }
    }

    if attributes.is_empty() && statuses.is_empty() {
        return Intent::Exclude("NOTHING_MAPPED", Vec::new());
    }
    // The first value that its field cannot hold decides, in the order of the mappings.
    for write in &attributes {
        if write.value.is_array() || write.value.is_object() {
            return Intent::Fail("UNSUPPORTED_VALUE");
        }
        if is_too_long(write.field, &write.value) {
            return Intent::Fail("STRING_TOO_LONG");
        }
    }
    if lacks_required_value(destination, document) {
        statuses.retain(|write| write.value == "exited");
        return if statuses.is_empty() {
            Intent::Exclude("MISSING_REQUIRED_VALUE", Vec::new())
        } else {
            Intent::Deliver(statuses)
        };
    }
    attributes.append(&mut statuses);
    Intent::Deliver(attributes)
}

/// Returns a segment's status and its version. Of several namespaces the newest counts; of equals, the last.
fn newest_status<'a>(
    document: Document<'a>,
    segment_id: &str,
    unqualified: Version,
    accepted_at: i64,
) -> Option<(&'a str, Version)> {
    let mut newest: Option<(&str, Version)> = None;
    for membership in document.memberships(segment_id) {
        let qualified_at = match membership.qualified_at {
            Some(time) => time::clamped(time, accepted_at),
            None => unqualified.event_at,
        };
        let version = Version {
            qualified_at,
            ..unqualified
        };
        if newest.is_none_or(|(_, so_far)| version >= so_far) {
            newest = Some((written_status(&membership, accepted_at), version));
        }
    }
    newest
}

fn written_status<'a>(membership: &Membership<'a>, accepted_at: i64) -> &'a str {
    match membership.valid_until {
        Some(valid_until) if valid_until < accepted_at => "exited",
        _ => membership.status,
    }
}

fn lacks_required_value(destination: &Destination, document: Document<'_>) -> bool {
    destination.attributes.iter().any(|(path, field)| {
        let is_required = field == "LastName" || (field == "Company" && destination.object == "Lead");
        is_required && document.attribute(path).is_none_or(is_blank)
    })
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn is_too_long(field: &str, value: &Value) -> bool {
    let limit = MAX_CHARACTERS.iter().find(|(limited, _)| *limited == field);
    match (limit, value) {
        (Some((_, most)), Value::String(text)) => text.chars().count() > *most,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(!is_too_long("LastName", &Value::from("é".repeat(80))));
        assert!(is_too_long("LastName", &Value::from("é".repeat(81))));
        assert!(!is_too_long("FirstName", &Value::from("a".repeat(40))));
        assert!(is_too_long("FirstName", &Value::from("a".repeat(41))));
        assert!(!is_too_long("Company", &Value::from("a".repeat(255))));
        assert!(is_too_long("Company", &Value::from("a".repeat(256))));
        assert!(!is_too_long("Email", &Value::from("a".repeat(80))));
        assert!(is_too_long("Email", &Value::from("a".repeat(81))));
        assert!(!is_too_long("Description", &Value::from("a".repeat(5_000))));
    }
}
