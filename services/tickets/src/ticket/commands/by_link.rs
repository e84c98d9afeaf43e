//! What customers do by link.

use seva_proto::{common::v1::ErrorReason, tickets::v1::SendMessageResponse};
use seva_runtime::{Error, Write};
use seva_store::{Etag, fault::write_conflict};
use uuid::Uuid;

use super::{
    super::{
        model::{Reply, Ticket},
        store::{self, save},
    },
    Commands, TRIES, by_customer,
};
use crate::{
    merge,
    message::{Author, Medium, Visibility},
};

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

    /// The customer says something by link. What is remembered under the request's id holds no words.
    ///
    /// # Errors
    /// `LINK_USED` when the link has ended, `STATE_FORBIDS` (TK4) when it is resolved or over.
    pub async fn send_message(&self, write: &Write, command: SendMessage) -> Result<(), Error> {
        let SendMessage { id, generation, text } = command;
        let reply = |addressed: &Ticket| {
            is_current(addressed, generation)?;
            Ok(Reply {
                visibility: Visibility::Public,
                author: Author::Customer,
                author_id: Some(addressed.customer),
                medium: Medium::Text,
                text: text.clone(),
                attachments: Vec::new(),
                awaits_customer: false,
            })
        };
        self.say(write, id, Etag::default(), reply, |_| SendMessageResponse::default()).await?;
        Ok(())
    }
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
