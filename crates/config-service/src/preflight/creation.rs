//! What the org's description says against the rules of creation.

use activation::{destination::Activation, record_id::RecordId};

use super::{
    described::Described,
    finding::{Finding, Severity},
};

pub(super) fn findings(activation: &Activation, org: &Described) -> Option<Finding> {
    let record_type = activation
        .creation_rules
        .record_type
        .filter(|_| activation.may_create())?;
    let is_available = org.object.record_type_infos.iter().any(|info| {
        info.available
            && info
                .record_type_id
                .parse()
                .is_ok_and(|id: RecordId| id == record_type)
    });
    (!is_available).then(|| {
        Finding::new(
            Severity::Error,
            "RECORD_TYPE_NOT_AVAILABLE",
            "destination.creation_rules.record_type_id",
            format!(
                "{record_type} is no record type of {} that the user may give to new records",
                org.object.name
            ),
            "Correct it, or assign the record type to the user by its profile or a permission set",
        )
        .about("RecordTypeId")
    })
}
