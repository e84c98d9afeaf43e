//! What came of a rule, once. Pure.

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, call::Story};
use seva_store::event::MAX_HOPS;
use uuid::Uuid;

use super::model::Automation;
use crate::{action::Refusal, stored::stored_names};

/// How long firings are kept, in business time.
pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Between two times that a rule does something to one ticket (TK125).
pub const PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// What a rule is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// An event.
    Event(Uuid),
    /// A time that has come: since when it has been in its state, or when it is due.
    Time(Timestamp),
}

/// One time that a rule was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    pub id: Uuid,
    pub automation: Uuid,
    pub rule_version: i32,
    pub ticket: Uuid,
    pub occasion: Occasion,
    pub outcome: Outcome,
    pub refusal: Option<Refusal>,
    /// The types of the events that tell what it did.
    pub told: Vec<String>,
    pub at: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was done.
    Done,
    /// One of its actions was refused, and nothing was done.
    Refused,
    /// It was held back.
    Suppressed,
    /// The time came, and a condition did not hold.
    Unmet,
}

stored_names!(Outcome, "outcome of an automation" {
    Done = "done",
    Refused = "refused",
    Suppressed = "suppressed",
    Unmet = "unmet",
});

/// Why a rule is held back from a ticket, if it is (TK125).
pub fn held_back(
    automation: &Automation,
    story: &Story,
    last_done: Option<Timestamp>,
    now: Timestamp,
) -> Option<Refusal> {
    let refused = |why: &'static str| {
        Some(Refusal::of(0, &Error::precondition(ErrorReason::StateForbids, "TK125", automation.name(), why)))
    };
    if story.hops > MAX_HOPS {
        return refused("the story has 16 links at most: it goes round in circles");
    }
    if last_done.is_some_and(|last| last + PAUSE > now) {
        return refused("the rule did nothing to this ticket within the last hour");
    }
    None
}
