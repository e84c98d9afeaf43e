//! What a customer says, whichever way it comes: what it does follows from where the ticket stands, and from the time alone.

use jiff::Timestamp;
use seva_runtime::Error;

use super::{Change, Reply, Ticket};
use crate::message::Message;

/// What the customer's words do.
#[derive(Debug)]
pub enum Heard {
    /// They are said on the ticket, which may be open again with them.
    Said(Box<Change>),
    /// It is over for good: they open the ticket that follows it.
    Follows,
}

impl Ticket {
    /// The customer says something that is more than thanks. On what is worked on it is said; a resolution it rejects (TK96); what is closed it
    /// opens again, or else another ticket follows (TK8, TK97).
    ///
    /// # Errors
    /// Those of the step that it is; none of them comes from where the ticket stands.
    pub fn hear(&self, words: Message, by_link: bool, now: Timestamp) -> Result<Heard, Error> {
        let change = if self.accepts_messages_of_customer() {
            let Message { visibility, author, author_id, medium, text, attachments, .. } = words;
            let reply = Reply { visibility, author, author_id, medium, text, attachments, awaits_customer: false };
            self.reply(reply, now)?
        } else if !self.is_over() {
            self.reject(by_link, Some(words), now)?
        } else if self.can_reopen(now) {
            self.reopen(words, now)?
        } else {
            return Ok(Heard::Follows);
        };
        Ok(Heard::Said(Box::new(change)))
    }
}
