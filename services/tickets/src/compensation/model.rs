//! What can happen to a grant: pure functions of the grant, the command and the time.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | propose | `approved_in_limit` | it lies within all limits (TK60) |
//! | | propose | `awaiting_approval` | it goes over one (TK60) |
//! | | a return settles by it | approved | it is owed |
//! | `awaiting_approval` | approve | approved | by somebody else, who may give as much at once (TK62); it is still left of the invoice (TK64) |
//! | `awaiting_approval` | reject | rejected | by somebody who leads, or the proposer takes it back (TK62) |
//! | `awaiting_approval` | seven days pass | expired | |
//! | `approved_in_limit`, approved | at once | issued | |
//! | issued | billing has done it | settled | the confirmation is about this amount (TK66) |
//! | issued | billing cannot do it | failed | the same |
//! | settled, failed | billing says so again | unchanged | the same under the same key (TK66) |
//! | settled | reverse | unchanged; a new entry is approved | it was not taken back before, and takes nothing back itself (TK65) |
//!
//! Everything else is refused (TK69).

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{Money, format_name};
use uuid::Uuid;

use super::limits::{Bound, Bounds, Kind};
use crate::{roster::StaffMember, stored::stored_names};

/// Names of grants.
pub const COLLECTION: &str = "compensationGrants";
/// How long somebody may take to decide.
pub const DECIDE_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far back what a customer was given counts.
pub const CUSTOMER_WINDOW: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Within all limits.
    ApprovedInLimit,
    /// Over one; somebody else decides.
    AwaitingApproval,
    /// Somebody else has approved it, or it is owed.
    Approved,
    /// Somebody else has rejected it, or the proposer has taken it back.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// Billing has been told.
    Issued,
    /// Billing has done it.
    Settled,
    /// Billing cannot do it.
    Failed,
}

stored_names!(State, "state of a grant" {
    ApprovedInLimit = "approved_in_limit",
    AwaitingApproval = "awaiting_approval",
    Approved = "approved",
    Rejected = "rejected",
    Expired = "expired",
    Issued = "issued",
    Settled = "settled",
    Failed = "failed",
});

impl State {
    /// The type of the event that tells that a grant has come into it.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::ApprovedInLimit => "seva.tickets.compensation_grant.approved_in_limit.v1",
            Self::AwaitingApproval => "seva.tickets.compensation_grant.awaiting_approval.v1",
            Self::Approved => "seva.tickets.compensation_grant.approved.v1",
            Self::Rejected => "seva.tickets.compensation_grant.rejected.v1",
            Self::Expired => "seva.tickets.compensation_grant.expired.v1",
            Self::Issued => "seva.tickets.compensation_grant.issued.v1",
            Self::Settled => "seva.tickets.compensation_grant.settled.v1",
            Self::Failed => "seva.tickets.compensation_grant.failed.v1",
        }
    }
}

/// Something that is given to a customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What it is given for.
    pub ticket: Uuid,
    /// Who gets it.
    pub customer: Uuid,
    /// What is given.
    pub kind: Kind,
    /// What it is worth; more than 0, of a reversal too.
    pub amount: Money,
    /// Why: personal data.
    pub reason: String,
    /// What is paid back: of a refund, and of whatever settles a return.
    pub invoice: Option<Uuid>,
    /// Where it stands.
    pub state: State,
    /// The limits that it goes over.
    pub exceeded_limits: Vec<Bound>,
    /// Whose limits it was measured by.
    pub policy: Option<Uuid>,
    /// Who proposed it.
    pub proposer: Uuid,
    /// On whose days it counts.
    pub giver: Uuid,
    /// Who decided about it.
    pub decider: Option<Uuid>,
    /// Why it was rejected: personal data.
    pub decision_note: Option<String>,
    /// What it takes back.
    pub reverses: Option<Uuid>,
    /// The return that it settles.
    pub return_case: Option<Uuid>,
    /// Billing's key of what it did.
    pub external_key: Option<String>,
    /// Why billing could not do it.
    pub fault: Option<String>,
    /// Since when it counts as given.
    pub counted_at: Option<Timestamp>,
    /// When it is issued, or expires.
    pub due_at: Option<Timestamp>,
    /// Business time, as all that follow.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

impl std::fmt::Debug for Grant {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grant({}, v{}, {}, {})", self.id, self.version, self.state.name(), self.amount)
    }
}

/// What a new grant is made of.
#[derive(Clone)]
pub struct NewGrant {
    pub ticket: Uuid,
    pub customer: Uuid,
    pub kind: Kind,
    pub amount: Money,
    pub reason: String,
    pub invoice: Option<Uuid>,
}

/// What billing says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The grant that it is about.
    pub grant: Uuid,
    /// Billing's key of what it did.
    pub external_key: String,
    /// What was given or taken back.
    pub amount: Money,
    /// Why it cannot be done; `None`: it is done.
    pub fault: Option<String>,
}

impl Grant {
    /// Somebody proposes something, measured by the limits of a policy (TK60).
    #[must_use]
    pub fn propose(
        id: Uuid,
        new: NewGrant,
        proposer: Uuid,
        bounds: &Bounds,
        policy: Option<Uuid>,
        now: Timestamp,
    ) -> Self {
        let exceeded_limits = bounds.exceeded_by(new.amount.minor_units);
        let is_within = exceeded_limits.is_empty();
        Self {
            state: if is_within { State::ApprovedInLimit } else { State::AwaitingApproval },
            exceeded_limits,
            policy,
            counted_at: is_within.then_some(now),
            due_at: Some(if is_within { now } else { now + DECIDE_WITHIN }),
            ..Self::owed(id, new, None, proposer, now)
        }
    }

    /// What a return settles by: nobody has to be asked, and it counts for no limit.
    #[must_use]
    pub fn owed(id: Uuid, new: NewGrant, return_case: Option<Uuid>, proposer: Uuid, now: Timestamp) -> Self {
        let NewGrant { ticket, customer, kind, amount, reason, invoice } = new;
        Self {
            id,
            version: 1,
            ticket,
            customer,
            kind,
            amount,
            reason,
            invoice,
            state: State::Approved,
            exceeded_limits: Vec::new(),
            policy: None,
            proposer,
            giver: proposer,
            decider: None,
            decision_note: None,
            reverses: None,
            return_case,
            external_key: None,
            fault: None,
            counted_at: None,
            due_at: Some(now),
            created_at: now,
            updated_at: now,
            settled_at: None,
        }
    }

    /// Its resource name.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Somebody else approves it.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK69), `APPROVER_UNSUITABLE` (TK62).
    pub fn approve(&self, approver: &StaffMember, now: Timestamp) -> Result<Self, Error> {
        self.has_to_wait(now)?;
        if approver.id == self.proposer {
            return Err(self.unsuitable("somebody else than the proposer approves it"));
        }
        if !approver.covers(self.kind, self.amount) {
            return Err(self.unsuitable("whoever approves it may give as much at once"));
        }
        Ok(Self {
            state: State::Approved,
            decider: Some(approver.id),
            counted_at: Some(now),
            due_at: Some(now),
            ..self.next(now)
        })
    }

    /// Somebody who leads rejects it, or the proposer takes it back.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK69), `APPROVER_UNSUITABLE` (TK62).
    pub fn reject(&self, decider: &StaffMember, note: String, now: Timestamp) -> Result<Self, Error> {
        self.has_to_wait(now)?;
        if decider.id != self.proposer && !decider.leads() {
            return Err(self.unsuitable("whoever rejects it leads, or has proposed it"));
        }
        Ok(Self {
            state: State::Rejected,
            decider: Some(decider.id),
            decision_note: Some(note),
            due_at: None,
            ..self.next(now)
        })
    }

    /// A new entry that takes it back (TK65); it counts where this one does.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK65, TK69).
    pub fn reverse(&self, id: Uuid, by: Uuid, reason: String, now: Timestamp) -> Result<Self, Error> {
        if self.reverses.is_some() {
            return Err(self.refusal("TK65", "it is no reversal: what was taken back is given anew by a new grant"));
        }
        if self.state != State::Settled {
            return Err(self.refusal("TK69", "it is settled: before that there is nothing to take back"));
        }
        let Self { ticket, customer, kind, amount, invoice, return_case, counted_at, giver, .. } = self.clone();
        let new = NewGrant { ticket, customer, kind, amount, reason, invoice };
        Ok(Self { reverses: Some(self.id), counted_at, giver, ..Self::owed(id, new, return_case, by, now) })
    }

    /// What its time brings: it is issued, or nobody has decided. `None`: nothing is due.
    #[must_use]
    pub fn carry_on(&self, now: Timestamp) -> Option<Self> {
        self.due_at.filter(|due_at| *due_at <= now)?;
        let state = if self.state == State::AwaitingApproval { State::Expired } else { State::Issued };
        Some(Self { state, due_at: None, ..self.next(now) })
    }

    /// Billing says what became of it; `None`: it has said the same before.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK66, TK69).
    pub fn confirm(&self, said: &Confirmation, now: Timestamp) -> Result<Option<Self>, Error> {
        if self.external_key.as_ref() == Some(&said.external_key) {
            let same = (self.state == State::Settled) == said.fault.is_none() && self.amount == said.amount;
            let why = "billing says the same under the same key";
            return if same { Ok(None) } else { Err(self.refusal("TK66", why)) };
        }
        if self.state != State::Issued {
            return Err(self.refusal("TK69", "billing has been told to carry it out, and has not confirmed it"));
        }
        if said.amount != self.amount {
            return Err(self.refusal("TK66", "billing confirms the amount that it was told"));
        }
        let is_settled = said.fault.is_none();
        Ok(Some(Self {
            state: if is_settled { State::Settled } else { State::Failed },
            external_key: Some(said.external_key.clone()),
            fault: said.fault.clone(),
            settled_at: is_settled.then_some(now),
            ..self.next(now)
        }))
    }

    fn has_to_wait(&self, now: Timestamp) -> Result<(), Error> {
        match self.due_at {
            Some(due_at) if self.state == State::AwaitingApproval && now < due_at => Ok(()),
            _ => Err(self.refusal("TK69", "it waits for an approver, not longer than seven days")),
        }
    }

    fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn unsuitable(&self, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::ApproverUnsuitable, "TK62", self.name(), has_to_be_true)
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}
