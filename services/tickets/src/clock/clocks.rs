//! The clocks of one ticket, and what each of its steps does to them. Pure.

use jiff::Timestamp;

use super::{
    calendar::Calendar,
    model::{Clock, ClockEvent, Kind, State},
};
use crate::policy::Targets;

/// The clocks of one ticket, with the events that are not written yet.
///
/// Every command first breaches what was due before it: how late a worker comes makes no difference (TK22).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clocks {
    /// By kind; one of each.
    clocks: Vec<Clock>,
    pending: Vec<ClockEvent>,
}

impl Clocks {
    /// The clocks of a new ticket.
    #[must_use]
    pub fn start(targets: &Targets, policy_version: i32, calendar: &Calendar, at: Timestamp) -> Self {
        let of_each = [
            (Kind::FirstResponse, targets.first_response),
            (Kind::ResolutionFirst, targets.resolution_first),
            (Kind::ResolutionTotal, targets.resolution_total),
        ];
        let started = of_each.map(|(kind, target)| Clock::start(kind, target, policy_version, calendar.clone(), at));
        let (clocks, pending) = started.into_iter().unzip();
        Self { clocks, pending }
    }

    /// Clocks as they are stored.
    #[must_use]
    pub(super) fn stored(mut clocks: Vec<Clock>) -> Self {
        clocks.sort_by_key(|clock| clock.kind);
        Self { clocks, pending: Vec::new() }
    }

    /// The clocks, the soonest due first.
    pub fn iter(&self) -> impl Iterator<Item = &Clock> {
        let mut by_due: Vec<&Clock> = self.clocks.iter().collect();
        by_due.sort_by_key(|clock| (clock.due_at, clock.kind));
        by_due.into_iter()
    }

    /// When the soonest due of the clocks that run is due, whether or not that has passed (TK27).
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.clocks.iter().filter(|clock| clock.state == State::Running).map(|clock| clock.due_at).min()
    }

    /// One of the clocks.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.kind == kind)
    }

    /// The version of the policy that they keep to.
    #[must_use]
    pub fn policy_version(&self) -> Option<i32> {
        self.clocks.first().map(|clock| clock.policy_version)
    }

    /// The events that are not written yet, in order.
    #[must_use]
    pub fn pending(&self) -> &[ClockEvent] {
        &self.pending
    }

    /// The same clocks once their events are written.
    #[must_use]
    pub fn written(self) -> Self {
        Self { pending: Vec::new(), ..self }
    }

    /// The customer was asked something: the resolutions wait, the first response does not.
    pub fn pause(&mut self, at: Timestamp) {
        self.each(at, |clock| clock.pause(at));
    }

    /// The customer has answered.
    pub fn resume(&mut self, at: Timestamp) {
        self.each(at, |clock| match clock.kind {
            Kind::FirstResponse => None,
            // What was closed is opened again by `reopen` alone.
            Kind::ResolutionFirst | Kind::ResolutionTotal => clock.is_open().then(|| clock.resume(at)).flatten(),
        });
    }

    /// A person has answered the customer.
    pub fn respond(&mut self, at: Timestamp) {
        self.each(at, |clock| if clock.kind == Kind::FirstResponse { clock.meet(at) } else { None });
    }

    /// It is resolved, for the first time or again; the total waits for the customer's word.
    pub fn resolve(&mut self, at: Timestamp) {
        self.each(at, |clock| match clock.kind {
            Kind::FirstResponse => None,
            Kind::ResolutionFirst => clock.meet(at),
            Kind::ResolutionTotal => clock.pause(at),
        });
    }

    /// It is not solved after all, or not any more: the total counts on, the first resolution stays met (TK26).
    pub fn reopen(&mut self, at: Timestamp) {
        self.each(at, |clock| if clock.kind == Kind::ResolutionTotal { clock.resume(at) } else { None });
    }

    /// It is closed.
    pub fn close(&mut self, at: Timestamp) {
        self.each(at, |clock| if clock.kind == Kind::ResolutionTotal { clock.meet(at) } else { None });
    }

    /// The priority changed, and the targets of what is not met with it.
    pub fn retarget(&mut self, targets: &Targets, at: Timestamp) {
        self.each(at, |clock| {
            let target = match clock.kind {
                Kind::FirstResponse => targets.first_response,
                Kind::ResolutionFirst => targets.resolution_first,
                Kind::ResolutionTotal => targets.resolution_total,
            };
            clock.retarget(target, at)
        });
    }

    /// It is called off: what is not met counts for nothing.
    pub fn cancel(&mut self, at: Timestamp) {
        self.each(at, |clock| clock.cancel(at));
    }

    /// Breaches what is due at `now` and was not met; answers which.
    pub fn breach_due(&mut self, now: Timestamp) -> Vec<Kind> {
        self.each(now, |_| None)
    }

    /// Does something to each clock after what was due, and before what it made due: another target may lie in the past.
    fn each(&mut self, at: Timestamp, mut act: impl FnMut(&mut Clock) -> Option<ClockEvent>) -> Vec<Kind> {
        let mut breached = Vec::new();
        for clock in &mut self.clocks {
            let before = clock.breach_due(at);
            let acted = act(clock);
            let after = clock.breach_due(at);
            breached.extend(before.iter().chain(&after).map(|event| event.clock));
            self.pending.extend(before.into_iter().chain(acted).chain(after));
        }
        breached
    }
}
