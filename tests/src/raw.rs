//! Calls by path with bytes as messages: for tests that go over every RPC of the contract without knowing it.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use prost_reflect::MethodDescriptor;
use seva_runtime::client::Peer;
use tokio::time::timeout;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// How long the first answer of an open stream is waited for; a stream that stays open without one has admitted the caller.
const FIRST_ANSWER: Duration = Duration::from_millis(300);

/// Passes messages as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// The path of a method, such as `/seva.events.v1.ClockService/GetTime`.
pub fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// The methods of the services with these full names.
///
/// # Panics
/// When the contract has no such service.
pub fn methods_of(services: &[&str]) -> Vec<MethodDescriptor> {
    let pool = seva_proto::descriptor_pool();
    let found = services.iter().map(|name| pool.get_service_by_name(name).expect("served, so it is in the contract"));
    found.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Calls a method of any shape with one message; answers the first message that comes back, if any does.
///
/// On the wire a unary call is a stream of one message, so that one way of calling does for all four shapes. Nothing comes back when a
/// stream stays open for a while or ends without a message.
///
/// # Errors
/// The status the call ended with.
pub async fn call(peer: &Peer, method: &MethodDescriptor, message: Bytes) -> Result<Option<Bytes>, Status> {
    let mut client = Grpc::new(peer.clone());
    client.ready().await.map_err(|never| Status::internal(format!("{never:?}")))?;
    let path = path_of(method).parse().map_err(|_| Status::internal("a method's name is no path"))?;
    // A stream of the caller's ends after its message, and with it the answers.
    let messages = Request::new(tokio_stream::once(message));
    let mut answers = client.streaming(messages, path, BytesCodec).await?.into_inner();
    if method.is_server_streaming() {
        return timeout(FIRST_ANSWER, answers.message()).await.unwrap_or(Ok(None));
    }
    answers.message().await
}
