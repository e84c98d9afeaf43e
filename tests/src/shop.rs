//! The events that a shop pushes, as `CloudEvents` with JSON inside: written here from the contract's words, not with our own mapping.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use seva_proto::{
    customers::v1::{PublishEventsRequest, event_result::Outcome, intake_service_client::IntakeServiceClient},
    io::cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
};
use seva_runtime::client::Peer;
use seva_values::id::new_id;

/// The shop of the tests; `.example` belongs to nobody.
pub const SOURCE: &str = "//shop.example";

/// A customer as the shop knows them.
#[derive(Debug, Clone)]
pub struct Shopper {
    /// The shop's own id of the customer.
    pub id: String,
    /// Given and family name.
    pub name: (String, String),
    /// Mail address.
    pub email: String,
    /// BCP 47.
    pub language: String,
    /// IANA.
    pub zone: String,
}

impl Shopper {
    /// Somebody new who reads `language`.
    pub fn new(language: &str) -> Self {
        let (given, family, zone) = match language {
            "hi" => ("आशा", "शर्मा", "Asia/Kolkata"),
            "bn" => ("রিনা", "সেন", "Asia/Dhaka"),
            "ur" => ("سارہ", "احمد", "Asia/Karachi"),
            _ => ("Alice", "Baker", "Europe/London"),
        };
        let id = new_id();
        Self {
            id: format!("shopper-{id}"),
            name: (given.to_owned(), family.to_owned()),
            email: format!("{language}-{}@example.com", id.simple()),
            language: language.to_owned(),
            zone: zone.to_owned(),
        }
    }

    fn to_json(&self) -> Value {
        let (given_name, family_name) = &self.name;
        json!({
            "id": self.id, "given_name": given_name, "family_name": family_name, "email": self.email,
            "languages": [self.language], "zone": self.zone,
        })
    }
}

/// An order at the shop, and what is pushed about it.
#[derive(Debug, Clone)]
pub struct ShopOrder {
    /// Its number, which the customer knows.
    pub number: String,
    /// Whose it is.
    pub shopper: Shopper,
    sequence: i64,
}

impl ShopOrder {
    /// A new order.
    pub fn new(shopper: &Shopper) -> Self {
        let digits = new_id().simple().to_string().to_uppercase();
        Self { number: format!("T-{}", &digits[20..]), shopper: shopper.clone(), sequence: 0 }
    }

    /// What happened next, such as `placed`, with further data; it became true at `at`.
    ///
    /// # Panics
    /// When `further` is no JSON object.
    pub fn next(&mut self, step: &str, at: Timestamp, further: Value) -> CloudEvent {
        self.sequence += 1;
        let mut data = json!({ "order_number": self.number, "customer": self.shopper.to_json() });
        let further = further.as_object().expect("further data is an object").clone();
        data.as_object_mut().expect("it was made as one").extend(further);
        CloudEvent {
            id: format!("{}:{}", self.number, self.sequence),
            source: SOURCE.to_owned(),
            spec_version: "1.0".to_owned(),
            r#type: format!("order.{step}.v1"),
            attributes: HashMap::from([
                attribute("time", Attr::CeString(at.to_string())),
                attribute("sequence", Attr::CeString(self.sequence.to_string())),
                attribute("datacontenttype", Attr::CeString("application/json".to_owned())),
            ]),
            data: Some(Data::TextData(data.to_string())),
        }
    }

    /// That it was placed, with a day promised.
    pub fn placed(&mut self, at: Timestamp, promised: Option<(&str, &str)>) -> CloudEvent {
        let mut further = json!({ "total": { "minor_units": 129_900, "currency": "INR" } });
        if let Some((date, zone)) = promised {
            further["promised_date"] = json!({ "date": date, "zone": zone });
        }
        self.next("placed", at, further)
    }

    /// That it was handed to a carrier.
    pub fn handed_to_carrier(&mut self, at: Timestamp) -> CloudEvent {
        let further = json!({
            "carrier": "Fast Wheels", "tracking_number": "FW123456789",
            "tracking_link": "https://carrier.example/track/FW123456789",
        });
        self.next("handed_to_carrier", at, further)
    }

    /// That it has arrived.
    pub fn delivered(&mut self, at: Timestamp) -> CloudEvent {
        self.next("delivered", at, json!({}))
    }
}

fn attribute(name: &str, value: Attr) -> (String, CloudEventAttributeValue) {
    (name.to_owned(), CloudEventAttributeValue { attr: Some(value) })
}

/// The event with a trace context of its own.
pub fn traced(mut event: CloudEvent, traceparent: &str) -> CloudEvent {
    let (name, value) = attribute("traceparent", Attr::CeString(traceparent.to_owned()));
    event.attributes.insert(name, value);
    event
}

/// Pushes events and expects every one to be accepted.
///
/// # Panics
/// When one is not.
pub async fn push(pusher: &Peer, events: Vec<CloudEvent>) {
    let mut intake = IntakeServiceClient::new(pusher.clone());
    let results = intake.publish_events(PublishEventsRequest { events }).await.expect("the shop may push").into_inner();
    for result in results.results {
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    }
}
