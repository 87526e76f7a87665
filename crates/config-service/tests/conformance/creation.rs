//! The brakes of UPSERT, and what waits when a destination is enabled.

use contracts::config::v1::{
    AssignmentRule, Create, CreationRules, DeleteDestinationRequest, DeliveryState, Destination,
    DuplicateRule, RecordType, WaitingUpdates, WriteMode,
};
use serde_json::json;
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, attribute, draft, identity},
};

on_both_databases!(
    creation_rules_are_kept_staged_planned_and_taken_back,
    a_single_rule_is_changed_and_the_others_stay,
    rules_that_nothing_could_obey_are_refused_by_name,
    a_record_type_that_the_org_does_not_have_is_named_at_activation,
    a_duplicate_rule_is_for_updates_by_id_too,
    what_waits_is_told_wherever_it_matters,
);

const OWNER: &str = "0055g000000ExAmAAK";
const RECORD_TYPE: &str = "0125g000000ExAmAAK";
const ASSIGNMENT_RULE: &str = "01Q5g000000ExAmEAK";

/// Starts with the finished draft [`CONTACTS`], which upserts by `Key__c`.
async fn start(place: &Place) -> Rig {
    let rig = Rig::start_with_finished_draft(place).await;
    rig.put_field(
        "Key__c",
        "string",
        json!({"length": 80, "external_id": true, "unique": true}),
    )
    .await;
    rig.delete_destination(CONTACTS, WaitingUpdates::Unspecified)
        .await
        .unwrap();
    rig.create_destination(WORKSPACE, "contacts", upserting(RecordType::Contact))
        .await
        .unwrap();
    let mappings = [
        identity("crmID", "Key__c"),
        attribute("person.name.lastName", "LastName"),
    ];
    rig.set_field_mappings(CONTACTS, &mappings).await.unwrap();
    rig
}

fn upserting(record_type: RecordType) -> Destination {
    Destination {
        record_type: record_type.into(),
        write_mode: WriteMode::Upsert.into(),
        key_field: "Key__c".to_owned(),
        ..draft(CONNECTION)
    }
}

fn with(creation_rules: CreationRules) -> Destination {
    Destination {
        name: CONTACTS.to_owned(),
        creation_rules: Some(creation_rules),
        ..Default::default()
    }
}

fn limited() -> CreationRules {
    CreationRules {
        max_creates_per_day: 100,
        owner_id: OWNER.to_owned(),
        ..Default::default()
    }
}

fn staged(destination: &Destination) -> Vec<&str> {
    destination
        .staged_changes
        .iter()
        .map(|change| change.path.as_str())
        .collect()
}

async fn creation_rules_are_kept_staged_planned_and_taken_back(place: &Place) {
    let rig = start(place).await;
    let set = rig
        .update_destination(with(limited()), &["creation_rules"])
        .await
        .unwrap();
    assert_eq!(set.creation_rules, Some(limited()));
    let rig = rig.restart(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    assert_eq!(active.creation_rules, Some(limited()));
    assert_eq!(rig.all_plans().await[0].creation_rules, Some(limited()));

    let never = CreationRules {
        create: Create::Never.into(),
        ..Default::default()
    };
    let edited = Destination {
        duplicate_rule: DuplicateRule::Allow.into(),
        ..with(never.clone())
    };
    let edited = rig
        .update_destination(edited, &["creation_rules", "duplicate_rule"])
        .await
        .unwrap();
    assert_eq!(
        staged(&edited),
        [
            "creation_rules.create",
            "creation_rules.max_creates_per_day",
            "creation_rules.owner_id",
            "duplicate_rule"
        ]
    );
    assert_eq!(rig.all_plans().await[0].creation_rules, Some(limited()));
    rig.apply(CONTACTS).await.unwrap();
    let plan = rig.all_plans().await.remove(0);
    assert_eq!(plan.creation_rules, Some(never.clone()));
    assert_eq!(plan.duplicate_rule(), DuplicateRule::Allow);

    let revisions = rig.revisions(50).await;
    assert_eq!(
        (&revisions[0].creation_rules, &revisions[1].creation_rules),
        (&Some(never), &Some(limited()))
    );
    let first = revisions[1].name.clone();
    let restored = rig.restore_revision(&first).await.unwrap();
    assert_eq!(restored.creation_rules, Some(limited()));
    rig.discard_changes(CONTACTS).await.unwrap();
    let none = rig
        .update_destination(
            with(CreationRules::default()),
            &["creation_rules", "duplicate_rule"],
        )
        .await
        .unwrap();
    assert_eq!((&none.creation_rules, none.duplicate_rule), (&None, 0));
    rig.apply(CONTACTS).await.unwrap();
    assert_eq!(rig.all_plans().await[0].creation_rules, None);
}

async fn a_single_rule_is_changed_and_the_others_stay(place: &Place) {
    let rig = start(place).await;
    rig.update_destination(with(limited()), &["creation_rules"])
        .await
        .unwrap();
    let lower = CreationRules {
        max_creates_per_day: 5,
        ..Default::default()
    };

    let changed = rig
        .update_destination(with(lower), &["creation_rules.max_creates_per_day"])
        .await
        .unwrap();
    assert_eq!(
        changed.creation_rules,
        Some(CreationRules {
            max_creates_per_day: 5,
            ..limited()
        })
    );
    let unknown = rig
        .update_destination(with(limited()), &["creation_rules.colour"])
        .await
        .unwrap_err();
    assert_names(&unknown, Code::InvalidArgument, &["update_mask"]);
    let ids_in_short = CreationRules {
        owner_id: OWNER[..15].to_owned(),
        ..Default::default()
    };
    let changed = rig
        .update_destination(with(ids_in_short), &["creation_rules.owner_id"])
        .await
        .unwrap();
    assert_eq!(changed.creation_rules.unwrap().owner_id, OWNER);
}

async fn rules_that_nothing_could_obey_are_refused_by_name(place: &Place) {
    let rig = start(place).await;
    let all = CreationRules {
        max_creates_per_day: 1,
        assignment_rule: AssignmentRule::Default.into(),
        record_type_id: RECORD_TYPE.to_owned(),
        ..Default::default()
    };
    let of_assigned = |more: CreationRules| CreationRules {
        assignment_rule_id: ASSIGNMENT_RULE.to_owned(),
        ..more
    };
    for (record_type, rules, wrong) in [
        (
            RecordType::Lead,
            CreationRules {
                create: Create::Never.into(),
                ..all.clone()
            },
            &["max_creates_per_day", "assignment_rule", "record_type_id"][..],
        ),
        (RecordType::Contact, all.clone(), &["assignment_rule"]),
        (
            RecordType::Lead,
            of_assigned(CreationRules {
                owner_id: OWNER.to_owned(),
                ..Default::default()
            }),
            &["owner_id"],
        ),
        (RecordType::Lead, of_assigned(all.clone()), &["assignment_rule"]),
        (
            RecordType::Lead,
            CreationRules {
                max_creates_per_day: -1,
                owner_id: "nobody".to_owned(),
                ..Default::default()
            },
            &["max_creates_per_day", "owner_id"],
        ),
        (
            RecordType::Lead,
            CreationRules {
                owner_id: RECORD_TYPE.to_owned(),
                record_type_id: OWNER.to_owned(),
                ..Default::default()
            },
            &["owner_id", "record_type_id"],
        ),
    ] {
        let destination = Destination {
            creation_rules: Some(rules),
            ..upserting(record_type)
        };
        let refused = rig
            .create_destination(WORKSPACE, "refused", destination)
            .await
            .unwrap_err();
        let wrong: Vec<String> = wrong
            .iter()
            .map(|rule| format!("destination.creation_rules.{rule}"))
            .collect();
        let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
        assert_names(&refused, Code::InvalidArgument, &wrong);
    }
    let by_id = Destination {
        creation_rules: Some(CreationRules {
            create: Create::Never.into(),
            ..limited()
        }),
        ..draft(CONNECTION)
    };
    let refused = rig
        .create_destination(WORKSPACE, "refused", by_id)
        .await
        .unwrap_err();
    let problems = assert_names(
        &refused,
        Code::InvalidArgument,
        &[
            "destination.creation_rules.create",
            "destination.creation_rules.max_creates_per_day",
            "destination.creation_rules.owner_id",
        ],
    );
    assert!(problems[0].contains("UPSERT"), "{problems:?}");
    // What every update writes cannot be given to new records only.
    rig.update_destination(with(limited()), &["creation_rules"])
        .await
        .unwrap();
    let mappings = [
        identity("crmID", "Key__c"),
        attribute("person.name.lastName", "LastName"),
        attribute("owner", "OwnerId"),
    ];
    let refused = rig.set_field_mappings(CONTACTS, &mappings).await.unwrap_err();
    let problems = assert_names(
        &refused,
        Code::InvalidArgument,
        &["destination.creation_rules.owner_id"],
    );
    assert!(problems[0].contains("field_mappings[2]"), "{problems:?}");
}

async fn a_record_type_that_the_org_does_not_have_is_named_at_activation(place: &Place) {
    let rig = start(place).await;
    let of_type = |id: &str| {
        with(CreationRules {
            record_type_id: id.to_owned(),
            ..Default::default()
        })
    };
    rig.update_destination(of_type(RECORD_TYPE), &["creation_rules"])
        .await
        .unwrap();

    let refused = rig.activate(CONTACTS).await.unwrap_err();
    let problems = assert_names(
        &refused,
        Code::FailedPrecondition,
        &["destination.creation_rules.record_type_id"],
    );
    assert!(
        problems[0].contains(RECORD_TYPE) && problems[0].contains("Contact"),
        "{problems:?}"
    );

    let made = rig
        .salesforce
        .admin(
            "POST",
            &format!("/orgs/{}/record-types", crate::simulated::ACME),
            json!({"object": "Contact", "name": "Customer"}),
        )
        .await;
    rig.update_destination(
        of_type(made["id"].as_str().unwrap()),
        &["creation_rules.record_type_id"],
    )
    .await
    .unwrap();
    rig.activate(CONTACTS).await.unwrap();
}

async fn a_duplicate_rule_is_for_updates_by_id_too(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let allow = Destination {
        name: CONTACTS.to_owned(),
        duplicate_rule: DuplicateRule::Allow.into(),
        ..Default::default()
    };
    let set = rig.update_destination(allow, &["duplicate_rule"]).await.unwrap();
    assert_eq!(set.duplicate_rule(), DuplicateRule::Allow);
    rig.activate(CONTACTS).await.unwrap();
    assert_eq!(rig.all_plans().await[0].duplicate_rule(), DuplicateRule::Allow);
}

async fn what_waits_is_told_wherever_it_matters(place: &Place) {
    let rig = Rig::start_with_finished_draft(place).await;
    let active = rig.activate(CONTACTS).await.unwrap();
    let waiting = |destination: Destination| destination.delivery_status.unwrap().waiting_updates;
    for (count, words) in [
        (0, "no accepted update waits now"),
        (1, "1 accepted update waits"),
        (1_204, "1,204 accepted updates wait"),
        (1_000_000, "1,000,000 accepted updates wait"),
    ] {
        rig.report_waiting(
            &active.uid,
            active.revision,
            DeliveryState::Delivering,
            false,
            count,
        )
        .await;
        let refused = rig
            .enable(CONTACTS, WaitingUpdates::Unspecified)
            .await
            .unwrap_err();
        let problems = assert_names(&refused, Code::InvalidArgument, &["waiting_updates"]);
        assert!(
            problems[0].contains(words) && problems[0].contains("RESUME sends what waits, DISCARD does not"),
            "{problems:?}"
        );
        assert_eq!(waiting(rig.destination(CONTACTS).await.unwrap()), count);
    }
    assert_eq!(waiting(rig.disable(CONTACTS).await.unwrap()), 1_000_000);
    let enabled = rig.enable(CONTACTS, WaitingUpdates::Resume).await.unwrap();
    assert_eq!(waiting(enabled), 1_000_000);
    let request = DeleteDestinationRequest {
        name: CONTACTS.to_owned(),
        ..Default::default()
    };
    let deleted = rig
        .destinations
        .clone()
        .delete_destination(request)
        .await
        .unwrap();
    assert_eq!(deleted.into_inner().waiting_updates, 1_000_000);
}
