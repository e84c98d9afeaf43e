//! Writes of tickets: load, decide, save. What is said besides stands in [`details`], what customers do by link in
//! [`by_link`], what they say on the phone about a resolution in [`verification`], tickets that their words open in [`opening`].

pub mod by_link;
mod details;
pub mod opening;
pub mod verification;

use std::future::{Future, ready};

use jiff::Timestamp;
use prost::Message as ProtoMessage;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AssignTicketResponse, CancelTicketResponse, CreateTicketResponse, ReopenTicketResponse, ReplyToTicketResponse,
        ResolveTicketResponse,
    },
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag,
    due::Bell,
    fault::write_conflict,
    idempotency::{once, remember},
};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    convert::message_to_proto,
    kind::{Kind, Priority},
    model::{Change, Matter, NewTicket, Reply, RootProblem, Ticket},
    state::CancelReason,
    store::{self, save},
};
use crate::{
    custom_field::{self, Values},
    merge,
    message::{Attachment, Author, Medium, Message, Visibility},
    policy::Policies,
    roster,
    routing::{self, Question, Unavailable},
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What tickets' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    policies: Policies,
    /// Rung when a ticket comes into a queue, or a place becomes free.
    routing: Bell,
}

/// A new ticket.
pub struct CreateTicket(pub NewTicket);

/// Which fields of which ticket change.
pub struct UpdateTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub edit: Edit,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Clone, Default)]
pub struct Edit {
    pub title: Option<String>,
    pub kind: Option<Kind>,
    pub priority: Option<Priority>,
    pub tags: Option<Vec<String>>,
    pub fields: Option<Values>,
}

/// Whose words are taken back, and why.
pub struct RedactMessage {
    pub ticket: Uuid,
    pub message: Uuid,
    pub reason: String,
}

/// What is said.
pub struct ReplyToTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub visibility: Visibility,
    pub author: Author,
    pub medium: Medium,
    pub text: String,
    pub attachments: Vec<Attachment>,
    pub awaits_customer: bool,
}

/// Who takes it; `None`: back to the queue.
pub struct AssignTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub assignee: Option<Uuid>,
    pub override_reason: Option<String>,
}

/// How it was solved.
pub struct ResolveTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub root_problem: RootProblem,
    pub note: String,
}

/// It is opened again.
pub struct ReopenTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub text: String,
}

/// It is called off.
pub struct CancelTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub reason: CancelReason,
}

impl Commands {
    /// On this database; rings `routing` when there is something to give out.
    pub fn new(db: Database, clock: BusinessClock, policies: Policies, routing: Bell) -> Self {
        Self { db, clock, policies, routing }
    }

    /// Opens a ticket.
    pub async fn create(&self, write: &Write, CreateTicket(new): CreateTicket) -> Result<CreateTicketResponse, Error> {
        let answer = once(&self.db, write, async {
            let (change, has_fields) = self.open(write, new.clone(), self.clock.now()).await?;
            if has_fields || !new.fields.is_empty() {
                self.fields_are_given(&change.ticket).await?;
            }
            let response = CreateTicketResponse { ticket: Some((&change.ticket).into()) };
            match save::insert(&self.db, write, &change, &response).await {
                Ok(()) => Ok(response),
                Err(error) => Err(self.with_ticket_of(new.matter.as_ref(), error).await),
            }
        })
        .await?;
        self.routing.ring();
        Ok(answer)
    }

    /// A ticket as it would be opened at a time, not written yet, and whether the company defines fields.
    pub(crate) async fn open(&self, write: &Write, new: NewTicket, at: Timestamp) -> Result<(Change, bool), Error> {
        let policy = self.policies.newest().await?;
        let facts = store::facts(self.db.calls(), new.customer, new.kind).await?;
        let has_fields = facts.has_fields;
        let around = facts.surroundings(&policy, &new);
        let around = around.ok_or_else(|| Error::not_found(format!("customers/{}", new.customer)))?;
        let change = Ticket::open(new_id(), new, around, write.story.clone().into(), at);
        Ok((change, has_fields))
    }

    /// Names the ticket that a matter has, in the refusal to open another one.
    async fn with_ticket_of(&self, matter: Option<&Matter>, error: Error) -> Error {
        let Some(matter) = matter.filter(|_| error.reason() == ErrorReason::MatterHasTicket) else { return error };
        match store::find_by_matter(&self.db, matter).await {
            Ok(Some(ticket)) => error.with_metadata("ticket", format!("tickets/{ticket}")),
            _ => error,
        }
    }

    /// Names what is under way, in the refusal to end a ticket because of it (TK11).
    pub(crate) async fn with_open_work(&self, id: Uuid, error: Error) -> Error {
        if !error.is_refused_by("TK11") {
            return error;
        }
        let open = store::open_work(&self.db, id).await.unwrap_or_default();
        open.into_iter().fold(error, |error, work| match work.starts_with("tickets/") {
            true => error.with_precondition("TK56", work, "it is a part of this one, and resolved first"),
            false => error.with_precondition("TK11", work, "it is over"),
        })
    }

    /// The end of a ticket, or the refusal that names what is under way.
    pub(crate) async fn explained(&self, ticket: &Ticket, end: Result<Change, Error>) -> Result<Change, Error> {
        match end {
            Err(error) => Err(self.with_open_work(ticket.id, error).await),
            end => end,
        }
    }

    /// Says that a ticket came into a queue, or a place became free.
    pub(crate) fn ring_routing(&self) {
        self.routing.ring();
    }

    /// A ticket as it is now: what time has brought about and nobody has told yet is told first (TK22).
    pub(crate) async fn load(&self, id: Uuid, now: Timestamp) -> Result<Ticket, Error> {
        let ticket = store::load(&self.db, id).await?;
        if !ticket.clocks.has_passed(now) {
            return Ok(ticket);
        }
        let mut transaction = self.db.begin().await?;
        let ticket = store::lock_one_at(&mut transaction, id, now).await?;
        self.db.commit(transaction).await?;
        Ok(ticket)
    }

    /// Saves what several steps have made of a ticket, all of them or none; `false` when another write came first.
    pub(crate) async fn save_steps(
        &self,
        write: &Write,
        before: &Ticket,
        changes: &[Change],
        response: &impl ProtoMessage,
    ) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        let locked = store::lock(&mut transaction, &[before.id]).await?;
        if locked.first().is_none_or(|ticket| ticket.version != before.version) {
            return Ok(false);
        }
        store::save_for(&mut transaction, write, changes, None).await.map_err(save::refusal)?;
        remember(&mut transaction, write, response).await?;
        self.db.commit(transaction).await?;
        self.routing.ring();
        Ok(true)
    }

    /// Says something.
    pub async fn reply(&self, write: &Write, command: ReplyToTicket) -> Result<ReplyToTicketResponse, Error> {
        let ReplyToTicket { id, etag, visibility, author, medium, text, attachments, awaits_customer } = command;
        let member = if author == Author::Staff { self.member(write).await? } else { None };
        let reply = |addressed: &Ticket| {
            let author_id = if author == Author::Customer { Some(addressed.customer) } else { member };
            let (text, attachments) = (text.clone(), attachments.clone());
            Ok(Reply { visibility, author, author_id, medium, text, attachments, awaits_customer })
        };
        let answer = |change: &Change| ReplyToTicketResponse {
            message: change.message.as_ref().map(|message| message_to_proto(&change.ticket, message)),
            ticket: Some((&change.ticket).into()),
        };
        self.say(write, id, etag, reply, answer).await
    }

    /// Gives it to somebody, or back to the queue.
    pub async fn assign(&self, write: &Write, command: AssignTicket) -> Result<AssignTicketResponse, Error> {
        let AssignTicket { id, etag, assignee, override_reason } = command;
        let decide = |ticket: Ticket, now| {
            let override_reason = override_reason.clone();
            async move { self.decide_assignment(&ticket, assignee, override_reason, now).await }
        };
        let answer = |change: &Change| AssignTicketResponse { ticket: Some((&change.ticket).into()) };
        self.change(write, id, etag, decide, answer).await
    }

    /// What giving it to somebody, or back to the queue, makes of a ticket.
    pub(crate) async fn decide_assignment(
        &self,
        ticket: &Ticket,
        assignee: Option<Uuid>,
        override_reason: Option<String>,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let Some(member) = assignee else { return ticket.unassign(now) };
        // Refused for its state first: that is what would have to change first.
        let change = ticket.assign(member, override_reason.is_some(), now)?;
        self.can_take(ticket, member, override_reason.is_some(), now).await?;
        // Recorded where staff read it, with who did it in the audit.
        Ok(Change { message: override_reason.map(|reason| by_system(reason, now)), ..change })
    }

    /// TK2
    async fn can_take(&self, ticket: &Ticket, member: Uuid, goes_over: bool, now: Timestamp) -> Result<(), Error> {
        let question = Question::of(ticket);
        let checked = routing::check_assignment(&self.db, member, ticket.department, &question, now).await?;
        match checked {
            Err(Unavailable::DoesNotServe) => Err(save::unavailable(Unavailable::DoesNotServe)),
            // What the ticket holds already is not asked for again.
            Err(Unavailable::NoFreePlace) if ticket.assignee == Some(member) => Ok(()),
            Err(why) if !goes_over => Err(save::unavailable(why)),
            _ => Ok(()),
        }
    }

    /// Says that it is solved.
    pub async fn resolve(&self, write: &Write, command: ResolveTicket) -> Result<ResolveTicketResponse, Error> {
        let ResolveTicket { id, etag, root_problem, note } = command;
        let member = self.member(write).await?;
        let decide = |ticket: Ticket, now| {
            let (root_problem, note) = (root_problem.clone(), note.clone());
            async move { self.decide_resolution(&ticket, root_problem, note, (Author::Staff, member), now).await }
        };
        let answer = |change: &Change| ResolveTicketResponse { ticket: Some((&change.ticket).into()) };
        self.change(write, id, etag, decide, answer).await
    }

    /// What a resolution makes of a ticket; the refusal names what is under way.
    pub(crate) async fn decide_resolution(
        &self,
        ticket: &Ticket,
        root_problem: RootProblem,
        note: String,
        author: (Author, Option<Uuid>),
        now: Timestamp,
    ) -> Result<Change, Error> {
        let schema = custom_field::store::schema(self.db.calls()).await?;
        let reach = self.reach(ticket).await?;
        let resolved = ticket.resolve(&schema, root_problem, note, author, &reach, now);
        self.explained(ticket, resolved).await
    }

    /// Opens a closed one again, or a new one that follows it.
    pub async fn reopen(&self, write: &Write, command: ReopenTicket) -> Result<ReopenTicketResponse, Error> {
        let ReopenTicket { id, etag, text } = command;
        let ticket = store::load(&self.db, id).await?;
        if ticket.can_reopen(self.clock.now()) || ticket.has_to_be_closed().is_err() {
            let decide =
                |ticket: Ticket, now| ready(ticket.reopen(by_customer(&ticket, text.clone(), Medium::Text, now), now));
            let answer = |change: &Change| ReopenTicketResponse { ticket: Some((&change.ticket).into()) };
            return self.change(write, id, etag, decide, answer).await;
        }
        etag.check(ticket.version)?;
        let new = NewTicket::following(&ticket, text);
        let answer = once(&self.db, write, async {
            let (change, _) = self.open(write, new.clone(), self.clock.now()).await?;
            let response = ReopenTicketResponse { ticket: Some((&change.ticket).into()) };
            match save::insert_following(&self.db, write, &change, ticket.id, &response).await {
                Ok(()) => Ok(response),
                Err(error) => Err(self.with_ticket_of(new.matter.as_ref(), error).await),
            }
        })
        .await?;
        self.routing.ring();
        Ok(answer)
    }

    /// Calls it off.
    pub async fn cancel(&self, write: &Write, command: CancelTicket) -> Result<CancelTicketResponse, Error> {
        let CancelTicket { id, etag, reason } = command;
        let decide = |ticket: Ticket, now| async move { self.explained(&ticket, ticket.cancel(reason, now)).await };
        let answer = |change: &Change| CancelTicketResponse { ticket: Some((&change.ticket).into()) };
        self.change(write, id, etag, decide, answer).await
    }

    /// Says something to a ticket; if that was merged, to the one that carries it on (TK53).
    pub(super) async fn say<R: ProtoMessage + Default>(
        &self,
        write: &Write,
        id: Uuid,
        etag: Etag,
        reply: impl Fn(&Ticket) -> Result<Reply, Error> + Send + Sync,
        answer: impl Fn(&Change) -> R + Send + Sync,
    ) -> Result<R, Error> {
        let answered = once(&self.db, write, async {
            for _ in 0..TRIES {
                let now = self.clock.now();
                let addressed = self.load(id, now).await?;
                etag.check(addressed.version)?;
                let reply = reply(&addressed)?;
                if addressed.merged_into.is_some() {
                    match merge::redirect(&self.db, write, &addressed, reply, now, &answer).await? {
                        Some(response) => return Ok(response),
                        None => continue,
                    }
                }
                let change = addressed.reply(reply, now)?;
                let response = answer(&change);
                if save::update(&self.db, write, &change, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await?;
        self.routing.ring();
        Ok(answered)
    }

    /// Loads, decides and saves, again when other writes come between.
    async fn change<R: ProtoMessage + Default, D: Future<Output = Result<Change, Error>> + Send>(
        &self,
        write: &Write,
        id: Uuid,
        etag: Etag,
        decide: impl Fn(Ticket, Timestamp) -> D + Send + Sync,
        answer: impl Fn(&Change) -> R + Send + Sync,
    ) -> Result<R, Error> {
        let answered = once(&self.db, write, async {
            for _ in 0..TRIES {
                let now = self.clock.now();
                let ticket = self.load(id, now).await?;
                etag.check(ticket.version)?;
                let change = decide(ticket, now).await?;
                let response = answer(&change);
                if save::update(&self.db, write, &change, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await?;
        self.routing.ring();
        Ok(answered)
    }

    /// The member who calls; `None` for staff who are not known here.
    pub(crate) async fn member(&self, write: &Write) -> Result<Option<Uuid>, Error> {
        Ok(roster::store::member_of_caller(self.db.calls(), write).await?)
    }
}

fn by_customer(ticket: &Ticket, text: String, medium: Medium, now: Timestamp) -> Message {
    Message {
        id: new_id(),
        visibility: Visibility::Public,
        author: Author::Customer,
        author_id: Some(ticket.customer),
        medium,
        text,
        created_at: now,
        attachments: Vec::new(),
        redacted_at: None,
    }
}

pub(crate) fn by_system(text: String, now: Timestamp) -> Message {
    Message {
        id: new_id(),
        visibility: Visibility::Internal,
        author: Author::System,
        author_id: None,
        medium: Medium::Text,
        text,
        created_at: now,
        attachments: Vec::new(),
        redacted_at: None,
    }
}
