//! Whether a customer may be and can be reached: a pure function of the customer and the message.

use uuid::Uuid;

use crate::customer::model::{Address, ConsentChannel, Customer, Purpose};

/// A message that is about to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    pub customer: Uuid,
    /// Never [`ConsentChannel::All`]: a message goes on one channel.
    pub channel: ConsentChannel,
    pub purpose: Purpose,
}

/// Whether to send.
#[derive(Debug, PartialEq)]
pub enum Outcome<'c> {
    /// Send it there.
    Reachable(&'c Customer, &'c Address),
    /// There is no such customer.
    Unknown,
    /// The customer has no contact point for this channel.
    NoContactPoint,
    /// The customer has not agreed, or has refused.
    NoConsent,
}

impl Item {
    /// Decides. What the customer agreed to comes first: of one who does not want a message nothing more is told (CU3).
    pub fn decide<'c>(&self, customer: Option<&'c Customer>) -> Outcome<'c> {
        let Some(customer) = customer else { return Outcome::Unknown };
        if !customer.consents_to(self.purpose, self.channel) {
            return Outcome::NoConsent;
        }
        match kind_of(self.channel).and_then(|kind| customer.address(kind)) {
            Some(address) => Outcome::Reachable(customer, address),
            None => Outcome::NoContactPoint,
        }
    }
}

/// The kind of contact point that a channel needs; nothing is known yet of devices that take push messages.
fn kind_of(channel: ConsentChannel) -> Option<&'static str> {
    match channel {
        ConsentChannel::Email => Some("email"),
        ConsentChannel::Phone | ConsentChannel::Sms => Some("phone"),
        ConsentChannel::Push | ConsentChannel::All => None,
    }
}
