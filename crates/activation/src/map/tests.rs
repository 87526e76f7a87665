use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    destination::{Create, CreationRules, DuplicateRule, MappingOptions, StatusValues},
    org_shape::FieldShape,
    profile_json,
};

mod options;

const CONTACT: &str = "0034S000005YJVlQAO";
const OTHER_CONTACT: &str = "0035500001H9ka0AAB";
const LEAD: &str = "00Q4S000002sSacUAE";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045 + seconds, 0).unwrap()
}

fn rules() -> Rules {
    let attribute = |path: &str, field: &str, required| PlannedAttribute {
        source_path: path.to_owned(),
        field: field.parse().unwrap(),
        required,
        options: MappingOptions::default(),
        shape: FieldShape::default(),
    };
    let segment = |segment: &str, field: &str| PlannedSegment {
        segment: segment.to_owned(),
        display_name: String::new(),
        field: field.parse().unwrap(),
        is_checkbox: false,
        start_time: None,
        end_time: None,
    };
    Rules {
        record_type: RecordType::Contact,
        write_mode: WriteMode::UpdateById,
        key_case_sensitive: true,
        key_source: FieldSource::IdentityNamespace("crmID".to_owned()),
        attributes: vec![
            attribute("person.name.lastName", "LastName", true),
            attribute("person.name.firstName", "FirstName", false),
            attribute("personalEmail.address", "Email", false),
        ],
        constants: Vec::new(),
        segments: vec![segment("s1", "crm_2_seg__c"), segment("s2", "vip__c")],
        status_values: StatusValues::default(),
        deleted_profile_policy: DeletedProfilePolicy::Leave,
        creation_rules: CreationRules::default(),
        duplicate_rule: DuplicateRule::default(),
        discard_accepted_before: None,
    }
}

fn mapped(rules: &Rules, document: &Value) -> Vec<MappedIdentity> {
    let update = profile_json::parse(document.to_string().as_bytes()).unwrap();
    let accepted = Acceptance {
        time: at(0),
        arrival: Arrival {
            position: 1,
            entry: 0,
        },
    };
    map(&update, rules, accepted, at(1))
}

fn result(rules: &Rules, document: &Value) -> MapResult {
    let mut mapped = mapped(rules, document);
    assert_eq!(mapped.len(), 1, "{mapped:?}");
    mapped.remove(0).result
}

/// What is written, as JSON; panics when nothing is.
fn written(rules: &Rules, document: &Value) -> Value {
    match result(rules, document) {
        MapResult::Write(contribution) => contribution
            .fields
            .iter()
            .map(|(field, write)| {
                let value = match &write.value {
                    FieldValue::Null => Value::Null,
                    FieldValue::Boolean(flag) => json!(flag),
                    FieldValue::Integer(integer) => json!(integer),
                    FieldValue::Number(number) => json!(number),
                    FieldValue::Text(text) => json!(text),
                };
                (field.to_string(), value)
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn profile(mut more: Value) -> Value {
    more["identityMap"] = json!({"crmID": [{"id": CONTACT}]});
    more
}

#[test]
fn row_4_125_126_one_record_holds_mapped_attributes_and_statuses_and_nothing_else() {
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor", "firstName": "Ada"}},
        "segmentMembership": {"ups": {"s1": {"status": "realized"}, "s2": {"status": "existing"}, "other": {}}},
        "unmapped": 1
    }));
    assert_eq!(
        written(&rules(), &document),
        json!({"FirstName": "Ada", "LastName": "Okafor", "crm_2_seg__c": "realized", "vip__c": "existing"})
    );
}

#[test]
fn row_142_an_absent_attribute_is_left_out_and_a_null_blanks() {
    let document = profile(json!({"person": {"name": {"lastName": "Okafor", "firstName": null}}}));
    assert_eq!(
        written(&rules(), &document),
        json!({"FirstName": null, "LastName": "Okafor"})
    );
}

#[test]
fn row_40_41_42_each_id_of_the_mapped_namespace_is_its_own_record_once() {
    let document = json!({
        "identityMap": {
            "other": [{"id": "x"}],
            "crmID": [{"id": CONTACT}, {"id": &CONTACT[..15]}, {"id": OTHER_CONTACT}, {"id": LEAD}, {"id": "zz"}, {"id": "zz"}]
        },
        "person": {"name": {"lastName": "Okafor"}}
    });
    let mapped = mapped(&rules(), &document);
    assert_eq!(
        mapped.iter().map(|one| one.index).collect::<Vec<_>>(),
        [Some(1), Some(3), Some(4), Some(5)]
    );
    assert!(
        matches!(&mapped[0].result, MapResult::Write(one) if one.key == RecordKey::Id(CONTACT.parse().unwrap()))
    );
    assert!(matches!(&mapped[1].result, MapResult::Write(_)));
    assert_eq!(mapped[2].result, MapResult::Exclude(Excluded::OtherRecordKind));
    assert!(matches!(&mapped[3].result, MapResult::Fail(failure) if failure.code == "INVALID_SALESFORCE_ID"));
}

#[test]
fn row_39_an_update_without_an_id_is_excluded_as_a_whole() {
    let document = json!({"person": {"name": {"lastName": "Okafor"}}});
    let mapped = mapped(&rules(), &document);
    assert_eq!(mapped[0].index, None);
    assert_eq!(mapped[0].result, MapResult::Exclude(Excluded::NoIdentity));
}

#[test]
fn row_98_a_missing_required_value_excludes_but_an_exit_is_still_written() {
    for last_name in [json!(null), json!(" "), json!("")] {
        let realized = profile(json!({
            "person": {"name": {"lastName": last_name, "firstName": "Ada"}},
            "segmentMembership": {"ups": {"s1": {"status": "realized"}}}
        }));
        assert_eq!(
            result(&rules(), &realized),
            MapResult::Exclude(Excluded::MissingRequiredValue)
        );
    }
    let exited = profile(json!({
        "person": {"name": {"firstName": "Ada"}},
        "segmentMembership": {"ups": {"s1": {"status": "exited"}, "s2": {"status": "realized"}}}
    }));
    assert_eq!(written(&rules(), &exited), json!({"crm_2_seg__c": "exited"}));
    let mut upsert = rules();
    upsert.write_mode = WriteMode::Upsert {
        key_field: "Crm_Key__c".parse().unwrap(),
    };
    assert_eq!(
        result(&upsert, &exited),
        MapResult::Exclude(Excluded::MissingRequiredValue)
    );
}

#[test]
fn row_122_what_is_not_mapped_sends_nothing() {
    let document = profile(json!({"loyalty": "gold", "segmentMembership": {"ups": {"other": {}}}}));
    assert_eq!(
        result(&rules(), &document),
        MapResult::Exclude(Excluded::NothingMapped)
    );
}

#[test]
fn row_226_withdrawn_consent_leaves_every_segment_and_counts_as_excluded() {
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor"}},
        "segmentMembership": {"ups": {"s1": {"status": "realized"}}},
        "_sluice": {"consent": "withdrawn"}
    }));
    assert_eq!(
        written(&rules(), &document),
        json!({"crm_2_seg__c": "exited", "vip__c": "exited"})
    );
    let MapResult::Write(contribution) = result(&rules(), &document) else {
        panic!()
    };
    assert_eq!(contribution.excluded_as, Some(Excluded::Consent));
}

#[test]
fn a_deleted_profile_follows_the_destinations_policy() {
    let document = profile(json!({"_sluice": {"deleted": true}}));
    let mut rules = rules();
    assert_eq!(
        result(&rules, &document),
        MapResult::Exclude(Excluded::ProfileDeleted)
    );
    rules.deleted_profile_policy = DeletedProfilePolicy::Exit;
    assert_eq!(
        written(&rules, &document),
        json!({"crm_2_seg__c": "exited", "vip__c": "exited"})
    );
    rules.deleted_profile_policy = DeletedProfilePolicy::ExitAndBlank;
    assert_eq!(
        written(&rules, &document),
        json!({"Email": null, "FirstName": null, "crm_2_seg__c": "exited", "vip__c": "exited"})
    );
}

#[test]
fn who_withdrew_consent_or_was_deleted_is_left_alone_where_records_are_created() {
    let consent = profile(json!({"_sluice": {"consent": "withdrawn", "eventTime": "2026-01-01T00:00:00Z"}}));
    let deletion = profile(json!({"_sluice": {"deleted": true}}));
    let mut rules = rules();
    rules.write_mode = WriteMode::Upsert {
        key_field: "Crm_Key__c".parse().unwrap(),
    };
    rules.deleted_profile_policy = DeletedProfilePolicy::Exit;
    for (document, reason) in [
        (&consent, Some(Excluded::Consent)),
        (&deletion, Some(Excluded::ProfileDeleted)),
        (
            &profile(json!({"person": {"name": {"lastName": "Okafor"}}})),
            None,
        ),
    ] {
        let MapResult::Write(contribution) = result(&rules, document) else {
            panic!("{document}")
        };
        assert_eq!(contribution.standing.left_alone, reason);
        let field = contribution.fields.first_key_value().unwrap().1;
        assert_eq!(contribution.standing.version, field.version);
    }

    // What waits for the record must know of it though nothing is written.
    rules.segments.clear();
    for (document, expected) in [
        (&consent, Excluded::Consent),
        (&deletion, Excluded::ProfileDeleted),
    ] {
        let MapResult::LeaveAlone { reason, contribution } = result(&rules, document) else {
            panic!("{document}")
        };
        assert_eq!((reason, contribution.excluded_as), (expected, Some(expected)));
        assert!(contribution.fields.is_empty());
        let mut never = rules.clone();
        never.creation_rules.create = Create::Never;
        assert_eq!(result(&never, document), MapResult::Exclude(expected));
    }
}

#[test]
fn row_78_a_list_or_an_object_in_a_mapped_path_fails_and_names_it() {
    for value in [json!(["Okafor"]), json!({"given": "Okafor"})] {
        let document = profile(json!({"person": {"name": {"lastName": value}}}));
        let MapResult::Fail(failure) = result(&rules(), &document) else {
            panic!()
        };
        assert_eq!(failure.code, "UNSUPPORTED_VALUE");
        assert!(
            failure.message.contains("person.name.lastName"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn row_150_a_membership_past_its_validity_is_an_exit() {
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor"}},
        "segmentMembership": {"ups": {
            "s1": {"status": "realized", "validUntil": "2026-01-02T03:04:04Z"},
            "s2": {"status": "realized", "validUntil": "2026-01-02T03:04:46Z"}}}
    }));
    assert_eq!(
        written(&rules(), &document),
        json!({"LastName": "Okafor", "crm_2_seg__c": "exited", "vip__c": "realized"})
    );
}

#[test]
fn row_103_a_segment_outside_its_schedule_is_not_written() {
    let mut rules = rules();
    rules.segments[0].start_time = Some(at(1));
    rules.segments[1].end_time = Some(at(0));
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor"}},
        "segmentMembership": {"ups": {"s1": {}, "s2": {}}}
    }));
    assert_eq!(written(&rules, &document), json!({"LastName": "Okafor"}));
}

#[test]
fn what_was_accepted_before_the_discard_is_not_sent() {
    let mut rules = rules();
    rules.discard_accepted_before = Some(at(1));
    let document = profile(json!({"person": {"name": {"lastName": "Okafor"}}}));
    assert_eq!(result(&rules, &document), MapResult::Exclude(Excluded::Discarded));
    rules.discard_accepted_before = Some(at(0));
    assert!(matches!(result(&rules, &document), MapResult::Write(_)));
}

#[test]
fn times_far_ahead_are_clamped_and_missing_ones_filled_in() {
    let document = |event: &str, qualified: &str| {
        profile(json!({
            "person": {"name": {"lastName": "Okafor"}},
            "segmentMembership": {"ups": {"s1": {"lastQualificationTime": qualified}}},
            "_sluice": {"eventTime": event}
        }))
    };
    let version = |document: &Value, field: &str| {
        let MapResult::Write(contribution) = result(&rules(), document) else {
            panic!()
        };
        contribution.fields[&field.parse::<FieldName>().unwrap()].version
    };
    let ahead = document("2026-01-02T03:09:06Z", "2026-01-02T03:09:05Z");
    assert_eq!(version(&ahead, "LastName").time, at(0));
    assert_eq!(version(&ahead, "crm_2_seg__c").time, at(300));
    let plain = profile(json!({"person": {"name": {"lastName": "Okafor"}}}));
    assert_eq!(version(&plain, "LastName").event_time, at(0));
}

#[test]
fn an_external_id_is_one_record_whatever_its_case_unless_the_field_tells_cases_apart() {
    let mut rules = rules();
    rules.write_mode = WriteMode::Upsert {
        key_field: "Email".parse().unwrap(),
    };
    rules.attributes.pop();
    let document = json!({
        "identityMap": {"crmID": [{"id": "Ada@example.org"}, {"id": "ada@example.org"}]},
        "person": {"name": {"lastName": "Okafor"}}
    });
    assert_eq!(mapped(&rules, &document).len(), 2);
    rules.key_case_sensitive = false;
    assert_eq!(mapped(&rules, &document).len(), 1);
}

#[test]
fn row_88_an_attribute_can_name_the_record() {
    let mut rules = rules();
    rules.key_source = FieldSource::AttributePath("crm.id".to_owned());
    let document = json!({"crm": {"id": CONTACT}, "person": {"name": {"lastName": "Okafor"}}});
    assert!(matches!(result(&rules, &document), MapResult::Write(_)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        Just(json!(CONTACT)),
    ];
    let key = prop_oneof![
        Just("identityMap".to_owned()),
        Just("crmID".to_owned()),
        Just("id".to_owned()),
        Just("segmentMembership".to_owned()),
        Just("ups".to_owned()),
        Just("s1".to_owned()),
        Just("person".to_owned()),
        Just("name".to_owned()),
        Just("lastName".to_owned()),
        Just("_sluice".to_owned()),
        ".{0,3}",
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_makes_it_panic_and_each_has_an_outcome(document in any_json(), seconds in any::<i64>()) {
        if let Ok(update) = profile_json::parse(document.to_string().as_bytes()) {
            let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
            let accepted = Acceptance { time, arrival: Arrival { position: 1, entry: 0 } };
            let mapped = map(&update, &rules(), accepted, time);
            prop_assert!(!mapped.is_empty());
            let _ = is_of_interest(&update, &rules());
        }
    }

    #[test]
    fn no_id_makes_it_panic(id in "\\PC{0,20}") {
        let document = json!({"identityMap": {"crmID": [{"id": id}]}, "person": {"name": {"lastName": "x"}}});
        if let Ok(update) = profile_json::parse(document.to_string().as_bytes()) {
            let accepted = Acceptance { time: at(0), arrival: Arrival { position: 1, entry: 0 } };
            prop_assert_eq!(map(&update, &rules(), accepted, at(0)).len(), 1);
        }
    }
}
