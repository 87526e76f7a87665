//! A job's life (§7): `Open → UploadComplete → InProgress → JobComplete`,
//! `Failed` or `Aborted`.

use std::fmt;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    API_VERSION, Http, Session,
    http::{Body, Call},
    request::{RequestError, escaped, get, read, send, send_json},
    usage::Answered,
};

/// A job to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// For example `Contact`.
    pub object: String,
    pub operation: JobOperation,
    /// Lead only: the id of an assignment rule.
    pub assignment_rule_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOperation {
    Insert,
    /// The CSV has a column `Id`.
    Update,
    Upsert {
        /// An external id, `Id`, or a lookup field such as `Email`.
        key_field: String,
    },
    /// The CSV has only a column `Id`.
    Delete,
}

/// What Salesforce says of a job.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub id: String,
    pub state: JobState,
    /// Rows that were looked at, good or bad.
    #[serde(default)]
    pub number_records_processed: u64,
    /// A job that is complete may have failed in every row.
    #[serde(default)]
    pub number_records_failed: u64,
    /// How often Salesforce tried locked batches again.
    #[serde(default)]
    pub retries: u64,
    /// Why the job failed. May quote names of the CSV.
    #[serde(default)]
    pub error_message: Option<String>,
}

/// Without the error's text, which may quote the CSV.
impl fmt::Debug for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Job")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("number_records_processed", &self.number_records_processed)
            .field("number_records_failed", &self.number_records_failed)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum JobState {
    Open,
    UploadComplete,
    InProgress,
    /// Every row was looked at; the results say how each ended.
    JobComplete,
    /// Some rows may be stored; nothing is rolled back.
    Failed,
    Aborted,
    /// A state of a later release.
    #[serde(other)]
    Unknown,
}

impl JobState {
    /// Tells whether nothing more will happen.
    pub fn has_ended(self) -> bool {
        match self {
            Self::JobComplete | Self::Failed | Self::Aborted => true,
            Self::Open | Self::UploadComplete | Self::InProgress | Self::Unknown => false,
        }
    }
}

/// Creates a job. Harmless to repeat after doubt: one that is never closed
/// does nothing.
pub async fn create(http: &Http, session: &Session, spec: &JobSpec) -> Result<Answered<Job>, RequestError> {
    let body = spec.body();
    let answer = send_json(http, Method::POST, session, &jobs_path(), &body).await?;
    read(&answer)
}

/// Says that the upload is whole; Salesforce begins.
pub async fn close(http: &Http, session: &Session, job: &Job) -> Result<Answered<Job>, RequestError> {
    set_state(http, session, job, "UploadComplete").await
}

/// Stops a job. Rows that are stored stay.
pub async fn abort(http: &Http, session: &Session, job: &Job) -> Result<Answered<Job>, RequestError> {
    set_state(http, session, job, "Aborted").await
}

/// Asks how a job is getting on.
pub async fn job(http: &Http, session: &Session, id: &str) -> Result<Answered<Job>, RequestError> {
    get(http, session, &job_path(id)).await
}

/// Deletes a job and its results, unless it is open or in progress. One that
/// is gone is deleted.
pub async fn delete(http: &Http, session: &Session, job: &Job) -> Result<(), RequestError> {
    let path = job_path(&job.id);
    let call = Call::json(Method::DELETE, session, &path, Body::Empty);
    match send(http, call).await {
        Err(RequestError::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND.as_u16() => Ok(()),
        answer => answer.map(drop),
    }
}

impl JobSpec {
    fn body(&self) -> impl Serialize {
        let (operation, key_field) = match &self.operation {
            JobOperation::Insert => ("insert", None),
            JobOperation::Update => ("update", None),
            JobOperation::Upsert { key_field } => ("upsert", Some(key_field)),
            JobOperation::Delete => ("delete", None),
        };
        let mut body = json!({
            "object": self.object,
            "operation": operation,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        if let Some(key_field) = key_field {
            body["externalIdFieldName"] = json!(key_field);
        }
        if let Some(rule) = &self.assignment_rule_id {
            body["assignmentRuleId"] = json!(rule);
        }
        body
    }
}

async fn set_state(
    http: &Http,
    session: &Session,
    job: &Job,
    state: &str,
) -> Result<Answered<Job>, RequestError> {
    let answer = send_json(
        http,
        Method::PATCH,
        session,
        &job_path(&job.id),
        &json!({"state": state}),
    )
    .await?;
    read(&answer)
}

fn jobs_path() -> String {
    format!("/services/data/{API_VERSION}/jobs/ingest")
}

pub(super) fn job_path(id: &str) -> String {
    format!("{}/{}", jobs_path(), escaped(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_early_and_late() {
        let open: Job = serde_json::from_str(
            r#"{"id": "750x", "state": "Open", "apiVersion": 67.0, "contentUrl": "services/data/v67.0/x"}"#,
        )
        .unwrap();
        assert_eq!((open.state, open.number_records_failed), (JobState::Open, 0));
        let done: Job = serde_json::from_str(
            r#"{"id": "750x", "state": "JobComplete", "numberRecordsProcessed": 5, "numberRecordsFailed": 5, "retries": 1}"#,
        )
        .unwrap();
        assert!(done.state.has_ended());
        assert_eq!(done.number_records_failed, 5);
        let new: Job = serde_json::from_str(r#"{"id": "750x", "state": "Thinking"}"#).unwrap();
        assert!(!new.state.has_ended());
    }
}
