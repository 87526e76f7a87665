//! Custom fields: made, told, deleted. Source: salesforce-contract.md §6.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::metadata::{self, integrity};
use super::options::ToolingOptions;
use crate::clock::datetime_out;
use crate::ids::{RecordId, record_id};
use crate::org::{OrgState, Record};
use crate::random::hash;
use crate::refusal::CallError;
use crate::schema::{Field, FieldType, ObjectName};
use crate::setup::{self, SetupObject, Viewer};
use crate::value::Scalar;

/// Ids of fields that the admin surface made lie above those that calls make.
const FIRST_OF_ADMIN: u64 = 1 << 40;

/// What is known of a field besides what describe shows.
#[derive(Debug, Clone)]
pub(crate) struct CustomField {
    pub id: RecordId,
    object: ObjectName,
    /// As in the schema.
    name: String,
    created_by: RecordId,
    created: DateTime<Utc>,
    /// As sent.
    metadata: Map<String, Value>,
}

/// The fields of an org that calls made.
#[derive(Debug, Default)]
pub(crate) struct CustomFields {
    fields: Vec<CustomField>,
    created: u64,
}

/// Makes the field that the body describes; nobody sees it before it is granted. Returns its id.
///
/// # Errors
/// What the field may not be; nothing is made then.
pub(crate) fn create(
    options: &ToolingOptions,
    state: &mut OrgState,
    body: &Map<String, Value>,
    viewer: Viewer,
) -> Result<RecordId, CallError> {
    if let Some(unknown) = body
        .keys()
        .find(|key| !["FullName", "Metadata", "attributes"].contains(&key.as_str()))
    {
        return Err(CallError::no_such_column(unknown, "CustomField"));
    }
    let full_name = body.get("FullName").and_then(Value::as_str).ok_or_else(|| {
        CallError::bad_request(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [FullName]",
        )
    })?;
    let (object_name, name) = full_name
        .split_once('.')
        .ok_or_else(|| integrity(format!("FullName must be Object.Field__c, it is {full_name}")))?;
    let object = ObjectName::parse(object_name).ok_or_else(|| {
        let message =
            format!("Entity Enumeration Or ID: bad value for restricted picklist field: {object_name}");
        CallError::bad_request("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
    })?;
    let sent = body
        .get("Metadata")
        .and_then(Value::as_object)
        .ok_or_else(|| integrity("Must specify Metadata for a CustomField"))?;
    let field = metadata::read(name, sent)?;
    check_room(options, state, object, &field)?;

    let known_from = viewer.now + TimeDelta::seconds(i64::from(options.seconds_until_known));
    state.setup.restrict(object, name, known_from);
    state.table_mut(object).put_field(field, viewer.now);
    Ok(state.custom_fields.add(object, name, sent.clone(), viewer))
}

/// Deletes a field with everything that records hold in it.
///
/// # Errors
/// 404 when no custom field has this id.
pub(crate) fn delete(state: &mut OrgState, id: &str, now: DateTime<Utc>) -> Result<(), CallError> {
    let field = find(state, id)?;
    state.setup.unrestrict(field.object, &field.name);
    state.table_mut(field.object).delete_field(&field.name, now);
    state.custom_fields.fields.retain(|known| known.id != field.id);
    Ok(())
}

/// Returns a field as `GET …/tooling/sobjects/CustomField/{id}` tells it.
///
/// # Errors
/// 404 when no custom field has this id.
pub(crate) fn shown(state: &OrgState, id: &str, version: &str) -> Result<Value, CallError> {
    let field = find(state, id)?;
    let record = row(state, &field).ok_or_else(CallError::no_such_resource)?;
    let mut shown = Map::new();
    let url = format!(
        "/services/data/{version}/tooling/sobjects/CustomField/{}",
        field.id
    );
    shown.insert(
        "attributes".to_owned(),
        json!({"type": "CustomField", "url": url}),
    );
    for column in SetupObject::CustomField.fields() {
        shown.insert(column.name.clone(), record.value(column));
    }
    shown.insert("Metadata".to_owned(), Value::Object(field.metadata));
    Ok(Value::Object(shown))
}

/// Returns every custom field of the org as a record.
pub(crate) fn rows(state: &OrgState) -> Vec<Record> {
    all(state).iter().filter_map(|field| row(state, field)).collect()
}

impl CustomFields {
    fn add(
        &mut self,
        object: ObjectName,
        name: &str,
        metadata: Map<String, Value>,
        viewer: Viewer,
    ) -> RecordId {
        self.created += 1;
        let id = field_id(self.created);
        self.fields.push(CustomField {
            id,
            object,
            name: name.to_owned(),
            created_by: viewer.user_id,
            created: viewer.now,
            metadata,
        });
        id
    }

    /// Forgets a field that was removed past the Tooling API.
    pub(crate) fn forget(&mut self, object: ObjectName, name: &str) {
        self.fields
            .retain(|field| field.object != object || !field.name.eq_ignore_ascii_case(name));
    }
}

fn check_room(
    options: &ToolingOptions,
    state: &OrgState,
    object: ObjectName,
    field: &Field,
) -> Result<(), CallError> {
    let schema = state.table(object).schema();
    if schema.field(&field.name).is_some() {
        let developer_name = field.name.trim_end_matches("__c");
        return Err(CallError::bad_request(
            options.duplicate_name.code(),
            format!(
                "There is already a field named {developer_name} on {}.",
                object.name()
            ),
        ));
    }
    let custom = || schema.fields().iter().filter(|field| field.is_custom());
    if custom().count() >= options.max_custom_fields {
        return Err(CallError::bad_request(
            "CUSTOM_ENTITY_OR_FIELD_LIMIT",
            format!(
                "You have reached the maximum number of custom fields on {}",
                object.name()
            ),
        ));
    }
    let long_text = |field: &Field| {
        if field.is_long_text() {
            u64::from(field.length)
        } else {
            0
        }
    };
    let in_use: u64 = custom().map(|field| long_text(field)).sum();
    let over = (in_use + long_text(field)).saturating_sub(options.max_long_text_characters);
    if long_text(field) > 0 && over > 0 {
        return Err(integrity(format!(
            "You have exceeded the total number of characters available in all Long Text Area and Rich Text Area \
             fields for this object by {over} characters."
        )));
    }
    if field.external_id && custom().filter(|field| field.external_id).count() >= options.max_external_ids {
        return Err(CallError::bad_request(
            "CUSTOM_FIELD_INDEX_LIMIT_EXCEEDED",
            format!(
                "You have reached the maximum number of indexed fields on {}",
                object.name()
            ),
        ));
    }
    Ok(())
}

fn find(state: &OrgState, id: &str) -> Result<CustomField, CallError> {
    let id = RecordId::parse_of(SetupObject::CustomField.key_prefix(), id);
    all(state)
        .into_iter()
        .find(|field| Some(field.id) == id)
        .ok_or_else(CallError::no_such_resource)
}

/// Returns the custom fields of all objects, those of the admin surface too.
fn all(state: &OrgState) -> Vec<CustomField> {
    let mut all = Vec::new();
    for object in ObjectName::ALL {
        for field in state
            .table(object)
            .schema()
            .fields()
            .iter()
            .filter(|field| field.is_custom())
        {
            let known = state
                .custom_fields
                .fields
                .iter()
                .find(|known| known.object == object && known.name == field.name);
            all.push(known.cloned().unwrap_or_else(|| of_admin(object, field)));
        }
    }
    all
}

/// Returns a field as if an administrator had made it long ago.
fn of_admin(object: ObjectName, field: &Field) -> CustomField {
    let number = hash(0, &format!("{}.{}", object.name(), field.name)) % FIRST_OF_ADMIN;
    let admin =
        RecordId::parse(&record_id(SetupObject::User.key_prefix(), 0)).expect("record_id returns valid ids");
    let mut metadata = json!({"type": metadata_type(field), "label": field.label, "externalId": field.external_id,
        "unique": field.unique, "required": !field.nillable});
    if field.length > 0 {
        metadata["length"] = json!(field.length);
    }
    if !field.picklist_values.is_empty() {
        let values: Vec<Value> = field
            .picklist_values
            .iter()
            .map(|entry| json!({"valueName": entry.value, "label": entry.label, "default": false}))
            .collect();
        metadata["valueSet"] = json!({"restricted": field.restricted_picklist,
            "valueSetDefinition": {"sorted": false, "value": values}});
    }
    CustomField {
        id: field_id(FIRST_OF_ADMIN + number),
        object,
        name: field.name.clone(),
        created_by: admin,
        created: DateTime::UNIX_EPOCH,
        metadata: metadata.as_object().cloned().unwrap_or_default(),
    }
}

/// Returns the Metadata API's name of a field's type.
fn metadata_type(field: &Field) -> &'static str {
    match field.field_type {
        FieldType::Id | FieldType::String => "Text",
        FieldType::Boolean => "Checkbox",
        FieldType::Reference => "Lookup",
        FieldType::Picklist => "Picklist",
        FieldType::Multipicklist => "MultiselectPicklist",
        FieldType::Textarea if field.is_long_text() => "LongTextArea",
        FieldType::Textarea => "TextArea",
        FieldType::Double | FieldType::Int => "Number",
        FieldType::Address => "Address",
        FieldType::Phone => "Phone",
        FieldType::Email => "Email",
        FieldType::Date => "Date",
        FieldType::Datetime => "DateTime",
        FieldType::Url => "Url",
        FieldType::Currency => "Currency",
        FieldType::Percent => "Percent",
    }
}

fn field_id(number: u64) -> RecordId {
    RecordId::parse(&record_id(SetupObject::CustomField.key_prefix(), number))
        .expect("record_id returns valid ids")
}

fn row(state: &OrgState, custom: &CustomField) -> Option<Record> {
    let field = state.table(custom.object).schema().field(&custom.name)?;
    let text = |key: &str| match custom.metadata.get(key) {
        Some(Value::String(text)) => text.as_str().into(),
        Some(_) | None => Scalar::Null,
    };
    let number = |is_told: bool, number: u32| {
        if is_told {
            Scalar::Number(number.into())
        } else {
            Scalar::Null
        }
    };
    let created = Scalar::from(datetime_out(custom.created));
    let author = Scalar::from(custom.created_by.to_string());
    let full_name = format!("{}.{}", custom.object.name(), field.name);
    let values = setup::values([
        ("DeveloperName", field.name.trim_end_matches("__c").into()),
        ("TableEnumOrId", custom.object.name().into()),
        ("FullName", full_name.into()),
        ("Length", number(field.length > 0, field.length)),
        ("Precision", number(field.precision > 0, field.precision)),
        ("Scale", number(field.precision > 0, field.scale)),
        ("Description", text("description")),
        ("InlineHelpText", text("inlineHelpText")),
        ("ManageableState", "unmanaged".into()),
        ("CreatedDate", created.clone()),
        ("CreatedById", author.clone()),
        ("LastModifiedDate", created.clone()),
        ("LastModifiedById", author),
        ("SystemModstamp", created),
    ]);
    Some(Record {
        id: custom.id,
        values,
    })
}
