//! What is known without asking: a customer's language, address and word on surveys; whether a ticket is open.

use jiff::Timestamp;
use seva_proto::{
    common::v1::{Channel, Purpose},
    customers::v1::{Consent, CustomerEvent},
    tickets::v1::{TicketEvent, ticket::State},
};
use seva_values::{Invalid, Language, parse_name};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// The language of customers who have named none, and of last resort.
pub const ENGLISH: &str = "en";

/// A customer as far as decisions need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The customer's id.
    pub customer: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// The one that the customer prefers; English where none is known.
    pub language: Language,
    /// Whether there is a mail address.
    pub has_email: bool,
    /// Names where mail goes, the same for all who share it; `None`: not known.
    pub mailbox: Option<Uuid>,
    /// Whether mail with questions was not refused.
    pub can_be_asked: bool,
}

/// A ticket as far as decisions need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownTicket {
    /// The ticket's id.
    pub ticket: Uuid,
    /// Whose it is.
    pub customer: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// Neither closed nor canceled.
    pub is_open: bool,
    /// When customer and staff last heard of each other about it, as far as this was heard.
    pub contacted_at: Option<Timestamp>,
}

impl Recipient {
    /// What an event with this sequence says.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: &CustomerEvent) -> Result<Self, Invalid> {
        Ok(Self {
            customer: parse_name("customers", &event.customer)?,
            sequence,
            language: Language::parse(event.languages.first().map_or(ENGLISH, String::as_str))?,
            has_email: event.has_email,
            mailbox: mailbox(&event.mailbox)?,
            can_be_asked: can_be_asked(&event.consents),
        })
    }
}

fn mailbox(name: &str) -> Result<Option<Uuid>, Invalid> {
    if name.is_empty() { Ok(None) } else { parse_name("mailboxes", name).map(Some) }
}

/// The word on mail goes before the word on all channels; without a word, questions may be sent. The customers service decides again when
/// the address is asked for.
fn can_be_asked(consents: &[Consent]) -> bool {
    let word = |channel: Channel| {
        let about = |consent: &&Consent| consent.purpose() == Purpose::Survey && consent.channel() == channel;
        consents.iter().find(about).map(|consent| consent.granted)
    };
    word(Channel::Email).or_else(|| word(Channel::Unspecified)).unwrap_or(true)
}

impl KnownTicket {
    /// What an event with this sequence says; `contacted_at` when it was contact between customer and staff.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: &TicketEvent, contacted_at: Option<Timestamp>) -> Result<Self, Invalid> {
        Ok(Self {
            ticket: parse_name("tickets", &event.ticket)?,
            customer: parse_name("customers", &event.customer)?,
            sequence,
            is_open: !matches!(event.state(), State::Closed | State::Canceled | State::Merged),
            contacted_at,
        })
    }
}
