//! The calendar that a clock keeps to: one version of a department's, or every hour of every day.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use seva_values::BusinessCalendar;
use uuid::Uuid;

/// A version of a calendar. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar(Option<Arc<Kept>>);

#[derive(Debug, PartialEq, Eq)]
struct Kept {
    department: Uuid,
    version: i64,
    hours: BusinessCalendar,
}

impl Calendar {
    /// Every hour counts: of tickets that no department takes.
    #[must_use]
    pub const fn always() -> Self {
        Self(None)
    }

    /// A version of a department's calendar.
    #[must_use]
    pub fn of(department: Uuid, version: i64, hours: BusinessCalendar) -> Self {
        Self(Some(Arc::new(Kept { department, version, hours })))
    }

    /// Whose it is.
    #[must_use]
    pub fn department(&self) -> Option<Uuid> {
        self.0.as_ref().map(|kept| kept.department)
    }

    /// Which version it is; 0: every hour counts.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.0.as_ref().map_or(0, |kept| kept.version)
    }

    /// The earliest instant by which this working time has passed since `start`.
    #[must_use]
    pub fn add(&self, start: Timestamp, working: SignedDuration) -> Timestamp {
        match &self.0 {
            Some(kept) => kept.hours.add(start, working),
            None => start.checked_add(working).unwrap_or(Timestamp::MAX),
        }
    }

    /// The working time that passes from `from` to `to`.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        match &self.0 {
            Some(kept) => kept.hours.between(from, to),
            None => from.duration_until(to),
        }
    }
}
