//! Channels to other services.

use std::time::Duration;

use tonic::{
    Request, Status,
    metadata::{KeyAndValueRef, MetadataMap},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::{
    CONNECTION_WINDOW_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW_BYTES, tls::ClientTls,
};
use crate::trace_context::InjectTraceContext;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A channel whose calls carry the current trace context.
pub type TracedChannel = InterceptedService<Channel, CallMetadata>;

/// What every call of a channel says beside its request: the current trace
/// context, and what the channel was made with.
#[derive(Debug, Clone)]
pub struct CallMetadata(MetadataMap);

impl Interceptor for CallMetadata {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let mut request = InjectTraceContext.call(request)?;
        for said in self.0.iter() {
            match said {
                KeyAndValueRef::Ascii(key, value) => {
                    request.metadata_mut().insert(key.clone(), value.clone());
                }
                KeyAndValueRef::Binary(key, value) => {
                    request.metadata_mut().insert_bin(key.clone(), value.clone());
                }
            }
        }
        Ok(request)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("'{0}' is not an address such as http://127.0.0.1:7450")]
    Address(String),
    #[error("TLS to {address} cannot be set up")]
    Tls {
        address: String,
        #[source]
        source: tonic::transport::Error,
    },
}

/// Makes a channel that connects when it is first used, and again after a break.
pub fn channel(address: &str, tls: Option<&ClientTls>) -> Result<Channel, ChannelError> {
    let mut endpoint = Endpoint::from_shared(address.to_owned())
        .ok()
        .filter(|endpoint| matches!(endpoint.uri().scheme_str(), Some("http" | "https")))
        .ok_or_else(|| ChannelError::Address(address.to_owned()))?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    if let Some(tls) = tls {
        endpoint = endpoint
            .tls_config(tls.clone().into_config())
            .map_err(|source| ChannelError::Tls {
                address: address.to_owned(),
                source,
            })?;
    }
    Ok(endpoint.connect_lazy())
}

/// Lets every call of the channel carry the current trace context.
pub fn traced(channel: Channel) -> TracedChannel {
    traced_with(channel, MetadataMap::new())
}

/// As [`traced`]; every call carries the metadata too.
pub fn traced_with(channel: Channel, metadata: MetadataMap) -> TracedChannel {
    InterceptedService::new(channel, CallMetadata(metadata))
}
