//! Field mappings with options, transforms and constants.

use contracts::{
    config::v1::{
        Constant, DateInput, DateOutput, DateTransform, FieldKind, FieldMapping, FieldShape, FieldSource,
        FieldTarget, ListCatalogEntriesRequest, NumberTransform, OnNull, Plan, RecordType,
        SetFieldMappingsRequest, TextCase, TooLong, Transform, TrimTransform, UnmappedValues,
        ValueMapTransform, Warning, WriteMode, constant::Value as Constantly, field_source::Source,
        field_target::Target, transform::Transform as Kind,
    },
    status::reason,
};
use serde_json::json;
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{
        CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, attribute, draft, identity, mappings, segment,
    },
};

on_both_databases!(
    row_81_82_90_143_rules_of_every_kind_are_kept_and_planned_with_the_orgs_lengths,
    row_80_everything_that_is_wrong_with_any_row_is_told_at_once,
    row_77_the_51st_mapped_attribute_is_warned_of,
    row_88_an_attribute_may_name_the_record,
    row_33_85_rules_that_the_orgs_fields_cannot_take_are_refused,
    row_90_a_live_edit_reads_the_orgs_lengths_again,
    row_96_an_upsert_needs_every_field_that_a_new_record_requires,
    row_97_the_catalog_tells_which_targets_are_fixed,
);

fn transformed(mapping: FieldMapping, kinds: &[Kind]) -> FieldMapping {
    FieldMapping {
        transforms: kinds
            .iter()
            .map(|kind| Transform {
                transform: Some(kind.clone()),
            })
            .collect(),
        ..mapping
    }
}

fn constant(value: Constantly, field: &str) -> FieldMapping {
    FieldMapping {
        source: Some(FieldSource {
            source: Some(Source::Constant(Constant { value: Some(value) })),
        }),
        target: Some(FieldTarget {
            target: Some(Target::Field(field.to_owned())),
        }),
        ..Default::default()
    }
}

fn text(text: &str, field: &str) -> FieldMapping {
    constant(Constantly::Text(text.to_owned()), field)
}

fn date(input: DateInput, output: DateOutput) -> Kind {
    Kind::Date(DateTransform {
        input: input.into(),
        output: output.into(),
        ..Default::default()
    })
}

fn number() -> Kind {
    Kind::Number(NumberTransform {
        decimal_separator: ",".to_owned(),
        thousands_separator: ".".to_owned(),
        scale: Some(2),
    })
}

fn values(from: &str, to: &str) -> Kind {
    Kind::ValueMap(ValueMapTransform {
        values: [(from.to_owned(), to.to_owned())].into(),
        unmapped: UnmappedValues::Refuse.into(),
    })
}

fn truncated(mapping: FieldMapping) -> FieldMapping {
    FieldMapping {
        too_long: TooLong::Truncate.into(),
        ..mapping
    }
}

async fn put_other_fields(rig: &Rig) {
    rig.put_field("Spent__c", "currency", json!({})).await;
    rig.put_field("Member__c", "boolean", json!({})).await;
    rig.put_field("Seen__c", "datetime", json!({})).await;
    let tiers = json!({"picklist_values": ["Gold", "Silver"], "restricted": true});
    rig.put_field("Tier__c", "picklist", tiers).await;
}

async fn row_81_82_90_143_rules_of_every_kind_are_kept_and_planned_with_the_orgs_lengths(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    put_other_fields(&rig).await;
    let trim = Kind::Trim(TrimTransform {});
    let lower = Kind::TextCase(TextCase::Lower.into());
    let rows = vec![
        identity("crmID", "SalesforceId"),
        truncated(transformed(
            attribute("person.name.lastName", "LastName"),
            std::slice::from_ref(&trim),
        )),
        FieldMapping {
            on_null: OnNull::Leave.into(),
            ..attribute("person.name.firstName", "FirstName")
        },
        transformed(
            attribute("born", "Birthdate"),
            &[Kind::Date(DateTransform {
                input: DateInput::Pattern.into(),
                pattern: "%d.%m.%Y".to_owned(),
                output: DateOutput::Date.into(),
            })],
        ),
        transformed(attribute("spent", "Spent__c"), &[number()]),
        transformed(
            attribute("tier", "Tier__c"),
            &[trim.clone(), lower, values("g", "Gold")],
        ),
        text("Web", "LeadSource"),
        constant(Constantly::Boolean(true), "Member__c"),
    ];

    let stored = rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    assert_eq!(stored.field_mappings, rows);
    let rig = rig.restart(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();

    assert_eq!(active.field_mappings, rows);
    let plan: Plan = rig.all_plans().await.remove(0);
    let planned: Vec<(&str, FieldKind, u32)> = plan
        .attributes
        .iter()
        .map(|attribute| {
            let shape: FieldShape = attribute.shape.unwrap();
            (attribute.field.as_str(), shape.kind(), shape.max_length)
        })
        .collect();
    assert_eq!(
        planned,
        [
            ("LastName", FieldKind::Text, 80),
            ("FirstName", FieldKind::Text, 40),
            ("Birthdate", FieldKind::Date, 0),
            ("Spent__c", FieldKind::Number, 0),
            ("Tier__c", FieldKind::Picklist, 255),
        ]
    );
    assert_eq!(plan.attributes[0].too_long(), TooLong::Truncate);
    assert_eq!(plan.attributes[0].transforms[0].transform, Some(trim));
    assert_eq!(plan.attributes[1].on_null(), OnNull::Leave);
    for (attribute, row) in plan.attributes[2..].iter().zip(&rows[3..]) {
        assert_eq!(attribute.transforms, row.transforms);
    }
    let constants: Vec<(&str, Option<Constantly>)> = plan
        .constants
        .iter()
        .map(|constant| (constant.field.as_str(), constant.value.clone().unwrap().value))
        .collect();
    assert_eq!(
        constants,
        [
            ("LeadSource", Some(Constantly::Text("Web".to_owned()))),
            ("Member__c", Some(Constantly::Boolean(true))),
        ]
    );
}

async fn row_80_everything_that_is_wrong_with_any_row_is_told_at_once(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let rows = vec![
        attribute("a", "Title"),
        FieldMapping::default(),
        attribute("b", "title"),
        identity("crmID", "Department"),
        transformed(
            attribute("c", "not a field"),
            &[date(DateInput::Unspecified, DateOutput::Date)],
        ),
        text(" ", "LeadSource"),
        truncated(identity("crmID", "SalesforceId")),
        transformed(
            attribute("d", "Birthdate"),
            &[date(DateInput::Iso8601, DateOutput::Date), number()],
        ),
    ];
    let mut keyless = constant(Constantly::Boolean(true), "Id");
    keyless.target = Some(FieldTarget {
        target: Some(Target::Identity("SalesforceId".to_owned())),
    });

    let refused = rig.set_field_mappings(CONTACTS, &rows).await.unwrap_err();
    let constant_key = rig.set_field_mappings(CONTACTS, &[keyless]).await.unwrap_err();
    let elsewhere = rig
        .set_field_mappings("workspaces/acme/destinations/gone", &rows)
        .await
        .unwrap_err();

    let problems = assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "field_mappings[1].source",
            "field_mappings[1].target",
            "field_mappings[2].target.field",
            "field_mappings[3].target.identity",
            "field_mappings[4].target.field",
            "field_mappings[4].transforms[0].date.input",
            "field_mappings[5].source.constant",
            "field_mappings[6].too_long",
            "field_mappings[7].transforms[1]",
        ],
    );
    assert!(problems[2].contains("by field_mappings[0]"), "{problems:?}");
    assert_names(
        &constant_key,
        Code::InvalidArgument,
        &["field_mappings[0].source.constant"],
    );
    assert_eq!(elsewhere.code(), Code::NotFound, "{elsewhere:?}");
    assert_eq!(rig.destination(CONTACTS).await.unwrap().field_mappings, []);
}

async fn row_77_the_51st_mapped_attribute_is_warned_of(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let set = async |count: usize| -> Vec<Warning> {
        let mut field_mappings = vec![identity("crmID", "SalesforceId")];
        field_mappings.extend((1..=count).map(|number| attribute("a", &format!("Field{number}__c"))));
        let request = SetFieldMappingsRequest {
            name: CONTACTS.to_owned(),
            field_mappings,
            etag: String::new(),
        };
        let answer = rig
            .destinations
            .clone()
            .set_field_mappings(request)
            .await
            .unwrap();
        answer.into_inner().warnings
    };

    assert_eq!(set(50).await, []);
    let warnings = set(51).await;

    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, "MANY_ATTRIBUTES");
    assert_eq!(warnings[0].field, "field_mappings");
    assert!(warnings[0].message.contains("51"), "{warnings:?}");
}

async fn row_88_an_attribute_may_name_the_record(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let mut key = attribute("crm.id", "Id");
    key.target = Some(FieldTarget {
        target: Some(Target::Identity("SalesforceId".to_owned())),
    });
    rig.set_field_mappings(CONTACTS, &[key, attribute("name", "LastName")])
        .await
        .unwrap();

    rig.activate(CONTACTS).await.unwrap();

    let source = rig.all_plans().await.remove(0).key_source.unwrap().source;
    assert_eq!(source, Some(Source::AttributePath("crm.id".to_owned())));
}

async fn row_33_85_rules_that_the_orgs_fields_cannot_take_are_refused(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    put_other_fields(&rig).await;
    for (row, field, part) in [
        (
            attribute("a", "Company"),
            "target.field",
            "does not exist on Contact",
        ),
        (truncated(attribute("a", "Email")), "too_long", "of type email"),
        (
            transformed(
                attribute("a", "Birthdate"),
                &[date(DateInput::Iso8601, DateOutput::Datetime)],
            ),
            "transforms[0]",
            "make the output DATE",
        ),
        (
            transformed(
                attribute("a", "Seen__c"),
                &[date(DateInput::Iso8601, DateOutput::Date)],
            ),
            "transforms[0]",
            "make the output DATETIME",
        ),
        (
            transformed(
                attribute("a", "Spent__c"),
                &[date(DateInput::Iso8601, DateOutput::Date)],
            ),
            "transforms[0]",
            "takes no date",
        ),
        (
            transformed(attribute("a", "Title"), &[number()]),
            "transforms[0]",
            "takes no number",
        ),
        (
            transformed(attribute("a", "Tier__c"), &[values("b", "Bronze")]),
            "transforms[0]",
            "'Bronze'",
        ),
        (
            transformed(attribute("a", "Member__c"), &[values("y", "Yes")]),
            "transforms[0]",
            "takes true or false",
        ),
        (text("Bronze", "Tier__c"), "source.constant", "picklist Tier__c"),
        (text("today", "Birthdate"), "source.constant", "2026-01-02"),
        (
            text("2026-01-02", "Seen__c"),
            "source.constant",
            "2026-01-02T03:04:05Z",
        ),
        (text("true", "Member__c"), "source.constant", "must be a boolean"),
        (text("5", "Spent__c"), "source.constant", "must be a number"),
        (
            constant(Constantly::Number(5.0), "Title"),
            "source.constant",
            "must be a text",
        ),
        (
            constant(Constantly::Boolean(true), "Title"),
            "source.constant",
            "must be a text",
        ),
        (text(&"x".repeat(129), "Title"), "source.constant", "holds 128"),
    ] {
        let mut rows = mappings();
        rows.push(row);
        rig.set_field_mappings(CONTACTS, &rows).await.unwrap();

        let refused = rig.activate(CONTACTS).await.unwrap_err();

        assert_eq!(reason(&refused), "ORG_DOES_NOT_FIT");
        let path = format!("field_mappings[2].{field}");
        let problems = assert_names(&refused, Code::FailedPrecondition, &[&path]);
        assert!(problems[0].contains(part), "{problems:?}");
    }
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    rig.activate(CONTACTS).await.unwrap();
    for row in [
        transformed(attribute("a", "Member__c"), &[values("y", "true")]),
        transformed(
            attribute("a", "Seen__c"),
            &[date(DateInput::EpochMillis, DateOutput::Datetime)],
        ),
        transformed(
            attribute("a", "Description"),
            &[date(DateInput::Iso8601, DateOutput::Date)],
        ),
        transformed(attribute("a", "Tier__c"), &[values("g", "gold")]),
        text("2026-01-02", "Birthdate"),
        constant(Constantly::Number(5.0), "Spent__c"),
    ] {
        let mut rows = mappings();
        rows.push(row);
        rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
        // The org is asked before it goes live.
        rig.apply(CONTACTS).await.unwrap();
    }
}

async fn row_90_a_live_edit_reads_the_orgs_lengths_again(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.put_field("Nick__c", "string", json!({"length": 20})).await;
    let mut rows = mappings();
    rows.push(attribute("nick", "Nick__c"));
    rig.set_field_mappings(CONTACTS, &rows).await.unwrap();
    rig.activate(CONTACTS).await.unwrap();
    let length = async || {
        let plan = rig.all_plans().await.remove(0);
        plan.attributes[1].shape.unwrap().max_length
    };
    assert_eq!(length().await, 20);

    rig.put_field("Nick__c", "string", json!({"length": 50})).await;
    rig.create_field(crate::simulated::ACME, "other__c").await;
    rig.add_segments(CONTACTS, &[segment("others", "other")])
        .await
        .unwrap();
    rig.apply(CONTACTS).await.unwrap();

    assert_eq!(length().await, 50);
}

async fn row_96_an_upsert_needs_every_field_that_a_new_record_requires(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let key = json!({"external_id": true, "unique": true});
    rig.put_field("Crm_Key__c", "string", key).await;
    rig.put_field("Region__c", "string", json!({"required": true}))
        .await;
    // Whoever only updates needs no value for it.
    rig.activate(CONTACTS).await.unwrap();
    let mut upsert = draft(CONNECTION);
    upsert.write_mode = WriteMode::Upsert.into();
    upsert.key_field = "Crm_Key__c".to_owned();
    let upsert = rig.create_destination(WORKSPACE, "upsert", upsert).await.unwrap();
    let mut rows = vec![identity("crmID", "Crm_Key__c"), attribute("name", "LastName")];
    rig.set_field_mappings(&upsert.name, &rows).await.unwrap();

    let refused = rig.activate(&upsert.name).await.unwrap_err();

    let problems = assert_names(
        &refused,
        Code::FailedPrecondition,
        &["destination.field_mappings"],
    );
    assert!(problems[0].contains("Region__c"), "{problems:?}");
    rows.push(text("EMEA", "Region__c"));
    rig.set_field_mappings(&upsert.name, &rows).await.unwrap();
    rig.activate(&upsert.name).await.unwrap();
}

async fn row_97_the_catalog_tells_which_targets_are_fixed(place: &Place) {
    let rig = Rig::start(place).await;

    let request = ListCatalogEntriesRequest::default();
    let answer = rig.catalog.clone().list_catalog_entries(request).await.unwrap();

    let entry = answer.into_inner().entries.remove(0);
    let told: Vec<(RecordType, WriteMode, Target)> = entry
        .required_mappings
        .iter()
        .map(|row| {
            let target = row.target.clone().unwrap().target.unwrap();
            (row.record_type(), row.write_mode(), target)
        })
        .collect();
    let identity = |name: &str| Target::Identity(name.to_owned());
    let field = |name: &str| Target::Field(name.to_owned());
    assert_eq!(
        told,
        [
            (
                RecordType::Contact,
                WriteMode::UpdateById,
                identity("SalesforceId")
            ),
            (RecordType::Contact, WriteMode::Upsert, identity("")),
            (RecordType::Contact, WriteMode::Unspecified, field("LastName")),
            (RecordType::Lead, WriteMode::UpdateById, identity("SalesforceId")),
            (RecordType::Lead, WriteMode::Upsert, identity("")),
            (RecordType::Lead, WriteMode::Unspecified, field("LastName")),
            (RecordType::Lead, WriteMode::Unspecified, field("Company")),
        ]
    );
}
