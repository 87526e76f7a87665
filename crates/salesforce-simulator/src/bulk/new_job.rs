//! The body that creates a job. Source: salesforce-contract.md §7 ("Create body").

use std::sync::Arc;

use serde::Deserialize;

use super::job::{Delimiter, Job, JobOperation, JobState, LineEnding};
use super::options::ErrorNames;
use super::run::Run;
use crate::ids::RecordId;
use crate::org::{ASSIGNMENT_RULE_PREFIX, OrgState, User};
use crate::refusal::CallError;
use crate::schema::ObjectName;
use crate::setup::Viewer;
use crate::write::no_key_message;

/// `POST …/jobs/ingest`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewJob {
    object: Option<String>,
    operation: Option<String>,
    external_id_field_name: Option<String>,
    content_type: Option<String>,
    column_delimiter: Option<Delimiter>,
    line_ending: Option<LineEnding>,
    assignment_rule_id: Option<String>,
    /// Read by no one: jobs are always `Parallel`.
    #[serde(rename = "concurrencyMode")]
    _concurrency_mode: Option<String>,
}

impl ErrorNames {
    /// Returns a 400 with an error code of the vendor's list (`InvalidJob`).
    pub(crate) fn error(self, code: &'static str, message: impl Into<String>) -> CallError {
        let mut error = CallError::bad_request(code, message);
        if self == Self::Upper {
            error.error_code = code.to_ascii_uppercase().into();
        }
        error
    }
}

impl NewJob {
    /// Reads the body.
    ///
    /// # Errors
    /// 400 `JSON_PARSER_ERROR`, also for an unknown key, delimiter or line ending.
    pub(crate) fn read(body: &[u8]) -> Result<Self, CallError> {
        serde_json::from_slice(body).map_err(|error| CallError::unreadable_json(&error))
    }

    /// Opens the job.
    ///
    /// # Errors
    /// 400 for what the job cannot be.
    pub(crate) fn open(
        self,
        state: &mut OrgState,
        names: ErrorNames,
        version: u32,
        creator: Arc<User>,
        viewer: Viewer,
    ) -> Result<Job, CallError> {
        let invalid = |message: String| names.error("InvalidJob", message);
        let object_name = self
            .object
            .ok_or_else(|| invalid("The object must be specified".to_owned()))?;
        let object = ObjectName::parse(&object_name)
            .ok_or_else(|| invalid(format!("Unable to find object: {object_name}")))?;
        let operation = match self.operation.as_deref() {
            Some("insert") => JobOperation::Insert,
            Some("update") => JobOperation::Update,
            Some("upsert") => JobOperation::Upsert,
            Some("delete") => JobOperation::Delete,
            Some("hardDelete") => {
                let message = "hardDelete needs the permission Bulk API Hard Delete, which no user here has";
                return Err(names.error("FeatureNotEnabled", message));
            }
            Some(other) => {
                let message = format!("The operation {other} is not one of insert, update, upsert, delete");
                return Err(names.error("InvalidOperation", message));
            }
            None => return Err(invalid("The operation must be specified".to_owned())),
        };
        if let Some(other) = self.content_type.filter(|content_type| content_type != "CSV") {
            return Err(invalid(format!("The content type {other} is not CSV")));
        }
        let external_id_field = match (operation, self.external_id_field_name) {
            (JobOperation::Upsert, Some(name)) if !name.is_empty() => {
                let key = upsert_key(state, object, &name, viewer);
                Some(key.ok_or_else(|| invalid(no_key_message(&name, object.name())))?)
            }
            (JobOperation::Upsert, _) => {
                return Err(invalid(format!(
                    "External ID was blank for {}. An External ID must be specified for upsert.",
                    object.name()
                )));
            }
            (JobOperation::Insert | JobOperation::Update | JobOperation::Delete, _) => None,
        };
        if self.assignment_rule_id.is_some() && object != ObjectName::Lead {
            return Err(invalid(format!(
                "assignmentRuleId is for Lead and Case only, not for {}",
                object.name()
            )));
        }
        let assignment_rule_id = match self.assignment_rule_id {
            None => None,
            Some(id) => Some(
                assignment_rule(state, &id)
                    .ok_or_else(|| invalid(format!("{id} is no assignment rule of Lead")))?,
            ),
        };
        Ok(Job {
            id: state.bulk.next_id(),
            object,
            operation,
            external_id_field,
            delimiter: self.column_delimiter.unwrap_or_default(),
            line_ending: self.line_ending.unwrap_or_default(),
            assignment_rule_id,
            version,
            created_by: viewer.user_id,
            creator,
            created: viewer.now,
            modified: viewer.now,
            state: JobState::Open,
            content: None,
            run: Run::default(),
            error_message: None,
        })
    }
}

fn assignment_rule(state: &OrgState, id: &str) -> Option<RecordId> {
    let id = RecordId::parse_of(ASSIGNMENT_RULE_PREFIX, id)?;
    let is_known = state.rules.assignments.iter().any(|rule| rule.id == id);
    is_known.then_some(id)
}

/// Returns the name of a key field as describe writes it. Source: salesforce-contract.md §2.5 and §7.
fn upsert_key(state: &OrgState, object: ObjectName, name: &str, viewer: Viewer) -> Option<String> {
    if name.eq_ignore_ascii_case("Id") {
        return Some("Id".to_owned());
    }
    state
        .seen_field(object, name, viewer)
        .filter(|field| field.is_upsert_key())
        .map(|field| field.name.clone())
}
