//! Events of other systems, streamed in batches, with everything that follows from them: feed, consumer, decisions, messages.

use std::time::{Duration, Instant};

use prost::Message;
use seva_proto::{
    common::v1::PromisedDate,
    customers::v1::{
        OrderInTransit, OrderPlaced, ReportedCustomer, StreamEventsRequest, event_result::Outcome,
        intake_service_client::IntakeServiceClient,
    },
    io::cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
};
use seva_runtime::clock::machine_now;
use tokio::task::JoinSet;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use crate::{
    report::{Bar, Report},
    surroundings::Surroundings,
};

const SOURCE: &str = "//bench.example";
const STREAMS: usize = 4;
const BATCH: usize = 100;
const EVENTS_PER_ORDER: usize = 10;
/// Orders of one customer.
const ORDERS_PER_CUSTOMER: usize = 5;
/// One customer of so many can be written to. An order has two messages, of its progress and of thanks: so one event in ten tells somebody.
const REACHED: usize = 2;
/// Batches of a stream that wait for their answer.
const IN_FLIGHT: usize = 4;

/// What is offered when it is measured whether everything keeps up: a little more than the bar of the intake.
const OFFERED: f64 = 5_200.0;

/// Streams `count` events as fast as they are taken, and then as many at a steady pace, and waits until everything that follows is done.
pub async fn measure(report: &mut Report, surroundings: &Surroundings, count: usize) -> anyhow::Result<()> {
    let fast = stream(surroundings, 0, count, None).await?;
    report.against("intake, streamed in batches of 100", fast.accepted_per_second, "events/s", Bar::AtLeast(5000.0));
    report.note("lag of the slowest consumer after that", fast.lag.as_secs_f64(), "s");
    report.note("intake with all messages handed over", fast.finished_per_second, "events/s");
    report.note("share of events that tell a customer", fast.told, "of 1");

    let steady = stream(surroundings, count / EVENTS_PER_ORDER, count, Some(OFFERED)).await?;
    report.against("intake at a steady pace", steady.accepted_per_second, "events/s", Bar::AtLeast(5000.0));
    report.against("lag of the slowest consumer after that pace", steady.lag.as_secs_f64(), "s", Bar::AtMost(1.0));
    Ok(())
}

/// What a stream of events came to.
struct Streamed {
    accepted_per_second: f64,
    /// With everything that follows done.
    finished_per_second: f64,
    lag: Duration,
    /// Messages for each event.
    told: f64,
}

/// Streams `count` events of orders from the number `first` on, together at `pace` events a second, if there is one.
async fn stream(
    surroundings: &Surroundings,
    first: usize,
    count: usize,
    pace: Option<f64>,
) -> anyhow::Result<Streamed> {
    let orders_each = count / EVENTS_PER_ORDER / STREAMS;
    let told_before = surroundings.told();
    let begin = Instant::now();
    let pause = pace.map(|pace| Duration::from_secs_f64((BATCH * STREAMS) as f64 / pace));
    let mut streams = JoinSet::new();
    for stream in 0..STREAMS {
        let client = IntakeServiceClient::new(surroundings.server("customers").as_role("integration"));
        let from = first + stream * orders_each;
        streams.spawn(push(client, batches(from..from + orders_each), pause));
    }
    let mut accepted = 0;
    while let Some(pushed) = streams.join_next().await {
        accepted += pushed??;
    }
    let taken = begin.elapsed().as_secs_f64();
    let lag = surroundings.settled().await?;
    let events = (orders_each * STREAMS * EVENTS_PER_ORDER) as f64;
    anyhow::ensure!(accepted as f64 == events, "{accepted} of {events} events were accepted");
    Ok(Streamed {
        accepted_per_second: events / taken,
        finished_per_second: events / begin.elapsed().as_secs_f64(),
        lag,
        told: (surroundings.told() - told_before) as f64 / events,
    })
}

/// Pushes batches over one stream, a few in flight, each at its time when there is a pause between them; answers how many events were accepted.
async fn push(
    mut client: IntakeServiceClient<seva_runtime::client::Peer>,
    batches: Vec<StreamEventsRequest>,
    pause: Option<Duration>,
) -> anyhow::Result<usize> {
    let (sender, receiver) = tokio::sync::mpsc::channel(IN_FLIGHT);
    let sending = async {
        let mut ticks = pause.map(tokio::time::interval);
        for batch in batches {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            sender.send(batch).await?;
        }
        drop(sender);
        anyhow::Ok(())
    };
    let receiving = async {
        let mut answers = client.stream_events(ReceiverStream::new(receiver)).await?.into_inner();
        let mut accepted = 0;
        while let Some(answer) = answers.next().await {
            accepted += answer?.results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
        }
        anyhow::Ok(accepted)
    };
    let (sent, accepted) = tokio::join!(sending, receiving);
    sent?;
    accepted
}

/// Batches of the events of these orders: placed, and then seen on its way again and again.
fn batches(orders: std::ops::Range<usize>) -> Vec<StreamEventsRequest> {
    let events: Vec<CloudEvent> =
        orders.flat_map(|order| (1..=EVENTS_PER_ORDER).map(move |step| event(order, step))).collect();
    events.chunks(BATCH).map(|events| StreamEventsRequest { events: events.to_vec() }).collect()
}

/// An event of an order of the bench.
pub fn event(order: usize, sequence: usize) -> CloudEvent {
    let order_number = format!("B-{order}");
    let customer = order / ORDERS_PER_CUSTOMER;
    let customer = Some(ReportedCustomer {
        id: format!("c-{customer}"),
        given_name: "Asha".to_owned(),
        email: if customer.is_multiple_of(REACHED) { format!("c-{customer}@example.com") } else { String::new() },
        languages: vec!["hi".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        ..Default::default()
    });
    if sequence == 1 {
        let day = (machine_now() + Duration::from_secs(20 * 86_400)).strftime("%Y-%m-%d").to_string();
        let promised_date = Some(PromisedDate { date: day, zone: "Asia/Kolkata".to_owned() });
        let placed =
            OrderPlaced { order_number: order_number.clone(), customer, promised_date, total: None, items: Vec::new() };
        return cloud_event("order.placed.v1", "OrderPlaced", &order_number, sequence, &placed);
    }
    let seen = OrderInTransit { order_number: order_number.clone(), customer, location: "Pune".to_owned() };
    cloud_event("order.in_transit.v1", "OrderInTransit", &order_number, sequence, &seen)
}

/// A `CloudEvent` with a message of the intake.
pub fn cloud_event(kind: &str, message: &str, order_number: &str, sequence: usize, data: &impl Message) -> CloudEvent {
    let attribute = |attr| CloudEventAttributeValue { attr: Some(attr) };
    let now = machine_now();
    let time = prost_types::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() };
    CloudEvent {
        id: format!("{order_number}/{sequence}"),
        source: SOURCE.to_owned(),
        spec_version: "1.0".to_owned(),
        r#type: kind.to_owned(),
        attributes: [
            ("time".to_owned(), attribute(Attr::CeTimestamp(time))),
            ("sequence".to_owned(), attribute(Attr::CeString(sequence.to_string()))),
        ]
        .into(),
        data: Some(Data::ProtoData(prost_types::Any {
            type_url: format!("type.googleapis.com/seva.customers.v1.{message}"),
            value: data.encode_to_vec(),
        })),
    }
}
