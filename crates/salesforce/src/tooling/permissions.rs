//! Opening objects and fields to users by permission sets (§6). Each grant may
//! be repeated, also by two at once, and never takes access away.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    API_VERSION, Http, Session,
    query::{literal, query, query_all_pages},
    record::{created, update_record},
    request::RequestError,
};

/// What a permission set lets its users do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldAccess {
    Read,
    /// Reading too.
    Edit,
}

/// What a permission set lets its users do with the records of an object.
/// Reading comes with each of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectAccess {
    pub create: bool,
    pub edit: bool,
}

/// What a permission set grants of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldGrant {
    /// With its object, for example `Contact.Title`.
    pub field: String,
    pub access: FieldAccess,
    id: String,
}

/// What a permission set grants of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectGrant {
    pub access: ObjectAccess,
    id: String,
}

impl ObjectAccess {
    pub const READ: Self = Self {
        create: false,
        edit: false,
    };

    /// Tells whether everything that `other` lets be done is let be done by this.
    pub fn covers(self, other: Self) -> bool {
        (self.create || !other.create) && (self.edit || !other.edit)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdRow {
    id: String,
}

/// Finds a permission set by its API name.
pub async fn find_permission_set(
    http: &Http,
    session: &Session,
    name: &str,
) -> Result<Option<String>, RequestError> {
    let soql = format!("SELECT Id FROM PermissionSet WHERE Name = {}", literal(name));
    first_id(http, session, &soql).await
}

/// Makes a permission set, or finds the one of that name. Returns its id.
pub async fn create_permission_set(
    http: &Http,
    session: &Session,
    name: &str,
    label: &str,
    description: &str,
) -> Result<String, RequestError> {
    if let Some(id) = find_permission_set(http, session, name).await? {
        return Ok(id);
    }
    let body = json!({"Name": name, "Label": label, "Description": description});
    match created(http, session, &object_path("PermissionSet"), &body).await {
        Ok(id) => Ok(id.value),
        // Made by somebody else since it was looked for.
        Err(error) if is_taken(&error) => find_permission_set(http, session, name).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

/// Tells whether a user has a permission set.
pub async fn is_assigned(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    user_id: &str,
) -> Result<bool, RequestError> {
    let soql = format!(
        "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = {} AND AssigneeId = {}",
        literal(permission_set_id),
        literal(user_id)
    );
    Ok(first_id(http, session, &soql).await?.is_some())
}

/// Gives a permission set to a user, unless the user has it.
pub async fn assign_permission_set(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    user_id: &str,
) -> Result<(), RequestError> {
    if is_assigned(http, session, permission_set_id, user_id).await? {
        return Ok(());
    }
    let body = json!({"PermissionSetId": permission_set_id, "AssigneeId": user_id});
    match created(http, session, &object_path("PermissionSetAssignment"), &body).await {
        Err(error) if !is_taken(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Lists what a permission set grants of an object's fields.
pub async fn field_grants(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    object: &str,
) -> Result<Vec<FieldGrant>, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Row {
        id: String,
        field: String,
        permissions_edit: bool,
    }
    let soql = format!(
        "SELECT Id, Field, PermissionsEdit FROM FieldPermissions WHERE ParentId = {} AND SobjectType = {}",
        literal(permission_set_id),
        literal(object)
    );
    let rows = query_all_pages::<Row>(http, session, &soql).await?;
    Ok(rows
        .into_iter()
        .map(|row| FieldGrant {
            field: row.field,
            access: if row.permissions_edit {
                FieldAccess::Edit
            } else {
                FieldAccess::Read
            },
            id: row.id,
        })
        .collect())
}

/// Opens a field to the users of a permission set.
pub async fn grant_field_access(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    object: &str,
    field: &str,
    access: FieldAccess,
) -> Result<(), RequestError> {
    let full_name = format!("{object}.{field}");
    let body = json!({
        "ParentId": permission_set_id,
        "SobjectType": object,
        "Field": full_name,
        "PermissionsRead": true,
        "PermissionsEdit": access == FieldAccess::Edit,
    });
    let granted = async || {
        let grants = field_grants(http, session, permission_set_id, object).await?;
        Ok(grants
            .into_iter()
            .find(|grant| grant.field.eq_ignore_ascii_case(&full_name)))
    };
    let found = match granted().await? {
        Some(found) => found,
        None => match created(http, session, &object_path("FieldPermissions"), &body).await {
            Ok(_) => return Ok(()),
            // Granted by somebody else since, maybe less.
            Err(error) if is_taken(&error) => granted().await?.ok_or(error)?,
            Err(error) => return Err(error),
        },
    };
    if found.access >= access {
        return Ok(());
    }
    let more = Map::from_iter([("PermissionsEdit".to_owned(), Value::Bool(true))]);
    update_record(http, session, "FieldPermissions", &found.id, &more).await
}

/// Finds what a permission set grants of an object's records.
pub async fn object_grant(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    object: &str,
) -> Result<Option<ObjectGrant>, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Row {
        id: String,
        permissions_create: bool,
        permissions_edit: bool,
    }
    let soql = format!(
        "SELECT Id, PermissionsCreate, PermissionsEdit FROM ObjectPermissions WHERE ParentId = {} AND SobjectType = {}",
        literal(permission_set_id),
        literal(object)
    );
    let page = query::<Row>(http, session, &soql).await?.value;
    Ok(page.records.into_iter().next().map(|row| ObjectGrant {
        access: ObjectAccess {
            create: row.permissions_create,
            edit: row.permissions_edit,
        },
        id: row.id,
    }))
}

/// Opens the records of an object to the users of a permission set. What the
/// object depends on must be open before: Contacts need reading of Accounts.
pub async fn grant_object_access(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    object: &str,
    access: ObjectAccess,
) -> Result<(), RequestError> {
    let body = json!({
        "ParentId": permission_set_id,
        "SobjectType": object,
        "PermissionsRead": true,
        "PermissionsCreate": access.create,
        "PermissionsEdit": access.edit,
    });
    let granted = async || object_grant(http, session, permission_set_id, object).await;
    let found = match granted().await? {
        Some(found) => found,
        None => match created(http, session, &object_path("ObjectPermissions"), &body).await {
            Ok(_) => return Ok(()),
            Err(error) if is_taken(&error) => granted().await?.ok_or(error)?,
            Err(error) => return Err(error),
        },
    };
    if found.access.covers(access) {
        return Ok(());
    }
    let more = Map::from_iter([
        ("PermissionsRead".to_owned(), Value::Bool(true)),
        (
            "PermissionsCreate".to_owned(),
            Value::Bool(access.create || found.access.create),
        ),
        (
            "PermissionsEdit".to_owned(),
            Value::Bool(access.edit || found.access.edit),
        ),
    ]);
    update_record(http, session, "ObjectPermissions", &found.id, &more).await
}

/// Tells whether something of that name or meaning is there already (§6, §3.4).
fn is_taken(error: &RequestError) -> bool {
    matches!(error, RequestError::Refused(refusal)
        if matches!(refusal.code.as_str(), "DUPLICATE_DEVELOPER_NAME" | "DUPLICATE_VALUE"))
}

async fn first_id(http: &Http, session: &Session, soql: &str) -> Result<Option<String>, RequestError> {
    let page = query::<IdRow>(http, session, soql).await?.value;
    Ok(page.records.into_iter().next().map(|row| row.id))
}

fn object_path(object: &str) -> String {
    format!("/services/data/{API_VERSION}/sobjects/{object}")
}
