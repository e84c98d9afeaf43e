//! The clocks of one ticket, and what each of its steps does to them. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    calendar::Calendar,
    model::{Clock, ClockEvent, Kind, State},
};
use crate::policy::Targets;

/// How long a customer has to say whether it is solved: three attempts, 48 hours apart and after the last (TK5).
pub const VERIFICATION: SignedDuration = SignedDuration::from_hours(3 * 48);

/// What a clock took over from one of a ticket that was merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    kind: Kind,
    round: i32,
    /// Its own start and due time before; none if it was begun for it.
    own: Option<(Timestamp, Timestamp)>,
    /// The start and the target since.
    taken: (Timestamp, SignedDuration),
}

/// The clocks of one ticket, with the events that are not written yet.
///
/// What time has brought about up to a command is told before it: how late a worker comes makes no difference (TK22).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clocks {
    /// By kind and round: what was loaded, and what has begun since.
    clocks: Vec<Clock>,
    pending: Vec<ClockEvent>,
}

impl Clock {
    fn taken_over(&self, own: Option<(Timestamp, Timestamp)>) -> TakenOver {
        TakenOver { kind: self.kind, round: self.round, own, taken: (self.started_at, self.target) }
    }
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
        let started =
            of_each.map(|(kind, target)| Clock::start((kind, 1), target, policy_version, calendar.clone(), at));
        let (clocks, pending) = started.into_iter().unzip();
        Self { clocks, pending }
    }

    /// Clocks as they are stored.
    #[must_use]
    pub(super) fn stored(mut clocks: Vec<Clock>) -> Self {
        clocks.sort_by_key(|clock| (clock.kind, clock.round));
        Self { clocks, pending: Vec::new() }
    }

    /// The last round of each kind and whatever still counts, the soonest due first.
    pub fn iter(&self) -> impl Iterator<Item = &Clock> {
        let is_last = |clock: &Clock| self.get(clock.kind).is_some_and(|last| last.round == clock.round);
        let mut by_due: Vec<&Clock> = self.clocks.iter().filter(|clock| clock.is_open() || is_last(clock)).collect();
        by_due.sort_by_key(|clock| (clock.due_at, clock.kind, clock.round));
        by_due.into_iter()
    }

    /// When the soonest due of the clocks that run is due, whether or not that has passed; what the customer has to do is not ours (TK27).
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let ours = self.clocks.iter().filter(|clock| clock.state == State::Running && clock.kind.is_ours());
        ours.map(|clock| clock.due_at).min()
    }

    /// The last round of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<&Clock> {
        self.clocks.iter().rfind(|clock| clock.kind == kind)
    }

    /// All that are known here, earlier rounds too, by kind and round.
    pub(super) fn all(&self) -> &[Clock] {
        &self.clocks
    }

    /// A round of a kind.
    #[must_use]
    pub fn round(&self, kind: Kind, round: i32) -> Option<&Clock> {
        self.clocks.iter().find(|clock| (clock.kind, clock.round) == (kind, round))
    }

    /// The calendar that they keep to.
    #[must_use]
    pub fn calendar(&self) -> Option<&Calendar> {
        self.clocks.first().map(|clock| &clock.calendar)
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

    /// Somebody has it: from now on the customer hears something again in time.
    pub fn taken(&mut self, targets: &Targets, at: Timestamp) {
        self.pass(at);
        self.begin_unless_open(Kind::UpdateCadence, targets.update_cadence, at);
    }

    /// It is the customer's turn, or somebody's outside: what pauses stands still (TK21).
    pub fn pause(&mut self, at: Timestamp) {
        self.each(at, |clock| clock.pause(at));
    }

    /// It goes on.
    pub fn resume(&mut self, at: Timestamp) {
        // What was closed is opened again by `reopen` alone.
        self.each(at, |clock| clock.is_open().then(|| clock.resume(at)).flatten());
    }

    /// The customer has said something: they wait for an answer from the first word on that has none.
    pub fn customer_spoke(&mut self, targets: &Targets, at: Timestamp) {
        self.pass(at);
        if self.get(Kind::FirstResponse).is_none_or(|first| !first.is_open()) {
            self.begin_unless_open(Kind::NextResponse, targets.next_response, at);
        }
    }

    /// A person has told the customer something; while it is worked on the next word has its time from now on, or from when it goes on: what
    /// stands still goes on standing still (TK21).
    pub fn respond(&mut self, targets: &Targets, is_worked_on: bool, at: Timestamp) {
        let stands_still = self.get(Kind::UpdateCadence).is_some_and(|last| last.state == State::Paused);
        self.each(at, |clock| match clock.kind {
            Kind::FirstResponse | Kind::NextResponse | Kind::UpdateCadence => clock.meet(at),
            _ => None,
        });
        if is_worked_on {
            self.begin_unless_open(Kind::UpdateCadence, targets.update_cadence, at);
        }
        if stands_still && let Some(round) = self.get(Kind::UpdateCadence).map(|next| next.round) {
            self.one(Kind::UpdateCadence, round, at, |clock| clock.pause(at));
        }
    }

    /// It is resolved, for the first time or again; the total waits for the customer's word.
    pub fn resolve(&mut self, at: Timestamp) {
        self.each(at, |clock| match clock.kind {
            Kind::ResolutionFirst => clock.meet(at),
            Kind::ResolutionTotal => clock.pause(at),
            Kind::UpdateCadence => clock.meet(at),
            _ => None,
        });
        if self.get(Kind::Verification).is_none_or(|last| !last.is_open()) {
            self.begin_on(Kind::Verification, VERIFICATION, Calendar::always(), at);
        }
    }

    /// The customer says whether it is solved.
    pub fn answered(&mut self, at: Timestamp) {
        self.each(at, |clock| if clock.kind == Kind::Verification { clock.meet(at) } else { None });
    }

    /// It is not solved after all, or not any more: the total counts on, the first resolution stays met (TK26).
    pub fn reopen(&mut self, at: Timestamp) {
        self.each(at, |clock| match clock.kind {
            Kind::ResolutionTotal => clock.resume(at),
            Kind::Verification => clock.cancel(at),
            _ => None,
        });
    }

    /// It is closed; a customer who has not answered is not waited for any more.
    pub fn close(&mut self, at: Timestamp) {
        self.each(at, |clock| match clock.kind {
            Kind::ResolutionTotal => clock.meet(at),
            _ => clock.cancel(at),
        });
    }

    /// The priority changed, or what it is about, and the targets of what is not met with it (TK25).
    pub fn retarget(&mut self, targets: &Targets, at: Timestamp) {
        self.each(at, |clock| {
            let target = match clock.kind {
                Kind::FirstResponse => targets.first_response,
                Kind::NextResponse => targets.next_response,
                Kind::UpdateCadence => targets.update_cadence,
                Kind::ResolutionFirst => targets.resolution_first,
                Kind::ResolutionTotal => targets.resolution_total,
                // These have what was agreed when they began.
                Kind::HandoffAck | Kind::HandoffDone | Kind::Promise | Kind::Verification => return None,
            };
            clock.retarget(target, at)
        });
    }

    /// It is called off: what is not met counts for nothing.
    pub fn cancel(&mut self, at: Timestamp) {
        self.each(at, |clock| clock.cancel(at));
    }

    /// A ticket was merged into this one: what of it was still to be met is to be met here, from the earlier start and by the stricter due time
    /// (TK51). What was breached stays so; whoever waited there for an answer waits for it here.
    pub fn inherit(&mut self, merged: &Self, at: Timestamp) -> Vec<TakenOver> {
        self.pass(at);
        let mut taken = Vec::new();
        for theirs in merged.clocks.iter().filter(|clock| clock.is_open()) {
            let kind = match theirs.kind {
                Kind::FirstResponse | Kind::NextResponse => self.awaited_response(),
                kind @ (Kind::UpdateCadence | Kind::ResolutionFirst | Kind::ResolutionTotal) => kind,
                Kind::HandoffAck | Kind::HandoffDone | Kind::Promise | Kind::Verification => continue,
            };
            if kind == Kind::NextResponse && self.get(kind).is_none_or(|last| !last.is_open()) {
                let own = self.calendar().unwrap_or(&theirs.calendar);
                let target = own.not_before(theirs.started_at, theirs.due_at);
                self.begin_unless_open(kind, target, theirs.started_at);
                taken.extend(self.get(kind).map(|begun| begun.taken_over(None)));
            } else {
                self.each(at, |clock| {
                    let own = (clock.started_at, clock.due_at);
                    let inherited = if clock.kind == kind { clock.inherit(theirs) } else { None };
                    taken.extend(inherited.map(|_| clock.taken_over(Some(own))));
                    inherited
                });
            }
        }
        taken
    }

    /// The merged ticket is taken out again: clocks that are as they were taken over have their own times again, and the round that was begun for
    /// it is called off.
    pub fn give_back(&mut self, taken: &[TakenOver], at: Timestamp) {
        self.each(at, |clock| {
            let taken = taken.iter().find(|taken| **taken == clock.taken_over(taken.own))?;
            match taken.own {
                Some(own) => clock.give_back(own),
                None => clock.cancel(at),
            }
        });
    }

    /// The ticket is taken out of the one into which it was merged: what was called off with that counts on. The time between was counted there.
    pub fn reinstate(&mut self, merged_at: Timestamp, at: Timestamp) {
        self.each(at, |clock| {
            let with_the_merge = clock.changed_at >= merged_at && clock.kind != Kind::Verification;
            with_the_merge.then(|| clock.reinstate(at)).flatten()
        });
    }

    /// Whether the customer waits for a person's answer.
    pub fn owe_an_answer(&self) -> bool {
        self.get(self.awaited_response()).is_some_and(Clock::is_open)
    }

    /// Which answer the customer waits for: the first, or the next.
    fn awaited_response(&self) -> Kind {
        let first_is_open = self.get(Kind::FirstResponse).is_some_and(Clock::is_open);
        if first_is_open { Kind::FirstResponse } else { Kind::NextResponse }
    }

    /// Begins a round of a kind on a calendar, such as that of the department that something is handed to; answers which round it is.
    pub fn begin_on(&mut self, kind: Kind, target: SignedDuration, calendar: Calendar, at: Timestamp) -> i32 {
        let round = self.get(kind).map_or(1, |last| last.round + 1);
        self.begin((kind, round), target, calendar, at);
        round
    }

    /// Begins a round of a kind that is due exactly then; answers which round it is.
    pub fn begin_until(&mut self, kind: Kind, due: Timestamp, calendar: &Calendar, at: Timestamp) -> i32 {
        let (calendar, target) = calendar.until(at, due);
        self.begin_on(kind, target, calendar, at)
    }

    /// Moves the due time of a round; answers which round counts to it. That is another one when the calendar that it began with has no working
    /// time that ends then.
    pub fn move_due(&mut self, kind: Kind, round: i32, due: Timestamp, calendar: &Calendar, at: Timestamp) -> i32 {
        let kept = self.round(kind, round).map(|clock| (clock.calendar.until(clock.started_at, due), &clock.calendar));
        if let Some(((ends_there, target), own)) = kept
            && ends_there == *own
        {
            self.retarget_round(kind, round, target, at);
            return round;
        }
        self.cancel_round(kind, round, at);
        self.begin_until(kind, due, calendar, at)
    }

    /// Begins a round that is named by something else: of a hand-off or of a promise.
    pub fn begin(&mut self, round: (Kind, i32), target: SignedDuration, calendar: Calendar, at: Timestamp) {
        let policy_version = self.policy_version().unwrap_or(1);
        let (clock, started) = Clock::start(round, target, policy_version, calendar, at);
        self.pending.push(started);
        self.clocks.push(clock);
        self.clocks.sort_by_key(|clock| (clock.kind, clock.round));
    }

    /// One round is reached.
    pub fn meet(&mut self, kind: Kind, round: i32, at: Timestamp) {
        self.one(kind, round, at, |clock| clock.meet(at));
    }

    /// One round is called off.
    pub fn cancel_round(&mut self, kind: Kind, round: i32, at: Timestamp) {
        self.one(kind, round, at, |clock| clock.cancel(at));
    }

    /// One round has another due time.
    pub fn retarget_round(&mut self, kind: Kind, round: i32, target: SignedDuration, at: Timestamp) {
        self.one(kind, round, at, |clock| clock.retarget(target, at));
    }

    /// Lets time pass up to `now`: warns of what is half or mostly over, breaches what is due and was not met. Answers what came about.
    pub fn pass(&mut self, now: Timestamp) -> Vec<ClockEvent> {
        let before = self.pending.len();
        self.each(now, |_| None);
        self.pending[before..].iter().filter(|event| event.step.is_of_time()).copied().collect()
    }

    /// Whether time has brought something about by `now` that is not told yet.
    #[must_use]
    pub fn has_passed(&self, now: Timestamp) -> bool {
        self.clocks.iter().any(|clock| clock.next_at().is_some_and(|at| at <= now))
    }

    /// When this working time from `from` on has passed, on the calendar that the ticket began with; `None` for no time at all.
    #[must_use]
    pub fn after(&self, working: SignedDuration, from: Timestamp) -> Option<Timestamp> {
        let calendar = self.calendar()?;
        (!working.is_zero()).then(|| calendar.add(from, working))
    }

    fn begin_unless_open(&mut self, kind: Kind, target: SignedDuration, at: Timestamp) {
        if let Some(calendar) = self.calendar().cloned()
            && self.get(kind).is_none_or(|last| !last.is_open())
        {
            self.begin_on(kind, target, calendar, at);
        }
    }

    fn one(&mut self, kind: Kind, round: i32, at: Timestamp, act: impl Fn(&mut Clock) -> Option<ClockEvent>) {
        self.each(at, |clock| if (clock.kind, clock.round) == (kind, round) { act(clock) } else { None });
    }

    /// Does something to each clock after what came about before it. What it brings about itself is told by whoever looks after clocks: another
    /// target may lie in the past.
    fn each(&mut self, at: Timestamp, mut act: impl FnMut(&mut Clock) -> Option<ClockEvent>) {
        for clock in &mut self.clocks {
            let before = clock.pass(at);
            let acted = act(clock);
            self.pending.extend(before.into_iter().chain(acted));
        }
    }
}
