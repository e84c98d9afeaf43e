//! What can happen to an escalation: pure functions of it, the command and the time.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | raise, by a person or by the ticket's risk | raised, level 1 | the ticket is neither resolved nor over (TK112), and has none that is open (TK111) |
//! | raised | acknowledge | acknowledged | the caller is called by its level (TK113) |
//! | raised | its time passes | raised, the next level; at the last it is overdue | (TK114) |
//! | raised | the ticket is resolved | closed | (TK112) |
//! | acknowledged | start acting | acting | by the owner, or whoever may acknowledge it (TK113); the same for all that follow |
//! | acknowledged, acting | the owner leaves, goes on leave or is suspended | raised, as long as at first | (TK119) |
//! | acting, crisis | de-escalate | `de_escalated` | a note says what was done |
//! | acknowledged, acting, `de_escalated` | declare a crisis | crisis, level 3, every hour counts | a note says what it is |
//! | `de_escalated`, crisis | close | closed | the ticket is resolved, or its risk is below high (TK116) |
//! | not closed | the ticket is over | closed | (TK112) |
//!
//! Everything else is refused (TK115).

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::format_name;
use uuid::Uuid;

use crate::{
    risk::Level,
    roster::{self, StaffMember, model::Role},
    stored::stored_names,
    ticket,
};

/// Names of escalations.
pub const COLLECTION: &str = "escalations";
/// Every manager.
pub const LAST_LEVEL: i16 = 3;

/// Where an escalation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has acknowledged it yet.
    Raised,
    /// Somebody has, and owns it.
    Acknowledged,
    /// Something is being done.
    Acting,
    /// It has calmed down.
    DeEscalated,
    /// It is worse than a team can mend.
    Crisis,
    /// It is over.
    Closed,
}

stored_names!(State, "state of an escalation" {
    Raised = "raised",
    Acknowledged = "acknowledged",
    Acting = "acting",
    DeEscalated = "de_escalated",
    Crisis = "crisis",
    Closed = "closed",
});

/// What happened to an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Raised,
    Acknowledged,
    /// Nobody acknowledged it in time.
    LevelRaised,
    /// Nobody of the last level did.
    Overdue,
    /// Its ticket's risk became critical.
    Sharpened,
    /// Its owner does not serve any more.
    Returned,
    Acting,
    DeEscalated,
    Crisis,
    Closed,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Raised => "seva.tickets.escalation.raised.v1",
            Self::Acknowledged => "seva.tickets.escalation.acknowledged.v1",
            Self::LevelRaised => "seva.tickets.escalation.level_raised.v1",
            Self::Overdue => "seva.tickets.escalation.overdue.v1",
            Self::Sharpened => "seva.tickets.escalation.sharpened.v1",
            Self::Acting => "seva.tickets.escalation.acting.v1",
            Self::DeEscalated => "seva.tickets.escalation.de_escalated.v1",
            Self::Crisis => "seva.tickets.escalation.crisis.v1",
            Self::Returned => "seva.tickets.escalation.returned.v1",
            Self::Closed => "seva.tickets.escalation.closed.v1",
        }
    }

    /// The fields that change with it, for the audit.
    #[must_use]
    pub const fn changed(self) -> &'static [&'static str] {
        match self {
            Self::Raised => &["*"],
            Self::LevelRaised => &["level", "acknowledge_due_time"],
            Self::Overdue => &["overdue_time"],
            Self::Sharpened => &["critical", "acknowledge_due_time"],
            Self::Returned => &["state", "owner", "acknowledge_due_time"],
            Self::Acknowledged | Self::Acting | Self::Closed => &["state", "owner"],
            Self::DeEscalated => &["state", "owner", "note"],
            Self::Crisis => &["state", "owner", "note", "level", "critical"],
        }
    }
}

/// A call for help with a ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// With what help is needed.
    pub ticket: Uuid,
    /// Whose leads and managers are called, and whose hours count; `None`: all of them, and every hour.
    pub department: Option<Uuid>,
    /// Who is called: 1 to 3.
    pub level: i16,
    /// Where it stands.
    pub state: State,
    /// Every hour counts.
    pub critical: bool,
    /// The member who raised it; `None`: nobody who is known here.
    pub raised_by: Option<Uuid>,
    /// Why, in words: personal data. `None`: the ticket's risk raised it.
    pub reason: Option<String>,
    /// Who acknowledged it, or has taken a step since.
    pub owner: Option<Uuid>,
    /// What was done, or what the crisis is: personal data.
    pub note: Option<String>,
    /// Until when somebody acknowledges it; while nobody has.
    pub acknowledge_due_at: Option<Timestamp>,
    /// The due time that passed at the last level.
    pub overdue_at: Option<Timestamp>,
    /// Business time, as all that follow.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

impl std::fmt::Debug for Escalation {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, level, state, owner, .. } = self;
        write!(f, "Escalation({id}, v{version}, {}, level {level}, owner {owner:?})", state.name())
    }
}

/// What a new escalation is made of.
#[derive(Clone)]
pub struct NewEscalation {
    pub ticket: Uuid,
    pub department: Option<Uuid>,
    pub critical: bool,
    pub raised_by: Option<Uuid>,
    pub reason: Option<String>,
}

/// An escalation after something happened to it, and what that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// After it.
    pub escalation: Escalation,
    /// What happened.
    pub act: Act,
}

impl Escalation {
    /// Somebody, or the ticket's risk, calls for help; it is acknowledged by `due_at`.
    #[must_use]
    pub fn raise(id: Uuid, new: NewEscalation, due_at: Timestamp, now: Timestamp) -> Change {
        let NewEscalation { ticket, department, critical, raised_by, reason } = new;
        let escalation = Self {
            id,
            version: 1,
            ticket,
            department,
            level: 1,
            state: State::Raised,
            critical,
            raised_by,
            reason,
            owner: None,
            note: None,
            acknowledge_due_at: Some(due_at),
            overdue_at: None,
            created_at: now,
            updated_at: now,
            acknowledged_at: None,
            closed_at: None,
        };
        Change { escalation, act: Act::Raised }
    }

    /// Its resource name.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Whether its level calls this member (TK113). A manager without a department manages all of them.
    #[must_use]
    pub fn calls(&self, member: &StaffMember) -> bool {
        let is_of_department = self.department.is_none() || member.department == self.department;
        let manages = member.role == Role::Manager;
        let is_called = match self.level {
            1 if member.role == Role::Lead => is_of_department,
            1 | 2 => manages && (is_of_department || member.department.is_none()),
            _ => manages,
        };
        is_called && member.state == roster::State::Active
    }

    /// Somebody takes it on.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK115), `LEVEL_UNSUITABLE` (TK113).
    pub fn acknowledge(&self, by: Option<&StaffMember>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Raised], "nobody has acknowledged it yet")?;
        let next = self.step(by, State::Acknowledged, now)?;
        Ok(Self { acknowledge_due_at: None, acknowledged_at: Some(now), ..next }.with(Act::Acknowledged))
    }

    /// Something is being done.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK115), `LEVEL_UNSUITABLE` (TK113).
    pub fn start_acting(&self, by: Option<&StaffMember>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Acknowledged], "it is acknowledged, and nothing was done yet")?;
        Ok(self.step(by, State::Acting, now)?.with(Act::Acting))
    }

    /// It has calmed down.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK115), `LEVEL_UNSUITABLE` (TK113).
    pub fn de_escalate(&self, by: Option<&StaffMember>, note: String, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Acting, State::Crisis], "something is being done, or it is a crisis")?;
        let next = self.step(by, State::DeEscalated, now)?;
        Ok(Self { note: Some(note), ..next }.with(Act::DeEscalated))
    }

    /// It is worse than a team can mend.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK115), `LEVEL_UNSUITABLE` (TK113).
    pub fn declare_crisis(&self, by: Option<&StaffMember>, note: String, now: Timestamp) -> Result<Change, Error> {
        let from = [State::Acknowledged, State::Acting, State::DeEscalated];
        self.has_to_be(&from, "it is acknowledged, not closed, and no crisis yet")?;
        let next = self.step(by, State::Crisis, now)?;
        Ok(Self { note: Some(note), level: LAST_LEVEL, critical: true, ..next }.with(Act::Crisis))
    }

    /// It is over; `risk` is its ticket's as of now, which is low of one that is resolved.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK115, TK116), `LEVEL_UNSUITABLE` (TK113).
    pub fn close(&self, by: Option<&StaffMember>, risk: Level, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::DeEscalated, State::Crisis], "it is de-escalated, or a crisis")?;
        let next = self.step(by, State::Closed, now)?;
        if risk.calls_for_help() {
            let why = "its ticket is resolved, or the ticket's risk is below high";
            return Err(self.refusal("TK116", why).with_metadata("risk_level", risk.name()));
        }
        Ok(next.closed(now))
    }

    /// What follows from what its ticket has come to; `None`: nothing. `sharper_due_at` is when it has to be acknowledged if every hour counts.
    #[must_use]
    pub fn follow(
        &self,
        ticket: ticket::State,
        risk: Level,
        sharper_due_at: Timestamp,
        now: Timestamp,
    ) -> Option<Change> {
        let is_over = matches!(ticket, ticket::State::Closed | ticket::State::Canceled | ticket::State::Merged);
        if is_over || ticket == ticket::State::Resolved && self.state == State::Raised {
            return Some(self.next(now).closed(now));
        }
        if risk != Level::Critical || self.critical {
            return None;
        }
        let mut next = self.next(now);
        next.critical = true;
        next.acknowledge_due_at = self.acknowledge_due_at.map(|due_at| due_at.min(sharper_due_at));
        Some(next.with(Act::Sharpened))
    }

    /// Its time to be acknowledged is over (TK114); `next_due` is asked when the next level's time is, which begins where this one's ended.
    #[must_use]
    pub fn pass_time(&self, next_due: impl Fn(&Self, Timestamp) -> Timestamp, now: Timestamp) -> Option<Change> {
        let due_at = self.acknowledge_due_at.filter(|due_at| *due_at <= now && self.overdue_at.is_none())?;
        let next = self.next(now);
        if self.level == LAST_LEVEL {
            return Some(Self { overdue_at: Some(due_at), ..next }.with(Act::Overdue));
        }
        let acknowledge_due_at = Some(next_due(self, due_at));
        Some(Self { level: self.level + 1, acknowledge_due_at, ..next }.with(Act::LevelRaised))
    }

    /// Its owner does not serve any more: somebody else is called, at the level where it stands, as long as at first (TK119). A crisis is every
    /// manager's affair, and what is de-escalated needs nobody.
    #[must_use]
    pub fn lose_owner(&self, due_at: Timestamp, now: Timestamp) -> Option<Change> {
        if !matches!(self.state, State::Acknowledged | State::Acting) {
            return None;
        }
        let next =
            Self { state: State::Raised, owner: None, acknowledged_at: None, overdue_at: None, ..self.next(now) };
        Some(Self { acknowledge_due_at: Some(due_at), ..next }.with(Act::Returned))
    }

    fn has_to_be(&self, states: &[State], has_to_be_true: &'static str) -> Result<(), Error> {
        if states.contains(&self.state) {
            return Ok(());
        }
        Err(self.refusal("TK115", has_to_be_true))
    }

    /// TK113: whoever takes a step owns it from then on.
    fn step(&self, by: Option<&StaffMember>, state: State, now: Timestamp) -> Result<Self, Error> {
        let by = by.filter(|member| self.owner == Some(member.id) || self.calls(member));
        let Some(by) = by else {
            let why = match self.level {
                1 => "the caller owns it, or leads or manages its department",
                2 => "the caller owns it, or manages its department",
                _ => "the caller owns it, or is a manager",
            };
            return Err(Error::precondition(ErrorReason::LevelUnsuitable, "TK113", self.name(), why)
                .with_metadata("level", self.level.to_string()));
        };
        Ok(Self { state, owner: Some(by.id), ..self.next(now) })
    }

    fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn closed(self, now: Timestamp) -> Change {
        Self { state: State::Closed, acknowledge_due_at: None, closed_at: Some(now), ..self }.with(Act::Closed)
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    const fn with(self, act: Act) -> Change {
        Change { escalation: self, act }
    }
}
