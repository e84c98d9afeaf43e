//! What a shop reports of an order, as a `CloudEvent` that the intake takes.

use std::collections::HashMap;

use jiff::Timestamp;
use prost::Message;
use prost_types::Any;
use seva_proto::{
    common::v1::PromisedDate as PromisedDateMessage,
    customers::v1::{self as pb, order::State},
    io::cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
};
use seva_values::PromisedDate;

use crate::replay::people::Person;

#[cfg(test)]
mod tests;

/// The shop in whose name the replay and the demonstration push; `.example` is reserved and belongs to nobody.
pub const SOURCE: &str = "//shop.example";

/// What is said of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It was taken, with the day that was promised, if any was.
    Placed(Option<PromisedDate>),
    /// The seller has accepted it.
    Confirmed,
    /// It is being made or packed.
    InManufacture,
    /// The carrier has it.
    HandedToCarrier(Shipment),
    /// It was seen on its way, such as at a depot.
    InTransit(&'static str),
    /// Another day is promised, and why.
    Delayed(PromisedDate, &'static str),
    /// The driver has it.
    OutForDelivery,
    /// It has arrived.
    Delivered,
    /// It was called off, and why, as far as that is said.
    Canceled(&'static str),
    /// It cannot be supplied, and why, as far as that is said.
    Unavailable(&'static str),
}

/// How it goes to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Who carries it.
    pub carrier: &'static str,
    /// Its number at the carrier.
    pub tracking_number: String,
    /// Where the carrier shows its way.
    pub tracking_link: String,
}

impl Report {
    /// The `CloudEvent` type.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Placed(_) => "order.placed.v1",
            Self::Confirmed => "order.confirmed.v1",
            Self::InManufacture => "order.in_manufacture.v1",
            Self::HandedToCarrier(_) => "order.handed_to_carrier.v1",
            Self::InTransit(_) => "order.in_transit.v1",
            Self::Delayed(..) => "order.delayed.v1",
            Self::OutForDelivery => "order.out_for_delivery.v1",
            Self::Delivered => "order.delivered.v1",
            Self::Canceled(_) => "order.canceled.v1",
            Self::Unavailable(_) => "order.unavailable.v1",
        }
    }

    /// The state of the order from then on; `None` when it stays as it is.
    pub const fn state(&self) -> Option<State> {
        Some(match self {
            Self::Placed(_) => State::Placed,
            Self::Confirmed => State::Confirmed,
            Self::InManufacture => State::InManufacture,
            Self::HandedToCarrier(_) => State::HandedToCarrier,
            Self::InTransit(_) => State::InTransit,
            Self::Delayed(..) => return None,
            Self::OutForDelivery => State::OutForDelivery,
            Self::Delivered => State::Delivered,
            Self::Canceled(_) => State::Canceled,
            Self::Unavailable(_) => State::Unavailable,
        })
    }

    /// The event of `order_number` that says so: its id follows from number and type, so that the same report is the same event.
    pub fn to_event(&self, order_number: &str, customer: &Person, at: Timestamp, sequence: i64) -> CloudEvent {
        let kind = self.event_type();
        let attributes = HashMap::from([
            attribute("subject", Attr::CeString(format!("orders/{order_number}"))),
            attribute("time", Attr::CeTimestamp(proto_time(at))),
            attribute("sequence", Attr::CeString(sequence.to_string())),
            attribute("datacontenttype", Attr::CeString("application/protobuf".to_owned())),
        ]);
        CloudEvent {
            id: format!("{order_number}:{kind}"),
            source: SOURCE.to_owned(),
            spec_version: "1.0".to_owned(),
            r#type: kind.to_owned(),
            attributes,
            data: Some(Data::ProtoData(self.payload(order_number.to_owned(), customer.reported()))),
        }
    }

    fn payload(&self, order_number: String, customer: pb::ReportedCustomer) -> Any {
        let customer = Some(customer);
        match self {
            Self::Placed(promised) => any(
                "OrderPlaced",
                &pb::OrderPlaced {
                    order_number,
                    customer,
                    total: None,
                    promised_date: promised.as_ref().map(promised_date),
                    items: Vec::new(),
                },
            ),
            Self::Confirmed => {
                any("OrderConfirmed", &pb::OrderConfirmed { order_number, customer, promised_date: None })
            }
            Self::InManufacture => any("OrderInManufacture", &pb::OrderInManufacture { order_number, customer }),
            Self::HandedToCarrier(Shipment { carrier, tracking_number, tracking_link }) => any(
                "OrderHandedToCarrier",
                &pb::OrderHandedToCarrier {
                    order_number,
                    customer,
                    carrier: (*carrier).to_owned(),
                    tracking_number: tracking_number.clone(),
                    tracking_link: tracking_link.clone(),
                },
            ),
            Self::InTransit(location) => {
                any("OrderInTransit", &pb::OrderInTransit { order_number, customer, location: (*location).to_owned() })
            }
            Self::Delayed(promised, reason) => any(
                "OrderDelayed",
                &pb::OrderDelayed {
                    order_number,
                    customer,
                    promised_date: Some(promised_date(promised)),
                    reason: (*reason).to_owned(),
                },
            ),
            Self::OutForDelivery => any("OrderOutForDelivery", &pb::OrderOutForDelivery { order_number, customer }),
            Self::Delivered => any("OrderDelivered", &pb::OrderDelivered { order_number, customer }),
            Self::Canceled(reason) => {
                any("OrderCanceled", &pb::OrderCanceled { order_number, customer, reason: (*reason).to_owned() })
            }
            Self::Unavailable(reason) => {
                any("OrderUnavailable", &pb::OrderUnavailable { order_number, customer, reason: (*reason).to_owned() })
            }
        }
    }
}

fn any(message: &str, content: &impl Message) -> Any {
    Any { type_url: format!("type.googleapis.com/seva.customers.v1.{message}"), value: content.encode_to_vec() }
}

fn attribute(name: &str, value: Attr) -> (String, CloudEventAttributeValue) {
    (name.to_owned(), CloudEventAttributeValue { attr: Some(value) })
}

fn promised_date(promised: &PromisedDate) -> PromisedDateMessage {
    PromisedDateMessage { date: promised.date.to_string(), zone: promised.zone.name().to_owned() }
}

/// An instant as protobuf says it.
pub fn proto_time(at: Timestamp) -> prost_types::Timestamp {
    // Seconds and nanoseconds of jiff have the same sign; protobuf counts nanoseconds forward from the second before.
    let (seconds, nanos) = (at.as_second(), at.subsec_nanosecond());
    if nanos < 0 {
        return prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 };
    }
    prost_types::Timestamp { seconds, nanos }
}
