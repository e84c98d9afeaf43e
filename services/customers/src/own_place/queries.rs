//! The read of an own place.

use futures::try_join;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_store::{Database, paging::PageRequest};
use tonic::Code;
use uuid::Uuid;

use super::store::{self, Owner};
use crate::{
    invoice::model::Invoice,
    order::model::Order,
    place::queries::{Part, Readers, newest_invoices, newest_orders, newest_sent, newest_tickets},
    progress::{self, Read},
    ticket::store::TicketRow,
    timeline::store::EntryRow,
};

/// What a customer sees of themselves.
#[derive(Debug)]
pub struct OwnPlace {
    pub owner: Owner,
    pub orders: Part<Order>,
    pub invoices: Part<Invoice>,
    pub tickets: Part<TicketRow>,
    /// How far the tickets have been read.
    pub tickets_read: Read,
    /// Those that were sent.
    pub messages: Part<EntryRow>,
    /// How far the messages have been read.
    pub messages_read: Read,
}

/// The place that a link of this generation leads to (CU25): nothing is read before the link is known to be good, then one query a part, all at
/// once. `shown` is a first page of [`crate::place::queries::SHOWN`].
///
/// # Errors
/// `LINK_USED` when the customer's links were ended since; `CREDENTIAL_INVALID` when there is no such customer any more.
pub async fn get(
    db: &Database,
    readers: &Readers,
    shown: &PageRequest,
    id: Uuid,
    generation: u32,
) -> Result<OwnPlace, Error> {
    let owner = store::owner(db, id)
        .await?
        .ok_or_else(|| Error::new(Code::Unauthenticated, ErrorReason::CredentialInvalid, "the link is not valid"))?;
    if i64::from(owner.link_generation) != i64::from(generation) {
        let ended = "the customer's links were ended; a newer message has a new one";
        return Err(Error::precondition(ErrorReason::LinkUsed, "CU25", "link", ended));
    }
    let (orders, invoices, tickets, messages, progress) = try_join!(
        newest_orders(db, shown, id),
        newest_invoices(db, id),
        newest_tickets(db, shown, id),
        newest_sent(db, shown, id),
        progress::load(db),
    )?;
    Ok(OwnPlace {
        owner,
        orders,
        invoices,
        tickets,
        tickets_read: progress.read_by(&readers.tickets),
        messages,
        messages_read: progress.read_by(&readers.messages),
    })
}
