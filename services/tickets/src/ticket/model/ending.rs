//! How a ticket ends: it is resolved, and the customer has the last word, or is asked in vain ([`super::verification`]); or it is called off.

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use uuid::Uuid;

use super::{
    Change, Reply, RootProblem, Ticket,
    verification::{Outcome, Reach},
};
use crate::{
    custom_field::{Schema, model::Required},
    message::{Author, Medium, Message, Visibility},
    ticket::state::{Act, CancelReason, Cause, Closure, State},
};

impl Ticket {
    /// Somebody says that it is solved; the note is for the customer.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK3, TK11, TK13, TK14).
    pub fn resolve(
        &self,
        schema: &Schema,
        root_problem: RootProblem,
        note: String,
        author: (Author, Option<Uuid>),
        reach: &Reach,
        now: Timestamp,
    ) -> Result<Change, Error> {
        if !self.is_worked_on() {
            return Err(self.refusal("TK3", "it is open or waits for the customer: somebody has to have it first"));
        }
        self.be_resolved(schema, root_problem, note, author, reach, now)
    }

    /// The cause that it has with others was removed (TK59): also of a ticket that nobody has yet.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK3, TK11, TK13, TK14).
    pub fn resolve_with_cause(
        &self,
        schema: &Schema,
        root_problem: RootProblem,
        note: String,
        reach: &Reach,
        now: Timestamp,
    ) -> Result<Change, Error> {
        if !self.is_worked_on() && !self.is_in_queue() {
            return Err(self.refusal("TK3", "it is neither resolved nor over"));
        }
        self.be_resolved(schema, root_problem, note, (Author::Staff, None), reach, now)
    }

    fn be_resolved(
        &self,
        schema: &Schema,
        root_problem: RootProblem,
        note: String,
        author: (Author, Option<Uuid>),
        reach: &Reach,
        now: Timestamp,
    ) -> Result<Change, Error> {
        self.has_no_open_work()?;
        if root_problem.cause == Cause::Policy && root_problem.rule.is_none() {
            return Err(self.refusal("TK14", "our own policy as a cause names the rule of the handbook that it was"));
        }
        let missing = schema.missing(self.kind, &self.fields, Required::ToResolve);
        if let Some((first, others)) = missing.split_first() {
            let of = |key: &String| format!("{} fields[{key}]", self.name());
            let has_a_value = "it has a value";
            let refusal = Error::precondition(ErrorReason::StateForbids, "TK13", of(first), has_a_value)
                .with_metadata("state", self.state.name());
            return Err(others
                .iter()
                .fold(refusal, |error, key| error.with_precondition("TK13", of(key), has_a_value)));
        }
        let mut next = self.next(now);
        if self.is_waiting() {
            next.go_on_working(now);
        }
        (next.wait_reason, next.route_at) = (None, None);
        let (author, author_id) = author;
        if author == Author::Staff {
            next.clocks.respond(&self.targets, false, now);
        }
        next.clocks.resolve(now);
        (next.return_due_at, next.returned_from) = (None, None);
        next.state = State::Resolved;
        next.root_problem = Some(root_problem);
        next.resolver = self.assignee;
        next.resolution += 1;
        next.verification_attempts = 0;
        next.resolved_at = Some(now);
        next.ask_first(reach, now);
        let note = Reply {
            visibility: Visibility::Public,
            author,
            author_id,
            medium: Medium::Text,
            text: note,
            attachments: Vec::new(),
            awaits_customer: false,
        };
        Ok(Change { message: Some(note.at(now)), ..next.with(Act::Resolved, &["state", "root_problem"]) })
    }

    /// The customer says that it is solved.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn confirm(&self, by_link: bool, record: Option<Message>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_resolved()?;
        let mut next = self.next(now);
        next.answered = if by_link { Some((self.resolution, true)) } else { self.answered };
        next.settle(Outcome::Confirmed);
        next.clocks.answered(now);
        next.close(Closure::Verified, now);
        Ok(Change { message: record, ..next.with(Act::Closed, &["state", "closure"]) })
    }

    /// The customer says that it is not solved. It goes to whoever resolved it, if they can take it, and counts on.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn reject(&self, by_link: bool, record: Option<Message>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_resolved()?;
        let mut next = self.next(now);
        next.answered = if by_link { Some((self.resolution, false)) } else { self.answered };
        next.settle(Outcome::Rejected);
        next.clocks.answered(now);
        next.open_again(now);
        Ok(Change { message: record, ..next.with(Act::Rejected, &["state", "reopen_count"]) })
    }

    /// Whether it can still be opened again (TK8).
    pub fn can_reopen(&self, now: Timestamp) -> bool {
        let within = SignedDuration::from_hours(24 * i64::from(self.targets.reopen_days));
        self.closed_at.is_some_and(|closed_at| closed_at + within > now)
    }

    /// It is opened again after it was closed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK8).
    pub fn reopen(&self, record: Message, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_closed()?;
        if !self.can_reopen(now) {
            return Err(self.refusal(
                "TK8",
                "it was closed less than the days ago that its policy gives: a new ticket follows it",
            ));
        }
        let mut next = self.next(now);
        (next.closure, next.unverified, next.closed_at) = (None, None, None);
        next.open_again(now);
        Ok(Change { message: Some(record), ..next.with(Act::Reopened, &["state", "reopen_count"]) })
    }

    /// Refuses unless it is closed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK8).
    pub fn has_to_be_closed(&self) -> Result<(), Error> {
        match self.state {
            State::Closed => Ok(()),
            _ => Err(self.refusal("TK8", "only a closed ticket is opened again")),
        }
    }

    /// It is called off.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn cancel(&self, reason: CancelReason, now: Timestamp) -> Result<Change, Error> {
        if !self.is_in_queue() && !self.is_worked_on() {
            return Err(self.refusal("TK4", "it is not resolved, closed or canceled"));
        }
        self.has_no_open_work()?;
        let mut next = self.next(now);
        next.stop_waiting();
        next.return_due_at = None;
        next.state = State::Canceled;
        next.cancel_reason = Some(reason);
        (next.route_at, next.wait_reason) = (None, None);
        next.clocks.cancel(now);
        Ok(next.with(Act::Canceled, &["state", "cancel_reason"]))
    }

    pub(super) fn has_to_be_resolved(&self) -> Result<(), Error> {
        match self.state {
            State::Resolved => Ok(()),
            _ => Err(self.refusal("TK4", "it is resolved: only then is there something to confirm or to reject")),
        }
    }

    /// TK11
    pub(super) fn has_no_open_work(&self) -> Result<(), Error> {
        match self.open_work {
            0 => Ok(()),
            _ => Err(self.refusal("TK11", "its promises, hand-offs, returns and grants are over")),
        }
    }

    fn open_again(&mut self, now: Timestamp) {
        self.reopen_count += 1;
        self.verification_attempts = 0;
        (self.verification_due_at, self.call_from) = (None, None);
        self.resolved_at = None;
        self.clocks.reopen(now);
        // They said so: it is our turn.
        self.clocks.customer_spoke(&self.targets, now);
        self.queue(now);
    }

    pub(super) fn close(&mut self, closure: Closure, now: Timestamp) {
        self.state = State::Closed;
        self.closure = Some(closure);
        (self.verification_due_at, self.call_from) = (None, None);
        self.closed_at = Some(now);
        self.clocks.close(now);
    }
}
