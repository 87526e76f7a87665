//! The tables `destination_checks`, `destination_check_changes` and
//! `task_leases`.

use activation::names::DestinationName;
use chrono::{DateTime, Utc};
use contracts::page::Page;
use salesforce::describe::Edition;
use service::{database::to_micros, in_transaction, on_database};

use super::super::{check::Check, finding::Finding};
use crate::{destinations::Destination, store::Store};

const LEASE: &str = "destination_checks";

/// A destination whose check or poll is due.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) name: DestinationName,
    /// The newest check; none if there was none.
    pub(super) check: Option<Check>,
    seen: Edition,
    is_day_over: bool,
}

/// How findings changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckChange {
    pub time_micros: i64,
    pub appeared: Vec<Finding>,
    pub disappeared: Vec<Finding>,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    name: String,
    findings: Option<String>,
    last_modified: Option<String>,
    etag: Option<String>,
    check_time: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    change_time: i64,
    appeared: String,
    disappeared: String,
}

impl Due {
    /// Returns what was seen, where a check is only due if it changed.
    pub(super) fn only_if_changed(&self) -> Option<Edition> {
        (!self.is_day_over).then(|| self.seen.clone())
    }
}

impl CheckChange {
    pub(super) fn is_nothing(&self) -> bool {
        self.appeared.is_empty() && self.disappeared.is_empty()
    }
}

impl TryFrom<ChangeRow> for CheckChange {
    type Error = sqlx::Error;

    fn try_from(row: ChangeRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            time_micros: row.change_time,
            appeared: read(&row.appeared)?,
            disappeared: read(&row.disappeared)?,
        })
    }
}

impl Store {
    /// Lists live destinations that were last checked, or whose org was last
    /// asked for changes, so long ago; and those that never were.
    pub(super) async fn due_checks(
        &self,
        checked_before: DateTime<Utc>,
        polled_before: DateTime<Utc>,
    ) -> Result<Vec<Due>, sqlx::Error> {
        const SQL: &str = "
            SELECT d.name, c.findings, c.last_modified, c.etag, c.check_time
            FROM destinations AS d
            LEFT JOIN destination_checks AS c ON c.uid = d.uid
            WHERE d.desired_state IN ('enabled', 'disabled')
              AND (c.uid IS NULL OR c.check_time <= $1 OR c.poll_time <= $2)
            ORDER BY d.name";
        let checked_before = to_micros(checked_before);
        let rows: Vec<DueRow> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(checked_before)
                .bind(to_micros(polled_before))
                .fetch_all(pool)
                .await
        )?;
        rows.into_iter()
            .map(|row| {
                Ok(Due {
                    name: row
                        .name
                        .parse()
                        .map_err(|error: activation::InvalidField| sqlx::Error::Decode(error.into()))?,
                    check: row.findings.as_deref().map(read).transpose()?,
                    seen: Edition {
                        last_modified: row.last_modified.filter(|text| !text.is_empty()),
                        etag: row.etag.filter(|text| !text.is_empty()),
                    },
                    is_day_over: row.check_time.is_none_or(|time| time <= checked_before),
                })
            })
            .collect()
    }

    pub(super) async fn record_poll(&self, uid: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        const SQL: &str = "UPDATE destination_checks SET poll_time = $2 WHERE uid = $1";
        on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(uid).bind(to_micros(now)).execute(pool).await.map(|_| ())
        )
    }

    /// Keeps a check, and how its findings differ from those before.
    pub(super) async fn record_recurring_check(
        &self,
        uid: &str,
        check: &Check,
        change: Option<&CheckChange>,
    ) -> Result<(), sqlx::Error> {
        const CHECK: &str = "
            INSERT INTO destination_checks (uid, findings, last_modified, etag, check_time, poll_time)
            VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT (uid) DO UPDATE
            SET findings = excluded.findings, last_modified = excluded.last_modified, etag = excluded.etag,
                check_time = excluded.check_time, poll_time = excluded.poll_time";
        const CHANGE: &str = "
            INSERT INTO destination_check_changes (uid, change_time, appeared, disappeared)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (uid, change_time) DO NOTHING";
        in_transaction!(&self.database, transaction => {
            sqlx::query(CHECK)
                .bind(uid)
                .bind(written(check))
                .bind(check.edition.last_modified.as_deref().unwrap_or_default())
                .bind(check.edition.etag.as_deref().unwrap_or_default())
                .bind(check.time_micros)
                .execute(&mut *transaction)
                .await?;
            if let Some(change) = change.filter(|change| !change.is_nothing()) {
                sqlx::query(CHANGE)
                    .bind(uid)
                    .bind(change.time_micros)
                    .bind(written(&change.appeared))
                    .bind(written(&change.disappeared))
                    .execute(&mut *transaction)
                    .await?;
            }
        });
        Ok(())
    }

    /// Returns what the newest recurring check found; none before the first.
    pub async fn last_check(&self, destination: &Destination) -> Result<Option<Check>, sqlx::Error> {
        const SQL: &str = "SELECT findings FROM destination_checks WHERE uid = $1";
        let text: Option<String> = on_database!(
            &self.database,
            pool => sqlx::query_scalar(SQL).bind(destination.uid.as_str()).fetch_optional(pool).await
        )?;
        text.as_deref().map(read).transpose()
    }

    /// Lists changes, newest first; one more than the page has when there are
    /// more.
    pub async fn list_check_changes(
        &self,
        destination: &Destination,
        page: &Page,
    ) -> Result<Vec<CheckChange>, sqlx::Error> {
        const SQL: &str = "
            SELECT change_time, appeared, disappeared
            FROM destination_check_changes
            WHERE uid = $1
              AND change_time < $2
            ORDER BY change_time DESC
            LIMIT $3";
        // Of the first page.
        let before = page.after.parse().unwrap_or(i64::MAX);
        let rows: Vec<ChangeRow> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(destination.uid.as_str())
                .bind(before)
                .bind(page.limit())
                .fetch_all(pool)
                .await
        )?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Forgets checks of destinations that are gone, and changes that are old.
    pub(super) async fn forget_checks(&self, changed_before: DateTime<Utc>) -> Result<(), sqlx::Error> {
        const CHECKS: &str = "DELETE FROM destination_checks WHERE uid NOT IN (SELECT uid FROM destinations)";
        const CHANGES: &str = "
            DELETE FROM destination_check_changes
            WHERE change_time < $1
               OR uid NOT IN (SELECT uid FROM destinations)";
        in_transaction!(&self.database, transaction => {
            sqlx::query(CHECKS).execute(&mut *transaction).await?;
            sqlx::query(CHANGES)
                .bind(to_micros(changed_before))
                .execute(&mut *transaction)
                .await?;
        });
        Ok(())
    }

    /// Takes or renews the lease of the recurring checks; false while another
    /// process has it.
    pub(super) async fn take_check_lease(
        &self,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, sqlx::Error> {
        const SQL: &str = "
            INSERT INTO task_leases (name, holder, expire_time)
            VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, expire_time = excluded.expire_time
            WHERE task_leases.holder = excluded.holder
               OR task_leases.expire_time < $4";
        let taken = on_database!(
            &self.database,
            pool => sqlx::query(SQL)
                .bind(LEASE)
                .bind(holder)
                .bind(to_micros(until))
                .bind(to_micros(now))
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        )?;
        Ok(taken > 0)
    }

    pub(super) async fn give_back_check_lease(&self, holder: &str) -> Result<(), sqlx::Error> {
        const SQL: &str = "DELETE FROM task_leases WHERE name = $1 AND holder = $2";
        on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(LEASE).bind(holder).execute(pool).await.map(|_| ())
        )
    }
}

fn written(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("findings are structs of text, which always serialize")
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
