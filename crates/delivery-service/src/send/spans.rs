//! Traces of a batch: one of its own, and for each recorded update a `deliver`
//! span in the update's trace, linked to the batch.

use opentelemetry::trace::TraceContextExt;
use opentelemetry_semantic_conventions::attribute::ERROR_TYPE;
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::lane::machine::{Batch, RecordResult, SendResult};

/// The open spans of one send.
pub(super) struct BatchSpans {
    batch: Span,
    /// Each with the index of its record in the batch.
    updates: Vec<(usize, Span)>,
}

impl BatchSpans {
    pub(super) fn start(batch: &Batch) -> Self {
        let destination = batch.plan.destination.to_string();
        let span = info_span!(
            parent: None,
            "salesforce write",
            "otel.kind" = "client",
            destination.name = destination,
            batch.records = batch.records.len(),
            { ERROR_TYPE } = Empty,
        );
        let batch_context = span.context().span().span_context().clone();
        let mut updates = Vec::new();
        for (index, record) in batch.records.iter().enumerate() {
            for update in &record.updates {
                let Some(trace) = &update.trace else { continue };
                let deliver = info_span!(
                    parent: None,
                    "deliver",
                    destination.name = destination,
                    update.id = update.update_id,
                    update.sequence = update.sequence,
                    salesforce.result = Empty,
                    { ERROR_TYPE } = Empty,
                );
                // Fails only when no tracer is installed, and then nothing is recorded.
                let _ = deliver.set_parent(trace.context());
                deliver.add_link(batch_context.clone());
                updates.push((index, deliver));
            }
        }
        Self { batch: span, updates }
    }

    pub(super) fn batch(&self) -> Span {
        self.batch.clone()
    }

    /// Closes the spans with Salesforce's result for each row.
    pub(super) fn finish(self, result: &SendResult) {
        match result {
            SendResult::Answered(results) => {
                for (index, span) in &self.updates {
                    match results.get(*index) {
                        Some(RecordResult::Saved) => {
                            span.record("salesforce.result", "SAVED");
                        }
                        Some(RecordResult::Created(_)) => {
                            span.record("salesforce.result", "CREATED");
                        }
                        Some(RecordResult::Missing) => {
                            span.record("salesforce.result", "NOT_FOUND");
                        }
                        // Only a request that was sent has spans.
                        Some(RecordResult::OverLimit { .. }) | None => {}
                        Some(RecordResult::Excluded(reason)) => {
                            span.record("salesforce.result", reason.as_str());
                        }
                        Some(RecordResult::Passing(failure) | RecordResult::Refused(failure)) => {
                            span.record("salesforce.result", failure.code.as_str());
                            span.record(ERROR_TYPE, failure.code.as_str());
                        }
                    }
                }
            }
            SendResult::Again(trouble) | SendResult::InDoubt(trouble) => {
                self.batch.record(ERROR_TYPE, trouble.reason.as_str());
                for (_, span) in &self.updates {
                    span.record(ERROR_TYPE, trouble.reason.as_str());
                }
            }
        }
    }
}
