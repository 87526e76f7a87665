//! Connections: the queries and rules of the table `connections`.

use activation::names::{ConnectionName, WorkspaceName};
use chrono::{DateTime, Utc};
use contracts::page::Page;
use salesforce::Host;
use serde::{Deserialize, Serialize};
use service::{
    database::{from_micros, to_micros},
    in_transaction, on_database,
};

use crate::store::{ChangeError, Store, check_etag, is_taken};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub name: ConnectionName,
    pub display_name: String,
    pub description: String,
    pub login_host: Host,
    /// Empty until a check pinned it.
    pub org_id: String,
    pub last_check: Option<Check>,
    pub version: i64,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    /// As callers said; empty when they did not.
    pub created_by: String,
    pub updated_by: String,
}

/// What a caller gives for a new connection.
#[derive(Debug, Clone)]
pub struct NewConnection {
    pub name: ConnectionName,
    pub display_name: String,
    pub description: String,
    pub login_host: Host,
    pub actor: String,
}

impl Connection {
    /// Returns the connection that a new one begins as.
    pub fn from_new(new: NewConnection, now: DateTime<Utc>) -> Self {
        Self {
            name: new.name,
            display_name: new.display_name,
            description: new.description,
            login_host: new.login_host,
            org_id: String::new(),
            last_check: None,
            version: 1,
            create_time: now,
            update_time: now,
            created_by: new.actor.clone(),
            updated_by: new.actor,
        }
    }
}

/// What a caller changes; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub login_host: Option<Host>,
    pub actor: String,
}

/// What a check found. What is younger than the first release may be missing
/// in stored ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub state: CheckState,
    pub reason: String,
    pub message: String,
    pub fix: String,
    pub org_id: String,
    pub org_name: String,
    pub org_type: String,
    pub username: String,
    pub time_micros: i64,
    #[serde(default)]
    pub is_sandbox: bool,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// What a check does not like and that does not stop anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable word for machines.
    pub code: String,
    pub message: String,
    pub fix: String,
}

impl Check {
    /// Returns a check that has found nothing wrong yet.
    pub(crate) fn at(time_micros: i64) -> Self {
        Self {
            state: CheckState::Connected,
            reason: String::new(),
            message: String::new(),
            fix: String::new(),
            org_id: String::new(),
            org_name: String::new(),
            org_type: String::new(),
            username: String::new(),
            time_micros,
            is_sandbox: false,
            scopes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a check can be written as JSON")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Connected,
    Refused,
    Unreachable,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    display_name: String,
    description: String,
    login_host: String,
    org_id: String,
    last_check: Option<String>,
    version: i64,
    create_time: i64,
    update_time: i64,
    created_by: String,
    updated_by: String,
}

impl TryFrom<Row> for Connection {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        Ok(Self {
            name: row.name.parse().map_err(|error| decode(Box::new(error) as _))?,
            display_name: row.display_name,
            description: row.description,
            login_host: Host::login(&row.login_host).map_err(|error| decode(error.into()))?,
            org_id: row.org_id,
            last_check: row
                .last_check
                .map(|check| serde_json::from_str(&check))
                .transpose()
                .map_err(|error| decode(error.into()))?,
            version: row.version,
            create_time: from_micros(row.create_time),
            update_time: from_micros(row.update_time),
            created_by: row.created_by,
            updated_by: row.updated_by,
        })
    }
}

const NEXT_REVISION: &str =
    "UPDATE plan_revision SET revision = revision + 1 WHERE id = 1 RETURNING revision";
const REVISE_PLANS: &str = "UPDATE destinations SET revision = $2 WHERE connection = $1";

const GET: &str = "
    SELECT name, display_name, description, login_host, org_id, last_check, version, create_time, update_time,
        created_by, updated_by
    FROM connections
    WHERE name = $1";

impl Store {
    pub async fn create_connection(&self, new: NewConnection) -> Result<Connection, ChangeError> {
        const SQL: &str = "
            INSERT INTO connections
                (name, workspace, display_name, description, login_host, org_id, last_check, version, create_time,
                 update_time, created_by, updated_by)
            VALUES ($1, $2, $3, $4, $5, '', NULL, 1, $6, $6, $7, $7)";
        let now = to_micros(self.clock.now());
        let name = new.name.to_string();
        let inserted = on_database!(
            &self.database,
            pool => sqlx::query(SQL)
                .bind(&name)
                .bind(new.name.workspace().to_string())
                .bind(&new.display_name)
                .bind(&new.description)
                .bind(new.login_host.as_str())
                .bind(now)
                .bind(&new.actor)
                .execute(pool)
                .await
                .map(|_| ())
        );
        match inserted {
            Ok(()) => self
                .connection(&new.name)
                .await?
                .ok_or(ChangeError::NotFound(name)),
            Err(error) if is_taken(&error) => Err(ChangeError::AlreadyExists(name)),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn connection(&self, name: &ConnectionName) -> Result<Option<Connection>, sqlx::Error> {
        let row: Option<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(GET).bind(name.to_string()).fetch_optional(pool).await
        )?;
        row.map(TryInto::try_into).transpose()
    }

    /// Lists by name; one more than the page has when there are more.
    pub async fn list_connections(
        &self,
        workspace: &WorkspaceName,
        page: &Page,
    ) -> Result<Vec<Connection>, sqlx::Error> {
        const SQL: &str = "
            SELECT name, display_name, description, login_host, org_id, last_check, version, create_time, update_time,
                created_by, updated_by
            FROM connections
            WHERE workspace = $1
              AND name > $2
            ORDER BY name
            LIMIT $3";
        let rows: Vec<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(SQL)
                .bind(workspace.to_string())
                .bind(&page.after)
                .bind(page.limit())
                .fetch_all(pool)
                .await
        )?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    pub async fn update_connection(
        &self,
        name: &ConnectionName,
        etag: &str,
        change: ConnectionChange,
    ) -> Result<Connection, ChangeError> {
        const UPDATE: &str = "
            UPDATE connections
            SET display_name = $2, description = $3, login_host = $4, version = version + 1, update_time = $5,
                updated_by = $6
            WHERE name = $1";
        let key = name.to_string();
        in_transaction!(&self.database, transaction => {
            let revision: i64 = sqlx::query_scalar(NEXT_REVISION).fetch_one(&mut *transaction).await?;
            let row: Option<Row> = sqlx::query_as(GET).bind(&key).fetch_optional(&mut *transaction).await?;
            let connection: Connection =
                row.ok_or_else(|| ChangeError::NotFound(key.clone()))?.try_into()?;
            check_etag(etag, connection.version, &key)?;
            sqlx::query(UPDATE)
                .bind(&key)
                .bind(change.display_name.as_ref().unwrap_or(&connection.display_name))
                .bind(change.description.as_ref().unwrap_or(&connection.description))
                .bind(change.login_host.as_ref().unwrap_or(&connection.login_host).as_str())
                .bind(to_micros(self.clock.now()))
                .bind(&change.actor)
                .execute(&mut *transaction)
                .await?;
            // The host is part of the plans.
            sqlx::query(REVISE_PLANS).bind(&key).bind(revision).execute(&mut *transaction).await?;
        });
        self.plans_changed.notify_waiters();
        self.connection(name).await?.ok_or(ChangeError::NotFound(key))
    }

    /// Keeps what a check found, and pins the org at the first success.
    pub async fn record_check(&self, name: &ConnectionName, check: &Check) -> Result<(), ChangeError> {
        const SQL: &str = "
            UPDATE connections
            SET last_check = $2,
                org_id = CASE WHEN org_id = '' THEN $3 ELSE org_id END
            WHERE name = $1";
        let text = check.to_json();
        let org_id = if check.state == CheckState::Connected {
            check.org_id.as_str()
        } else {
            ""
        };
        on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(name.to_string()).bind(text).bind(org_id).execute(pool).await.map(|_| ())
        )?;
        Ok(())
    }

    /// Pins the org of a connection that has none pinned yet.
    pub async fn pin_org(&self, name: &ConnectionName, org_id: &str) -> Result<(), ChangeError> {
        const SQL: &str = "UPDATE connections SET org_id = $2 WHERE name = $1 AND org_id = ''";
        on_database!(
            &self.database,
            pool => sqlx::query(SQL).bind(name.to_string()).bind(org_id).execute(pool).await.map(|_| ())
        )?;
        Ok(())
    }

    /// Pins an org in place of the one before, with the check that reached it;
    /// the plans of the connection's destinations follow.
    pub async fn confirm_org(
        &self,
        name: &ConnectionName,
        etag: &str,
        check: &Check,
        actor: &str,
    ) -> Result<Connection, ChangeError> {
        const UPDATE: &str = "
            UPDATE connections
            SET org_id = $2, last_check = $3, version = version + 1, update_time = $4, updated_by = $5
            WHERE name = $1";
        let key = name.to_string();
        in_transaction!(&self.database, transaction => {
            let revision: i64 = sqlx::query_scalar(NEXT_REVISION).fetch_one(&mut *transaction).await?;
            let row: Option<Row> = sqlx::query_as(GET).bind(&key).fetch_optional(&mut *transaction).await?;
            let connection: Connection =
                row.ok_or_else(|| ChangeError::NotFound(key.clone()))?.try_into()?;
            check_etag(etag, connection.version, &key)?;
            sqlx::query(UPDATE)
                .bind(&key)
                .bind(&check.org_id)
                .bind(check.to_json())
                .bind(to_micros(self.clock.now()))
                .bind(actor)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(REVISE_PLANS).bind(&key).bind(revision).execute(&mut *transaction).await?;
        });
        self.plans_changed.notify_waiters();
        self.connection(name).await?.ok_or(ChangeError::NotFound(key))
    }

    pub async fn delete_connection(&self, name: &ConnectionName, etag: &str) -> Result<(), ChangeError> {
        const USERS: &str = "SELECT name FROM destinations WHERE connection = $1 ORDER BY name LIMIT 5";
        const DELETE: &str = "DELETE FROM connections WHERE name = $1";
        let key = name.to_string();
        in_transaction!(&self.database, transaction => {
            let row: Option<Row> = sqlx::query_as(GET).bind(&key).fetch_optional(&mut *transaction).await?;
            let connection: Connection =
                row.ok_or_else(|| ChangeError::NotFound(key.clone()))?.try_into()?;
            check_etag(etag, connection.version, &key)?;
            let users: Vec<String> = sqlx::query_scalar(USERS).bind(&key).fetch_all(&mut *transaction).await?;
            if !users.is_empty() {
                return Err(ChangeError::not_ready(
                    "CONNECTION_IN_USE",
                    "name",
                    format!("{key} is used by {}; delete those first", users.join(", ")),
                ));
            }
            sqlx::query(DELETE).bind(&key).execute(&mut *transaction).await?;
        });
        Ok(())
    }
}
