//! Segments whose members should be sent once, because they went live or got
//! another field, or because somebody asked. The control plane replays them.

use activation::{
    destination::SegmentActivation,
    names::{DestinationName, WorkspaceName},
};
use chrono::{DateTime, Utc};
use contracts::page::Page;
use service::{
    database::{from_micros, to_micros},
    in_transaction, on_database,
};

use crate::{
    destinations::Destination,
    store::{ChangeError, Store},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedBackfill {
    pub destination: String,
    pub segment: String,
    pub want_time: DateTime<Utc>,
}

/// What a change of the live segments means for backfills.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Due<'a> {
    pub(crate) wanted: Vec<&'a str>,
    /// No longer live: nothing is wanted any more.
    pub(crate) gone: Vec<&'a str>,
}

pub(crate) const WANT: &str = "
    INSERT INTO wanted_backfills (destination_uid, segment, want_time)
    VALUES ($1, $2, $3)
    ON CONFLICT (destination_uid, segment) DO UPDATE
    SET want_time = excluded.want_time";

pub(crate) const FORGET: &str = "
    DELETE FROM wanted_backfills
    WHERE destination_uid = $1
      AND segment = $2
      -- Asked for again since: still wanted.
      AND want_time <= $3";

/// Compares live segments: one that is new, or is written to another field, has
/// members that Salesforce knows nothing of.
pub(crate) fn due<'a>(before: &'a [SegmentActivation], after: &'a [SegmentActivation]) -> Due<'a> {
    let field_before = |segment: &str| {
        before
            .iter()
            .find(|one| one.segment == segment)
            .map(|one| one.mapping_id.field())
    };
    let wanted = after
        .iter()
        .filter(|one| {
            field_before(&one.segment)
                .is_none_or(|field| !field.is_same_field(one.mapping_id.field().as_str()))
        })
        .map(|one| one.segment.as_str())
        .collect();
    let gone = before
        .iter()
        .filter(|one| after.iter().all(|other| other.segment != one.segment))
        .map(|one| one.segment.as_str())
        .collect();
    Due { wanted, gone }
}

impl Store {
    /// Lists by destination and segment; one more than the page has when there
    /// are more. `destination` may be empty.
    pub async fn wanted_backfills(
        &self,
        workspace: &WorkspaceName,
        destination: &str,
        page: &Page,
    ) -> Result<Vec<WantedBackfill>, sqlx::Error> {
        const SQL: &str = "
            SELECT d.name, b.segment, b.want_time
            FROM wanted_backfills AS b
            JOIN destinations AS d ON d.uid = b.destination_uid
            WHERE d.workspace = $1
              AND d.desired_state <> 'deleting'
              AND ($2 = '' OR d.name = $2)
              AND (d.name > $3 OR (d.name = $3 AND b.segment > $4))
            ORDER BY d.name, b.segment
            LIMIT $5";
        let (after_name, after_segment) = page.after.split_once('\n').unwrap_or_default();
        let rows: Vec<(String, String, i64)> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(workspace.to_string())
                .bind(destination)
                .bind(after_name)
                .bind(after_segment)
                .bind(page.limit())
                .fetch_all(pool)
                .await
        )?;
        Ok(rows
            .into_iter()
            .map(|(destination, segment, want_time)| WantedBackfill {
                destination,
                segment,
                want_time: from_micros(want_time),
            })
            .collect())
    }

    /// Wants backfills of live segments from now on.
    pub async fn request_backfills(
        &self,
        destination: &Destination,
        segments: &[String],
    ) -> Result<Vec<WantedBackfill>, ChangeError> {
        let now = to_micros(self.clock.now());
        let uid = destination.uid.as_str();
        in_transaction!(&self.database, transaction => {
            for segment in segments {
                sqlx::query(WANT).bind(uid).bind(segment).bind(now).execute(&mut *transaction).await?;
            }
        });
        Ok(segments
            .iter()
            .map(|segment| WantedBackfill {
                destination: destination.name.to_string(),
                segment: segment.clone(),
                want_time: from_micros(now),
            })
            .collect())
    }

    /// Forgets backfills that were wanted until then.
    pub async fn complete_backfills(
        &self,
        destination: &Destination,
        segments: &[String],
        want_time: DateTime<Utc>,
    ) -> Result<(), ChangeError> {
        let uid = destination.uid.as_str();
        let until = to_micros(want_time);
        in_transaction!(&self.database, transaction => {
            for segment in segments {
                sqlx::query(FORGET).bind(uid).bind(segment).bind(until).execute(&mut *transaction).await?;
            }
        });
        Ok(())
    }
}

/// Returns the key of an item in the order of the list.
pub(crate) fn page_key(wanted: &WantedBackfill) -> String {
    format!("{}\n{}", wanted.destination, wanted.segment)
}

/// Names a destination where one is given.
pub(crate) fn filter(destination: &str) -> Result<String, activation::InvalidField> {
    if destination.is_empty() {
        return Ok(String::new());
    }
    contracts::convert::parsed::<DestinationName>(destination, "destination").map(|name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(segment: &str, mapping_id: &str) -> SegmentActivation {
        SegmentActivation {
            segment: segment.to_owned(),
            display_name: String::new(),
            mapping_id: mapping_id.parse().unwrap(),
            start_time: None,
            end_time: None,
        }
    }

    #[test]
    fn a_segment_that_goes_live_or_gets_another_field_wants_its_members() {
        let before = [segment("stays", "a"), segment("moves", "b"), segment("goes", "c")];
        let renamed = SegmentActivation {
            display_name: "Renamed".to_owned(),
            ..segment("stays", "A")
        };
        let after = [renamed, segment("moves", "other"), segment("comes", "c")];

        assert_eq!(
            due(&before, &after),
            Due {
                wanted: vec!["moves", "comes"],
                gone: vec!["goes"],
            }
        );
        assert_eq!(due(&before, &before), due(&[], &[]));
    }
}
