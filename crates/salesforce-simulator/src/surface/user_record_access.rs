//! `UserRecordAccess`: what a user may do with records, as a query sees it.
//! Source: Salesforce, "Object Reference", UserRecordAccess. Only the caller's own access is known.

use std::sync::{Arc, LazyLock};

use super::session::Caller;
use crate::org::{Access, OrgState, Record, Values};
use crate::schema::{Field, ObjectName};
use crate::soql::{Entity, Rows};

pub(super) const NAME: &str = "UserRecordAccess";

static FIELDS: LazyLock<Vec<Arc<Field>>> = LazyLock::new(|| {
    let json = r#"[
        {"name": "Id", "label": "ID", "type": "id", "length": 18, "nillable": false, "createable": false, "updateable": false, "defaultedOnCreate": true},
        {"name": "UserId", "label": "User ID", "type": "reference", "length": 18, "nillable": false, "createable": false, "updateable": false, "defaultedOnCreate": false},
        {"name": "RecordId", "label": "Record ID", "type": "reference", "length": 18, "nillable": false, "createable": false, "updateable": false, "defaultedOnCreate": false},
        {"name": "HasReadAccess", "label": "Has Read Access", "type": "boolean", "nillable": false, "createable": false, "updateable": false, "defaultedOnCreate": true},
        {"name": "HasEditAccess", "label": "Has Edit Access", "type": "boolean", "nillable": false, "createable": false, "updateable": false, "defaultedOnCreate": true},
        {"name": "HasDeleteAccess", "label": "Has Delete Access", "type": "boolean", "nillable": false, "createable": false, "updateable": false, "defaultedOnCreate": true}
    ]"#;
    serde_json::from_str::<Vec<Field>>(json)
        .expect("the table above is valid, which every query of it shows")
        .into_iter()
        .map(Arc::new)
        .collect()
});

pub(super) fn entity(state: &OrgState, caller: &Caller) -> Entity<'static> {
    let rows = ObjectName::ALL
        .into_iter()
        .flat_map(|object| {
            state
                .table(object)
                .records()
                .iter()
                .map(move |record| (object, record))
        })
        .filter(|(_, record)| !record.is("IsDeleted"))
        .map(|(object, record)| row(state, caller, object, record))
        .collect();
    Entity {
        name: NAME,
        fields: FIELDS.clone(),
        rows: Rows::Made(rows),
    }
}

fn row(state: &OrgState, caller: &Caller, object: ObjectName, record: &Record) -> Record {
    let of_object = caller.user.permissions.access_to(object);
    let of_record = state.rules.access(record.id);
    let is_open = of_record == Access::Full;
    let mut values = Values::new();
    values.insert("UserId", caller.user_id.to_string());
    values.insert("RecordId", record.id.to_string());
    values.insert("HasReadAccess", of_object.read && of_record != Access::Hidden);
    values.insert("HasEditAccess", of_object.edit && is_open);
    values.insert("HasDeleteAccess", of_object.delete && is_open);
    Record {
        id: record.id,
        values,
    }
}
