//! What customers say on the phone about a resolution, or that nobody answered.

use jiff::Timestamp;
use prost::Message as ProtoMessage;
use seva_runtime::{Error, Write};
use seva_store::{Etag, Fault};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    super::model::{
        Change, Ticket,
        verification::{Answer, Call, Reach},
    },
    Commands, by_customer,
};
use crate::{
    message::{Author, Medium, Message, Visibility},
    recipient,
};

/// A call about a resolution.
pub struct RecordCall {
    pub id: Uuid,
    pub etag: Etag,
    /// When it was made; `None`: now.
    pub at: Option<Timestamp>,
    pub said: Said,
}

/// What was said, and who said it.
#[derive(Clone)]
pub enum Said {
    /// Nobody answered.
    Nothing,
    /// It is solved.
    Solved { caller: String },
    /// It is not.
    NotSolved { caller: String, text: String },
    /// They want to be called again, then.
    CallAgain { caller: String, at: Timestamp },
}

impl Commands {
    /// Records a call.
    pub async fn record_call<R: ProtoMessage + Default>(
        &self,
        write: &Write,
        command: RecordCall,
        answer: impl Fn(&Change) -> R + Send + Sync,
    ) -> Result<R, Error> {
        let RecordCall { id, etag, at, said } = command;
        let member = self.member(write).await?;
        let decide = |ticket: Ticket, now| {
            let answer = answer_of(said.clone(), &ticket, member, now);
            async move {
                let reach = self.reach(&ticket).await?;
                ticket.call(Call { at: at.unwrap_or(now), member, answer }, &reach, now)
            }
        };
        self.change(write, id, etag, decide, answer).await
    }

    /// How the customer of a ticket can be reached.
    pub(super) async fn reach(&self, ticket: &Ticket) -> Result<Reach, Fault> {
        Ok(Reach::of(recipient::store::find(self.db.calls(), ticket.customer).await?.as_ref()))
    }
}

fn answer_of(said: Said, ticket: &Ticket, member: Option<Uuid>, now: Timestamp) -> Answer {
    match said {
        Said::Nothing => Answer::Nobody,
        Said::Solved { caller } => {
            Answer::Confirmed(note(format!("{caller} says on the phone that it is solved."), member, now))
        }
        Said::NotSolved { caller, text } => {
            Answer::Rejected(by_customer(ticket, format!("{caller}, on the phone: {text}"), Medium::PhoneCall, now))
        }
        Said::CallAgain { caller, at } => {
            Answer::Again(at, note(format!("{caller} asks on the phone to be called again."), member, now))
        }
    }
}

fn note(text: String, member: Option<Uuid>, now: Timestamp) -> Message {
    Message {
        id: new_id(),
        visibility: Visibility::Internal,
        author: Author::Staff,
        author_id: member,
        medium: Medium::PhoneCall,
        text,
        created_at: now,
        attachments: Vec::new(),
        redacted_at: None,
    }
}
