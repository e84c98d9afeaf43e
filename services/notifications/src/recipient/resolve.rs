//! Names and addresses: asked for in one call per batch at the moment of sending, and never kept.

use async_trait::async_trait;
use seva_proto::{
    common::v1::{Channel, ErrorReason, Purpose as PurposeMessage},
    customers::v1::{
        Recipient as Answer, ResolveRecipientsRequest, recipient::Outcome as Told,
        recipient_service_client::RecipientServiceClient, resolve_recipients_request::Item,
    },
};
use seva_runtime::Error;
use seva_values::{Email, Language, Zone, format_name};
use tonic::{body::Body, client::GrpcService};
use uuid::Uuid;

use super::model::Purpose;

/// Whom to reach, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The customer's id.
    pub customer: Uuid,
    /// What the message is for.
    pub purpose: Purpose,
}

/// Where to send, or why not to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Send there.
    Reachable(Address),
    /// No such customer.
    Unknown,
    /// No mail address.
    NoContactPoint,
    /// The customer has not agreed, or has refused.
    NoConsent,
}

/// Who gets a message. Personal data: it is not stored and its debug output shows nothing.
#[derive(Clone, PartialEq)]
pub struct Address {
    /// Where to.
    pub email: Email,
    /// How to address them; may be empty.
    pub name: String,
    /// In order of preference.
    pub languages: Vec<Language>,
    /// In which the days of moments are told.
    pub zone: Zone,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(redacted)")
    }
}

/// Who knows names and addresses.
#[async_trait]
pub trait Recipients: Send + Sync + 'static {
    /// Answers for each in its place, as consent stands now; at most 200.
    ///
    /// # Errors
    /// When it cannot be asked; then nothing is known of any of them.
    async fn resolve(&self, wanted: &[Wanted]) -> Result<Vec<Outcome>, Error>;
}

/// The customers service over gRPC, or its server in the same process.
#[async_trait]
impl<T> Recipients for RecipientServiceClient<T>
where
    T: GrpcService<Body> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
    T::ResponseBody: http_body::Body<Data = prost::bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    async fn resolve(&self, wanted: &[Wanted]) -> Result<Vec<Outcome>, Error> {
        let items = wanted.iter().map(|wanted| Item {
            customer: format_name("customers", wanted.customer),
            channel: Channel::Email.into(),
            purpose: purpose_message(wanted.purpose).into(),
        });
        let request = ResolveRecipientsRequest { items: items.collect() };
        let answer = self.clone().resolve_recipients(request).await.map_err(|status| unavailable(&status))?;
        let recipients = answer.into_inner().recipients;
        if recipients.len() != wanted.len() {
            return Err(Error::internal("the customers service answered for another number of recipients"));
        }
        Ok(recipients.into_iter().map(Outcome::from).collect())
    }
}

const fn purpose_message(purpose: Purpose) -> PurposeMessage {
    match purpose {
        Purpose::Service => PurposeMessage::Service,
        Purpose::Survey => PurposeMessage::Survey,
        Purpose::Marketing => PurposeMessage::Marketing,
    }
}

fn unavailable(status: &tonic::Status) -> Error {
    let message = format!("recipients cannot be asked for: {}", status.code());
    Error::unavailable(ErrorReason::ServiceUnavailable, message, std::time::Duration::from_secs(1))
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer.outcome() {
            Told::Unspecified | Told::Unknown => Self::Unknown,
            Told::NoContactPoint => Self::NoContactPoint,
            Told::NoConsent => Self::NoConsent,
            // An address that no mail can be sent to is as good as none.
            Told::Reachable => match Email::parse(&answer.address) {
                Ok(email) => Self::Reachable(Address {
                    email,
                    name: answer.given_name,
                    zone: Zone::parse(&answer.zone).unwrap_or_else(|_| Zone::utc()),
                    languages: answer.languages.iter().filter_map(|tag| Language::parse(tag).ok()).collect(),
                }),
                Err(_) => Self::NoContactPoint,
            },
        }
    }
}
