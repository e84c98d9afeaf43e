//! From the feed of the tickets service: each ticket in its newest state (CU24), and what a customer did or can see of it in the timeline.

use std::sync::Arc;

use async_trait::async_trait;
use seva_proto::tickets::v1::{TicketEvent, message::Visibility};
use seva_runtime::Error;
use seva_store::{Event, Fault, consumer::Handler, event::timestamp};
use seva_values::parse_name;
use sqlx::PgConnection;

use super::{
    convert::COLLECTION,
    store::{ToldTicket, save},
};
use crate::{
    customer::convert::COLLECTION as CUSTOMERS,
    newest::newest,
    progress,
    timeline::{
        details, lower_name,
        store::{Kind, NewEntry, enter_once},
    },
};

/// Whose feed it is.
const SOURCE: &str = "//tickets";
/// Beginning of the types that it reads.
const TYPES: &str = "seva.tickets.ticket.";

/// Keeps customers' tickets as they are told.
#[derive(Debug, Clone, Copy)]
pub struct Tickets;

#[async_trait]
impl Handler for Tickets {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let (mut told, mut lines) = (Vec::new(), Vec::new());
        for event in events {
            let Some(act) = act(event) else { continue };
            let payload: TicketEvent = event.payload()?;
            let ticket = ticket(event, &payload)?;
            if is_line(act, &payload) {
                lines.push(line(event, &ticket, &payload));
            }
            told.push(ticket);
        }
        save(transaction, &newest(told, |ticket| (ticket.id, ticket.sequence))).await?;
        enter_once(transaction, Kind::Ticket, &lines).await?;
        progress::note(transaction, SOURCE, events).await
    }
}

/// What happened to a ticket: `resolved` of `seva.tickets.ticket.resolved.v1`.
fn act(event: &Event) -> Option<&str> {
    event.kind.strip_prefix(TYPES)?.strip_suffix(".v1")
}

/// Whether it is a line of the timeline: what the customer did or can see. Who of us has it, how long it took and what we say among
/// ourselves is not; that a customer was asked again is a message of its own.
pub(super) fn is_line(act: &str, ticket: &TicketEvent) -> bool {
    match act {
        "created" | "resolved" | "rejected" | "reopened" | "closed" | "canceled" => true,
        "replied" | "pending" => ticket.message_visibility() == Visibility::Public,
        _ => false,
    }
}

fn ticket(event: &Event, payload: &TicketEvent) -> Result<ToldTicket, Error> {
    let id = parse_name(COLLECTION, &payload.ticket);
    let customer_id = parse_name(CUSTOMERS, &payload.customer);
    Ok(ToldTicket {
        id: id.map_err(|invalid| Error::invalid_field("ticket", invalid))?,
        customer_id: customer_id.map_err(|invalid| Error::invalid_field("customer", invalid))?,
        sequence: event.sequence,
        number: payload.number.clone(),
        kind: payload.kind,
        state: payload.state,
        closure: payload.closure,
        subject: follows_from(payload).to_owned(),
        created_at: timestamp(payload.create_time).unwrap_or(event.occurred_at),
        updated_at: event.occurred_at,
    })
}

/// What a ticket follows from: its matter, or the ticket whose time to be opened again was over.
fn follows_from(ticket: &TicketEvent) -> &str {
    ticket.matter.as_ref().map_or(&ticket.follow_up_of, |matter| &matter.subject)
}

fn line(event: &Event, ticket: &ToldTicket, payload: &TicketEvent) -> NewEntry {
    NewEntry {
        customer_id: ticket.customer_id,
        occurred_at: event.occurred_at,
        event_id: event.event_id,
        subject: payload.ticket.clone(),
        r#type: event.kind.clone(),
        label: ticket.number.clone(),
        details: details([
            ("state", lower_name(payload.state().as_str_name(), "STATE_")),
            ("kind", lower_name(payload.kind().as_str_name(), "KIND_")),
            ("closure", lower_name(payload.closure().as_str_name(), "CLOSURE_")),
            ("reason", lower_name(payload.cancel_reason().as_str_name(), "CANCEL_REASON_")),
            ("author", lower_name(payload.message_author().as_str_name(), "AUTHOR_")),
            ("message", payload.message.clone()),
            ("about", ticket.subject.clone()),
        ]),
        sequence: event.sequence,
    }
}
