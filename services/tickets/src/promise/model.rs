//! What can happen to a promise by itself; what it does to its ticket stands in [`super::scene`]. Pure.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::format_name;
use uuid::Uuid;

use crate::stored::stored_names;

/// Collection of promises' names.
pub const COLLECTION: &str = "promises";

/// Something that a customer was promised.
#[derive(Clone, PartialEq, Eq)]
pub struct Promise {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What it is about.
    pub ticket: Uuid,
    /// To whom.
    pub customer: Uuid,
    /// The department that the ticket was with when it was made.
    pub department: Option<Uuid>,
    /// Who answers for it; `None`: it waits in the queue of the department's lead (TK41).
    pub owner: Option<Uuid>,
    /// Where it stands.
    pub state: State,
    /// What the customer was told: personal data.
    pub words: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// When it was due as it was made.
    pub first_due_at: Timestamp,
    /// How often it was renewed.
    pub renewals: i32,
    /// The round of the ticket's clock that counts to it.
    pub round: i32,
    /// Business time, as all that follow.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub kept_at: Option<Timestamp>,
    /// Its due time, or when somebody said so before.
    pub broken_at: Option<Timestamp>,
    pub withdrawn_at: Option<Timestamp>,
    /// When the customer was told that we are sorry.
    pub apologized_at: Option<Timestamp>,
}

impl std::fmt::Debug for Promise {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, state, owner, due_at, .. } = self;
        f.debug_struct("Promise")
            .field("id", id)
            .field("version", version)
            .field("state", state)
            .field("owner", owner)
            .field("due_at", due_at)
            .finish_non_exhaustive()
    }
}

/// Where a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not due yet.
    Open,
    /// It was kept before it was due.
    Kept,
    /// It was not kept when it was due, or somebody said before that it cannot be.
    Broken,
    /// It was kept after it was broken.
    KeptLate,
    /// The customer does not want it any more.
    Withdrawn,
}

stored_names!(State, "state of a promise" {
    Open = "open",
    Kept = "kept",
    Broken = "broken",
    KeptLate = "kept_late",
    Withdrawn = "withdrawn",
});

/// What happened to a promise: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It was made.
    Made,
    /// It was kept, in time or late.
    Kept,
    /// It has a later due time.
    Renewed,
    /// It was broken.
    Broken,
    /// The customer was told that we are sorry.
    Apologized,
    /// The customer does not want it any more.
    Withdrawn,
    /// Somebody else answers for it, or nobody yet.
    Assigned,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Made => "seva.tickets.promise.made.v1",
            Self::Kept => "seva.tickets.promise.kept.v1",
            Self::Renewed => "seva.tickets.promise.renewed.v1",
            Self::Broken => "seva.tickets.promise.broken.v1",
            Self::Apologized => "seva.tickets.promise.apologized.v1",
            Self::Withdrawn => "seva.tickets.promise.withdrawn.v1",
            Self::Assigned => "seva.tickets.promise.assigned.v1",
        }
    }

    /// The names of the fields that change with it, for the audit.
    #[must_use]
    pub const fn changed(self) -> &'static [&'static str] {
        match self {
            Self::Made => &["*"],
            Self::Kept => &["state", "keep_time"],
            Self::Renewed => &["due_time", "renewals"],
            Self::Broken => &["state", "break_time"],
            Self::Apologized => &["apologize_time"],
            Self::Withdrawn => &["state", "withdraw_time"],
            Self::Assigned => &["owner"],
        }
    }
}

/// A promise after something happened to it, and what that was.
#[derive(Debug, Clone)]
pub struct Change {
    /// The promise after it.
    pub promise: Promise,
    /// What happened.
    pub act: Act,
}

impl Promise {
    /// Its resource name.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Whether it is not kept and its due time has come (TK42): the moments before it are in time.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == State::Open && self.due_at <= now
    }

    /// Whether something is owed: what was promised, or an apology (TK44).
    #[must_use]
    pub fn owes(&self) -> bool {
        self.state == State::Open || (self.broken_at.is_some() && self.apologized_at.is_none())
    }

    /// It is kept: in time while it is open, late once it was broken.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK42).
    pub fn keep(&self, now: Timestamp) -> Result<Change, Error> {
        let state = match self.state {
            State::Open => State::Kept,
            State::Broken => State::KeptLate,
            _ => return Err(self.refusal("TK42", "it is open, or broken and not kept late yet")),
        };
        let now = now.max(self.updated_at);
        Ok(Self { state, kept_at: Some(now), ..self.next(now) }.by(Act::Kept))
    }

    /// It is due later; the customer is told with it.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK43).
    pub fn renew(&self, due_at: Timestamp, round: i32, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_open("TK43", "it is not due yet: what was broken is promised anew")?;
        if due_at <= self.due_at {
            return Err(self.refusal("TK43", "the new due time is later than the old one"));
        }
        Ok(Self { due_at, round, renewals: self.renewals + 1, ..self.next(now) }.by(Act::Renewed))
    }

    /// It is broken, at its due time or when somebody says so before.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK42).
    pub fn break_at(&self, at: Timestamp, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_open("TK42", "it is open")?;
        Ok(Self { state: State::Broken, broken_at: Some(at), ..self.next(now) }.by(Act::Broken))
    }

    /// The customer is told that we are sorry.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK44).
    pub fn apologize(&self, now: Timestamp) -> Result<Change, Error> {
        if self.broken_at.is_none() || self.apologized_at.is_some() {
            return Err(self.refusal("TK44", "it was broken, and the customer was not told yet that we are sorry"));
        }
        Ok(Self { apologized_at: Some(now), ..self.next(now) }.by(Act::Apologized))
    }

    /// The customer does not want it any more.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK45).
    pub fn withdraw(&self, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_open("TK45", "it is open: what was kept or broken stays so")?;
        Ok(Self { state: State::Withdrawn, withdrawn_at: Some(now), ..self.next(now) }.by(Act::Withdrawn))
    }

    /// Somebody else answers for it, or nobody yet.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK41).
    pub fn assign(&self, owner: Option<Uuid>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_open("TK41", "it is open: of what is over the owner stays")?;
        Ok(Self { owner, ..self.next(now) }.by(Act::Assigned))
    }

    /// A refusal that says what would have to be true.
    pub(super) fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn has_to_be_open(&self, invariant: &'static str, has_to_be_true: &'static str) -> Result<(), Error> {
        if self.state == State::Open { Ok(()) } else { Err(self.refusal(invariant, has_to_be_true)) }
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    pub(super) fn by(self, act: Act) -> Change {
        Change { promise: self, act }
    }
}
