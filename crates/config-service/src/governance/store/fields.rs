//! Labels of fields.

use std::collections::BTreeSet;

use activation::{InvalidField, names::WorkspaceName};
use service::in_transaction;

use super::words::own_labels;
use crate::{
    destinations::next_revision,
    governance::{
        effects::{Affected, Before, Cause},
        evaluate::FieldLabels,
        words::Label,
    },
    session::{Session, on_session, with_session},
    store::{ChangeError, Store},
};

/// Reads the labels of a workspace's fields.
pub(in crate::governance) async fn field_labels_in(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<FieldLabels, sqlx::Error> {
    const SQL: &str = "SELECT field, labels FROM field_labels WHERE workspace = $1";
    let rows: Vec<(String, String)> = on_session!(
        session,
        connection => sqlx::query_as(SQL).bind(workspace).fetch_all(connection).await
    )?;
    rows.into_iter()
        .map(|(field, labels)| {
            let labels: BTreeSet<Label> =
                serde_json::from_str(&labels).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok((field, labels))
        })
        .collect()
}

async fn put_field(
    session: &mut Session<'_>,
    workspace: &str,
    field: &str,
    labels: &BTreeSet<Label>,
) -> Result<(), sqlx::Error> {
    const PUT: &str = "
        INSERT INTO field_labels (workspace, field, labels)
        VALUES ($1, $2, $3)
        ON CONFLICT (workspace, field) DO UPDATE
        SET labels = excluded.labels";
    const DELETE: &str = "DELETE FROM field_labels WHERE workspace = $1 AND field = $2";
    let text = serde_json::to_string(labels).expect("labels can be written as JSON");
    on_session!(session, connection => {
        let query = if labels.is_empty() {
            sqlx::query(DELETE).bind(workspace).bind(field)
        } else {
            sqlx::query(PUT).bind(workspace).bind(field).bind(&text)
        };
        query.execute(connection).await.map(|_| ())
    })
}

impl Store {
    pub async fn field_labels(&self, workspace: &WorkspaceName) -> Result<FieldLabels, sqlx::Error> {
        let key = workspace.to_string();
        with_session!(&self.database, session => { field_labels_in(session, &key).await })
    }

    /// Replaces the labels of fields; returns which destinations now break a
    /// policy.
    pub async fn put_field_labels(
        &self,
        workspace: &WorkspaceName,
        fields: &[(String, BTreeSet<Label>)],
        cause: Cause<'_>,
    ) -> Result<Vec<Affected>, ChangeError> {
        let key = workspace.to_string();
        let now = self.clock.now();
        let affected = in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            let revision = next_revision(session).await?;
            let own = own_labels(session, &key).await?;
            let unknown = unknown_labels(fields.iter().map(|(_, labels)| labels), &own, |index| {
                format!("field_labels[{index}].labels")
            });
            if !unknown.is_empty() {
                return Err(ChangeError::Invalid(unknown));
            }
            let before = Before::read(session, workspace).await?;
            for (field, labels) in fields {
                put_field(session, &key, field, labels).await?;
            }
            before.settle(session, cause, revision, now).await?
        });
        self.plans_changed.notify_waiters();
        Ok(affected)
    }
}

/// Lists labels that nobody has defined.
pub(super) fn unknown_labels<'a>(
    sets: impl Iterator<Item = &'a BTreeSet<Label>>,
    own: &BTreeSet<Label>,
    path: impl Fn(usize) -> String,
) -> Vec<InvalidField> {
    let is_known = |label: &Label| label.core_description().is_some() || own.contains(label);
    sets.enumerate()
        .flat_map(|(index, labels)| labels.iter().map(move |label| (index, label)))
        .filter(|(_, label)| !is_known(label))
        .map(|(index, label)| {
            InvalidField::new(
                path(index),
                format!(
                    "{label} is not a label of this workspace; use one that ListLabels names, or add it first \
                     (PutLabel)"
                ),
            )
        })
        .collect()
}
