//! Opening fields to users by permission sets (§6).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    API_VERSION, Http, Session,
    query::{literal, query},
    record::{created, update_record},
    request::RequestError,
};

/// What a permission set lets its users do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldAccess {
    Read,
    /// Reading too.
    Edit,
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
) -> Result<String, RequestError> {
    if let Some(id) = find_permission_set(http, session, name).await? {
        return Ok(id);
    }
    let body = json!({"Name": name, "Label": label});
    Ok(created(http, session, &object_path("PermissionSet"), &body)
        .await?
        .value)
}

/// Gives a permission set to a user, unless the user has it.
pub async fn assign_permission_set(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    user_id: &str,
) -> Result<(), RequestError> {
    let soql = format!(
        "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = {} AND AssigneeId = {}",
        literal(permission_set_id),
        literal(user_id)
    );
    if first_id(http, session, &soql).await?.is_some() {
        return Ok(());
    }
    let body = json!({"PermissionSetId": permission_set_id, "AssigneeId": user_id});
    created(http, session, &object_path("PermissionSetAssignment"), &body)
        .await
        .map(drop)
}

/// Opens a field to the users of a permission set. Never takes access away.
pub async fn grant_field_access(
    http: &Http,
    session: &Session,
    permission_set_id: &str,
    object: &str,
    field: &str,
    access: FieldAccess,
) -> Result<(), RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Row {
        id: String,
        permissions_edit: bool,
    }
    let full_name = format!("{object}.{field}");
    let soql = format!(
        "SELECT Id, PermissionsEdit FROM FieldPermissions WHERE ParentId = {} AND SobjectType = {} AND Field = {}",
        literal(permission_set_id),
        literal(object),
        literal(&full_name)
    );
    let edit = access == FieldAccess::Edit;
    let page = query::<Row>(http, session, &soql).await?.value;
    match page.records.into_iter().next() {
        Some(row) if row.permissions_edit || !edit => Ok(()),
        Some(row) => {
            let more = Map::from_iter([("PermissionsEdit".to_owned(), Value::Bool(true))]);
            update_record(http, session, "FieldPermissions", &row.id, &more).await
        }
        None => {
            let body = json!({
                "ParentId": permission_set_id,
                "SobjectType": object,
                "Field": full_name,
                "PermissionsRead": true,
                "PermissionsEdit": edit,
            });
            created(http, session, &object_path("FieldPermissions"), &body)
                .await
                .map(drop)
        }
    }
}

async fn first_id(http: &Http, session: &Session, soql: &str) -> Result<Option<String>, RequestError> {
    let page = query::<IdRow>(http, session, soql).await?.value;
    Ok(page.records.into_iter().next().map(|row| row.id))
}

fn object_path(object: &str) -> String {
    format!("/services/data/{API_VERSION}/sobjects/{object}")
}
