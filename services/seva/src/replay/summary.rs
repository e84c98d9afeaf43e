//! What came of a replay, read from the services as any operator could, and laid out for a person to check.

mod collect;
mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::timeline::Expectation;

pub use collect::collect;

#[cfg(test)]
mod tests;

/// What the services say in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Business time.
    pub business_time: Timestamp,
    /// Customers known.
    pub customers: u64,
    /// Orders by their state.
    pub orders: BTreeMap<String, u64>,
    /// Events of all services by type.
    pub events: BTreeMap<String, u64>,
    /// Promised days by what became of them: kept, broken, open, withdrawn.
    pub promised_dates: BTreeMap<String, u64>,
    /// Deliveries after the promised day was over.
    pub arrived_after_promised_day: u64,
    /// Deliveries after the promised day had begun, those of the day itself among them.
    pub arrived_after_its_start: u64,
    /// Orders whose promised day passed without a delivery and whose customer was told of it before that day had passed.
    pub told_before_promised_day_had_passed: u64,
    /// Messages that were sent, by milestone and language.
    pub told: BTreeMap<String, BTreeMap<String, u64>>,
    /// Messages that were decided on and not sent, by state and reason.
    pub not_sent: BTreeMap<String, u64>,
    /// Tickets by what they follow from.
    pub tickets_opened: BTreeMap<String, u64>,
    /// Tickets that somebody had at some time.
    pub tickets_assigned: u64,
    /// Tickets that nobody has in the end, by what they wait for.
    pub tickets_waiting: BTreeMap<String, u64>,
    /// Tickets by where they stand in the end; closed ones by whether the customer has confirmed it.
    pub tickets: BTreeMap<String, u64>,
    /// Invitations to surveys by where they stand in the end; those that were not sent by the reason.
    pub surveys: BTreeMap<String, u64>,
    /// Invitations that it was decided to send.
    pub surveys_invited: u64,
    /// Invitations that were sent to somebody who was asked less than thirty days before.
    pub surveyed_too_soon: u64,
    /// Messages that still wait.
    pub undelivered: u64,
    /// Events that a consumer could not apply, and those that wait behind them, by consumer.
    pub dead_letters: BTreeMap<String, u64>,
}

impl Summary {
    /// Where the services say something else than the events alone let expect.
    pub fn differences(&self, expected: &Expectation) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: String, expected: u64, found: u64| {
            if expected != found {
                differences.push(format!("{what}: {expected} expected, {found} found"));
            }
        };
        let states = expected.orders.keys().map(|state| (*state).to_owned()).chain(self.orders.keys().cloned());
        for state in states.collect::<std::collections::BTreeSet<_>>() {
            let expected = expected.orders.get(state.as_str()).copied().unwrap_or_default();
            compare(format!("orders {state}"), expected, self.orders.get(&state).copied().unwrap_or_default());
        }
        for (kind, count) in &expected.events {
            // The shop's `order.placed.v1` is recorded as `seva.customers.order.placed.v1`.
            let found = self.events.get(&format!("seva.customers.{kind}")).copied().unwrap_or_default();
            compare(format!("events {kind}"), *count, found);
        }
        compare(
            "arrived after the promised day".to_owned(),
            expected.arrived_after_promised_day,
            self.arrived_after_promised_day,
        );
        compare("arrived after its start".to_owned(), expected.arrived_after_its_start, self.arrived_after_its_start);
        let of = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or_default();
        compare(
            "tickets for missed days".to_owned(),
            of(&self.events, "seva.customers.order.promised_day_missed.v1"),
            of(&self.tickets_opened, "promised_day_missed"),
        );
        compare("customers surveyed too soon".to_owned(), 0, self.surveyed_too_soon);
        differences
    }

    /// What should not be left at the end.
    pub fn left_over(&self) -> Vec<String> {
        let mut left: Vec<String> = self
            .dead_letters
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(consumer, count)| format!("{count} dead letters: {consumer}"))
            .collect();
        if self.undelivered > 0 {
            left.push(format!("{} messages still wait", self.undelivered));
        }
        left
    }

    /// Messages that were sent.
    pub fn messages_sent(&self) -> u64 {
        self.told.values().flat_map(BTreeMap::values).sum()
    }
}
