//! What delivery reports of a destination, and how a drained one goes.

use chrono::TimeDelta;
use service::{database::to_micros, in_transaction, on_database};

use super::{DeliveryStatus, NEXT_REVISION, revisions};
use crate::store::{ChangeError, Store};

/// How long watchers are told of a removal: 13 months, the longest that
/// delivery keeps anything of a destination (its runs). A journal that holds
/// entries for it after that was restored from a backup that is older than
/// everything around it; without this word the destination is held there, and
/// nothing is lost.
const REMOVALS_KEPT: TimeDelta = TimeDelta::days(396);

impl Store {
    /// Keeps what delivery reports, unless something newer is kept; a drained
    /// destination that is being deleted is gone after this.
    pub async fn report_status(
        &self,
        uid: &str,
        status: &DeliveryStatus,
        drained: bool,
    ) -> Result<(), ChangeError> {
        const KEEP: &str = "
            UPDATE destinations
            SET delivery_status = $2, status_revision = $3, status_time = $4
            WHERE uid = $1
              -- A higher one is of a history that this database does not have.
              AND revision >= $3
              AND (status_revision < $3 OR (status_revision = $3 AND status_time <= $4))";
        let text = serde_json::to_string(status).expect("a status can be written as JSON");
        on_database!(
            &self.database,
            pool => sqlx::query(KEEP)
                .bind(uid)
                .bind(text)
                .bind(status.applied_revision)
                .bind(status.report_time_micros)
                .execute(pool)
                .await
                .map(|_| ())
        )?;
        if drained {
            self.remove_drained(uid, status.applied_revision).await?;
        }
        Ok(())
    }

    async fn remove_drained(&self, uid: &str, applied_revision: i64) -> Result<(), sqlx::Error> {
        const DELETE: &str = "
            DELETE FROM destinations
            WHERE uid = $1
              AND desired_state = 'deleting'
              -- Drained by an older plan may mean: not yet told to stop taking.
              AND revision = $2";
        const TOMBSTONE: &str = "
            INSERT INTO removed_destinations (uid, revision, remove_time)
            VALUES ($1, $2, $3)";
        const FORGET: &str = "DELETE FROM removed_destinations WHERE remove_time < $1";
        let now = self.clock.now();
        in_transaction!(&self.database, transaction => {
            let revision: i64 = sqlx::query_scalar(NEXT_REVISION).fetch_one(&mut *transaction).await?;
            let deleted = sqlx::query(DELETE)
                .bind(uid)
                .bind(applied_revision)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            if deleted > 0 {
                sqlx::query(revisions::DELETE).bind(uid).execute(&mut *transaction).await?;
                sqlx::query(TOMBSTONE)
                    .bind(uid)
                    .bind(revision)
                    .bind(to_micros(now))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(FORGET).bind(to_micros(now - REMOVALS_KEPT)).execute(&mut *transaction).await?;
            }
        });
        self.plans_changed.notify_waiters();
        Ok(())
    }
}
