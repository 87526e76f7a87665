//! W3C trace context across gRPC hops and in messages.

use std::collections::HashMap;

use opentelemetry::{Context, propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataKey, MetadataMap},
    service::Interceptor,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The two header values of a W3C trace context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceContext {
    pub traceparent: String,
    pub tracestate: String,
}

impl TraceContext {
    /// Returns the current span's context; `None` when it has none.
    pub fn current() -> Option<Self> {
        Self::of(&Span::current().context())
    }

    /// Returns the context's span as header values; `None` when it has none.
    pub fn of(context: &Context) -> Option<Self> {
        let mut values = HashMap::new();
        TraceContextPropagator::new().inject_context(context, &mut values);
        Some(Self {
            traceparent: values.remove("traceparent")?,
            tracestate: values.remove("tracestate").unwrap_or_default(),
        })
    }

    /// Reads the values; an invalid or empty one is a context without a span.
    pub fn context(&self) -> Context {
        let values = HashMap::from([
            ("traceparent".to_owned(), self.traceparent.clone()),
            ("tracestate".to_owned(), self.tracestate.clone()),
        ]);
        TraceContextPropagator::new().extract_with_context(&Context::new(), &values)
    }

    /// Tells whether the producer records this trace.
    pub fn is_sampled(&self) -> bool {
        self.context().span().span_context().is_sampled()
    }
}

/// Adds the current span's context to every call of a client.
#[derive(Debug, Clone, Copy)]
pub struct InjectTraceContext;

impl Interceptor for InjectTraceContext {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(current) = TraceContext::current() {
            insert(request.metadata_mut(), "traceparent", &current.traceparent);
            insert(request.metadata_mut(), "tracestate", &current.tracestate);
        }
        Ok(request)
    }
}

fn insert(metadata: &mut MetadataMap, key: &'static str, value: &str) {
    if !value.is_empty()
        && let Ok(value) = value.parse()
    {
        metadata.insert(MetadataKey::<Ascii>::from_static(key), value);
    }
}

/// Returns the trace context that a caller sent in its headers.
pub fn from_headers(headers: &http::HeaderMap) -> Context {
    let value = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    TraceContext {
        traceparent: value("traceparent"),
        tracestate: value("tracestate"),
    }
    .context()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_its_header_values() {
        let sent = TraceContext {
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            tracestate: String::new(),
        };
        assert!(sent.is_sampled());
        assert_eq!(TraceContext::of(&sent.context()).unwrap(), sent);
    }

    #[test]
    fn nonsense_is_no_context() {
        let sent = TraceContext {
            traceparent: "zz".to_owned(),
            tracestate: "==".to_owned(),
        };
        assert!(!sent.is_sampled());
        assert_eq!(TraceContext::of(&sent.context()), None);
    }
}
