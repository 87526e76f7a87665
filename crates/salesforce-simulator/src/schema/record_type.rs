//! Record types of an object.

use serde_json::{Value, json};

use super::{Field, FieldType};
use crate::ids::RecordId;

/// The type that records have where none is set up. Source: recorded describes (salesforce-contract.md §5).
const MASTER_ID: &str = "012000000000000AAA";

/// One record type of an object.
#[derive(Debug, Clone)]
pub(crate) struct RecordType {
    pub id: RecordId,
    pub developer_name: String,
    pub label: String,
    pub active: bool,
    /// Whether the API user may give it to records.
    pub available: bool,
    /// Whether it is what the API user's records get that name none.
    pub default: bool,
}

/// Returns the field that tells the type of a record. Source: salesforce-contract.md §5.4.
pub(super) fn field() -> Field {
    Field {
        name: "RecordTypeId".to_owned(),
        label: "Record Type ID".to_owned(),
        field_type: FieldType::Reference,
        length: 18,
        nillable: true,
        createable: true,
        updateable: true,
        defaulted_on_create: true,
        id_lookup: false,
        external_id: false,
        unique: false,
        case_sensitive: false,
        restricted_picklist: false,
        picklist_values: Vec::new(),
        reference_to: vec!["RecordType".to_owned()],
        extra_type_info: None,
        compound_field_name: None,
        precision: 0,
        scale: 0,
        digits: 0,
    }
}

/// Returns `recordTypeInfos` of describe, the master one last; `base` is the path of the object.
pub(super) fn infos(record_types: &[RecordType], base: &str) -> Vec<Value> {
    let is_master_default = !record_types.iter().any(|record_type| record_type.default);
    let master = info(
        base,
        MASTER_ID,
        "Master",
        "Master",
        [true, true, is_master_default, true],
    );
    record_types
        .iter()
        .map(|record_type| {
            let flags = [
                record_type.active,
                record_type.available,
                record_type.default,
                false,
            ];
            info(
                base,
                &record_type.id.to_string(),
                &record_type.developer_name,
                &record_type.label,
                flags,
            )
        })
        .chain([master])
        .collect()
}

fn info(base: &str, id: &str, developer_name: &str, label: &str, flags: [bool; 4]) -> Value {
    let [active, available, default, master] = flags;
    json!({
        "active": active,
        "available": available,
        "defaultRecordTypeMapping": default,
        "developerName": developer_name,
        "master": master,
        "name": label,
        "recordTypeId": id,
        "urls": {"layout": format!("{base}/describe/layouts/{id}")},
    })
}
