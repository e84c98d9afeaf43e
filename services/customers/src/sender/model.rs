//! Somebody who has written, and the customer that they become when nobody knows them. Pure.

use jiff::Timestamp;
use seva_values::{AvailabilityWindows, Language, Zone};
use uuid::Uuid;

use crate::customer::model::{Address, ContactPoint, Customer, ExternalRef, Tier};

/// Somebody who has written.
#[derive(Clone)]
pub struct Sender {
    pub from: From,
    /// As they call themselves; may be empty.
    pub display_name: String,
    pub language: Option<Language>,
}

/// From where somebody has written.
#[derive(Clone, PartialEq)]
pub enum From {
    /// By mail or phone.
    Address(Address),
    /// With an account of another system.
    Account(ExternalRef),
}

/// What makes two senders the same: kind, system and address.
pub type Key = (&'static str, String, String);

impl From {
    /// The address, or the account's id: personal data.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Address(address) => address.as_str(),
            Self::Account(account) => &account.id,
        }
    }
}

impl Sender {
    /// What makes two senders the same. Upper and lower case of mail addresses do not tell them apart.
    pub fn key(&self) -> Key {
        match &self.from {
            From::Address(address) => (address.kind(), String::new(), address.as_str().to_lowercase()),
            From::Account(account) => ("account", account.system.clone(), account.id.clone()),
        }
    }

    /// A provisional customer with this address and nothing else.
    pub fn provisional(&self, id: Uuid, english: Language, now: Timestamp) -> Customer {
        let (contact_points, external_refs) = match self.from.clone() {
            From::Address(address) => {
                (vec![ContactPoint { address, primary: true, shared: false, verified_at: None }], Vec::new())
            }
            From::Account(account) => (Vec::new(), vec![account]),
        };
        Customer {
            id,
            version: 1,
            given_name: self.display_name.clone(),
            family_name: String::new(),
            languages: vec![self.language.clone().unwrap_or(english)],
            zone: Zone::utc(),
            availability: AvailabilityWindows::always(Zone::utc()),
            contact_points,
            external_refs,
            tier: Tier::Standard,
            provisional: true,
            consents: Vec::new(),
            first_order_at: None,
            order_count: 0,
            created_at: now,
            updated_at: now,
        }
    }
}
