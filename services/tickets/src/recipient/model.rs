//! What is known of a customer without asking: language, tier, zone, how they can be reached, and whether a person has confirmed them.

use seva_proto::customers::v1::{CustomerEvent, SendingCustomer, customer::Tier as TierMessage};
use seva_values::{AvailabilityWindows, Invalid, Language, Zone, parse_name};
use uuid::Uuid;

use crate::stored::{first, stored_names};

/// The language of customers who have named none, and of last resort.
pub const ENGLISH: &str = "en";

/// A customer as far as tickets need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The customer's id.
    pub customer: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// The one that the customer prefers; English where none is known.
    pub language: Language,
    /// How far the company's relation to the customer goes.
    pub tier: Tier,
    /// The customer's time zone.
    pub zone: Zone,
    /// Made from an event and not yet confirmed by a person.
    pub provisional: bool,
    /// When the customer wants to be interrupted; `None`: at any time.
    pub availability: Option<AvailabilityWindows>,
    /// Whether there is a mail address.
    pub has_email: bool,
    /// Whether there is a phone number.
    pub has_phone: bool,
}

/// How far the company's relation to a customer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The usual one.
    Standard,
    /// Loyal customers.
    Loyal,
    /// Customers of special importance.
    Vip,
}

stored_names!(Tier, "tier" { Standard = "standard", Loyal = "loyal", Vip = "vip" });

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
            tier: event.tier().into(),
            zone: Zone::parse(&event.zone)?,
            provisional: event.provisional,
            availability: match event.availability.clone() {
                Some(hours) if !(hours.intervals.is_empty() && hours.exceptions.is_empty()) => {
                    Some(AvailabilityWindows::try_from(hours).map_err(first)?)
                }
                _ => None,
            },
            has_email: event.has_email,
            has_phone: event.has_phone,
        })
    }

    /// What the customers service answers about a sender; whatever is heard overwrites it.
    ///
    /// # Errors
    /// An answer that does not hold what the contract says.
    pub fn answered(customer: &SendingCustomer) -> Result<Self, Invalid> {
        Ok(Self {
            customer: parse_name("customers", &customer.customer)?,
            sequence: 0,
            language: Language::parse(customer.languages.first().map_or(ENGLISH, String::as_str))?,
            tier: customer.tier().into(),
            zone: Zone::parse(&customer.zone)?,
            provisional: customer.provisional,
            availability: None,
            has_email: true,
            has_phone: false,
        })
    }
}

impl From<TierMessage> for Tier {
    fn from(tier: TierMessage) -> Self {
        match tier {
            TierMessage::Unspecified | TierMessage::Standard => Self::Standard,
            TierMessage::Loyal => Self::Loyal,
            TierMessage::Vip => Self::Vip,
        }
    }
}
