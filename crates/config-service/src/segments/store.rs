//! Queries of the table `registered_segments`.

use std::collections::{BTreeMap, BTreeSet};

use activation::names::WorkspaceName;
use contracts::page::{MAX_PAGE_SIZE, Page};
use service::{
    database::{from_micros, to_micros},
    in_transaction,
};
use sqlx::AssertSqlSafe;

use super::{
    MemberCount, RegisteredSegment, SegmentSettings,
    settings::{put_settings, settings_of},
};
use crate::{
    destinations::{activated_in, next_revision},
    governance::effects::{Affected, Before, Cause},
    session::{Session, on_session, with_session},
    store::{ChangeError, Store},
};

/// Ids in one query; far below what either database takes.
const IDS_PER_QUERY: usize = 500;

#[derive(sqlx::FromRow)]
struct Row {
    segment: String,
    namespace: String,
    display_name: String,
    description: String,
    member_count: Option<i64>,
    consented_member_count: Option<i64>,
    count_time: Option<i64>,
    fields: String,
    create_time: i64,
    update_time: i64,
}

impl TryFrom<Row> for RegisteredSegment {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let members = row
            .member_count
            .zip(row.count_time)
            .map(|(all, count_time)| MemberCount {
                all,
                consented: row.consented_member_count,
                count_time: from_micros(count_time),
            });
        Ok(Self {
            segment: row.segment,
            namespace: row.namespace,
            display_name: row.display_name,
            description: row.description,
            members,
            fields: serde_json::from_str(&row.fields).map_err(|error| sqlx::Error::Decode(error.into()))?,
            create_time: from_micros(row.create_time),
            update_time: from_micros(row.update_time),
        })
    }
}

/// Which registered segments are wanted.
#[derive(Debug, Clone, Default)]
pub struct SegmentFilter {
    /// Empty: of all.
    pub namespace: String,
    pub segment_use: Option<SegmentUse>,
}

/// Whether an activated destination has a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentUse {
    Activated,
    NotActivated,
}

/// The activated destinations of each segment that has any.
pub type Uses = BTreeMap<String, Vec<String>>;

/// Reads those of these segments that are registered, by id.
pub(crate) async fn registered_of(
    session: &mut Session<'_>,
    workspace: &str,
    segments: &BTreeSet<String>,
) -> Result<BTreeMap<String, RegisteredSegment>, sqlx::Error> {
    let ids: Vec<&String> = segments.iter().collect();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(IDS_PER_QUERY) {
        let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("${place}")).collect();
        // Only the numbers of binds are pasted in.
        let sql = format!(
            "SELECT segment, namespace, display_name, description, member_count, consented_member_count, count_time,
                fields, create_time, update_time
            FROM registered_segments
            WHERE workspace = $1
              AND segment IN ({})",
            places.join(", ")
        );
        let rows: Vec<Row> = on_session!(session, connection => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(workspace);
            for id in ids {
                query = query.bind(*id);
            }
            query.fetch_all(connection).await
        })?;
        for row in rows {
            let segment: RegisteredSegment = row.try_into()?;
            found.insert(segment.segment.clone(), segment);
        }
    }
    Ok(found)
}

/// Reads registered segments by id: those after a key, so many.
async fn registered_in(
    session: &mut Session<'_>,
    workspace: &str,
    namespace: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<RegisteredSegment>, sqlx::Error> {
    const SQL: &str = "
        SELECT segment, namespace, display_name, description, member_count, consented_member_count, count_time,
            fields, create_time, update_time
        FROM registered_segments
        WHERE workspace = $1
          AND segment > $2
          AND ($3 = '' OR namespace = $3)
        ORDER BY segment
        LIMIT $4";
    let rows: Vec<Row> = on_session!(session, connection => sqlx::query_as(SQL)
        .bind(workspace)
        .bind(after)
        .bind(namespace)
        .bind(limit)
        .fetch_all(connection)
        .await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

async fn put_segment(
    session: &mut Session<'_>,
    workspace: &str,
    segment: &RegisteredSegment,
) -> Result<(), sqlx::Error> {
    const SQL: &str = "
        INSERT INTO registered_segments
            (workspace, segment, namespace, display_name, description, member_count, consented_member_count,
             count_time, fields, create_time, update_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (workspace, segment) DO UPDATE
        SET namespace = excluded.namespace,
            display_name = excluded.display_name,
            description = excluded.description,
            member_count = excluded.member_count,
            consented_member_count = excluded.consented_member_count,
            count_time = excluded.count_time,
            fields = excluded.fields,
            update_time = excluded.update_time";
    let fields = serde_json::to_string(&segment.fields).expect("paths can be written as JSON");
    on_session!(session, connection => sqlx::query(SQL)
        .bind(workspace)
        .bind(&segment.segment)
        .bind(&segment.namespace)
        .bind(&segment.display_name)
        .bind(&segment.description)
        .bind(segment.members.map(|members| members.all))
        .bind(segment.members.and_then(|members| members.consented))
        .bind(segment.members.map(|members| to_micros(members.count_time)))
        .bind(&fields)
        .bind(to_micros(segment.create_time))
        .bind(to_micros(segment.update_time))
        .execute(connection)
        .await
        .map(|_| ()))
}

async fn uses_in(session: &mut Session<'_>, workspace: &str) -> Result<Uses, sqlx::Error> {
    let mut uses = Uses::new();
    for destination in activated_in(session, workspace).await? {
        for activated in destination.live.iter().flat_map(|live| &live.segments) {
            let of_it = uses.entry(activated.segment.clone()).or_default();
            of_it.push(destination.name.to_string());
        }
    }
    Ok(uses)
}

impl Store {
    /// Registers segments; returns them as stored, with where they are
    /// activated and which destinations now break a policy.
    pub async fn put_segments(
        &self,
        workspace: &WorkspaceName,
        mut segments: Vec<RegisteredSegment>,
        cause: Cause<'_>,
    ) -> Result<(Vec<RegisteredSegment>, Uses, Vec<Affected>), ChangeError> {
        let key = workspace.to_string();
        let now = self.clock.now();
        let ids = segments.iter().map(|segment| segment.segment.clone()).collect();
        let (uses, affected) = in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            let revision = next_revision(session).await?;
            let known = registered_of(session, &key, &ids).await?;
            // Counts are told often, and nothing else then depends on them.
            let rules_changed = segments.iter().any(|segment| {
                let before = known.get(&segment.segment).map(|known| known.fields.as_slice());
                before.unwrap_or_default() != segment.fields
            });
            let before = if rules_changed { Some(Before::read(session, workspace).await?) } else { None };
            for segment in &mut segments {
                if let Some(known) = known.get(&segment.segment) {
                    segment.create_time = known.create_time;
                }
                put_segment(session, &key, segment).await?;
            }
            let settings = settings_of(session, &key).await?;
            if !settings.has_registered {
                put_settings(session, &key, &SegmentSettings { has_registered: true, ..settings }).await?;
            }
            let affected = match before {
                Some(before) => before.settle(session, cause, revision, now).await?,
                None => Vec::new(),
            };
            (uses_in(session, &key).await?, affected)
        });
        self.plans_changed.notify_waiters();
        Ok((segments, uses, affected))
    }

    pub async fn registered_segment(
        &self,
        workspace: &WorkspaceName,
        segment: &str,
    ) -> Result<Option<(RegisteredSegment, Uses)>, sqlx::Error> {
        let key = workspace.to_string();
        let ids = BTreeSet::from([segment.to_owned()]);
        with_session!(&self.database, session => {
            let found = registered_of(session, &key, &ids).await?.remove(segment);
            match found {
                Some(found) => Ok(Some((found, uses_in(session, &key).await?))),
                None => Ok(None),
            }
        })
    }

    /// Returns the names of those of these segments that are registered, by id.
    pub async fn registered_names(
        &self,
        workspace: &WorkspaceName,
        segments: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, sqlx::Error> {
        let key = workspace.to_string();
        let registered =
            with_session!(&self.database, session => { registered_of(session, &key, segments).await })?;
        Ok(registered
            .into_iter()
            .map(|(segment, known)| (segment, known.display_name))
            .collect())
    }

    /// Lists by segment id; one more than the page has when there are more.
    pub async fn list_registered_segments(
        &self,
        workspace: &WorkspaceName,
        filter: &SegmentFilter,
        page: &Page,
    ) -> Result<(Vec<RegisteredSegment>, Uses), sqlx::Error> {
        let key = workspace.to_string();
        let wanted = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let (mut found, uses) = with_session!(&self.database, session => {
            let uses = uses_in(session, &key).await?;
            let mut found = Vec::new();
            let mut after = page.after.clone();
            // Uses are inside the destinations, so they are filtered here.
            let limit = if filter.segment_use.is_none() { page.limit() } else { i64::from(MAX_PAGE_SIZE) };
            while found.len() < wanted {
                let some = registered_in(session, &key, &filter.namespace, &after, limit).await?;
                let Some(last) = some.last() else { break };
                after.clone_from(&last.segment);
                found.extend(some.into_iter().filter(|segment| match filter.segment_use {
                    None => true,
                    Some(SegmentUse::Activated) => uses.contains_key(&segment.segment),
                    Some(SegmentUse::NotActivated) => !uses.contains_key(&segment.segment),
                }));
            }
            (found, uses)
        });
        found.truncate(wanted);
        Ok((found, uses))
    }

    /// Forgets segments; returns the activated destinations that have any of
    /// them.
    pub async fn delete_segments(
        &self,
        workspace: &WorkspaceName,
        segments: &[String],
    ) -> Result<Vec<String>, ChangeError> {
        const SQL: &str = "DELETE FROM registered_segments WHERE workspace = $1 AND segment = $2";
        let key = workspace.to_string();
        let users: BTreeSet<String> = in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            next_revision(session).await?;
            let mut missing = Vec::new();
            for segment in segments {
                let deleted = on_session!(session, connection => sqlx::query(SQL)
                    .bind(&key)
                    .bind(segment)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected()))?;
                if deleted == 0 {
                    missing.push(segment.as_str());
                }
            }
            if !missing.is_empty() {
                return Err(ChangeError::NotFound(format!("{key}/segments/{}", missing.join(", "))));
            }
            let mut uses = uses_in(session, &key).await?;
            segments.iter().filter_map(|segment| uses.remove(segment)).flatten().collect()
        });
        Ok(users.into_iter().collect())
    }

    pub async fn segment_settings(&self, workspace: &WorkspaceName) -> Result<SegmentSettings, sqlx::Error> {
        let key = workspace.to_string();
        with_session!(&self.database, session => { settings_of(session, &key).await })
    }
}
