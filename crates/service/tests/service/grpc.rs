//! Calls inside one process, and the trace that goes through them.

use opentelemetry::trace::{SpanKind, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use service::grpc::{client::traced, memory, with_health_and_reflection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Code, service::Routes};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;

const SERVICE: &str = "sluice.test.v1.TestService";

struct Server {
    connector: memory::MemoryConnector,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Server {
    async fn start() -> Self {
        let (listener, connector) = memory::pair();
        let routes = with_health_and_reflection(
            Routes::default(),
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            &[SERVICE],
        )
        .await;
        let shutdown = CancellationToken::new();
        Self {
            connector,
            serving: tokio::spawn(listener.serve(routes, shutdown.clone())),
            shutdown,
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn every_channel_of_a_connector_reaches_the_listener_until_it_stops() {
    let server = Server::start().await;
    let mut first = HealthClient::new(server.connector.channel());
    let mut second = HealthClient::new(server.connector.channel());

    for client in [&mut first, &mut second] {
        let answer = client.check(request(SERVICE)).await.unwrap().into_inner();
        assert_eq!(answer.status, 1, "1 is SERVING");
    }
    let unknown = first.check(request("sluice.test.v1.Other")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);

    drop(second);
    server.stop().await;
    let stopped = first.check(request(SERVICE)).await.unwrap_err();
    assert_eq!(stopped.code(), Code::Unavailable, "{stopped:?}");
}

#[tokio::test]
async fn the_span_of_a_call_is_below_the_span_of_its_caller() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let server = Server::start().await;
    let mut client = HealthClient::new(traced(server.connector.channel()));

    client
        .check(request(SERVICE))
        .instrument(info_span!("caller"))
        .await
        .unwrap();
    drop(client);
    server.stop().await;
    drop(subscriber);

    let spans = exporter.get_finished_spans().unwrap();
    let span = |name: &str| -> &SpanData {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no span {name} in {spans:?}"))
    };
    let (caller, call) = (span("caller"), span("grpc.health.v1.Health/Check"));
    assert_eq!(call.span_kind, SpanKind::Server);
    assert_eq!(call.parent_span_id, caller.span_context.span_id());
    assert_eq!(call.span_context.trace_id(), caller.span_context.trace_id());
}
