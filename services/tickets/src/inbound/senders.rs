//! Whose address a message comes from: asked in one call per batch, before anything is written.

use async_trait::async_trait;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        ExternalRef, ResolveSendersRequest, ResolveSendersResponse, ResolvedSender, Sender, sender::From as AskedFrom,
        sender_service_client::SenderServiceClient,
    },
};
use seva_runtime::Error;
use tonic::{Code, Status, body::Body, client::GrpcService};

use super::model::{From, Incoming};
use crate::{recipient::Recipient, stored::malformed};

/// Who knows whose address something is.
#[async_trait]
pub trait Senders: Send + Sync + 'static {
    /// The customers of each sender in its place, the longest known first; at most 200. Somebody who is unknown becomes a customer.
    ///
    /// # Errors
    /// When it cannot be asked; then nothing is known of any of them. One that is not transient is about what was asked.
    async fn resolve(&self, request: ResolveSendersRequest) -> Result<ResolveSendersResponse, Error>;
}

/// The customers service over gRPC.
#[async_trait]
impl<T> Senders for SenderServiceClient<T>
where
    T: GrpcService<Body> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
    T::ResponseBody: http_body::Body<Data = prost::bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    async fn resolve(&self, request: ResolveSendersRequest) -> Result<ResolveSendersResponse, Error> {
        let answer = self.clone().resolve_senders(request).await;
        Ok(answer.map_err(|status| refusal(&status))?.into_inner())
    }
}

/// A refusal of what was asked stays one; everything else may pass.
fn refusal(status: &Status) -> Error {
    let message = format!("senders cannot be asked for: {}", status.code());
    match status.code() {
        Code::InvalidArgument => Error::invalid(ErrorReason::FieldsInvalid, message),
        Code::Aborted => Error::aborted(ErrorReason::WriteConflict, message),
        _ => Error::unavailable(ErrorReason::ServiceUnavailable, message, std::time::Duration::from_secs(1)),
    }
}

/// The customers of each message's sender, in its place.
pub(super) async fn of_messages(senders: &dyn Senders, messages: &[&Incoming]) -> Result<Vec<Vec<Recipient>>, Error> {
    let request = ResolveSendersRequest { senders: messages.iter().map(|message| asked(message)).collect() };
    let answered = senders.resolve(request).await?.senders;
    if answered.len() != messages.len() {
        return Err(Error::internal("the customers service answered for another number of senders"));
    }
    answered.iter().map(recipients).collect()
}

fn asked(message: &Incoming) -> Sender {
    let from = match message.sender.from.clone() {
        From::Email(email) => AskedFrom::Email(email.as_str().to_owned()),
        From::Phone(phone) => AskedFrom::Phone(phone.as_str().to_owned()),
        From::Handle(id) => AskedFrom::Account(ExternalRef { system: message.source.clone(), id }),
    };
    Sender {
        from: Some(from),
        display_name: message.sender.display_name.clone(),
        language: message.language.as_ref().map(|language| language.as_str().to_owned()).unwrap_or_default(),
    }
}

fn recipients(sender: &ResolvedSender) -> Result<Vec<Recipient>, Error> {
    let known = sender.customers.iter().map(|customer| Recipient::answered(customer).map_err(malformed));
    Ok(known.collect::<Result<_, _>>()?)
}
