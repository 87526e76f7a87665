//! Fresh databases, one for each test. Included by the tests of every service.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use service::database::Location;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use url::Url;

/// Makes two tests of each behaviour, an `async fn` that takes a `&Place`: one on SQLite, one on Postgres.
macro_rules! on_both_databases {
    ($($behaviour:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour(&$crate::place::Place::sqlite()).await;
                }
            )+
        }

        mod on_postgres {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let place = $crate::place::Place::postgres().await;
                    super::$behaviour(&place).await;
                    place.remove().await;
                }
            )+
        }
    };
}
pub(crate) use on_both_databases;

/// An empty database.
pub(crate) struct Place {
    pub(crate) location: Location,
    /// Of SQLite; removed with this.
    _directory: Option<TempDir>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            location: Location::Directory(directory.path().to_owned()),
            _directory: Some(directory),
        }
    }

    /// Makes a database in the cluster of `cargo xtask test`.
    pub(crate) async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut url = cluster();
        // A cluster that was kept may hold the database of an earlier process with our id.
        execute(&url, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        execute(&url, format!("CREATE DATABASE {name}")).await;
        url.set_path(&name);
        Self {
            location: Location::Postgres(url.to_string().into()),
            _directory: None,
        }
    }

    /// Drops a Postgres database. One whose test failed stays to be looked at.
    pub(crate) async fn remove(self) {
        if let Location::Postgres(url) = &self.location {
            let url: Url = secrecy::ExposeSecret::expose_secret(url).parse().unwrap();
            let name = url.path().trim_start_matches('/');
            execute(&cluster(), format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

fn cluster() -> Url {
    let url = env::var("SLUICE_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("SLUICE_TEST_POSTGRES_URL is not set; run `cargo xtask test`, which starts a private Postgres")
    });
    url.parse().unwrap()
}

async fn execute(url: &Url, sql: String) {
    let mut connection = PgConnection::connect(url.as_str()).await.unwrap();
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
