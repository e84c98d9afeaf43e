//! Another system: a shop that pushes events, and what became of them.

use prost::Message;
use seva_customers::{
    intake::{Intake, IntakeRpc},
    order::{OrderRpc, OrderRules},
    workers::promised_days::PromisedDays,
};
use seva_proto::{
    common::v1::PromisedDate,
    customers::v1 as pb,
    customers::v1::{
        EventResult, GetOrderRequest, GetOrderResponse, PublishEventsRequest, event_result::Outcome,
        intake_service_server::IntakeService, order_service_server::OrderService,
    },
    io::cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
};
use seva_runtime::auth::{Principal, PrincipalKind};
use seva_store::{due::Bell, event::proto_timestamp};
use sqlx::Row;
use tonic::Status;

use crate::world::{World, a_caller, call, call_by};

pub const SOURCE: &str = "//shop.example";

/// A world with a shop in it.
pub struct Shop {
    pub world: World,
    pub intake: IntakeRpc,
    pub orders: OrderRpc,
    pub promised_days: PromisedDays,
}

impl Shop {
    pub async fn new() -> Self {
        let world = World::new().await;
        let (db, clock) = (world.foundation.db.clone(), world.foundation.clock.clone());
        let intake = Intake::new(db.clone(), clock, OrderRules::default(), Bell::default());
        Self {
            intake: IntakeRpc::new(&world.foundation, intake),
            orders: OrderRpc::new(&world.foundation),
            promised_days: PromisedDays::new(db, OrderRules::default()),
            world,
        }
    }

    pub async fn publish(&self, events: Vec<CloudEvent>) -> Vec<EventResult> {
        self.try_publish(key(), events).await.unwrap()
    }

    pub async fn try_publish(&self, caller: Principal, events: Vec<CloudEvent>) -> Result<Vec<EventResult>, Status> {
        let request = call_by(caller, "PublishEvents", PublishEventsRequest { events });
        Ok(self.intake.publish_events(request).await?.into_inner().results)
    }

    /// Publishes and answers what became of each.
    pub async fn outcomes(&self, events: Vec<CloudEvent>) -> Vec<Outcome> {
        self.publish(events).await.iter().map(EventResult::outcome).collect()
    }

    pub async fn order(&self, order_number: &str) -> GetOrderResponse {
        let (source, order_number) = (SOURCE.to_owned(), order_number.to_owned());
        let request = GetOrderRequest { source, order_number, ..GetOrderRequest::default() };
        self.orders.get_order(call("GetOrder", request)).await.unwrap().into_inner()
    }

    /// Types (without `seva.customers.` and `.v1`) and sequences of the events of a subject, in their order.
    pub async fn told(&self, subject: &str) -> Vec<(String, i64)> {
        let rows = sqlx::query("select type, sequence from seva.outbox where subject = $1 order by position");
        let rows = rows.bind(subject).fetch_all(&self.world.database.owner).await.unwrap();
        let short = |kind: String| kind.trim_start_matches("seva.customers.").trim_end_matches(".v1").to_owned();
        rows.into_iter().map(|row| (short(row.get("type")), row.get("sequence"))).collect()
    }
}

/// The shop's API key.
pub fn key() -> Principal {
    Principal { kind: PrincipalKind::ApiKey, sources: vec![SOURCE.to_owned()], ..a_caller("key:shop") }
}

/// An event with these data, whose id tells its type, number and sequence apart.
pub fn event<M: Message>(kind: &str, id: &str, sequence: i32, time: &str, data: &M) -> CloudEvent {
    let kind = kind.to_owned();
    let mut name = String::new();
    for word in kind.trim_end_matches(".v1").split(['.', '_']) {
        name.push_str(&word[..1].to_uppercase());
        name.push_str(&word[1..]);
    }
    CloudEvent {
        id: format!("{id}/{sequence}/{kind}"),
        source: SOURCE.to_owned(),
        spec_version: "1.0".to_owned(),
        attributes: [
            attribute("time", Attr::CeTimestamp(proto_timestamp(time.parse().unwrap()))),
            attribute("sequence", Attr::CeInteger(sequence)),
        ]
        .into(),
        data: Some(Data::ProtoData(prost_types::Any {
            type_url: format!("type.googleapis.com/seva.customers.v1.{name}"),
            value: data.encode_to_vec(),
        })),
        r#type: kind,
    }
}

pub fn attribute(name: &str, attr: Attr) -> (String, CloudEventAttributeValue) {
    (name.to_owned(), CloudEventAttributeValue { attr: Some(attr) })
}

/// The same event with another attribute.
pub fn with(mut event: CloudEvent, name: &str, attr: Attr) -> CloudEvent {
    event.attributes.extend([attribute(name, attr)]);
    event
}

pub fn reported(id: &str) -> Option<pb::ReportedCustomer> {
    Some(pb::ReportedCustomer { id: id.to_owned(), ..pb::ReportedCustomer::default() })
}

pub fn kolkata(date: &str) -> Option<PromisedDate> {
    Some(PromisedDate { date: date.to_owned(), zone: "Asia/Kolkata".to_owned() })
}

pub fn placed(number: &str, customer: &str, sequence: i32, time: &str) -> CloudEvent {
    placed_for(number, customer, sequence, time, None)
}

pub fn placed_for(
    number: &str,
    customer: &str,
    sequence: i32,
    time: &str,
    promised_date: Option<PromisedDate>,
) -> CloudEvent {
    let data = pb::OrderPlaced {
        order_number: number.to_owned(),
        customer: reported(customer),
        total: None,
        promised_date,
        items: Vec::new(),
    };
    event("order.placed.v1", number, sequence, time, &data)
}

pub fn confirmed(number: &str, customer: &str, sequence: i32, time: &str) -> CloudEvent {
    let data =
        pb::OrderConfirmed { order_number: number.to_owned(), customer: reported(customer), promised_date: None };
    event("order.confirmed.v1", number, sequence, time, &data)
}

pub fn in_transit(number: &str, customer: &str, sequence: i32, time: &str, location: &str) -> CloudEvent {
    let data = pb::OrderInTransit {
        order_number: number.to_owned(),
        customer: reported(customer),
        location: location.to_owned(),
    };
    event("order.in_transit.v1", number, sequence, time, &data)
}

pub fn delivered(number: &str, customer: &str, sequence: i32, time: &str) -> CloudEvent {
    let data = pb::OrderDelivered { order_number: number.to_owned(), customer: reported(customer) };
    event("order.delivered.v1", number, sequence, time, &data)
}

pub fn delayed(number: &str, customer: &str, sequence: i32, time: &str, date: &str) -> CloudEvent {
    let data = pb::OrderDelayed {
        order_number: number.to_owned(),
        customer: reported(customer),
        promised_date: kolkata(date),
        reason: "snow".to_owned(),
    };
    event("order.delayed.v1", number, sequence, time, &data)
}

/// A way of an order in seven events, with sequences from one.
pub fn way(number: &str, customer: &str, time: &str) -> Vec<CloudEvent> {
    vec![
        placed_for(number, customer, 1, time, kolkata("2026-03-09")),
        confirmed(number, customer, 2, time),
        in_transit(number, customer, 3, time, "Nagpur"),
        in_transit(number, customer, 4, time, "Pune"),
        delayed(number, customer, 5, time, "2026-03-11"),
        in_transit(number, customer, 6, time, "Pune"),
        delivered(number, customer, 7, time),
    ]
}
