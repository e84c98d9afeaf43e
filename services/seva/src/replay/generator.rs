//! A table of our own: 300 orders that nobody placed, with the defects of real tables in about their proportions.
//!
//! Times that are missing, hand-overs recorded before the approval or even the purchase, days promised before the parcel left, several things
//! in one minute, every status. All from a fixed seed; the proportions were counted in a public table of five thousand orders, no line of
//! which is used.

use std::fmt::Write;

use jiff::{
    Span, ToSpan,
    civil::{Date, DateTime, date},
};

use super::{SEED, csv::COLUMNS, dice::Dice};

#[cfg(test)]
mod tests;

/// The first day of a purchase; the half year that follows has both changes of the clocks in the shop's zone.
const FIRST_DAY: Date = date(2017, 9, 1);
/// Days with purchases.
const DAYS: i64 = 200;

/// How an order goes, and how many of 300 go so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Arrives before the promised day.
    OnTime,
    /// Arrives on the promised day: in time.
    OnTheDay,
    /// Arrives after the promised day.
    Late,
    /// The carrier's time lies before the approval.
    CarrierBeforeApproval,
    /// The carrier's time lies before the purchase.
    CarrierBeforePurchase,
    /// The promised day lies before the hand-over, so it also arrives late.
    PromisedBeforeHandOver,
    /// Approved in the minute of the purchase.
    ApprovedAtOnce,
    /// Delivered, but nobody recorded when.
    DeliveredWithoutTime,
    /// With the carrier.
    Shipped,
    /// Called off before it was accepted.
    CanceledEarly,
    /// Called off after it was accepted.
    Canceled,
    /// Delivered late, then called off.
    CanceledAfterDelivery,
    /// Cannot be supplied.
    Unavailable,
    /// Being packed.
    Processing,
    /// Accepted, with an invoice.
    Invoiced,
}

/// Adds up to 300.
const COURSES: [(Course, usize); 15] = [
    (Course::OnTime, 254),
    (Course::OnTheDay, 3),
    (Course::Late, 18),
    (Course::CarrierBeforeApproval, 4),
    (Course::CarrierBeforePurchase, 1),
    (Course::PromisedBeforeHandOver, 2),
    (Course::ApprovedAtOnce, 5),
    (Course::DeliveredWithoutTime, 1),
    (Course::Shipped, 4),
    (Course::CanceledEarly, 1),
    (Course::Canceled, 1),
    (Course::CanceledAfterDelivery, 1),
    (Course::Unavailable, 2),
    (Course::Processing, 2),
    (Course::Invoiced, 1),
];

/// The sample as a table.
pub fn sample() -> String {
    let mut dice = Dice::seeded(SEED);
    let mut courses: Vec<Course> = COURSES.iter().flat_map(|(course, count)| vec![*course; *count]).collect();
    dice.shuffle(&mut courses);
    let mut table = COLUMNS.join(",");
    table.push('\n');
    for (number, course) in (1..).zip(courses) {
        Line::draw(course, &mut dice).write(number, &mut dice, &mut table);
    }
    table
}

/// A line being made, in the shop's wall clock.
struct Line {
    status: &'static str,
    purchased: DateTime,
    approved: Option<DateTime>,
    carrier: Option<DateTime>,
    delivered: Option<DateTime>,
    promised: Date,
}

impl Line {
    fn draw(course: Course, dice: &mut Dice) -> Self {
        let purchased = later(FIRST_DAY.at(0, 0, 0, 0), dice.between(0, DAYS * 24 * 60 - 1).minutes());
        let approved = later(purchased, dice.between(5, 36 * 60).minutes());
        let carrier = later(approved, dice.between(4 * 60, 96 * 60).minutes());
        let delivered = later(carrier, dice.between(24 * 60, 14 * 24 * 60).minutes());
        let promised = day(delivered, dice.between(3, 25));
        let whole = Self {
            status: "delivered",
            purchased,
            approved: Some(approved),
            carrier: Some(carrier),
            delivered: Some(delivered),
            promised,
        };
        let not_sent = |status| Self { status, carrier: None, delivered: None, ..whole };
        match course {
            Course::OnTime => whole,
            Course::OnTheDay => Self { promised: day(delivered, 0), ..whole },
            Course::Late => {
                // Not promised for a day before the parcel left: that is a defect of its own.
                let earliest = i64::from((carrier.date() - delivered.date()).get_days());
                Self { promised: day(delivered, dice.between(earliest.max(-10), -1).min(-1)), ..whole }
            }
            Course::CarrierBeforeApproval => {
                let minutes = dice.between(1, minutes_between(purchased, approved));
                Self { carrier: Some(later(approved, (-minutes).minutes())), ..whole }
            }
            Course::CarrierBeforePurchase => {
                Self { carrier: Some(later(purchased, (-dice.between(60, 48 * 60)).minutes())), ..whole }
            }
            Course::PromisedBeforeHandOver => Self { promised: day(carrier, -dice.between(1, 3)), ..whole },
            Course::ApprovedAtOnce => Self { approved: Some(purchased), ..whole },
            Course::DeliveredWithoutTime => Self { delivered: None, ..whole },
            Course::Shipped => Self { status: "shipped", delivered: None, ..whole },
            Course::CanceledEarly => Self { approved: None, ..not_sent("canceled") },
            Course::Canceled => not_sent("canceled"),
            Course::CanceledAfterDelivery => Self { status: "canceled", promised: day(delivered, -1), ..whole },
            Course::Unavailable => not_sent("unavailable"),
            Course::Processing => not_sent("processing"),
            Course::Invoiced => not_sent("invoiced"),
        }
    }

    fn write(&self, number: u32, dice: &mut Dice, table: &mut String) {
        let Self { status, purchased, approved, carrier, delivered, promised } = self;
        let customer = dice.roll();
        let cell = |at: &Option<DateTime>| at.map(wall).unwrap_or_default();
        writeln!(
            table,
            "S-{number:04},{customer:016x},{status},{},{},{},{},{}",
            wall(*purchased),
            cell(approved),
            cell(carrier),
            cell(delivered),
            wall(promised.at(0, 0, 0, 0))
        )
        .expect("writing to a string does not fail");
    }
}

fn later(from: DateTime, by: Span) -> DateTime {
    from.checked_add(by).expect("a few months around 2017 are within the calendar")
}

fn day(of: DateTime, later_by: i64) -> Date {
    later(of, later_by.days()).date()
}

fn minutes_between(from: DateTime, to: DateTime) -> i64 {
    to.duration_since(from).as_mins()
}

/// A wall clock's time as the table writes it.
fn wall(at: DateTime) -> String {
    format!("{}/{}/{} {}:{:02}", at.month(), at.day(), at.year(), at.hour(), at.minute())
}
