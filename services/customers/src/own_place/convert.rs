//! The own place to the contract, without what is ours (CU26).
//!
//! Every field of what is shown is named here: one that the contract gains later is shown to customers only when somebody has decided so.

use jiff::Timestamp;
use seva_proto::customers::v1 as pb;

use super::queries::OwnPlace;
use crate::place::convert::{invoices_part, messages_part, orders_part, tickets_part};

/// Details of a message that its customer sees.
const MESSAGE_DETAILS: [&str; 5] = ["state", "channel", "milestone", "language", "about"];
/// Collections of what a customer can know that a ticket follows from.
const KNOWN_SUBJECTS: [&str; 3] = ["orders/", "invoices/", "tickets/"];

/// The answer at business time `now`.
pub fn answer(place: &OwnPlace, now: Timestamp) -> pb::OwnPlace {
    let OwnPlace { owner, orders, invoices, tickets, tickets_read, messages, messages_read } = place;
    let pb::OrdersPart { orders, age, more } = orders_part(orders, now);
    let orders = pb::OrdersPart { orders: orders.into_iter().map(own_order).collect(), age, more };
    let pb::InvoicesPart { invoices, age, more } = invoices_part(invoices, now);
    let invoices = pb::InvoicesPart { invoices: invoices.into_iter().map(own_invoice).collect(), age, more };
    let pb::TicketsPart { tickets, age, more } = tickets_part(tickets, *tickets_read, now);
    let tickets = pb::TicketsPart { tickets: tickets.into_iter().map(own_ticket).collect(), age, more };
    let pb::MessagesPart { messages, age, more } = messages_part(messages, *messages_read, now);
    let messages = pb::MessagesPart { messages: messages.into_iter().map(own_message).collect(), age, more };
    pb::OwnPlace {
        display_name: owner.given_name.clone(),
        language: owner.language.clone(),
        orders: Some(orders),
        invoices: Some(invoices),
        tickets: Some(tickets),
        messages: Some(messages),
        zone: owner.zone.clone(),
    }
}

/// Without which system reported it, how we count its reports, and words that the seller wrote to us.
fn own_order(order: pb::Order) -> pb::Order {
    let pb::Order {
        name,
        customer,
        source: _,
        order_number,
        state,
        total,
        steps,
        first_promised_date,
        current_promised_date,
        actual_delivery_time,
        promised_date_outcome,
        delayed,
        delay_reason: _,
        carrier,
        tracking_number,
        tracking_link,
        source_sequence: _,
        observe_time,
        fresh_until,
        version: _,
        items,
    } = order;
    pb::Order {
        name,
        customer,
        order_number,
        state,
        total,
        steps,
        first_promised_date,
        current_promised_date,
        actual_delivery_time,
        promised_date_outcome,
        delayed,
        carrier,
        tracking_number,
        tracking_link,
        observe_time,
        fresh_until,
        items,
        ..pb::Order::default()
    }
}

/// Without which system reported it, and how we count its reports.
fn own_invoice(invoice: pb::Invoice) -> pb::Invoice {
    let pb::Invoice {
        name,
        customer,
        source: _,
        invoice_number,
        order_number,
        state,
        amount,
        paid,
        refunded,
        failed_payments,
        due_date,
        source_sequence: _,
        observe_time,
        version: _,
    } = invoice;
    pb::Invoice {
        name,
        customer,
        invoice_number,
        order_number,
        state,
        amount,
        paid,
        refunded,
        failed_payments,
        due_date,
        observe_time,
        ..pb::Invoice::default()
    }
}

/// Without what only we know that it follows from, such as a score.
fn own_ticket(ticket: pb::TicketView) -> pb::TicketView {
    let pb::TicketView { ticket, number, kind, state, closure, subject, create_time, update_time } = ticket;
    let subject = if KNOWN_SUBJECTS.iter().any(|known| subject.starts_with(known)) { subject } else { String::new() };
    pb::TicketView { ticket, number, kind, state, closure, subject, create_time, update_time }
}

/// Without why it was decided as it was.
fn own_message(message: pb::TimelineEntry) -> pb::TimelineEntry {
    let pb::TimelineEntry { kind, subject, r#type, label, time, mut details } = message;
    details.retain(|name, _| MESSAGE_DETAILS.contains(&name.as_str()));
    pb::TimelineEntry { kind, subject, r#type, label, time, details }
}
