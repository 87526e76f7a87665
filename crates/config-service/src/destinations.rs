//! Destinations: the rules of their life, and the queries of their tables.

mod claims;
mod plan_changes;
mod row;
mod status_reports;

pub mod creation;
pub mod revisions;
pub mod staged;

pub use self::plan_changes::PlanSnapshot;

use std::{collections::BTreeSet, time::Duration};

use activation::{
    InvalidField,
    destination::{Activation, RecordType, SegmentActivation, WriteMode},
    mapping_id_suggestion::Affixes,
    names::{ConnectionName, DestinationName, DestinationUid, WorkspaceName},
    org_shape::OrgShape,
    plan::{Plan, PlanState, Rules},
};
use chrono::{DateTime, Utc};
use contracts::page::Page;
use serde::{Deserialize, Serialize};
use service::{database::to_micros, in_transaction, on_database};
use tracing::error;

use self::row::Row;
use crate::{
    backfills,
    governance::{self, MarketingAction, Standing, View},
    segments::SegmentNamespaces,
    session::{Session, on_session, with_session},
    store::{ChangeError, Store, check_etag},
};

/// The longest that a partial batch waits, unless the admin says otherwise.
pub const DEFAULT_MAX_DELAY: Duration = Duration::from_secs(60);
/// Later than anything that was accepted: discards all that waits.
const END_OF_TIME_MICROS: i64 = 253_370_764_800_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub name: DestinationName,
    pub uid: DestinationUid,
    pub connection: ConnectionName,
    pub display_name: String,
    pub description: String,
    /// What an admin edits.
    pub activation: Activation,
    /// What delivery works by; `None` for a draft.
    pub live: Option<Activation>,
    /// The plan revision with which `live` went live; 0 for a draft.
    pub live_revision: i64,
    /// What the org said when the destination went live; nothing before.
    pub org_shape: OrgShape,
    /// What stands around suggested Mapping IDs.
    pub affixes: Affixes,
    pub desired_state: DesiredState,
    pub discard_accepted_before: Option<DateTime<Utc>>,
    pub revision: i64,
    pub version: i64,
    pub delivery_status: Option<DeliveryStatus>,
    pub create_time: DateTime<Utc>,
    pub created_by: String,
    pub update_time: DateTime<Utc>,
    pub updated_by: String,
    /// What its data is used for.
    pub marketing_actions: Vec<MarketingAction>,
    /// Which namespaces its segments may come from.
    pub segment_namespaces: SegmentNamespaces,
    /// Read with it, never stored.
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesiredState {
    Draft,
    Enabled,
    Disabled,
    Deleting,
}

/// What delivery reports of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStatus {
    pub state: DeliveryState,
    pub reason: String,
    pub message: String,
    pub applied_revision: i64,
    pub report_time_micros: i64,
    /// Accepted and not settled.
    #[serde(default)]
    pub waiting_updates: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Delivering,
    Paused,
    Error,
    Draining,
}

/// What happens to accepted updates that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingUpdates {
    Resume,
    Discard,
}

/// Which destination a caller changes.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    pub name: &'a DestinationName,
    /// Empty: whatever it holds now.
    pub etag: &'a str,
    /// Who, for people; may be empty.
    pub actor: &'a str,
}

/// Whether a change is made, or only found out what it would make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Make,
    Check,
}

/// What a caller gives for a new destination.
#[derive(Debug, Clone)]
pub struct NewDestination {
    pub name: DestinationName,
    pub uid: DestinationUid,
    pub settings: Settings,
    pub created_by: String,
}

/// All that an admin says of a destination, besides whether it delivers.
#[derive(Debug, Clone)]
pub struct Settings {
    pub connection: ConnectionName,
    pub display_name: String,
    pub description: String,
    pub activation: Activation,
    pub affixes: Affixes,
    pub marketing_actions: Vec<MarketingAction>,
    pub segment_namespaces: SegmentNamespaces,
}

/// One change in the order of revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanChange {
    Planned(Box<Plan>),
    Removed { uid: DestinationUid, revision: i64 },
}

impl PlanChange {
    pub fn revision(&self) -> i64 {
        match self {
            Self::Planned(plan) => plan.revision,
            Self::Removed { revision, .. } => *revision,
        }
    }
}

impl Destination {
    pub fn is_draft(&self) -> bool {
        self.desired_state == DesiredState::Draft
    }

    pub(crate) fn segment_ids(&self) -> impl Iterator<Item = &String> {
        let live = self.live.iter().flat_map(|live| &live.segments);
        self.activation
            .segments
            .iter()
            .chain(live)
            .map(|segment| &segment.segment)
    }

    /// Makes what was edited live.
    pub fn go_live(&mut self) {
        self.live = Some(self.activation.clone());
    }

    /// Tells whether delivery must follow the change from `before`.
    fn is_planned_otherwise_than(&self, before: &Self) -> bool {
        let planned = |destination: &Self| {
            (
                destination.desired_state,
                destination.discard_accepted_before,
                destination.org_shape.clone(),
            )
        };
        self.live != before.live || planned(self) != planned(before)
    }

    /// Returns the segments that delivery works by.
    pub fn live_segments(&self) -> &[SegmentActivation] {
        self.live.as_ref().map_or(&[], |live| &live.segments)
    }

    /// Returns how many accepted updates were not settled when delivery last
    /// reported.
    pub fn waiting_updates(&self) -> i64 {
        self.delivery_status
            .as_ref()
            .map_or(0, |status| status.waiting_updates)
    }

    /// Refuses a change of what is fixed after activation.
    pub fn check_fixed(&self, field: &str) -> Result<(), ChangeError> {
        if self.is_draft() {
            return Ok(());
        }
        Err(ChangeError::not_ready(
            "FIXED_AFTER_ACTIVATION",
            format!("destination.{field}"),
            "cannot be changed after activation; create another destination for it",
        ))
    }

    fn plan(&self, login_host: String, org_id: String) -> Option<Plan> {
        let state = match self.desired_state {
            DesiredState::Draft => return None,
            DesiredState::Enabled => PlanState::Enabled,
            DesiredState::Disabled => PlanState::Disabled,
            DesiredState::Deleting => PlanState::Deleting,
        };
        let live = self.live.as_ref()?;
        let mut rules = match Rules::compile(live, &self.org_shape) {
            Ok(rules) => rules,
            // What went live has compiled, so this is what a newer version wrote,
            // or stricter rules than those it went live by.
            Err(wrong) => {
                let problems: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                error!(
                    destination.name = %self.name,
                    problems = problems.join("; "),
                    "what is live cannot be planned by this version; delivery goes on by the plan that it has"
                );
                return None;
            }
        };
        rules.discard_accepted_before = self.discard_accepted_before;
        Some(Plan {
            destination: self.name.clone(),
            uid: self.uid.clone(),
            revision: self.revision,
            state,
            connection: self.connection.clone(),
            login_host,
            org_id,
            rules,
            max_delay: live.max_delay,
        })
    }
}

/// A segment of another destination that the same org holds the field of.
#[derive(Debug, Clone)]
pub struct ClaimedField {
    pub destination: DestinationName,
    pub segment: SegmentActivation,
}

/// Lists segments whose field another destination of the org writes too.
pub fn claimed_by_others(activation: &Activation, claimed: &[ClaimedField]) -> Vec<InvalidField> {
    let mut found = Vec::new();
    for (index, segment) in activation.segments.iter().enumerate() {
        let field = segment.mapping_id.field();
        let other = claimed
            .iter()
            .find(|other| other.segment.mapping_id.field().is_same_field(field.as_str()));
        if let Some(other) = other {
            found.push(InvalidField::new(
                format!("segments[{index}].mapping_id"),
                format!(
                    "the field {field} receives the status of the segment {} from {} already; \
                     give {} a field of its own",
                    other.segment.label(),
                    other.destination,
                    segment.label()
                ),
            ));
        }
    }
    found
}

const NEXT_REVISION: &str =
    "UPDATE plan_revision SET revision = revision + 1 WHERE id = 1 RETURNING revision";

/// Takes the next place in the order of plan changes. Transactions that begin
/// with it follow each other.
pub(crate) async fn next_revision(session: &mut Session<'_>) -> Result<i64, sqlx::Error> {
    on_session!(
        session,
        connection => sqlx::query_scalar(NEXT_REVISION).fetch_one(connection).await
    )
}

/// Reads all destinations of a workspace, by name.
pub(crate) async fn destinations_in(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<Vec<Destination>, sqlx::Error> {
    let rows: Vec<Row> = on_session!(
        session,
        connection => sqlx::query_as(row::ALL_IN_WORKSPACE).bind(workspace).fetch_all(connection).await
    )?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Reads the activated destinations of a workspace, by name.
pub(crate) async fn activated_in(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<Vec<Destination>, sqlx::Error> {
    let mut destinations = destinations_in(session, workspace).await?;
    destinations.retain(|destination| !destination.is_draft());
    Ok(destinations)
}

/// Stores a destination that was changed in the session's transaction.
pub(crate) async fn put_destination(
    session: &mut Session<'_>,
    destination: &Destination,
) -> Result<(), sqlx::Error> {
    let row = Row::from(destination);
    on_session!(
        session,
        connection => row.bind(sqlx::query(row::UPDATE)).execute(connection).await.map(|_| ())
    )
}

impl Store {
    /// Creates a draft, unless the workspace has so many already. The check sees
    /// what other destinations of the org claim.
    pub async fn create_destination(
        &self,
        new: NewDestination,
        max_destinations: i64,
        intent: Intent,
        check: impl FnOnce(&Activation, &[ClaimedField]) -> Result<(), ChangeError>,
    ) -> Result<Destination, ChangeError> {
        const CONNECTION: &str = "SELECT name FROM connections WHERE name = $1";
        const TAKEN: &str = "SELECT name FROM destinations WHERE name = $1";
        const COUNT: &str = "SELECT COUNT(*) FROM destinations WHERE workspace = $1";
        let now = self.clock.now();
        let settings = new.settings;
        let mut destination = Destination {
            name: new.name,
            uid: new.uid,
            connection: settings.connection,
            display_name: settings.display_name,
            description: settings.description,
            activation: settings.activation,
            live: None,
            live_revision: 0,
            org_shape: OrgShape::unknown(false),
            affixes: settings.affixes,
            desired_state: DesiredState::Draft,
            discard_accepted_before: None,
            revision: 0,
            version: 1,
            delivery_status: None,
            create_time: now,
            created_by: new.created_by.clone(),
            update_time: now,
            updated_by: new.created_by,
            marketing_actions: settings.marketing_actions,
            segment_namespaces: settings.segment_namespaces,
            standing: Standing::default(),
        };
        in_transaction!(&self.database, transaction => {
            // Creations follow each other, so that the limit holds.
            let _: i64 = sqlx::query_scalar(NEXT_REVISION).fetch_one(&mut *transaction).await?;
            let connection = destination.connection.to_string();
            let known: Option<String> =
                sqlx::query_scalar(CONNECTION).bind(&connection).fetch_optional(&mut *transaction).await?;
            if known.is_none() {
                return Err(ChangeError::invalid(
                    "destination.connection",
                    format!("{connection} does not exist; create it first"),
                ));
            }
            let taken: Option<String> = sqlx::query_scalar(TAKEN)
                .bind(destination.name.to_string())
                .fetch_optional(&mut *transaction)
                .await?;
            if taken.is_some() {
                return Err(ChangeError::AlreadyExists(destination.name.to_string()));
            }
            let workspace = destination.name.workspace().to_string();
            let count: i64 = sqlx::query_scalar(COUNT).bind(&workspace).fetch_one(&mut *transaction).await?;
            if count >= max_destinations {
                return Err(ChangeError::TooMany(format!(
                    "{workspace} has {count} destinations and may have {max_destinations}; delete one, or raise \
                     config.max_destinations_per_workspace"
                )));
            }
            let others: Vec<Row> = sqlx::query_as(row::OF_THE_SAME_ORG)
                .bind(destination.name.to_string())
                .bind(&workspace)
                .bind(&connection)
                .bind(destination.activation.record_type.object())
                .fetch_all(&mut *transaction)
                .await?;
            check(&destination.activation, &claimed_fields(others)?)?;
            let segments = destination.segment_ids().cloned().collect();
            let view = View::read(&mut Session::from(&mut *transaction), &workspace, &segments).await?;
            governance::check(&view, None, &destination)?;
            destination.standing = view.standing(&destination);
            if intent == Intent::Check {
                return Ok(destination);
            }
            let row = Row::from(&destination);
            row.bind(sqlx::query(row::INSERT)).execute(&mut *transaction).await?;
        });
        Ok(destination)
    }

    pub async fn destination(&self, name: &DestinationName) -> Result<Option<Destination>, sqlx::Error> {
        let row: Option<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(row::GET).bind(name.to_string()).fetch_optional(pool).await
        )?;
        let Some(row) = row else { return Ok(None) };
        let mut destination: Destination = row.try_into()?;
        destination.standing = self.view([&destination]).await?.standing(&destination);
        Ok(Some(destination))
    }

    /// Reads what destinations of one workspace are judged by.
    pub(crate) async fn view<'a>(
        &self,
        destinations: impl IntoIterator<Item = &'a Destination>,
    ) -> Result<View, sqlx::Error> {
        let mut workspace = String::new();
        let mut segments = BTreeSet::new();
        for destination in destinations {
            workspace = destination.name.workspace().to_string();
            segments.extend(destination.segment_ids().cloned());
        }
        with_session!(&self.database, session => { View::read(session, &workspace, &segments).await })
    }

    /// Lists by name; one more than the page has when there are more.
    pub async fn list_destinations(
        &self,
        workspace: &WorkspaceName,
        page: &Page,
    ) -> Result<Vec<Destination>, sqlx::Error> {
        let rows: Vec<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(row::LIST)
                .bind(workspace.to_string())
                .bind(&page.after)
                .bind(page.limit())
                .fetch_all(pool)
                .await
        )?;
        let mut destinations: Vec<Destination> = rows
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        if !destinations.is_empty() {
            let view = self.view(&destinations).await?;
            for destination in &mut destinations {
                destination.standing = view.standing(destination);
            }
        }
        Ok(destinations)
    }

    /// Changes a destination by a pure function, which sees what other
    /// destinations of the org claim. One change happens after the other; one
    /// that leaves everything as it was is none.
    pub async fn change_destination(
        &self,
        edit: Edit<'_>,
        change: impl FnOnce(&mut Destination, &[ClaimedField]) -> Result<(), ChangeError>,
    ) -> Result<Destination, ChangeError> {
        self.change_or_check(edit, Intent::Make, change).await
    }

    /// As [`change_destination`](Self::change_destination); with
    /// [`Intent::Check`] it returns what would be, and changes nothing.
    pub async fn change_or_check(
        &self,
        edit: Edit<'_>,
        intent: Intent,
        change: impl FnOnce(&mut Destination, &[ClaimedField]) -> Result<(), ChangeError>,
    ) -> Result<Destination, ChangeError> {
        let key = edit.name.to_string();
        let now = self.clock.now();
        let destination = in_transaction!(&self.database, transaction => {
            let revision: i64 = sqlx::query_scalar(NEXT_REVISION).fetch_one(&mut *transaction).await?;
            let row: Option<Row> = sqlx::query_as(row::GET).bind(&key).fetch_optional(&mut *transaction).await?;
            let mut destination: Destination =
                row.ok_or_else(|| ChangeError::NotFound(key.clone()))?.try_into()?;
            check_etag(edit.etag, destination.version, &key)?;
            if destination.desired_state == DesiredState::Deleting {
                return Err(ChangeError::not_ready("DELETING", "name", format!("{key} is being deleted")));
            }
            let others: Vec<Row> = sqlx::query_as(row::OF_THE_SAME_ORG)
                .bind(&key)
                .bind(destination.name.workspace().to_string())
                .bind(destination.connection.to_string())
                .bind(destination.activation.record_type.object())
                .fetch_all(&mut *transaction)
                .await?;
            let before = destination.clone();
            change(&mut destination, &claimed_fields(others)?)?;
            // A draft may have become another org's, or of another kind.
            if destination.connection != before.connection
                || destination.activation.record_type != before.activation.record_type
            {
                let others: Vec<Row> = sqlx::query_as(row::OF_THE_SAME_ORG)
                    .bind(&key)
                    .bind(destination.name.workspace().to_string())
                    .bind(destination.connection.to_string())
                    .bind(destination.activation.record_type.object())
                    .fetch_all(&mut *transaction)
                    .await?;
                let claimed = claimed_by_others(&destination.activation, &claimed_fields(others)?);
                if !claimed.is_empty() {
                    return Err(ChangeError::Invalid(claimed));
                }
            }
            let is_changed = destination != before;
            let workspace = destination.name.workspace().to_string();
            let segments = before.segment_ids().chain(destination.segment_ids()).cloned().collect();
            let view = View::read(&mut Session::from(&mut *transaction), &workspace, &segments).await?;
            governance::check(&view, Some(&before), &destination)?;
            destination.standing = view.standing(&destination);
            if intent == Intent::Check || !is_changed {
                return Ok(destination);
            }
            destination.version += 1;
            destination.update_time = now;
            edit.actor.clone_into(&mut destination.updated_by);
            if destination.is_planned_otherwise_than(&before) {
                destination.revision = revision;
            }
            if destination.live != before.live {
                destination.live_revision = revision;
                let live = row::live_text(&destination);
                sqlx::query(revisions::INSERT)
                    .bind(destination.uid.as_str())
                    .bind(revision)
                    .bind(live)
                    .bind(to_micros(now))
                    .bind(edit.actor)
                    .execute(&mut *transaction)
                    .await?;
            }
            let row = Row::from(&destination);
            row.bind(sqlx::query(row::UPDATE)).execute(&mut *transaction).await?;
            let backfills = backfills::due(before.live_segments(), destination.live_segments());
            for segment in backfills.wanted {
                sqlx::query(backfills::WANT)
                    .bind(destination.uid.as_str())
                    .bind(segment)
                    .bind(to_micros(now))
                    .execute(&mut *transaction)
                    .await?;
            }
            for segment in backfills.gone {
                sqlx::query(backfills::FORGET)
                    .bind(destination.uid.as_str())
                    .bind(segment)
                    .bind(i64::MAX)
                    .execute(&mut *transaction)
                    .await?;
            }
            destination
        });
        self.plans_changed.notify_waiters();
        Ok(destination)
    }

    /// Lists what other destinations of the org claim.
    pub async fn claimed_by_others(
        &self,
        destination: &Destination,
    ) -> Result<Vec<ClaimedField>, sqlx::Error> {
        let rows: Vec<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(row::OF_THE_SAME_ORG)
                .bind(destination.name.to_string())
                .bind(destination.name.workspace().to_string())
                .bind(destination.connection.to_string())
                .bind(destination.activation.record_type.object())
                .fetch_all(pool)
                .await
        )?;
        claimed_fields(rows)
    }

    /// Removes a draft at once; lets an activated one drain first. Returns how
    /// many updates wait.
    pub async fn delete_destination(
        &self,
        edit: Edit<'_>,
        waiting: WaitingUpdates,
    ) -> Result<i64, ChangeError> {
        const DELETE_DRAFT: &str = "
            DELETE FROM destinations
            WHERE name = $1
              AND desired_state = 'draft'
              AND ($2 = '' OR $2 = CAST(version AS TEXT))";
        let deleted = on_database!(
            &self.database,
            pool => sqlx::query(DELETE_DRAFT)
                .bind(edit.name.to_string())
                .bind(edit.etag)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        )?;
        if deleted > 0 {
            return Ok(0);
        }
        let destination = self
            .change_destination(edit, |destination, _| {
                destination.desired_state = DesiredState::Deleting;
                if waiting == WaitingUpdates::Discard {
                    destination.discard_accepted_before = DateTime::from_timestamp_micros(END_OF_TIME_MICROS);
                }
                Ok(())
            })
            .await?;
        Ok(destination.waiting_updates())
    }
}

fn claimed_fields(rows: Vec<Row>) -> Result<Vec<ClaimedField>, sqlx::Error> {
    let mut claimed = Vec::new();
    for row in rows {
        let destination: Destination = row.try_into()?;
        let live = destination.live.into_iter().flat_map(|live| live.segments);
        let edited = destination.activation.segments;
        // What was removed by an edit is written until that is live.
        let segments = live.filter(|live| !edited.contains(live)).chain(edited.clone());
        claimed.extend(segments.map(|segment| ClaimedField {
            destination: destination.name.clone(),
            segment,
        }));
    }
    Ok(claimed)
}

/// Sets what is waiting aside, for Enable with DISCARD.
pub fn discard_until(destination: &mut Destination, now: DateTime<Utc>) {
    destination.discard_accepted_before = DateTime::from_timestamp_micros(to_micros(now));
}

/// Returns the record type and write mode as the table keeps them.
fn kind_columns(activation: &Activation) -> (&'static str, String) {
    let key_field = match &activation.write_mode {
        WriteMode::UpdateById => String::new(),
        WriteMode::Upsert { key_field } => key_field.to_string(),
    };
    (activation.record_type.object(), key_field)
}

fn record_type(object: &str) -> Option<RecordType> {
    RecordType::ALL
        .into_iter()
        .find(|record_type| record_type.object() == object)
}
