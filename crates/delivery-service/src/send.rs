//! One call to Salesforce: records out, results back. One replay after a
//! refused token, no other retry; the lane owns those.

mod spans;
mod tokens;

use activation::{
    destination::WriteMode,
    outcome::{Excluded, Failure},
    record::{FieldValue, RecordKey},
};
use contracts::auth::v1::token_service_client::TokenServiceClient;
use salesforce::{
    Http,
    collections::{self, Record, RecordRefusal, WriteError, WriteOutcome},
    refusal::{Fault, RecordFault, Refusal, record_fault},
};
use serde_json::Value;
use service::{chain::Chain, grpc::client::TracedChannel};
use tracing::Instrument;

use self::{spans::BatchSpans, tokens::Tokens};
use crate::lane::machine::{Batch, BatchRecord, RecordResult, SendResult, Trouble};

/// Sends batches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sender {
    http: Http,
    tokens: Tokens,
}

impl Sender {
    pub(crate) fn new(http: Http, auth: TracedChannel) -> Self {
        Self {
            http,
            tokens: Tokens::new(TokenServiceClient::new(auth)),
        }
    }

    /// Sends a batch. A cancelled call may still have happened.
    pub(crate) async fn send(&self, batch: &Batch) -> SendResult {
        let spans = BatchSpans::start(batch);
        let result = self.write(batch).instrument(spans.batch()).await;
        spans.finish(&result);
        result
    }

    async fn write(&self, batch: &Batch) -> SendResult {
        let plan = &batch.plan;
        let object = plan.rules.record_type.object();
        let mode = match &plan.rules.write_mode {
            WriteMode::UpdateById => collections::WriteMode::UpdateById,
            WriteMode::Upsert { key_field } => collections::WriteMode::Upsert {
                key_field: key_field.to_string(),
            },
        };
        let records: Vec<Record> = batch.records.iter().map(record).collect();
        let mut has_new_token = false;
        loop {
            let token = match self.tokens.get(plan).await {
                Ok(token) => token,
                Err(trouble) => return SendResult::Again(trouble),
            };
            let outcome = collections::write(&self.http, &token.session, object, &mode, &records).await;
            match outcome {
                WriteOutcome::Answered(results) => {
                    let key_field = match &mode {
                        collections::WriteMode::UpdateById => None,
                        collections::WriteMode::Upsert { key_field } => Some(key_field.as_str()),
                    };
                    return SendResult::Answered(
                        results
                            .into_iter()
                            .map(|result| record_result(result, key_field))
                            .collect(),
                    );
                }
                WriteOutcome::NotSent(WriteError::Refused(refusal))
                    if refusal.fault == Fault::Token && !has_new_token =>
                {
                    has_new_token = true;
                    self.tokens.reject(plan, &token).await;
                }
                // Sending again after doubt is safe because every write names its record.
                WriteOutcome::NotSent(error) | WriteOutcome::InDoubt(error) => {
                    return SendResult::Again(trouble(&error));
                }
            }
        }
    }
}

fn record(record: &BatchRecord) -> Record {
    let key = match &record.key {
        RecordKey::Id(id) => id.to_string(),
        RecordKey::External { .. } => record.key_text.clone(),
    };
    let fields = record
        .fields
        .iter()
        .map(|(field, value)| (field.to_string(), json(value)))
        .collect();
    Record { key, fields }
}

fn json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Boolean(flag) => Value::from(*flag),
        FieldValue::Integer(integer) => Value::from(*integer),
        FieldValue::Number(number) => Value::from(*number),
        FieldValue::Text(text) => Value::from(text.as_str()),
    }
}

fn record_result(result: collections::RecordResult, key_field: Option<&str>) -> RecordResult {
    match result {
        collections::RecordResult::Saved { .. } => RecordResult::Saved,
        collections::RecordResult::Refused(refusal) => {
            let fault = record_fault(&refusal.code, &refusal.message, key_field);
            let RecordRefusal {
                code,
                message,
                fields,
            } = refusal;
            let failure = Failure {
                code,
                message,
                fields,
            };
            match fault {
                RecordFault::Permanent => RecordResult::Refused(failure),
                RecordFault::Passing => RecordResult::Passing(failure),
                RecordFault::Gone => RecordResult::Excluded(Excluded::RecordGone),
                RecordFault::Converted => RecordResult::Excluded(Excluded::LeadConverted),
            }
        }
    }
}

/// Says why a whole call failed and what to do.
fn trouble(error: &WriteError) -> Trouble {
    match error {
        WriteError::Refused(refusal) => Trouble {
            reason: refusal.reason(),
            message: refusal_message(refusal),
            retry_after: refusal.retry_after,
        },
        WriteError::Call(_) | WriteError::WrongCount { .. } | WriteError::Unreadable => Trouble {
            reason: "SALESFORCE_UNAVAILABLE".to_owned(),
            message: Chain(error).to_string(),
            retry_after: None,
        },
    }
}

fn refusal_message(refusal: &Refusal) -> String {
    let advice = match refusal.fault {
        Fault::Token => "Salesforce refused a fresh token. Check the app's session policies.",
        Fault::Login => {
            "The user or app may not use the API. Give the permission API Enabled, and check IP restrictions."
        }
        Fault::Quota => {
            "The org's daily API calls are used up. Delivery goes on as old calls age out (24 h rolling)."
        }
        Fault::Concurrency => "The org has too many long calls at once. Delivery goes on when they end.",
        Fault::Configuration => {
            "A field, key or permission is not as configured. Correct it in Salesforce or in the destination."
        }
        Fault::Host => "No org answers at this host. Check the connection's custom domain.",
        Fault::Salesforce => "Salesforce has a problem of its own. Delivery goes on when it answers again.",
    };
    // A configuration refusal names fields, not values.
    let detail = match refusal.fault {
        Fault::Configuration if refusal.code == "INVALID_FIELD" => format!(" {}.", refusal.message),
        _ => String::new(),
    };
    format!("{refusal}.{detail} {advice}")
}
