//! What the tests of hours draw from: places and moments at which clocks are moved, and random hours.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday},
};
use proptest::{prelude::*, sample};

use crate::{DatedException, DayInterval, WeeklyInterval, Zone};

/// Zones with an instant at which their clocks were moved (and one where they never are).
const MOMENTS: [(&str, &str); 11] = [
    ("Europe/Berlin", "2025-03-30T01:00:00Z"),
    ("Europe/Berlin", "2025-10-26T01:00:00Z"),
    ("America/Sao_Paulo", "2017-10-15T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("Asia/Kolkata", "2025-06-01T00:00:00Z"),
    // Midnight itself is skipped, and comes twice.
    ("America/Havana", "2025-03-09T05:00:00Z"),
    ("America/Havana", "2025-11-02T05:00:00Z"),
    // The clocks went back from one minute past midnight into the day before.
    ("America/St_Johns", "2006-04-02T03:31:00Z"),
    ("America/St_Johns", "2006-10-29T02:31:00Z"),
    // A whole day was skipped.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    // Half an hour only.
    ("Australia/Lord_Howe", "2025-04-05T15:00:00Z"),
];

pub(crate) fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn hours(start: i8, end: i8) -> DayInterval {
    DayInterval::new(Time::constant(start, 0, 0, 0), Time::constant(end % 24, 0, 0, 0))
}

pub(crate) fn every(weekdays: &[Weekday], start: i8, end: i8) -> Vec<WeeklyInterval> {
    let DayInterval { start, end } = hours(start, end);
    weekdays.iter().map(|weekday| WeeklyInterval::new(*weekday, start, end)).collect()
}

/// A zone and a moment at which its clocks are moved.
pub(crate) fn places() -> impl Strategy<Value = (Zone, Timestamp)> {
    sample::select(&MOMENTS[..]).prop_map(|(name, at)| (zone(name), instant(at)))
}

/// A second within ten days of a moment.
pub(crate) fn about(moment: Timestamp) -> impl Strategy<Value = Timestamp> {
    (-864_000_i64..864_000).prop_map(move |seconds| moment + SignedDuration::from_secs(seconds))
}

fn quarter(quarters: u16) -> Time {
    let quarters = quarters % 96;
    Time::new(i8::try_from(quarters / 4).unwrap(), i8::try_from(quarters % 4 * 15).unwrap(), 0, 0).unwrap()
}

/// Up to three intervals within one day that do not overlap.
pub(crate) fn within_a_day() -> impl Strategy<Value = Vec<DayInterval>> {
    sample::subsequence((0_u16..=96).collect::<Vec<_>>(), 0..=6).prop_map(|marks| {
        marks.chunks_exact(2).map(|pair| DayInterval::new(quarter(pair[0]), quarter(pair[1]))).collect()
    })
}

/// Intervals of a week that stay within their day.
pub(crate) fn week_by_days() -> impl Strategy<Value = Vec<WeeklyInterval>> {
    proptest::collection::vec(within_a_day(), 7).prop_map(|days| {
        (0_i8..)
            .zip(days)
            .flat_map(|(day, intervals)| intervals.into_iter().map(move |interval| (day, interval)))
            .map(|(day, DayInterval { start, end })| {
                WeeklyInterval::new(Weekday::from_monday_zero_offset(day).unwrap(), start, end)
            })
            .collect()
    })
}

/// Intervals of a week, of up to a day each, that may run over any midnight.
pub(crate) fn week_over_midnights() -> impl Strategy<Value = Vec<WeeklyInterval>> {
    (sample::subsequence((0_u16..=672).collect::<Vec<_>>(), 0..=16), 0_u16..672).prop_map(|(marks, turned_by)| {
        marks
            .chunks_exact(2)
            .map(|pair| {
                let end = pair[1].min(pair[0] + 96) + turned_by;
                let start = (pair[0] + turned_by) % 672;
                let weekday = Weekday::from_monday_zero_offset(i8::try_from(start / 96).unwrap()).unwrap();
                WeeklyInterval::new(weekday, quarter(start), quarter(end))
            })
            .collect()
    })
}

/// Up to four dates near a moment with other hours, some with none.
pub(crate) fn exceptions_about(moment: Timestamp, zone: &Zone) -> impl Strategy<Value = Vec<DatedException>> + use<> {
    let middle: Date = zone.date_at(moment);
    proptest::collection::btree_map(-6_i64..6, within_a_day(), 0..4).prop_map(move |days| {
        days.into_iter()
            .map(|(day, intervals)| DatedException { date: middle + jiff::Span::new().days(day), intervals })
            .collect()
    })
}
