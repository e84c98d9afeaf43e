//! Hours of a week and of single dates. (Signatures; bodies follow.)
use jiff::civil::{Date, Time, Weekday};
/// `[start, end)` of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DayInterval {
    /// First moment.
    pub start: Time,
    /// First moment after.
    pub end: Time,
}
/// `[start, end)` of every such weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeeklyInterval {
    /// The weekday.
    pub weekday: Weekday,
    /// First moment.
    pub start: Time,
    /// First moment after.
    pub end: Time,
}
/// Other hours on one date; none at all when there are no intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedException {
    /// The date.
    pub date: Date,
    /// The hours instead.
    pub intervals: Vec<DayInterval>,
}
