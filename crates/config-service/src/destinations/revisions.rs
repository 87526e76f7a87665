//! Definitions that were or are live: the queries of `destination_revisions`.

use activation::{InvalidField, destination::Activation, names::DestinationName};
use chrono::{DateTime, Utc};
use contracts::page::Page;
use service::{database::from_micros, on_database};

use super::{Destination, row};
use crate::store::{ChangeError, Store};

/// A definition, and when it went live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The plan revision with which it went live.
    pub revision: i64,
    pub definition: Activation,
    pub create_time: DateTime<Utc>,
    pub created_by: String,
}

pub(super) const INSERT: &str = "
    INSERT INTO destination_revisions (uid, revision, definition, create_time, created_by)
    VALUES ($1, $2, $3, $4, $5)";

pub(super) const DELETE: &str = "DELETE FROM destination_revisions WHERE uid = $1";

#[derive(sqlx::FromRow)]
struct Row {
    revision: i64,
    definition: String,
    create_time: i64,
    created_by: String,
}

impl Row {
    fn read(self, of: &Destination) -> Result<Revision, sqlx::Error> {
        Ok(Revision {
            revision: self.revision,
            definition: row::read_definition(
                &self.definition,
                of.activation.record_type,
                &of.activation.write_mode,
            )?,
            create_time: from_micros(self.create_time),
            created_by: self.created_by,
        })
    }
}

impl Store {
    /// Lists newest first; two more than the page has when there are more: one
    /// that tells so, and the one that the last differs from.
    pub async fn list_revisions(&self, of: &Destination, page: &Page) -> Result<Vec<Revision>, ChangeError> {
        const SQL: &str = "
            SELECT revision, definition, create_time, created_by
            FROM destination_revisions
            WHERE uid = $1
              AND revision < $2
            ORDER BY revision DESC
            LIMIT $3";
        let before = match page.after.as_str() {
            "" => i64::MAX,
            after => after
                .parse()
                .map_err(|_| ChangeError::invalid("page_token", "is not one that this list answered"))?,
        };
        let rows: Vec<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(of.uid.as_str())
                .bind(before)
                .bind(page.limit() + 1)
                .fetch_all(pool)
                .await
        )?;
        Ok(rows
            .into_iter()
            .map(|row| row.read(of))
            .collect::<Result<_, sqlx::Error>>()?)
    }

    pub async fn revision(&self, of: &Destination, revision: i64) -> Result<Option<Revision>, sqlx::Error> {
        const SQL: &str = "
            SELECT revision, definition, create_time, created_by
            FROM destination_revisions
            WHERE uid = $1
              AND revision = $2";
        let row: Option<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL).bind(of.uid.as_str()).bind(revision).fetch_optional(pool).await
        )?;
        row.map(|row| row.read(of)).transpose()
    }
}

/// Reads `workspaces/{workspace}/destinations/{destination}/revisions/{revision}`.
pub fn parse_name(name: &str) -> Result<(DestinationName, i64), InvalidField> {
    name.split_once("/revisions/")
        .and_then(|(destination, revision)| Some((destination.parse().ok()?, revision.parse().ok()?)))
        .ok_or_else(|| {
            InvalidField::new(
                "name",
                "is not of the form workspaces/{workspace}/destinations/{destination}/revisions/{revision}",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_below_its_destination() {
        let (destination, revision) = parse_name("workspaces/a/destinations/b/revisions/17").unwrap();
        assert_eq!(
            (destination.to_string().as_str(), revision),
            ("workspaces/a/destinations/b", 17)
        );
        for wrong in [
            "workspaces/a/destinations/b",
            "workspaces/a/destinations/b/revisions/x",
            "x/revisions/1",
        ] {
            assert!(
                parse_name(wrong)
                    .unwrap_err()
                    .problem
                    .contains("revisions/{revision}"),
                "{wrong}"
            );
        }
    }
}
