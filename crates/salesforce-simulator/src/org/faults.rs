//! Faults that a test scripts.

use std::collections::VecDeque;

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, de};

/// One entry of `POST /simulator/orgs/{host}/faults`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub on: Occasion,
    /// Matching requests to let pass first.
    #[serde(default)]
    pub skip: u64,
    /// Matching requests to hit then.
    #[serde(default = "once")]
    pub times: u64,
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Occasion {
    /// Collections create, update and upsert.
    Write,
    Token,
    Describe,
    /// Rows of a bulk job that are written at once: `record_error`, or `status` to fail the job.
    Bulk,
    /// In a script: every request. Of a request: any other than the three above.
    Any,
}

/// What goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum FaultAction {
    /// An error answer; nothing is applied.
    Status(StatusFault),
    /// No answer; nothing is applied.
    CutBefore {},
    /// Half of an answer; applied.
    CutAfter {},
    /// A late answer; applied after the delay.
    Slow { delay_ms: u64 },
    /// Every session of the org ends; then the request is handled.
    ExpireSessions {},
    /// Some records fail in an otherwise normal answer.
    RecordError(RecordFault),
    /// The daily quota is used up, for this request.
    Quota {},
    /// The last result is missing from the answer; applied.
    TruncateResults {},
}

/// An error answer, in Salesforce's array form or as raw text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusFault {
    #[serde(deserialize_with = "status_code")]
    pub status: StatusCode,
    #[serde(default = "unknown_exception", rename = "errorCode")]
    pub error_code: String,
    #[serde(default)]
    pub message: String,
    /// Sent instead of the array.
    #[serde(default)]
    pub body: Option<String>,
    /// Of `body`.
    #[serde(default = "html")]
    pub content_type: String,
    /// Seconds, as an intermediary may add them.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

/// Which records fail, and how.
#[derive(Debug, Clone, Deserialize)]
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
            Self::CutBefore {} => "cut_before",
            Self::CutAfter {} => "cut_after",
            Self::Slow { .. } => "slow",
            Self::ExpireSessions {} => "expire_sessions",
            Self::RecordError(_) => "record_error",
            Self::Quota {} => "quota",
            Self::TruncateResults {} => "truncate_results",
        }
    }
}

impl FaultQueue {
    pub(crate) fn extend(&mut self, faults: Vec<Fault>) {
        self.0.extend(faults.into_iter().filter(|fault| fault.times > 0));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
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
                fault.on == occasion || (fault.on == Occasion::Any && occasion != Occasion::Bulk)
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
