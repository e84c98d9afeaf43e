//! What is known of a customer without asking: language, hours, consent, and whether there is an address.

use serde::{Deserialize, Serialize};
use seva_proto::{
    common::v1::{Channel, Purpose as PurposeMessage},
    customers::v1::{CustomerEvent, customer::Tier},
};
use seva_values::{AvailabilityWindows, Invalid, Language, Zone, parse_name};
use uuid::Uuid;

/// A customer as far as decisions about messages need to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    /// The customer's id.
    pub customer: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// In order of preference.
    pub languages: Vec<Language>,
    /// When the customer may be interrupted.
    pub availability: AvailabilityWindows,
    /// Whether there is a mail address.
    pub has_email: bool,
    /// Whether there is a phone number.
    pub has_phone: bool,
    /// `standard`, `loyal` or `vip`.
    pub tier: String,
    /// The newest word per purpose and channel.
    pub consents: Vec<Consent>,
}

/// What messages are for, as far as consent to them is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// About the customer's own order or invoice: needs no consent.
    Service,
    /// Questions about how it went.
    Survey,
    /// Offers: need consent.
    Marketing,
}

/// A customer's word on messages of a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// What the messages are for.
    pub purpose: Purpose,
    /// The one channel that it is about, by its number in the contract; 0: all of them.
    pub channel: i32,
    /// Agreed or refused.
    pub granted: bool,
}

impl Recipient {
    /// Whether mail of this purpose may be sent: the word on mail goes before the word on all channels, and without a word offers may
    /// not be sent. The customers service decides again when the address is asked for.
    #[must_use]
    pub fn consents_to_mail(&self, purpose: Purpose) -> bool {
        let word = |channel: Channel| {
            let of_purpose = |consent: &&Consent| consent.purpose == purpose && consent.channel == i32::from(channel);
            self.consents.iter().find(of_purpose).map(|consent| consent.granted)
        };
        match purpose {
            Purpose::Service => true,
            Purpose::Survey => word(Channel::Email).or_else(|| word(Channel::Unspecified)).unwrap_or(true),
            Purpose::Marketing => word(Channel::Email).or_else(|| word(Channel::Unspecified)).unwrap_or(false),
        }
    }
}

impl Recipient {
    /// What an event with this sequence says.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: CustomerEvent) -> Result<Self, Invalid> {
        let tier = match event.tier() {
            Tier::Unspecified | Tier::Standard => "standard",
            Tier::Loyal => "loyal",
            Tier::Vip => "vip",
        };
        let availability = match event.availability {
            Some(windows) => AvailabilityWindows::try_from(windows)
                .map_err(|faults| faults.into_iter().next().map_or_else(malformed, |(_, invalid)| invalid))?,
            None => AvailabilityWindows::always(Zone::parse(&event.zone)?),
        };
        let consents = event.consents.into_iter().filter_map(|consent| {
            let purpose = match consent.purpose() {
                PurposeMessage::Unspecified => return None,
                PurposeMessage::Service => Purpose::Service,
                PurposeMessage::Survey => Purpose::Survey,
                PurposeMessage::Marketing => Purpose::Marketing,
            };
            Some(Consent { purpose, channel: consent.channel, granted: consent.granted })
        });
        Ok(Self {
            customer: parse_name("customers", &event.customer)?,
            sequence,
            languages: event.languages.iter().map(|tag| Language::parse(tag)).collect::<Result<_, _>>()?,
            availability,
            has_email: event.has_email,
            has_phone: event.has_phone,
            tier: tier.to_owned(),
            consents: consents.collect(),
        })
    }
}

fn malformed() -> Invalid {
    Invalid::new("AVAILABILITY_MALFORMED", "availability windows that cannot be read")
}
