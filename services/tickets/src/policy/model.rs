//! Which targets hold for a ticket. Pure.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use seva_runtime::Error;
use uuid::Uuid;

use crate::{
    recipient::Tier,
    ticket::{Kind, Priority},
};

/// What holds for a ticket: how long each may take, in working time, and what follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Targets {
    /// Until the first answer of a person.
    #[serde(with = "minutes")]
    pub first_response: SignedDuration,
    /// Until each later answer to what the customer says.
    #[serde(with = "minutes")]
    pub next_response: SignedDuration,
    /// Until the customer hears something again while it is worked on.
    #[serde(with = "minutes")]
    pub update_cadence: SignedDuration,
    /// Until it is resolved for the first time.
    #[serde(with = "minutes")]
    pub resolution_first: SignedDuration,
    /// Until it is closed.
    #[serde(with = "minutes")]
    pub resolution_total: SignedDuration,
    /// Until a department has taken or refused what was handed to it.
    #[serde(with = "minutes")]
    pub handoff_ack: SignedDuration,
    /// Until it has done it.
    #[serde(with = "minutes")]
    pub handoff_done: SignedDuration,
    /// Whether the resolutions stand still while it waits for somebody outside.
    pub pauses_while_external: bool,
    /// Whether they stand still until the day that it is scheduled for.
    pub pauses_while_scheduled: bool,
    /// How long a closed ticket can be opened again, in days (TK8).
    pub reopen_days: i32,
    /// Until whoever has it and says nothing loses it; zero: never (TK36).
    #[serde(with = "minutes")]
    pub return_after: SignedDuration,
    /// How much of a member's capacity it takes (TK35).
    pub weight: i32,
}

/// Targets are whole minutes.
mod minutes {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(duration.as_mins())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
        i64::deserialize(deserializer).map(SignedDuration::from_mins)
    }
}

/// Targets of the tickets that it matches: a dimension that is `None` matches all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this department.
    pub department: Option<Uuid>,
    /// Only of customers of this tier.
    pub tier: Option<Tier>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// What holds for them.
    pub targets: Targets,
}

/// One version of the policy. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    version: i32,
    otherwise: Targets,
    rows: Vec<Row>,
}

/// What decides which row holds for a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// What sort of matter it is.
    pub kind: Kind,
    /// Whose it is.
    pub department: Option<Uuid>,
    /// How far the company's relation to the customer goes.
    pub tier: Tier,
    /// How soon.
    pub priority: Priority,
}

impl Row {
    fn matches(&self, ticket: &Matched) -> bool {
        self.kind.is_none_or(|own| own == ticket.kind)
            && self.department.is_none_or(|own| Some(own) == ticket.department)
            && self.tier.is_none_or(|own| own == ticket.tier)
            && self.priority.is_none_or(|own| own == ticket.priority)
    }

    /// How narrow it is: the number of its dimensions, and between two of as many the kind goes before the department, that before the tier,
    /// and the tier before the priority. No two rows that match one ticket are equally narrow.
    fn narrowness(&self) -> (usize, [bool; 4]) {
        let given = [self.kind.is_some(), self.department.is_some(), self.tier.is_some(), self.priority.is_some()];
        (given.iter().filter(|given| **given).count(), given)
    }
}

impl Policy {
    /// A version of the policy.
    ///
    /// # Errors
    /// `INTERNAL` without a row that matches every ticket: then there would be tickets without targets.
    pub fn new(version: i32, rows: Vec<Row>) -> Result<Self, Error> {
        let for_all = rows.iter().find(|row| row.narrowness().0 == 0).map(|row| row.targets);
        let otherwise =
            for_all.ok_or_else(|| Error::internal(format!("policy version {version} has no row for all tickets")))?;
        Ok(Self { version, otherwise, rows })
    }

    /// Which version it is.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The targets of a ticket: those of the narrowest row that matches it.
    #[must_use]
    pub fn targets(&self, ticket: &Matched) -> Targets {
        let matching = self.rows.iter().filter(|row| row.matches(ticket));
        matching.max_by_key(|row| row.narrowness()).map_or(self.otherwise, |row| row.targets)
    }
}
