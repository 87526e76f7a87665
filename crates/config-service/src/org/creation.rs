//! What the org's description says against the rules of creation.

use activation::{
    InvalidField,
    destination::{Activation, Create, WriteMode},
    record_id::RecordId,
};
use salesforce::describe::ObjectDescription;

/// Lists what the user cannot create as the rules say.
pub(super) fn creation_findings(activation: &Activation, object: &ObjectDescription) -> Vec<InvalidField> {
    let rules = &activation.creation_rules;
    if activation.write_mode == WriteMode::UpdateById || rules.create == Create::Never {
        return Vec::new();
    }
    let Some(record_type) = rules.record_type else {
        return Vec::new();
    };
    let is_available = object.record_type_infos.iter().any(|info| {
        info.available
            && info
                .record_type_id
                .parse()
                .is_ok_and(|id: RecordId| id == record_type)
    });
    if is_available {
        return Vec::new();
    }
    vec![InvalidField::new(
        "destination.creation_rules.record_type_id",
        format!(
            "{record_type} is no record type of {} that the user may give. Correct it, or assign the record type to \
             the user's profile or permission set",
            object.name
        ),
    )]
}
