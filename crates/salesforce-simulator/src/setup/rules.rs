//! What may be stored in the setup objects that calls can write. Source: salesforce-contract.md §6; the texts
//! are those of salesforce-contract.md §3.4 where it has them.

use serde_json::{Map, Value};

use super::access::Viewer;
use super::objects::SetupObject;
use crate::clock::datetime_out;
use crate::ids::RecordId;
use crate::org::{OrgState, Values};
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, ObjectName};
use crate::value::{self, Scalar};

/// Creates a record of a createable object. Returns its id.
///
/// # Errors
/// What the record may not be.
pub(crate) fn create(
    state: &mut OrgState,
    object: SetupObject,
    members: &Map<String, Value>,
    viewer: Viewer,
) -> Result<RecordId, SetupError> {
    let values = read(object, Values::new(), members, |field| field.createable)?;
    let missing: Vec<&str> = object
        .fields()
        .iter()
        .filter(|field| field.is_required_on_create() && !values.contains_key(&field.name))
        .map(|field| field.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(RecordError::required_missing(&missing).into());
    }
    let mut values = checked(state, object, values, None)?;
    stamp(object, &mut values, viewer, true);
    let id = state.setup.insert(object, values);
    touch(state, object, id, viewer);
    Ok(id)
}

/// Changes a record.
///
/// # Errors
/// 404 when there is none; what the record may not be.
pub(crate) fn change(
    state: &mut OrgState,
    object: SetupObject,
    id: &str,
    members: &Map<String, Value>,
    viewer: Viewer,
) -> Result<(), SetupError> {
    let (id, old) = find(state, object, id)?;
    let values = read(object, old, members, |field| field.updateable)?;
    let mut values = checked(state, object, values, Some(id))?;
    stamp(object, &mut values, viewer, false);
    state.setup.replace(object, id, values);
    touch(state, object, id, viewer);
    Ok(())
}

/// Deletes a record; of a permission set also its grants and assignments.
///
/// # Errors
/// 404 when there is none.
pub(crate) fn delete(
    state: &mut OrgState,
    object: SetupObject,
    id: &str,
    viewer: Viewer,
) -> Result<(), SetupError> {
    let (id, values) = find(state, object, id)?;
    if values.get("IsOwnedByProfile") == Some(&true.into()) {
        return Err(CallError::insufficient_access().into());
    }
    state.setup.remove(id);
    for object in ObjectName::ALL {
        state.table_mut(object).touch(viewer.now);
    }
    Ok(())
}

/// Why a record was not written: as a call, or as a record with its fields.
#[derive(Debug)]
pub(crate) enum SetupError {
    Call(CallError),
    Record(RecordError),
}

impl From<CallError> for SetupError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<RecordError> for SetupError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

fn find(state: &OrgState, object: SetupObject, id: &str) -> Result<(RecordId, Values), CallError> {
    RecordId::parse_of(object.key_prefix(), id)
        .and_then(|id| state.setup.find(object, id))
        .map(|record| (record.id, record.values.clone()))
        .ok_or_else(CallError::no_such_resource)
}

fn read(
    object: SetupObject,
    mut values: Values,
    members: &Map<String, Value>,
    writable: impl Fn(&Field) -> bool,
) -> Result<Values, SetupError> {
    for (name, given) in members {
        if name == "attributes" {
            continue;
        }
        let field = object
            .field(name)
            .ok_or_else(|| CallError::no_such_column(name, object.name()))?;
        if !writable(field) {
            return Err(RecordError::not_writable(&field.name).into());
        }
        values.insert(&field.name, value::check(field, value::read(field, given)?)?);
    }
    Ok(values)
}

/// Checks what one object demands of its records, beyond the types of its fields.
fn checked(
    state: &OrgState,
    object: SetupObject,
    mut values: Values,
    own_id: Option<RecordId>,
) -> Result<Values, RecordError> {
    let text = |name: &str| {
        let value = values.get(name).and_then(Scalar::as_str);
        value.unwrap_or_default().to_owned()
    };
    let is_taken = |names: &[&str]| {
        let same = |record: &&crate::org::Record| {
            Some(record.id) != own_id
                && names.iter().all(|name| {
                    let other = record
                        .values
                        .get(name)
                        .and_then(Scalar::as_str)
                        .unwrap_or_default();
                    other.eq_ignore_ascii_case(&text(name))
                })
        };
        state.setup.records(object).any(|record| same(&record))
    };
    let refers_to = |name: &str, object: SetupObject| {
        let id = RecordId::parse_of(object.key_prefix(), &text(name));
        id.is_some_and(|id| state.setup.find(object, id).is_some())
    };
    match object {
        SetupObject::PermissionSet => {
            if is_taken(&["Name"]) {
                let message = format!("The Permission Set Name {} is already in use", text("Name"));
                return Err(RecordError::new("DUPLICATE_DEVELOPER_NAME", message, &["Name"]));
            }
            values.insert("IsCustom", true);
            values.insert("Type", "Regular");
        }
        SetupObject::PermissionSetAssignment => {
            let is_user = RecordId::parse(&text("AssigneeId"))
                .is_some_and(|id| state.directory.user_by_id(id).is_some());
            if !is_user || !refers_to("PermissionSetId", SetupObject::PermissionSet) {
                return Err(RecordError::unknown_id());
            }
            if is_taken(&["PermissionSetId", "AssigneeId"]) {
                let message = format!(
                    "Duplicate PermissionSetAssignment. Assignee: {}; Permission Set: {}",
                    text("AssigneeId"),
                    text("PermissionSetId")
                );
                return Err(RecordError::new("DUPLICATE_VALUE", message, &[]));
            }
        }
        SetupObject::FieldPermissions => {
            if !refers_to("ParentId", SetupObject::PermissionSet) {
                return Err(RecordError::unknown_id());
            }
            let of = known_object(&text("SobjectType"))?;
            let field = permissionable(state, of, &text("Field"))?;
            if is_taken(&["ParentId", "Field"]) {
                return Err(duplicate());
            }
            // Granting edit implies read.
            if values.get("PermissionsEdit") == Some(&true.into()) {
                values.insert("PermissionsRead", true);
            }
            if values.get("PermissionsRead") != Some(&true.into()) {
                return Err(without_any(object));
            }
            values.insert("SobjectType", of.name());
            values.insert("Field", field);
        }
        SetupObject::ObjectPermissions => {
            if !refers_to("ParentId", SetupObject::PermissionSet) {
                return Err(RecordError::unknown_id());
            }
            let of = known_object(&text("SobjectType"))?;
            if is_taken(&["ParentId", "SobjectType"]) {
                return Err(duplicate());
            }
            check_dependencies(state, of, &text("ParentId"), &values)?;
            values.insert("SobjectType", of.name());
        }
        SetupObject::Organization | SetupObject::User | SetupObject::Profile | SetupObject::CustomField => {}
    }
    Ok(values)
}

/// What an object permission needs besides itself, which Setup's pages tick along and the API does not.
/// Source: Salesforce Object Reference, "ObjectPermissions"; the text is that of the Metadata API.
fn check_dependencies(
    state: &OrgState,
    object: ObjectName,
    parent: &str,
    values: &Values,
) -> Result<(), RecordError> {
    const NEEDS: [(&str, &str, &[&str]); 5] = [
        ("PermissionsCreate", "Create", &["Read"]),
        ("PermissionsEdit", "Edit", &["Read"]),
        ("PermissionsDelete", "Delete", &["Read", "Edit"]),
        ("PermissionsViewAllRecords", "Read All", &["Read"]),
        (
            "PermissionsModifyAllRecords",
            "Modify All",
            &["Read", "Edit", "Delete", "Read All"],
        ),
    ];
    let is_on = |values: &Values, name: &str| values.get(name) == Some(&true.into());
    let label = |word: &str| format!("{word} {}", object.name());
    for (permission, word, needed) in NEEDS {
        let missing = needed.iter().find(|need| {
            let column = NEEDS
                .iter()
                .find(|(_, word, _)| word == *need)
                .map_or("PermissionsRead", |(column, ..)| column);
            !is_on(values, column)
        });
        if let Some(missing) = missing.filter(|_| is_on(values, permission)) {
            return Err(depends(&label(word), &label(missing)));
        }
    }
    if !is_on(values, "PermissionsRead") {
        return Err(without_any(SetupObject::ObjectPermissions));
    }
    let reads_accounts = || {
        state.setup.records(SetupObject::ObjectPermissions).any(|record| {
            let is = |name: &str, text: &str| {
                record
                    .values
                    .get(name)
                    .and_then(Scalar::as_str)
                    .is_some_and(|value| value.eq_ignore_ascii_case(text))
            };
            is("ParentId", parent)
                && is("SobjectType", ObjectName::Account.name())
                && is_on(&record.values, "PermissionsRead")
        })
    };
    if object == ObjectName::Contact && !reads_accounts() {
        return Err(depends(&label("Read"), "Read Account"));
    }
    Ok(())
}

fn depends(permission: &str, needed: &str) -> RecordError {
    let message = format!("Permission {permission} depends on permission(s): {needed}");
    RecordError::new("FIELD_INTEGRITY_EXCEPTION", message, &[])
}

/// A grant of nothing is no record; it is deleted instead.
fn without_any(object: SetupObject) -> RecordError {
    let message = format!("{} must grant something", object.name());
    RecordError::new("FIELD_INTEGRITY_EXCEPTION", message, &[])
}

/// Source: salesforce-contract.md §3.4 (`<unknown>` twice).
fn duplicate() -> RecordError {
    let message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>";
    RecordError::new("DUPLICATE_VALUE", message, &[])
}

fn known_object(name: &str) -> Result<ObjectName, RecordError> {
    ObjectName::parse(name).ok_or_else(|| bad_value("SObject Type Name", name, "SobjectType"))
}

/// Finds `Contact.Title`; what a record must have is not for a permission to take away.
fn permissionable(state: &OrgState, object: ObjectName, full_name: &str) -> Result<String, RecordError> {
    full_name
        .split_once('.')
        .filter(|(of, _)| of.eq_ignore_ascii_case(object.name()))
        .and_then(|(_, name)| state.table(object).schema().field(name))
        .filter(|field| !field.is_required_on_create() && field.name != "Id")
        .map(|field| format!("{}.{}", object.name(), field.name))
        .ok_or_else(|| bad_value("Field Name", full_name, "Field"))
}

fn bad_value(label: &str, value: &str, field: &str) -> RecordError {
    RecordError::new(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        format!("{label}: bad value for restricted picklist field: {value}"),
        &[field],
    )
}

fn stamp(object: SetupObject, values: &mut Values, viewer: Viewer, is_new: bool) {
    let time = Scalar::from(datetime_out(viewer.now));
    let user = Scalar::from(viewer.user_id.to_string());
    let mut put = |name: &str, value: &Scalar| {
        if object.field(name).is_some() {
            values.insert(name, value.clone());
        }
    };
    if is_new {
        put("CreatedDate", &time);
        put("CreatedById", &user);
    }
    put("LastModifiedDate", &time);
    put("LastModifiedById", &user);
    put("SystemModstamp", &time);
}

/// Lets describes tell that what people see may have changed.
fn touch(state: &mut OrgState, object: SetupObject, id: RecordId, viewer: Viewer) {
    let of = state
        .setup
        .find(object, id)
        .and_then(|record| record.values.get("SobjectType")?.as_str())
        .and_then(ObjectName::parse);
    match of {
        Some(of) => state.table_mut(of).touch(viewer.now),
        None => ObjectName::ALL
            .into_iter()
            .for_each(|of| state.table_mut(of).touch(viewer.now)),
    }
}
