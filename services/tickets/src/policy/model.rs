//! Which targets hold for a ticket. Pure.

use jiff::SignedDuration;
use seva_runtime::Error;

use crate::{
    recipient::Tier,
    ticket::{Kind, Priority},
};

/// How long each may take, in working time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// Until the first answer of a person.
    pub first_response: SignedDuration,
    /// Until it is resolved for the first time.
    pub resolution_first: SignedDuration,
    /// Until it is closed.
    pub resolution_total: SignedDuration,
}

/// Targets of the tickets that it matches: a dimension that is `None` matches all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Only of this kind.
    pub kind: Option<Kind>,
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

impl Row {
    fn matches(&self, kind: Kind, priority: Priority, tier: Tier) -> bool {
        self.kind.is_none_or(|own| own == kind)
            && self.tier.is_none_or(|own| own == tier)
            && self.priority.is_none_or(|own| own == priority)
    }

    /// How narrow it is: the number of its dimensions, and between two of as many the kind goes before the tier, and the tier before the
    /// priority. No two rows that match one ticket are equally narrow.
    fn narrowness(&self) -> (u8, bool, bool, bool) {
        let (kind, tier, priority) = (self.kind.is_some(), self.tier.is_some(), self.priority.is_some());
        (u8::from(kind) + u8::from(tier) + u8::from(priority), kind, tier, priority)
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

    /// The targets of a ticket: those of the narrowest row that matches it.
    #[must_use]
    pub fn targets(&self, kind: Kind, priority: Priority, tier: Tier) -> Targets {
        let matching = self.rows.iter().filter(|row| row.matches(kind, priority, tier));
        matching.max_by_key(|row| row.narrowness()).map_or(self.otherwise, |row| row.targets)
    }
}
