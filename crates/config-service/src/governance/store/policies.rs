//! The table `policies`.

use std::collections::{BTreeMap, BTreeSet};

use activation::{
    InvalidField,
    names::{PolicyName, WorkspaceName},
};
use service::{
    database::{from_micros, to_micros},
    in_transaction,
};

use super::{
    fields::unknown_labels,
    words::{own_labels, own_marketing_actions},
};
use crate::{
    destinations::next_revision,
    governance::{
        effects::{Affected, Before, Cause},
        policies::{CORE_PREFIX, Policy, PolicyKind},
        words::{Label, MarketingAction},
    },
    session::{Session, on_session, with_session},
    store::{ChangeError, Store, check_etag},
};

/// What a caller changes; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct PolicyChange {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub marketing_action: Option<MarketingAction>,
    pub labels: Option<BTreeSet<Label>>,
    pub enabled: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct Row {
    policy: String,
    display_name: String,
    description: String,
    marketing_action: String,
    labels: String,
    enabled: bool,
    version: i64,
    update_time: i64,
}

fn decode(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn custom(workspace: &WorkspaceName, row: &Row) -> Result<Policy, sqlx::Error> {
    Ok(Policy {
        name: PolicyName::new(workspace.clone(), row.policy.parse().map_err(decode)?),
        display_name: row.display_name.clone(),
        description: row.description.clone(),
        marketing_action: Some(row.marketing_action.parse().map_err(decode)?),
        labels: serde_json::from_str(&row.labels).map_err(decode)?,
        enabled: row.enabled,
        kind: PolicyKind::Custom,
        version: row.version,
        update_time: Some(from_micros(row.update_time)),
    })
}

/// Reads a workspace's policies by name: those that exist from the start, as
/// they are switched, and its own.
pub(in crate::governance) async fn policies_in(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<Vec<Policy>, sqlx::Error> {
    const SQL: &str = "
        SELECT policy, display_name, description, marketing_action, labels, enabled, version, update_time
        FROM policies
        WHERE workspace = $1";
    let rows: Vec<Row> = on_session!(
        session,
        connection => sqlx::query_as(SQL).bind(workspace).fetch_all(connection).await
    )?;
    let workspace: WorkspaceName = workspace.parse().map_err(decode)?;
    let mut rows: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.policy.clone(), row)).collect();
    let mut policies = Policy::core(&workspace);
    for policy in &mut policies {
        if let Some(row) = rows.remove(policy.name.id().as_str()) {
            policy.enabled = row.enabled;
            policy.version = row.version;
            policy.update_time = Some(from_micros(row.update_time));
        }
    }
    for row in rows.values() {
        // A core policy of a newer version of this program is not ours to read.
        if !row.policy.starts_with(CORE_PREFIX) {
            policies.push(custom(&workspace, row)?);
        }
    }
    policies.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(policies)
}

async fn put_policy(session: &mut Session<'_>, policy: &Policy, now: i64) -> Result<(), sqlx::Error> {
    const SQL: &str = "
        INSERT INTO policies
            (workspace, policy, display_name, description, marketing_action, labels, enabled, version, update_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace, policy) DO UPDATE
        SET display_name = excluded.display_name,
            description = excluded.description,
            marketing_action = excluded.marketing_action,
            labels = excluded.labels,
            enabled = excluded.enabled,
            version = excluded.version,
            update_time = excluded.update_time";
    let is_custom = policy.kind == PolicyKind::Custom;
    let own = |text: &str| if is_custom { text.to_owned() } else { String::new() };
    let no_labels = BTreeSet::new();
    let labels = serde_json::to_string(if is_custom { &policy.labels } else { &no_labels })
        .expect("labels can be written as JSON");
    on_session!(session, connection => sqlx::query(SQL)
        .bind(policy.name.workspace().to_string())
        .bind(policy.name.id().as_str())
        .bind(own(&policy.display_name))
        .bind(own(&policy.description))
        .bind(own(policy.marketing_action.as_ref().map_or("", MarketingAction::as_str)))
        .bind(&labels)
        .bind(policy.enabled)
        .bind(policy.version)
        .bind(now)
        .execute(connection)
        .await
        .map(|_| ()))
}

/// Refuses words that nobody has defined.
async fn check_words(session: &mut Session<'_>, policy: &Policy) -> Result<(), ChangeError> {
    let workspace = policy.name.workspace().to_string();
    let own = own_labels(session, &workspace).await?;
    let mut unknown = unknown_labels([&policy.labels].into_iter(), &own, |_| "policy.labels".to_owned());
    if let Some(action) = &policy.marketing_action {
        let own = own_marketing_actions(session, &workspace).await?;
        if action.core_description().is_none() && !own.contains(action) {
            unknown.push(InvalidField::new(
                "policy.marketing_action",
                format!(
                    "{action} is not a marketing action of this workspace; use one that ListMarketingActions names, \
                     or add it first (PutMarketingAction)"
                ),
            ));
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Invalid(unknown))
    }
}

fn apply(policy: &mut Policy, change: &PolicyChange) -> Result<(), ChangeError> {
    let fixed = |what: &str| {
        ChangeError::not_ready(
            "CORE_POLICY",
            "update_mask",
            format!("{what}; create a policy of your own for anything else"),
        )
    };
    let changes_more = change.display_name.is_some()
        || change.description.is_some()
        || change.marketing_action.is_some()
        || change.labels.is_some();
    match policy.kind {
        PolicyKind::Custom => {}
        PolicyKind::Core if changes_more => {
            return Err(fixed(&format!("{} can only be switched on and off", policy.name)));
        }
        PolicyKind::Core => {}
        PolicyKind::Always => {
            return Err(fixed(&format!(
                "{} holds always and cannot be changed",
                policy.name
            )));
        }
    }
    if let Some(display_name) = &change.display_name {
        policy.display_name.clone_from(display_name);
    }
    if let Some(description) = &change.description {
        policy.description.clone_from(description);
    }
    if let Some(action) = &change.marketing_action {
        policy.marketing_action = Some(action.clone());
    }
    if let Some(labels) = &change.labels {
        policy.labels.clone_from(labels);
    }
    if let Some(enabled) = change.enabled {
        policy.enabled = enabled;
    }
    Ok(())
}

impl Store {
    /// Returns a workspace's policies by name.
    pub async fn policies(&self, workspace: &WorkspaceName) -> Result<Vec<Policy>, sqlx::Error> {
        let key = workspace.to_string();
        with_session!(&self.database, session => { policies_in(session, &key).await })
    }

    /// Creates a policy of the workspace's own; returns it with the
    /// destinations that break it.
    pub async fn create_policy(
        &self,
        mut policy: Policy,
        cause: Cause<'_>,
    ) -> Result<(Policy, Vec<Affected>), ChangeError> {
        let workspace = policy.name.workspace().clone();
        let now = self.clock.now();
        policy.update_time = Some(now);
        let affected = in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            let revision = next_revision(session).await?;
            let existing = policies_in(session, &workspace.to_string()).await?;
            if existing.iter().any(|existing| existing.name == policy.name) {
                return Err(ChangeError::AlreadyExists(policy.name.to_string()));
            }
            check_words(session, &policy).await?;
            let before = Before::read(session, &workspace).await?;
            put_policy(session, &policy, to_micros(now)).await?;
            before.settle(session, cause, revision, now).await?
        });
        self.plans_changed.notify_waiters();
        Ok((policy, affected))
    }

    /// Changes a policy; returns it with the destinations that now break it.
    pub async fn update_policy(
        &self,
        name: &PolicyName,
        etag: &str,
        change: &PolicyChange,
        cause: Cause<'_>,
    ) -> Result<(Policy, Vec<Affected>), ChangeError> {
        let now = self.clock.now();
        let changed = in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            let revision = next_revision(session).await?;
            let mut policy = existing(session, name).await?;
            check_etag(etag, policy.version, &name.to_string())?;
            apply(&mut policy, change)?;
            check_words(session, &policy).await?;
            policy.version += 1;
            policy.update_time = Some(now);
            let before = Before::read(session, name.workspace()).await?;
            put_policy(session, &policy, to_micros(now)).await?;
            (policy, before.settle(session, cause, revision, now).await?)
        });
        self.plans_changed.notify_waiters();
        Ok(changed)
    }

    /// Deletes a policy of the workspace's own.
    pub async fn delete_policy(&self, name: &PolicyName, etag: &str) -> Result<(), ChangeError> {
        const SQL: &str = "DELETE FROM policies WHERE workspace = $1 AND policy = $2";
        in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            next_revision(session).await?;
            let policy = existing(session, name).await?;
            check_etag(etag, policy.version, &name.to_string())?;
            if policy.kind != PolicyKind::Custom {
                return Err(ChangeError::not_ready(
                    "CORE_POLICY",
                    "name",
                    format!("{name} exists from the start and cannot be deleted"),
                ));
            }
            on_session!(session, connection => sqlx::query(SQL)
                .bind(name.workspace().to_string())
                .bind(name.id().as_str())
                .execute(connection)
                .await
                .map(|_| ()))?;
        });
        Ok(())
    }
}

async fn existing(session: &mut Session<'_>, name: &PolicyName) -> Result<Policy, ChangeError> {
    policies_in(session, &name.workspace().to_string())
        .await?
        .into_iter()
        .find(|policy| policy.name == *name)
        .ok_or_else(|| ChangeError::NotFound(name.to_string()))
}
