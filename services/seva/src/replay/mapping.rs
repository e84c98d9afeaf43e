//! What a line of the table becomes: the events of one order. The README has the same as a table.

use jiff::{Timestamp, ToSpan};
use seva_proto::customers::v1::order::State;
use seva_values::{PromisedDate, Zone};

use super::{
    SEED,
    csv::{Order, Status},
    dice::Dice,
};
use crate::report::{Report, Shipment};

#[cfg(test)]
mod tests;

/// Carriers that do not exist.
const CARRIERS: [&str; 3] = ["Example Express", "Example Parcels", "Example Post"];

/// An event of an order: what is said of it, when, and as the how-manieth of its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// When it became true, in business time.
    pub at: Timestamp,
    /// Counts the order's events from 1.
    pub sequence: i64,
    /// What is said.
    pub report: Report,
}

/// The events of an order, in order of time and then of step.
///
/// Each filled column of a time is an event. When none of them is the status of the order, a further one is added a minute after the last
/// known time. A fact that comes after a later step, such as an approval after the hand-over, keeps its time and comes late.
pub fn facts(order: &Order, zone: &Zone) -> Vec<Fact> {
    let promised = order.promised_day.map(|day| PromisedDate::new(day, zone.clone()));
    let mut facts = vec![(order.purchased_at, Report::Placed(promised))];
    facts.extend(order.approved_at.map(|at| (at, Report::Confirmed)));
    facts.extend(order.handed_to_carrier_at.map(|at| (at, Report::HandedToCarrier(shipment(&order.order_id)))));
    facts.extend(order.delivered_at.map(|at| (at, Report::Delivered)));

    let last = last_report(order);
    if !facts.iter().any(|(_, report)| report.event_type() == last.event_type()) {
        let last_known = facts.iter().map(|(at, _)| *at).fold(order.purchased_at, Timestamp::max);
        facts.push((last_known + 1.minute(), last));
    }
    facts.sort_by_key(|(at, report)| (*at, step(report)));
    (1..).zip(facts).map(|(sequence, (at, report))| Fact { at, sequence, report }).collect()
}

/// What the order's status says.
fn last_report(order: &Order) -> Report {
    match order.status {
        Status::Created => Report::Placed(None),
        Status::Approved | Status::Invoiced => Report::Confirmed,
        Status::Processing => Report::InManufacture,
        Status::Shipped => Report::HandedToCarrier(shipment(&order.order_id)),
        Status::Delivered => Report::Delivered,
        Status::Canceled => Report::Canceled(""),
        Status::Unavailable => Report::Unavailable(""),
    }
}

/// The place of a report among those of the same minute.
fn step(report: &Report) -> i32 {
    report.state().unwrap_or(State::Unspecified).into()
}

/// An invented way to the customer; the same for the same order.
fn shipment(order_id: &str) -> Shipment {
    let mut dice = Dice::of(SEED, order_id);
    let carrier = CARRIERS[dice.index(CARRIERS.len())];
    let tracking_number = format!("EX{:09}BR", dice.between(1, 999_999_999));
    let tracking_link = format!("https://tracking.example.com/{tracking_number}");
    Shipment { carrier, tracking_number, tracking_link }
}
