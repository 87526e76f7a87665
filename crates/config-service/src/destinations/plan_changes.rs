//! What watchers of plans are told.

use activation::names::DestinationUid;
use service::{in_snapshot, on_database};

use super::{Destination, PlanChange, row};
use crate::store::Store;

/// What there is after a revision, all read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSnapshot {
    /// The newest revision there is.
    pub newest: i64,
    /// In the order of their revisions.
    pub changes: Vec<PlanChange>,
    /// Every destination that has a plan, with its plan's revision.
    pub present: Vec<(String, i64)>,
}

const NEWEST: &str = "SELECT revision FROM plan_revision WHERE id = 1";

const REMOVED: &str = "
    SELECT uid, revision
    FROM removed_destinations
    WHERE revision > $1";

const PRESENT: &str = "
    SELECT uid, revision
    FROM destinations
    WHERE desired_state <> 'draft'";

impl Store {
    /// Returns the newest revision there is.
    pub async fn newest_revision(&self) -> Result<i64, sqlx::Error> {
        on_database!(&self.database, pool => sqlx::query_scalar(NEWEST).fetch_one(pool).await)
    }

    /// Returns plan changes after a revision with all that is there now.
    pub async fn plan_snapshot(&self, since: i64) -> Result<PlanSnapshot, sqlx::Error> {
        let (newest, rows, removed, present) = in_snapshot!(&self.database, transaction => {
            let newest: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut *transaction).await?;
            let rows: Vec<row::PlanRow> =
                sqlx::query_as(row::PLANNED_SINCE).bind(since).fetch_all(&mut *transaction).await?;
            let removed: Vec<(String, i64)> =
                sqlx::query_as(REMOVED).bind(since).fetch_all(&mut *transaction).await?;
            let present: Vec<(String, i64)> =
                sqlx::query_as(PRESENT).fetch_all(&mut *transaction).await?;
            (newest, rows, removed, present)
        });
        Ok(PlanSnapshot {
            newest,
            changes: changes(rows, removed)?,
            present,
        })
    }

    /// Returns plan changes after a revision, in their order, with the newest
    /// revision there is.
    pub async fn plan_changes(&self, since: i64) -> Result<(Vec<PlanChange>, i64), sqlx::Error> {
        let (newest, rows, removed) = in_snapshot!(&self.database, transaction => {
            let newest: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut *transaction).await?;
            let rows: Vec<row::PlanRow> =
                sqlx::query_as(row::PLANNED_SINCE).bind(since).fetch_all(&mut *transaction).await?;
            let removed: Vec<(String, i64)> =
                sqlx::query_as(REMOVED).bind(since).fetch_all(&mut *transaction).await?;
            (newest, rows, removed)
        });
        Ok((changes(rows, removed)?, newest))
    }
}

fn changes(rows: Vec<row::PlanRow>, removed: Vec<(String, i64)>) -> Result<Vec<PlanChange>, sqlx::Error> {
    let mut changes = Vec::with_capacity(rows.len() + removed.len());
    for row in rows {
        let destination: Destination = row.destination.try_into()?;
        if let Some(plan) = destination.plan(row.login_host, row.org_id) {
            changes.push(PlanChange::Planned(Box::new(plan)));
        }
    }
    changes.extend(removed.into_iter().map(|(uid, revision)| PlanChange::Removed {
        uid: DestinationUid::new(uid),
        revision,
    }));
    changes.sort_by_key(PlanChange::revision);
    Ok(changes)
}
