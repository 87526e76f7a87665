//! Connections that a scripted fault can cut.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: u8 = 0;
const CUT_BEFORE_ANSWER: u8 = 1;
const CUT_MID_ANSWER: u8 = 2;

/// Cuts the connection that a request came on.
///
/// HTTP/1.1 answers one request at a time, so what is written next is the answer to the request at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<AtomicU8>);

/// A listener whose connections can be cut.
#[derive(Debug)]
pub(crate) struct CuttableListener(pub(crate) TcpListener);

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct CuttableStream {
    stream: TcpStream,
    wire: Wire,
}

impl Wire {
    /// Drops the connection instead of answering.
    pub(crate) fn cut_before_answer(&self) {
        self.0.store(CUT_BEFORE_ANSWER, Ordering::Release);
    }

    /// Drops the connection after half of the answer.
    pub(crate) fn cut_mid_answer(&self) {
        self.0.store(CUT_MID_ANSWER, Ordering::Release);
    }
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "answers on this connection may be delayed");
        }
        (
            CuttableStream {
                stream,
                wire: Wire::default(),
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().wire.clone()
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

// Vectored writes stay unsupported: hyper then joins head and body into one buffer, and half of it is
// mid-answer.
impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.wire.0.load(Ordering::Acquire) {
            CUT_BEFORE_ANSWER => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            CUT_MID_ANSWER => {
                let half = (bytes.len() / 2).max(1).min(bytes.len());
                let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..half]);
                if written.is_ready() {
                    self.wire.0.store(CUT_BEFORE_ANSWER, Ordering::Release);
                }
                written
            }
            WHOLE.. => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
