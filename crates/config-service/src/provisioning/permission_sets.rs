//! The permission sets that open the fields of a destination. Each destination
//! has its own: deploying a permission set replaces what it granted before, so
//! one that several destinations shared would lose the fields of the others.

use activation::names::DestinationName;

/// Characters of a destination's id that a permission set's name shows.
const MAX_SHOWN: usize = 30;
/// Longest label, in characters.
/// Source: Salesforce Object Reference, "PermissionSet".
const MAX_LABEL: usize = 80;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PermissionSet {
    /// API name.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) description: String,
}

impl PermissionSet {
    pub(super) fn of_delivery(destination: &DestinationName) -> Self {
        Self {
            name: api_name("Sluice_delivery", destination),
            label: label("Sluice delivery", destination),
            description:
                "For the user that Sluice logs in as: reads and edits what it writes. API Enabled is \
                          not part of it."
                    .to_owned(),
        }
    }

    pub(super) fn of_people(destination: &DestinationName) -> Self {
        Self {
            name: api_name("Sluice_status_fields", destination),
            label: label("Sluice status fields (read)", destination),
            description: "For people: reads the segment statuses that Sluice writes.".to_owned(),
        }
    }
}

/// Letters, digits and single underscores, at most 80. The end tells workspaces
/// and long ids apart.
/// Source: Salesforce Object Reference, "PermissionSet", Name.
fn api_name(prefix: &str, destination: &DestinationName) -> String {
    let mut name = prefix.to_owned();
    let words = destination
        .id()
        .as_str()
        .split('-')
        .filter(|word| !word.is_empty());
    let shown: String = words
        .collect::<Vec<_>>()
        .join("_")
        .chars()
        .take(MAX_SHOWN)
        .collect();
    for part in [
        shown.trim_end_matches('_'),
        &format!("{:08x}", fingerprint(&destination.to_string())),
    ] {
        name.push('_');
        name.push_str(part);
    }
    name
}

fn label(prefix: &str, destination: &DestinationName) -> String {
    let label = format!("{prefix}: {}", destination.id());
    label.chars().take(MAX_LABEL).collect()
}

/// Source: FNV-1a, 32 bits.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(destination: &str) -> String {
        PermissionSet::of_delivery(&destination.parse().unwrap()).name
    }

    #[test]
    fn names_are_salesforces_and_differ_by_destination() {
        let long = format!("workspaces/acme/destinations/{}", "a-".repeat(31) + "a");
        let names = [
            "workspaces/acme/destinations/contacts",
            "workspaces/other/destinations/contacts",
            "workspaces/acme/destinations/a-b",
            "workspaces/acme/destinations/a--b",
            &long,
        ]
        .map(name);
        for (index, name) in names.iter().enumerate() {
            assert!(name.len() <= 80 && !name.contains("__"), "{name}");
            assert!(!names[..index].contains(name), "{name}");
        }
        assert!(names[0].starts_with("Sluice_delivery_contacts_"), "{}", names[0]);
        let people = PermissionSet::of_people(&long.parse().unwrap());
        assert!(people.label.len() <= 80 && people.name.len() <= 80);
    }
}
