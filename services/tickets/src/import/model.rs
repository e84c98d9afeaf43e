//! A history, and the ticket that it leads to. Pure.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Violations};
use seva_values::Invalid;
use uuid::Uuid;

use crate::{
    custom_field::{Schema, Values, model::Required},
    message::{Author, Medium, Visibility},
    policy::{Matched, Policy},
    ticket::{
        CancelReason, Change, Closure, Priority, State, Ticket,
        model::{NewTicket, Reply, RootProblem, StoryOf, Surroundings, Update, verification::Reach},
        state::Act,
    },
};

/// A ticket of another system.
#[derive(Clone)]
pub struct ImportedTicket {
    pub source: String,
    pub external_id: String,
    pub new: NewTicket,
    pub created_at: Timestamp,
    /// In the order of time, none of it in the future.
    pub history: Vec<(Timestamp, Step)>,
    /// Where it stands in the end.
    pub end: (State, Option<Closure>),
    /// Of the message that it came in: another one under the same identity is another ticket.
    pub hash: [u8; 32],
}

impl ImportedTicket {
    /// What names it in the system that it comes from (TK127).
    pub fn identity(&self) -> (String, String) {
        (self.source.clone(), self.external_id.clone())
    }
}

/// One thing that happened to it.
#[derive(Clone)]
pub enum Step {
    Said(Reply),
    Assigned(Option<Uuid>),
    Prioritized(Priority),
    Resolved { root_problem: RootProblem, note: String },
    Confirmed,
    Rejected(String),
    Reopened(String),
    Canceled(CancelReason),
}

impl std::fmt::Debug for Step {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Said(reply) if reply.author == Author::Customer => "said by the customer",
            Self::Said(reply) if reply.awaits_customer => "asked",
            Self::Said(_) => "said",
            Self::Assigned(Some(_)) => "assigned",
            Self::Assigned(None) => "unassigned",
            Self::Prioritized(_) => "prioritized",
            Self::Resolved { .. } => "resolved",
            Self::Confirmed => "confirmed",
            Self::Rejected(_) => "rejected",
            Self::Reopened(_) => "reopened",
            Self::Canceled(_) => "canceled",
        })
    }
}

/// A ticket after its history.
#[derive(Debug, Clone)]
pub struct Imported {
    /// As it was opened.
    pub opened: Change,
    /// Every step, and what time has brought about; the last one is where it stands.
    pub changes: Vec<Change>,
}

impl Imported {
    /// Where it stands.
    pub fn last(&self) -> &Change {
        self.changes.last().unwrap_or(&self.opened)
    }

    /// In which states it was before.
    pub fn stays(&self) -> Vec<Stay> {
        let (mut state, mut since) = (self.opened.ticket.state, self.opened.ticket.created_at);
        let mut stays = Vec::new();
        for Change { ticket: next, .. } in &self.changes {
            if next.state != state {
                let until = next.updated_at.max(since);
                let next = (next.state, next.closure);
                stays.push(Stay { ticket: self.opened.ticket.id, state, since, until, next });
                (state, since) = (next.0, until);
            }
        }
        stays
    }

    /// What is told of it: that it was imported.
    pub fn told(&self) -> Change {
        Change { act: Act::Imported, message: None, passed: None, ..self.last().clone() }
    }
}

/// A stay of a ticket in a state that is over, and what came then.
#[derive(Debug)]
pub struct Stay {
    pub ticket: Uuid,
    pub state: State,
    pub since: Timestamp,
    pub until: Timestamp,
    /// With how it was closed.
    pub next: (State, Option<Closure>),
}

/// What a history makes of a ticket: the steps that a person's call takes, each at its time (TK128).
///
/// # Errors
/// The refusal of a step, with its place, or of where it leads.
pub fn replay(
    id: Uuid,
    imported: &ImportedTicket,
    around: Surroundings,
    (policy, schema): (&Policy, &Schema),
    story: StoryOf,
    now: Timestamp,
) -> Result<Imported, Error> {
    let opened = Ticket::open(id, imported.new.clone(), around, story, imported.created_at);
    let mut ticket = written(&opened);
    has_its_fields(&ticket, schema)?;
    let mut changes = Vec::with_capacity(imported.history.len() + 1);
    for (at, (time, step)) in imported.history.iter().enumerate() {
        let change = take(&ticket, step, (policy, schema), *time);
        let mut change = change.map_err(|refused| refused.with_metadata("step", at.to_string()))?;
        ticket = written(&change);
        // A history is long, and so may be the words: they are written with the opening.
        change.ticket.stated_problem = String::new();
        changes.push(change);
    }
    // Whoever has not answered in six days does not any more.
    let given_up = ticket.verification_due_at.filter(|due| *due <= now).and_then(|due| ticket.verify(&unknown(), due));
    if let Some(mut closed) = given_up {
        // Nor is it known why.
        (ticket.unverified, closed.ticket.unverified) = (None, None);
        changes.push(closed);
    }
    let is_at = ticket.updated_at;
    changes.extend(ticket.pass_time(now));
    if (ticket.state, ticket.closure) != imported.end {
        let leads_to = format!("the history leads to where it is said to stand: it leads to {}", ticket.state.name());
        return Err(Error::precondition(ErrorReason::StateForbids, "TK128", ticket.name(), leads_to));
    }
    // Whoever has it has the usual time to say something from now on.
    let return_due_at = ticket.return_due_at.and_then(|_| ticket.clocks.after(ticket.targets.return_after, now));
    // Of what stands resolved we ask from now on, as the customer can be reached then.
    let ask_at = (ticket.state == State::Resolved).then_some(now);
    // All of it is one change, and the first one that is told.
    for change in &mut changes {
        (change.ticket.version, change.ticket.updated_at) = (1, change.ticket.updated_at.min(is_at));
        (change.ticket.return_due_at, change.ticket.verification_due_at) = (return_due_at, ask_at);
    }
    Ok(Imported { opened, changes })
}

/// TK13
fn has_its_fields(ticket: &Ticket, schema: &Schema) -> Result<(), Error> {
    let mut violations = Violations::default();
    for (key, fault) in schema.faults(ticket.kind, &ticket.fields, &Values::default()) {
        violations.add(format!("fields[{key}]"), fault);
    }
    for key in schema.missing(ticket.kind, &ticket.fields, Required::ToOpen) {
        violations.add(format!("fields[{key}]"), Invalid::new("FIELD_REQUIRED", "is required"));
    }
    violations.finish(Some(()))
}

fn written(change: &Change) -> Ticket {
    Ticket { clocks: change.ticket.clocks.clone().written(), ..change.ticket.clone() }
}

fn take(ticket: &Ticket, step: &Step, (policy, schema): (&Policy, &Schema), at: Timestamp) -> Result<Change, Error> {
    match step {
        Step::Said(reply) => {
            let author_id = if reply.author == Author::Customer { Some(ticket.customer) } else { reply.author_id };
            ticket.reply(Reply { author_id, ..reply.clone() }, at)
        }
        // Whoever had it had a place for it, or went over that: it is no matter of today's.
        Step::Assigned(Some(member)) => ticket.assign(*member, true, at),
        Step::Assigned(None) => ticket.unassign(at),
        Step::Prioritized(priority) => {
            let Ticket { kind, department, tier, .. } = *ticket;
            let targets = policy.targets(&Matched { kind, department, tier, priority: *priority });
            ticket.update(Update { priority: Some(*priority), ..Update::default() }, targets, schema, at)
        }
        Step::Resolved { root_problem, note } => {
            ticket.resolve(schema, root_problem.clone(), note.clone(), (Author::Staff, ticket.assignee), &unknown(), at)
        }
        Step::Confirmed => ticket.confirm(false, None, at),
        Step::Rejected(text) => ticket.reject(false, Some(by_customer(ticket, text).at(at)), at),
        Step::Reopened(text) => ticket.reopen(by_customer(ticket, text).at(at), at),
        Step::Canceled(reason) => ticket.cancel(*reason, at),
    }
}

/// How the other system has asked its customers whether it was solved: of that nothing is known, and no attempt is made up.
fn unknown() -> Reach {
    Reach { by_itself: Vec::new(), ..Reach::by_mail() }
}

fn by_customer(ticket: &Ticket, text: &str) -> Reply {
    Reply {
        visibility: Visibility::Public,
        author: Author::Customer,
        author_id: Some(ticket.customer),
        medium: Medium::Text,
        text: text.to_owned(),
        attachments: Vec::new(),
        awaits_customer: false,
    }
}
