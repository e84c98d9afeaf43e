//! The links of this service: to a customer's wishes, and to the end of one category (RFC 8058).
//!
//! They prove whose wishes they reach, and nothing else; there is no row behind them (NO11).

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{
    Error,
    auth::{LinkSigner, links::Link},
};
use tonic::Code;
use uuid::Uuid;

use super::Page;

/// How long a link to a customer's wishes leads there.
pub const PREFERENCES_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The end of links that do not end: a mail is kept for years, and its sender has to be stopped by it.
const NEVER: Timestamp = Timestamp::MAX;
/// All are of one generation: there is nothing to take back.
const GENERATION: u32 = 0;

/// Makes the links of this service, and knows them again.
#[derive(Debug, Clone)]
pub struct OwnLinks {
    signer: LinkSigner,
}

/// What an unsubscribe link ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Whose.
    pub customer: Uuid,
    /// The key of the category.
    pub category: String,
}

impl OwnLinks {
    /// Links signed by `signer`.
    #[must_use]
    pub const fn new(signer: LinkSigner) -> Self {
        Self { signer }
    }

    /// The token of a link to a customer's wishes, and when it ends.
    #[must_use]
    pub fn to_preferences(&self, customer: Uuid, now: Timestamp) -> (String, Timestamp) {
        let expires_at = now.checked_add(PREFERENCES_LIFETIME).unwrap_or(NEVER);
        let link = Link { subject: customer.to_string(), generation: GENERATION, expires_at };
        (self.signer.sign(Page::Preferences.word(), &link), expires_at)
    }

    /// The token of a link that ends a category for a customer; it does not end.
    #[must_use]
    pub fn to_unsubscribe(&self, subscription: &Subscription) -> String {
        let Subscription { customer, category } = subscription;
        let link = Link { subject: format!("{customer}:{category}"), generation: GENERATION, expires_at: NEVER };
        self.signer.sign(Page::Unsubscribe.word(), &link)
    }

    /// Whose wishes a token reaches.
    ///
    /// # Errors
    /// `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`.
    pub fn preferences_of(&self, token: &str, now: Timestamp) -> Result<Uuid, Error> {
        let link = self.signer.verify(token, Page::Preferences.word(), now)?;
        Uuid::try_parse(&link.subject).map_err(|_| invalid())
    }

    /// What a token ends.
    ///
    /// # Errors
    /// `CREDENTIAL_INVALID`.
    pub fn subscription_of(&self, token: &str, now: Timestamp) -> Result<Subscription, Error> {
        let link = self.signer.verify(token, Page::Unsubscribe.word(), now)?;
        let (customer, category) = link.subject.split_once(':').ok_or_else(invalid)?;
        let customer = Uuid::try_parse(customer).map_err(|_| invalid())?;
        Ok(Subscription { customer, category: category.to_owned() })
    }
}

/// A link that leads nowhere, without saying why.
pub fn invalid() -> Error {
    Error::new(Code::Unauthenticated, ErrorReason::CredentialInvalid, "the link is not valid")
}
