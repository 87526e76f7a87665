//! What the first version stored, read through the newest one.

use std::collections::BTreeMap;

use config_service::migrations;
use contracts::config::v1::{
    DeletedProfilePolicy, DeliveryState, DesiredState, DestinationState, Plan, WaitingUpdates, WriteMode,
    watch_plans_response::Event,
};
use service::{database::Migrations, on_database};
use sqlx::{AssertSqlSafe, migrate::Migrator};

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, attribute, identity, mappings},
};

on_both_databases!(row_238_destinations_of_the_first_version_are_read_planned_and_changed);

/// What the first version stored, as SQL.
const STORED: &str = include_str!("../../../service/tests/fixtures/config/20261123180000.sql");

const DRAFT: &str = "workspaces/acme/destinations/draft";
const LEADS: &str = "workspaces/acme/destinations/leads";
const LEAVING: &str = "workspaces/acme/destinations/leaving";

/// Makes the database of the first version, with its rows.
async fn store_as_the_first_version(place: &Place) {
    let first = |migrator: Migrator| Migrator::with_migrations(migrator.migrations[..1].to_vec());
    let newest = migrations();
    let first = Migrations {
        sqlite: first(newest.sqlite),
        postgres: first(newest.postgres),
    };
    let database = place.location.open("config", &first).await.unwrap();
    on_database!(
        &database,
        pool => sqlx::raw_sql(AssertSqlSafe(STORED)).execute(pool).await.map(|_| ())
    )
    .unwrap();
    database.close().await;
}

async fn row_238_destinations_of_the_first_version_are_read_planned_and_changed(place: &Place) {
    store_as_the_first_version(place).await;

    let rig = Rig::start(place).await;

    let contacts = rig.destination(CONTACTS).await.unwrap();
    assert_eq!(
        (contacts.uid.as_str(), contacts.revision, contacts.etag.as_str()),
        ("0193-contacts", 7, "4")
    );
    assert_eq!(contacts.state(), DestinationState::Enabled);
    assert_eq!(contacts.field_mappings, mappings());
    assert_eq!(contacts.segments[0].mapping_id, "vip");
    assert_eq!(contacts.deleted_profile_policy(), DeletedProfilePolicy::Exit);
    assert_eq!(contacts.max_delay.unwrap().seconds, 5);
    let status = contacts.delivery_status.clone().unwrap();
    assert_eq!(
        (status.state(), status.applied_revision),
        (DeliveryState::Delivering, 7)
    );
    // Nothing is staged by being migrated.
    assert_eq!(contacts.staged_changes, []);
    let leads = rig.destination(LEADS).await.unwrap();
    assert_eq!(leads.write_mode(), WriteMode::Upsert);
    assert_eq!(leads.desired_state(), DesiredState::Disabled);
    let draft = rig.destination(DRAFT).await.unwrap();
    assert_eq!(draft.desired_state(), DesiredState::Draft);
    assert_eq!(draft.field_mappings, []);

    let plans: BTreeMap<String, Plan> = rig
        .all_plans()
        .await
        .into_iter()
        .map(|plan| (plan.destination.clone(), plan))
        .collect();
    assert_eq!(plans.keys().collect::<Vec<_>>(), [CONTACTS, LEADS, LEAVING]);
    let plan = &plans[CONTACTS];
    assert_eq!(
        (
            plan.uid.as_str(),
            plan.revision,
            plan.org_id.as_str(),
            plan.login_host.as_str()
        ),
        ("0193-contacts", 7, "00D5g00000ExAmPEAV", "acme.my.salesforce.com")
    );
    assert_eq!(plan.segments[0].field, "vip__c");
    assert_eq!(plan.segments[0].start_time.unwrap().seconds, 1_763_629_200);
    assert_eq!(plan.attributes[0].field, "LastName");
    let plan = &plans[LEADS];
    assert_eq!(
        (plan.key_field.as_str(), plan.key_case_sensitive, plan.state()),
        ("External_Id__c", true, DesiredState::Disabled)
    );
    assert!(plan.discard_accepted_before.is_some());
    assert_eq!(plans[LEAVING].state(), DesiredState::Deleting);

    // Who was removed is told, however long ago.
    let told = rig.watch(0).await.snapshot().await;
    assert!(
        told.contains(&(6, Event::RemovedUid("0193-removed".to_owned()))),
        "{told:?}"
    );

    // Its life goes on, in revisions that were not used before.
    let enabled = rig.enable(LEADS, WaitingUpdates::Resume).await.unwrap();
    assert!(enabled.revision > 9, "{}", enabled.revision);
    let rows = [identity("crmID", "SalesforceId"), attribute("name", "LastName")];
    assert_eq!(
        rig.set_field_mappings(DRAFT, &rows).await.unwrap().field_mappings,
        rows
    );
    assert_eq!(
        rig.connection(CONNECTION).await.unwrap().org_id,
        "00D5g00000ExAmPEAV"
    );
    rig.report("0193-leaving", 9, DeliveryState::Draining, true).await;
    assert!(rig.destination(LEAVING).await.is_err());
}
