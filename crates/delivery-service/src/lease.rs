//! One delivery-service at a time works on a database: two would put one
//! record in two requests.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service::{
    Clock, Database,
    chain::Chain,
    database::{from_micros, to_micros},
    in_transaction, on_database,
};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long the lease outlives a holder that was killed.
const LEASE_TIME: TimeDelta = TimeDelta::seconds(30);
const RENEW_INTERVAL: Duration = Duration::from_secs(5);
const NAME: &str = "delivery";

/// A held lease.
pub(crate) struct Lease {
    database: Database,
    clock: Clock,
    /// The same after a restart, so that a restart need not wait.
    holder: String,
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("the lease could not be read")]
    Store(#[from] sqlx::Error),
    #[error(
        "another delivery-service works on this database (its lease ends at {ends} unless renewed); \
         stop it, or wait until then"
    )]
    Held { ends: DateTime<Utc> },
}

impl Lease {
    /// Takes the lease, or says until when it is held.
    pub(crate) async fn take(database: Database, clock: Clock, holder: String) -> Result<Self, LeaseError> {
        let lease = Self {
            database,
            clock,
            holder,
        };
        match lease.renew().await? {
            None => Ok(lease),
            Some(ends) => Err(LeaseError::Held { ends }),
        }
    }

    /// Keeps the lease until shutdown, then gives it back. Ends early, and
    /// cancels the token, when somebody else has it.
    pub(crate) async fn keep(self, shutdown: CancellationToken) -> Result<(), LeaseError> {
        let mut ticks = interval(RENEW_INTERVAL);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            match self.renew().await {
                Ok(None) => {}
                Ok(Some(ends)) => {
                    shutdown.cancel();
                    return Err(LeaseError::Held { ends });
                }
                // While the database is away nobody else can take it either.
                Err(error) => warn!(error = %Chain(&error), "the lease could not be renewed, will try again"),
            }
        }
        Ok(())
    }

    /// Gives the lease back, so that the next one need not wait for its end.
    pub(crate) async fn give_back(database: &Database, holder: &str) -> Result<(), sqlx::Error> {
        const SQL: &str = "DELETE FROM leases WHERE name = $1 AND holder = $2";
        on_database!(database, pool => sqlx::query(SQL).bind(NAME).bind(holder).execute(pool).await.map(|_| ()))
    }

    /// Returns `None` when the lease is ours for another while, otherwise when
    /// that of its holder ends.
    async fn renew(&self) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        const TAKE: &str = "
            INSERT INTO leases (name, holder, expire_time)
            VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, expire_time = excluded.expire_time
            WHERE leases.holder = excluded.holder
               OR leases.expire_time < $4";
        const HOLDER: &str = "SELECT expire_time FROM leases WHERE name = $1";
        let now = self.clock.now();
        Ok(in_transaction!(&self.database, transaction => {
            let taken = sqlx::query(TAKE)
                .bind(NAME)
                .bind(&self.holder)
                .bind(to_micros(now + LEASE_TIME))
                .bind(to_micros(now))
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            if taken > 0 {
                None
            } else {
                let ends: i64 = sqlx::query_scalar(HOLDER).bind(NAME).fetch_one(&mut *transaction).await?;
                Some(from_micros(ends))
            }
        }))
    }
}
