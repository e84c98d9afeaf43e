//! When we work. (Signatures; bodies follow.)
use crate::{DatedException, Invalid, WeeklyInterval, Zone};
use jiff::{SignedDuration, Timestamp};
/// When we work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessCalendar {
    zone: Zone,
    week: Vec<WeeklyInterval>,
    exceptions: Vec<DatedException>,
}
impl BusinessCalendar {
    /// Checks; `CALENDAR_EMPTY`, `CALENDAR_OVERLAP`, `CALENDAR_DATE_REPEATED`, `CALENDAR_TIME_MALFORMED`, `CALENDAR_TOO_MANY`.
    pub fn new(zone: Zone, week: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> Result<Self, Invalid> {
        Ok(Self { zone, week, exceptions })
    }
    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }
    /// Weekly hours.
    #[must_use]
    pub fn week(&self) -> &[WeeklyInterval] {
        &self.week
    }
    /// Dates with other hours.
    #[must_use]
    pub fn exceptions(&self) -> &[DatedException] {
        &self.exceptions
    }
    /// Whether we work at `at`.
    #[must_use]
    pub fn is_open(&self, _at: Timestamp) -> bool {
        unimplemented!()
    }
    /// The earliest instant at which `working` has passed since `start`.
    #[must_use]
    pub fn add(&self, _start: Timestamp, _working: SignedDuration) -> Timestamp {
        unimplemented!()
    }
    /// Working time from `from` to `to`.
    #[must_use]
    pub fn between(&self, _from: Timestamp, _to: Timestamp) -> SignedDuration {
        unimplemented!()
    }
}
