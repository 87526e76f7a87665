//! The database of configuration, and what every change of it shares.

use std::sync::Arc;

use activation::InvalidField;
use contracts::status::{invalid_argument, not_ready, status};
use service::{Clock, Database, chain::Chain};
use tokio::sync::Notify;
use tonic::{Code, Status};
use tracing::error;

use crate::governance::{Refusal, violations_status};

/// Connections and destinations. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    /// Woken after every change of a plan in this process.
    pub(crate) plans_changed: Arc<Notify>,
}

impl Store {
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            plans_changed: Arc::new(Notify::new()),
        }
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

/// Why a change was not made. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{0} does not exist")]
    NotFound(String),
    #[error("{0} exists already")]
    AlreadyExists(String),
    #[error("{0} was changed by somebody else since you read it; read it again")]
    Stale(String),
    #[error("{0}")]
    TooMany(String),
    #[error("the request has fields that cannot be taken")]
    Invalid(Vec<InvalidField>),
    /// The state of something forbids it; the reason is a stable word.
    #[error("{reason}")]
    NotReady {
        reason: &'static str,
        problems: Vec<InvalidField>,
    },
    /// Governance or the segment registry forbids it, for these reasons.
    #[error("the change would break what the workspace asks for")]
    Refused(Vec<Refusal>),
    #[error("the configuration store did not answer")]
    Store(#[from] sqlx::Error),
}

impl ChangeError {
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid(vec![InvalidField::new(field, problem)])
    }

    pub(crate) fn not_ready(
        reason: &'static str,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::NotReady {
            reason,
            problems: vec![InvalidField::new(field, problem)],
        }
    }
}

impl ChangeError {
    /// Replaces the problems that name fields, for example by the same ones
    /// under the caller's own paths.
    pub(crate) fn with_problems(self, replace: impl FnOnce(Vec<InvalidField>) -> Vec<InvalidField>) -> Self {
        match self {
            Self::Refused(mut refusals) => {
                let problems = refusals.iter().map(|refusal| refusal.problem.clone()).collect();
                for (refusal, problem) in refusals.iter_mut().zip(replace(problems)) {
                    refusal.problem = problem;
                }
                Self::Refused(refusals)
            }
            other => other,
        }
    }
}

impl From<ChangeError> for Status {
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::NotFound(_) => status(Code::NotFound, "NOT_FOUND", error.to_string()),
            ChangeError::AlreadyExists(_) => status(Code::AlreadyExists, "ALREADY_EXISTS", error.to_string()),
            ChangeError::Stale(_) => status(Code::Aborted, "STALE_ETAG", error.to_string()),
            ChangeError::TooMany(_) => status(Code::ResourceExhausted, "LIMIT_REACHED", error.to_string()),
            ChangeError::Invalid(invalid) => invalid_argument(invalid),
            ChangeError::NotReady { reason, problems } => not_ready(reason, problems),
            ChangeError::Refused(refusals) => violations_status(refusals),
            ChangeError::Store(source) => {
                error!(error = %Chain(source), "the configuration store failed");
                status(Code::Unavailable, "STORE_UNAVAILABLE", error.to_string())
            }
        }
    }
}

/// Tells whether a change may go on: without an etag always, otherwise only on
/// what the caller has read.
pub(crate) fn check_etag(etag: &str, version: i64, name: &str) -> Result<(), ChangeError> {
    if etag.is_empty() || etag == version.to_string() {
        Ok(())
    } else {
        Err(ChangeError::Stale(name.to_owned()))
    }
}

/// Tells the violation of a unique key from other faults of the database.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
