//! One clock: its events, what they fold to, and which event a command gives. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use seva_runtime::Error;

use super::calendar::Calendar;
use crate::stored::stored_names;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Until the customer has a first answer of a person.
    FirstResponse,
    /// Until the customer has an answer to what they said last; a round for each time they wait.
    NextResponse,
    /// Until the customer hears something again while it is worked on; a round from each word to the next.
    UpdateCadence,
    /// Until it was resolved for the first time.
    ResolutionFirst,
    /// Until it was closed, with every reopening.
    ResolutionTotal,
    /// Until a department has taken or refused what was handed to it; a round for each hand-off.
    HandoffAck,
    /// Until the department has done it; the same round.
    HandoffDone,
    /// Until a promise is kept; a round for each promise.
    Promise,
    /// Until the customer has said whether it is solved; a round for each resolution.
    Verification,
}

impl Kind {
    /// Whether it is for us to meet. How long customers take is counted, and nobody is warned of it, nor is it ever breached.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        !matches!(self, Self::Verification)
    }

    /// Whether it stands still while it is the customer's turn (TK21).
    #[must_use]
    pub const fn pauses(self) -> bool {
        matches!(self, Self::ResolutionFirst | Self::ResolutionTotal | Self::UpdateCadence)
    }
}

stored_names!(Kind, "kind of clock" {
    FirstResponse = "first_response",
    NextResponse = "next_response",
    UpdateCadence = "update_cadence",
    ResolutionFirst = "resolution_first",
    ResolutionTotal = "resolution_total",
    HandoffAck = "handoff_ack",
    HandoffDone = "handoff_done",
    Promise = "promise",
    Verification = "verification",
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
    /// It took over an earlier start and a stricter due time (TK51); its time is that start.
    Inherited,
    /// Was reached.
    Met,
    /// Half of its working time is over.
    Warned50,
    /// Four fifths of its working time are over.
    Warned80,
    /// Was due and not reached.
    Breached,
    /// Was called off.
    Canceled,
}

impl Step {
    /// Whether time alone brings it about.
    #[must_use]
    pub const fn is_of_time(self) -> bool {
        matches!(self, Self::Warned50 | Self::Warned80 | Self::Breached)
    }
}

stored_names!(Step, "step of a clock" {
    Started = "started",
    Paused = "paused",
    Resumed = "resumed",
    Retargeted = "retargeted",
    Inherited = "inherited",
    Met = "met",
    Warned50 = "warned_50",
    Warned80 = "warned_80",
    Breached = "breached",
    Canceled = "canceled",
});

/// How much of a clock's working time is over, as far as it was warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// Less than half, or nobody was warned.
    None,
    /// Half.
    Half,
    /// Four fifths.
    Most,
}

impl Share {
    /// In percent; so it is stored.
    #[must_use]
    pub const fn percent(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Half => 50,
            Self::Most => 80,
        }
    }

    /// Reads what is stored.
    ///
    /// # Errors
    /// `INTERNAL`: what was written was known.
    pub fn from_percent(percent: i16) -> Result<Self, Error> {
        match percent {
            0 => Ok(Self::None),
            50 => Ok(Self::Half),
            80 => Ok(Self::Most),
            other => Err(crate::stored::unknown("share of a clock", &other.to_string())),
        }
    }
}

/// What is told of a clock, without what it is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// What is counted.
    pub kind: Kind,
    /// Which time, from 1.
    pub round: i32,
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
        let Clock { kind, round, state, due_at, breached_at, met_at, policy_version, ref calendar, .. } = *clock;
        Self { kind, round, state, due_at, breached_at, met_at, policy_version, calendar_version: calendar.version() }
    }
}

/// One step of a clock; never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEvent {
    /// Which clock.
    pub clock: Kind,
    /// Which round of it.
    pub round: i32,
    /// Counts the clock's events from 1.
    pub number: i32,
    /// What happened.
    pub step: Step,
    /// Business time; of a warning and a breach the time that came, whenever that was found.
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
    /// Which time, from 1.
    pub round: i32,
    /// Where it stands.
    pub state: State,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it may take, in working time.
    pub target: SignedDuration,
    /// Working time of the pauses that are over.
    pub paused: SignedDuration,
    /// Since when it does not count.
    pub stopped_at: Option<Timestamp>,
    /// When it is due; while it does not count, as if it ran on from its last event.
    pub due_at: Timestamp,
    /// Up to which share of its working time it was warned of (TK29).
    pub warned: Share,
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
    /// The time of its last event that time alone did not bring about: no later one is earlier.
    pub changed_at: Timestamp,
}

impl Clock {
    /// A clock that begins, and its event.
    #[must_use]
    pub fn start(
        (kind, round): (Kind, i32),
        target: SignedDuration,
        policy_version: i32,
        calendar: Calendar,
        at: Timestamp,
    ) -> (Self, ClockEvent) {
        let clock = Self {
            kind,
            round,
            state: State::Running,
            started_at: at,
            target,
            paused: SignedDuration::ZERO,
            stopped_at: None,
            due_at: calendar.add(at, target),
            warned: Share::None,
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
        let (mut clock, _) = Self::start((first.clock, first.round), first.target, policy_version, calendar, first.at);
        for event in rest {
            let is_of_this = (event.clock, event.round) == (clock.kind, clock.round);
            if event.step == Step::Started || event.number != clock.events + 1 || !is_of_this {
                return Err(broken());
            }
            clock.apply(event.step, event.at, event.target);
        }
        Ok(clock)
    }

    /// Stops counting, as the customer has to answer.
    pub fn pause(&mut self, at: Timestamp) -> Option<ClockEvent> {
        // TK21
        let pauses = self.kind.pauses() && self.state == State::Running;
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

    /// Takes over the start and the due time of another clock, as far as they are earlier (TK51); a due time outside its own working time is the
    /// beginning of that. Its own pauses are then within the new target.
    pub fn inherit(&mut self, other: &Self) -> Option<ClockEvent> {
        let (started_at, due_at) = (self.started_at.min(other.started_at), self.due_at.min(other.due_at));
        let changes = self.is_open() && (started_at, due_at) != (self.started_at, self.due_at);
        changes.then(|| self.apply(Step::Inherited, started_at, self.calendar.not_before(started_at, due_at)))
    }

    /// Has the start and the due time again that it had before it took over another clock's; what it stood still since then counts. That it was
    /// warned of or breached meanwhile stays.
    pub fn give_back(&mut self, (started_at, due_at): (Timestamp, Timestamp)) -> Option<ClockEvent> {
        let target = self.calendar.between(started_at, due_at) + self.paused;
        self.is_open().then(|| self.apply(Step::Inherited, started_at, target))
    }

    /// Counts on after it was called off with a ticket that is taken up again.
    pub fn reinstate(&mut self, at: Timestamp) -> Option<ClockEvent> {
        (self.state == State::Canceled).then(|| self.take(Step::Resumed, at))
    }

    /// Is called off, unless it was met.
    pub fn cancel(&mut self, at: Timestamp) -> Option<ClockEvent> {
        self.is_open().then(|| self.take(Step::Canceled, at))
    }

    /// What time has brought about by `now`: warnings as shares of its time were over (TK29), and the breach when its due time had come (TK22).
    /// What is reached at the due time itself is late: the moments before it are in time.
    pub fn pass(&mut self, now: Timestamp) -> Vec<ClockEvent> {
        let mut passed = Vec::new();
        while let Some(at) = self.next_at().filter(|at| *at <= now) {
            let step = match self.warned {
                Share::None => Step::Warned50,
                Share::Half => Step::Warned80,
                Share::Most => Step::Breached,
            };
            passed.push(self.take(step, at));
        }
        passed
    }

    /// When time brings something about next.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.state != State::Running || self.breached_at.is_some() || !self.kind.is_ours() {
            return None;
        }
        Some(match self.warned {
            Share::None => self.after(Share::Half),
            Share::Half => self.after(Share::Most),
            Share::Most => self.due_at,
        })
    }

    /// When a share of its working time is over.
    fn after(&self, share: Share) -> Timestamp {
        let part = SignedDuration::from_micros_i128(self.target.as_micros() * i128::from(share.percent()) / 100);
        self.calendar.add(self.started_at, part + self.paused)
    }

    /// Whether it is neither met nor canceled.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Running | State::Paused)
    }

    /// The working time from its start until it was met, without pauses; `None` unless it is met.
    #[must_use]
    pub fn taken(&self) -> Option<SignedDuration> {
        let stopped_at = self.stopped_at.filter(|_| self.state == State::Met)?;
        Some(self.calendar.between(self.started_at, stopped_at) - self.paused)
    }

    fn take(&mut self, step: Step, at: Timestamp) -> ClockEvent {
        // The clocks of two processes may differ a little, and time does not run backwards. What time brings about lies where it came.
        let at = if step.is_of_time() { at } else { at.max(self.changed_at) };
        self.apply(step, at, self.target)
    }

    /// The one place where an event changes a clock.
    fn apply(&mut self, step: Step, at: Timestamp, target: SignedDuration) -> ClockEvent {
        match step {
            Step::Started | Step::Retargeted => self.target = target,
            Step::Inherited => (self.started_at, self.target, self.paused) = (at, target, SignedDuration::ZERO),
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
            Step::Warned50 => self.warned = Share::Half,
            Step::Warned80 => self.warned = Share::Most,
            Step::Breached => self.breached_at = Some(at),
        }
        if !step.is_of_time() {
            // A start that is taken over lies before.
            self.changed_at = self.changed_at.max(at);
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
        let Self { kind: clock, round, events: number, due_at, target, .. } = *self;
        ClockEvent { clock, round, number, step, at, due_at, target }
    }
}
