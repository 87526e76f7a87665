//! What is to be known of the object as a whole: permissions, required fields,
//! person accounts.

use activation::destination::{Activation, RecordType};

use super::{
    described::{Described, written_fields},
    finding::{Finding, Severity},
};

pub(super) fn findings(activation: &Activation, org: &Described) -> Vec<Finding> {
    let creates = activation.may_create();
    let mut found = permissions(org, creates);
    if creates {
        found.extend(required(activation, org));
    }
    found.extend(person_accounts(activation, org));
    found
}

fn permissions(org: &Described, creates: bool) -> Vec<Finding> {
    let object = &org.object.name;
    let lacking = [
        (org.object.updateable, "OBJECT_NOT_UPDATEABLE", "edit", "Edit"),
        (
            org.object.createable || !creates,
            "OBJECT_NOT_CREATEABLE",
            "create",
            "Create",
        ),
    ];
    lacking
        .into_iter()
        .filter(|(is_granted, ..)| !is_granted)
        .map(|(_, code, verb, permission)| {
            Finding::new(
                Severity::Error,
                code,
                "destination.connection",
                format!("The user of the login may not {verb} a {object}"),
                format!("Grant {permission} on {object} to the user, by its profile or a permission set"),
            )
        })
        .collect()
}

/// Required fields that no new record would get (§5.1 of the contract). Those
/// that every destination must map are told as missing from it.
fn required(activation: &Activation, org: &Described) -> Vec<Finding> {
    let written = written_fields(activation);
    let always = activation.record_type.required_fields();
    org.object
        .fields
        .iter()
        .filter(|field| field.is_required_on_create())
        .filter(|field| {
            let is_same = |name: &str| field.name.eq_ignore_ascii_case(name);
            !written.iter().any(|name| is_same(name)) && !always.iter().any(|name| is_same(name))
        })
        .map(|field| {
            Finding::new(
                Severity::Error,
                "REQUIRED_FIELD_UNMAPPED",
                "destination.field_mappings",
                format!(
                    "Field {} ({}) is required on new records of {}, and nothing is mapped to it",
                    field.name, field.label, org.object.name
                ),
                "Map an attribute or a constant to it, give it a default in Salesforce, or create nothing (creation_rules.create NEVER)",
            )
            .about(&field.name)
        })
        .collect()
}

fn person_accounts(activation: &Activation, org: &Described) -> Option<Finding> {
    if activation.record_type != RecordType::Contact {
        return None;
    }
    org.object.field("IsPersonAccount")?;
    let moves = written_fields(activation)
        .iter()
        .any(|field| field.eq_ignore_ascii_case("AccountId"));
    let message = "This org has person accounts: what is written to the Contact of a person (IsPersonAccount), \
                   such as its name and e-mail, is written to the person's account too";
    let fix = if moves {
        "AccountId of such a Contact cannot be changed, and its records would fail: take AccountId out of the mappings"
    } else {
        "Make sure that the triggers and rules of accounts allow it; a rehearsal tells"
    };
    Some(
        Finding::new(
            Severity::Warning,
            "PERSON_ACCOUNTS",
            "destination.record_type",
            message,
            fix,
        )
        .about("IsPersonAccount"),
    )
}
