//! Tickets that a customer's words open, which have them as their first message. Inside a transaction: whoever calls holds the locks.

use seva_runtime::{Error, Write};
use seva_store::Fault;
use seva_values::{format_name, new_id};
use sqlx::PgConnection;

use crate::{
    message::{self, Message},
    participant,
    policy::Policy,
    ticket::{
        convert::CUSTOMERS,
        model::{Change, NewTicket, Ticket},
        store::{self, save},
    },
};

/// A ticket as it would be opened with what a customer says on it, not written yet.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when nothing was heard of its customer.
pub async fn opened_with(
    connection: &mut PgConnection,
    write: &Write,
    policy: &Policy,
    new: NewTicket,
    words: Message,
) -> Result<Change, Fault> {
    let (customer, now) = (new.customer, words.created_at);
    let facts = store::facts(connection, customer, new.kind).await?;
    let around = facts.surroundings(policy, &new);
    let around = around.ok_or_else(|| Error::not_found(format_name(CUSTOMERS, customer)))?;
    let opened = Ticket::open(new_id(), new, around, write.story.clone().into(), now);
    Ok(Change { message: Some(words), ..opened })
}

/// Records a ticket that a customer's words have opened, who came by this channel. Customers who took part in the one that it follows take part
/// in it (TK15).
///
/// # Errors
/// The constraint `ticket_matter_open` when its matter has a ticket that is not over.
pub async fn save_opened(
    connection: &mut PgConnection,
    write: &Write,
    opened: &Change,
    channel: &str,
    response: &impl prost::Message,
) -> Result<(), Fault> {
    let ticket = &opened.ticket;
    save::insert_on(&mut *connection, write, opened, response).await?;
    store::came_by(&mut *connection, ticket.id, channel).await?;
    if let Some(words) = &opened.message {
        message::store::attach(&mut *connection, ticket.id, words).await?;
    }
    if let Some(follows) = ticket.follow_up_of {
        participant::store::take_over(connection, ticket.id, follows, ticket.created_at).await?;
    }
    Ok(())
}
