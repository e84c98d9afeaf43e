//! A promise and its ticket, as far as they go together: both are locked, and what happens to one may happen to the other. Pure.

use jiff::Timestamp;
use seva_runtime::Error;
use uuid::Uuid;

use super::{
    making::{is_possible, told},
    model::{Change, Promise},
};
use crate::{
    clock::{Calendar, Kind},
    message::{Author, Visibility},
    policy::Targets,
    ticket::{Change as TicketChange, Priority, Ticket, commands::by_system, model::Reply},
};

/// A promise with its ticket, and what has happened to them.
#[derive(Debug)]
pub struct Scene {
    /// As it is now.
    pub ticket: Ticket,
    /// As it is now.
    pub promise: Promise,
    now: Timestamp,
    around: Around,
    /// What happened to the ticket, to be saved.
    pub of_ticket: Vec<TicketChange>,
    /// What happened to the promise, to be saved.
    pub of_promise: Vec<Change>,
}

/// What is known of the ticket besides.
#[derive(Debug, Clone)]
pub struct Around {
    /// Its next priority, and what holds in it.
    pub raised: (Priority, Targets),
    /// Of its department, as it is now.
    pub calendar: Calendar,
}

impl Scene {
    /// Both as they were, and what time has brought about since (TK42).
    pub fn new(mut ticket: Ticket, promise: Promise, around: Around, now: Timestamp) -> Self {
        let of_ticket = ticket.pass_time(now);
        let mut scene = Self { ticket, promise, now, around, of_ticket, of_promise: Vec::new() };
        if scene.promise.is_overdue(now)
            && let Ok(broken) = scene.promise.break_at(scene.promise.due_at, now)
        {
            scene.broken(broken);
        }
        scene
    }

    /// It is kept.
    pub fn keep(&mut self) -> Result<(), Error> {
        let change = self.promise.keep(self.now)?;
        self.promise_becomes(change);
        let round = self.promise.round;
        self.count(|clocks, now| clocks.meet(Kind::Promise, round, now));
        Ok(())
    }

    /// It is due later, and the customer is told.
    pub fn renew(&mut self, due_at: Timestamp, words: String, author: Option<Uuid>) -> Result<(), Error> {
        let calendar = &self.around.calendar;
        // Refused for its state first: that is what would have to change first.
        self.promise.renew(due_at, self.promise.round, self.now)?;
        is_possible(&self.ticket, due_at, calendar, self.now)?;
        let mut change = self.ticket.reply(told(words, author), self.now)?;
        change.renews = Some((self.promise.id, self.promise.renewals + 1));
        let clocks = &mut change.ticket.clocks;
        let round = clocks.move_due(Kind::Promise, self.promise.round, due_at, calendar, self.now);
        self.ticket_becomes(change);
        let change = self.promise.renew(due_at, round, self.now)?;
        self.promise_becomes(change);
        Ok(())
    }

    /// Somebody says before its time that it cannot be kept, and why.
    pub fn break_early(&mut self, reason: String, author: Option<Uuid>) -> Result<(), Error> {
        let broken = self.promise.break_at(self.now, self.now)?;
        let why = Reply { visibility: Visibility::Internal, ..told(reason, author) };
        let change = self.ticket.reply(why, self.now)?;
        self.ticket_becomes(change);
        self.broken(broken);
        Ok(())
    }

    /// The customer is told that we are sorry.
    pub fn apologize(&mut self, words: String, author: Option<Uuid>) -> Result<(), Error> {
        let change = self.promise.apologize(self.now)?;
        self.promise_becomes(change);
        let mut change = self.ticket.reply(told(words, author), self.now)?;
        // Nothing is waited for any more; that it was late stays in its row.
        change.ticket.clocks.cancel_round(Kind::Promise, self.promise.round, self.now);
        self.ticket_becomes(change);
        Ok(())
    }

    /// The customer does not want it any more, and says so.
    pub fn withdraw(&mut self, words: String) -> Result<(), Error> {
        let change = self.promise.withdraw(self.now)?;
        self.promise_becomes(change);
        let said = Reply { author: Author::Customer, author_id: Some(self.ticket.customer), ..told(words, None) };
        let mut change = self.ticket.reply(said, self.now)?;
        change.ticket.clocks.cancel_round(Kind::Promise, self.promise.round, self.now);
        self.ticket_becomes(change);
        Ok(())
    }

    /// Somebody else answers for it, or nobody yet.
    pub fn assign(&mut self, owner: Option<Uuid>) -> Result<(), Error> {
        let change = self.promise.assign(owner, self.now)?;
        self.promise_becomes(change);
        Ok(())
    }

    /// TK44
    fn broken(&mut self, broken: Change) {
        self.promise_becomes(broken);
        let note = format!("{} was broken: the customer has to be told that we are sorry.", self.promise.name());
        let change = self.ticket.press(self.around.raised, by_system(note, self.now), self.now);
        self.ticket_becomes(change);
    }

    fn count(&mut self, act: impl FnOnce(&mut crate::clock::Clocks, Timestamp)) {
        let now = self.now;
        let change = self.ticket.count(|clocks| act(clocks, now), now);
        self.ticket_becomes(change);
    }

    fn ticket_becomes(&mut self, change: TicketChange) {
        self.ticket = change.ticket.written();
        self.of_ticket.push(change);
    }

    fn promise_becomes(&mut self, change: Change) {
        self.promise = change.promise.clone();
        self.of_promise.push(change);
    }
}
