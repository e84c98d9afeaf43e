//! While somebody has a ticket: it waits for another department, for somebody outside or for a day, and goes on.

use jiff::{SignedDuration, Timestamp};
use seva_runtime::Error;

use super::{Change, Reply, Ticket};
use crate::{
    clock::Kind,
    ticket::state::{Act, State},
};

/// Between a question and its first reminder, from each reminder to the next, and from the last one until the ticket goes on (TK16).
pub const REMIND_EVERY: SignedDuration = SignedDuration::from_hours(48);
/// How often a customer is reminded of a question (TK16).
pub const REMINDERS: i64 = 2;

/// How many reminders of a question are given, once the one is that is due then.
fn reminders_by(until: Timestamp, asked_at: Timestamp) -> i64 {
    until.duration_since(asked_at).as_secs() / REMIND_EVERY.as_secs()
}

impl Ticket {
    /// Another department has to do something first. Clocks go on: it is our delay.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn wait_for_department(&self, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_open()?;
        let mut next = self.next(now);
        next.return_due_at = None;
        next.state = State::PendingDepartment;
        Ok(next.with(Act::Pending, &["state"]))
    }

    /// Somebody outside has to do something first, until a day; the customer is told with it (TK12).
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4, TK12).
    pub fn wait_for_outside(
        &self,
        party: String,
        until: Timestamp,
        note: Reply,
        now: Timestamp,
    ) -> Result<Change, Error> {
        self.has_to_be_open()?;
        if until <= now {
            return Err(self.refusal("TK12", "the day until which it waits lies ahead"));
        }
        let mut next = self.next(now);
        next.clocks.respond(&self.targets, true, now);
        if self.targets.pauses_while_external {
            next.clocks.pause(now);
        }
        next.return_due_at = None;
        next.state = State::PendingExternal;
        (next.wait_until, next.wait_party) = (Some(until), Some(party));
        Ok(Change { message: Some(note.at(now)), ..next.with(Act::Pending, &["state", "wait_until", "wait_party"]) })
    }

    /// It goes on at a time that was agreed with the customer.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4, TK12).
    pub fn schedule(&self, until: Timestamp, note: Reply, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_open()?;
        if until <= now {
            return Err(self.refusal("TK12", "the time that it is scheduled for lies ahead"));
        }
        let mut next = self.next(now);
        next.clocks.respond(&self.targets, true, now);
        if self.targets.pauses_while_scheduled {
            next.clocks.pause(now);
        }
        next.return_due_at = None;
        next.state = State::Scheduled;
        next.wait_until = Some(until);
        Ok(Change { message: Some(note.at(now)), ..next.with(Act::Pending, &["state", "wait_until"]) })
    }

    /// What it waited for has come.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn go_on(&self, now: Timestamp) -> Result<Change, Error> {
        if !self.is_waiting() {
            return Err(self.refusal("TK4", "it waits for somebody, or for a day"));
        }
        let mut next = self.next(now);
        next.go_on_working(now);
        Ok(next.with(Act::Resumed, &["state"]))
    }

    /// The day has come until which it waits: it goes on, or its customer is reminded of what they were asked (TK16). `None` while it has not.
    pub fn wait_is_over(&mut self, now: Timestamp) -> Option<Change> {
        let until = self.wait_until.filter(|until| *until <= now)?;
        let mut next = self.next(now);
        if self.asked_at().is_some_and(|asked_at| reminders_by(until, asked_at) <= REMINDERS) {
            let following = until + REMIND_EVERY;
            next.wait_until = Some(if following > now { following } else { now + REMIND_EVERY });
            let message = Some(Reply::reminding(&self.language).at(now));
            return Some(Change { message, ..self.become_(next, Act::Pending, &["wait_until", "messages"]) });
        }
        next.go_on_working(now);
        Some(self.become_(next, Act::Resumed, &["state"]))
    }

    /// Since when it waits for its customer.
    fn asked_at(&self) -> Option<Timestamp> {
        self.clocks.get(Kind::ResolutionTotal)?.stopped_at.filter(|_| self.state == State::PendingCustomer)
    }

    /// Whoever has it has said nothing until its return time: it goes back to the queue, and others come first for it (TK36). `None` while there is
    /// time.
    pub fn return_from_silent(&mut self, now: Timestamp) -> Option<Change> {
        self.return_due_at.filter(|due| *due <= now)?;
        self.returned_from = self.assignee;
        self.return_count += 1;
        let mut change = self.hand_back(now);
        change.changed.push("returned_from");
        Some(change)
    }

    pub(super) fn has_to_be_open(&self) -> Result<(), Error> {
        match self.state {
            State::Open => Ok(()),
            _ => Err(self.refusal("TK4", "it is open: somebody works on it, and it waits for nothing else")),
        }
    }

    pub(super) fn wait_for_customer(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.state != State::Open {
            return Err(self.refusal("TK4", "the customer is asked something by whoever has the ticket open"));
        }
        self.state = State::PendingCustomer;
        self.wait_until = Some(now + REMIND_EVERY);
        self.clocks.pause(now);
        Ok(())
    }

    pub(super) fn stop_waiting(&mut self) {
        (self.wait_until, self.wait_party) = (None, None);
    }

    pub(super) fn go_on_working(&mut self, now: Timestamp) {
        self.stop_waiting();
        self.state = State::Open;
        self.clocks.resume(now);
    }
}
