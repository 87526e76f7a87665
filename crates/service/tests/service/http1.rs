//! Which listeners take HTTP/1.1, and what a trace tells of what is not gRPC.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use service::grpc::Listener;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing_subscriber::layer::SubscriberExt;

/// Sends one request of HTTP/1.1 and returns all that comes back.
async fn get(listener: Listener, path: &str) -> String {
    let address = listener.address();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(listener.serve(Routes::default(), shutdown.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // What does not speak HTTP/1.1 may end the connection in any way.
    let _ = stream.read_to_end(&mut answer).await;
    shutdown.cancel();
    let _ = serving.await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn http1_is_taken_by_public_listeners_only() {
    let address = ([127, 0, 0, 1], 0).into();
    let public = get(Listener::bind_public(address).await.unwrap(), "/").await;
    assert!(public.starts_with("HTTP/1.1 200"), "{public}");

    let internal = get(Listener::bind_internal(address, None).await.unwrap(), "/").await;
    assert!(!internal.starts_with("HTTP/1.1"), "{internal}");
}

#[tokio::test]
async fn the_span_of_what_is_not_grpc_does_not_tell_its_path() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    get(
        Listener::bind_public(([127, 0, 0, 1], 0).into()).await.unwrap(),
        "/v1/workspaces/somebody",
    )
    .await;
    drop(subscriber);

    let spans = exporter.get_finished_spans().unwrap();
    assert!(spans.iter().any(|span| span.name == "GET"), "{spans:?}");
    assert!(!format!("{spans:?}").contains("somebody"), "{spans:?}");
}
