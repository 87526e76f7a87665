//! Options of mappings, constants and status values.

use super::*;
use crate::{
    destination::{Constant, OnNull, TooLong},
    org_shape::FieldKind,
    plan::PlannedConstant,
    transform::{TextCase, Transform, Unmapped, ValueMap, tests_any},
};

/// The place of FirstName among the attributes of [`rules`].
const FIRST_NAME: usize = 1;

fn limited(max_length: u32) -> FieldShape {
    FieldShape {
        kind: FieldKind::Text,
        max_length,
    }
}

fn with_first_name(change: impl FnOnce(&mut PlannedAttribute)) -> Rules {
    let mut rules = rules();
    change(&mut rules.attributes[FIRST_NAME]);
    rules
}

fn first_name(value: &Value) -> Value {
    profile(json!({"person": {"name": {"lastName": "Okafor", "firstName": value}}}))
}

fn failure(rules: &Rules, document: &Value) -> Failure {
    match result(rules, document) {
        MapResult::Fail(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn row_90_91_93_a_text_that_is_too_long_fails_with_the_fields_length_and_not_with_the_text() {
    let mut rules = with_first_name(|planned| planned.shape = limited(40));
    rules.attributes[0].shape = limited(80);
    let fits =
        profile(json!({"person": {"name": {"lastName": "長".repeat(80), "firstName": "n".repeat(40)}}}));
    assert!(matches!(result(&rules, &fits), MapResult::Write(_)));

    for (last, first, field, limit) in [(81, 40, "LastName", "80"), (80, 41, "FirstName", "40")] {
        let document = profile(
            json!({"person": {"name": {"lastName": "長".repeat(last), "firstName": "n".repeat(first)}}}),
        );
        let failure = failure(&rules, &document);
        assert_eq!(failure.code, "STRING_TOO_LONG");
        assert_eq!(failure.fields, [field]);
        assert!(failure.message.contains(limit), "{}", failure.message);
        assert!(
            !failure.message.contains("長") && !failure.message.contains("nnn"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn row_90_91_a_text_is_truncated_between_characters_where_the_mapping_says_so() {
    let rules = with_first_name(|planned| {
        planned.shape = limited(5);
        planned.options.too_long = TooLong::Truncate;
    });
    for (given, kept) in [
        ("Ad\u{e9}la", "Ad\u{e9}la"),
        ("Ad\u{e9}laide", "Ad\u{e9}la"),
        // Two units each, and never half of one.
        ("🦀🦀🦀", "🦀🦀"),
        ("a🦀🦀🦀", "a🦀🦀"),
    ] {
        assert_eq!(written(&rules, &first_name(&json!(given)))["FirstName"], kept);
    }
}

#[test]
fn a_text_that_only_salesforce_can_judge_is_sent() {
    let rules = with_first_name(|planned| planned.shape = limited(3));
    assert_eq!(
        written(&rules, &first_name(&json!("🦀🦀🦀")))["FirstName"],
        "🦀🦀🦀"
    );
    assert_eq!(
        failure(&rules, &first_name(&json!("🦀🦀🦀🦀"))).code,
        "STRING_TOO_LONG"
    );
}

#[test]
fn a_field_that_was_not_described_or_holds_no_free_text_has_no_limit() {
    for kind in [FieldKind::Other, FieldKind::Picklist] {
        let rules = with_first_name(|planned| planned.shape = FieldShape { kind, max_length: 1 });
        assert_eq!(written(&rules, &first_name(&json!("Ada")))["FirstName"], "Ada");
    }
}

#[test]
fn row_142_a_null_blanks_or_leaves_as_the_mapping_says() {
    let leave = with_first_name(|planned| planned.options.on_null = OnNull::Leave);
    for empty in [json!(null), json!("")] {
        assert_eq!(
            written(&leave, &first_name(&empty)),
            json!({"LastName": "Okafor"})
        );
    }
    assert_eq!(
        written(&rules(), &first_name(&json!(""))),
        json!({"FirstName": "", "LastName": "Okafor"})
    );
    let checkbox = with_first_name(|planned| planned.shape.kind = FieldKind::Checkbox);
    assert_eq!(
        written(&checkbox, &first_name(&json!(null))),
        json!({"FirstName": false, "LastName": "Okafor"})
    );
}

#[test]
fn a_checkbox_takes_the_text_of_a_boolean_and_no_other() {
    let mut checkbox = with_first_name(|planned| planned.shape.kind = FieldKind::Checkbox);
    for (given, ticked) in [("true", true), ("false", false), ("", false)] {
        assert_eq!(
            written(&checkbox, &first_name(&json!(given)))["FirstName"],
            ticked
        );
    }
    let failure = failure(&checkbox, &first_name(&json!("yes")));
    assert_eq!(failure.code, "UNSUPPORTED_VALUE");
    assert!(failure.message.contains("person.name.firstName") && !failure.message.contains("yes"));
    checkbox.attributes[FIRST_NAME].options.transforms = vec![Transform::ValueMap(ValueMap {
        values: [("yes".to_owned(), "true".to_owned())].into(),
        unmapped: Unmapped::Keep,
    })];
    assert_eq!(written(&checkbox, &first_name(&json!("yes")))["FirstName"], true);
}

#[test]
fn an_update_whose_nulls_all_leave_their_fields_sends_nothing() {
    let mut rules = with_first_name(|planned| planned.options.on_null = OnNull::Leave);
    rules.attributes.remove(0);
    rules.constants = vec![PlannedConstant {
        field: "LastName".parse().unwrap(),
        value: Constant::Text("Unknown".to_owned()),
    }];
    let document = profile(json!({"person": {"name": {"firstName": null}}}));
    assert_eq!(
        result(&rules, &document),
        MapResult::Exclude(Excluded::NothingMapped)
    );
}

#[test]
fn transforms_are_made_in_their_order_before_the_length_is_looked_at() {
    let rules = with_first_name(|planned| {
        planned.shape = limited(3);
        planned.options.transforms = vec![
            Transform::Trim,
            Transform::Case(TextCase::Lower),
            Transform::ValueMap(ValueMap {
                values: [("adelaide".to_owned(), "Ada".to_owned())].into(),
                unmapped: Unmapped::Refuse,
            }),
        ];
    });
    assert_eq!(
        written(&rules, &first_name(&json!("  ADELAIDE ")))["FirstName"],
        "Ada"
    );
    assert_eq!(
        written(&rules, &first_name(&json!("   ")))["FirstName"],
        json!(null)
    );
    assert_eq!(
        written(&rules, &first_name(&json!(null)))["FirstName"],
        json!(null)
    );

    let failure = failure(&rules, &first_name(&json!("Grace")));

    assert_eq!(failure.code, "UNSUPPORTED_VALUE");
    assert_eq!(failure.fields, ["FirstName"]);
    for part in ["person.name.firstName", "FirstName", "value map"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    assert!(
        !failure.message.to_lowercase().contains("grace"),
        "{}",
        failure.message
    );
}

#[test]
fn row_98_a_required_value_that_a_transform_empties_is_missing() {
    let mut rules = rules();
    rules.attributes[0].options.transforms = vec![Transform::ValueMap(ValueMap {
        values: [("n/a".to_owned(), String::new())].into(),
        unmapped: Unmapped::Keep,
    })];
    let document = profile(json!({"person": {"name": {"lastName": "n/a"}}}));
    assert_eq!(
        result(&rules, &document),
        MapResult::Exclude(Excluded::MissingRequiredValue)
    );
}

#[test]
fn a_constant_is_written_with_attributes_or_statuses_and_never_alone() {
    let mut rules = rules();
    let constant = |field: &str, value| PlannedConstant {
        field: field.parse().unwrap(),
        value,
    };
    rules.constants = vec![
        constant("LeadSource", Constant::Text("Web".to_owned())),
        constant("Score__c", Constant::Number(5.0.try_into().unwrap())),
        constant("Rate__c", Constant::Number(0.5.try_into().unwrap())),
        constant("Platform__c", Constant::Boolean(true)),
    ];
    let named = profile(json!({"person": {"name": {"lastName": "Okafor"}}}));
    let constants = json!({"LeadSource": "Web", "Score__c": 5, "Rate__c": 0.5, "Platform__c": true});
    for (field, value) in constants.as_object().unwrap() {
        assert_eq!(&written(&rules, &named)[field], value);
    }
    let nothing = profile(json!({"loyalty": "gold"}));
    assert_eq!(
        result(&rules, &nothing),
        MapResult::Exclude(Excluded::NothingMapped)
    );
    let update = profile_json::parse(nothing.to_string().as_bytes()).unwrap();
    assert!(!is_of_interest(&update, &rules));

    rules.deleted_profile_policy = DeletedProfilePolicy::ExitAndBlank;
    let deleted = profile(json!({"_sluice": {"deleted": true}}));
    assert_eq!(written(&rules, &deleted).get("LeadSource"), None);
}

#[test]
fn row_10_132_144_147_148_a_status_is_written_as_the_destination_says() {
    let document = |status: &str| {
        profile(json!({
            "person": {"name": {"lastName": "Okafor"}},
            "segmentMembership": {"ups": {"s1": {"status": status}, "s2": {"status": status}}}
        }))
    };
    let mut mapped = rules();
    mapped.segments[1].is_checkbox = true;
    mapped.status_values = StatusValues {
        realized: "true".to_owned(),
        existing: "true".to_owned(),
        exited: "false".to_owned(),
    };
    for (status, text) in [("realized", "true"), ("existing", "true"), ("exited", "false")] {
        let verbatim = written(&rules(), &document(status));
        assert_eq!(
            (&verbatim["crm_2_seg__c"], &verbatim["vip__c"]),
            (&json!(status), &json!(status))
        );
        let written = written(&mapped, &document(status));
        assert_eq!(written["crm_2_seg__c"], json!(text));
        assert_eq!(written["vip__c"], json!(text == "true"));
    }
    let withdrawn = profile(json!({"_sluice": {"consent": "withdrawn"}}));
    assert_eq!(
        written(&mapped, &withdrawn),
        json!({"crm_2_seg__c": "false", "vip__c": false})
    );
}

#[test]
fn row_152_a_status_that_an_update_does_not_have_is_not_written() {
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor"}},
        "segmentMembership": {"ups": {"s2": {"status": "realized"}}}
    }));
    assert_eq!(written(&rules(), &document).get("crm_2_seg__c"), None);
}

#[test]
fn row_145_149_a_segment_is_found_in_every_namespace_and_a_payload_is_not_written() {
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor"}},
        "segmentMembership": {
            "AAM": {"s1": {"payload": {"payloadType": "propensity", "payloadPropensityValue": 0.3}}},
            "Email": {"s2": {"version": "2", "status": "exited"}}}
    }));
    assert_eq!(
        written(&rules(), &document),
        json!({"LastName": "Okafor", "crm_2_seg__c": "realized", "vip__c": "exited"})
    );
}

#[test]
fn row_103_104_an_update_is_held_against_the_schedule_by_its_acceptance_in_utc() {
    let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let document = profile(json!({
        "person": {"name": {"lastName": "Okafor"}},
        "segmentMembership": {"ups": {"s1": {}}}
    }));
    let update = profile_json::parse(document.to_string().as_bytes()).unwrap();
    let mut rules = rules();
    // The same instants, as somebody in Tokyo would write them.
    rules.segments[0].start_time = Some(instant("2026-03-01T09:00:00+09:00"));
    let is_written = |rules: &Rules, accepted_at: &str| {
        let accepted = Acceptance {
            time: instant(accepted_at),
            arrival: Arrival {
                position: 1,
                entry: 0,
            },
        };
        match map(&update, rules, accepted, accepted.time).remove(0).result {
            MapResult::Write(contribution) => {
                contribution.fields.contains_key(&"crm_2_seg__c".parse().unwrap())
            }
            other => panic!("{other:?}"),
        }
    };
    for (accepted_at, expected) in [
        ("2026-02-28T23:59:59.999999Z", false),
        ("2026-03-01T00:00:00Z", true),
        // No end: for ever.
        ("2999-01-01T00:00:00Z", true),
    ] {
        assert_eq!(is_written(&rules, accepted_at), expected, "{accepted_at}");
    }
    rules.segments[0].end_time = Some(instant("2026-04-01T09:00:00+09:00"));
    for (accepted_at, expected) in [
        ("2026-03-31T23:59:59.999999Z", true),
        ("2026-04-01T00:00:00Z", false),
        ("2026-04-01T00:00:00.000001Z", false),
    ] {
        assert_eq!(is_written(&rules, accepted_at), expected, "{accepted_at}");
    }
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let kind = prop_oneof![
        Just(FieldKind::Other),
        Just(FieldKind::Text),
        Just(FieldKind::Picklist),
        Just(FieldKind::Checkbox),
        Just(FieldKind::Number),
        Just(FieldKind::Date),
    ];
    let options = (
        prop_oneof![Just(TooLong::Refuse), Just(TooLong::Truncate)],
        prop_oneof![Just(OnNull::Blank), Just(OnNull::Leave)],
        prop::collection::vec(tests_any::transform(), 0..3),
    )
        .prop_map(|(too_long, on_null, transforms)| MappingOptions {
            too_long,
            on_null,
            transforms,
        });
    let path = prop_oneof![
        Just("person"),
        Just("person.name"),
        Just("person.name.lastName"),
        Just("id")
    ];
    let attribute = (path, "[A-F]", any::<bool>(), options, kind, 0..4_u32).prop_map(
        |(path, field, required, options, kind, max_length)| PlannedAttribute {
            source_path: path.to_owned(),
            field: field.parse().unwrap(),
            required,
            options,
            shape: FieldShape { kind, max_length },
        },
    );
    let constant = ("[U-Z]", "\\PC{0,4}").prop_map(|(field, text)| PlannedConstant {
        field: field.parse().unwrap(),
        value: Constant::Text(text),
    });
    (
        prop::collection::vec(attribute, 0..5),
        prop::collection::vec(constant, 0..2),
        any::<[bool; 3]>(),
        "\\PC{0,4}",
    )
        .prop_map(|(attributes, constants, [is_checkbox, upsert, blank], exited)| {
            let mut rules = rules();
            rules.attributes = attributes;
            rules.constants = constants;
            rules.segments[0].is_checkbox = is_checkbox;
            rules.status_values.exited = exited;
            if upsert {
                rules.write_mode = WriteMode::Upsert {
                    key_field: "Key__c".parse().unwrap(),
                };
            }
            if blank {
                rules.deleted_profile_policy = DeletedProfilePolicy::ExitAndBlank;
            }
            rules
        })
}

proptest! {
    #[test]
    fn no_rules_make_it_panic_and_what_is_written_fits(document in any_json(), rules in any_rules()) {
        let mut document = document;
        if let Value::Object(members) = &mut document {
            members.insert("identityMap".to_owned(), json!({"crmID": [{"id": CONTACT}]}));
        }
        let Ok(update) = profile_json::parse(document.to_string().as_bytes()) else { return Ok(()) };
        let accepted = Acceptance { time: at(0), arrival: Arrival { position: 1, entry: 0 } };
        let _ = is_of_interest(&update, &rules);
        for mapped in map(&update, &rules, accepted, at(1)) {
            let MapResult::Write(contribution) = mapped.result else { continue };
            prop_assert!(!contribution.fields.is_empty());
            for planned in &rules.attributes {
                let Some(limit) = planned.shape.text_limit() else { continue };
                let is_alone = rules.attributes.iter().filter(|other| other.field == planned.field).count() == 1;
                if let (true, Some(FieldWrite { value: FieldValue::Text(text), .. })) =
                    (is_alone, contribution.fields.get(&planned.field))
                {
                    prop_assert!(text.chars().count() <= limit);
                }
            }
        }
    }
}

fn of_kind(kind: FieldKind) -> Rules {
    with_first_name(|planned| {
        planned.shape = FieldShape { kind, max_length: 0 };
    })
}

#[test]
fn a_value_is_written_as_its_field_takes_it() {
    use FieldKind::{Checkbox, Date, Datetime, Number, Other, Picklist, Text};
    for (kind, given, held) in [
        (Text, json!(5), json!("5")),
        (Text, json!(5.0), json!("5")),
        (Text, json!(-0.0), json!("0")),
        (Text, json!(1.25), json!("1.25")),
        (Text, json!(9_007_199_254_740_993_i64), json!("9007199254740993")),
        (Picklist, json!(3), json!("3")),
        (Text, json!(true), json!("true")),
        (Number, json!(5), json!(5)),
        (Number, json!(" 5.5 "), json!(" 5.5 ")),
        (Number, json!(" "), json!(null)),
        (Checkbox, json!(true), json!(true)),
        (Date, json!("1990-05-01"), json!("1990-05-01")),
        (Date, json!("1990-05-01T23:00:00-05:00"), json!("1990-05-01")),
        (Date, json!(""), json!(null)),
        (
            Datetime,
            json!("2026-01-02T03:04:05+01:00"),
            json!("2026-01-02T02:04:05.000Z"),
        ),
        (Other, json!(5), json!(5)),
    ] {
        let written = written(&of_kind(kind), &first_name(&given));
        assert_eq!(written["FirstName"], held, "{kind:?} {given}");
    }
    let short = with_first_name(|planned| planned.shape = limited(2));
    assert_eq!(failure(&short, &first_name(&json!(123))).code, "STRING_TOO_LONG");
}

#[test]
fn what_a_field_cannot_hold_fails_and_is_not_told() {
    use FieldKind::{Checkbox, Date, Datetime, Number};
    for (kind, given) in [
        (Number, json!("12 apples")),
        (Number, json!("inf")),
        (Number, json!(true)),
        (Checkbox, json!(12)),
        (Date, json!(12)),
        (Date, json!("12.05.1990")),
        (Datetime, json!("12.05.1990")),
        (Datetime, json!(true)),
    ] {
        let failure = failure(&of_kind(kind), &first_name(&given));
        assert_eq!(failure.code, "UNSUPPORTED_VALUE", "{kind:?} {given}");
        assert_eq!(failure.fields, ["FirstName"]);
        assert!(!failure.message.contains("12"), "{}", failure.message);
    }
}
