//! What is known to be true of a subject, so that a customer is never told what no longer is (NO4).

use std::collections::HashMap;

use uuid::Uuid;

use super::milestone::{Milestone, Topic};

/// One topic of one subject of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matter {
    /// The customer.
    pub customer: Uuid,
    /// Such as `orders/{id}`.
    pub subject: String,
    /// The topic.
    pub topic: Topic,
}

/// How new a fact is within its matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How far it lies.
    pub rank: i32,
    /// The subject's event that told it.
    pub sequence: i64,
}

impl Standing {
    /// Whether this is untrue when `known` is known: it is older, or lies lower.
    #[must_use]
    pub const fn is_stale_beside(self, known: Self) -> bool {
        self.rank < known.rank || self.sequence < known.sequence
    }

    /// The highest of both, each way.
    #[must_use]
    pub fn raised_to(self, other: Self) -> Self {
        Self { rank: self.rank.max(other.rank), sequence: self.sequence.max(other.sequence) }
    }
}

/// The highest standing known of each matter.
#[derive(Debug, Clone, Default)]
pub struct Truths(HashMap<Matter, Standing>);

impl Truths {
    /// Whether a fact is untrue by what is known.
    #[must_use]
    pub fn is_stale(&self, matter: &Matter, standing: Standing) -> bool {
        self.0.get(matter).is_some_and(|known| standing.is_stale_beside(*known))
    }

    /// Learns a fact; the standing of a matter never falls.
    pub fn learn(&mut self, matter: Matter, standing: Standing) {
        self.0.entry(matter).and_modify(|known| *known = known.raised_to(standing)).or_insert(standing);
    }

    /// Everything known, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Matter, &Standing)> {
        self.0.iter()
    }
}

/// What an event of a milestone says about its subject: its own matter, and those that it settles.
pub fn said_by<'a>(
    milestone: &'static Milestone,
    customer: Uuid,
    subject: &'a str,
    sequence: i64,
) -> impl Iterator<Item = (Matter, Standing)> + 'a {
    let own = milestone.topic.map(|topic| (topic, milestone.rank));
    own.into_iter().chain(milestone.settles.iter().copied()).map(move |(topic, rank)| {
        (Matter { customer, subject: subject.to_owned(), topic }, Standing { rank, sequence })
    })
}
