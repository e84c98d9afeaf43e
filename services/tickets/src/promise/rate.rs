//! What became of promises, counted. Pure.

use jiff::Timestamp;
use uuid::Uuid;

/// Of which promises.
#[derive(Debug, Clone, Copy)]
pub struct RateQuery {
    pub from: Timestamp,
    pub until: Timestamp,
    pub by_owner: bool,
    pub department: Option<Uuid>,
    pub owner: Option<Uuid>,
}

/// What became of some promises that were due in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub due: i64,
    pub kept: i64,
    pub kept_late: i64,
    pub broken: i64,
    pub open: i64,
    pub withdrawn: i64,
    /// Of all of these.
    pub renewed: i64,
    /// Of those broken, kept late or not.
    pub unapologized: i64,
}

impl Counts {
    /// Those of which it is known whether they were kept in time.
    #[must_use]
    pub const fn decided(&self) -> i64 {
        self.kept + self.kept_late + self.broken
    }

    /// Of those decided, how many were kept in time; `None` of none.
    #[must_use]
    pub fn kept_rate(&self) -> Option<f64> {
        (self.decided() > 0).then(|| self.kept as f64 / self.decided() as f64)
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            due: self.due + other.due,
            kept: self.kept + other.kept,
            kept_late: self.kept_late + other.kept_late,
            broken: self.broken + other.broken,
            open: self.open + other.open,
            withdrawn: self.withdrawn + other.withdrawn,
            renewed: self.renewed + other.renewed,
            unapologized: self.unapologized + other.unapologized,
        }
    }
}
