//! Every way to the newest tables: from nothing, and from each earlier version with rows that it stored.
//!
//! The rows are in `tests/fixtures/{store}/{version}.sql`, one text for both databases, added as soon as their
//! version's tables are there. A later migration meets all of them without anything to be added here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use service::{
    Database,
    database::{Location, Migrations},
    on_database,
};
use sqlx::{
    AssertSqlSafe,
    migrate::{Migration, Migrator},
};

use crate::place::{Place, on_both_databases};

on_both_databases!(row_238_what_every_version_stored_is_there_in_the_newest);

/// The migrations of one store, in their order, up to some version.
struct Store {
    name: String,
    sqlite: Vec<Migration>,
    postgres: Vec<Migration>,
}

impl Store {
    async fn all() -> Vec<Self> {
        let mut stores = Vec::new();
        for store in fs::read_dir(here("../../migrations")).unwrap() {
            let store = store.unwrap();
            stores.push(Self {
                name: store.file_name().into_string().unwrap(),
                sqlite: read(&store.path().join("sqlite")).await,
                postgres: read(&store.path().join("postgres")).await,
            });
        }
        stores
    }

    fn versions(&self) -> Vec<i64> {
        self.sqlite.iter().map(|migration| migration.version).collect()
    }

    /// Opens a database of its own for the way from `start`, with the tables of the version `newest`.
    async fn open(&self, location: &Location, start: i64, newest: i64) -> Database {
        let up_to = |migrations: &[Migration]| {
            let earlier = migrations.iter().filter(|migration| migration.version <= newest);
            Migrator::with_migrations(earlier.cloned().collect())
        };
        let migrations = Migrations {
            sqlite: up_to(&self.sqlite),
            postgres: up_to(&self.postgres),
        };
        let name = format!("{}_{start}", self.name).leak();
        let opened = location.open(name, &migrations).await;
        opened.unwrap_or_else(|error| panic!("{} from {start} to {newest}: {error:?}", self.name))
    }
}

async fn read(directory: &Path) -> Vec<Migration> {
    Migrator::new(directory).await.unwrap().migrations.into_owned()
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns what a version stored, as SQL; nothing for one that only changed what was there.
fn fixture(store: &str, version: i64) -> Option<String> {
    fs::read_to_string(here("tests/fixtures").join(store).join(format!("{version}.sql"))).ok()
}

/// Counts the rows of every table.
async fn rows(database: &Database) -> BTreeMap<String, i64> {
    const SQLITE: &str = "
        SELECT name
        FROM sqlite_schema
        WHERE type = 'table'
          AND name NOT LIKE 'sqlite_%'";
    const POSTGRES: &str = "
        SELECT CAST(table_name AS TEXT)
        FROM information_schema.tables
        WHERE table_schema = current_schema()";
    let tables: Vec<String> = match database {
        Database::Sqlite(pool) => sqlx::query_scalar(SQLITE).fetch_all(pool).await.unwrap(),
        Database::Postgres(pool) => sqlx::query_scalar(POSTGRES).fetch_all(pool).await.unwrap(),
    };
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count: i64 =
            on_database!(database, pool => sqlx::query_scalar(count).fetch_one(pool).await).unwrap();
        rows.insert(table, count);
    }
    rows
}

async fn row_238_what_every_version_stored_is_there_in_the_newest(place: &Place) {
    for store in Store::all().await {
        let versions = store.versions();
        let newest = *versions.last().unwrap();
        let from_nothing = store.open(&place.location, 0, newest).await;
        let tables: BTreeSet<String> = rows(&from_nothing).await.into_keys().collect();
        from_nothing.close().await;

        for start in &versions {
            let mut database = store.open(&place.location, *start, versions[0]).await;
            for version in versions.iter().filter(|version| *version <= start) {
                database.close().await;
                database = store.open(&place.location, *start, *version).await;
                if let Some(rows) = fixture(&store.name, *version) {
                    let added = on_database!(&database, pool => sqlx::raw_sql(AssertSqlSafe(rows)).execute(pool).await.map(|_| ()));
                    added.unwrap_or_else(|error| panic!("rows of {} {version}: {error}", store.name));
                }
            }
            let before = rows(&database).await;
            database.close().await;

            let database = store.open(&place.location, *start, newest).await;

            let after = rows(&database).await;
            database.close().await;
            assert_eq!(
                after.keys().cloned().collect::<BTreeSet<_>>(),
                tables,
                "{} from {start}",
                store.name
            );
            for (table, count) in before {
                let left = after.get(&table).copied().unwrap_or(count);
                assert!(
                    left >= count,
                    "{} from {start}: {table} had {count} rows and has {left}",
                    store.name
                );
            }
        }
    }
}

#[tokio::test]
async fn every_fixture_belongs_to_a_version() {
    let mut stores = 0;
    for store in Store::all().await {
        let versions = store.versions();
        assert!(
            fixture(&store.name, versions[0]).is_some(),
            "the first version of {} has no rows",
            store.name
        );
        for file in fs::read_dir(here("tests/fixtures").join(&store.name)).unwrap() {
            let file = file.unwrap().path();
            let version = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            assert!(versions.contains(&version), "{}", file.display());
        }
        stores += 1;
    }
    assert!(stores > 0);
}
