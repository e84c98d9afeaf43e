//! The calendar that a clock keeps to: one version of a department's, or every hour of every day.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use seva_values::BusinessCalendar;
use uuid::Uuid;

/// The shortest time that is counted.
const MOMENT: SignedDuration = SignedDuration::from_micros(1);

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

    /// Whether `at` lies in working time, or ends some.
    #[must_use]
    pub fn is_working(&self, at: Timestamp) -> bool {
        let Some(kept) = &self.0 else { return true };
        kept.hours.is_open(at) || at.checked_sub(MOMENT).is_ok_and(|before| kept.hours.is_open(before))
    }

    /// The earliest working time, `from` or later.
    #[must_use]
    pub fn next_working(&self, from: Timestamp) -> Timestamp {
        if self.is_working(from) { from } else { self.add(from, MOMENT).checked_sub(MOMENT).unwrap_or(from) }
    }

    /// The working time after which it is exactly `due`, counted from `start`: on this calendar if some of it ends then, or else on one on which
    /// every hour counts.
    #[must_use]
    pub fn until(&self, start: Timestamp, due: Timestamp) -> (Self, SignedDuration) {
        let working = self.between(start, due);
        if self.add(start, working) == due {
            return (self.clone(), working);
        }
        (Self::always(), start.duration_until(due))
    }

    /// The working time after which it is due at `due`, counted from `start`; or at the first moment of working time after that, where `due` lies in
    /// none: nobody is late for what came due while nobody worked.
    #[must_use]
    pub fn not_before(&self, start: Timestamp, due: Timestamp) -> SignedDuration {
        let working = self.between(start, due);
        if self.add(start, working) < due { working + MOMENT } else { working }
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
