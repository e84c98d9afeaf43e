//! One clock: its events, what they fold to, and which event a command gives. Pure.

use jiff::{SignedDuration, Timestamp};
use seva_runtime::Error;

use super::calendar::Calendar;
use crate::stored::stored_names;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Until the customer has a first answer of a person.
    FirstResponse,
    /// Until it was resolved for the first time.
    ResolutionFirst,
    /// Until it was closed, with every reopening.
    ResolutionTotal,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FirstResponse, Self::ResolutionFirst, Self::ResolutionTotal];
}

stored_names!(Kind, "kind of clock" {
    FirstResponse = "first_response",
    ResolutionFirst = "resolution_first",
    ResolutionTotal = "resolution_total",
});

/// Where a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Counts.
    Running,
    /// Waits for the customer.
    Paused,
    /// Reached.
    Met,
    /// Called off with its ticket.
    Canceled,
}

stored_names!(State, "state of a clock" {
    Running = "running",
    Paused = "paused",
    Met = "met",
    Canceled = "canceled",
});

/// What happens to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Began to count.
    Started,
    /// Stopped counting.
    Paused,
    /// Counts again.
    Resumed,
    /// Its target changed.
    Retargeted,
    /// Was reached.
    Met,
    /// Was due and not reached.
    Breached,
    /// Was called off.
    Canceled,
}

stored_names!(Step, "step of a clock" {
    Started = "started",
    Paused = "paused",
    Resumed = "resumed",
    Retargeted = "retargeted",
    Met = "met",
    Breached = "breached",
    Canceled = "canceled",
});

/// What is told of a clock, without what it is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// What is counted.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// When it is due.
    pub due_at: Timestamp,
    /// The due time that passed.
    pub breached_at: Option<Timestamp>,
    /// When it was met.
    pub met_at: Option<Timestamp>,
    /// The version of the policy that it keeps to.
    pub policy_version: i32,
    /// The version of the calendar that it keeps to.
    pub calendar_version: i64,
}

impl From<&Clock> for Shown {
    fn from(clock: &Clock) -> Self {
        let Clock { kind, state, due_at, breached_at, met_at, policy_version, ref calendar, .. } = *clock;
        Self { kind, state, due_at, breached_at, met_at, policy_version, calendar_version: calendar.version() }
    }
}

/// One step of a clock; never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEvent {
    /// Which clock.
    pub clock: Kind,
    /// Counts the clock's events from 1.
    pub number: i32,
    /// What happened.
    pub step: Step,
    /// Business time; of breached: the due time.
    pub at: Timestamp,
    /// When it is due, from then on.
    pub due_at: Timestamp,
    /// The target from then on, in working time.
    pub target: SignedDuration,
}

/// What a clock's events fold to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What is counted.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it may take, in working time; whole minutes.
    pub target: SignedDuration,
    /// Working time of the pauses that are over.
    pub paused: SignedDuration,
    /// Since when it does not count.
    pub stopped_at: Option<Timestamp>,
    /// When it is due; while it does not count, as if it ran on from its last event.
    pub due_at: Timestamp,
    /// The due time that passed (TK22).
    pub breached_at: Option<Timestamp>,
    /// When it was met.
    pub met_at: Option<Timestamp>,
    /// The version of the policy that it keeps to.
    pub policy_version: i32,
    /// The calendar that it keeps to.
    pub calendar: Calendar,
    /// How many events it folds.
    pub events: i32,
    /// The time of its last event that was not a breach: no later one is earlier.
    pub changed_at: Timestamp,
}

impl Clock {
    /// A clock that begins, and its event.
    #[must_use]
    pub fn start(
        kind: Kind,
        target: SignedDuration,
        policy_version: i32,
        calendar: Calendar,
        at: Timestamp,
    ) -> (Self, ClockEvent) {
        let clock = Self {
            kind,
            state: State::Running,
            started_at: at,
            target,
            paused: SignedDuration::ZERO,
            stopped_at: None,
            due_at: calendar.add(at, target),
            breached_at: None,
            met_at: None,
            policy_version,
            calendar,
            events: 1,
            changed_at: at,
        };
        let event = clock.last_event(Step::Started, at);
        (clock, event)
    }

    /// What events fold to (TK20).
    ///
    /// # Errors
    /// `INTERNAL` for events that no clock can have had: none, a gap, a first that is not the start, a start that is not the first.
    pub fn fold(policy_version: i32, calendar: Calendar, events: &[ClockEvent]) -> Result<Self, Error> {
        let broken = || Error::internal("the events of a clock cannot be folded");
        let (first, rest) = events.split_first().ok_or_else(broken)?;
        if first.step != Step::Started || first.number != 1 {
            return Err(broken());
        }
        let (mut clock, _) = Self::start(first.clock, first.target, policy_version, calendar, first.at);
        for event in rest {
            if event.step == Step::Started || event.number != clock.events + 1 || event.clock != clock.kind {
                return Err(broken());
            }
            clock.apply(event.step, event.at, event.target);
        }
        Ok(clock)
    }

    /// Stops counting, as the customer has to answer.
    pub fn pause(&mut self, at: Timestamp) -> Option<ClockEvent> {
        // TK21
        let pauses = self.kind != Kind::FirstResponse && self.state == State::Running;
        pauses.then(|| self.take(Step::Paused, at))
    }

    /// Counts again; the total also when it had been met, because the ticket was opened again (TK26).
    pub fn resume(&mut self, at: Timestamp) -> Option<ClockEvent> {
        let resumes = self.state == State::Paused || (self.kind == Kind::ResolutionTotal && self.state == State::Met);
        resumes.then(|| self.take(Step::Resumed, at))
    }

    /// Reaches what it counts to.
    pub fn meet(&mut self, at: Timestamp) -> Option<ClockEvent> {
        self.is_open().then(|| self.take(Step::Met, at))
    }

    /// Has another target, counted from its start (TK25).
    pub fn retarget(&mut self, target: SignedDuration, at: Timestamp) -> Option<ClockEvent> {
        let changes = self.is_open() && self.target != target;
        changes.then(|| self.apply(Step::Retargeted, at.max(self.changed_at), target))
    }

    /// Is called off, unless it was met.
    pub fn cancel(&mut self, at: Timestamp) -> Option<ClockEvent> {
        self.is_open().then(|| self.take(Step::Canceled, at))
    }

    /// Is breached when its due time has come (TK22). What is reached at the due time itself is late: the moments before it are in time.
    pub fn breach_due(&mut self, now: Timestamp) -> Option<ClockEvent> {
        let is_due = self.state == State::Running && self.breached_at.is_none() && self.due_at <= now;
        is_due.then(|| self.take(Step::Breached, self.due_at))
    }

    /// Whether it is neither met nor canceled.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Running | State::Paused)
    }

    fn take(&mut self, step: Step, at: Timestamp) -> ClockEvent {
        // The clocks of two processes may differ a little, and time does not run backwards. A breach lies where it was due.
        let at = if step == Step::Breached { at } else { at.max(self.changed_at) };
        self.apply(step, at, self.target)
    }

    /// The one place where an event changes a clock.
    fn apply(&mut self, step: Step, at: Timestamp, target: SignedDuration) -> ClockEvent {
        match step {
            Step::Started | Step::Retargeted => self.target = target,
            Step::Paused => self.stop(State::Paused, at),
            Step::Met => {
                self.stop(State::Met, at);
                self.met_at = Some(at);
            }
            Step::Canceled => self.stop(State::Canceled, at),
            Step::Resumed => {
                if let Some(stopped_at) = self.stopped_at.take() {
                    self.paused += self.calendar.between(stopped_at, at);
                }
                self.state = State::Running;
                self.met_at = None;
            }
            Step::Breached => self.breached_at = Some(at),
        }
        if step != Step::Breached {
            self.changed_at = at;
        }
        self.due_at = self.calendar.add(self.started_at, self.target + self.paused);
        self.events += 1;
        self.last_event(step, at)
    }

    /// What was met or canceled while it was paused has not counted since the pause.
    fn stop(&mut self, state: State, at: Timestamp) {
        self.state = state;
        self.stopped_at = self.stopped_at.or(Some(at));
    }

    fn last_event(&self, step: Step, at: Timestamp) -> ClockEvent {
        ClockEvent { clock: self.kind, number: self.events, step, at, due_at: self.due_at, target: self.target }
    }
}
