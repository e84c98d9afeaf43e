use jiff::{
    SignedDuration,
    civil::{Weekday, date, time},
    tz::Disambiguation,
};
use proptest::prelude::*;

use super::*;
use crate::{
    DayInterval,
    samples::{self, every, hours, instant, zone},
};

const ALL_DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn windows(name: &str, intervals: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> AvailabilityWindows {
    AvailabilityWindows::new(zone(name), intervals, exceptions).unwrap()
}

fn refusal(intervals: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> &'static str {
    AvailabilityWindows::new(Zone::utc(), intervals, exceptions).unwrap_err().reason
}

#[test]
fn without_intervals_and_exceptions_every_instant_is_allowed() {
    let always = AvailabilityWindows::always(zone("Asia/Kolkata"));

    for at in [Timestamp::MIN, instant("2025-06-01T03:00:00Z"), Timestamp::MAX] {
        assert!(always.contains(at));
        assert_eq!(always.next_allowed(at), Some(at));
    }
}

#[test]
fn a_window_includes_its_start_and_excludes_its_end() {
    let evenings = windows("Asia/Kolkata", every(&[Weekday::Monday], 18, 20), vec![]);

    // Monday 2 June 2025, 18:00 in Kolkata is 12:30 in UTC.
    assert!(!evenings.contains(instant("2025-06-02T12:29:59.999999999Z")));
    assert!(evenings.contains(instant("2025-06-02T12:30:00Z")));
    assert!(evenings.contains(instant("2025-06-02T14:29:59.999999999Z")));
    assert!(!evenings.contains(instant("2025-06-02T14:30:00Z")));
    assert_eq!(evenings.next_allowed(instant("2025-06-02T14:30:00Z")), Some(instant("2025-06-09T12:30:00Z")));
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_starts() {
    let nights = windows("UTC", every(&[Weekday::Sunday], 22, 2), vec![]);

    assert!(nights.contains(instant("2025-06-01T23:00:00Z")));
    assert!(nights.contains(instant("2025-06-02T01:59:59Z")));
    assert!(!nights.contains(instant("2025-06-02T02:00:00Z")));
    assert!(!nights.contains(instant("2025-06-01T01:00:00Z")));
}

#[test]
fn equal_times_are_a_whole_day() {
    let saturdays = windows("UTC", every(&[Weekday::Saturday], 0, 24), vec![]);
    assert!(saturdays.contains(instant("2025-05-31T00:00:00Z")));
    assert!(saturdays.contains(instant("2025-05-31T23:59:59Z")));
    assert!(!saturdays.contains(instant("2025-06-01T00:00:00Z")));

    let from_nine = windows("UTC", every(&[Weekday::Saturday], 9, 9), vec![]);
    assert!(!from_nine.contains(instant("2025-05-31T08:59:59Z")));
    assert!(from_nine.contains(instant("2025-06-01T08:59:59Z")));
    assert!(!from_nine.contains(instant("2025-06-01T09:00:00Z")));
}

#[test]
fn an_exception_replaces_what_would_start_on_its_date() {
    let daily = every(&ALL_DAYS, 9, 12);
    let away = DatedException { date: date(2025, 6, 3), intervals: vec![] };
    let later = DatedException { date: date(2025, 6, 4), intervals: vec![hours(15, 16)] };
    let windows = windows("UTC", daily, vec![later, away]);

    assert!(!windows.contains(instant("2025-06-03T10:00:00Z")));
    assert!(!windows.contains(instant("2025-06-04T10:00:00Z")));
    assert_eq!(windows.next_allowed(instant("2025-06-02T12:00:00Z")), Some(instant("2025-06-04T15:00:00Z")));
    assert_eq!(windows.exceptions()[0].date, date(2025, 6, 3));
}

#[test]
fn exceptions_alone_are_the_only_windows_there_are() {
    let once = DatedException { date: date(2030, 6, 4), intervals: vec![hours(15, 16)] };
    let windows = windows("UTC", vec![], vec![once]);

    assert_eq!(windows.next_allowed(instant("2025-06-02T12:00:00Z")), Some(instant("2030-06-04T15:00:00Z")));
    assert_eq!(windows.next_allowed(instant("2030-06-04T15:30:00Z")), Some(instant("2030-06-04T15:30:00Z")));
    assert_eq!(windows.next_allowed(instant("2030-06-04T16:00:00Z")), None);
    assert!(!windows.contains(instant("2025-06-02T12:00:00Z")));
}

#[test]
fn a_customer_who_is_away_on_every_date_is_never_allowed() {
    let away = DatedException { date: date(2025, 6, 3), intervals: vec![] };

    assert_eq!(windows("UTC", vec![], vec![away]).next_allowed(instant("2020-01-01T00:00:00Z")), None);
}

#[test]
fn in_the_skipped_hour_a_window_is_shifted_forward() {
    let half_past_two = time(2, 30, 0, 0);
    let window = |end| vec![WeeklyInterval::new(Weekday::Sunday, half_past_two, end)];

    let longer = windows("Europe/Berlin", window(time(6, 0, 0, 0)), vec![]);
    assert_eq!(longer.next_allowed(instant("2025-03-30T00:00:00Z")), Some(instant("2025-03-30T01:30:00Z")));
    assert!(!longer.contains(instant("2025-03-30T01:29:59Z")));

    // What lies wholly within the skipped hour and would end where it starts waits for the next week.
    let swallowed = windows("Europe/Berlin", window(time(3, 30, 0, 0)), vec![]);
    assert_eq!(swallowed.next_allowed(instant("2025-03-30T00:00:00Z")), Some(instant("2025-04-06T00:30:00Z")));
}

#[test]
fn in_the_doubled_hour_a_window_opens_at_the_later_and_closes_at_the_earlier_instant() {
    let half_past_two = time(2, 30, 0, 0);
    let opens_inside = vec![WeeklyInterval::new(Weekday::Sunday, half_past_two, time(6, 0, 0, 0))];
    let closes_inside = vec![WeeklyInterval::new(Weekday::Sunday, time(1, 0, 0, 0), half_past_two)];

    let opening = windows("Europe/Berlin", opens_inside, vec![]);
    assert_eq!(opening.next_allowed(instant("2025-10-26T00:00:00Z")), Some(instant("2025-10-26T01:30:00Z")));

    let closing = windows("Europe/Berlin", closes_inside, vec![]);
    assert!(closing.contains(instant("2025-10-26T00:29:59Z")));
    assert!(!closing.contains(instant("2025-10-26T00:30:00Z")));
    assert!(!closing.contains(instant("2025-10-26T01:15:00Z")));
}

#[test]
fn daylight_saving_at_midnight_keeps_the_evening_apart_from_the_morning() {
    // In São Paulo midnight of 15 October 2017 was skipped, and 23:00 of 17 February 2018 came twice.
    let from_midnight = windows("America/Sao_Paulo", every(&[Weekday::Sunday], 0, 3), vec![]);
    assert_eq!(from_midnight.next_allowed(instant("2017-10-14T12:00:00Z")), Some(instant("2017-10-15T03:00:00Z")));

    let late_evenings = windows("America/Sao_Paulo", every(&[Weekday::Saturday], 23, 24), vec![]);
    assert_eq!(late_evenings.next_allowed(instant("2018-02-17T12:00:00Z")), Some(instant("2018-02-18T02:00:00Z")));
    assert!(!late_evenings.contains(instant("2018-02-18T03:00:00Z")));
}

#[test]
fn a_window_of_a_skipped_day_does_not_hide_an_earlier_one_of_the_following_day() {
    // Samoa skipped Friday, 30 December 2011; what is shifted from its noon comes after Saturday's morning.
    let week = [every(&[Weekday::Friday], 12, 13), every(&[Weekday::Saturday], 9, 10)].concat();
    let windows = windows("Pacific/Apia", week, vec![]);

    assert_eq!(windows.next_allowed(instant("2011-12-30T09:00:00Z")), Some(instant("2011-12-30T19:00:00Z")));
    assert_eq!(windows.next_allowed(instant("2011-12-30T20:00:00Z")), Some(instant("2011-12-30T22:00:00Z")));
}

#[test]
fn intervals_that_share_a_moment_are_refused() {
    let two = |a: Vec<WeeklyInterval>, b: Vec<WeeklyInterval>| [a, b].concat();
    assert_eq!(
        refusal(two(every(&[Weekday::Monday], 9, 12), every(&[Weekday::Monday], 11, 13)), vec![]),
        "WINDOWS_OVERLAP"
    );
    assert_eq!(
        refusal(two(every(&[Weekday::Monday], 9, 12), every(&[Weekday::Monday], 9, 12)), vec![]),
        "WINDOWS_OVERLAP"
    );
    assert_eq!(
        refusal(two(every(&[Weekday::Monday], 22, 2), every(&[Weekday::Tuesday], 1, 3)), vec![]),
        "WINDOWS_OVERLAP"
    );
    assert_eq!(
        refusal(two(every(&[Weekday::Sunday], 22, 2), every(&[Weekday::Monday], 1, 3)), vec![]),
        "WINDOWS_OVERLAP"
    );
    let within_a_date = DatedException { date: date(2025, 6, 3), intervals: vec![hours(22, 2), hours(9, 23)] };
    assert_eq!(refusal(vec![], vec![within_a_date]), "WINDOWS_OVERLAP");
}

#[test]
fn intervals_that_only_touch_are_accepted() {
    let touching = [every(&ALL_DAYS, 0, 12), every(&ALL_DAYS, 12, 24)].concat();
    let windows = windows("UTC", touching, vec![]);

    assert!(windows.contains(instant("2025-06-03T12:00:00Z")));
    assert!(windows.contains(instant("2025-06-03T00:00:00Z")));
}

#[test]
fn a_repeated_date_parts_of_seconds_and_endless_lists_are_refused() {
    let day = |day| DatedException { date: date(2025, 6, day), intervals: vec![] };
    assert_eq!(refusal(vec![], vec![day(3), day(4), day(3)]), "WINDOWS_DATE_REPEATED");

    let last_moment = WeeklyInterval::new(Weekday::Monday, time(9, 0, 0, 0), jiff::civil::Time::MAX);
    assert_eq!(refusal(vec![last_moment], vec![]), "WINDOWS_TIME_MALFORMED");

    let many = every(&[Weekday::Monday; 169], 9, 10);
    assert_eq!(refusal(many, vec![]), "WINDOWS_TOO_MANY");
    let dates = std::iter::successors(Some(date(2025, 1, 1)), |date| date.tomorrow().ok());
    let many = dates.take(3_661).map(|date| DatedException { date, intervals: vec![] }).collect();
    assert_eq!(refusal(vec![], many), "WINDOWS_TOO_MANY");
}

#[test]
fn windows_are_checked_when_they_are_read() {
    let json = r#"{"zone":"Asia/Kolkata","intervals":[{"weekday":"monday","start":"18:00:00","end":"20:00:00"}],"exceptions":[{"date":"2025-12-25","intervals":[]}]}"#;
    let read: AvailabilityWindows = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert_eq!(
        serde_json::from_str::<AvailabilityWindows>(r#"{"zone":"UTC"}"#).unwrap(),
        AvailabilityWindows::always(Zone::utc())
    );

    let overlapping = json.replace(r#""exceptions""#, r#""exceptions_""#);
    assert!(serde_json::from_str::<AvailabilityWindows>(&overlapping).is_err());
    assert!(serde_json::from_str::<AvailabilityWindows>(r#"{"intervals":[]}"#).is_err());
    let twice =
        json.replace(r#"[{"weekday""#, r#"[{"weekday":"monday","start":"19:00:00","end":"21:00:00"},{"weekday""#);
    assert!(serde_json::from_str::<AvailabilityWindows>(&twice).unwrap_err().to_string().contains("overlap"));
}

#[test]
fn the_edges_of_time_are_survived() {
    let daily = windows("Asia/Kolkata", every(&ALL_DAYS, 9, 12), vec![]);

    assert!(daily.next_allowed(Timestamp::MIN).is_some());
    assert_eq!(daily.next_allowed(Timestamp::MAX), None);
}

/// Every span of the windows about `moment`, by the rules of jiff alone.
fn spans_about(windows: &AvailabilityWindows, moment: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let tz = windows.zone().time_zone();
    let at = |date: Date, time, fold| {
        let wall = tz.to_ambiguous_zoned(date.to_datetime(time));
        let is_fold = matches!(wall.offset(), jiff::tz::AmbiguousOffset::Fold { .. });
        let rule = if is_fold { fold } else { Disambiguation::Compatible };
        wall.disambiguate(rule).unwrap().timestamp()
    };
    let middle = tz.to_datetime(moment).date();
    let mut spans = Vec::new();
    for day in -30..=30 {
        let date = middle + jiff::Span::new().days(day);
        let exception = windows.exceptions().iter().find(|exception| exception.date == date);
        let weekly = windows.intervals().iter().filter(|interval| interval.weekday == date.weekday());
        let weekly: Vec<DayInterval> = weekly.map(|interval| DayInterval::new(interval.start, interval.end)).collect();
        for interval in exception.map_or(&weekly, |exception| &exception.intervals) {
            let end_date = if interval.end <= interval.start { date.tomorrow().unwrap() } else { date };
            let opens_at = at(date, interval.start, Disambiguation::Later);
            let closes_at = at(end_date, interval.end, Disambiguation::Earlier);
            spans.push((opens_at, closes_at));
        }
    }
    spans
}

fn cases() -> impl Strategy<Value = (AvailabilityWindows, Timestamp, Timestamp)> {
    samples::places()
        .prop_flat_map(|(zone, moment)| {
            let exceptions = samples::exceptions_about(moment, &zone);
            (Just(zone), Just(moment), samples::week_over_midnights(), exceptions, samples::about(moment))
        })
        .prop_map(|(zone, moment, week, exceptions, from)| {
            (AvailabilityWindows::new(zone, week, exceptions).unwrap(), moment, from)
        })
}

proptest! {
    // Each case walks through days minute by minute.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_next_allowed_instant_is_inside_and_nothing_before_it_is((windows, moment, from) in cases()) {
        prop_assume!(!windows.is_always());
        let spans = spans_about(&windows, moment);
        let inside = |at: Timestamp| spans.iter().any(|(opens_at, closes_at)| *opens_at <= at && at < *closes_at);

        let next = windows.next_allowed(from);

        if let Some(next) = next {
            prop_assert!(next >= from);
            prop_assert!(windows.contains(next));
            prop_assert_eq!(windows.next_allowed(next), Some(next));
        }
        // The spans reach thirty days round the moment, the start lies within ten: a week and more is looked at.
        let mut at = from;
        let end = next.unwrap_or(Timestamp::MAX).min(moment + SignedDuration::from_hours(28 * 24));
        while at < end {
            prop_assert!(!inside(at), "{at} is inside, but {next:?} was the next after {from}");
            at += SignedDuration::from_mins(1);
        }
        if next == Some(end) {
            prop_assert!(inside(end));
        }
    }

    #[test]
    fn windows_contain_what_their_spans_contain((windows, moment, from) in cases()) {
        prop_assume!(!windows.is_always());
        let spans = spans_about(&windows, moment);

        for minutes in 0..(36 * 60) {
            let at = from + SignedDuration::from_mins(minutes);
            let inside = spans.iter().any(|(opens_at, closes_at)| *opens_at <= at && at < *closes_at);
            prop_assert_eq!(windows.contains(at), inside, "{}", at);
        }
    }
}

proptest! {
    #[test]
    fn windows_are_read_back_as_they_were_written((windows, _, _) in cases()) {
        let json = serde_json::to_string(&windows).unwrap();
        prop_assert_eq!(serde_json::from_str::<AvailabilityWindows>(&json).unwrap(), windows);
    }
}
