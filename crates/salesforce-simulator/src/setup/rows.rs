//! The records of setup objects, as queries and reads see them.

use serde_json::{Value, json};

use super::objects::SetupObject;
use super::store::Profile;
use crate::ids::RecordId;
use crate::org::{Org, OrgState, Record, Values};
use crate::schema::Field;
use crate::tooling;

/// Returns the records of an object, oldest first.
pub(crate) fn rows(org: &Org, state: &OrgState, object: SetupObject) -> Vec<Record> {
    match object {
        SetupObject::Organization => vec![organization(org)],
        SetupObject::User => users(org, state),
        SetupObject::Profile => Profile::ALL.into_iter().map(profile).collect(),
        SetupObject::CustomField => tooling::rows(state),
        SetupObject::PermissionSet
        | SetupObject::PermissionSetAssignment
        | SetupObject::FieldPermissions
        | SetupObject::ObjectPermissions => state
            .setup
            .records(object)
            .map(|record| Record {
                id: record.id,
                values: record.values.clone(),
            })
            .collect(),
    }
}

/// Returns the value of a field of one of these records.
pub(crate) fn value(record: &Record, field: &Field) -> Value {
    // Only people have names that are made of parts.
    match record.values.get(&field.name) {
        Some(value) => value.clone(),
        None => record.value(field),
    }
}

fn organization(org: &Org) -> Record {
    record(
        org.id,
        &[
            ("Name", json!(org.options.name)),
            ("OrganizationType", json!(org.options.organization_type)),
            ("IsSandbox", json!(org.options.is_sandbox())),
            ("InstanceName", json!("USA1S")),
        ],
    )
}

fn users(org: &Org, state: &OrgState) -> Vec<Record> {
    state
        .directory
        .users()
        .iter()
        .map(|user| {
            let id = org.user_id(&user.username);
            let local_name = user.username.split('@').next().unwrap_or_default();
            let alias: String = local_name.chars().take(8).collect();
            record(
                id,
                &[
                    ("Username", json!(user.username)),
                    ("LastName", json!(local_name)),
                    ("Name", json!(local_name)),
                    ("Email", json!(user.username.to_lowercase())),
                    ("Alias", json!(alias)),
                    ("IsActive", json!(user.active)),
                    ("UserType", json!("Standard")),
                    ("ProfileId", json!(state.profile(id).id().to_string())),
                ],
            )
        })
        .collect()
}

fn profile(profile: Profile) -> Record {
    record(
        profile.id(),
        &[("Name", json!(profile.name())), ("UserType", json!("Standard"))],
    )
}

fn record(id: RecordId, values: &[(&str, Value)]) -> Record {
    let values: Values = values
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    Record { id, values }
}
