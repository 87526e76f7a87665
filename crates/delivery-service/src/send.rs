//! One call to Salesforce: records out, results back. One replay after a
//! refused token, no other retry; the lane owns those.

mod spans;
mod tokens;

use activation::{
    destination::{Assignment, DuplicateRule, WriteMode},
    outcome::{Excluded, Failure},
    record::{FieldValue, RecordKey},
};
use contracts::auth::v1::token_service_client::TokenServiceClient;
use salesforce::{
    Http,
    collections::{self, DuplicateRules, Operation, Options, Record, WriteError, WriteOutcome},
    refusal::{Fault, Refusal, Retry},
};
use serde_json::Value;
use service::{chain::Chain, grpc::client::TracedChannel};
use tracing::Instrument;

use self::{spans::BatchSpans, tokens::Tokens};
use crate::lane::machine::{Batch, BatchRecord, Created, RecordResult, SendResult, Trouble};

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
        let operation = operation(batch);
        let options = options(batch);
        let records: Vec<Record> = batch.records.iter().map(|one| record(one, batch)).collect();
        let mut has_new_token = false;
        loop {
            let token = match self.tokens.get(plan).await {
                Ok(token) => token,
                Err(trouble) => return SendResult::Again(trouble),
            };
            let outcome =
                collections::write(&self.http, &token.session, object, &operation, &records, &options).await;
            match outcome {
                WriteOutcome::Answered(answered) => {
                    let results = answered.value.into_iter();
                    return SendResult::Answered(
                        results
                            .map(|result| record_result(result, &operation, batch))
                            .collect(),
                    );
                }
                WriteOutcome::NotSent(WriteError::Refused(refusal))
                    if refusal.fault == Fault::Token && !has_new_token =>
                {
                    has_new_token = true;
                    self.tokens.reject(plan, &token).await;
                }
                WriteOutcome::NotSent(error) => return SendResult::Again(trouble(&error)),
                WriteOutcome::InDoubt(error) => return SendResult::InDoubt(trouble(&error)),
            }
        }
    }
}

fn operation(batch: &Batch) -> Operation {
    match &batch.plan.rules.write_mode {
        WriteMode::UpdateById => Operation::Update,
        // What is created goes by its key too: sent twice it is created once.
        WriteMode::Upsert { key_field } => Operation::Upsert {
            key_field: key_field.to_string(),
            update_only: !batch.creates,
        },
    }
}

fn is_update_only(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Upsert {
            update_only: true,
            ..
        }
    )
}

fn options(batch: &Batch) -> Options {
    let rules = &batch.plan.rules;
    let assignment = match rules.creation_rules.assignment {
        // A rule would choose new owners for existing records too.
        _ if !batch.creates => collections::Assignment::Off,
        Assignment::Off => collections::Assignment::Off,
        Assignment::ActiveRule => collections::Assignment::ActiveRule,
        Assignment::Rule(id) => collections::Assignment::Rule(id.to_string()),
    };
    Options {
        assignment,
        duplicate_rules: (rules.duplicate_rule == DuplicateRule::Allow).then_some(DuplicateRules {
            allow_save: true,
            ..DuplicateRules::default()
        }),
        ..Options::default()
    }
}

fn record(record: &BatchRecord, batch: &Batch) -> Record {
    let key = match &record.key {
        RecordKey::Id(id) => id.to_string(),
        RecordKey::External { .. } => record.key_text.clone(),
    };
    let created_with = batch
        .plan
        .rules
        .creation_rules
        .created_with()
        .filter(|_| batch.creates)
        .map(|(field, id)| (field.to_owned(), Value::from(id.as_str())));
    let fields = record
        .fields
        .iter()
        .map(|(field, value)| (field.to_string(), json(value)))
        .chain(created_with)
        .collect();
    Record {
        key: Some(key),
        fields,
    }
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

fn record_result(result: collections::RecordResult, operation: &Operation, batch: &Batch) -> RecordResult {
    let refusal = match result {
        collections::RecordResult::Saved { created: false, .. } => return RecordResult::Saved,
        collections::RecordResult::Saved { created: true, .. } => {
            let has_limit = batch.plan.rules.creation_rules.max_per_day.is_some();
            return RecordResult::Created(if has_limit {
                Created::Allowed
            } else {
                Created::Freely
            });
        }
        collections::RecordResult::Refused(refusal)
            if is_update_only(operation) && refusal.is_not_found() =>
        {
            return RecordResult::Missing;
        }
        collections::RecordResult::Refused(refusal) => refusal,
        // Never asked for: every record of a batch stands for itself.
        collections::RecordResult::RolledBack => {
            return RecordResult::Passing(Failure {
                code: "ALL_OR_NONE_OPERATION_ROLLED_BACK".to_owned(),
                message: "Salesforce stored nothing because of another record".to_owned(),
                fields: Vec::new(),
            });
        }
    };
    let failure = Failure {
        code: refusal.error.code,
        message: refusal.error.message,
        fields: refusal.error.fields,
    };
    match (refusal.fault, refusal.retry) {
        (Fault::RecordGone, _) => RecordResult::Excluded(Excluded::RecordGone),
        (Fault::LeadConverted, _) => RecordResult::Excluded(Excluded::LeadConverted),
        (_, Retry::Never | Retry::AfterChange) => RecordResult::Refused(failure),
        (
            _,
            Retry::WithNewToken
            | Retry::Once
            | Retry::Soon
            | Retry::WithBackoff
            | Retry::AsCallsAgeOut
            | Retry::AfterMaintenance
            | Retry::WithoutCulprit
            | Retry::Smaller,
        ) => RecordResult::Passing(failure),
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
        WriteError::Call(_) | WriteError::WrongCount { .. } | WriteError::Unreadable(_) => Trouble {
            reason: "SALESFORCE_UNAVAILABLE".to_owned(),
            message: Chain(error).to_string(),
            retry_after: None,
        },
        WriteError::TooManyRecords { .. } | WriteError::MissingKey { .. } | WriteError::AssignmentRule(_) => {
            Trouble {
                reason: "BATCH_MALFORMED".to_owned(),
                message: format!("{error}. This is a fault of Sluice; report it."),
                retry_after: None,
            }
        }
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
        Fault::Contention => "The org has too many long calls at once. Delivery goes on when they end.",
        Fault::Batch => "This is a fault of Sluice; report it with what Salesforce says.",
        Fault::Configuration | Fault::Record | Fault::RecordGone | Fault::LeadConverted => {
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
