//! When a customer may be interrupted. (Signatures; bodies follow.)
use crate::{DatedException, Invalid, WeeklyInterval, Zone};
use jiff::Timestamp;
/// When a customer may be interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityWindows {
    zone: Zone,
    intervals: Vec<WeeklyInterval>,
    exceptions: Vec<DatedException>,
}
impl AvailabilityWindows {
    /// Checks; `WINDOWS_OVERLAP`, `WINDOWS_DATE_REPEATED`, `WINDOWS_TIME_MALFORMED`, `WINDOWS_TOO_MANY`.
    pub fn new(zone: Zone, intervals: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> Result<Self, Invalid> {
        Ok(Self { zone, intervals, exceptions })
    }
    /// No restriction.
    #[must_use]
    pub const fn always(zone: Zone) -> Self {
        Self { zone, intervals: Vec::new(), exceptions: Vec::new() }
    }
    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }
    /// Weekly hours.
    #[must_use]
    pub fn intervals(&self) -> &[WeeklyInterval] {
        &self.intervals
    }
    /// Dates with other hours.
    #[must_use]
    pub fn exceptions(&self) -> &[DatedException] {
        &self.exceptions
    }
    /// Whether `at` is inside.
    #[must_use]
    pub fn contains(&self, _at: Timestamp) -> bool {
        unimplemented!()
    }
    /// The least instant from `from` on that is inside.
    #[must_use]
    pub fn next_allowed(&self, _from: Timestamp) -> Option<Timestamp> {
        unimplemented!()
    }
}
