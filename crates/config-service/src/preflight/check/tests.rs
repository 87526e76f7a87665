use std::time::Duration;

use activation::destination::{
    Create, DeletedProfilePolicy, FieldMapping, FieldSource, FieldTarget, MappingOptions, RecordType,
    SegmentActivation, StatusValues, WriteMode,
};
use salesforce::describe::ObjectDescription;
use serde_json::{Value, json};

use super::{super::finding::refusals, *};

fn field(name: &str, field_type: &str, length: u32) -> Value {
    json!({"name": name, "label": name, "type": field_type, "length": length, "createable": true,
        "updateable": true, "nillable": true, "defaultedOnCreate": false, "externalId": false, "idLookup": false})
}

fn but(mut field: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        field[name] = value.clone();
    }
    field
}

fn key(name: &str, unique: bool, case_sensitive: bool) -> Value {
    but(
        field(name, "string", 255),
        &json!({"externalId": true, "idLookup": true, "unique": unique, "caseSensitive": case_sensitive}),
    )
}

fn picklist(name: &str, restricted: bool, values: &[&str]) -> Value {
    let values: Vec<Value> = values
        .iter()
        .map(|value| json!({"active": *value != "exited", "value": value, "label": value}))
        .collect();
    but(
        field(name, "picklist", 255),
        &json!({"restrictedPicklist": restricted, "picklistValues": values}),
    )
}

fn object(name: &str, fields: &[Value]) -> ObjectDescription {
    let object = json!({"name": name, "updateable": true, "createable": true, "fields": fields});
    serde_json::from_value(object).unwrap()
}

fn org() -> Described {
    let read_only = json!({"updateable": false});
    Described {
        org_id: "00D".to_owned(),
        object: object(
            "Contact",
            &[
                but(field("LastName", "string", 80), &json!({"nillable": false})),
                but(field("CreatedDate", "datetime", 0), &read_only),
                but(field("MailingAddress", "address", 0), &read_only),
                but(field("OnCreate", "string", 80), &json!({"createable": false})),
                but(
                    field("Formula__c", "string", 80),
                    &json!({"updateable": false, "calculated": true}),
                ),
                but(
                    field("Number__c", "string", 80),
                    &json!({"updateable": false, "autoNumber": true}),
                ),
                key("Key__c", true, true),
                key("Loose__c", false, false),
                but(field("Needed__c", "string", 80), &json!({"nillable": false})),
                field("crm_2_seg__c", "textarea", 255),
                field("long__c", "textarea", 32_768),
                but(
                    field("rich__c", "textarea", 32_768),
                    &json!({"htmlFormatted": true}),
                ),
                field("Vip__c", "string", 80),
                field("double__c", "double", 0),
                field("mail__c", "email", 80),
                field("flag__c", "boolean", 0),
                field("phone__c", "phone", 40),
                field("short__c", "string", 7),
                but(field("locked__c", "string", 80), &read_only),
                picklist("open__c", false, &["realized"]),
                picklist("closed__c", true, &["realized", "existing", "exited"]),
            ],
        ),
        other: Some(object(
            "Lead",
            &[field("Company", "string", 255), field("lead__c", "string", 80)],
        )),
    }
}

fn activation(targets: &[&str], mapping_ids: &[&str]) -> Activation {
    Activation {
        record_type: RecordType::Contact,
        write_mode: WriteMode::UpdateById,
        field_mappings: targets
            .iter()
            .map(|target| FieldMapping {
                source: FieldSource::AttributePath("a".to_owned()),
                target: FieldTarget::Field(target.parse().unwrap()),
                options: MappingOptions::default(),
            })
            .collect(),
        segments: mapping_ids
            .iter()
            .map(|mapping_id| SegmentActivation {
                segment: "s".to_owned(),
                display_name: "VIP".to_owned(),
                mapping_id: mapping_id.parse().unwrap(),
                start_time: None,
                end_time: None,
            })
            .collect(),
        deleted_profile_policy: DeletedProfilePolicy::Leave,
        status_values: StatusValues::default(),
        max_delay: Duration::from_secs(60),
        creation_rules: Default::default(),
        duplicate_rule: Default::default(),
    }
}

fn upsert(key_field: &str, targets: &[&str]) -> Activation {
    Activation {
        write_mode: WriteMode::Upsert {
            key_field: key_field.parse().unwrap(),
        },
        ..activation(targets, &[])
    }
}

fn told(activation: &Activation) -> Vec<(Severity, String, String)> {
    org_findings(activation, &org())
        .into_iter()
        .map(|finding| (finding.severity, finding.code, finding.salesforce_field))
        .collect()
}

#[test]
fn what_the_org_has_is_fine() {
    assert_eq!(told(&activation(&["LastName"], &["crm_2_seg"])), []);
}

#[test]
fn a_mistyped_mapping_id_is_named_with_field_segment_and_fix() {
    let found = org_findings(&activation(&[], &["crm_3_seg"]), &org());
    assert_eq!(found[0].segment, "s");
    assert_eq!(
        refusals(found)[0].to_string(),
        "segments[0].mapping_id: Field crm_3_seg__c does not exist on Contact (segment VIP). \
         Create it (sluice segments provision DESTINATION, or in Setup), or correct the Mapping ID"
    );
}

#[test]
fn each_way_a_status_field_can_be_wrong_is_told() {
    use Severity::{Advice, Error, Warning};
    for (mapping_id, severity, code) in [
        ("vip", Error, "FIELD_NAME_CASE"),
        ("double", Error, "FIELD_TYPE"),
        ("mail", Error, "FIELD_TYPE"),
        ("flag", Error, "FIELD_TYPE"),
        ("short", Error, "FIELD_TOO_SHORT"),
        ("locked", Error, "FIELD_NOT_UPDATEABLE"),
        ("Formula", Error, "FIELD_IS_FORMULA"),
        ("Number", Error, "FIELD_IS_AUTO_NUMBER"),
        ("closed", Error, "PICKLIST_VALUES"),
        ("lead", Error, "FIELD_OF_OTHER_RECORD_TYPE"),
        ("phone", Warning, "STATUS_FIELD_TYPE"),
        ("open", Advice, "PICKLIST_VALUES"),
        ("long", Advice, "LONG_TEXT"),
        ("rich", Advice, "LONG_TEXT"),
    ] {
        let found = org_findings(&activation(&[], &[mapping_id]), &org());
        assert_eq!(found.len(), 1, "{mapping_id}: {found:?}");
        assert_eq!(
            (found[0].severity, found[0].code.as_str()),
            (severity, code),
            "{mapping_id}"
        );
        assert!(
            !found[0].fix.is_empty() && found[0].message.contains("VIP"),
            "{found:?}"
        );
    }
}

#[test]
fn a_checkbox_and_a_picklist_take_the_statuses_that_are_made_for_them() {
    let mut flagged = activation(&[], &["flag", "short"]);
    flagged.status_values = StatusValues {
        realized: "true".to_owned(),
        existing: "true".to_owned(),
        exited: "false".to_owned(),
    };
    assert_eq!(told(&flagged), []);
    let restricted = org_findings(&activation(&[], &["closed"]), &org());
    assert_eq!(
        restricted[0].message,
        "Field closed__c on Contact is a restricted picklist without the value 'exited' (segment VIP)"
    );
}

#[test]
fn each_way_a_mapped_field_can_be_wrong_is_told() {
    for (target, code) in [
        ("Nickname", "FIELD_MISSING"),
        ("Company", "FIELD_OF_OTHER_RECORD_TYPE"),
        ("CreatedDate", "FIELD_NOT_UPDATEABLE"),
        ("MailingAddress", "FIELD_IS_COMPOUND"),
        ("lastname", "FIELD_NAME_CASE"),
    ] {
        let found = told(&activation(&[target], &[]));
        assert_eq!(found.len(), 1, "{target}: {found:?}");
        assert_eq!(found[0].1, code, "{target}");
    }
    assert_eq!(told(&activation(&["OnCreate"], &[])), []);
}

#[test]
fn an_upsert_needs_a_unique_external_id_and_all_that_a_new_record_needs() {
    use Severity::{Advice, Error, Warning};
    let all = ["LastName", "Needed__c"];
    let codes = |activation: &Activation| -> Vec<(Severity, String)> {
        told(activation)
            .into_iter()
            .map(|(severity, code, _)| (severity, code))
            .collect()
    };
    let named = |severity, code: &str| (severity, code.to_owned());
    assert_eq!(codes(&upsert("Key__c", &all)), []);
    assert_eq!(
        codes(&upsert("Loose__c", &all)),
        [
            named(Warning, "KEY_NOT_UNIQUE"),
            named(Advice, "KEY_IGNORES_CASE")
        ]
    );
    assert_eq!(
        codes(&upsert("LastName", &all)),
        [named(Error, "KEY_NOT_EXTERNAL_ID")]
    );
    assert_eq!(codes(&upsert("Other__c", &all)), [named(Error, "FIELD_MISSING")]);
    assert_eq!(
        codes(&upsert("Key__c", &["LastName", "OnCreate", "Needed__c"])),
        [named(Error, "FIELD_NOT_CREATEABLE")]
    );
    // LastName is told as a gap of the destination itself.
    assert_eq!(
        told(&upsert("Key__c", &[])),
        [(
            Error,
            "REQUIRED_FIELD_UNMAPPED".to_owned(),
            "Needed__c".to_owned()
        )]
    );
}

#[test]
fn an_upsert_that_never_creates_needs_nothing_that_a_new_record_needs() {
    let mut org = org();
    org.object.createable = false;
    let key = org.object.fields.iter_mut().find(|field| field.name == "Key__c");
    key.unwrap().createable = false;
    let mut upsert = upsert("Key__c", &["LastName", "OnCreate"]);
    upsert.creation_rules.record_type = Some("0125g000000ExAmAAK".parse().unwrap());
    let codes = |activation: &Activation| -> Vec<String> {
        let found = org_findings(activation, &org);
        found.into_iter().map(|finding| finding.code).collect()
    };
    assert_eq!(
        codes(&upsert),
        [
            "OBJECT_NOT_CREATEABLE",
            "REQUIRED_FIELD_UNMAPPED",
            "FIELD_NOT_CREATEABLE",
            "RECORD_TYPE_NOT_AVAILABLE",
            "FIELD_NOT_CREATEABLE"
        ]
    );
    upsert.creation_rules.create = Create::Never;
    assert_eq!(codes(&upsert), [""; 0]);
}

#[test]
fn the_object_itself_must_be_open() {
    let mut closed = org();
    closed.object.updateable = false;
    closed.object.createable = false;
    let codes = |activation: &Activation| -> Vec<String> {
        org_findings(activation, &closed)
            .into_iter()
            .map(|finding| finding.code)
            .collect()
    };
    assert_eq!(codes(&activation(&["LastName"], &[])), ["OBJECT_NOT_UPDATEABLE"]);
    assert_eq!(
        codes(&upsert("Key__c", &["LastName", "Needed__c"])),
        ["OBJECT_NOT_UPDATEABLE", "OBJECT_NOT_CREATEABLE"]
    );
}

#[test]
fn person_accounts_are_warned_of_on_contacts() {
    let mut org = org();
    let flag: salesforce::describe::FieldDescription = serde_json::from_value(but(
        field("IsPersonAccount", "boolean", 0),
        &json!({"updateable": false}),
    ))
    .unwrap();
    org.object.fields.push(flag);
    let found = org_findings(&activation(&["LastName"], &[]), &org);
    assert_eq!(
        (found[0].severity, found[0].code.as_str()),
        (Severity::Warning, "PERSON_ACCOUNTS")
    );
    let leads = Activation {
        record_type: RecordType::Lead,
        ..activation(&["LastName"], &[])
    };
    assert_eq!(org_findings(&leads, &org), []);
}
