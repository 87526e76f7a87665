//! Calls of gRPC services in this process, by messages that are only known by
//! their descriptors.

use http::uri::PathAndQuery;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    service::Routes,
};

/// Makes one call. The service is awaited right here: no connection, no other
/// task, and dropping the future drops the call.
pub(crate) async fn unary(
    routes: Routes,
    path: PathAndQuery,
    metadata: http::HeaderMap,
    message: DynamicMessage,
    answer: MessageDescriptor,
) -> Result<DynamicMessage, Status> {
    // It is in memory already.
    let mut client = Grpc::new(routes).max_decoding_message_size(usize::MAX);
    client
        .ready()
        .await
        .map_err(|_| Status::unavailable("the service takes no calls"))?;
    let mut request = Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(metadata);
    let answered = client
        .unary(request, path, DynamicCodec { decoded: answer })
        .await?;
    Ok(answered.into_inner())
}

pub(crate) struct DynamicCodec {
    pub(crate) decoded: MessageDescriptor,
}

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicEncoder;
    type Decoder = DynamicDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        DynamicEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        DynamicDecoder {
            message: self.decoded.clone(),
        }
    }
}

pub(crate) struct DynamicEncoder;

impl Encoder for DynamicEncoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message
            .encode(buffer)
            .map_err(|error| Status::internal(format!("the request cannot be encoded: {error}")))
    }
}

pub(crate) struct DynamicDecoder {
    message: MessageDescriptor,
}

impl Decoder for DynamicDecoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        DynamicMessage::decode(self.message.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(format!("the answer cannot be decoded: {error}")))
    }
}
