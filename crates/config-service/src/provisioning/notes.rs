//! What is left for an admin to do by hand.

use super::wanted::{StatusFieldType, Wanted};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// A stable word for machines.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Where in Setup; may be empty.
    pub(crate) place: String,
}

/// Tells what neither a login nor a package does.
pub(super) fn of_both(wanted: &Wanted, field_type: StatusFieldType) -> Vec<Note> {
    let object = wanted.object;
    let mut notes = vec![
        Note {
            code: "NOT_ON_PAGE_LAYOUT",
            message: format!(
                "A new field is on no page layout yet, so people do not see it on the {object} page; add it"
            ),
            place: format!("Setup → Object Manager → {object} → Page Layouts"),
        },
        Note {
            code: "PEOPLE_HAVE_NO_ACCESS_YET",
            message: format!(
                "Nobody has the permission set '{}' yet; assign it to those who should read the statuses",
                wanted.people_set.label
            ),
            place: format!(
                "Setup → Permission Sets → {} → Manage Assignments",
                wanted.people_set.label
            ),
        },
        Note {
            code: "API_ENABLED_IS_YOURS",
            message: format!(
                "API Enabled is not part of '{}'; the user's profile or another permission set must have it",
                wanted.delivery_set.label
            ),
            place: "Setup → Users → Profiles → System Permissions".to_owned(),
        },
    ];
    if matches!(field_type, StatusFieldType::Picklist { .. }) {
        notes.push(Note {
            code: "RECORD_TYPES_HIDE_PICKLIST_VALUES",
            message: format!(
                "Where {object} has record types, each of them must be given the new picklist's values, or people \
                 cannot choose them"
            ),
            place: format!("Setup → Object Manager → {object} → Record Types"),
        });
    }
    notes
}

/// Tells what is left to do with a package.
pub(crate) fn of_package(wanted: &Wanted, field_type: StatusFieldType) -> Vec<Note> {
    let mut notes = vec![
        Note {
            code: "DEPLOY_IT",
            message: "Nothing is in the org before the package is deployed; its README.txt says how"
                .to_owned(),
            place: String::new(),
        },
        Note {
            code: "ASSIGN_DELIVERY_SET",
            message: format!(
                "A package assigns nothing: give '{}' to the user that the destination's connection logs in as",
                wanted.delivery_set.label
            ),
            place: format!(
                "Setup → Permission Sets → {} → Manage Assignments",
                wanted.delivery_set.label
            ),
        },
        Note {
            code: "A_DEPLOY_CHANGES_FIELDS",
            message: format!(
                "A field of {} that is there already gets the package's type, label and texts; leave its segment \
                 out of the package unless that is meant",
                wanted.object
            ),
            place: String::new(),
        },
    ];
    notes.extend(of_both(wanted, field_type));
    notes
}
