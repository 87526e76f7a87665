//! What is wrong with the fields that receive attributes.

use activation::destination::{Activation, FieldTarget};

use super::{
    described::{Described, Place},
    finding::{Finding, Severity},
};

pub(super) fn findings(activation: &Activation, org: &Described) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, row) in activation.field_mappings.iter().enumerate() {
        let FieldTarget::Field(target) = &row.target else {
            continue;
        };
        let place = Place {
            field: format!("field_mappings[{index}].target.field"),
            segment: None,
            create_or: "Create it, correct the mapping, or let the user see it (field-level security)",
        };
        match org.field(target.as_str(), &place) {
            Err(missing) => found.push(missing),
            Ok(field) => {
                found.extend(org.unwritable(field, activation.may_create(), &place));
                if field.name != target.as_str() {
                    found.push(
                        place
                            .finding(
                                Severity::Warning,
                                "FIELD_NAME_CASE",
                                format!("Field {target} is spelled {} on {}", field.name, org.object.name),
                                "Correct the mapping: names are sent byte for byte",
                            )
                            .about(&field.name),
                    );
                }
            }
        }
    }
    found
}
