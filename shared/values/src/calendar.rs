//! When we work, and how time is counted that passes only while we work.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::{
    DatedException, Invalid, WeeklyInterval, Zone,
    weekly::{Hours, Rules},
};

const RULES: Rules = Rules {
    overlap: "CALENDAR_OVERLAP",
    date_repeated: "CALENDAR_DATE_REPEATED",
    time_malformed: "CALENDAR_TIME_MALFORMED",
    too_many: "CALENDAR_TOO_MANY",
    may_cross_midnight: false,
};

/// The longest time without work that is still a calendar.
const LONGEST_CLOSURE_DAYS: i32 = 366;

/// When we work: the hours of each weekday, other hours on single dates, in the zone of the place of work.
///
/// - Each interval is `[start, end)` by the wall clock and ends on its own day; an end of 00:00 is the end of the day.
/// - An exception replaces the hours of its date: other hours, or closed when it has none.
/// - Working time is time that really passes: the day the clocks go back has an hour more if we work through it. A
///   time that the clocks skip counts as the moment of the jump, a time that comes twice as its first coming.
///
/// Every calendar has working time within any year, so that counting always ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct BusinessCalendar {
    zone: Zone,
    hours: Hours,
}

impl BusinessCalendar {
    /// A calendar in a zone.
    ///
    /// # Errors
    ///
    /// `CALENDAR_EMPTY` when no weekday has hours, or exceptions close more than a year on end; `CALENDAR_OVERLAP`;
    /// `CALENDAR_DATE_REPEATED`; `CALENDAR_TIME_MALFORMED` for an interval that runs over midnight or a time with
    /// parts of a second; `CALENDAR_TOO_MANY`.
    pub fn new(zone: Zone, week: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> Result<Self, Invalid> {
        let hours = Hours::new(week, exceptions, &RULES)?;
        if hours.weekly().is_empty() {
            return Err(Invalid::new("CALENDAR_EMPTY", "no weekday has working hours"));
        }
        for closed in hours.exceptions().iter().filter(|exception| exception.intervals.is_empty()) {
            let reopens_by = closed.date.saturating_add(LONGEST_CLOSURE_DAYS.days());
            if hours.dates_with_hours(closed.date).next().is_none_or(|reopens| reopens > reopens_by) {
                let description = format!("there is no working time within a year of {}", closed.date);
                return Err(Invalid::new("CALENDAR_EMPTY", description));
            }
        }
        Ok(Self { zone, hours })
    }

    /// The zone by whose wall clock we work.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The hours of the week, Monday first.
    #[must_use]
    pub fn week(&self) -> &[WeeklyInterval] {
        self.hours.weekly()
    }

    /// The dates with other hours, in order.
    #[must_use]
    pub fn exceptions(&self) -> &[DatedException] {
        self.hours.exceptions()
    }

    /// Whether we work at `at`.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.spans_from(at).next().is_some_and(|(opens_at, _)| opens_at <= at)
    }

    /// The earliest instant by which `working` time has passed since `start`: on a closing time, never on the opening
    /// after it.
    ///
    /// Without any `working` time, or with a negative one, it is `start` itself. What would lie beyond the year 9999
    /// is the last instant there is.
    #[must_use]
    pub fn add(&self, start: Timestamp, working: SignedDuration) -> Timestamp {
        if working <= SignedDuration::ZERO {
            return start;
        }
        let mut left = working;
        for (opens_at, closes_at) in self.spans_from(start) {
            let from = opens_at.max(start);
            let available = from.duration_until(closes_at);
            if left <= available {
                return from.checked_add(left).unwrap_or(closes_at);
            }
            left -= available;
        }
        Timestamp::MAX
    }

    /// The working time that passes from `from` to `to`; negative when `to` is the earlier one.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to < from {
            return -self.between(to, from);
        }
        self.spans_from(from)
            .take_while(|(opens_at, _)| *opens_at < to)
            .map(|(opens_at, closes_at)| opens_at.max(from).duration_until(closes_at.min(to)))
            .sum()
    }

    /// Every span of work that ends after `at`, in order; none overlaps another. One may be empty where clocks jump.
    fn spans_from(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        // What belongs to an earlier date has closed: at the latest when the clock first showed this one.
        self.hours
            .dates_with_hours(self.zone.date_at(at))
            .flat_map(|date| self.hours.on(date).iter().map(move |interval| (date, interval)))
            .map(|(date, interval)| {
                let opens_at = self.zone.first_instant_reading(date.to_datetime(interval.start));
                let closes_at = if interval.ends_on_following_day() {
                    date.tomorrow().map_or(Timestamp::MAX, |following| self.zone.start_of_day(following))
                } else {
                    self.zone.first_instant_reading(date.to_datetime(interval.end))
                };
                (opens_at, closes_at)
            })
            .filter(move |(_, closes_at)| *closes_at > at)
    }
}

/// The parts, as they are written and before they are checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    zone: Zone,
    week: Vec<WeeklyInterval>,
    #[serde(default)]
    exceptions: Vec<DatedException>,
}

impl TryFrom<Unchecked> for BusinessCalendar {
    type Error = Invalid;

    fn try_from(Unchecked { zone, week, exceptions }: Unchecked) -> Result<Self, Invalid> {
        Self::new(zone, week, exceptions)
    }
}

impl From<BusinessCalendar> for Unchecked {
    fn from(calendar: BusinessCalendar) -> Self {
        let (week, exceptions) = (calendar.week().to_vec(), calendar.exceptions().to_vec());
        Self { zone: calendar.zone, week, exceptions }
    }
}

#[cfg(test)]
mod tests;
