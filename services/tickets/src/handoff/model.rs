//! What can happen to a hand-off and, with it, to its ticket. Pure.

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{format_name, new_id};
use tonic::Code;
use uuid::Uuid;

pub use super::state::{Act, State};
use crate::{
    clock::{Calendar, Clocks, Kind},
    message::{Author, Medium, Visibility},
    policy::Targets,
    roster::StaffMember,
    ticket::{Change as TicketChange, State as TicketState, Ticket, model::Reply},
};

/// Collection of hand-offs' names.
pub const COLLECTION: &str = "handoffs";
/// So often anybody may send it on instead of having it done (TK47).
pub const BOUNCES: i32 = 1;

/// What is handed to a department: its turn.
#[derive(Clone, PartialEq, Eq)]
pub struct Handoff {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What it is about.
    pub ticket: Uuid,
    /// The department that asks.
    pub from: Option<Uuid>,
    /// The member who asks.
    pub sender: Uuid,
    /// The department that is asked.
    pub department: Uuid,
    /// Where it stands.
    pub state: State,
    /// Who of the department took or refused it.
    pub member: Option<Uuid>,
    /// What is wanted: personal data.
    pub wanted: String,
    /// The last word about it: personal data.
    pub answer: String,
    /// The messages that say what is wanted and the last word: with them these are taken back (TK6).
    pub wanted_by: Option<Uuid>,
    pub answered_by: Option<Uuid>,
    /// How often it was sent on instead of being done, in all turns.
    pub bounces: i32,
    /// The turn before this one.
    pub follows: Option<Uuid>,
    /// The round of the ticket's clock that counts to the answer.
    pub ack_round: i32,
    /// The round of the ticket's clock that counts to the result.
    pub done_round: i32,
    /// It was not answered in time.
    pub ack_breached: bool,
    /// There was no result in time, at first or after it was returned.
    pub done_breached: bool,
    /// When it has to be answered.
    pub ack_due_at: Timestamp,
    /// When there has to be a result.
    pub done_due_at: Timestamp,
    /// The department's working time from the offer to its answer.
    pub ack: Option<SignedDuration>,
    /// The same to its last result.
    pub done: Option<SignedDuration>,
    /// Business time, as all that follow.
    pub offered_at: Timestamp,
    pub updated_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

impl std::fmt::Debug for Handoff {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, state, department, bounces, .. } = self;
        f.debug_struct("Handoff")
            .field("id", id)
            .field("version", version)
            .field("state", state)
            .field("department", department)
            .field("bounces", bounces)
            .finish_non_exhaustive()
    }
}

/// A hand-off after something happened to it, and what that was.
#[derive(Debug, Clone)]
pub struct Change {
    /// The hand-off after it.
    pub handoff: Handoff,
    /// What happened.
    pub act: Act,
}

/// A department that is asked, with its hours, and what holds for it there.
#[derive(Clone)]
pub struct Asked {
    pub department: Uuid,
    pub calendar: Calendar,
    pub targets: Targets,
    /// It has refused something of this ticket before.
    pub refused_before: bool,
}

/// What is handed over.
#[derive(Clone)]
pub struct NewHandoff {
    /// Why, for staff: personal data.
    pub reason: String,
    /// What is wanted: personal data.
    pub wanted: String,
}

/// Whether a member may decide over others.
fn leads(member: &StaffMember) -> bool {
    member.role.leads()
}

/// What one member writes for others.
pub(super) fn internal(text: String, author: Uuid) -> Reply {
    Reply {
        visibility: Visibility::Internal,
        author: Author::Staff,
        author_id: Some(author),
        medium: Medium::Text,
        text,
        attachments: Vec::new(),
        awaits_customer: false,
    }
}

impl Handoff {
    /// Its resource name.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Whether the ticket waits for the department.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        matches!(self.state, State::Offered | State::Accepted)
    }

    /// Something of a ticket is handed to another department; answers it with what it does to the ticket.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4, TK47, TK48).
    pub fn offer(
        ticket: &Ticket,
        new: NewHandoff,
        asked: Asked,
        by: &StaffMember,
        now: Timestamp,
    ) -> Result<(TicketChange, Change), Error> {
        let from = ticket.department.or(by.department);
        let refused = |invariant, why| {
            let error = Error::precondition(ErrorReason::StateForbids, invariant, ticket.name(), why);
            Err(error.with_metadata("state", ticket.state.name()))
        };
        if from == Some(asked.department) {
            return refused("TK48", "the department is another one than that which asks");
        }
        if asked.refused_before && !leads(by) {
            let why =
                "the department has not refused something of this ticket before, or a lead or a manager asks it again";
            return refused("TK47", why);
        }
        let NewHandoff { reason, wanted } = new;
        let mut of_ticket = ticket.wait_for_department(now)?;
        let message = internal(format!("{wanted}\n\n{reason}"), by.id).at(now);
        let wanted = (wanted, Some(message.id));
        of_ticket.message = Some(message);
        let handoff = Self::turn(ticket, &mut of_ticket.ticket.clocks, (from, by.id), wanted, &asked, now);
        of_ticket.ticket.open_work += 1;
        Ok((of_ticket, handoff.by(Act::Offered)))
    }

    /// A department's turn begins, and its clocks.
    fn turn(
        ticket: &Ticket,
        clocks: &mut Clocks,
        (from, sender): (Option<Uuid>, Uuid),
        (wanted, wanted_by): (String, Option<Uuid>),
        asked: &Asked,
        now: Timestamp,
    ) -> Self {
        let Asked { department, calendar, targets, .. } = asked;
        let ack_round = clocks.begin_on(Kind::HandoffAck, targets.handoff_ack, calendar.clone(), now);
        let done_round = clocks.begin_on(Kind::HandoffDone, targets.handoff_done, calendar.clone(), now);
        Self {
            id: new_id(),
            version: 1,
            ticket: ticket.id,
            from,
            sender,
            department: *department,
            state: State::Offered,
            member: None,
            wanted,
            answer: String::new(),
            wanted_by,
            answered_by: None,
            bounces: 0,
            follows: None,
            ack_round,
            done_round,
            ack_breached: false,
            done_breached: false,
            ack_due_at: calendar.add(now, targets.handoff_ack),
            done_due_at: calendar.add(now, targets.handoff_done),
            ack: None,
            done: None,
            offered_at: now,
            updated_at: now,
            answered_at: None,
            done_at: None,
            ended_at: None,
        }
    }

    /// The department takes it.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK48), `RESOURCE_FORBIDDEN` (TK46).
    pub fn accept(&self, ticket: &Ticket, by: &StaffMember, now: Timestamp) -> Result<(TicketChange, Change), Error> {
        self.is_turn_of(by)?;
        self.has_to_be(State::Offered)?;
        let of_ticket = ticket.count(|clocks| clocks.meet(Kind::HandoffAck, self.ack_round, now), now);
        let next = Self { state: State::Accepted, ..self.answered(&of_ticket.ticket, by, now) };
        Ok((of_ticket, next.by(Act::Accepted)))
    }

    /// The department refuses it; with another department `on` it is that one's turn, which follows this one.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK47, TK48), `RESOURCE_FORBIDDEN` (TK46).
    pub fn refuse(
        &self,
        ticket: &Ticket,
        reason: String,
        on: Option<Asked>,
        by: &StaffMember,
        now: Timestamp,
    ) -> Result<(TicketChange, Vec<Change>), Error> {
        self.is_turn_of(by)?;
        self.has_to_be(State::Offered)?;
        let asked = match on {
            Some(asked) => Some(self.pass_to(asked, by)?),
            None => None,
        };
        let note = internal(reason.clone(), by.id).at(now);
        let mut of_ticket = match &asked {
            Some(_) => ticket.count(|_| (), now),
            None => self.goes_on(ticket, now)?,
        };
        let answered_by = Some(note.id);
        of_ticket.message = Some(note);
        let clocks = &mut of_ticket.ticket.clocks;
        clocks.meet(Kind::HandoffAck, self.ack_round, now);
        clocks.cancel_round(Kind::HandoffDone, self.done_round, now);
        let following = asked.map(|asked| {
            let wanted = (self.wanted.clone(), self.wanted_by);
            let turn = Self::turn(ticket, clocks, (self.from, self.sender), wanted, &asked, now);
            Self { bounces: self.bounces + 1, follows: Some(self.id), ..turn }.by(Act::Offered)
        });
        let refused = Self {
            state: State::Refused,
            answer: reason,
            answered_by,
            ended_at: Some(now),
            ..self.answered(&of_ticket.ticket, by, now)
        };
        let changes = std::iter::once(refused.by(Act::Refused)).chain(following).collect();
        Ok((of_ticket, changes))
    }

    /// There is a result.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK48), `RESOURCE_FORBIDDEN` (TK46).
    pub fn complete(
        &self,
        ticket: &Ticket,
        result: String,
        by: &StaffMember,
        now: Timestamp,
    ) -> Result<(TicketChange, Change), Error> {
        self.is_turn_of(by)?;
        self.has_to_be(State::Accepted)?;
        let mut of_ticket = self.goes_on(ticket, now)?;
        let message = internal(result.clone(), by.id).at(now);
        let answered_by = Some(message.id);
        of_ticket.message = Some(message);
        of_ticket.ticket.clocks.meet(Kind::HandoffDone, self.done_round, now);
        let next = Self {
            state: State::Done,
            answer: result,
            answered_by,
            done: Some(self.working(&of_ticket.ticket, now)),
            done_at: Some(now),
            ..self.counted(&of_ticket.ticket, now)
        };
        Ok((of_ticket, next.by(Act::Completed)))
    }

    /// The sender says that it is done.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK48), `RESOURCE_FORBIDDEN` (TK46).
    pub fn confirm(&self, ticket: &Ticket, by: &StaffMember, now: Timestamp) -> Result<Change, Error> {
        self.is_sent_by(ticket, by)?;
        self.has_to_be(State::Done)?;
        Ok(Self { state: State::Confirmed, ended_at: Some(now), ..self.next(now) }.by(Act::Confirmed))
    }

    /// The sender says that it is not done: it is the department's turn again.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK47, TK48), `RESOURCE_FORBIDDEN` (TK46).
    pub fn give_back(
        &self,
        ticket: &Ticket,
        reason: String,
        asked: &Asked,
        by: &StaffMember,
        now: Timestamp,
    ) -> Result<(TicketChange, Change), Error> {
        self.is_sent_by(ticket, by)?;
        self.has_to_be(State::Done)?;
        self.can_bounce(by)?;
        let mut of_ticket = match ticket.state {
            TicketState::Open => ticket.wait_for_department(now)?,
            _ => ticket.count(|_| (), now),
        };
        let message = internal(reason.clone(), by.id).at(now);
        let answered_by = Some(message.id);
        of_ticket.message = Some(message);
        let clocks = &mut of_ticket.ticket.clocks;
        let Asked { calendar, targets, .. } = asked;
        let done_round = clocks.begin_on(Kind::HandoffDone, targets.handoff_done, calendar.clone(), now);
        let next = Self {
            state: State::Accepted,
            answer: reason,
            answered_by,
            bounces: self.bounces + 1,
            done_round,
            done_due_at: calendar.add(now, targets.handoff_done),
            ..self.next(now)
        };
        Ok((of_ticket, next.by(Act::Returned)))
    }

    /// The sender takes it back.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK48), `RESOURCE_FORBIDDEN` (TK46).
    pub fn withdraw(&self, ticket: &Ticket, by: &StaffMember, now: Timestamp) -> Result<(TicketChange, Change), Error> {
        self.is_sent_by(ticket, by)?;
        if !self.is_under_way() {
            return Err(self.refusal("TK48", "it is offered or accepted"));
        }
        let mut of_ticket = self.goes_on(ticket, now)?;
        let clocks = &mut of_ticket.ticket.clocks;
        clocks.cancel_round(Kind::HandoffAck, self.ack_round, now);
        clocks.cancel_round(Kind::HandoffDone, self.done_round, now);
        let next = Self { state: State::Withdrawn, ended_at: Some(now), ..self.counted(&of_ticket.ticket, now) };
        Ok((of_ticket, next.by(Act::Withdrawn)))
    }

    /// The ticket goes on, unless it has done so already.
    fn goes_on(&self, ticket: &Ticket, now: Timestamp) -> Result<TicketChange, Error> {
        match ticket.state {
            TicketState::PendingDepartment => ticket.go_on(now),
            _ => Ok(ticket.count(|_| (), now)),
        }
    }

    fn answered(&self, ticket: &Ticket, by: &StaffMember, now: Timestamp) -> Self {
        let ack = Some(self.working(ticket, now));
        Self { member: Some(by.id), ack, answered_at: Some(now), ..self.counted(ticket, now) }
    }

    /// The next version, which knows what its clocks say: what was late stays so (TK23).
    fn counted(&self, ticket: &Ticket, now: Timestamp) -> Self {
        let late = |kind, round| ticket.clocks.round(kind, round).is_some_and(|clock| clock.breached_at.is_some());
        Self {
            ack_breached: self.ack_breached || late(Kind::HandoffAck, self.ack_round),
            done_breached: self.done_breached || late(Kind::HandoffDone, self.done_round),
            ..self.next(now)
        }
    }

    /// The department's working time since the offer.
    fn working(&self, ticket: &Ticket, now: Timestamp) -> SignedDuration {
        let clock = ticket.clocks.round(Kind::HandoffDone, self.done_round);
        clock.map_or_else(|| self.offered_at.duration_until(now), |clock| clock.calendar.between(self.offered_at, now))
    }

    /// TK47, TK48
    fn pass_to(&self, asked: Asked, by: &StaffMember) -> Result<Asked, Error> {
        if [Some(self.department), self.from].contains(&Some(asked.department)) {
            return Err(self.refusal("TK48", "it is passed on to a third department; to the sender it goes back"));
        }
        if asked.refused_before && !leads(by) {
            return Err(
                self.refusal("TK47", "the department has not refused it before, or a lead or a manager asks it again")
            );
        }
        self.can_bounce(by)?;
        Ok(asked)
    }

    /// TK47
    fn can_bounce(&self, by: &StaffMember) -> Result<(), Error> {
        if self.bounces < BOUNCES || leads(by) {
            return Ok(());
        }
        Err(self.refusal("TK47", "it has not been sent on or returned before, or a lead or a manager decides it"))
    }

    /// TK46
    fn is_turn_of(&self, by: &StaffMember) -> Result<(), Error> {
        if by.department == Some(self.department) || leads(by) {
            return Ok(());
        }
        Err(forbidden(self.name(), "the department that is asked, its leads and managers act in its turn"))
    }

    /// TK46
    fn is_sent_by(&self, ticket: &Ticket, by: &StaffMember) -> Result<(), Error> {
        let asks = by.department.is_some() && by.department == self.from;
        if asks || by.id == self.sender || ticket.assignee == Some(by.id) || leads(by) {
            return Ok(());
        }
        let why = "who has sent it, their department, who has the ticket, leads and managers decide that";
        Err(forbidden(self.name(), why))
    }

    fn has_to_be(&self, state: State) -> Result<(), Error> {
        if self.state == state {
            return Ok(());
        }
        Err(self.refusal(
            "TK48",
            match state {
                State::Offered => "it is offered: nobody has answered it yet, and it was not taken back",
                State::Accepted => "it is accepted: the department is at it",
                _ => "it is done: there is a result that nobody has confirmed yet",
            },
        ))
    }

    /// A refusal that says what would have to be true.
    fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    fn by(self, act: Act) -> Change {
        Change { handoff: self, act }
    }
}

/// The refusal of somebody whose decision it is not (TK46).
pub(super) fn forbidden(subject: impl Into<String>, has_to_be_true: &'static str) -> Error {
    Error::new(Code::PermissionDenied, ErrorReason::ResourceForbidden, has_to_be_true).with_precondition(
        "TK46",
        subject,
        has_to_be_true,
    )
}
