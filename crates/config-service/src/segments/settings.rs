//! What a workspace does with segments.

use activation::names::WorkspaceName;
use serde::{Deserialize, Serialize};

use crate::{
    session::{Session, on_session},
    store::{ChangeError, Store, check_etag},
};
use service::in_transaction;

/// Which namespaces segments may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentNamespaces {
    /// Only these, if there are any.
    pub allowed: Vec<String>,
    /// All but these; empty where `allowed` is not.
    pub denied: Vec<String>,
}

impl SegmentNamespaces {
    pub fn allows(&self, namespace: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|one| one == namespace);
        (self.allowed.is_empty() || names(&self.allowed)) && !names(&self.denied)
    }
}

/// What adding a segment that is not registered does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownSegments {
    /// Accepted until the workspace has registered segments.
    #[default]
    AcceptUntilRegistered,
    Accept,
    Refuse,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentSettings {
    pub unknown_segments: UnknownSegments,
    pub namespaces: SegmentNamespaces,
    /// Whether a segment was ever registered.
    pub has_registered: bool,
    pub version: i64,
}

/// What a caller changes; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct SettingsChange {
    pub unknown_segments: Option<UnknownSegments>,
    pub namespaces: Option<SegmentNamespaces>,
}

impl SegmentSettings {
    pub fn refuses_unknown(&self) -> bool {
        match self.unknown_segments {
            UnknownSegments::AcceptUntilRegistered => self.has_registered,
            UnknownSegments::Accept => false,
            UnknownSegments::Refuse => true,
        }
    }
}

const TEXTS: [(UnknownSegments, &str); 3] = [
    (UnknownSegments::AcceptUntilRegistered, "accept_until_registered"),
    (UnknownSegments::Accept, "accept"),
    (UnknownSegments::Refuse, "refuse"),
];

#[derive(sqlx::FromRow)]
struct Row {
    unknown_segments: String,
    segment_namespaces: String,
    has_registered_segments: bool,
    version: i64,
}

impl TryFrom<Row> for SegmentSettings {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let unknown_segments = TEXTS
            .iter()
            .find(|(_, text)| *text == row.unknown_segments)
            .map(|(value, _)| *value)
            .ok_or_else(|| sqlx::Error::Decode(format!("'{}' is no setting", row.unknown_segments).into()))?;
        Ok(Self {
            unknown_segments,
            namespaces: serde_json::from_str(&row.segment_namespaces)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            has_registered: row.has_registered_segments,
            version: row.version,
        })
    }
}

/// Reads a workspace's settings; one that has none has the defaults.
pub(crate) async fn settings_of(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<SegmentSettings, sqlx::Error> {
    const SQL: &str = "
        SELECT unknown_segments, segment_namespaces, has_registered_segments, version
        FROM segment_settings
        WHERE workspace = $1";
    let row: Option<Row> = on_session!(
        session,
        connection => sqlx::query_as(SQL).bind(workspace).fetch_optional(connection).await
    )?;
    row.map_or_else(|| Ok(SegmentSettings::default()), TryInto::try_into)
}

/// Stores a workspace's settings.
pub(super) async fn put_settings(
    session: &mut Session<'_>,
    workspace: &str,
    settings: &SegmentSettings,
) -> Result<(), sqlx::Error> {
    const SQL: &str = "
        INSERT INTO segment_settings
            (workspace, unknown_segments, segment_namespaces, has_registered_segments, version)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace) DO UPDATE
        SET unknown_segments = excluded.unknown_segments,
            segment_namespaces = excluded.segment_namespaces,
            has_registered_segments = excluded.has_registered_segments,
            version = excluded.version";
    let unknown = TEXTS
        .iter()
        .find(|(value, _)| *value == settings.unknown_segments)
        .map_or("", |(_, text)| text);
    let namespaces = serde_json::to_string(&settings.namespaces).expect("namespaces can be written as JSON");
    on_session!(session, connection => sqlx::query(SQL)
        .bind(workspace)
        .bind(unknown)
        .bind(&namespaces)
        .bind(settings.has_registered)
        .bind(settings.version)
        .execute(connection)
        .await
        .map(|_| ()))
}

impl Store {
    pub async fn update_segment_settings(
        &self,
        workspace: &WorkspaceName,
        etag: &str,
        change: SettingsChange,
    ) -> Result<SegmentSettings, ChangeError> {
        let key = workspace.to_string();
        let settings = in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            crate::destinations::next_revision(session).await?;
            let mut settings = settings_of(session, &key).await?;
            check_etag(etag, settings.version, &format!("{key}/segmentSettings"))?;
            if let Some(unknown) = change.unknown_segments {
                settings.unknown_segments = unknown;
            }
            if let Some(namespaces) = &change.namespaces {
                settings.namespaces.clone_from(namespaces);
            }
            settings.version += 1;
            put_settings(session, &key, &settings).await?;
            settings
        });
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_102_an_allow_list_names_all_that_may_come_and_a_deny_list_all_that_may_not() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let any = SegmentNamespaces::default();
        let allowed = SegmentNamespaces {
            allowed: list(&["ups"]),
            denied: vec![],
        };
        let denied = SegmentNamespaces {
            allowed: vec![],
            denied: list(&["ups"]),
        };

        assert!(any.allows("ups") && any.allows("partner"));
        assert!(allowed.allows("ups") && !allowed.allows("partner"));
        assert!(!denied.allows("ups") && denied.allows("partner"));
    }
}
