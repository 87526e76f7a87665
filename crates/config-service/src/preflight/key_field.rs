//! What is wrong with the external id that an upsert names records by.

use activation::destination::{Activation, WriteMode};

use super::{
    described::{Described, Place},
    finding::{Finding, Severity},
};

pub(super) fn findings(activation: &Activation, org: &Described) -> Vec<Finding> {
    let WriteMode::Upsert { key_field } = &activation.write_mode else {
        return Vec::new();
    };
    let place = Place {
        field: "destination.key_field".to_owned(),
        segment: None,
        create_or: "Create it as an External ID, choose another one, or let the user see it",
    };
    let field = match org.field(key_field.as_str(), &place) {
        Ok(field) => field,
        Err(missing) => return vec![missing],
    };
    let object = &org.object.name;
    let finding = |severity, code: &str, message: String, fix: &str| {
        place.finding(severity, code, message, fix).about(&field.name)
    };
    if !field.can_be_key() {
        return vec![finding(
            Severity::Error,
            "KEY_NOT_EXTERNAL_ID",
            format!("{key_field} of {object} is no external id"),
            "Tick External ID on the field, or choose another one",
        )];
    }
    let mut found = Vec::new();
    if activation.may_create() && !field.createable {
        found.push(finding(
            Severity::Error,
            "FIELD_NOT_CREATEABLE",
            format!("{key_field} of {object} cannot be set on new records by the user"),
            "Grant edit access (field-level security), or choose another external id",
        ));
    }
    if !field.unique {
        found.push(finding(
            Severity::Warning,
            "KEY_NOT_UNIQUE",
            format!(
                "{key_field} of {object} is not unique: a value that several records hold names none of \
                 them, and such profiles fail with DUPLICATE_EXTERNAL_ID"
            ),
            "Tick Unique on the field",
        ));
    }
    if !field.case_sensitive {
        found.push(finding(
            Severity::Advice,
            "KEY_IGNORES_CASE",
            format!(
                "{key_field} of {object} does not tell upper from lower case: abc and ABC are one record"
            ),
            "Set the field to case sensitive if your ids differ by case alone",
        ));
    }
    found
}
