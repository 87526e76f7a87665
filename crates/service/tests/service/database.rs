//! Opening, migrating and writing, the same on both databases.

use std::{collections::BTreeSet, fs, path::Path};

use service::{
    Database,
    database::{Location, Migrations, OpenError},
    in_transaction, on_database,
};
use tokio::task::JoinSet;

use crate::place::{Place, on_both_databases};

on_both_databases!(
    a_store_that_is_opened_again_keeps_its_rows,
    a_transaction_that_fails_half_way_changes_nothing,
    writers_at_the_same_time_follow_each_other,
    stores_of_different_services_share_no_table,
);

/// The tables of configuration: `plan_revision` has one row, with revision 0.
fn migrations() -> Migrations {
    Migrations {
        sqlite: sqlx::migrate!("../../migrations/config/sqlite"),
        postgres: sqlx::migrate!("../../migrations/config/postgres"),
    }
}

async fn open(place: &Place) -> Database {
    place.location.open("config", &migrations()).await.unwrap()
}

async fn revision(database: &Database) -> i64 {
    const SQL: &str = "SELECT revision FROM plan_revision WHERE id = 1";
    on_database!(database, pool => sqlx::query_scalar(SQL).fetch_one(pool).await).unwrap()
}

/// Raises the revision and returns it. Fails afterwards when asked to.
async fn raise(database: &Database, fail: bool) -> Result<i64, sqlx::Error> {
    const READ: &str = "UPDATE plan_revision SET revision = revision WHERE id = 1 RETURNING revision";
    const WRITE: &str = "UPDATE plan_revision SET revision = $1 WHERE id = 1";
    Ok(in_transaction!(database, transaction => {
        let before: i64 = sqlx::query_scalar(READ).fetch_one(&mut *transaction).await?;
        sqlx::query(WRITE).bind(before + 1).execute(&mut *transaction).await?;
        if fail {
            return Err(sqlx::Error::RowNotFound);
        }
        before + 1
    }))
}

async fn a_store_that_is_opened_again_keeps_its_rows(place: &Place) {
    let database = open(place).await;
    raise(&database, false).await.unwrap();
    database.close().await;

    let database = open(place).await;

    assert_eq!(revision(&database).await, 1);
    database.close().await;
}

async fn a_transaction_that_fails_half_way_changes_nothing(place: &Place) {
    let database = open(place).await;

    raise(&database, true).await.unwrap_err();

    assert_eq!(revision(&database).await, 0);
    // What failed must not hold a lock that the next writer needs.
    assert_eq!(raise(&database, false).await.unwrap(), 1);
    database.close().await;
}

async fn writers_at_the_same_time_follow_each_other(place: &Place) {
    const WRITERS: i64 = 24;
    let database = open(place).await;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let database = database.clone();
        writers.spawn(async move { raise(&database, false).await.unwrap() });
    }

    let raised: BTreeSet<i64> = writers.join_all().await.into_iter().collect();

    assert_eq!(raised, (1..=WRITERS).collect());
    database.close().await;
}

async fn stores_of_different_services_share_no_table(place: &Place) {
    let config = open(place).await;
    let other = place.location.open("other", &migrations()).await.unwrap();

    raise(&config, false).await.unwrap();

    assert_eq!((revision(&config).await, revision(&other).await), (1, 0));
    config.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_telling_it() {
    let location = Location::Postgres("postgres//me:open-sesame@host/db".into());

    let error = location.open("config", &migrations()).await.err().unwrap();

    assert!(matches!(error, OpenError::Url), "{error}");
    assert!(!format!("{error} {error:?}").contains("open-sesame"));
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    let names = |directory: &Path| -> BTreeSet<_> {
        fs::read_dir(directory)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect()
    };
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let stores: Vec<_> = fs::read_dir(migrations)
        .unwrap()
        .map(|store| store.unwrap().path())
        .collect();
    assert!(!stores.is_empty());
    for store in stores {
        let sqlite = names(&store.join("sqlite"));
        assert!(!sqlite.is_empty(), "{}", store.display());
        assert_eq!(sqlite, names(&store.join("postgres")), "{}", store.display());
    }
}
