//! The describe answer of one object.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Field, FieldType, ObjectName, RecordType, record_type};

/// What is told of an object, as one user sees it.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    pub name: &'static str,
    pub label: &'static str,
    pub plural: &'static str,
    pub key_prefix: &'static str,
    pub fields: &'a [Arc<Field>],
    pub record_types: &'a [RecordType],
    /// Whether it holds records of people at work, rather than configuration.
    pub is_for_work: bool,
    pub is_writable: bool,
}

impl<'a> Described<'a> {
    /// Returns an object whose fields are `fields` for the one who asks.
    pub(crate) fn table(
        object: ObjectName,
        fields: &'a [Arc<Field>],
        record_types: &'a [RecordType],
    ) -> Self {
        Self {
            name: object.name(),
            label: object.name(),
            plural: object.plural(),
            key_prefix: object.key_prefix(),
            fields,
            record_types,
            is_for_work: true,
            is_writable: true,
        }
    }
}

/// Returns the body of `GET …/sobjects/{object}/describe` as API `version` (`v67.0`) tells it.
/// Source of the keys: salesforce-contract.md §5 and §5.1.
pub(crate) fn describe(object: &Described<'_>, version: &str) -> Value {
    let name = object.name;
    let base = format!("/services/data/{version}/sobjects/{name}");
    json!({
        "actionOverrides": [],
        "activateable": false,
        "associateEntityType": null,
        "associateParentEntity": null,
        "childRelationships": [],
        "compactLayoutable": object.is_for_work,
        "createable": object.is_writable,
        "custom": false,
        "customSetting": false,
        "deepCloneable": false,
        "defaultImplementation": null,
        "deletable": object.is_writable,
        "deprecatedAndHidden": false,
        "extendedBy": null,
        "extendsInterfaces": null,
        "feedEnabled": object.is_for_work,
        "fields": object.fields.iter().map(|field| describe_field(field)).collect::<Vec<_>>(),
        "hasSubtypes": false,
        "implementedBy": null,
        "implementsInterfaces": null,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": object.key_prefix,
        "label": object.label,
        "labelPlural": object.plural,
        "layoutable": object.is_for_work,
        "listviewable": null,
        "lookupLayoutable": null,
        "mergeable": object.is_for_work,
        "mruEnabled": object.is_for_work,
        "name": name,
        "namedLayoutInfos": [],
        "networkScopeFieldName": null,
        "queryable": true,
        "recordTypeInfos": record_type::infos(object.record_types, &base),
        "replicateable": true,
        "retrieveable": true,
        "searchLayoutable": object.is_for_work,
        "searchable": object.is_for_work,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": format!("All {}", object.plural.to_lowercase()), "name": "everything"},
            {"label": format!("My {}", object.plural.to_lowercase()), "name": "mine"},
        ],
        "triggerable": object.is_for_work,
        "undeletable": object.is_for_work,
        "updateable": object.is_writable,
        "urls": {
            "describe": format!("{base}/describe"),
            "rowTemplate": format!("{base}/{{ID}}"),
            "sobject": base,
        },
    })
}

fn describe_field(field: &Field) -> Value {
    let is_address = field.field_type == FieldType::Address;
    let is_searchable = !field.is_long_text() && !is_address;
    let is_boolean = field.field_type == FieldType::Boolean;
    json!({
        "aggregatable": is_searchable && !is_boolean,
        "aiPredictionField": false,
        "autoNumber": false,
        "byteLength": u64::from(field.length) * 3,
        "calculated": false,
        "calculatedFormula": null,
        "cascadeDelete": false,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound_field_name,
        "controllerName": null,
        "createable": field.createable,
        "custom": field.is_custom(),
        "defaultValue": if is_boolean { json!(false) } else { Value::Null },
        "defaultValueFormula": null,
        "defaultedOnCreate": field.defaulted_on_create,
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": field.digits,
        "displayLocationInDecimal": false,
        "encrypted": false,
        "externalId": field.external_id,
        "extraTypeInfo": field.extra_type_info,
        "filterable": is_searchable,
        "filteredLookupInfo": null,
        "formulaTreatNullNumberAsZero": false,
        "groupable": is_searchable && !field.field_type.is_number(),
        "highScaleNumber": false,
        "htmlFormatted": false,
        "idLookup": field.id_lookup,
        "inlineHelpText": null,
        "label": field.label,
        "length": field.length,
        "mask": null,
        "maskType": null,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": false,
        "nillable": field.nillable,
        "permissionable": field.nillable && !is_address,
        "picklistValues": field.picklist_values.iter().map(|entry| json!({
            "active": true,
            "defaultValue": false,
            "label": entry.label,
            "validFor": null,
            "value": entry.value,
        })).collect::<Vec<_>>(),
        "polymorphicForeignKey": field.reference_to.len() > 1,
        "precision": field.precision,
        "queryByDistance": false,
        "referenceTargetField": null,
        "referenceTo": field.reference_to,
        "relationshipName": relationship_name(field),
        "relationshipOrder": null,
        "restrictedDelete": false,
        "restrictedPicklist": field.restricted_picklist,
        "scale": field.scale,
        "searchPrefilterable": field.field_type == FieldType::Reference,
        "soapType": field.field_type.soap_type(),
        "sortable": is_searchable,
        "type": field.field_type.name(),
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": false,
    })
}

/// Returns how SOQL walks to the record a lookup names. Source: salesforce-contract.md §5.3.
pub(crate) fn relationship_name(field: &Field) -> Option<String> {
    let (stem, suffix) = field.relationship()?;
    Some(format!("{stem}{suffix}"))
}
