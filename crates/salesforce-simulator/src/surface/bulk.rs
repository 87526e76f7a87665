//! The resources under `…/jobs/ingest`. Source: salesforce-contract.md §7.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::session::Caller;
use super::{ApiRequest, multipart, reply, with_body};
use crate::bulk::{BulkOptions, Job, JobState, NewJob, ResultSet, Upload};
use crate::org::{Org, OrgState, User};
use crate::refusal::CallError;
use crate::setup::Viewer;

/// Most characters of a job that is created with its rows. Source: salesforce-contract.md §7.
const MAX_INLINE: usize = 100_000;

/// A path under `…/jobs/ingest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BulkResource {
    Jobs,
    Job { id: String },
    Batches { id: String },
    Results { id: String, set: ResultSet },
}

/// `PATCH …/jobs/ingest/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobChange {
    state: String,
}

impl BulkResource {
    /// Reads the path after `jobs/ingest`.
    pub(super) fn parse(rest: &[&str]) -> Option<Self> {
        let set = |name: &str| match name.to_ascii_lowercase().as_str() {
            "successfulresults" => Some(ResultSet::Successful),
            "failedresults" => Some(ResultSet::Failed),
            "unprocessedrecords" => Some(ResultSet::Unprocessed),
            _ => None,
        };
        match rest {
            [] => Some(Self::Jobs),
            [id] => Some(Self::Job { id: (*id).to_owned() }),
            [id, "batches"] => Some(Self::Batches { id: (*id).to_owned() }),
            [id, name] => Some(Self::Results {
                id: (*id).to_owned(),
                set: set(name)?,
            }),
            _ => None,
        }
    }

    pub(super) fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Jobs => &["GET", "HEAD", "POST"],
            Self::Job { .. } => &["DELETE", "GET", "HEAD", "PATCH"],
            Self::Batches { .. } => &["PUT"],
            Self::Results { .. } => &["GET", "HEAD"],
        }
    }
}

/// Answers one call; its method is one of [`BulkResource::methods`].
pub(super) fn answer(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    resource: &BulkResource,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response, CallError> {
    let viewer = caller.viewer(now);
    let options = &org.options.bulk;
    match (resource, &request.parts.method) {
        (BulkResource::Jobs, &Method::POST) => create(options, state, request, &caller.user, viewer),
        (BulkResource::Jobs, _) => Ok(list(options, state)),
        (BulkResource::Job { id }, &Method::PATCH) => change(options, find(state, id)?, request, viewer),
        (BulkResource::Job { id }, &Method::DELETE) => delete(options, state, id),
        (BulkResource::Job { id }, _) => Ok(reply::ok(&find(state, id)?.shown(options))),
        (BulkResource::Batches { id }, _) => upload(options, find(state, id)?, request, viewer),
        (BulkResource::Results { id, set }, _) => results(options, find(state, id)?, *set, request),
    }
}

fn create(
    options: &BulkOptions,
    state: &mut OrgState,
    request: &ApiRequest,
    creator: &Arc<User>,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let version = request.route.version_number();
    let is_multipart = content_type
        .to_ascii_lowercase()
        .starts_with("multipart/form-data");
    let job = if is_multipart {
        let parts = multipart::read(content_type, &request.body)
            .map_err(|problem| options.error_names.error("ClientInputError", problem))?;
        let part = |name: &str| {
            parts.iter().find(|part| part.name == name).ok_or_else(|| {
                let message = format!("The multipart body has no part named {name}");
                options.error_names.error("ClientInputError", message)
            })
        };
        let (job, content) = (part("job")?, part("content")?);
        if content.body.len() > MAX_INLINE
            && String::from_utf8_lossy(content.body).chars().count() > MAX_INLINE
        {
            let message = format!("The content has more than {MAX_INLINE} characters; upload it instead");
            return Err(options.error_names.error("ClientInputError", message));
        }
        let mut job =
            NewJob::read(job.body)?.open(state, options.error_names, version, Arc::clone(creator), viewer)?;
        job.content = Some(Upload::read(content.body, job.delimiter, job.line_ending));
        job.set_state(JobState::UploadComplete, viewer.now);
        job
    } else {
        reply::check_json(request)?;
        NewJob::read(&request.body)?.open(state, options.error_names, version, Arc::clone(creator), viewer)?
    };
    let shown = job.shown(options);
    state.bulk.jobs.push(job);
    Ok(reply::ok(&shown))
}

fn list(options: &BulkOptions, state: &OrgState) -> Response {
    let jobs: Vec<Value> = state.bulk.jobs.iter().map(|job| job.shown(options)).collect();
    reply::ok(&json!({"done": true, "nextRecordsUrl": null, "records": jobs}))
}

fn change(
    options: &BulkOptions,
    job: &mut Job,
    request: &ApiRequest,
    viewer: Viewer,
) -> Result<Response, CallError> {
    reply::check_json(request)?;
    let change: JobChange =
        serde_json::from_slice(&request.body).map_err(|error| CallError::unreadable_json(&error))?;
    let wrong_state = |message: String| Err(options.error_names.error("InvalidJobState", message));
    match (change.state.as_str(), job.state) {
        ("UploadComplete", JobState::Open) => job.set_state(JobState::UploadComplete, viewer.now),
        ("Aborted", JobState::Open | JobState::UploadComplete | JobState::InProgress) => {
            job.set_state(JobState::Aborted, viewer.now);
        }
        ("Aborted", _) => return wrong_state("Aborting already Completed Job not allowed".to_owned()),
        ("UploadComplete", state) => {
            return wrong_state(format!("Closing a job in state {} is not allowed", state.name()));
        }
        (other, _) => {
            return wrong_state(format!(
                "A job cannot be set to {other}, only to UploadComplete or Aborted"
            ));
        }
    }
    Ok(reply::ok(&job.shown(options)))
}

fn delete(options: &BulkOptions, state: &mut OrgState, id: &str) -> Result<Response, CallError> {
    let job = find(state, id)?;
    match job.state {
        JobState::Open | JobState::InProgress => {
            let message = format!("Deleting a job in state {} is not allowed", job.state.name());
            Err(options.error_names.error("InvalidJobState", message))
        }
        JobState::UploadComplete | JobState::JobComplete | JobState::Failed | JobState::Aborted => {
            let id = job.id;
            state.bulk.remove(id);
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
    }
}

fn upload(
    options: &BulkOptions,
    job: &mut Job,
    request: &ApiRequest,
    viewer: Viewer,
) -> Result<Response, CallError> {
    let is_csv = request
        .header(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.to_ascii_lowercase().starts_with("text/csv"));
    if !is_csv {
        return Err(CallError::unsupported_media_type());
    }
    let wrong_state = |message: String| Err(options.error_names.error("InvalidJobState", message));
    if job.state != JobState::Open {
        return wrong_state(format!(
            "Uploading to a job in state {} is not allowed",
            job.state.name()
        ));
    }
    if job.content.is_some() {
        return wrong_state(format!("Found multiple contents for job: <{}>", job.id));
    }
    if request.body.len() > options.max_upload_bytes {
        return Err(CallError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            format!("The upload has more than {} bytes", options.max_upload_bytes),
        ));
    }
    job.content = Some(Upload::read(&request.body, job.delimiter, job.line_ending));
    job.modified = viewer.now;
    Ok(reply::empty(StatusCode::CREATED))
}

fn results(
    options: &BulkOptions,
    job: &Job,
    set: ResultSet,
    request: &ApiRequest,
) -> Result<Response, CallError> {
    if !job.state.is_final() {
        let message = format!("A job in state {} has no results yet", job.state.name());
        return Err(options.error_names.error("InvalidJobState", message));
    }
    let csv = job.results(set, request.route.version_number());
    Ok(with_body(
        StatusCode::OK,
        "text/csv; charset=UTF-8",
        Bytes::from(csv),
    ))
}

fn find<'a>(state: &'a mut OrgState, id: &str) -> Result<&'a mut Job, CallError> {
    state.bulk.find(id).ok_or_else(CallError::no_such_resource)
}
