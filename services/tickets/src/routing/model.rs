//! The words of routing.

use jiff::Timestamp;
use seva_values::Language;
use uuid::Uuid;

use crate::{
    stored::stored_names,
    ticket::{Kind, Ticket},
};

/// What is asked of whoever takes a ticket.
#[derive(Debug, Clone)]
pub struct Question<'t> {
    /// It decides the skill.
    pub kind: Kind,
    /// Of the customer.
    pub language: &'t Language,
    /// Who resolved it before it was opened again: goes before others when they can take it.
    pub preferred: Option<Uuid>,
    /// What was opened again twice: whoever leads goes before others when they can take it.
    pub senior: bool,
    /// Who had it and said nothing: takes it when nobody else can (TK36).
    pub avoided: Option<Uuid>,
    /// How much of a member's capacity it takes.
    pub weight: i32,
}

/// From this reopening on somebody takes it who leads.
const SENIOR_FROM: i32 = 2;

impl<'t> Question<'t> {
    /// What a ticket of the queue asks.
    pub(crate) fn of(ticket: &'t Ticket) -> Self {
        let Ticket { kind, ref language, resolver, returned_from, reopen_count, targets, .. } = *ticket;
        let senior = reopen_count >= SENIOR_FROM;
        Self { kind, language, preferred: resolver, senior, avoided: returned_from, weight: targets.weight }
    }
}

/// Who takes it, or why nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// This member does.
    Assign {
        /// Who takes it.
        member: Uuid,
        /// In English, because nobody of the department speaks the customer's language (TK33).
        language_fell_back: bool,
    },
    /// It waits.
    Wait {
        /// Why.
        reason: WaitReason,
        /// When somebody who fits comes on shift; `None`: something has to happen first.
        look_again_at: Option<Timestamp>,
    },
}

/// Why a ticket is assigned to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// No department takes tickets of this kind.
    NoDepartment,
    /// Nobody of the department has the skill.
    NoSkill,
    /// Nobody who has the skill serves in the language.
    NoLanguage,
    /// Nobody who could is on shift and present.
    NobodyOnShift,
    /// Everybody who could has enough to do.
    NoFreePlace,
}

stored_names!(WaitReason, "reason to wait" {
    NoDepartment = "no_department",
    NoSkill = "no_skill",
    NoLanguage = "no_language",
    NobodyOnShift = "nobody_on_shift",
    NoFreePlace = "no_free_place",
});

/// Why a member cannot be given a ticket (TK2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// Is not known here, or has left; nothing goes over this one.
    DoesNotServe,
    /// Has not signed the handbook in force.
    HandbookNotSigned,
    /// Does not have the skill.
    NoSkill,
    /// Does not serve in the language.
    NoLanguage,
    /// Does not work now.
    NotOnShift,
    /// Is not there.
    Away,
    /// Has enough to do.
    NoFreePlace,
}

impl Unavailable {
    /// What is missing, in words for whoever wanted to assign.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::DoesNotServe => "the assignee does not serve",
            Self::HandbookNotSigned => "the assignee has not signed the handbook in force",
            Self::NoSkill => "the assignee does not have the skill that this kind of ticket takes",
            Self::NoLanguage => "the assignee does not serve in the customer's language",
            Self::NotOnShift => "the assignee is not on shift",
            Self::Away => "the assignee is away",
            Self::NoFreePlace => "the assignee has no free place",
        }
    }
}
