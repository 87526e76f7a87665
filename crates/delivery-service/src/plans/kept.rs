//! The plans on disk, to work by while the config-service is away.

use activation::{names::DestinationUid, plan::Plan};
use contracts::config::v1 as pb;
use prost::Message;
use service::{Database, in_transaction, on_database};
use tracing::warn;

/// The table of plans.
pub(super) struct KeptPlans(Database);

pub(super) struct KeptPlan {
    pub(super) plan: Plan,
    pub(super) is_held: bool,
}

/// What to write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keeping<'a> {
    /// A plan that the config-service has.
    Keep(&'a Plan),
    /// The config-service does not have it any more.
    Hold(&'a DestinationUid),
    /// The config-service has it again, as it is kept.
    Release(&'a DestinationUid),
    /// The destination was deleted.
    Forget(&'a DestinationUid),
}

impl KeptPlans {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }

    /// Reads all, so that of two with one name the one to go by comes last:
    /// held ones first, then by their revisions.
    pub(super) async fn load(&self) -> Result<Vec<KeptPlan>, sqlx::Error> {
        const SQL: &str = "SELECT uid, body, held FROM plans ORDER BY held DESC, revision";
        let rows: Vec<(String, Vec<u8>, bool)> =
            on_database!(&self.0, pool => sqlx::query_as(SQL).fetch_all(pool).await)?;
        let mut plans = Vec::with_capacity(rows.len());
        for (uid, body, is_held) in rows {
            match read(&body) {
                Some(plan) => plans.push(KeptPlan { plan, is_held }),
                None => warn!(
                    destination.uid = uid,
                    "a kept plan cannot be read, waiting for a new one"
                ),
            }
        }
        Ok(plans)
    }

    /// Writes all of it, or nothing.
    pub(super) async fn write(&self, all: &[Keeping<'_>]) -> Result<(), sqlx::Error> {
        const KEEP: &str = "
            INSERT INTO plans (uid, revision, body, held)
            VALUES ($1, $2, $3, FALSE)
            ON CONFLICT (uid) DO UPDATE
            SET revision = excluded.revision, body = excluded.body, held = excluded.held";
        const HOLD: &str = "UPDATE plans SET held = TRUE WHERE uid = $1";
        const RELEASE: &str = "UPDATE plans SET held = FALSE WHERE uid = $1";
        const FORGET: &str = "DELETE FROM plans WHERE uid = $1";
        if all.is_empty() {
            return Ok(());
        }
        in_transaction!(&self.0, transaction => {
            for one in all {
                let query = match one {
                    Keeping::Keep(plan) => sqlx::query(KEEP)
                        .bind(plan.uid.as_str())
                        .bind(plan.revision)
                        .bind(pb::Plan::from(*plan).encode_to_vec()),
                    Keeping::Hold(uid) => sqlx::query(HOLD).bind(uid.as_str()),
                    Keeping::Release(uid) => sqlx::query(RELEASE).bind(uid.as_str()),
                    Keeping::Forget(uid) => sqlx::query(FORGET).bind(uid.as_str()),
                };
                query.execute(&mut *transaction).await?;
            }
        });
        Ok(())
    }
}

fn read(body: &[u8]) -> Option<Plan> {
    let message = pb::Plan::decode(body).ok()?;
    Plan::try_from(&message).ok()
}
