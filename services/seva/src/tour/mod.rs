//! The tour: one customer's story from a late order to a problem that is really solved, each step with its trace id.
//!
//! It is played through an installation of its own on manual time, so that days pass in moments. Every step says what has to follow from it,
//! and the tour fails when it does not.

mod narrator;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Weekday};
use seva_proto::{
    surveys::v1::InvitationEvent,
    tickets::v1::{TicketEvent, root_problem::Cause},
};
use seva_values::{PromisedDate, Zone};

use crate::{
    cast::{Agent, Office, Patron, Shift},
    failure::Failure,
    instance::Instance,
    replay::people::Person,
    report::{Report, Shipment},
    shop::Shop,
    walk::Walk,
};
use narrator::Narrator;

/// Tickets that one person has at once.
const CAPACITY: i32 = 5;
/// Somebody whose language is Hindi.
const A_HINDI_SPEAKER: usize = 1;

/// The zone in which it plays; UTC on a machine without a database of zones.
pub fn zone() -> Zone {
    Zone::parse("Asia/Kolkata").unwrap_or_else(|_| Zone::utc())
}

/// The Monday morning at which a tour begins, the first one from `now` on.
pub fn begins_at(now: Timestamp) -> Timestamp {
    let zone = zone();
    let day = zone.date_at(now);
    let ahead =
        i64::from(Weekday::Monday.to_monday_zero_offset() - day.weekday().to_monday_zero_offset()).rem_euclid(7);
    let monday = day.checked_add(ahead.days()).unwrap_or(day);
    let start = PromisedDate::new(monday, zone).starts_at() + SignedDuration::from_hours(9);
    if start >= now { start } else { start + SignedDuration::from_hours(7 * 24) }
}

/// Plays the story and tells it step by step.
///
/// # Errors
/// A step was refused, or what should have followed from it did not.
pub async fn play(instance: &Instance) -> Result<(), Failure> {
    let mut walk = Walk::new(instance)?;
    let monday = begins_at(instance.clock.now());
    walk.to(monday).await?;
    let at = |days: i64, hours: i64| monday + SignedDuration::from_hours(24 * days + hours - 9);
    let run = monday.as_second() / 60;
    let order_number = format!("T-{run}");
    let customer =
        Person::invent(A_HINDI_SPEAKER + 4 * usize::try_from(run).unwrap_or_default(), &format!("T-{run}-c"));
    let mut shop = Shop::open(instance).await?;
    let mut agent = Agent::new(instance)?;
    let mut patron = Patron::new(instance)?;
    let office = Office::open(instance, &zone(), Shift::ByDay, CAPACITY).await?;
    let mut told = Narrator::begin(instance).await?;
    let wednesday = PromisedDate::new(zone().date_at(at(2, 9)), zone());
    println!(
        "{} {} orders on a Monday; {order_number} is promised for Wednesday, {}, and will be late.\n",
        customer.given_name, customer.family_name, wednesday.date
    );

    let placed = Report::Placed(Some(wednesday));
    shop.push(vec![placed.to_event(&order_number, &customer, at(0, 9), 1)]).await?;
    told.step(&walk, "The shop reports the order", &["order_placed"]).await?;

    walk.to(at(0, 15)).await?;
    let shipment = Shipment {
        carrier: "Example Express",
        tracking_number: format!("EX{run}"),
        tracking_link: format!("https://tracking.example.com/EX{run}"),
    };
    shop.push(vec![Report::HandedToCarrier(shipment).to_event(&order_number, &customer, at(0, 15), 2)]).await?;
    told.step(&walk, "The carrier has it", &["order_handed_to_carrier"]).await?;

    walk.to(at(2, 8)).await?;
    told.step(
        &walk,
        "A day before its end the promised day is at risk, and nobody had to ask",
        &["order_promised_day_at_risk"],
    )
    .await?;

    walk.to(at(3, 7)).await?;
    told.step(
        &walk,
        "The day has passed: one ticket, which waits for the morning",
        &["order_promised_day_missed", "created", "ticket_opened"],
    )
    .await?;

    walk.to(at(3, 8)).await?;
    told.step(&walk, "Whoever speaks the customer's language comes on shift and has it", &["assigned"]).await?;
    let ticket = told.last::<TicketEvent>("seva.tickets.ticket.assigned.v1")?;
    println!("     {} has {}, the ticket {}\n", office.name_of(&ticket.assignee), ticket.ticket, ticket.number);

    walk.to(at(3, 10)).await?;
    agent.resolve(&ticket.ticket, 1, Cause::Carrier, "It was on the wrong lorry and comes this afternoon.").await?;
    told.step(&walk, "Resolved; the customer is asked whether it is", &["resolved", "ticket_resolved"]).await?;

    walk.to(at(3, 19)).await?;
    patron.answers_resolution(&ticket.ticket, 1, false, "It has still not come.").await?;
    told.step(
        &walk,
        "The customer says that it is not; it is open again, and the same person has it",
        &["rejected", "assigned"],
    )
    .await?;

    walk.to(at(4, 11)).await?;
    shop.push(vec![Report::Delivered.to_event(&order_number, &customer, at(4, 11), 3)]).await?;
    told.step(&walk, "The parcel arrives", &["order_delivered"]).await?;

    walk.to(at(4, 12)).await?;
    agent
        .resolve(&ticket.ticket, 2, Cause::Carrier, "It was delivered today; we are sorry that it took so long.")
        .await?;
    told.step(&walk, "Resolved again", &["resolved", "ticket_resolved"]).await?;

    walk.to(at(4, 14)).await?;
    patron.answers_resolution(&ticket.ticket, 2, true, "").await?;
    told.step(&walk, "The customer confirms: it is closed, verified", &["closed"]).await?;

    walk.to(at(5, 9)).await?;
    told.step(&walk, "How was it? One question, once", &["survey_invitation"]).await?;
    let invitation = told.last::<InvitationEvent>("seva.surveys.invitation.sent.v1")?.invitation.unwrap_or_default();

    walk.to(at(5, 10)).await?;
    patron.answers_survey(&invitation.name, 2).await?;
    told.step(&walk, "A low score: it becomes a ticket of its own, at once", &["opened", "created", "assigned"])
        .await?;
    let follow_up = told.last::<TicketEvent>("seva.tickets.ticket.assigned.v1")?;

    walk.to(at(5, 12)).await?;
    agent
        .resolve(
            &follow_up.ticket,
            1,
            Cause::Information,
            "We called, listened and apologised; the next delivery is free.",
        )
        .await?;
    told.step(&walk, "Somebody listened and made it good", &["resolved", "ticket_resolved"]).await?;

    walk.to(at(5, 16)).await?;
    patron.answers_resolution(&follow_up.ticket, 1, true, "").await?;
    told.step(&walk, "The customer confirms; the low score is followed to its end", &["closed", "verified"]).await?;

    told.nothing_left().await?;
    println!(
        "Nothing is left to do, and no event was given up. The mails lie in {}.",
        instance.layout().mail().display()
    );
    Ok(())
}
