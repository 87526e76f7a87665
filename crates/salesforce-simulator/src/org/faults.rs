//! Faults that a test scripts.

use std::collections::VecDeque;

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One entry of `POST /simulator/orgs/{host}/faults`, and of what `GET` still lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub on: Occasion,
    /// Matching requests to let pass first.
    #[serde(default)]
    pub skip: u64,
    /// Matching requests to hit then; at least 1.
    #[serde(default = "once")]
    pub times: u64,
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Occasion {
    /// Collections and single-record create, update, upsert and delete, of setup objects too.
    Write,
    Token,
    Describe,
    Query,
    /// Every call of a bulk job; none of them is about its rows.
    Bulk,
    /// Rows of a bulk job that are written at once: `record_error`, or `status` to fail the job.
    #[serde(rename = "bulk_rows")]
    BulkRows,
    Tooling,
    /// In a script: every request. Of a request: any other than those above.
    Any,
}

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum FaultAction {
    /// An error answer; nothing is applied, unless `applied` says so.
    Status(StatusFault),
    /// An HTML page of the edge (420, 502, 503, 504); nothing is applied, unless `applied` says so.
    EdgePage {
        #[serde(with = "edge_status")]
        status: StatusCode,
        #[serde(default)]
        applied: bool,
    },
    /// No answer; nothing is applied.
    CutBefore {},
    /// Half of an answer; applied.
    CutAfter {},
    /// No answer; applied up to `late_apply_seconds` later.
    Vanish {},
    /// A late answer; applied after the delay.
    Slow { delay_ms: u64 },
    /// A late answer; applied before the delay.
    SlowAnswer { delay_ms: u64 },
    /// Every session of the org ends; then the request is handled.
    ExpireSessions {},
    /// Some records fail in an otherwise normal answer.
    RecordError(RecordFault),
    /// The daily quota is used up, for this request.
    Quota {},
    /// The last result is missing from the answer; applied.
    TruncateResults {},
    /// The second half of the results is missing from the answer; applied.
    HalfResults {},
    /// One result, counted from 0, is missing from the answer; applied.
    DropResult {
        #[serde(default)]
        at: usize,
    },
    /// A success with a body that is not what it should be; applied.
    Body { shape: BodyShape },
}

/// What is wrong with the body of a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyShape {
    Empty,
    /// The JSON ends in its middle; the answer is whole all the same.
    TruncatedJson,
    /// An object instead of an array, an array instead of an object.
    WrongType,
    /// One result more than there were records: the last, again.
    WrongLength,
}

/// An error answer, in Salesforce's array form or as raw text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusFault {
    #[serde(deserialize_with = "status_code", serialize_with = "status_number")]
    pub status: StatusCode,
    #[serde(default = "unknown_exception", rename = "errorCode")]
    pub error_code: String,
    #[serde(default)]
    pub message: String,
    /// Sent instead of the array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of `body`.
    #[serde(default = "html")]
    pub content_type: String,
    /// Seconds, as an intermediary may add them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Whether the request is handled first, and this is told instead of its answer.
    #[serde(default)]
    pub applied: bool,
}

/// Which records fail, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordFault {
    /// Record ids, or values of the upsert key.
    #[serde(default)]
    pub ids: Vec<String>,
    /// The nth, 2nth, … record of the call. With neither this nor `ids`, every record.
    #[serde(default)]
    pub every: Option<usize>,
    #[serde(rename = "statusCode")]
    pub status_code: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub fields: Vec<String>,
}

/// The scripted faults, in order.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(VecDeque<Fault>);

impl FaultAction {
    /// Returns its `kind` in a script.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::EdgePage { .. } => "edge_page",
            Self::CutBefore {} => "cut_before",
            Self::CutAfter {} => "cut_after",
            Self::Vanish {} => "vanish",
            Self::Slow { .. } => "slow",
            Self::SlowAnswer { .. } => "slow_answer",
            Self::ExpireSessions {} => "expire_sessions",
            Self::RecordError(_) => "record_error",
            Self::Quota {} => "quota",
            Self::TruncateResults {} => "truncate_results",
            Self::HalfResults {} => "half_results",
            Self::DropResult { .. } => "drop_result",
            Self::Body { .. } => "body",
        }
    }

    /// Tells whether the client gets a whole answer.
    pub(crate) fn lets_answer(&self) -> bool {
        !matches!(self, Self::CutBefore {} | Self::CutAfter {} | Self::Vanish {})
    }
}

impl FaultQueue {
    pub(crate) fn extend(&mut self, faults: Vec<Fault>) {
        self.0.extend(faults);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns what is still scheduled, in order, with what is left to skip and to hit.
    pub(crate) fn scheduled(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// Returns what goes wrong with the next request.
    ///
    /// Only the first fault for such requests is looked at; the ones behind it begin when it is used up.
    pub(crate) fn next(&mut self, occasion: Occasion) -> Option<FaultAction> {
        let position = self
            .0
            .iter()
            // `Any` is any request, which the rows of a bulk job are not.
            .position(|fault| {
                fault.on == occasion || (fault.on == Occasion::Any && occasion != Occasion::BulkRows)
            })?;
        let fault = self.0.get_mut(position)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        if fault.times > 0 {
            return Some(fault.action.clone());
        }
        self.0.remove(position).map(|fault| fault.action)
    }
}

/// The statuses that the edge answers with pages. Source: salesforce-contract.md §3.1 and §3.2.
mod edge_status {
    use super::{Deserializer, Serializer, StatusCode, de, status_code, status_number};

    pub(super) fn serialize<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
        status_number(status, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
        let status = status_code(deserializer)?;
        if [420, 502, 503, 504].contains(&status.as_u16()) {
            return Ok(status);
        }
        Err(de::Error::custom(format!(
            "status {} is none of the edge's, which are 420, 502, 503 and 504; for others use kind status",
            status.as_u16()
        )))
    }
}

fn once() -> u64 {
    1
}

fn unknown_exception() -> String {
    "UNKNOWN_EXCEPTION".to_owned()
}

fn html() -> String {
    "text/html;charset=UTF-8".to_owned()
}

fn status_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    let number = u16::deserialize(deserializer)?;
    StatusCode::from_u16(number).map_err(|_| de::Error::custom(format!("{number} is no HTTP status")))
}

fn status_number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
