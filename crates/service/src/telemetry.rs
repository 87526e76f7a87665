//! Logs for people or machines, and traces to an OpenTelemetry collector.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use opentelemetry_semantic_conventions::resource::SERVICE_VERSION;
use serde::Deserialize;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One readable line per event.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    pub log_format: LogFormat,
    /// What is logged, as `tracing-subscriber` directives, for example
    /// `info,delivery_service=debug`.
    pub log_filter: String,
    /// Where traces go, for example `http://127.0.0.1:4317`; nowhere when unset.
    pub otlp_endpoint: Option<String>,
    /// Share of traces begun here that are recorded, 0 to 1. A caller's own
    /// decision is followed.
    pub trace_ratio: f64,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
            trace_ratio: 0.01,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "telemetry.log_filter '{filter}' is not a list of directives such as info,delivery_service=debug"
    )]
    Filter {
        filter: String,
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    #[error("telemetry.trace_ratio is {0}; it must be between 0 and 1")]
    Ratio(f64),
    #[error("telemetry.otlp_endpoint {endpoint} cannot be used")]
    Exporter {
        endpoint: String,
        #[source]
        source: ExporterBuildError,
    },
    #[error("telemetry was set up before")]
    AlreadySetUp,
}

/// Keeps telemetry alive; flushed by [`Telemetry::shut_down`].
#[must_use]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sets up logs and traces of this process. Must run inside a tokio runtime.
    pub fn set_up(settings: &TelemetrySettings, service_name: &str) -> Result<Self, TelemetryError> {
        if !(0.0..=1.0).contains(&settings.trace_ratio) {
            return Err(TelemetryError::Ratio(settings.trace_ratio));
        }
        // Postgres tells of every table that is there already.
        let directives = format!("sqlx::postgres::notice=warn,{}", settings.log_filter);
        let filter = EnvFilter::try_new(directives).map_err(|source| TelemetryError::Filter {
            filter: settings.log_filter.clone(),
            source,
        })?;
        let provider = match &settings.otlp_endpoint {
            None => None,
            Some(endpoint) => {
                let exporter = SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(endpoint)
                    .build()
                    .map_err(|source| TelemetryError::Exporter {
                        endpoint: endpoint.clone(),
                        source,
                    })?;
                let resource = Resource::builder()
                    .with_service_name(service_name.to_owned())
                    .with_attribute(opentelemetry::KeyValue::new(
                        SERVICE_VERSION,
                        env!("CARGO_PKG_VERSION"),
                    ))
                    .build();
                let sampler =
                    Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.trace_ratio)));
                let provider = SdkTracerProvider::builder()
                    .with_batch_exporter(exporter)
                    .with_resource(resource)
                    .with_sampler(sampler)
                    .build();
                opentelemetry::global::set_tracer_provider(provider.clone());
                Some(provider)
            }
        };
        let logs: Box<dyn Layer<Registry> + Send + Sync> = match settings.log_format {
            LogFormat::Text => tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false)
                .with_filter(filter)
                .boxed(),
            LogFormat::Json => tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr)
                .with_filter(filter)
                .boxed(),
        };
        let traces = provider
            .as_ref()
            .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("sluice")));
        tracing_subscriber::registry()
            .with(logs)
            .with(traces.with_filter(tracing_subscriber::filter::LevelFilter::INFO))
            .try_init()
            .map_err(|_| TelemetryError::AlreadySetUp)?;
        Ok(Self { provider })
    }

    /// Sends what is left to the collector. Blocks; call it last.
    pub fn shut_down(self) {
        if let Some(provider) = self.provider {
            // The collector being away must not fail the shutdown.
            let _ = provider.shutdown();
        }
    }
}
