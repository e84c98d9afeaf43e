//! All events of all orders in order of time, and what they alone let expect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seva_proto::{customers::v1::order::State, io::cloudevents::v1::CloudEvent};
use seva_values::Zone;
use sha2::{Digest, Sha256};

use super::{
    SHOP_ZONE,
    csv::{self, Order},
    mapping::{self, Fact},
    people::People,
};
use crate::report::Report;

#[cfg(test)]
mod tests;

/// An event and the place of its order in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The order's place.
    pub order: usize,
    /// What is said of it.
    pub fact: Fact,
}

/// The events of a table, in order of time; those of an instant in order of the table's lines and of their sequence.
#[derive(Debug)]
pub struct Timeline {
    orders: Vec<Order>,
    people: People,
    planned: Vec<Planned>,
}

/// What the events alone let expect, without any of the services: to be compared with what the services say in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// Orders by their state in the end.
    pub orders: BTreeMap<&'static str, u64>,
    /// Events by type.
    pub events: BTreeMap<&'static str, u64>,
    /// Deliveries after the promised day was over.
    pub arrived_after_promised_day: u64,
    /// Deliveries after the promised day had begun, those of the day itself among them.
    pub arrived_after_its_start: u64,
}

impl Timeline {
    /// The events of a table.
    ///
    /// # Errors
    /// This machine does not know the shop's zone.
    pub fn of(orders: Vec<Order>) -> Result<Self, csv::Error> {
        let zone = Zone::parse(SHOP_ZONE).map_err(|_| csv::Error::ZoneUnknown)?;
        let people = People::of(&orders);
        let mut planned = Vec::with_capacity(orders.len() * 4);
        for (place, order) in orders.iter().enumerate() {
            planned.extend(mapping::facts(order, &zone).into_iter().map(|fact| Planned { order: place, fact }));
        }
        planned.sort_by_key(|planned| (planned.fact.at, planned.order, planned.fact.sequence));
        Ok(Self { orders, people, planned })
    }

    /// All of them.
    pub fn events(&self) -> &[Planned] {
        &self.planned
    }

    /// The orders of the table.
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// Their customers.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// When the first event is.
    pub fn begins_at(&self) -> Option<Timestamp> {
        self.planned.first().map(|planned| planned.fact.at)
    }

    /// When the last event is.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.planned.last().map(|planned| planned.fact.at)
    }

    /// The first instant with an event after `now`.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.planned.partition_point(|planned| planned.fact.at <= now);
        self.planned.get(next).map(|planned| planned.fact.at)
    }

    /// The events of an instant, none when it has none.
    pub fn at(&self, instant: Timestamp) -> &[Planned] {
        let from = self.planned.partition_point(|planned| planned.fact.at < instant);
        let to = self.planned.partition_point(|planned| planned.fact.at <= instant);
        &self.planned[from..to]
    }

    /// How many events there are up to and at `now`.
    pub fn passed(&self, now: Timestamp) -> usize {
        self.planned.partition_point(|planned| planned.fact.at <= now)
    }

    /// The event as the shop pushes it.
    pub fn cloud_event(&self, planned: &Planned) -> CloudEvent {
        let Planned { order, fact } = planned;
        let customer = self.people.owner_of(*order);
        fact.report.to_event(&self.orders[*order].order_id, customer, fact.at, fact.sequence)
    }

    /// A text that differs when any event does: a data folder belongs to one table.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for planned in &self.planned {
            let Planned { order, fact: Fact { at, sequence, report } } = planned;
            hash.update(format!("{} {at} {sequence} {report:?}\n", self.orders[*order].order_id));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the events alone let expect.
    pub fn expectation(&self) -> Expectation {
        let mut expected = Expectation::default();
        let mut states = vec![State::Unspecified; self.orders.len()];
        let mut promised = vec![None; self.orders.len()];
        let mut arrived = vec![None; self.orders.len()];
        for Planned { order, fact } in &self.planned {
            *expected.events.entry(fact.report.event_type()).or_default() += 1;
            match &fact.report {
                Report::Placed(Some(day)) => promised[*order] = Some(day),
                Report::Delivered => arrived[*order] = Some(fact.at),
                _ => {}
            }
            // Never back, and canceled and unavailable come after all others: the greatest number wins.
            if let Some(state) = fact.report.state().filter(|state| *state as i32 > states[*order] as i32) {
                states[*order] = state;
            }
        }
        for state in states {
            *expected.orders.entry(state_name(state)).or_default() += 1;
        }
        for (day, at) in promised.into_iter().zip(arrived) {
            if let Some((day, at)) = day.zip(at) {
                expected.arrived_after_promised_day += u64::from(day.is_over(at));
                expected.arrived_after_its_start += u64::from(at > day.starts_at());
            }
        }
        expected
    }
}

/// A state as people write it: `handed_to_carrier`.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Unspecified => "unspecified",
        State::Placed => "placed",
        State::Confirmed => "confirmed",
        State::InManufacture => "in_manufacture",
        State::HandedToCarrier => "handed_to_carrier",
        State::InTransit => "in_transit",
        State::OutForDelivery => "out_for_delivery",
        State::Delivered => "delivered",
        State::Canceled => "canceled",
        State::Unavailable => "unavailable",
    }
}
