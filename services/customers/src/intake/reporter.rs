//! Customers as reporting systems know them, and what becomes of that: pure rules.

use jiff::Timestamp;
use seva_values::{AvailabilityWindows, Email, Language, Phone, Zone};
use uuid::Uuid;

use crate::customer::model::{Address, ContactPoint, Customer, ExternalRef, Tier};

/// The language of a customer of whom nothing is known.
const DEFAULT_LANGUAGE: &str = "en";

/// A customer as a reporting system knows them. What is not said is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedCustomer {
    /// The customer's id there.
    pub known_as: ExternalRef,
    pub given_name: String,
    pub family_name: String,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub languages: Vec<Language>,
    pub zone: Option<Zone>,
}

impl ReportedCustomer {
    /// Whether anything is said but who it is.
    pub fn says_more(&self) -> bool {
        let Self { known_as: _, given_name, family_name, email, phone, languages, zone } = self;
        !given_name.is_empty()
            || !family_name.is_empty()
            || email.is_some()
            || phone.is_some()
            || !languages.is_empty()
            || zone.is_some()
    }

    /// Its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + use<> {
        let email = self.email.clone().map(Address::Email);
        email.into_iter().chain(self.phone.clone().map(Address::Phone))
    }

    /// A provisional customer made of what is reported; the addresses are added after it was seen whose they are.
    pub fn provisional(&self, id: Uuid, now: Timestamp) -> Customer {
        let zone = self.zone.clone().unwrap_or_else(Zone::utc);
        Customer {
            id,
            version: 1,
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            languages: if self.languages.is_empty() { default_languages() } else { self.languages.clone() },
            availability: AvailabilityWindows::always(zone.clone()),
            zone,
            contact_points: Vec::new(),
            external_refs: vec![self.known_as.clone()],
            tier: Tier::Standard,
            provisional: true,
            consents: Vec::new(),
            first_order_at: None,
            order_count: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Fills what a provisional customer lacks, addresses apart, and answers the names of the filled fields. A customer whom a person
    /// entered or confirmed stays as they are (CU19).
    pub fn fill(&self, customer: &mut Customer) -> Vec<&'static str> {
        let mut filled = Vec::new();
        if !customer.provisional {
            return filled;
        }
        for (field, said, name) in [
            (&mut customer.given_name, &self.given_name, "given_name"),
            (&mut customer.family_name, &self.family_name, "family_name"),
        ] {
            if field.is_empty() && !said.is_empty() {
                field.clone_from(said);
                filled.push(name);
            }
        }
        // A provisional customer always has languages and a zone; those that nobody said are as good as none.
        if customer.languages == default_languages()
            && !self.languages.is_empty()
            && self.languages != customer.languages
        {
            customer.languages.clone_from(&self.languages);
            filled.push("languages");
        }
        if let Some(zone) = self.zone.as_ref().filter(|zone| customer.zone == Zone::utc() && **zone != customer.zone) {
            customer.zone = zone.clone();
            filled.push("zone");
            if customer.availability.is_always() {
                customer.availability = AvailabilityWindows::always(zone.clone());
                filled.push("availability");
            }
        }
        filled
    }
}

/// What is known of who else has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Nobody,
    /// Others who said that they share it.
    Sharers,
    /// Somebody who does not share it: it is never taken from them (CU18).
    Another,
}

/// The contact point that a provisional customer gets for a reported address: none when it has one of that kind, or when it is another's.
pub fn contact_point(customer: &Customer, address: Address, holder: Holder) -> Option<ContactPoint> {
    if !customer.provisional || customer.address(address.kind()).is_some() || holder == Holder::Another {
        return None;
    }
    Some(ContactPoint { address, primary: true, shared: holder == Holder::Sharers, verified_at: None })
}

fn default_languages() -> Vec<Language> {
    vec![Language::parse(DEFAULT_LANGUAGE).expect("en is a language")]
}
