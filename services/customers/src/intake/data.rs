//! The data of an event as the message that its type names.

use prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1 as pb,
    io::cloudevents::v1::{CloudEvent, cloud_event::Data as Carried},
};
use seva_runtime::Error;

use super::envelope;

/// The package of the messages, as type URLs and descriptors have it.
const PACKAGE: &str = "seva.customers.v1";

/// Makes the messages of the contract's types one value, and reads it.
macro_rules! data_of_types {
    ($($type:literal => $message:ident),+ $(,)?) => {
        /// The data of an event.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Data {
            $($message(pb::$message)),+
        }

        /// The name of the message that a type of event carries.
        fn message_name(event_type: &str) -> Option<&'static str> {
            match event_type {
                $($type => Some(stringify!($message)),)+
                _ => None,
            }
        }

        /// Decodes the message of this name.
        fn decode(name: &str, bytes: &[u8]) -> Result<Data, prost::DecodeError> {
            match name {
                $(stringify!($message) => pb::$message::decode(bytes).map(Data::$message),)+
                _ => unreachable!("names come from message_name"),
            }
        }

        impl Data {
            /// The customer's id at the source, as it was sent.
            pub fn customer_id(&self) -> Option<&str> {
                match self {
                    $(Self::$message(message) => message.customer.as_ref().map(|customer| customer.id.as_str()),)+
                }
            }
        }
    };
}

data_of_types! {
    "order.placed.v1" => OrderPlaced,
    "order.confirmed.v1" => OrderConfirmed,
    "order.in_manufacture.v1" => OrderInManufacture,
    "order.handed_to_carrier.v1" => OrderHandedToCarrier,
    "order.in_transit.v1" => OrderInTransit,
    "order.delayed.v1" => OrderDelayed,
    "order.out_for_delivery.v1" => OrderOutForDelivery,
    "order.delivered.v1" => OrderDelivered,
    "order.canceled.v1" => OrderCanceled,
    "order.unavailable.v1" => OrderUnavailable,
    "invoice.issued.v1" => InvoiceIssued,
    "invoice.payment_failed.v1" => InvoicePaymentFailed,
    "invoice.paid.v1" => InvoicePaid,
    "invoice.refunded.v1" => InvoiceRefunded,
    "billing.confirmed.v1" => BillingConfirmed,
}

/// Reads the data of an event.
///
/// # Errors
/// `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_MALFORMED`.
pub fn read(event: &CloudEvent) -> Result<Data, Error> {
    let Some(name) = message_name(&event.r#type) else {
        return Err(Error::invalid(ErrorReason::EventTypeUnknown, "the event's type is not known"));
    };
    match &event.data {
        Some(Carried::ProtoData(any)) => {
            let full_name = any.type_url.rsplit('/').next().unwrap_or_default();
            if full_name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('.')) != Some(name) {
                return Err(malformed(format!("proto_data has to be a {PACKAGE}.{name}")));
            }
            decode(name, &any.value).map_err(|_| malformed(format!("proto_data is no {PACKAGE}.{name}")))
        }
        Some(Carried::BinaryData(json)) => from_json(event, name, json),
        Some(Carried::TextData(json)) => from_json(event, name, json.as_bytes()),
        None => Err(malformed("the event has no data")),
    }
}

fn from_json(event: &CloudEvent, name: &'static str, json: &[u8]) -> Result<Data, Error> {
    if !envelope::is_json(event) {
        return Err(malformed("text and binary data have to be application/json"));
    }
    let descriptor = seva_proto::descriptor_pool().get_message_by_name(&format!("{PACKAGE}.{name}"));
    let descriptor = descriptor.expect("the messages are part of the contract");
    let mut json = serde_json::Deserializer::from_slice(json);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(descriptor, &mut json, &options)
        .and_then(|message| json.end().map(|()| message))
        // The parser's words can quote what they are about, which is somebody's name or address.
        .map_err(|fault| {
            let (line, column) = (fault.line(), fault.column());
            malformed(format!("the data is no {PACKAGE}.{name} in JSON, at line {line}, column {column}"))
        })?;
    decode(name, &message.encode_to_vec()).map_err(|_| malformed(format!("the data is no {PACKAGE}.{name}")))
}

/// The customer's id at the source out of data that could not be read, as far as it can be found: erasure needs it.
pub fn customer_id_of_malformed(event: &CloudEvent) -> Option<String> {
    let json = match event.data.as_ref()? {
        Carried::BinaryData(json) => json.as_ref(),
        Carried::TextData(json) => json.as_bytes(),
        Carried::ProtoData(_) => return None,
    };
    let json: serde_json::Value = serde_json::from_slice(json).ok()?;
    json.pointer("/customer/id")?.as_str().map(str::to_owned)
}

fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::invalid(ErrorReason::EventDataMalformed, message)
}
