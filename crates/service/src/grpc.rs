//! gRPC servers and clients, set up the same everywhere.
//!
//! Public and internal RPCs are served on separate listeners. In one process
//! the internal ones are in-memory connections ([`memory`]); across machines
//! they need mutual TLS.

pub mod client;
pub mod memory;
pub mod tls;

use std::{io, net::SocketAddr, time::Duration};

use futures::Stream;
use opentelemetry_semantic_conventions::attribute::{
    HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, RPC_METHOD, RPC_SYSTEM_NAME, URL_TEMPLATE,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::Connected},
};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::trace_context;

/// HTTP/2 windows: with the default 64 KiB small messages had outliers.
/// Source: engineering.md §5, Notes.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_STREAMS_PER_CONNECTION: u32 = 256;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}: another program uses that port; stop it or choose another port")]
    Busy { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Io {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(
        "the internal listener {0} can be reached from other machines and has no mutual TLS; \
         use a loopback address, or set internal.tls"
    )]
    ExposedInternal(SocketAddr),
}

/// A bound port that does not serve yet.
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<tls::ServerTls>,
    /// Whether it takes HTTP/1.1 beside HTTP/2, for what is not gRPC.
    http1: bool,
}

impl Listener {
    /// Binds the port of a public listener, which takes HTTP/1.1 too.
    pub async fn bind_public(address: SocketAddr) -> Result<Self, ListenError> {
        let mut listener = Self::bind(address, None).await?;
        listener.http1 = true;
        Ok(listener)
    }

    /// Binds the port of an internal listener: on loopback, or with mutual TLS.
    pub async fn bind_internal(
        address: SocketAddr,
        tls: Option<tls::ServerTls>,
    ) -> Result<Self, ListenError> {
        if !address.ip().is_loopback() && tls.is_none() {
            return Err(ListenError::ExposedInternal(address));
        }
        Self::bind(address, tls).await
    }

    async fn bind(address: SocketAddr, tls: Option<tls::ServerTls>) -> Result<Self, ListenError> {
        let io_error = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::Busy { address },
            _ => ListenError::Io { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(io_error)?;
        let address = listener.local_addr().map_err(io_error)?;
        Ok(Self {
            listener,
            address,
            tls,
            http1: false,
        })
    }

    /// Returns the address with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the token is cancelled and every call has ended.
    pub async fn serve(
        self,
        routes: Routes,
        shutdown: CancellationToken,
    ) -> Result<(), tonic::transport::Error> {
        let mut server = server().accept_http1(self.http1);
        if let Some(tls) = self.tls {
            server = server.tls_config(tls.into_config())?;
        }
        let incoming = TcpListenerStream::new(self.listener);
        let with_no_delay = tokio_stream::StreamExt::map(incoming, |accepted| {
            accepted.inspect(|stream| {
                // Answers are small and must not wait for more; failing to say so is no fault.
                let _ = stream.set_nodelay(true);
            })
        });
        server
            .add_routes(routes)
            .serve_with_incoming_shutdown(with_no_delay, shutdown.cancelled_owned())
            .await
    }
}

/// Serves any stream of connections until the token is cancelled.
pub(crate) async fn serve_connections<I, C>(
    connections: I,
    routes: Routes,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error>
where
    I: Stream<Item = Result<C, io::Error>>,
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    C::ConnectInfo: Clone + Send + Sync + 'static,
{
    server()
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections, shutdown.cancelled_owned())
        .await
}

fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
        .trace_fn(call_span)
}

/// Opens the span of one call, below the caller's.
fn call_span(request: &http::Request<()>) -> Span {
    let content = request.headers().get(http::header::CONTENT_TYPE);
    let span = if content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc")) {
        let method = request.uri().path().trim_start_matches('/');
        tracing::info_span!(
            "grpc call",
            "otel.name" = method,
            "otel.kind" = "server",
            { RPC_SYSTEM_NAME } = "grpc",
            { RPC_METHOD } = method,
            "otel.status_code" = Empty,
        )
    } else {
        // Whoever answers it says which call it is: a path has names in it.
        tracing::info_span!(
            "http request",
            "otel.name" = request.method().as_str(),
            "otel.kind" = "server",
            { HTTP_REQUEST_METHOD } = request.method().as_str(),
            { URL_TEMPLATE } = Empty,
            { RPC_METHOD } = Empty,
            { HTTP_RESPONSE_STATUS_CODE } = Empty,
        )
    };
    // Fails only when no tracer is installed, and then there is nothing to link.
    let _ = span.set_parent(trace_context::from_headers(request.headers()));
    span
}

/// Adds health and reflection for the services named, as every server has.
pub async fn with_health_and_reflection(
    routes: Routes,
    descriptors: &'static [u8],
    services: &[&'static str],
) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    for service in services {
        reporter
            .set_service_status(*service, tonic_health::ServingStatus::Serving)
            .await;
    }
    // Many clients still ask by the older version.
    let newer = reflection(descriptors, services)
        .build_v1()
        .expect("our own descriptors are well-formed");
    let older = reflection(descriptors, services)
        .build_v1alpha()
        .expect("our own descriptors are well-formed");
    routes.add_service(health).add_service(newer).add_service(older)
}

fn reflection(
    descriptors: &'static [u8],
    services: &[&'static str],
) -> tonic_reflection::server::Builder<'static> {
    services.iter().fold(
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET),
        |builder, service| builder.with_service_name(*service),
    )
}
