//! What happens to the orders of the small shop, and what their customers have to be told.

use jiff::{ToSpan, civil::Date};
use seva_values::{PromisedDate, Zone};

use crate::report::{Report, Shipment};

/// An order's way.
#[derive(Debug, Clone)]
pub struct Story {
    /// What it is about.
    pub title: &'static str,
    /// Each step with the milestones that have to have been sent after it.
    pub steps: Vec<(Report, &'static [&'static str])>,
    /// Whether a ticket comes of it, which is then carried until the customer says that it is solved.
    pub becomes_ticket: bool,
}

/// The shop's zone; UTC on a machine without a database of zones.
pub fn zone() -> Zone {
    Zone::parse("Asia/Kolkata").unwrap_or_else(|_| Zone::utc())
}

fn in_days(today: Date, days: i64) -> PromisedDate {
    PromisedDate::new(today.checked_add(days.days()).unwrap_or(today), zone())
}

fn shipment(number: u32) -> Report {
    let tracking_number = format!("EX{number:09}");
    let tracking_link = format!("https://tracking.example.com/{tracking_number}");
    Report::HandedToCarrier(Shipment { carrier: "Example Express", tracking_number, tracking_link })
}

/// All of them, in the order in which they are told.
pub fn all(today: Date) -> Vec<Story> {
    vec![on_time(today), delayed(today), missed(today), canceled(today), promised_for_today(today), unavailable(today)]
}

fn on_time(today: Date) -> Story {
    Story {
        title: "arrives as promised",
        steps: vec![
            (Report::Placed(Some(in_days(today, 4))), &["order_placed"]),
            (Report::Confirmed, &["order_confirmed"]),
            (Report::InManufacture, &["order_in_manufacture"]),
            (shipment(100_001), &["order_handed_to_carrier"]),
            (Report::InTransit("the depot in Nagpur"), &["order_in_transit"]),
            (Report::OutForDelivery, &["order_out_for_delivery"]),
            (Report::Delivered, &["order_delivered"]),
        ],
        becomes_ticket: false,
    }
}

/// The one with most in it.
pub fn delayed(today: Date) -> Story {
    Story {
        title: "comes later than promised first, and the customer knows before they have to ask",
        steps: vec![
            (Report::Placed(Some(in_days(today, 3))), &["order_placed"]),
            (Report::Confirmed, &["order_confirmed"]),
            (Report::InManufacture, &["order_in_manufacture"]),
            (shipment(100_002), &["order_handed_to_carrier"]),
            (Report::Delayed(in_days(today, 6), "the road is flooded"), &["order_delayed"]),
            (Report::InTransit("the depot in Ranchi"), &["order_in_transit"]),
            (Report::OutForDelivery, &["order_out_for_delivery"]),
            (Report::Delivered, &["order_delivered"]),
        ],
        becomes_ticket: false,
    }
}

/// The one that becomes a ticket.
pub fn missed(today: Date) -> Story {
    Story {
        title: "was promised for yesterday and has not come: somebody sees to it before the customer has to ask",
        steps: vec![
            (Report::Placed(Some(in_days(today, -1))), &["order_placed", "order_promised_day_missed", "ticket_opened"]),
            (shipment(100_003), &["order_handed_to_carrier"]),
            (Report::Delivered, &["order_delivered"]),
        ],
        becomes_ticket: true,
    }
}

fn canceled(today: Date) -> Story {
    Story {
        title: "is called off",
        steps: vec![
            (Report::Placed(Some(in_days(today, 5))), &["order_placed"]),
            (Report::Confirmed, &["order_confirmed"]),
            (Report::Canceled("the customer has changed their mind"), &["order_canceled"]),
        ],
        becomes_ticket: false,
    }
}

fn promised_for_today(today: Date) -> Story {
    Story {
        title: "was promised for today and is not on its way",
        steps: vec![
            (Report::Placed(Some(in_days(today, 0))), &["order_placed", "order_promised_day_at_risk"]),
            (Report::Confirmed, &["order_confirmed"]),
        ],
        becomes_ticket: false,
    }
}

fn unavailable(today: Date) -> Story {
    Story {
        title: "cannot be supplied",
        steps: vec![
            (Report::Placed(Some(in_days(today, 5))), &["order_placed"]),
            (Report::Unavailable("the maker has stopped making it"), &["order_unavailable"]),
        ],
        becomes_ticket: false,
    }
}
