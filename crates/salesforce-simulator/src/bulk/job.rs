//! One ingest job. Source: salesforce-contract.md §7.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options::{BulkOptions, ContentUrl};
use super::run::Run;
use super::upload::Upload;
use crate::clock::datetime_out;
use crate::ids::RecordId;
use crate::org::User;
use crate::schema::ObjectName;

/// A job, from its creation until it is deleted or too old.
#[derive(Debug)]
pub(crate) struct Job {
    pub id: RecordId,
    pub object: ObjectName,
    pub operation: JobOperation,
    /// As describe writes it; only of an upsert.
    pub external_id_field: Option<String>,
    pub delimiter: Delimiter,
    pub line_ending: LineEnding,
    pub assignment_rule_id: Option<RecordId>,
    /// The number in `v67.0`, of the call that created it.
    pub version: u32,
    pub created_by: RecordId,
    /// As the user was then.
    pub creator: Arc<User>,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    pub state: JobState,
    /// What was uploaded: its rows, or the error that the job will fail with.
    pub content: Option<Result<Upload, String>>,
    pub run: Run,
    pub error_message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobOperation {
    Insert,
    Update,
    Upsert,
    Delete,
}

/// Source: salesforce-contract.md §7 (states).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobState {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

/// `columnDelimiter`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Delimiter {
    #[default]
    Comma,
    Backquote,
    Caret,
    Pipe,
    Semicolon,
    Tab,
}

/// `lineEnding`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum LineEnding {
    #[default]
    Lf,
    Crlf,
}

impl Job {
    /// Returns the job as the API tells it.
    pub(crate) fn shown(&self, options: &BulkOptions) -> Value {
        let slash = match options.content_url {
            ContentUrl::Relative => "",
            ContentUrl::Absolute => "/",
        };
        let mut shown = json!({
            "id": self.id.to_string(),
            "operation": self.operation.name(),
            "object": self.object.name(),
            "createdById": self.created_by.to_string(),
            "createdDate": datetime_out(self.created),
            "systemModstamp": datetime_out(self.modified),
            "state": self.state.name(),
        });
        if let Some(field) = &self.external_id_field {
            shown["externalIdFieldName"] = json!(field);
        }
        if let Some(rule) = &self.assignment_rule_id {
            shown["assignmentRuleId"] = json!(rule.to_string());
        }
        shown["concurrencyMode"] = json!("Parallel");
        shown["contentType"] = json!("CSV");
        shown["apiVersion"] = json!(f64::from(self.version));
        shown["jobType"] = json!("V2Ingest");
        shown["contentUrl"] = json!(format!(
            "{slash}services/data/v{}.0/jobs/ingest/{}/batches",
            self.version, self.id
        ));
        shown["lineEnding"] = json!(self.line_ending.name());
        shown["columnDelimiter"] = json!(self.delimiter.name());
        if self.state != JobState::Open {
            let milliseconds = self.run.milliseconds();
            shown["numberRecordsProcessed"] = json!(self.run.processed());
            shown["numberRecordsFailed"] = json!(self.run.failed());
            shown["retries"] = json!(self.run.retries);
            shown["totalProcessingTime"] = json!(milliseconds);
            shown["apiActiveProcessingTime"] = json!(milliseconds);
            shown["apexProcessingTime"] = json!(0);
        }
        if let Some(message) = &self.error_message {
            shown["errorMessage"] = json!(message);
        }
        shown
    }

    pub(crate) fn set_state(&mut self, state: JobState, now: DateTime<Utc>) {
        self.state = state;
        self.modified = now;
    }

    pub(crate) fn fail(&mut self, message: String, now: DateTime<Utc>) {
        self.error_message = Some(message);
        self.set_state(JobState::Failed, now);
    }
}

impl JobOperation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        }
    }
}

impl JobState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// Tells whether nothing more will happen in it.
    pub(crate) fn is_final(self) -> bool {
        match self {
            Self::Open | Self::UploadComplete | Self::InProgress => false,
            Self::JobComplete | Self::Failed | Self::Aborted => true,
        }
    }
}

impl Delimiter {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Backquote => b'`',
            Self::Caret => b'^',
            Self::Pipe => b'|',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Comma => "COMMA",
            Self::Backquote => "BACKQUOTE",
            Self::Caret => "CARET",
            Self::Pipe => "PIPE",
            Self::Semicolon => "SEMICOLON",
            Self::Tab => "TAB",
        }
    }
}

impl LineEnding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::Crlf => "CRLF",
        }
    }
}
