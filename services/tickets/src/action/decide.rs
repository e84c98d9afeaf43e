//! Actions as steps of a ticket: the ones that a person's call takes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, error::reason_name};
use seva_values::Invalid;
use uuid::Uuid;

use super::model::{Action, rendered};
use crate::{
    message::{Author, Medium, Visibility},
    ticket::{Change, Commands, Ticket, commands::Edit, convert::MAX_TAGS, model::Reply},
};

/// Who carries actions out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody who serves; the member, as far as known.
    Person(Option<Uuid>),
    /// A rule. What it says is no answer of a person, and meets no clock.
    Rule,
}

impl By {
    const fn author(self) -> (Author, Option<Uuid>) {
        match self {
            Self::Person(member) => (Author::Staff, member),
            Self::Rule => (Author::System, None),
        }
    }
}

/// Which action was refused, and why.
#[derive(Debug)]
pub struct Refused {
    /// Counted from 0.
    pub action: usize,
    /// The refusal, as the action's own call is answered.
    pub error: Error,
}

/// A refusal as it is kept: in words of ours alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `STATE_FORBIDS`.
    pub reason: String,
    /// Such as `TK3`, where one forbids it.
    pub invariant: Option<String>,
    /// What would have to be true first.
    pub description: String,
    /// Which action, counted from 0.
    pub action: i16,
}

impl Refused {
    /// To a caller, with the action's place.
    #[must_use]
    pub fn into_error(self) -> Error {
        let Self { action, error } = self;
        error.with_metadata("action", action.to_string())
    }

    /// To be kept; what may go away by itself is not.
    ///
    /// # Errors
    /// The passing fault.
    pub fn kept(self) -> Result<Refusal, Error> {
        let Self { action, error } = self;
        if error.is_transient() { Err(error) } else { Ok(Refusal::of(action, &error)) }
    }
}

impl Refusal {
    /// What a refusal says.
    #[must_use]
    pub fn of(action: usize, error: &Error) -> Self {
        Self {
            reason: error.reason_name().to_owned(),
            invariant: error.invariant().map(str::to_owned),
            description: error.to_string(),
            action: i16::try_from(action).unwrap_or(i16::MAX),
        }
    }

    /// There is no such ticket.
    #[must_use]
    pub fn not_found() -> Self {
        Self {
            reason: reason_name(ErrorReason::ResourceNotFound).to_owned(),
            invariant: None,
            description: "the ticket does not exist".to_owned(),
            action: 0,
        }
    }
}

/// What actions make of a ticket, one after the other: all of them, or the first that is refused (TK121). Nothing is written.
///
/// # Errors
/// The refusal, with the action's place.
pub async fn decide(
    commands: &Commands,
    ticket: &Ticket,
    actions: &[Action],
    by: By,
    now: Timestamp,
) -> Result<Vec<Change>, Refused> {
    let mut ticket = ticket.clone();
    let mut changes = Vec::with_capacity(actions.len());
    for (at, action) in actions.iter().enumerate() {
        // Another priority may have brought a due time into the past.
        changes.extend(ticket.pass_time(now));
        ticket.clocks = ticket.clocks.written();
        let change = step(commands, &ticket, action, by, now).await;
        let change = change.map_err(|error| Refused { action: at, error })?;
        ticket = Ticket { clocks: change.ticket.clocks.clone().written(), ..change.ticket.clone() };
        changes.push(change);
    }
    Ok(changes)
}

async fn step(commands: &Commands, ticket: &Ticket, action: &Action, by: By, now: Timestamp) -> Result<Change, Error> {
    match action {
        Action::Reply { texts, awaits_customer } => {
            let text = texts.for_customer_of(ticket);
            ticket.reply(said(by, Visibility::Public, text, *awaits_customer), now)
        }
        Action::Note(text) => ticket.reply(said(by, Visibility::Internal, rendered(text, ticket), false), now),
        Action::SetPriority(priority) => {
            let edit = Edit { priority: Some(*priority), ..Edit::default() };
            commands.decide_update(ticket, edit, now).await
        }
        Action::Assign(assignee) => commands.decide_assignment(ticket, *assignee, None, now).await,
        Action::Resolve { root_problem, notes } => {
            let notes = notes.for_customer_of(ticket);
            commands.decide_resolution(ticket, root_problem.clone(), notes, by.author(), now).await
        }
        Action::ChangeTags { add, remove } => {
            let edit = Edit { tags: Some(changed_tags(&ticket.tags, add, remove)?), ..Edit::default() };
            commands.decide_update(ticket, edit, now).await
        }
        Action::Cancel(reason) => commands.explained(ticket, ticket.cancel(*reason, now)).await,
    }
}

fn changed_tags(before: &[String], add: &[String], remove: &[String]) -> Result<Vec<String>, Error> {
    let tags: BTreeSet<&String> = before.iter().chain(add).filter(|tag| !remove.contains(tag)).collect();
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid_field("tags", Invalid::new("TAGS_TOO_MANY", format!("{MAX_TAGS} at most"))));
    }
    Ok(tags.into_iter().cloned().collect())
}

fn said(by: By, visibility: Visibility, text: String, awaits_customer: bool) -> Reply {
    let (author, author_id) = by.author();
    let attachments = Vec::new();
    Reply { visibility, author, author_id, medium: Medium::Text, text, attachments, awaits_customer }
}
