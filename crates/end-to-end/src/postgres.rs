//! A database of one's own in the Postgres that `cargo xtask test` starts.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

const VARIABLE: &str = "SLUICE_TEST_POSTGRES_URL";

/// An empty database.
#[derive(Debug)]
pub struct OwnDatabase {
    name: String,
    url: Url,
}

impl OwnDatabase {
    /// Makes one.
    ///
    /// # Errors
    /// There is no Postgres for tests, or it does not answer.
    pub async fn create() -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut url = cluster()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("end_to_end_{}_{count}", process::id());
        // A cluster that was kept may hold the database of an earlier process with our id.
        execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        execute(format!("CREATE DATABASE {name}")).await?;
        url.set_path(&name);
        Ok(Self { name, url })
    }

    /// Returns the URL to give to `--database-url`.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Drops it. One whose test failed stays, to be looked at.
    pub async fn remove(self) -> anyhow::Result<()> {
        execute(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }
}

fn cluster() -> anyhow::Result<Url> {
    let url = std::env::var(VARIABLE).with_context(|| {
        format!("there is no Postgres ({VARIABLE} is not set); run it by cargo xtask test")
    })?;
    url.parse().with_context(|| format!("{VARIABLE} is no URL"))
}

async fn execute(sql: String) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(cluster()?.as_str())
        .await
        .with_context(|| format!("the Postgres of {VARIABLE} does not answer"))?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
