//! Labels and marketing actions of a workspace's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use activation::{InvalidField, names::WorkspaceName};
use service::in_transaction;

use super::{field_labels_in, policies_in};
use crate::{
    destinations::{destinations_in, next_revision},
    governance::words::{Label, MarketingAction},
    session::{Session, on_session, with_session},
    store::{ChangeError, Store},
};

/// Which words: both are kept alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    Label,
    MarketingAction,
}

impl WordKind {
    fn list(self) -> &'static str {
        match self {
            Self::Label => "SELECT label, description FROM labels WHERE workspace = $1",
            Self::MarketingAction => {
                "SELECT marketing_action, description FROM marketing_actions WHERE workspace = $1"
            }
        }
    }

    fn put(self) -> &'static str {
        match self {
            Self::Label => {
                "INSERT INTO labels (workspace, label, description)
                VALUES ($1, $2, $3)
                ON CONFLICT (workspace, label) DO UPDATE
                SET description = excluded.description"
            }
            Self::MarketingAction => {
                "INSERT INTO marketing_actions (workspace, marketing_action, description)
                VALUES ($1, $2, $3)
                ON CONFLICT (workspace, marketing_action) DO UPDATE
                SET description = excluded.description"
            }
        }
    }

    fn delete(self) -> &'static str {
        match self {
            Self::Label => "DELETE FROM labels WHERE workspace = $1 AND label = $2",
            Self::MarketingAction => {
                "DELETE FROM marketing_actions WHERE workspace = $1 AND marketing_action = $2"
            }
        }
    }
}

/// Reads a workspace's own words, by id, with what they mean.
async fn own_words(
    session: &mut Session<'_>,
    kind: WordKind,
    workspace: &str,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows: Vec<(String, String)> = on_session!(
        session,
        connection => sqlx::query_as(kind.list()).bind(workspace).fetch_all(connection).await
    )?;
    Ok(rows.into_iter().collect())
}

fn word<W: FromStr<Err = InvalidField>>(text: &str) -> Result<W, sqlx::Error> {
    text.parse()
        .map_err(|invalid: InvalidField| sqlx::Error::Decode(Box::new(invalid)))
}

pub(in crate::governance) async fn own_marketing_actions(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<BTreeSet<MarketingAction>, sqlx::Error> {
    let own = own_words(session, WordKind::MarketingAction, workspace).await?;
    own.keys().map(|text| word(text)).collect()
}

pub(super) async fn own_labels(
    session: &mut Session<'_>,
    workspace: &str,
) -> Result<BTreeSet<Label>, sqlx::Error> {
    let own = own_words(session, WordKind::Label, workspace).await?;
    own.keys().map(|text| word(text)).collect()
}

/// Names some of what uses a word.
async fn users(
    session: &mut Session<'_>,
    kind: WordKind,
    workspace: &str,
    word: &str,
) -> Result<Vec<String>, sqlx::Error> {
    const SHOWN: usize = 5;
    let policies = policies_in(session, workspace).await?;
    let mut users = Vec::new();
    match kind {
        WordKind::Label => {
            let fields = field_labels_in(session, workspace).await?;
            users.extend(
                fields
                    .iter()
                    .filter(|(_, labels)| labels.iter().any(|label| label.as_str() == word))
                    .map(|(path, _)| format!("the field {path}")),
            );
            users.extend(
                policies
                    .iter()
                    .filter(|policy| policy.labels.iter().any(|label| label.as_str() == word))
                    .map(|policy| policy.name.to_string()),
            );
        }
        WordKind::MarketingAction => {
            let is_it = |action: &MarketingAction| action.as_str() == word;
            users.extend(
                policies
                    .iter()
                    .filter(|policy| policy.marketing_action.as_ref().is_some_and(is_it))
                    .map(|policy| policy.name.to_string()),
            );
            users.extend(
                destinations_in(session, workspace)
                    .await?
                    .iter()
                    .filter(|destination| destination.marketing_actions.iter().any(is_it))
                    .map(|destination| destination.name.to_string()),
            );
        }
    }
    users.truncate(SHOWN);
    Ok(users)
}

impl Store {
    /// Returns a workspace's own words, by id, with what they mean.
    pub async fn words(
        &self,
        kind: WordKind,
        workspace: &WorkspaceName,
    ) -> Result<BTreeMap<String, String>, sqlx::Error> {
        let key = workspace.to_string();
        with_session!(&self.database, session => { own_words(session, kind, &key).await })
    }

    /// Adds a word of the workspace's own, or replaces what it means.
    pub async fn put_word(
        &self,
        kind: WordKind,
        workspace: &WorkspaceName,
        word: &str,
        description: &str,
    ) -> Result<(), ChangeError> {
        with_session!(&self.database, session => {
            on_session!(session, connection => sqlx::query(kind.put())
                .bind(workspace.to_string())
                .bind(word)
                .bind(description)
                .execute(connection)
                .await
                .map(|_| ()))?;
        });
        Ok(())
    }

    /// Deletes a word of the workspace's own that nothing uses. `name` is its
    /// whole name.
    pub async fn delete_word(
        &self,
        kind: WordKind,
        workspace: &WorkspaceName,
        word: &str,
        name: &str,
    ) -> Result<(), ChangeError> {
        let key = workspace.to_string();
        in_transaction!(&self.database, transaction => {
            let session = &mut Session::from(&mut *transaction);
            next_revision(session).await?;
            let users = users(session, kind, &key, word).await?;
            if !users.is_empty() {
                return Err(ChangeError::not_ready(
                    "WORD_IN_USE",
                    "name",
                    format!("{word} is used by {}; take it from there first", users.join(", ")),
                ));
            }
            let deleted = on_session!(session, connection => sqlx::query(kind.delete())
                .bind(&key)
                .bind(word)
                .execute(connection)
                .await
                .map(|done| done.rows_affected()))?;
            if deleted == 0 {
                return Err(ChangeError::NotFound(name.to_owned()));
            }
        });
        Ok(())
    }
}
