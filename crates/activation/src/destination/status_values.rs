//! What is written for each segment status.

use serde::{Deserialize, Serialize};

use crate::{InvalidField, names::shown, profile::SegmentStatus};

/// Longest text for a status, in characters: what a Salesforce Text field or
/// picklist value can hold (salesforce-contract.md §6).
pub const MAX_STATUS_LENGTH: usize = 255;

/// The text for each status; the platform's own words by default. For a
/// checkbox field they must be `true` and `false`, which are written as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusValues {
    pub realized: String,
    pub existing: String,
    pub exited: String,
}

impl Default for StatusValues {
    fn default() -> Self {
        let own = |status: SegmentStatus| status.as_str().to_owned();
        Self {
            realized: own(SegmentStatus::Realized),
            existing: own(SegmentStatus::Existing),
            exited: own(SegmentStatus::Exited),
        }
    }
}

impl StatusValues {
    pub fn of(&self, status: SegmentStatus) -> &str {
        match status {
            SegmentStatus::Realized => &self.realized,
            SegmentStatus::Existing => &self.existing,
            SegmentStatus::Exited => &self.exited,
        }
    }

    pub fn all(&self) -> [(SegmentStatus, &str); 3] {
        [
            SegmentStatus::Realized,
            SegmentStatus::Existing,
            SegmentStatus::Exited,
        ]
        .map(|status| (status, self.of(status)))
    }

    /// Tells whether a checkbox can hold every status.
    pub fn fit_a_checkbox(&self) -> bool {
        self.all()
            .iter()
            .all(|(_, text)| matches!(*text, "true" | "false"))
    }

    /// Lists what is wrong with them, whatever the fields are.
    pub(super) fn conflicts(&self, found: &mut Vec<InvalidField>) {
        for (status, text) in self.all() {
            let path = format!("destination.status_values.{}", status.as_str());
            if text.trim().is_empty() {
                found.push(InvalidField::new(path, "must not be blank"));
            } else if text.chars().count() > MAX_STATUS_LENGTH {
                found.push(InvalidField::new(
                    path,
                    format!("must be at most {MAX_STATUS_LENGTH} characters"),
                ));
            }
        }
        // Salesforce compares picklist values and filters text in any case.
        let exited = self.exited.to_lowercase();
        for status in [SegmentStatus::Realized, SegmentStatus::Existing] {
            if self.of(status).to_lowercase() == exited {
                found.push(InvalidField::new(
                    format!("destination.status_values.{}", status.as_str()),
                    format!(
                        "'{}' is written for exited too; who left could not be told from who is in",
                        shown(self.of(status))
                    ),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(realized: &str, existing: &str, exited: &str) -> Vec<String> {
        let values = StatusValues {
            realized: realized.to_owned(),
            existing: existing.to_owned(),
            exited: exited.to_owned(),
        };
        let mut found = Vec::new();
        values.conflicts(&mut found);
        found.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn who_left_must_be_told_from_who_is_in() {
        assert_eq!(wrong("in", "in", "out"), [""; 0]);
        assert_eq!(wrong("true", "true", "false"), [""; 0]);
        for (values, fields) in [
            (["In", "still", "IN"], &["destination.status_values.realized"][..]),
            (["in", "out", "out"], &["destination.status_values.existing"]),
            ([" ", "in", "out"], &["destination.status_values.realized"]),
            (
                ["in", "in", &"o".repeat(256)],
                &["destination.status_values.exited"],
            ),
        ] {
            let [realized, existing, exited] = values;
            assert_eq!(wrong(realized, existing, exited), fields);
        }
    }
}
