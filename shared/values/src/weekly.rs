//! Hours of a week, with other hours on single dates: what availability windows and business calendars share.

use std::iter;

use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Serialize};

use crate::Invalid;

const DAY_SECONDS: i32 = 24 * 60 * 60;
const WEEK_SECONDS: i32 = 7 * DAY_SECONDS;

/// Part of a day by the wall clock, `[start, end)`. An end at or before the start lies on the following day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DayInterval {
    /// The first moment that is inside.
    pub start: Time,
    /// The first moment that is no longer inside; midnight means the end of the day.
    pub end: Time,
}

impl DayInterval {
    /// Part of a day.
    #[must_use]
    pub const fn new(start: Time, end: Time) -> Self {
        Self { start, end }
    }

    /// Whether the end lies on the following day; it does for midnight, and equal times are a whole day.
    #[must_use]
    pub fn ends_on_following_day(&self) -> bool {
        self.end <= self.start
    }

    /// Start and end in seconds since the start's midnight.
    fn seconds(self) -> (i32, i32) {
        let end = second_of_day(self.end) + if self.ends_on_following_day() { DAY_SECONDS } else { 0 };
        (second_of_day(self.start), end)
    }
}

/// Part of every such weekday, `[start, end)`; it belongs to the weekday on which it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WeeklyInterval {
    /// The weekday on which it starts; serialised as `monday` to `sunday`.
    #[serde(with = "weekday_name")]
    pub weekday: Weekday,
    /// The first moment that is inside.
    pub start: Time,
    /// The first moment that is no longer inside; midnight means the end of the day.
    pub end: Time,
}

impl WeeklyInterval {
    /// Part of every such weekday.
    #[must_use]
    pub const fn new(weekday: Weekday, start: Time, end: Time) -> Self {
        Self { weekday, start, end }
    }
}

/// Other hours for what starts on one date; nothing starts on it when there are no intervals.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DatedException {
    /// The date.
    pub date: Date,
    /// The hours in place of those of the weekday; none at all when empty.
    #[serde(default)]
    pub intervals: Vec<DayInterval>,
}

/// The words and limits in which the two owners of hours differ.
pub(crate) struct Rules {
    pub overlap: &'static str,
    pub date_repeated: &'static str,
    pub time_malformed: &'static str,
    pub too_many: &'static str,
    /// Whether an interval may run over midnight into the following day.
    pub may_cross_midnight: bool,
}

/// More weekly intervals than one an hour are no opening hours.
const MAX_PER_WEEK: usize = 7 * 24;
/// Ten years of single days.
const MAX_EXCEPTIONS: usize = 3_660;

/// Valid hours, sorted, and looked up by date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    weekly: Vec<WeeklyInterval>,
    exceptions: Vec<DatedException>,
    /// The weekly intervals by weekday, Monday first.
    by_weekday: [Vec<DayInterval>; 7],
}

impl Hours {
    pub(crate) fn new(
        mut weekly: Vec<WeeklyInterval>,
        mut exceptions: Vec<DatedException>,
        rules: &Rules,
    ) -> Result<Self, Invalid> {
        let most = exceptions.iter().map(|exception| exception.intervals.len()).max().unwrap_or(0).max(weekly.len());
        if most > MAX_PER_WEEK || exceptions.len() > MAX_EXCEPTIONS {
            let description = format!("at most {MAX_PER_WEEK} intervals and {MAX_EXCEPTIONS} dates are possible");
            return Err(Invalid::new(rules.too_many, description));
        }
        weekly.sort_by_key(|interval| (interval.weekday.to_monday_zero_offset(), interval.start));
        let mut by_weekday: [Vec<DayInterval>; 7] = Default::default();
        let mut in_week = Vec::with_capacity(weekly.len());
        for interval in &weekly {
            let day = interval.weekday.to_monday_zero_offset();
            let part = DayInterval::new(interval.start, interval.end);
            check_times(part, rules)?;
            let (start, end) = part.seconds();
            in_week.push((start + i32::from(day) * DAY_SECONDS, end + i32::from(day) * DAY_SECONDS));
            by_weekday[usize::from(day.unsigned_abs())].push(part);
        }
        // Sunday's last interval may run into Monday's first.
        if let Some(first) = in_week.first().copied() {
            in_week.push((first.0 + WEEK_SECONDS, first.1 + WEEK_SECONDS));
        }
        check_overlap(&in_week, rules, "the week")?;

        exceptions.sort_by_key(|exception| exception.date);
        if let Some(pair) = exceptions.windows(2).find(|pair| pair[0].date == pair[1].date) {
            return Err(Invalid::new(rules.date_repeated, format!("{} is given twice", pair[0].date)));
        }
        for exception in &mut exceptions {
            exception.intervals.sort();
            let mut in_day = Vec::with_capacity(exception.intervals.len());
            for interval in &exception.intervals {
                check_times(*interval, rules)?;
                in_day.push(interval.seconds());
            }
            check_overlap(&in_day, rules, &exception.date.to_string())?;
        }
        Ok(Self { weekly, exceptions, by_weekday })
    }

    pub(crate) fn weekly(&self) -> &[WeeklyInterval] {
        &self.weekly
    }

    pub(crate) fn exceptions(&self) -> &[DatedException] {
        &self.exceptions
    }

    /// The intervals that start on `date`, by their start.
    pub(crate) fn on(&self, date: Date) -> &[DayInterval] {
        match self.exceptions.binary_search_by_key(&date, |exception| exception.date) {
            Ok(at) => &self.exceptions[at].intervals,
            Err(_) => &self.by_weekday[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())],
        }
    }

    /// Every date from `first` on that has hours, in order; ends with the calendar, or with the last exception when
    /// no weekday has hours.
    pub(crate) fn dates_with_hours(&self, first: Date) -> impl Iterator<Item = Date> {
        let last = if self.weekly.is_empty() {
            self.exceptions.last().map_or(Date::MIN, |exception| exception.date)
        } else {
            Date::MAX
        };
        // Without weekly hours only the exceptions matter: from one to the next, not day by day.
        let next = move |date: Date| {
            if !self.weekly.is_empty() {
                return date.tomorrow().ok();
            }
            let after = self.exceptions.partition_point(|exception| exception.date <= date);
            self.exceptions.get(after).map(|exception| exception.date)
        };
        iter::successors(Some(first), move |date| next(*date))
            .take_while(move |date| *date <= last)
            .filter(|date| !self.on(*date).is_empty())
    }
}

fn check_times(interval: DayInterval, rules: &Rules) -> Result<(), Invalid> {
    if interval.start.subsec_nanosecond() != 0 || interval.end.subsec_nanosecond() != 0 {
        let description = "times are whole seconds; the end of a day is 00:00, not 23:59:59.999";
        return Err(Invalid::new(rules.time_malformed, description));
    }
    if !rules.may_cross_midnight && interval.ends_on_following_day() && interval.end != Time::midnight() {
        let description = format!("{} to {} does not end on its own day", interval.start, interval.end);
        return Err(Invalid::new(rules.time_malformed, description));
    }
    Ok(())
}

/// Refuses intervals, sorted by their start, of which one begins before the one before it has ended.
fn check_overlap(sorted: &[(i32, i32)], rules: &Rules, place: &str) -> Result<(), Invalid> {
    match sorted.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        Some(_) => Err(Invalid::new(rules.overlap, format!("intervals overlap in {place}"))),
        None => Ok(()),
    }
}

fn second_of_day(time: Time) -> i32 {
    i32::from(time.hour()) * 3_600 + i32::from(time.minute()) * 60 + i32::from(time.second())
}

/// Weekdays as lower-case English words.
mod weekday_name {
    use jiff::civil::Weekday;
    use serde::{Deserialize, Deserializer, Serializer, de};

    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    pub(super) fn serialize<S: Serializer>(weekday: &Weekday, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(NAMES[usize::from(weekday.to_monday_zero_offset().unsigned_abs())])
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weekday, D::Error> {
        let name = String::deserialize(deserializer)?;
        let offset = (0_i8..).zip(NAMES).find(|(_, known)| *known == name).map(|(offset, _)| offset);
        let offset = offset.ok_or_else(|| de::Error::custom("a weekday is one of monday to sunday"))?;
        Weekday::from_monday_zero_offset(offset).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
