//! Where a request came from.

use std::net::IpAddr;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;

use crate::wire::{CuttableListener, Wire};

/// The connection of a request: whose it is, and how to cut it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub peer: IpAddr,
    pub wire: Wire,
}

impl Connected<IncomingStream<'_, CuttableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        Self {
            peer: stream.remote_addr().ip(),
            wire: Wire::connect_info(stream),
        }
    }
}
