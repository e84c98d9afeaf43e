//! What is owed about a ticket: promises and hand-offs are things of their own, and this is what they do to their ticket.

use jiff::Timestamp;

use super::{Change, Ticket};
use crate::{
    clock::Clocks,
    message::Message,
    policy::{Matched, Targets},
    ticket::{kind::Priority, state::Act},
};

impl Ticket {
    /// Whether something can be opened about it that hinders its resolution (TK11).
    #[must_use]
    pub fn can_owe(&self) -> bool {
        self.is_in_queue() || self.is_worked_on()
    }

    /// What decides which row of the policy holds for it.
    #[must_use]
    pub fn matched(&self) -> Matched {
        let Self { kind, department, tier, priority, .. } = *self;
        Matched { kind, department, tier, priority }
    }

    /// Something came about that a clock of it counts to.
    pub fn count(&self, act: impl FnOnce(&mut Clocks), now: Timestamp) -> Change {
        let mut next = self.next(now);
        act(&mut next.clocks);
        next.with(Act::Updated, &["clocks"])
    }

    /// Something went wrong about it: it is more urgent from now on, and staff read why.
    pub fn press(&self, (priority, targets): (Priority, Targets), note: Message, now: Timestamp) -> Change {
        let mut next = self.next(now);
        if next.priority != priority {
            (next.priority, next.targets) = (priority, targets);
            next.clocks.retarget(&targets, now);
        }
        Change { message: Some(note), ..next.with(Act::Updated, &["priority"]) }
    }

    /// The same once what happened to its clocks is written.
    #[must_use]
    pub fn written(&self) -> Self {
        Self { clocks: self.clocks.clone().written(), ..self.clone() }
    }
}
