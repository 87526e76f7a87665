//! Internal connections inside one process: no port, no other process can call.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::{io::DuplexStream, sync::mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint, Uri},
};

const BUFFER_BYTES: usize = 64 << 10;

/// The serving end.
pub struct MemoryListener(mpsc::UnboundedReceiver<io::Result<DuplexStream>>);

/// The calling end. Cheap to clone.
#[derive(Clone)]
pub struct MemoryConnector(mpsc::UnboundedSender<io::Result<DuplexStream>>);

/// Makes both ends. The number of connections is the number of channels, a
/// handful, so the queue needs no bound.
pub fn pair() -> (MemoryListener, MemoryConnector) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (MemoryListener(receiver), MemoryConnector(sender))
}

impl MemoryListener {
    pub async fn serve(
        self,
        routes: Routes,
        shutdown: CancellationToken,
    ) -> Result<(), tonic::transport::Error> {
        super::serve_connections(UnboundedReceiverStream::new(self.0), routes, shutdown).await
    }
}

impl MemoryConnector {
    /// Returns a channel that connects when it is first used.
    pub fn channel(&self) -> Channel {
        let connections = self.0.clone();
        let connect = tower::service_fn(move |_: Uri| {
            let connections = connections.clone();
            async move {
                let (ours, theirs) = tokio::io::duplex(BUFFER_BYTES);
                connections
                    .send(Ok(theirs))
                    .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
                Ok::<_, io::Error>(TokioIo::new(ours))
            }
        });
        Endpoint::from_static("http://in-memory").connect_with_connector_lazy(connect)
    }
}
