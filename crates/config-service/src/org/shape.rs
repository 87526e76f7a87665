//! What mapping needs to know of an object, from its description.

use activation::{
    destination::{Activation, FieldTarget},
    org_shape::{FieldKind, FieldShape, OrgShape},
};
use salesforce::describe::{FieldDescription, ObjectDescription};

/// Returns the shapes of the fields that a destination writes. A field that the
/// description lacks is left out.
pub fn shape_of(activation: &Activation, object: &ObjectDescription) -> OrgShape {
    let key = object.field(activation.write_mode.identity_target());
    let mapped = activation
        .field_mappings
        .iter()
        .filter_map(|row| match &row.target {
            FieldTarget::Field(field) => Some(field.clone()),
            FieldTarget::Identity(_) => None,
        });
    let statuses = activation
        .segments
        .iter()
        .map(|segment| segment.mapping_id.field());
    let fields = mapped
        .chain(statuses)
        .filter_map(|name| {
            let field = object.field(name.as_str())?;
            let shape = FieldShape {
                kind: kind_of(field),
                max_length: field.length,
            };
            Some((name.to_string(), shape))
        })
        .collect();
    OrgShape {
        key_case_sensitive: key.is_none_or(|field| field.case_sensitive),
        fields,
    }
}

/// Source of the types: Salesforce Object Reference, "Field Types".
pub(crate) fn kind_of(field: &FieldDescription) -> FieldKind {
    match field.field_type.as_str() {
        "string" | "textarea" | "email" | "phone" | "url" | "encryptedstring" | "combobox" => FieldKind::Text,
        "picklist" | "multipicklist" => FieldKind::Picklist,
        "boolean" => FieldKind::Checkbox,
        "int" | "long" | "double" | "currency" | "percent" => FieldKind::Number,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::Datetime,
        _ => FieldKind::Other,
    }
}
