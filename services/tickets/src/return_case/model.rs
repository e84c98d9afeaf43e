//! What can happen to a return: pure functions of the return, the command and the time.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | open | requested | the order has arrived, and no more comes back than that (TK71) |
//! | requested | review | `under_review` | |
//! | `under_review` | decide | approved, `partly_approved`, declined | with reason and rule (TK74); after an appeal by another person (TK75) |
//! | declined | appeal, once | `under_review` | it has not come back otherwise meanwhile (TK71, TK75) |
//! | approved, `partly_approved` | the label is sent | `label_sent` | |
//! | `label_sent` | it is on its way | `in_transit` | |
//! | approved, `partly_approved`, `label_sent`, `in_transit` | it is here | received | |
//! | received | it is inspected | inspected | |
//! | approved, `partly_approved`, inspected | settle by refund or credit | settling | no more than is left of the invoice (TK72); by somebody else than decided, or who may give as much at once (TK89) |
//! | approved, `partly_approved`, inspected | settle otherwise | settled | |
//! | settling | billing confirms | settled | (TK77) |
//! | settling | billing cannot | as before it was settled | |
//! | settled, declined | close | closed | |
//! | requested to `in_transit` | cancel | canceled | it is not here yet, and was not declined (TK79) |
//!
//! Everything else is refused (TK70).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::format_name;
use uuid::Uuid;

use super::kinds::{Act, Condition, Outcome, State, Way};
use crate::{compensation::model::Grant, roster::StaffMember};

/// Names of returns.
pub const COLLECTION: &str = "returnCases";

/// Something that a customer gives back.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnCase {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What it is part of.
    pub ticket: Uuid,
    /// The ticket's customer.
    pub customer: Uuid,
    /// What comes back is of it.
    pub order: Uuid,
    /// Its number at the seller.
    pub order_number: String,
    /// What comes back.
    pub items: Vec<Item>,
    /// What the customer would like for it.
    pub wish: Way,
    /// Why: personal data.
    pub reason: String,
    /// Where it stands.
    pub state: State,
    /// Who looks at it.
    pub reviewer: Option<Uuid>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// What the customer has appealed against.
    pub appeal: Option<Appeal>,
    /// What the carrier calls the way back.
    pub tracking_number: Option<String>,
    /// In which state it came.
    pub condition: Option<Condition>,
    /// What was found: personal data.
    pub inspection_note: Option<String>,
    /// What is given for it.
    pub settlement: Option<Way>,
    /// What billing carries out.
    pub grant: Option<Uuid>,
    /// Business time, as all that follow.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

impl std::fmt::Debug for ReturnCase {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReturnCase({}, v{}, {})", self.id, self.version, self.state.name())
    }
}

/// So many of something that was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is, as the order calls it.
    pub item: String,
    /// How many come back.
    pub quantity: i64,
    /// How many of them are taken back; `None` until it was decided.
    pub accepted: Option<i64>,
}

/// What was decided (TK74).
#[derive(Clone, PartialEq, Eq)]
pub struct Decision {
    /// What of it is taken back.
    pub outcome: Outcome,
    /// Why: personal data.
    pub reason: String,
    /// The rule of the handbook, in its version.
    pub handbook_rule: String,
    /// It goes beyond that rule.
    pub is_exception: bool,
    /// Who decided.
    pub decider: Uuid,
    /// Business time.
    pub at: Timestamp,
}

/// What the customer does not agree with (TK75).
#[derive(Clone, PartialEq, Eq)]
pub struct Appeal {
    /// Who declined it.
    pub first_decider: Uuid,
    /// Why the customer does not agree: personal data.
    pub reason: String,
}

/// What a new return is made of.
#[derive(Clone)]
pub struct NewReturn {
    pub ticket: Uuid,
    pub customer: Uuid,
    pub order: Uuid,
    pub order_number: String,
    pub items: Vec<Item>,
    pub wish: Way,
    pub reason: String,
}

/// A return after something happened to it, and what that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The return after it.
    pub case: ReturnCase,
    /// What happened.
    pub act: Act,
}

impl ReturnCase {
    /// The customer asks for it.
    #[must_use]
    pub fn open(id: Uuid, new: NewReturn, now: Timestamp) -> Change {
        let NewReturn { ticket, customer, order, order_number, items, wish, reason } = new;
        let case = Self {
            id,
            version: 1,
            ticket,
            customer,
            order,
            order_number,
            items,
            wish,
            reason,
            state: State::Requested,
            reviewer: None,
            decision: None,
            appeal: None,
            tracking_number: None,
            condition: None,
            inspection_note: None,
            settlement: None,
            grant: None,
            created_at: now,
            updated_at: now,
            settled_at: None,
        };
        Change { case, act: Act::Requested }
    }

    /// Its resource name.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Somebody looks at it.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70).
    pub fn review(&self, reviewer: Uuid, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Requested], "TK70", "it is requested, and nobody has looked at it yet")?;
        Ok(self.become_(Act::UnderReview, State::UnderReview, now, |next| next.reviewer = Some(reviewer)))
    }

    /// Somebody decides. Of a part `accepted` says how many of each item, in their order.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70), `APPROVER_UNSUITABLE` (TK75).
    pub fn decide(&self, decision: Decision, accepted: &[i64], now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::UnderReview], "TK70", "it is under review")?;
        if self.appeal.as_ref().is_some_and(|appeal| appeal.first_decider == decision.decider) {
            let why = "somebody else than who declined it decides about the appeal";
            return Err(Error::precondition(ErrorReason::ApproverUnsuitable, "TK75", self.name(), why));
        }
        let act = match decision.outcome {
            Outcome::Approved => Act::Approved,
            Outcome::PartlyApproved => Act::PartlyApproved,
            Outcome::Declined => Act::Declined,
        };
        Ok(self.become_(act, decision.outcome.state(), now, |next| {
            for (item, accepted) in next.items.iter_mut().zip(accepted) {
                item.accepted = Some(*accepted);
            }
            next.decision = Some(decision);
        }))
    }

    /// The customer does not agree; somebody else looks at it.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70, TK75).
    pub fn appeal(&self, reason: String, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Declined], "TK70", "it was declined, and is not closed")?;
        let Some(declined) = self.decision.as_ref().filter(|_| self.appeal.is_none()) else {
            return Err(self.refusal("TK75", "it was declined for the first time: an appeal is decided for good"));
        };
        let first_decider = declined.decider;
        Ok(self.become_(Act::Appealed, State::UnderReview, now, |next| {
            next.appeal = Some(Appeal { first_decider, reason });
            next.reviewer = None;
            for item in &mut next.items {
                item.accepted = None;
            }
        }))
    }

    /// The customer has a label for the way back.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70).
    pub fn label_sent(&self, tracking_number: String, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Approved, State::PartlyApproved], "TK70", "it is approved, wholly or partly")?;
        let act = Act::LabelSent;
        Ok(self.become_(act, State::LabelSent, now, |next| next.tracking_number = Some(tracking_number)))
    }

    /// It is on its way.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70).
    pub fn in_transit(&self, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::LabelSent], "TK70", "the label was sent")?;
        Ok(self.become_(Act::InTransit, State::InTransit, now, |_| {}))
    }

    /// It is here.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70).
    pub fn received(&self, now: Timestamp) -> Result<Change, Error> {
        let from = [State::Approved, State::PartlyApproved, State::LabelSent, State::InTransit];
        self.has_to_be(&from, "TK70", "it is approved, and not here yet")?;
        Ok(self.become_(Act::Received, State::Received, now, |_| {}))
    }

    /// Somebody has looked at what came.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70).
    pub fn inspected(&self, condition: Condition, note: Option<String>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Received], "TK70", "it is here")?;
        Ok(self.become_(Act::Inspected, State::Inspected, now, |next| {
            next.condition = Some(condition);
            next.inspection_note = note;
        }))
    }

    /// A way is chosen: by a grant that billing carries out, or at once.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70), `APPROVER_UNSUITABLE` (TK89).
    pub fn settle(
        &self,
        way: Way,
        owed: Option<&Grant>,
        settler: &StaffMember,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let from = [State::Approved, State::PartlyApproved, State::Inspected];
        self.has_to_be(&from, "TK70", "it is approved and not on its way, or it was inspected")?;
        let has_decided = self.decision.as_ref().is_some_and(|decision| decision.decider == settler.id);
        if has_decided && owed.is_some_and(|grant| !settler.covers(grant.kind, grant.amount)) {
            let why = "whoever has decided may give as much at once, or somebody else settles it";
            return Err(Error::precondition(ErrorReason::ApproverUnsuitable, "TK89", self.name(), why));
        }
        let (act, state) =
            if owed.is_some() { (Act::Settling, State::Settling) } else { (Act::Settled, State::Settled) };
        Ok(self.become_(act, state, now, |next| {
            next.settlement = Some(way);
            next.grant = owed.map(|grant| grant.id);
            next.settled_at = owed.is_none().then_some(now);
        }))
    }

    /// What billing says of what it was told; `None` when it says so of something else (TK77).
    #[must_use]
    pub fn confirmed(&self, grant: Uuid, is_settled: bool, now: Timestamp) -> Option<Change> {
        if self.state != State::Settling || self.grant != Some(grant) {
            return None;
        }
        if is_settled {
            return Some(self.become_(Act::Settled, State::Settled, now, |next| next.settled_at = Some(now)));
        }
        let decided = self.decision.as_ref().map_or(State::Approved, |decision| decision.outcome.state());
        let before = if self.condition.is_some() { State::Inspected } else { decided };
        Some(self.become_(Act::SettlementFailed, before, now, |next| (next.settlement, next.grant) = (None, None)))
    }

    /// It is over.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK70).
    pub fn close(&self, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be(&[State::Settled, State::Declined], "TK70", "it is settled or declined")?;
        Ok(self.become_(Act::Closed, State::Closed, now, |_| {}))
    }

    /// The customer keeps it and wants nothing.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK79).
    pub fn cancel(&self, now: Timestamp) -> Result<Change, Error> {
        let from = [
            State::Requested,
            State::UnderReview,
            State::Approved,
            State::PartlyApproved,
            State::LabelSent,
            State::InTransit,
        ];
        self.has_to_be(&from, "TK79", "it is not here yet, and was not declined")?;
        Ok(self.become_(Act::Canceled, State::Canceled, now, |_| {}))
    }

    fn has_to_be(&self, states: &[State], invariant: &'static str, has_to_be_true: &'static str) -> Result<(), Error> {
        if states.contains(&self.state) { Ok(()) } else { Err(self.refusal(invariant, has_to_be_true)) }
    }

    fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn become_(&self, act: Act, state: State, now: Timestamp, change: impl FnOnce(&mut Self)) -> Change {
        let mut case = Self { version: self.version + 1, updated_at: now, state, ..self.clone() };
        change(&mut case);
        Change { case, act }
    }
}
