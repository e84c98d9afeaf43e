//! A date that was promised to somebody: a day in a place, kept when it happens before that day ends.

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::Zone;

/// A day in a zone, such as the day an order was promised for. It ends with that day, wherever its reader is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromisedDate {
    /// The day that was named.
    pub date: Date,
    /// The zone in which that day begins and ends.
    pub zone: Zone,
}

impl PromisedDate {
    /// A day in a zone.
    #[must_use]
    pub const fn new(date: Date, zone: Zone) -> Self {
        Self { date, zone }
    }

    /// The first instant of the day.
    #[must_use]
    pub fn starts_at(&self) -> Timestamp {
        self.zone.start_of_day(self.date)
    }

    /// The first instant after the day: the start of the following day in the zone, so a day may last 23 or 25 hours.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.date.tomorrow().map_or(Timestamp::MAX, |following| self.zone.start_of_day(following))
    }

    /// Whether the day has ended at `now`; the end itself no longer belongs to it.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at()
    }

    /// The instant `lead` before the end of the day, from which an unkept promise is at risk.
    #[must_use]
    pub fn at_risk_from(&self, lead: SignedDuration) -> Timestamp {
        let edge = if lead.is_negative() { Timestamp::MAX } else { Timestamp::MIN };
        self.ends_at().checked_sub(lead).unwrap_or(edge)
    }
}

#[cfg(test)]
mod tests;
