//! Whether a customer may be and can be reached.

use seva_values::{Email, Language, Phone, Zone, new_id};

use super::model::{Item, Outcome};
use crate::customer::model::{Address, Consent, ConsentChannel, ContactPoint, Customer, NewCustomer, Purpose, Tier};

const CHANNELS: [ConsentChannel; 4] =
    [ConsentChannel::Email, ConsentChannel::Phone, ConsentChannel::Sms, ConsentChannel::Push];

fn customer(addresses: Vec<Address>) -> Customer {
    let new = NewCustomer {
        given_name: "Asha".to_owned(),
        family_name: "Rao".to_owned(),
        languages: vec![Language::parse("hi").unwrap()],
        zone: Zone::utc(),
        availability: None,
        contact_points: addresses
            .into_iter()
            .map(|address| ContactPoint { address, primary: false, shared: false, verified_at: None })
            .collect(),
        external_refs: Vec::new(),
        tier: Tier::Standard,
    };
    Customer::create(new_id(), new, "2026-03-02T09:00:00Z".parse().unwrap())
}

#[test]
fn each_channel_takes_the_address_of_its_kind() {
    let email = Address::Email(Email::parse("a@example.com").unwrap());
    let phone = Address::Phone(Phone::parse("+919876543210").unwrap());
    let customer = customer(vec![phone.clone(), email.clone()]);

    for (channel, expected) in CHANNELS.into_iter().zip([Some(&email), Some(&phone), Some(&phone), None]) {
        let item = Item { customer: customer.id, channel, purpose: Purpose::Service };
        let expected = expected.map_or(Outcome::NoContactPoint, |address| Outcome::Reachable(&customer, address));
        assert_eq!(item.decide(Some(&customer)), expected, "{channel:?}");
        assert_eq!(item.decide(None), Outcome::Unknown);
    }
}

#[test]
fn who_does_not_want_a_message_is_not_looked_at_further() {
    let refused = |purpose| Consent {
        purpose,
        channel: ConsentChannel::All,
        granted: false,
        evidence: "phone".to_owned(),
        captured_at: "2026-03-02T09:00:00Z".parse().unwrap(),
    };
    let silent =
        customer(Vec::new()).record_consent(refused(Purpose::Survey)).record_consent(refused(Purpose::Service));

    for channel in CHANNELS {
        let outcome = |purpose| Item { customer: silent.id, channel, purpose }.decide(Some(&silent));
        assert_eq!(outcome(Purpose::Survey), Outcome::NoConsent);
        assert_eq!(outcome(Purpose::Marketing), Outcome::NoConsent);
        // Messages about the customer's own order need no consent.
        assert_eq!(outcome(Purpose::Service), Outcome::NoContactPoint);
    }
}
