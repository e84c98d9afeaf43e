//! Reading events and judging what is reported of customers: without a database.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use prost::Message;
use seva_proto::{
    common::v1 as values,
    customers::v1 as pb,
    io::cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
};
use seva_runtime::auth::{Principal, PrincipalKind};
use seva_store::event::proto_timestamp;
use seva_values::{Email, Language, Zone, new_id};

use super::{
    envelope::Canonical,
    parse::{About, received},
    reporter::{Holder, ReportedCustomer, contact_point},
};
use crate::customer::model::{Address, ExternalRef};

const SOURCE: &str = "//shop.example";

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn shop() -> Principal {
    Principal {
        subject: "key:1".to_owned(),
        kind: PrincipalKind::ApiKey,
        roles: Arc::default(),
        scopes: Arc::new(BTreeSet::from(["events.publish".to_owned()])),
        sources: vec![SOURCE.to_owned()],
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    }
}

fn attribute(attr: Attr) -> CloudEventAttributeValue {
    CloudEventAttributeValue { attr: Some(attr) }
}

fn event(data: Data) -> CloudEvent {
    CloudEvent {
        id: "1".to_owned(),
        source: SOURCE.to_owned(),
        spec_version: "1.0".to_owned(),
        r#type: "order.placed.v1".to_owned(),
        attributes: [
            ("time".to_owned(), attribute(Attr::CeTimestamp(proto_timestamp(now())))),
            ("sequence".to_owned(), attribute(Attr::CeInteger(7))),
        ]
        .into(),
        data: Some(data),
    }
}

fn proto_data() -> Data {
    let placed = pb::OrderPlaced {
        order_number: "A-1029".to_owned(),
        customer: Some(pb::ReportedCustomer {
            id: "17".to_owned(),
            given_name: "আশা".to_owned(),
            languages: vec!["bn".to_owned()],
            ..pb::ReportedCustomer::default()
        }),
        total: Some(values::Money { minor_units: 129_900, currency: "INR".to_owned() }),
        promised_date: Some(values::PromisedDate { date: "2026-03-05".to_owned(), zone: "Asia/Kolkata".to_owned() }),
        items: vec![pb::OrderItem { item: "SHIRT-RED".to_owned(), quantity: 2 }],
    };
    Data::ProtoData(prost_types::Any {
        type_url: "type.googleapis.com/seva.customers.v1.OrderPlaced".to_owned(),
        value: placed.encode_to_vec(),
    })
}

const JSON: &str = r#"{
    "orderNumber": "A-1029",
    "customer": {"id": "17", "given_name": "আশা", "languages": ["bn"]},
    "total": {"minorUnits": "129900", "currency": "INR"},
    "promisedDate": {"date": "2026-03-05", "zone": "Asia/Kolkata"},
    "items": [{"item": "SHIRT-RED", "quantity": "2"}]
}"#;

#[test]
fn json_as_text_or_bytes_and_proto_data_say_the_same() {
    let from_proto = received(event(proto_data()), &shop(), now()).read.unwrap();
    let from_text = received(event(Data::TextData(JSON.to_owned())), &shop(), now()).read.unwrap();
    let mut binary = event(Data::BinaryData(JSON.as_bytes().to_vec().into()));
    let kind = Attr::CeString("application/json; charset=utf-8".to_owned());
    binary.attributes.insert("datacontenttype".to_owned(), attribute(kind));
    let from_bytes = received(binary, &shop(), now()).read.unwrap();
    assert_eq!(from_text, from_proto);
    assert_eq!(from_bytes, from_proto);
    let About::Order(report) = from_proto.about else { panic!("it is about an order") };
    assert_eq!((report.sequence, report.at), (7, now()));
}

#[test]
fn times_and_sequences_may_be_texts_and_keep_whole_microseconds() {
    let mut told = event(proto_data());
    let time = Attr::CeString("2026-03-02T14:29:59.123456789+05:30".to_owned());
    told.attributes.insert("time".to_owned(), attribute(time));
    told.attributes.insert("sequence".to_owned(), attribute(Attr::CeString("9007199254740993".to_owned())));
    let About::Order(report) = received(told, &shop(), now()).read.unwrap().about else {
        panic!("it is about an order")
    };
    assert_eq!(report.at, "2026-03-02T08:59:59.123456Z".parse::<Timestamp>().unwrap());
    assert_eq!(report.sequence, 9_007_199_254_740_993);
}

#[test]
fn the_time_may_lie_five_minutes_ahead_and_no_more() {
    for (ahead, reason) in [(300_000, None), (300_001, Some("EVENT_TIME_IN_FUTURE"))] {
        let mut early = event(proto_data());
        let time = now() + SignedDuration::from_millis(ahead);
        early.attributes.insert("time".to_owned(), attribute(Attr::CeTimestamp(proto_timestamp(time))));
        let read = received(early, &shop(), now()).read;
        assert_eq!(read.err().map(|error| error.reason_name()), reason);
    }
}

#[test]
fn only_a_well_formed_trace_context_is_carried_on() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (text, carried) in [(good, Some(good)), ("00-zz", None), ("", None)] {
        let mut traced = event(proto_data());
        traced.attributes.insert("traceparent".to_owned(), attribute(Attr::CeString(text.to_owned())));
        assert_eq!(received(traced, &shop(), now()).traceparent.as_deref(), carried);
    }
}

#[test]
fn the_canonical_bytes_are_the_event_and_tell_every_difference() {
    let one = event(proto_data());
    let canonical = Canonical::of(&one);
    assert_eq!(CloudEvent::decode(canonical.bytes.as_slice()).unwrap(), one);
    let mut other = one;
    other.attributes.insert("sequence".to_owned(), attribute(Attr::CeInteger(8)));
    assert_ne!(Canonical::of(&other).hash, canonical.hash);
}

proptest! {
    /// The same attributes in whatever order they lie in memory give the same hash.
    #[test]
    fn the_hash_does_not_depend_on_the_order_of_attributes(names in proptest::collection::hash_set("[a-z]{1,6}", 1..12)) {
        let mut one = event(proto_data());
        let mut other = event(proto_data());
        let value = |name: &String| attribute(Attr::CeString(name.to_uppercase()));
        one.attributes = names.iter().map(|name| (name.clone(), value(name))).collect();
        let mut backwards: Vec<_> = names.iter().collect();
        backwards.reverse();
        other.attributes = backwards.into_iter().map(|name| (name.clone(), value(name))).collect();
        prop_assert_eq!(Canonical::of(&one).hash, Canonical::of(&other).hash);
    }

    /// Whatever bytes come as data: an event or a reason, never a panic.
    #[test]
    fn any_data_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), as_proto: bool) {
        let data = if as_proto {
            Data::ProtoData(prost_types::Any { type_url: "x/seva.customers.v1.OrderPlaced".to_owned(), value: bytes })
        } else {
            Data::BinaryData(bytes.into())
        };
        let _ = received(event(data), &shop(), now()).read;
    }
}

fn reported() -> ReportedCustomer {
    ReportedCustomer {
        known_as: ExternalRef { system: SOURCE.to_owned(), id: "17".to_owned() },
        given_name: String::new(),
        family_name: String::new(),
        email: None,
        phone: None,
        languages: Vec::new(),
        zone: None,
    }
}

fn full() -> ReportedCustomer {
    ReportedCustomer {
        given_name: "Asha".to_owned(),
        family_name: "Rao".to_owned(),
        languages: vec![Language::parse("hi").unwrap()],
        zone: Some(Zone::parse("Asia/Kolkata").unwrap()),
        ..reported()
    }
}

#[test]
fn a_provisional_customer_is_filled_once_and_then_stays() {
    let mut customer = reported().provisional(new_id(), now());
    assert_eq!((customer.zone.name(), customer.languages[0].as_str()), ("UTC", "en"));
    assert_eq!(full().fill(&mut customer), ["given_name", "family_name", "languages", "zone", "availability"]);
    assert_eq!((customer.given_name.as_str(), customer.zone.name()), ("Asha", "Asia/Kolkata"));
    let other = ReportedCustomer { given_name: "Usha".to_owned(), zone: Some(Zone::utc()), ..full() };
    assert!(other.fill(&mut customer).is_empty(), "what was said first stays");
    assert_eq!(customer.given_name, "Asha");
}

#[test]
fn what_a_person_entered_is_never_overwritten_nor_filled() {
    let mut customer = reported().provisional(new_id(), now());
    customer.provisional = false;
    let before = customer.clone();
    assert!(full().fill(&mut customer).is_empty());
    assert_eq!(customer, before);
    let address = Address::Email(Email::parse("asha@example.com").unwrap());
    assert!(contact_point(&customer, address, Holder::Nobody).is_none());
}

#[test]
fn a_provisional_customer_never_takes_an_address_that_is_not_shared() {
    let customer = reported().provisional(new_id(), now());
    let address = || Address::Email(Email::parse("family@example.com").unwrap());
    assert!(contact_point(&customer, address(), Holder::Another).is_none());
    assert!(contact_point(&customer, address(), Holder::Sharers).is_some_and(|point| point.shared));
    assert!(contact_point(&customer, address(), Holder::Nobody).is_some_and(|point| !point.shared && point.primary));
}
