//! The one call of config that carries records. Why config writes at all:
//! docs/adr/0006-config-writes-one-profile.md.

use std::sync::Arc;

use contracts::config::v1 as pb;
use futures::FutureExt;
use salesforce::{
    collections::{self, Operation, Options, Record, WriteError, WriteOutcome},
    refusal::{Fault, RecordRefusal},
    request::RequestError,
};
use service::chain::Chain;

use crate::{
    connections::Connection,
    org::{Orgs, Trouble},
};

impl Orgs {
    /// Makes one collections call, once more after a refused token. A cancelled
    /// call may still have happened.
    pub(super) async fn write(
        &self,
        connection: &Connection,
        object: &'static str,
        operation: &Operation,
        records: Vec<Record>,
        options: Options,
    ) -> Result<WriteOutcome, Trouble> {
        let call = Arc::new((self.http.clone(), operation.clone(), records, options));
        let write = move |session| {
            let call = Arc::clone(&call);
            async move {
                let (http, operation, records, options) = call.as_ref();
                match collections::write(http, &session, object, operation, records, options).await {
                    WriteOutcome::NotSent(WriteError::Refused(refusal)) if refusal.fault == Fault::Token => {
                        Err(RequestError::Refused(refusal))
                    }
                    outcome => Ok(outcome),
                }
            }
            .boxed()
        };
        self.with_session(connection, write)
            .await
            .map(|(outcome, _)| outcome)
    }
}

/// Says what Salesforce has against one record.
pub(super) fn errors_of(refusal: &RecordRefusal) -> Vec<pb::SampleRefusal> {
    std::iter::once(&refusal.error)
        .chain(&refusal.further)
        .map(|error| pb::SampleRefusal {
            code: error.code.clone(),
            message: error.message.clone(),
            fields: error.fields.clone(),
        })
        .collect()
}

/// Says why a whole call brought nothing.
pub(super) fn error_of_call(error: &WriteError) -> pb::SampleRefusal {
    match error {
        WriteError::Refused(refusal) => pb::SampleRefusal {
            code: refusal.reason(),
            message: format!("{refusal}: {}", refusal.message),
            fields: refusal.fields.clone(),
        },
        other => pb::SampleRefusal {
            code: "SALESFORCE_UNAVAILABLE".to_owned(),
            message: Chain(other).to_string(),
            fields: Vec::new(),
        },
    }
}
