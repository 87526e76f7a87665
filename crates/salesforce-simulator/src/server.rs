//! Starting and stopping.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::connection::Connection;
use crate::sample;
use crate::wire::CuttableListener;
use crate::world::World;
use crate::{admin, page, surface};

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What sessions, quotas and time stamps go by.
    pub clock: Clock,
    /// Whether the org of [`sample`] exists from the start, with 100 Contacts, 100 Leads and 7
    /// Accounts.
    pub sample_org: bool,
}

/// A running simulator. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {}", reason(.error))]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the operating system said; its text is part of ours, so it is no `source`.
        error: io::Error,
    },
}

impl Simulator {
    /// Binds `settings.listen` and serves until [`stop`](Self::stop).
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address cannot be bound; nothing runs then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let cannot_listen = |error| StartError::Listen {
            address: settings.listen,
            error,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;

        let world = Arc::new(World::new(settings.clock.clone()));
        if settings.sample_org {
            sample::create(&world);
        }
        let router = Router::new()
            .route("/", any(page::home))
            .nest("/simulator", admin::router())
            .fallback(surface::answer)
            .with_state(world)
            .into_make_service_with_connect_info::<Connection>();

        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(
            axum::serve(CuttableListener(listener), router)
                // A dropped sender stops the server too.
                .with_graceful_shutdown(async { drop(stopped.await) })
                .into_future(),
        );
        tracing::info!(server.address = %address, "the salesforce simulator listens");
        Ok(Self {
            address,
            stop,
            server,
        })
    }

    /// Returns the address that is listened on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, answers what has begun, and returns when all connections are closed.
    pub async fn stop(self) {
        // Refused only if the server has ended already.
        let _already_ended = self.stop.send(());
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the salesforce simulator ended badly");
        }
    }
}

/// Says why in the words people know, without the number of the operating system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "address not available".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
