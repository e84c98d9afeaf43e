//! Facts, weights, and the risk that they come to. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use seva_runtime::Error;

use crate::stored::stored_names;

/// Names of assessments; the id is the ticket's.
pub const COLLECTION: &str = "riskAssessments";
/// How far back a contact counts.
pub const CONTACT_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far back a low score counts.
pub const LOW_SCORE_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How likely it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It goes its way.
    Low,
    /// Somebody should keep an eye on it.
    Elevated,
    /// Somebody who leads is called.
    High,
    /// The same, and every hour counts.
    Critical,
}

stored_names!(Level, "level of risk" {
    Low = "low",
    Elevated = "elevated",
    High = "high",
    Critical = "critical",
});

impl Level {
    /// Whether somebody is called (TK110).
    #[must_use]
    pub fn calls_for_help(self) -> bool {
        self >= Self::High
    }
}

/// What may count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// So much of a clock's time is over that still counts, in percent.
    Clock,
    /// How often it went back to the queue because whoever had it said nothing.
    SilentAssignee,
    /// How often it was opened again.
    Reopened,
    /// How often the customer came to us about it within seven days.
    Contacts,
    /// How often it was given to somebody else.
    Reassigned,
    /// How many promises were broken.
    BrokenPromise,
    /// How many low scores the customer gave within 30 days.
    LowScore,
    /// A customer of special importance.
    Vip,
    /// The customer has used such a word.
    LegalOrSafetyWord,
}

stored_names!(Reason, "reason of a risk" {
    Clock = "clock",
    SilentAssignee = "silent_assignee",
    Reopened = "reopened",
    Contacts = "contacts",
    Reassigned = "reassigned",
    BrokenPromise = "broken_promise",
    LowScore = "low_score",
    Vip = "vip",
    LegalOrSafetyWord = "legal_or_safety_word",
});

/// What is known of a ticket, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// It is resolved or over: nothing counts.
    pub is_at_rest: bool,
    /// The most of a clock's time that is over and was warned of, of those that still count: 0, 50, 80 or 100.
    pub clock_percent: i64,
    /// How often it went back to the queue because whoever had it said nothing.
    pub silences: i64,
    /// How often it was opened again.
    pub reopened: i64,
    /// How often the customer came to us about it within seven days.
    pub contacts: i64,
    /// How often it was given to somebody else.
    pub reassigned: i64,
    /// How many promises were broken.
    pub broken_promises: i64,
    /// How many low scores the customer gave within 30 days.
    pub low_scores: i64,
    /// A customer of special importance.
    pub is_vip: bool,
    /// The customer has used a word that speaks of lawyers or injuries.
    pub is_alarming: bool,
}

impl Facts {
    /// The fact of a reason.
    #[must_use]
    pub fn value(&self, reason: Reason) -> i64 {
        match reason {
            Reason::Clock => self.clock_percent,
            Reason::SilentAssignee => self.silences,
            Reason::Reopened => self.reopened,
            Reason::Contacts => self.contacts,
            Reason::Reassigned => self.reassigned,
            Reason::BrokenPromise => self.broken_promises,
            Reason::LowScore => self.low_scores,
            Reason::Vip => self.is_vip.into(),
            Reason::LegalOrSafetyWord => self.is_alarming.into(),
        }
    }
}

/// From which value on a reason counts, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// What counts.
    pub reason: Reason,
    /// From which value on.
    pub at_least: i64,
    /// How much.
    pub weight: i32,
}

/// A version of what counts how much, and of how long escalations wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its number.
    pub version: i32,
    /// Of several of one reason the highest that is reached holds.
    pub weights: Vec<Weight>,
    /// The scores from which a ticket's risk is elevated, high and critical.
    pub levels_from: [i32; 3],
    /// How long an escalation waits at each level, in working time.
    pub acknowledge: SignedDuration,
    /// The same of a critical one, of which every hour counts.
    pub acknowledge_critical: SignedDuration,
}

/// A reason that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Which one.
    pub reason: Reason,
    /// The fact.
    pub value: i64,
    /// How much it adds.
    pub weight: i32,
}

/// What facts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// The sum of the weights.
    pub score: i32,
    /// What that comes to.
    pub level: Level,
    /// The heaviest first.
    pub reasons: Vec<Counted>,
}

impl Risk {
    /// Nothing counts.
    #[must_use]
    pub const fn none() -> Self {
        Self { score: 0, level: Level::Low, reasons: Vec::new() }
    }

    /// Whether this reason counts.
    #[must_use]
    pub fn counts(&self, reason: Reason) -> bool {
        self.reasons.iter().any(|counted| counted.reason == reason)
    }
}

impl Policy {
    /// A version as it is stored.
    ///
    /// # Errors
    /// `INTERNAL` when more of something would count less: then another reason could lower the score (TK117).
    pub fn new(
        version: i32,
        mut weights: Vec<Weight>,
        levels_from: [i32; 3],
        [acknowledge, acknowledge_critical]: [SignedDuration; 2],
    ) -> Result<Self, Error> {
        weights.sort_unstable_by_key(|weight| (weight.reason, weight.at_least));
        let falls = |pair: &[Weight]| pair[0].reason == pair[1].reason && pair[0].weight > pair[1].weight;
        if weights.windows(2).any(falls) || weights.iter().any(|weight| weight.weight <= 0) {
            return Err(Error::internal(format!("version {version} of the weights of risk is not ascending")));
        }
        Ok(Self { version, weights, levels_from, acknowledge, acknowledge_critical })
    }

    /// What these facts come to: nothing but them and this version decides (TK117).
    #[must_use]
    pub fn assess(&self, facts: &Facts) -> Risk {
        if facts.is_at_rest {
            return Risk::none();
        }
        let mut reasons: Vec<Counted> = Vec::new();
        // Sorted by reason, then by what is reached: the last of a reason takes the place of those before it.
        for Weight { reason, at_least, weight } in &self.weights {
            let value = facts.value(*reason);
            if value < *at_least {
                continue;
            }
            let counted = Counted { reason: *reason, value, weight: *weight };
            match reasons.last_mut().filter(|last| last.reason == *reason) {
                Some(last) => *last = counted,
                None => reasons.push(counted),
            }
        }
        reasons.sort_by_key(|counted| (-counted.weight, counted.reason));
        let score = reasons.iter().map(|counted| counted.weight).sum();
        Risk { score, level: self.level(score), reasons }
    }

    fn level(&self, score: i32) -> Level {
        let [elevated, high, critical] = self.levels_from;
        match score {
            _ if score >= critical => Level::Critical,
            _ if score >= high => Level::High,
            _ if score >= elevated => Level::Elevated,
            _ => Level::Low,
        }
    }
}

/// What has to be known besides the facts to say when time alone changes them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// The oldest contact that counts.
    pub oldest_contact: Option<Timestamp>,
    /// The oldest low score that counts.
    pub oldest_low_score: Option<Timestamp>,
}

impl Times {
    /// When to look again although nothing has happened.
    #[must_use]
    pub fn look_at(&self, risk: &Risk) -> Option<Timestamp> {
        let leaves = |reason, oldest: Option<Timestamp>, window| {
            oldest.filter(|_| risk.counts(reason)).map(|oldest| oldest + window)
        };
        let times = [
            leaves(Reason::Contacts, self.oldest_contact, CONTACT_WINDOW),
            leaves(Reason::LowScore, self.oldest_low_score, LOW_SCORE_WINDOW),
        ];
        times.into_iter().flatten().min()
    }
}
