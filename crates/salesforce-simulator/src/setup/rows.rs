//! The records of setup objects, as queries and reads see them.

use serde_json::Value;

use super::objects::SetupObject;
use super::store::{Profile, values};
use crate::ids::RecordId;
use crate::org::{Org, OrgState, Record};
use crate::schema::Field;
use crate::tooling;
use crate::value::Scalar;

/// Returns the records of an object, oldest first.
pub(crate) fn rows(org: &Org, state: &OrgState, object: SetupObject) -> Vec<Record> {
    match object {
        SetupObject::Organization => vec![organization(org)],
        SetupObject::User => users(state),
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
        Some(value) => value.into(),
        None => record.value(field),
    }
}

fn organization(org: &Org) -> Record {
    record(
        org.id,
        [
            ("Name", org.options.name.as_str().into()),
            ("OrganizationType", org.options.organization_type.as_str().into()),
            ("IsSandbox", org.options.is_sandbox().into()),
            ("InstanceName", "USA1S".into()),
        ],
    )
}

fn users(state: &OrgState) -> Vec<Record> {
    state
        .directory
        .users()
        .map(|(id, user)| {
            let local_name = user.username.split('@').next().unwrap_or_default();
            let alias: String = local_name.chars().take(8).collect();
            record(
                id,
                [
                    ("Username", user.username.as_str().into()),
                    ("LastName", local_name.into()),
                    ("Name", local_name.into()),
                    ("Email", user.username.to_lowercase().into()),
                    ("Alias", alias.into()),
                    ("IsActive", user.active.into()),
                    ("UserType", "Standard".into()),
                    ("ProfileId", state.profile(id).id().to_string().into()),
                ],
            )
        })
        .collect()
}

fn profile(profile: Profile) -> Record {
    record(
        profile.id(),
        [("Name", profile.name().into()), ("UserType", "Standard".into())],
    )
}

fn record<const N: usize>(id: RecordId, given: [(&str, Scalar); N]) -> Record {
    Record {
        id,
        values: values(given),
    }
}
