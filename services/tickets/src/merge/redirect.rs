//! What comes to a ticket that was merged: it lands on the one that carries it on (TK53).

use jiff::Timestamp;
use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, idempotency::remember};
use uuid::Uuid;

use super::store as merges;
use crate::ticket::{
    Change, Ticket,
    model::Reply,
    store::{self, save_for},
};

/// The same ticket as it is shown: it leads to the last of its way.
pub(crate) async fn shown(db: &Database, mut ticket: Ticket) -> Result<Ticket, Error> {
    if let Some((target, _)) = &mut ticket.merged_into {
        *target = merges::carrier(db.calls(), *target).await?;
    }
    Ok(ticket)
}

/// The ticket that carries one on, if it is of the same customer: by a link nobody sees what is another one's.
pub async fn carried_for_customer(db: &Database, ticket: Ticket) -> Result<Ticket, Error> {
    if ticket.merged_into.is_none() {
        return Ok(ticket);
    }
    let carrier = store::load(db, merges::carrier(db.calls(), ticket.id).await?).await?;
    Ok(if carrier.customer == ticket.customer { carrier } else { ticket })
}

/// Saves what the customer answers by the link of a merged ticket, said on the one that carries it on; `false` when another write came first.
pub(crate) async fn save_answer(db: &Database, write: &Write, addressed: Uuid, change: &Change) -> Result<bool, Error> {
    let mut transaction = db.begin().await?;
    let carrier = &change.ticket;
    let locked = store::lock(&mut transaction, &[addressed, carrier.id]).await?;
    let is_next = |ticket: &Ticket| ticket.id == carrier.id && ticket.version + 1 == carrier.version;
    if !locked.iter().any(is_next) || merges::carrier(&mut *transaction, addressed).await? != carrier.id {
        return Ok(false);
    }
    save_for(&mut transaction, write, std::slice::from_ref(change), None).await.map_err(store::refusal)?;
    if let Some(message) = &change.message {
        merges::came_through(&mut transaction, message.id, addressed).await?;
    }
    remember(&mut transaction, write, &()).await?;
    db.commit(transaction).await?;
    Ok(true)
}

/// Says to the ticket that carries this one on what was meant for this one; `None` when another merge came between.
pub(crate) async fn redirect<R: Message>(
    db: &Database,
    write: &Write,
    addressed: &Ticket,
    reply: Reply,
    now: Timestamp,
    answer: impl Fn(&Change) -> R,
) -> Result<Option<R>, Error> {
    let mut transaction = db.begin().await?;
    let carrier = merges::carrier(&mut *transaction, addressed.id).await?;
    let locked = store::lock_at(&mut transaction, &[addressed.id, carrier], now).await?;
    if merges::carrier(&mut *transaction, addressed.id).await? != carrier || carrier == addressed.id {
        return Ok(None);
    }
    let Some(carrier) = locked.into_iter().find(|ticket| ticket.id == carrier) else { return Ok(None) };
    let change = carrier.reply(reply, now)?;
    let response = answer(&change);
    save_for(&mut transaction, write, std::slice::from_ref(&change), None).await?;
    if let Some(message) = &change.message {
        merges::came_through(&mut transaction, message.id, addressed.id).await?;
    }
    remember(&mut transaction, write, &response).await?;
    db.commit(transaction).await?;
    Ok(Some(response))
}
