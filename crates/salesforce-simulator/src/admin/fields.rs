//! Fields: added, replaced, hidden.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{AdminError, AdminResult, answer, not_found, object, org, read};
use crate::org::Org;
use crate::schema::{Field, FieldType, ObjectName, PicklistValue};
use crate::world::World;

/// The body of `POST …/fields`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewField {
    object: String,
    name: String,
    /// The name, unless given.
    label: Option<String>,
    #[serde(rename = "type")]
    field_type: FieldType,
    /// In characters; what the type has by default, unless given.
    length: Option<u32>,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    case_sensitive: bool,
    #[serde(default = "yes")]
    createable: bool,
    #[serde(default = "yes")]
    updateable: bool,
    #[serde(default)]
    picklist_values: Vec<String>,
    /// The object that a reference looks up; the field's own, unless given.
    reference_to: Option<String>,
    #[serde(default)]
    restricted: bool,
    /// Whether a value must be given.
    #[serde(default)]
    required: bool,
    #[serde(default = "default_precision")]
    precision: u32,
    #[serde(default = "default_scale")]
    scale: u32,
    /// Whether everybody sees it; otherwise it must be granted first, like one that the Tooling API made.
    #[serde(default = "yes")]
    visible: bool,
}

pub(super) async fn put(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let is_new = put_field(&org, &body, world.clock.now())?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(answer(status, &json!({})))
}

pub(super) async fn remove(
    State(world): State<Arc<World>>,
    Path((host, object_name, name)): Path<(String, String, String)>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let object = object(&object_name)?;
    let mut state = org.state();
    let field = state.table(object).schema().field(&name);
    let Some(field) = field.map(Arc::clone) else {
        return Err(not_found(format!("{} has no field {name}", object.name())));
    };
    if object.has_standard_field(&name) {
        return Err(AdminError::conflict(format!(
            "{} of {} is a standard field, and only custom fields can be removed; to hide it, POST it to fields with \"visible\": false",
            field.name,
            object.name()
        )));
    }
    state.setup.unrestrict(object, &name);
    state.custom_fields.forget(object, &name);
    state.table_mut(object).delete_field(&name, world.clock.now());
    Ok(answer(StatusCode::OK, &json!({})))
}

/// Adds the field that `body` describes, or replaces the one of that name. Returns whether it is new.
pub(crate) fn put_field(org: &Org, body: &Bytes, now: DateTime<Utc>) -> Result<bool, AdminError> {
    let new: NewField = read(body)?;
    let object = object(&new.object)?;
    let is_visible = new.visible;
    let field = new.into_field(object)?;
    let mut state = org.state();
    if is_visible {
        state.setup.unrestrict(object, &field.name);
    } else {
        state.setup.restrict(object, &field.name, now);
    }
    Ok(state.table_mut(object).put_field(field, now))
}

impl NewField {
    fn into_field(self, object: ObjectName) -> Result<Field, AdminError> {
        let starts_with_letter = self.name.starts_with(|first: char| first.is_ascii_alphabetic());
        let is_name = starts_with_letter
            && self
                .name
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !is_name || self.name.eq_ignore_ascii_case("Id") {
            return Err(AdminError::bad_request(format!(
                "name {:?} is no API name of a field",
                self.name
            )));
        }
        // Source: salesforce-contract.md §5.2.
        if self.field_type == FieldType::Textarea && (self.external_id || self.unique) {
            return Err(AdminError::bad_request(format!(
                "{} is a text area, which is neither external_id nor unique",
                self.name
            )));
        }
        let is_boolean = self.field_type == FieldType::Boolean;
        let reference_to = match (self.field_type, &self.reference_to) {
            (FieldType::Reference, Some(name)) => vec![super::object(name)?.name().to_owned()],
            (FieldType::Reference, None) => vec![object.name().to_owned()],
            (_, Some(_)) => {
                return Err(AdminError::bad_request(format!(
                    "{} has reference_to, which only a field of type reference may have",
                    self.name
                )));
            }
            (_, None) => Vec::new(),
        };
        Ok(Field {
            label: self.label.unwrap_or_else(|| self.name.clone()),
            length: self.length.unwrap_or_else(|| default_length(self.field_type)),
            // A checkbox is never null and never missing.
            nillable: !self.required && !is_boolean,
            createable: self.createable,
            updateable: self.updateable,
            defaulted_on_create: is_boolean,
            // External ids show both flags (salesforce-contract.md §2.5).
            id_lookup: self.external_id,
            external_id: self.external_id,
            unique: self.unique,
            case_sensitive: self.case_sensitive,
            restricted_picklist: self.restricted,
            picklist_values: self
                .picklist_values
                .into_iter()
                .map(|value| PicklistValue {
                    label: value.clone(),
                    value,
                })
                .collect(),
            reference_to,
            extra_type_info: match self.field_type {
                FieldType::Textarea => Some("plaintextarea".to_owned()),
                _ => None,
            },
            compound_field_name: None,
            precision: if self.field_type.is_number() {
                self.precision
            } else {
                0
            },
            scale: if self.field_type.is_number() {
                self.scale
            } else {
                0
            },
            digits: if self.field_type == FieldType::Int { 9 } else { 0 },
            name: self.name,
            field_type: self.field_type,
        })
    }
}

/// Source: salesforce-contract.md §5.2 (long text), §5.4 (phone, e-mail) and §6 (text).
fn default_length(field_type: FieldType) -> u32 {
    match field_type {
        FieldType::Id | FieldType::Reference => 18,
        FieldType::String | FieldType::Picklist | FieldType::Url => 255,
        FieldType::Multipicklist => 4_099,
        FieldType::Textarea => 32_768,
        FieldType::Phone => 40,
        FieldType::Email => 80,
        FieldType::Boolean
        | FieldType::Double
        | FieldType::Address
        | FieldType::Date
        | FieldType::Datetime
        | FieldType::Currency
        | FieldType::Int
        | FieldType::Percent => 0,
    }
}

fn yes() -> bool {
    true
}

fn default_precision() -> u32 {
    18
}

fn default_scale() -> u32 {
    2
}
