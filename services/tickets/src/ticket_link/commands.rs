//! Writes of links. What a link may not be is held by the database (TK56).

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{LinkTicketsResponse, UnlinkTicketsResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Fault,
    idempotency::{once, remember},
};
use seva_values::{format_name, new_id};
use uuid::Uuid;

use super::{
    convert::COLLECTION,
    model::{Kind, TicketLink},
    store,
};
use crate::ticket::model::COLLECTION as TICKETS;

/// What links' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// What is said of which ticket with which.
#[derive(Debug)]
pub struct LinkTickets {
    pub from: Uuid,
    pub kind: Kind,
    pub to: Uuid,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Links two tickets.
    pub async fn link(&self, write: &Write, command: LinkTickets) -> Result<LinkTicketsResponse, Error> {
        let LinkTickets { from, kind, to } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let locked = store::lock_ends(&mut transaction, from, kind, to).await?;
            if let Some(missing) = [from, to].into_iter().find(|id| !locked.contains(id)) {
                return Err(Error::not_found(format_name(TICKETS, missing)));
            }
            let link = TicketLink::new(new_id(), from, kind, to, self.clock.now());
            store::insert(&mut transaction, write, &link).await.map_err(|fault| refusal(fault, &link))?;
            let response = LinkTicketsResponse { ticket_link: Some((&link).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Takes a link away.
    pub async fn unlink(&self, write: &Write, id: Uuid) -> Result<UnlinkTicketsResponse, Error> {
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            // Whoever resolves or opens one of them again meanwhile comes before or after: what holds a parent is in step with its links.
            if let Some((from, kind, to)) = store::load(&mut transaction, id).await? {
                store::lock_ends(&mut transaction, from, kind, to).await?;
            }
            let removed = store::remove(&mut transaction, write, id, self.clock.now()).await?;
            removed.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?;
            let response = UnlinkTicketsResponse {};
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }
}

/// What violated constraints mean to a caller.
fn refusal(fault: Fault, link: &TicketLink) -> Error {
    let (subject, has_to_be_true) = if fault.violates("ticket_link_once") {
        (link.from, "the tickets are not linked so yet")
    } else if fault.violates("ticket_link_one_parent") {
        (link.from, "it is a part of no other ticket")
    } else if fault.violates("ticket_link_without_circle") {
        (link.to, "the parent is no part of the child, nor of a part of it")
    } else if fault.violates("ticket_link_depth") {
        (link.to, "no more than five tickets are parts of each other in a row")
    } else if fault.violates("ticket_without_open_work") {
        (link.to, "the parent is neither resolved nor over, as the child is not resolved")
    } else {
        return fault.into();
    };
    Error::precondition(ErrorReason::StateForbids, "TK56", format_name(TICKETS, subject), has_to_be_true)
}
