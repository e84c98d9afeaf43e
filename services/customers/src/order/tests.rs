//! The model of orders: tables, and properties over random reports.

mod clock;
mod properties;
mod steps;

use jiff::{SignedDuration, Timestamp, civil::Date};
use seva_values::{PromisedDate, Zone, new_id};

use super::{
    model::{Changes, Fact, Order, PromisedDateOutcome, Report, State, What},
    rules::SourceRules,
};

/// When the first report of every order here became true.
const START: &str = "2026-03-02T09:00:00Z";

fn at(hours: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

fn day(date: &str, zone: &str) -> PromisedDate {
    PromisedDate::new(date.parse::<Date>().unwrap(), Zone::parse(zone).unwrap())
}

fn kolkata(date: &str) -> PromisedDate {
    day(date, "Asia/Kolkata")
}

fn unknown() -> Order {
    Order::unknown(new_id(), new_id(), "//shop.example".to_owned(), "A-1029".to_owned(), at(0))
}

/// Reports one fact after another, an hour apart.
fn report(order: &mut Order, fact: Fact) -> Changes {
    let sequence = order.source_sequence + 1;
    report_at(order, fact, at(sequence))
}

fn report_at(order: &mut Order, fact: Fact, at: Timestamp) -> Changes {
    let sequence = order.source_sequence + 1;
    order.apply(Report { fact, at, sequence }, &SourceRules::default())
}

fn placed(promised_date: Option<PromisedDate>) -> Fact {
    Fact::Placed { total: None, promised_date, items: Vec::new() }
}

fn in_transit() -> Fact {
    Fact::InTransit { location: "Nagpur".to_owned() }
}

fn delayed(promised_date: PromisedDate) -> Fact {
    Fact::Delayed { promised_date, reason: "snow".to_owned() }
}

fn canceled() -> Fact {
    Fact::Canceled { reason: "changed their mind".to_owned() }
}

fn handed_to_carrier() -> Fact {
    Fact::HandedToCarrier { carrier: "Blue".to_owned(), tracking_number: "B1".to_owned(), tracking_link: None }
}

/// What happened, and whether it was overtaken.
fn told(changes: &Changes) -> Vec<(What, bool)> {
    changes.happenings.iter().map(|happening| (happening.what, happening.overtaken)).collect()
}
