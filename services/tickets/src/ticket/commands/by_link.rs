//! What customers do by link.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{SendMessageResponse, send_message_response::Outcome},
};
use seva_runtime::{Error, Write};
use seva_store::{
    Fault,
    fault::write_conflict,
    idempotency::{once, remember},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        model::{Change, NewTicket, Ticket, hearing::Heard},
        state::Act,
        store::{self, save},
    },
    Commands, TRIES, by_customer,
    opening::{opened_with, save_opened},
};
use crate::{
    inbound::places,
    merge,
    message::{Medium, Message},
};

/// How whoever writes on the page of a ticket comes, where that opens one that follows it.
const CHANNEL: &str = "web";

/// What the customer says by link about a resolution.
pub struct AnswerResolution {
    pub id: Uuid,
    pub generation: u32,
    pub resolution: i32,
    pub solved: bool,
    pub text: String,
}

/// What the customer says by link.
pub struct SendMessage {
    pub id: Uuid,
    pub generation: u32,
    pub text: String,
}

impl Commands {
    /// The customer says by link whether a resolution solved it; answers the ticket after it.
    ///
    /// # Errors
    /// `LINK_USED` when the link has ended, or something else was answered before, or another resolution came since.
    pub async fn answer(&self, write: &Write, command: AnswerResolution) -> Result<Ticket, Error> {
        let AnswerResolution { id, generation, resolution, solved, text } = command;
        for _ in 0..TRIES {
            let ticket = store::load(&self.db, id).await?;
            is_current(&ticket, generation)?;
            let ticket = merge::carried_for_customer(&self.db, ticket).await?;
            let now = self.clock.now();
            let ticket = if ticket.clocks.has_passed(now) { self.load(ticket.id, now).await? } else { ticket };
            if ticket.answered == Some((resolution, solved)) {
                return Ok(ticket);
            }
            if ticket.resolution != resolution || ticket.verification_due_at.is_none() {
                return Err(used("something else was answered, or another resolution came since"));
            }
            let record = (!text.is_empty()).then(|| by_customer(&ticket, text.clone(), Medium::Text, now));
            let change = if solved { ticket.confirm(true, record, now)? } else { ticket.reject(true, record, now)? };
            // It was said to a merged ticket, and keeps its merge from being undone (TK54).
            let saved = match ticket.id == id {
                true => save::update(&self.db, write, &change, &()).await?,
                false => merge::save_answer(&self.db, write, id, &change).await?,
            };
            if saved {
                self.routing.ring();
                return Ok(change.ticket);
            }
        }
        Err(write_conflict())
    }

    /// The customer says something by link: on the ticket, which is open again with it if it was resolved or closed; or on the one that carries
    /// it on, which may have to be opened first (TK97). What is remembered under the request's id holds no words.
    ///
    /// # Errors
    /// `LINK_USED` when the link has ended, `MATTER_HAS_TICKET` when its matter has a ticket of another customer that is not over.
    pub async fn send_message(&self, write: &Write, command: SendMessage) -> Result<SendMessageResponse, Error> {
        let SendMessage { id, generation, text } = command;
        let answered = once(&self.db, write, async {
            let mut refused = None;
            for _ in 0..TRIES {
                let now = self.clock.now();
                let addressed = self.load(id, now).await?;
                is_current(&addressed, generation)?;
                let words = by_customer(&addressed, text.clone(), Medium::Text, now);
                let said = match addressed.is_over() {
                    true => self.say_after_the_end(write, &addressed, words).await,
                    false => self.say_there(write, &addressed, words).await,
                };
                match said {
                    Ok(Some(response)) => return Ok(response),
                    Ok(None) => {}
                    // One of the customer's own may have come between the look and the write: the next look finds that.
                    Err(error) if error.reason() == ErrorReason::MatterHasTicket => refused = Some(error),
                    Err(error) => return Err(error),
                }
            }
            Err(refused.unwrap_or_else(write_conflict))
        })
        .await?;
        self.routing.ring();
        Ok(answered)
    }

    /// Says it on a ticket that is not over; `None` when another write came first.
    async fn say_there(
        &self,
        write: &Write,
        addressed: &Ticket,
        words: Message,
    ) -> Result<Option<SendMessageResponse>, Error> {
        let now = words.created_at;
        let Heard::Said(change) = addressed.hear(words, true, now)? else { return Ok(None) };
        let response = told(&change, addressed, addressed.id);
        Ok(save::update(&self.db, write, &change, &response).await?.then_some(response))
    }

    /// Says it where a ticket that is over goes on, as a message that came in is said there; `None` when it goes on elsewhere meanwhile.
    async fn say_after_the_end(
        &self,
        write: &Write,
        addressed: &Ticket,
        words: Message,
    ) -> Result<Option<SendMessageResponse>, Error> {
        let now = words.created_at;
        let policy = self.policies.newest().await?;
        let mut transaction = self.db.begin().await?;
        let Some(place) = place_of(&mut transaction, addressed.id).await? else { return Ok(None) };
        let (target, through) = place;
        let ids: Vec<Uuid> = [target].into_iter().chain(through).collect();
        let locked = store::lock_at(&mut transaction, &ids, now).await?;
        // Whoever was first may have merged it, undone a merge, or opened the ticket that follows.
        if place_of(&mut transaction, addressed.id).await? != Some(place) {
            return Ok(None);
        }
        let Some(ticket) = locked.into_iter().find(|ticket| ticket.id == target) else { return Ok(None) };
        let carrier = merge::store::carrier(&mut *transaction, addressed.id).await?;
        let (change, response) = match ticket.hear(words.clone(), true, now)? {
            Heard::Said(change) => {
                let response = told(&change, addressed, carrier);
                let changes = std::slice::from_ref(&*change);
                store::save_for(&mut transaction, write, changes, None).await.map_err(save::refusal)?;
                remember(&mut transaction, write, &response).await?;
                (*change, response)
            }
            Heard::Follows => {
                let new = NewTicket::following(&ticket, words.text.clone());
                let opened = opened_with(&mut transaction, write, &policy, new, words).await?;
                let response = told(&opened, addressed, carrier);
                let saved = save_opened(&mut transaction, write, &opened, CHANNEL, &response).await;
                saved.map_err(save::refusal)?;
                (opened, response)
            }
        };
        if let (Some(through), Some(message)) = (through, &change.message) {
            merge::store::came_through(&mut transaction, message.id, through).await?;
        }
        self.db.commit(transaction).await?;
        Ok(Some(response))
    }
}

/// Where what is said about a ticket goes, and the first on the way that was merged.
async fn place_of(connection: &mut PgConnection, ticket: Uuid) -> Result<Option<(Uuid, Option<Uuid>)>, Fault> {
    let place = places::targets(connection, &[ticket]).await?.remove(&ticket);
    Ok(place.map(|place| (place.ticket, place.through)))
}

/// What became of the customer's words, without them (TK9); `carrier` is the ticket that is seen by the link. Which one of another customer's has
/// them is not told (TK52).
fn told(change: &Change, addressed: &Ticket, carrier: Uuid) -> SendMessageResponse {
    let outcome = match change.act {
        _ if change.ticket.id != carrier => Outcome::Followed,
        Act::Rejected | Act::Reopened => Outcome::Reopened,
        _ => Outcome::Said,
    };
    let is_own = change.ticket.customer == addressed.customer;
    let ticket = if is_own { change.ticket.name() } else { addressed.name() };
    SendMessageResponse { conversation: None, ticket, outcome: outcome.into() }
}

/// Whether a link of this generation still leads to the ticket.
///
/// # Errors
/// `LINK_USED`.
pub fn is_current(ticket: &Ticket, generation: u32) -> Result<(), Error> {
    if i64::from(ticket.link_generation) == i64::from(generation) {
        return Ok(());
    }
    Err(used("a newer link has replaced it"))
}

fn used(why: &'static str) -> Error {
    Error::precondition(ErrorReason::LinkUsed, "TK10", "link", why)
}
