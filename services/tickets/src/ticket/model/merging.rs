//! What turns out to be one matter, or several: a ticket is carried on in another one, taken out of it again, or split. Nothing that was said is
//! moved.

use jiff::{SignedDuration, Timestamp};
use seva_runtime::Error;
use seva_values::HumanNumber;
use uuid::Uuid;

use super::{Change, Reply, Ticket, verification::VERIFY_EVERY};
use crate::{
    clock::TakenOver,
    message::{Author, Message, Visibility},
    ticket::state::{Act, State},
};

/// How long a merge can be undone (TK54).
pub const UNMERGE_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a merged ticket was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Where it stood.
    pub state: State,
    /// Who had it.
    pub assignee: Option<Uuid>,
    /// What the other ticket's clocks took over from its own.
    pub taken_over: Vec<TakenOver>,
}

/// What becomes of a ticket of which some messages are another matter.
#[derive(Debug, Clone)]
pub struct Split {
    /// What they were said to.
    pub origin: Change,
    /// What they are looked after in.
    pub opened: Change,
    /// What time has brought about of that since they were said.
    pub passed: Vec<Change>,
}

/// What happened since a ticket was merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Something was said to it.
    pub is_depended_on: bool,
    /// Other tickets are merged into the same one.
    pub is_one_of_several: bool,
    /// The first word of the other ticket's customer that has no answer.
    pub unanswered: Option<Timestamp>,
}

impl Ticket {
    /// It is carried on in another ticket: what happens to it, and to the other one, and what clocks take over.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK50, TK11, TK52).
    pub fn merge_into(
        &self,
        target: &Self,
        across_customers: bool,
        now: Timestamp,
    ) -> Result<([Change; 2], Vec<TakenOver>), Error> {
        if self.is_over() {
            return Err(self.refusal("TK50", "it is neither over nor merged: only then is there something to carry on"));
        }
        if target.is_over() {
            return Err(target.refusal("TK50", "the target is neither over nor merged: it has to carry on what comes"));
        }
        if target.id == self.id {
            return Err(self.refusal("TK50", "it is merged into another ticket"));
        }
        if target.customer != self.customer && !across_customers {
            return Err(target.refusal("TK52", "both are of one customer, or a reason is given by whoever may"));
        }
        self.has_no_open_work()?;
        let mut source = self.next(now);
        source.stop_waiting();
        source.state = State::Merged;
        source.merged_into = Some((target.id, now));
        (source.assignee, source.over_limits) = (None, false);
        (source.wait_reason, source.route_at) = (None, None);
        (source.return_due_at, source.verification_due_at, source.call_from) = (None, None, None);
        source.clocks.pass(now);
        let mut open = source.clocks.clone();
        // What stood still there has as much time left as it had: here it counts.
        open.resume(now);
        source.clocks.cancel(now);
        let mut carrier = target.next(now);
        let taken_over = carrier.clocks.inherit(&open, now);
        let note = format!("It is carried on in ticket {}.", said(target));
        let source = source.noting(Act::Merged, note, &["state", "merged_into", "assignee"], now);
        let note = format!("Ticket {} was merged into this one.", said(self));
        Ok(([source, carrier.noting(Act::Updated, note, &["messages", "clocks"], now)], taken_over))
    }

    /// It is taken out of the ticket that carries it on: what happens to it, and to the other one, whose clocks have their own times again unless
    /// they count for others as well.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK54).
    pub fn unmerge_from(
        &self,
        target: &Self,
        before: &Before,
        since: Since,
        now: Timestamp,
    ) -> Result<[Change; 2], Error> {
        let merged_at = self.has_to_be_merged()?.1;
        if merged_at + UNMERGE_WITHIN <= now {
            return Err(self.refusal("TK54", "it was merged less than 30 days ago"));
        }
        if since.is_depended_on {
            return Err(self.refusal("TK54", "nothing was said to it since it was merged"));
        }
        let mut source = self.next(now);
        source.merged_into = None;
        source.clocks.reinstate(merged_at, now);
        if before.state == State::Resolved {
            source.state = State::Resolved;
            // What there was to answer lay elsewhere meanwhile: the time to answer begins anew.
            source.resolved_at = Some(now);
            source.verification_due_at = Some(now + VERIFY_EVERY);
            source.clocks.resolve(now);
        } else {
            source.queue(now);
        }
        let note = format!("It is on its own again, without ticket {}.", said(target));
        let source = source.noting(Act::Unmerged, note, &["state", "merged_into"], now);
        let note = format!("Ticket {} was taken out of this one.", said(self));
        let mut target = target.next(now);
        if !since.is_one_of_several {
            target.clocks.give_back(&before.taken_over, now);
            if let Some(spoke_at) = since.unanswered.filter(|_| target.is_worked_on() || target.is_in_queue()) {
                let targets = target.targets;
                target.clocks.customer_spoke(&targets, spoke_at);
            }
        }
        Ok([source, target.noting(Act::Updated, note, &["messages", "clocks"], now)])
    }

    /// Where it leads, and since when.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK54).
    pub fn has_to_be_merged(&self) -> Result<(Uuid, Timestamp), Error> {
        self.merged_into.ok_or_else(|| self.refusal("TK54", "it is merged into another ticket"))
    }

    /// Some of its messages are a matter of their own: what happens to it, and the new ticket as it would have been had they opened it (TK55).
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK55).
    pub fn split(&self, opened: Change, taken: &[Message], now: Timestamp) -> Result<Split, Error> {
        if self.is_over() {
            return Err(self.refusal("TK55", "it is not over"));
        }
        let mut ticket = opened.ticket;
        for message in taken.iter().filter(|message| message.visibility == Visibility::Public) {
            match message.author {
                Author::Staff => ticket.clocks.respond(&ticket.targets, false, message.created_at),
                Author::Customer => ticket.clocks.customer_spoke(&ticket.targets, message.created_at),
                Author::System => {}
            }
        }
        (ticket.created_at, ticket.updated_at, ticket.route_at) = (now, now, Some(now));
        let note = format!("Ticket {} was split off.", said(&ticket));
        let origin = self.next(now).noting(Act::Updated, note, &["messages"], now);
        // What time had brought about when the messages were said is told of the new one as it is of every ticket (TK22).
        let passed: Vec<_> = ticket.clocks.pending().iter().filter(|event| event.step.is_of_time()).copied().collect();
        let mut written = Ticket { clocks: ticket.clocks.clone().written(), ..ticket.clone() };
        let passed = written.tell_passed(&passed, now);
        Ok(Split { origin, opened: Change { ticket, ..opened }, passed })
    }

    fn noting(self, act: Act, note: String, changed: &[&'static str], now: Timestamp) -> Change {
        Change { message: Some(Reply::noted(note).at(now)), ..self.with(act, changed) }
    }
}

/// The number that people say.
fn said(ticket: &Ticket) -> String {
    HumanNumber::new(ticket.number).map(|number| number.to_string()).unwrap_or_default()
}
