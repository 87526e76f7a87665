//! Which fields of the org something could be mapped to.

use activation::destination::StatusValues;
use contracts::config::v1 as pb;
use salesforce::describe::{FieldDescription, ObjectDescription};

use super::status_fields::can_hold;

/// Lists fields by API name: those with `query` in their name or label, and
/// only usable ones if so asked.
pub fn target_fields(
    object: &ObjectDescription,
    query: &str,
    only_usable: bool,
    status_values: &StatusValues,
) -> Vec<pb::TargetField> {
    let query = query.to_lowercase();
    let mut fields: Vec<pb::TargetField> = object
        .fields
        .iter()
        .filter(|field| {
            field.name.to_lowercase().contains(&query) || field.label.to_lowercase().contains(&query)
        })
        .map(|field| told(field, status_values))
        .filter(|field| !only_usable || field.usable_for_attribute || field.usable_for_status)
        .collect();
    fields.sort_by(|one, other| one.name.cmp(&other.name));
    fields
}

fn told(field: &FieldDescription, status_values: &StatusValues) -> pb::TargetField {
    pb::TargetField {
        name: field.name.clone(),
        label: field.label.clone(),
        r#type: field.field_type.clone(),
        length: i32::try_from(field.length).unwrap_or(i32::MAX),
        required: field.is_required_on_create(),
        updateable: field.updateable,
        createable: field.createable,
        external_id: field.can_be_key(),
        unique: field.unique,
        picklist_values: field
            .picklist_values
            .iter()
            .filter(|entry| entry.active)
            .map(|entry| entry.value.clone())
            .collect(),
        restricted_picklist: field.restricted_picklist,
        // A Mapping ID names a custom field.
        usable_for_status: field.name.ends_with("__c") && can_hold(field, status_values),
        usable_for_attribute: field.updateable,
    }
}
