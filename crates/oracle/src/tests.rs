//! The rules, each through `expect`.

use serde_json::json;

use super::*;

const NOON: &str = "2026-01-02T12:00:00Z";
const ROSSI: &str = "0034S000005YJVlQAO";
const BIANCHI: &str = "0035500001H9ka0AAB";
const LEAD: &str = "00Q4S000002sSacUAE";
const UNKNOWN: &str = "003000000000001AAA";

/// A Contact and a Lead destination, two known contacts and one known lead.
struct Scene {
    destinations: Vec<Destination>,
    seeded: BTreeMap<String, Records>,
}

impl Scene {
    fn new() -> Self {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(source, field)| ((*source).to_owned(), (*field).to_owned()))
                .collect::<Vec<_>>()
        };
        let attributes = [
            ("person.name.lastName", "LastName"),
            ("person.name.firstName", "FirstName"),
            ("email", "Email"),
            ("company", "Company"),
        ];
        let segments = [("vip", "vip__c"), ("lapsed", "lapsed__c")];
        let destination = |object: &str, attributes: &[(&str, &str)]| Destination {
            name: object.to_owned(),
            object: object.to_owned(),
            identity_namespace: "crmID".to_owned(),
            attributes: pairs(attributes),
            segments: pairs(&segments),
        };
        let seeded = json!({
            "Contact": {ROSSI: {"LastName": "Old", "FirstName": "Ada", "Email": "old@b.c"}, BIANCHI: {"LastName": "Old"}},
            "Lead": {LEAD: {"LastName": "Old", "Company": "Old"}},
        });
        Self {
            destinations: vec![
                destination("Contact", &attributes[..3]),
                destination("Lead", &attributes),
            ],
            seeded: serde_json::from_value(seeded).unwrap(),
        }
    }

    /// Settles documents, accepted at noon, for the Contact destination.
    fn contacts(&self, documents: &[Value]) -> Expected {
        self.settle(0, documents)
    }

    fn leads(&self, documents: &[Value]) -> Expected {
        self.settle(1, documents)
    }

    fn settle(&self, destination: usize, documents: &[Value]) -> Expected {
        let accepted_at_micros = time::parse(NOON).unwrap();
        let updates: Vec<_> = documents
            .iter()
            .map(|document| Update {
                destination,
                document,
                accepted_at_micros,
            })
            .collect();
        expect(&self.destinations, &self.seeded, &updates)
    }

    fn assert_unchanged(&self, expected: &Expected) {
        assert_eq!(differences(&self.seeded, &expected.records, 10), [""; 0]);
    }
}

/// A document with one id, joined with `more`.
fn document(id: &str, more: Value) -> Value {
    let mut document = json!({"identityMap": {"crmID": [{"id": id}]}});
    let Value::Object(more) = more else {
        panic!("{more} is no object")
    };
    document.as_object_mut().unwrap().extend(more);
    document
}

fn named(last_name: &str, event_time: &str) -> Value {
    document(
        ROSSI,
        json!({"person": {"name": {"lastName": last_name}}, "_sluice": {"eventTime": event_time}}),
    )
}

fn rossi(more: Value) -> Value {
    let mut document = document(ROSSI, json!({"person": {"name": {"lastName": "Rossi"}}}));
    let Value::Object(more) = more else {
        panic!("{more} is no object")
    };
    document.as_object_mut().unwrap().extend(more);
    document
}

fn vip(entry: &Value) -> Value {
    json!({"ups": {"vip": entry}})
}

fn contact<'a>(expected: &'a Expected, id: &str) -> &'a BTreeMap<String, Value> {
    &expected.records["Contact"][id]
}

fn one(reason: &str) -> BTreeMap<String, u64> {
    BTreeMap::from([(reason.to_owned(), 1)])
}

fn none() -> BTreeMap<String, u64> {
    BTreeMap::new()
}

fn fields(json: Value) -> BTreeMap<String, Value> {
    serde_json::from_value(json).unwrap()
}

// Identities

#[test]
fn attributes_and_statuses_are_written_to_the_record_the_id_names() {
    let expected = Scene::new().contacts(&[rossi(json!({"segmentMembership": vip(&json!({}))}))]);

    assert_eq!(
        contact(&expected, ROSSI),
        &fields(json!({"LastName": "Rossi", "FirstName": "Ada", "Email": "old@b.c", "vip__c": "realized"}))
    );
    assert_eq!(contact(&expected, BIANCHI), &fields(json!({"LastName": "Old"})));
    assert_eq!((expected.identities, expected.delivered), (1, 1));
}

#[test]
fn each_of_two_ids_is_its_own_identity() {
    let mut document = rossi(json!({"segmentMembership": vip(&json!({}))}));
    document["identityMap"]["crmID"] =
        json!([{"id": ROSSI, "primary": true}, {"id": BIANCHI}, {"id": "no-id"}]);
    let expected = Scene::new().contacts(&[document]);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Rossi");
    assert_eq!(contact(&expected, BIANCHI)["LastName"], "Rossi");
    assert_eq!((expected.identities, expected.delivered), (3, 2));
    assert_eq!(expected.failed, one("INVALID_SALESFORCE_ID"));
    let counts = expected.by_segment[&(0, "vip".to_owned())];
    assert_eq!(
        counts,
        SegmentCounts {
            delivered: 2,
            excluded: 0,
            failed: 1
        }
    );
}

#[test]
fn the_same_id_twice_in_either_form_is_one_identity() {
    let mut document = rossi(json!({}));
    document["identityMap"]["crmID"] = json!([{"id": ROSSI}, {"id": ROSSI}, {"id": &ROSSI[..15]}]);

    assert_eq!(Scene::new().contacts(&[document]).identities, 1);
}

#[test]
fn a_fifteen_character_id_names_the_eighteen_character_record() {
    let expected = Scene::new().contacts(&[document(
        &ROSSI[..15],
        json!({"person": {"name": {"lastName": "Rossi"}}}),
    )]);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Rossi");
}

#[test]
fn a_document_without_an_id_is_one_excluded_identity() {
    let documents = [
        json!({"_sluice": {"consent": "withdrawn"}}),
        json!({"identityMap": {"crmID": [], "email": [{"id": "a@b.c"}]}}),
    ];
    let scene = Scene::new();
    let expected = scene.contacts(&documents);

    assert_eq!(expected.identities, 2);
    assert_eq!(expected.excluded, BTreeMap::from([("NO_IDENTITY".to_owned(), 2)]));
    scene.assert_unchanged(&expected);
}

#[test]
fn an_id_of_the_other_kind_is_excluded_and_of_any_other_kind_failed() {
    let account = "0014S000007NxmlQAC";
    let name = json!({"person": {"name": {"lastName": "Rossi"}}});
    let scene = Scene::new();
    let expected = scene.contacts(&[document(LEAD, name.clone()), document(account, name)]);

    assert_eq!(expected.excluded, one("OTHER_RECORD_KIND"));
    assert_eq!(expected.failed, one("INVALID_SALESFORCE_ID"));
    scene.assert_unchanged(&expected);
}

#[test]
fn the_id_is_checked_before_consent_and_values() {
    let expected = Scene::new().contacts(&[
        document("0034S000005YJVlQAA", json!({"_sluice": {"consent": "withdrawn"}})),
        document(LEAD, json!({"email": ["a@b.c"]})),
    ]);

    assert_eq!(expected.failed, one("INVALID_SALESFORCE_ID"));
    assert_eq!(expected.excluded, one("OTHER_RECORD_KIND"));
}

// Values

#[test]
fn null_blanks_a_field_and_absence_leaves_it() {
    let expected = Scene::new().contacts(&[rossi(json!({"email": null}))]);

    assert_eq!(
        contact(&expected, ROSSI),
        &fields(json!({"LastName": "Rossi", "FirstName": "Ada"}))
    );
}

#[test]
fn the_empty_string_is_stored_as_null() {
    let expected = Scene::new().contacts(&[rossi(json!({"email": ""}))]);

    assert_eq!(expected.delivered, 1);
    assert!(!contact(&expected, ROSSI).contains_key("Email"));
}

#[test]
fn emails_are_stored_in_lower_case() {
    let expected = Scene::new().contacts(&[rossi(json!({"email": "Anna.Rossi@Example.COM"}))]);

    assert_eq!(contact(&expected, ROSSI)["Email"], "anna.rossi@example.com");
}

#[test]
fn a_status_is_written_verbatim_from_any_namespace() {
    let memberships =
        json!({"own": {"vip": {"status": "existing"}}, "ups": {"lapsed": {"status": "exited"}}});
    let expected = Scene::new().contacts(&[rossi(json!({"segmentMembership": memberships}))]);

    assert_eq!(contact(&expected, ROSSI)["vip__c"], "existing");
    assert_eq!(contact(&expected, ROSSI)["lapsed__c"], "exited");
}

#[test]
fn the_newest_of_two_namespaces_counts() {
    let memberships = json!({
        "a": {"vip": {"status": "exited", "lastQualificationTime": "2026-01-02T11:00:00Z"}},
        "b": {"vip": {"status": "realized", "lastQualificationTime": "2026-01-02T10:00:00Z"}},
    });
    let expected = Scene::new().contacts(&[rossi(json!({"segmentMembership": memberships}))]);

    assert_eq!(contact(&expected, ROSSI)["vip__c"], "exited");
    assert_eq!(expected.by_segment[&(0, "vip".to_owned())].delivered, 1);
}

#[test]
fn a_membership_that_was_valid_until_before_acceptance_is_written_as_exited() {
    let until = |time: &str| {
        rossi(json!({"segmentMembership": vip(&json!({"status": "realized", "validUntil": time}))}))
    };
    let scene = Scene::new();

    let before = scene.contacts(&[until("2026-01-02T11:59:59.999999Z")]);
    assert_eq!(contact(&before, ROSSI)["vip__c"], "exited");
    let just_now = scene.contacts(&[until(NOON)]);
    assert_eq!(contact(&just_now, ROSSI)["vip__c"], "realized");
}

#[test]
fn a_missing_null_or_blank_last_name_excludes_the_identity() {
    for person in [
        json!({}),
        json!({"name": {"lastName": null}}),
        json!({"name": {"lastName": ""}}),
        json!({"name": {"lastName": " \t"}}),
    ] {
        let more = json!({"person": person, "email": "a@b.c", "segmentMembership": vip(&json!({}))});
        let scene = Scene::new();
        let expected = scene.contacts(&[document(ROSSI, more)]);

        assert_eq!(expected.excluded, one("MISSING_REQUIRED_VALUE"), "{person}");
        assert_eq!(expected.by_segment[&(0, "vip".to_owned())].excluded, 1);
        scene.assert_unchanged(&expected);
    }
}

#[test]
fn a_lead_needs_a_company_too() {
    let name = json!({"person": {"name": {"lastName": "Rossi"}}});
    let both = json!({"person": {"name": {"lastName": "Rossi"}}, "company": "Acme"});
    let expected = Scene::new().leads(&[document(LEAD, name), document(LEAD, both)]);

    assert_eq!(expected.excluded, one("MISSING_REQUIRED_VALUE"));
    assert_eq!(expected.delivered, 1);
    assert_eq!(
        expected.records["Lead"][LEAD],
        fields(json!({"LastName": "Rossi", "Company": "Acme"}))
    );
}

#[test]
fn an_unmapped_last_name_is_not_required() {
    let mut scene = Scene::new();
    scene.destinations[0].attributes.clear();
    let expected = scene.contacts(&[document(ROSSI, json!({"segmentMembership": vip(&json!({}))}))]);

    assert_eq!(expected.delivered, 1);
    assert_eq!(contact(&expected, ROSSI)["vip__c"], "realized");
}

#[test]
fn without_a_last_name_only_the_exits_are_written() {
    let memberships = json!({"ups": {"vip": {"status": "exited"}, "lapsed": {"status": "realized"}}});
    let more = json!({"email": "new@b.c", "segmentMembership": memberships});
    let expected = Scene::new().contacts(&[document(ROSSI, more)]);

    assert_eq!((expected.delivered, &expected.excluded), (1, &none()));
    assert_eq!(contact(&expected, ROSSI)["vip__c"], "exited");
    assert_eq!(contact(&expected, ROSSI)["Email"], "old@b.c");
    assert!(!contact(&expected, ROSSI).contains_key("lapsed__c"));
}

#[test]
fn without_a_last_name_an_expired_membership_is_an_exit() {
    let entry = json!({"status": "realized", "validUntil": "2026-01-01T00:00:00Z"});
    let expected = Scene::new().contacts(&[document(ROSSI, json!({"segmentMembership": vip(&entry)}))]);

    assert_eq!(expected.delivered, 1);
    assert_eq!(contact(&expected, ROSSI)["vip__c"], "exited");
}

#[test]
fn an_array_or_object_fails_even_where_the_last_name_is_missing() {
    for more in [
        json!({"email": ["a@b.c"]}),
        json!({"person": {"name": {"lastName": {"en": "Rossi"}}}}),
    ] {
        let scene = Scene::new();
        let expected = scene.contacts(&[document(ROSSI, more)]);

        assert_eq!(expected.failed, one("UNSUPPORTED_VALUE"));
        scene.assert_unchanged(&expected);
    }
}

#[test]
fn a_document_with_nothing_mapped_is_excluded() {
    let more = json!({"loyalty": 3, "segmentMembership": {"ups": {"unmapped": {"status": "exited"}}}});
    let expected = Scene::new().contacts(&[document(ROSSI, more)]);

    assert_eq!(expected.excluded, one("NOTHING_MAPPED"));
    assert!(expected.by_segment.is_empty());
}

#[test]
fn an_explicit_null_is_something_mapped() {
    let expected = Scene::new().contacts(&[document(ROSSI, json!({"email": null}))]);

    assert_eq!(expected.excluded, one("MISSING_REQUIRED_VALUE"));
}

// Consent and deletion

#[test]
fn withdrawn_consent_exits_every_mapped_segment_and_writes_no_attribute() {
    let more =
        json!({"segmentMembership": vip(&json!({})), "_sluice": {"consent": "withdrawn", "deleted": true}});
    let expected = Scene::new().contacts(&[rossi(more)]);

    assert_eq!(expected.excluded, one("CONSENT"));
    assert_eq!(contact(&expected, ROSSI)["LastName"], "Old");
    assert_eq!(contact(&expected, ROSSI)["vip__c"], "exited");
    assert_eq!(contact(&expected, ROSSI)["lapsed__c"], "exited");
    assert_eq!(expected.by_segment.len(), 1);
    assert_eq!(expected.by_segment[&(0, "vip".to_owned())].excluded, 1);
}

#[test]
fn withdrawn_consent_keeps_out_older_memberships_but_not_newer_ones() {
    let withdrawn = document(
        ROSSI,
        json!({"_sluice": {"consent": "withdrawn", "eventTime": "2026-01-02T10:00:00Z"}}),
    );
    let entry = |time: &str| json!({"lastQualificationTime": time});
    let memberships =
        json!({"ups": {"vip": entry("2026-01-02T09:00:00Z"), "lapsed": entry("2026-01-02T11:00:00Z")}});
    let expected = Scene::new().contacts(&[withdrawn, rossi(json!({"segmentMembership": memberships}))]);

    assert_eq!(contact(&expected, ROSSI)["vip__c"], "exited");
    assert_eq!(contact(&expected, ROSSI)["lapsed__c"], "realized");
}

#[test]
fn withdrawn_consent_for_an_unknown_record_is_still_an_exclusion() {
    let expected = Scene::new().contacts(&[document(UNKNOWN, json!({"_sluice": {"consent": "withdrawn"}}))]);

    assert_eq!((expected.excluded, expected.failed), (one("CONSENT"), none()));
}

#[test]
fn granted_consent_changes_nothing() {
    let expected = Scene::new().contacts(&[rossi(
        json!({"_sluice": {"consent": "granted", "deleted": false}}),
    )]);

    assert_eq!(expected.delivered, 1);
}

#[test]
fn a_deleted_profile_writes_nothing() {
    let scene = Scene::new();
    let more = json!({"segmentMembership": vip(&json!({"status": "exited"})), "_sluice": {"deleted": true}});
    let expected = scene.contacts(&[rossi(more)]);

    assert_eq!(expected.excluded, one("PROFILE_DELETED"));
    scene.assert_unchanged(&expected);
}

// What Salesforce refuses

#[test]
fn an_unknown_record_wins_over_every_other_refusal_by_salesforce() {
    let more = json!({"person": {"name": {"lastName": "Rossi"}}, "email": "bad"});
    let expected = Scene::new().contacts(&[document(UNKNOWN, more)]);

    assert_eq!(expected.failed, one("INVALID_CROSS_REFERENCE_KEY"));
    assert!(!expected.records["Contact"].contains_key(UNKNOWN));
}

#[test]
fn too_long_a_text_is_refused_before_salesforce_is_asked() {
    let long = |id: &str, event_time: &str| {
        let more =
            json!({"person": {"name": {"lastName": "a".repeat(81)}}, "_sluice": {"eventTime": event_time}});
        document(id, more)
    };
    let scene = Scene::new();

    let unknown = scene.contacts(&[long(UNKNOWN, NOON)]);
    let older = scene.contacts(&[
        named("Newer", "2026-01-02T10:00:00Z"),
        long(ROSSI, "2026-01-02T09:00:00Z"),
    ]);

    assert_eq!(unknown.failed, one("STRING_TOO_LONG"));
    assert_eq!((older.delivered, older.failed), (1, one("STRING_TOO_LONG")));
}

#[test]
fn of_two_values_that_their_fields_cannot_hold_the_first_mapping_decides() {
    let list_first = rossi(json!({"person": {"name": {"lastName": [], "firstName": "a".repeat(41)}}}));
    let long_first = rossi(json!({"person": {"name": {"lastName": "a".repeat(81), "firstName": []}}}));

    assert_eq!(
        Scene::new().contacts(&[list_first]).failed,
        one("UNSUPPORTED_VALUE")
    );
    assert_eq!(
        Scene::new().contacts(&[long_first]).failed,
        one("STRING_TOO_LONG")
    );
}

#[test]
fn exits_without_a_last_name_fail_on_an_unknown_record() {
    let more = json!({"segmentMembership": vip(&json!({"status": "exited"}))});

    assert_eq!(
        Scene::new().contacts(&[document(UNKNOWN, more)]).failed,
        one("INVALID_CROSS_REFERENCE_KEY")
    );
}

#[test]
fn a_refused_update_leaves_the_whole_record_as_it_was() {
    let refusals = [
        (
            json!({"person": {"name": {"lastName": "a".repeat(81)}}}),
            "STRING_TOO_LONG",
        ),
        (
            json!({"person": {"name": {"lastName": "Rossi", "firstName": "a".repeat(41)}}}),
            "STRING_TOO_LONG",
        ),
        (
            json!({"email": format!("{}@b.c", "a".repeat(77))}),
            "STRING_TOO_LONG",
        ),
        (json!({"email": "a".repeat(81)}), "STRING_TOO_LONG"),
        (json!({"email": "a@b"}), "INVALID_EMAIL_ADDRESS"),
    ];
    for (more, code) in refusals {
        let mut update = rossi(json!({"segmentMembership": vip(&json!({}))}));
        update
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let scene = Scene::new();
        let expected = scene.contacts(&[update]);

        assert_eq!(expected.failed, one(code));
        assert_eq!(expected.by_segment[&(0, "vip".to_owned())].failed, 1);
        scene.assert_unchanged(&expected);
    }
}

#[test]
fn too_long_a_company_is_refused() {
    let more = json!({"person": {"name": {"lastName": "Rossi"}}, "company": "a".repeat(256)});

    assert_eq!(
        Scene::new().leads(&[document(LEAD, more)]).failed,
        one("STRING_TOO_LONG")
    );
}

#[test]
fn refused_and_excluded_updates_leave_no_version() {
    let refused = rossi(json!({"email": "bad", "_sluice": {"eventTime": NOON}}));
    let deleted = rossi(json!({"_sluice": {"eventTime": NOON, "deleted": true}}));
    let expected = Scene::new().contacts(&[refused, deleted, named("Older", "2026-01-02T08:00:00Z")]);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Older");
}

#[test]
fn a_value_that_is_too_old_to_be_written_cannot_be_refused() {
    let newer = rossi(json!({"email": "new@b.c", "_sluice": {"eventTime": "2026-01-02T10:00:00Z"}}));
    let older = rossi(json!({"email": "bad", "_sluice": {"eventTime": "2026-01-02T09:00:00Z"}}));
    let expected = Scene::new().contacts(&[newer, older]);

    assert_eq!((expected.delivered, &expected.failed), (2, &none()));
    assert_eq!(contact(&expected, ROSSI)["Email"], "new@b.c");
}

// Newest wins, per field

#[test]
fn an_older_event_that_arrives_later_is_delivered_but_not_written() {
    let expected = Scene::new().contacts(&[
        named("Newer", "2026-01-02T10:00:00Z"),
        named("Older", "2026-01-02T09:00:00Z"),
    ]);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Newer");
    assert_eq!(expected.delivered, 2);
}

#[test]
fn an_older_event_fills_the_fields_the_newer_one_left() {
    let newer = named("Newer", "2026-01-02T10:00:00Z");
    let older = rossi(json!({"email": "older@b.c", "_sluice": {"eventTime": "2026-01-02T09:00:00Z"}}));
    let expected = Scene::new().contacts(&[newer, older]);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Newer");
    assert_eq!(contact(&expected, ROSSI)["Email"], "older@b.c");
}

#[test]
fn of_equal_times_the_later_arrival_wins() {
    let expected = Scene::new().contacts(&[
        named("First", NOON),
        named("Second", "2026-01-02T12:00:00.000+0000"),
    ]);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Second");
}

#[test]
fn a_blank_has_a_version_like_any_value() {
    let blank = rossi(json!({"email": null, "_sluice": {"eventTime": "2026-01-02T10:00:00Z"}}));
    let older = rossi(json!({"email": "older@b.c", "_sluice": {"eventTime": "2026-01-02T09:00:00Z"}}));
    let expected = Scene::new().contacts(&[blank, older]);

    assert!(!contact(&expected, ROSSI).contains_key("Email"));
}

#[test]
fn a_missing_event_time_is_the_time_of_acceptance() {
    let without = rossi(json!({}));
    let scene = Scene::new();

    let after_it = scene.contacts(&[without.clone(), named("Later", "2026-01-02T12:00:01Z")]);
    assert_eq!(contact(&after_it, ROSSI)["LastName"], "Later");
    let before_it = scene.contacts(&[without, named("Earlier", "2026-01-02T11:59:59Z")]);
    assert_eq!(contact(&before_it, ROSSI)["LastName"], "Rossi");
}

#[test]
fn a_time_more_than_five_minutes_ahead_is_the_time_of_acceptance() {
    let far_ahead = named("Ahead", "2026-01-02T12:05:00.000001Z");
    let expected = Scene::new().contacts(&[far_ahead, named("Now", NOON)]);
    assert_eq!(contact(&expected, ROSSI)["LastName"], "Now");

    let a_little_ahead = named("Ahead", "2026-01-02T12:05:00Z");
    let expected = Scene::new().contacts(&[a_little_ahead, named("Now", NOON)]);
    assert_eq!(contact(&expected, ROSSI)["LastName"], "Ahead");
}

#[test]
fn segments_compare_by_qualification_time_before_event_time() {
    let update = |status: &str, qualified: &str, event: &str| {
        let entry = json!({"status": status, "lastQualificationTime": qualified});
        rossi(json!({"segmentMembership": vip(&entry), "_sluice": {"eventTime": event}}))
    };
    let scene = Scene::new();

    let by_qualification = scene.contacts(&[
        update("exited", "2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z"),
        update("realized", "2026-01-02T09:00:00Z", "2026-01-02T11:00:00Z"),
    ]);
    assert_eq!(contact(&by_qualification, ROSSI)["vip__c"], "exited");
    let by_event = scene.contacts(&[
        update("exited", "2026-01-02T10:00:00Z", "2026-01-02T11:00:00Z"),
        update("realized", "2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z"),
    ]);
    assert_eq!(contact(&by_event, ROSSI)["vip__c"], "exited");
    let by_arrival = scene.contacts(&[update("exited", NOON, NOON), update("realized", NOON, NOON)]);
    assert_eq!(contact(&by_arrival, ROSSI)["vip__c"], "realized");
}

#[test]
fn a_qualification_time_far_ahead_is_clamped_too() {
    let update = |status: &str, qualified: &str| {
        let entry = json!({"status": status, "lastQualificationTime": qualified});
        rossi(json!({"segmentMembership": vip(&entry), "_sluice": {"eventTime": NOON}}))
    };
    let expected =
        Scene::new().contacts(&[update("exited", "2027-01-01T00:00:00Z"), update("existing", NOON)]);

    assert_eq!(contact(&expected, ROSSI)["vip__c"], "existing");
}

#[test]
fn destinations_of_one_object_share_the_versions_of_a_record() {
    let mut scene = Scene::new();
    scene.destinations[1] = scene.destinations[0].clone();
    let (newer, older) = (
        named("Newer", "2026-01-02T10:00:00Z"),
        named("Older", "2026-01-02T09:00:00Z"),
    );
    let accepted_at_micros = time::parse(NOON).unwrap();
    let updates = [
        Update {
            destination: 0,
            document: &newer,
            accepted_at_micros,
        },
        Update {
            destination: 1,
            document: &older,
            accepted_at_micros,
        },
    ];
    let expected = expect(&scene.destinations, &scene.seeded, &updates);

    assert_eq!(contact(&expected, ROSSI)["LastName"], "Newer");
}

#[test]
fn every_identity_has_exactly_one_outcome() {
    let expected = Scene::new().contacts(&[
        rossi(json!({})),
        json!({}),
        document(LEAD, json!({})),
        document("bad", json!({})),
        document(UNKNOWN, json!({"person": {"name": {"lastName": "Rossi"}}})),
        document(ROSSI, json!({"_sluice": {"consent": "withdrawn"}})),
    ]);

    let counted =
        expected.delivered + expected.excluded.values().sum::<u64>() + expected.failed.values().sum::<u64>();
    assert_eq!((expected.identities, counted), (6, 6));
}
