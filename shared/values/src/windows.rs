//! When a customer may be interrupted: by the wall clock of the customer's own zone.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    DatedException, Invalid, WeeklyInterval, Zone,
    weekly::{Hours, Rules},
};

const RULES: Rules = Rules {
    overlap: "WINDOWS_OVERLAP",
    date_repeated: "WINDOWS_DATE_REPEATED",
    time_malformed: "WINDOWS_TIME_MALFORMED",
    too_many: "WINDOWS_TOO_MANY",
    may_cross_midnight: true,
};

/// When a customer may be interrupted by a call, a visit or a message that makes a sound.
///
/// - Each interval is `[start, end)` by the wall clock of the zone. With an end at or before its start it runs into
///   the following day and still belongs to the day on which it started; equal times are 24 hours.
/// - An exception replaces what would start on its date; without intervals nothing starts on that date.
/// - No intervals and no exceptions at all: always. Exceptions alone: only within them.
/// - In the hour that daylight saving skips, a time is shifted forward (02:30 becomes 03:30). In the hour that comes
///   twice, a window opens at the later and closes at the earlier of the two: nobody is woken by the ambiguity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct AvailabilityWindows {
    zone: Zone,
    hours: Hours,
}

impl AvailabilityWindows {
    /// Windows in a zone.
    ///
    /// # Errors
    ///
    /// `WINDOWS_OVERLAP` when two weekly intervals, or two of one date, share a moment of the wall clock;
    /// `WINDOWS_DATE_REPEATED`; `WINDOWS_TIME_MALFORMED` for a time with parts of a second; `WINDOWS_TOO_MANY`.
    pub fn new(zone: Zone, intervals: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> Result<Self, Invalid> {
        Ok(Self { zone, hours: Hours::new(intervals, exceptions, &RULES)? })
    }

    /// Windows that are always open, in a zone.
    #[must_use]
    pub fn always(zone: Zone) -> Self {
        Self::new(zone, Vec::new(), Vec::new()).expect("nothing cannot overlap")
    }

    /// The zone by whose wall clock the windows open and close.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The weekly intervals, Monday first.
    #[must_use]
    pub fn intervals(&self) -> &[WeeklyInterval] {
        self.hours.weekly()
    }

    /// The dates with other hours, in order.
    #[must_use]
    pub fn exceptions(&self) -> &[DatedException] {
        self.hours.exceptions()
    }

    /// Whether there is no restriction at all.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.intervals().is_empty() && self.exceptions().is_empty()
    }

    /// Whether the customer may be interrupted at `at`.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.next_allowed(at) == Some(at)
    }

    /// The least instant, `from` or later, at which the customer may be interrupted; `None` if there is none.
    #[must_use]
    pub fn next_allowed(&self, from: Timestamp) -> Option<Timestamp> {
        if self.is_always() {
            return Some(from);
        }
        // What started yesterday may still run; one day more for clocks that are moved around midnight.
        let first = days_later(self.zone.date_at(from), -2);
        let mut found: Option<(Date, Timestamp)> = None;
        for date in self.hours.dates_with_hours(first) {
            if let Some((found_on, _)) = found
                && date > days_later(found_on, 1)
            {
                break;
            }
            for (opens_at, closes_at) in self.spans_starting_on(date) {
                let candidate = opens_at.max(from);
                let is_earlier = found.is_none_or(|(_, earliest)| candidate < earliest);
                if closes_at > from && is_earlier {
                    found = Some((date, candidate));
                }
            }
        }
        found.map(|(_, earliest)| earliest)
    }

    /// What starts on `date` as instants, without what a change of the clocks leaves empty.
    fn spans_starting_on(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.hours.on(date).iter().filter_map(move |interval| {
            let end_date = if interval.ends_on_following_day() { date.tomorrow().ok()? } else { date };
            let opens_at = self.zone.instant_of_opening(date.to_datetime(interval.start));
            let closes_at = self.zone.instant_of_closing(end_date.to_datetime(interval.end));
            (opens_at < closes_at).then_some((opens_at, closes_at))
        })
    }
}

fn days_later(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

/// The parts, as they are written and before they are checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    zone: Zone,
    #[serde(default)]
    intervals: Vec<WeeklyInterval>,
    #[serde(default)]
    exceptions: Vec<DatedException>,
}

impl TryFrom<Unchecked> for AvailabilityWindows {
    type Error = Invalid;

    fn try_from(Unchecked { zone, intervals, exceptions }: Unchecked) -> Result<Self, Invalid> {
        Self::new(zone, intervals, exceptions)
    }
}

impl From<AvailabilityWindows> for Unchecked {
    fn from(windows: AvailabilityWindows) -> Self {
        let (intervals, exceptions) = (windows.intervals().to_vec(), windows.exceptions().to_vec());
        Self { zone: windows.zone, intervals, exceptions }
    }
}

#[cfg(test)]
mod tests;
