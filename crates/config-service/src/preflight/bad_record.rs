//! The record that keeps a rehearsal from being saved: none that an org's own
//! rules could mend, because it is refused before triggers and flows see it.
//!
//! It is bad twice. It names an owner by a text that is no id, which Salesforce
//! refuses when it reads the record (salesforce-contract.md §2.6, §3.4,
//! `MALFORMED_ID`); a missing required value would not do, for a trigger can
//! fill it in. And an update names a record of an instance that there is not,
//! with the number that no record has (§5.5).

use activation::{
    destination::{RecordType, WriteMode},
    plan::Rules,
    record_id::RecordId,
};
use salesforce::{
    collections::Record,
    describe::{FieldDescription, ObjectDescription},
};
use serde_json::Value;

/// What stands where an id should.
const NO_ID: &str = "no id: a rehearsal of Sluice";
const KEY: &str = "sluice-rehearsal";

/// Makes the bad record for a call with these keys; none if the object has no
/// field to be bad in.
pub(super) fn bad_record(rules: &Rules, object: &ObjectDescription, keys: &[&str]) -> Option<Record> {
    let reference = object
        .field("OwnerId")
        .or_else(|| object.fields.iter().find(|field| field.field_type == "reference"))?;
    let key = match &rules.write_mode {
        WriteMode::UpdateById => impossible_id(rules.record_type)?,
        // Two records of one key in a call would spoil the other one's verdict.
        WriteMode::Upsert { key_field } => unused_key(object.field(key_field.as_str())?, keys)?,
    };
    Some(Record {
        key: Some(key),
        fields: vec![(reference.name.clone(), Value::from(NO_ID))],
    })
}

fn impossible_id(record_type: RecordType) -> Option<String> {
    let id: RecordId = format!("{}000000000000", record_type.key_prefix()).parse().ok()?;
    Some(id.to_string())
}

/// Returns a key of the field's type that no record of the call has. Should a
/// record of the org have it, that one is refused the same.
fn unused_key(field: &FieldDescription, keys: &[&str]) -> Option<String> {
    let is_used = |key: &str| keys.iter().any(|used| used.eq_ignore_ascii_case(key));
    let is_number = matches!(
        field.field_type.as_str(),
        "double" | "int" | "currency" | "percent"
    );
    (0..=keys.len())
        .map(|number| {
            if is_number {
                return number.to_string();
            }
            let key = match field.field_type.as_str() {
                "email" => format!("{number}.{KEY}@example.invalid"),
                _ => format!("{number}{KEY}"),
            };
            key.chars()
                .take(usize::try_from(field.length).unwrap_or(usize::MAX).max(1))
                .collect()
        })
        .find(|key: &String| {
            let number: Option<f64> = key.parse().ok().filter(|_| is_number);
            !is_used(key)
                && !keys
                    .iter()
                    .any(|used| number.is_some() && used.trim().parse().ok() == number)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(field_type: &str, length: u32) -> FieldDescription {
        serde_json::from_value(
            json!({"name": "Key__c", "label": "Key", "type": field_type, "length": length,
            "createable": true, "updateable": true, "nillable": true, "defaultedOnCreate": false,
            "externalId": true, "idLookup": true}),
        )
        .unwrap()
    }

    #[test]
    fn the_id_of_no_record_is_a_well_formed_one_of_its_kind() {
        assert_eq!(impossible_id(RecordType::Contact).unwrap(), "003000000000000AAA");
        assert_eq!(impossible_id(RecordType::Lead).unwrap(), "00Q000000000000EAA");
    }

    #[test]
    fn a_key_fits_its_field_and_is_nobody_elses() {
        assert_eq!(
            unused_key(&field("string", 255), &["u-1"]).unwrap(),
            "0sluice-rehearsal"
        );
        assert_eq!(
            unused_key(&field("string", 255), &["0SLUICE-rehearsal"]).unwrap(),
            "1sluice-rehearsal"
        );
        assert_eq!(unused_key(&field("string", 1), &["0", "1"]).unwrap(), "2");
        assert_eq!(unused_key(&field("double", 0), &["0", "1.0", "7"]).unwrap(), "2");
        assert!(
            unused_key(&field("email", 80), &[])
                .unwrap()
                .ends_with("@example.invalid")
        );
    }
}
