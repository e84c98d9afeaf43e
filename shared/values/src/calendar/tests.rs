use jiff::civil::{Date, Weekday, date, time};
use proptest::prelude::*;

use super::*;
use crate::samples::{self, every, hours, instant, zone};

const WORKDAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

fn office(name: &str) -> BusinessCalendar {
    BusinessCalendar::new(zone(name), every(&WORKDAYS, 9, 17), vec![]).unwrap()
}

fn refusal(week: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> &'static str {
    BusinessCalendar::new(Zone::utc(), week, exceptions).unwrap_err().reason
}

fn hours_long(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[test]
fn time_passes_only_while_we_work() {
    let office = office("Asia/Kolkata");
    // Friday 30 May 2025, 16:00 in Kolkata; an hour is left before the weekend.
    let friday = instant("2025-05-30T10:30:00Z");

    assert_eq!(office.add(friday, hours_long(2)), instant("2025-06-02T04:30:00Z"));
    assert_eq!(office.between(friday, instant("2025-06-02T04:30:00Z")), hours_long(2));
    assert_eq!(office.between(instant("2025-06-02T04:30:00Z"), friday), -hours_long(2));
}

#[test]
fn working_time_that_ends_with_the_day_is_due_at_closing_time() {
    let office = office("UTC");

    assert_eq!(office.add(instant("2025-05-30T16:00:00Z"), hours_long(1)), instant("2025-05-30T17:00:00Z"));
    assert_eq!(office.add(instant("2025-05-31T12:00:00Z"), hours_long(8)), instant("2025-06-02T17:00:00Z"));
}

#[test]
fn nothing_and_less_leave_the_start_as_it_is() {
    let saturday = instant("2025-05-31T12:00:00Z");

    assert_eq!(office("UTC").add(saturday, SignedDuration::ZERO), saturday);
    assert_eq!(office("UTC").add(saturday, hours_long(-3)), saturday);
    assert_eq!(office("UTC").between(saturday, saturday), SignedDuration::ZERO);
}

#[test]
fn we_are_open_from_the_start_to_just_before_the_end() {
    let office = office("UTC");

    assert!(!office.is_open(instant("2025-06-02T08:59:59.999999999Z")));
    assert!(office.is_open(instant("2025-06-02T09:00:00Z")));
    assert!(office.is_open(instant("2025-06-02T16:59:59.999999999Z")));
    assert!(!office.is_open(instant("2025-06-02T17:00:00Z")));
    assert!(!office.is_open(instant("2025-06-01T12:00:00Z")));
}

#[test]
fn a_lunch_break_does_not_count() {
    let split = [every(&WORKDAYS, 13, 17), every(&WORKDAYS, 9, 12)].concat();
    let office = BusinessCalendar::new(Zone::utc(), split, vec![]).unwrap();

    assert_eq!(office.add(instant("2025-06-02T11:00:00Z"), hours_long(2)), instant("2025-06-02T14:00:00Z"));
    assert!(!office.is_open(instant("2025-06-02T12:00:00Z")));
    assert_eq!(office.week()[0].start, time(9, 0, 0, 0));
}

#[test]
fn holidays_are_closed_and_other_hours_replace_those_of_the_weekday() {
    let exceptions = vec![
        DatedException { date: date(2025, 6, 2), intervals: vec![] },
        DatedException { date: date(2025, 6, 7), intervals: vec![hours(10, 12)] },
    ];
    let office = BusinessCalendar::new(Zone::utc(), every(&WORKDAYS, 9, 17), exceptions).unwrap();

    assert_eq!(office.add(instant("2025-05-30T16:00:00Z"), hours_long(2)), instant("2025-06-03T10:00:00Z"));
    assert!(office.is_open(instant("2025-06-07T11:00:00Z")));
    assert_eq!(office.between(instant("2025-05-31T00:00:00Z"), instant("2025-06-08T00:00:00Z")), hours_long(4 * 8 + 2));
}

#[test]
fn an_end_of_midnight_is_the_end_of_the_day() {
    let all_day = BusinessCalendar::new(Zone::utc(), every(&[Weekday::Monday], 0, 24), vec![]).unwrap();
    assert_eq!(all_day.between(instant("2025-06-01T00:00:00Z"), instant("2025-06-08T00:00:00Z")), hours_long(24));

    let late = BusinessCalendar::new(Zone::utc(), every(&[Weekday::Monday], 22, 24), vec![]).unwrap();
    assert_eq!(late.add(instant("2025-06-02T00:00:00Z"), hours_long(2)), instant("2025-06-03T00:00:00Z"));
}

#[test]
fn a_day_of_work_has_the_hours_that_really_pass() {
    let every_day: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
    for (name, day, expected) in [
        ("Europe/Berlin", date(2025, 3, 30), 23),
        ("Europe/Berlin", date(2025, 10, 26), 25),
        ("America/Sao_Paulo", date(2017, 10, 15), 23),
        ("America/Sao_Paulo", date(2018, 2, 17), 25),
        ("Asia/Kolkata", date(2025, 3, 30), 24),
    ] {
        let calendar = BusinessCalendar::new(zone(name), every(&every_day, 0, 24), vec![]).unwrap();
        let (from, to) = (calendar.zone().start_of_day(day), calendar.zone().start_of_day(day.tomorrow().unwrap()));
        assert_eq!(calendar.between(from, to), hours_long(expected), "{name} {day}");
    }
}

#[test]
fn skipped_hours_of_work_are_not_counted_twice() {
    let (night, morning) = (every(&[Weekday::Sunday], 0, 2), every(&[Weekday::Sunday], 3, 6));
    let until_half_past = vec![WeeklyInterval::new(Weekday::Sunday, time(2, 0, 0, 0), time(2, 30, 0, 0))];
    let week = [night, until_half_past, morning].concat();
    let calendar = BusinessCalendar::new(zone("Europe/Berlin"), week, vec![]).unwrap();

    // From midnight to six there are five hours on that Sunday; the half hour that was skipped is none of them.
    let (from, to) = (instant("2025-03-29T23:00:00Z"), instant("2025-03-30T04:00:00Z"));
    assert_eq!(calendar.between(from, to), hours_long(5));
    assert_eq!(calendar.add(from, hours_long(3)), instant("2025-03-30T02:00:00Z"));
}

#[test]
fn work_that_begins_in_a_skipped_or_doubled_hour_begins_at_the_first_chance() {
    let week = vec![WeeklyInterval::new(Weekday::Sunday, time(2, 30, 0, 0), time(6, 0, 0, 0))];
    let calendar = BusinessCalendar::new(zone("Europe/Berlin"), week, vec![]).unwrap();

    let nanosecond = SignedDuration::from_nanos(1);
    for opens_at in [instant("2025-03-30T01:00:00Z"), instant("2025-10-26T00:30:00Z")] {
        assert!(calendar.is_open(opens_at));
        assert!(!calendar.is_open(opens_at - nanosecond));
    }
    // Three hours pass on the day that skips one, four and a half on the day that has it twice.
    let day = |from, to| calendar.between(instant(from), instant(to));
    assert_eq!(day("2025-03-29T12:00:00Z", "2025-03-30T12:00:00Z"), hours_long(3));
    assert_eq!(day("2025-10-25T12:00:00Z", "2025-10-26T12:00:00Z"), SignedDuration::from_mins(270));
}

#[test]
fn a_calendar_without_working_time_is_refused() {
    let open_once = DatedException { date: date(2025, 6, 7), intervals: vec![hours(10, 12)] };
    assert_eq!(refusal(vec![], vec![]), "CALENDAR_EMPTY");
    assert_eq!(refusal(vec![], vec![open_once]), "CALENDAR_EMPTY");
}

fn closed_from(first: Date, days: usize) -> Vec<DatedException> {
    let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok());
    dates.take(days).map(|date| DatedException { date, intervals: vec![] }).collect()
}

#[test]
fn a_closure_of_more_than_a_year_is_refused() {
    let daily: Vec<WeeklyInterval> = every(&Weekday::Monday.cycle_forward().take(7).collect::<Vec<_>>(), 9, 17);

    assert!(BusinessCalendar::new(Zone::utc(), daily.clone(), closed_from(date(2025, 1, 1), 366)).is_ok());
    assert_eq!(refusal(daily, closed_from(date(2025, 1, 1), 367)), "CALENDAR_EMPTY");

    // One weekday a week, and every one of a year is a holiday.
    let mondays = std::iter::successors(Some(date(2025, 6, 2)), |date| Some(*date + jiff::Span::new().days(7)));
    let holidays = mondays.take(53).map(|date| DatedException { date, intervals: vec![] }).collect();
    assert_eq!(refusal(every(&[Weekday::Monday], 9, 17), holidays), "CALENDAR_EMPTY");
}

#[test]
fn overlaps_midnights_repeated_dates_and_parts_of_seconds_are_refused() {
    let overlapping = [every(&WORKDAYS, 9, 12), every(&[Weekday::Friday], 11, 13)].concat();
    assert_eq!(refusal(overlapping, vec![]), "CALENDAR_OVERLAP");
    let twice = vec![DatedException { date: date(2025, 6, 7), intervals: vec![hours(10, 12), hours(11, 13)] }];
    assert_eq!(refusal(every(&WORKDAYS, 9, 17), twice), "CALENDAR_OVERLAP");
    assert_eq!(refusal(every(&WORKDAYS, 22, 2), vec![]), "CALENDAR_TIME_MALFORMED");
    assert_eq!(refusal(every(&WORKDAYS, 9, 9), vec![]), "CALENDAR_TIME_MALFORMED");
    let last_moment = WeeklyInterval::new(Weekday::Monday, time(9, 0, 0, 0), jiff::civil::Time::MAX);
    assert_eq!(refusal(vec![last_moment], vec![]), "CALENDAR_TIME_MALFORMED");
    let repeated = [closed_from(date(2025, 6, 7), 1), closed_from(date(2025, 6, 7), 1)].concat();
    assert_eq!(refusal(every(&WORKDAYS, 9, 17), repeated), "CALENDAR_DATE_REPEATED");
    assert_eq!(refusal(every(&[Weekday::Monday; 169], 9, 10), vec![]), "CALENDAR_TOO_MANY");
}

#[test]
fn counting_ends_even_with_a_second_of_work_a_week() {
    let one_second = vec![WeeklyInterval::new(Weekday::Monday, time(9, 0, 0, 0), time(9, 0, 1, 0))];
    let calendar = BusinessCalendar::new(zone("Europe/Berlin"), one_second, vec![]).unwrap();

    let start = instant("2025-06-02T00:00:00Z");
    assert_eq!(calendar.add(start, SignedDuration::from_mins(1)), instant("2026-07-20T07:00:01Z"));
    assert_eq!(calendar.add(start, SignedDuration::MAX), Timestamp::MAX);
    assert!(calendar.add(Timestamp::MIN, hours_long(1)) > Timestamp::MIN);
    assert_eq!(calendar.add(Timestamp::MAX, hours_long(1)), Timestamp::MAX);
}

#[test]
fn a_calendar_is_checked_when_it_is_read() {
    let json = r#"{"zone":"Asia/Kolkata","week":[{"weekday":"monday","start":"09:00:00","end":"17:00:00"}],"exceptions":[{"date":"2025-08-15","intervals":[]}]}"#;
    let read: BusinessCalendar = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);

    let empty = r#"{"zone":"Asia/Kolkata","week":[]}"#;
    assert!(serde_json::from_str::<BusinessCalendar>(empty).unwrap_err().to_string().contains("working hours"));
    assert!(serde_json::from_str::<BusinessCalendar>(&json.replace("17:00", "08:00")).is_err());
}

/// A calendar with work in it, and an instant near the moment at which its clocks are moved.
fn cases() -> impl Strategy<Value = (BusinessCalendar, Timestamp)> {
    samples::places()
        .prop_flat_map(|(zone, moment)| {
            let exceptions = samples::exceptions_about(moment, &zone);
            (Just(zone), samples::week_by_days(), exceptions, samples::about(moment))
        })
        .prop_filter_map("has no work", |(zone, week, exceptions, from)| {
            BusinessCalendar::new(zone, week, exceptions).ok().map(|calendar| (calendar, from))
        })
}

/// Up to two weeks of working time, to the millisecond.
fn durations() -> impl Strategy<Value = SignedDuration> {
    (1_i64..14 * 24 * 3_600_000).prop_map(SignedDuration::from_millis)
}

proptest! {
    #[test]
    fn what_was_added_lies_between((calendar, start) in cases(), working in durations()) {
        prop_assert_eq!(calendar.between(start, calendar.add(start, working)), working);
    }

    #[test]
    fn the_result_is_the_earliest_instant((calendar, start) in cases(), working in durations()) {
        let due = calendar.add(start, working);

        prop_assert!(calendar.between(start, due - SignedDuration::from_nanos(1)) < working);
        prop_assert!(calendar.is_open(due - SignedDuration::from_nanos(1)));
    }

    #[test]
    fn adding_in_two_steps_is_adding_at_once((calendar, start) in cases(), a in durations(), b in durations()) {
        prop_assert_eq!(calendar.add(calendar.add(start, a), b), calendar.add(start, a + b));
    }

    #[test]
    fn more_work_and_a_later_start_are_never_due_earlier((calendar, start) in cases(), a in durations(), b in durations()) {
        prop_assert!(calendar.add(start, a) < calendar.add(start, a + b));
        prop_assert!(calendar.add(start, a) <= calendar.add(start + b, a));
    }

    #[test]
    fn working_time_between_is_a_sum_of_its_parts((calendar, start) in cases(), a in durations(), b in durations()) {
        let (middle, end) = (start + a, start + a + b);
        prop_assert_eq!(calendar.between(start, middle) + calendar.between(middle, end), calendar.between(start, end));
        prop_assert_eq!(calendar.between(end, start), -calendar.between(start, end));
        prop_assert!(calendar.between(start, end) <= a + b);
    }
}

proptest! {
    // Each case walks through a day and a half minute by minute.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn we_are_open_when_the_wall_clock_shows_hours_of_work((calendar, start) in cases()) {
        let tz = calendar.zone().time_zone();
        let mut worked = SignedDuration::ZERO;
        let minute = SignedDuration::from_mins(1);
        // All hours begin and end with a minute, so that a minute is wholly open or wholly closed.
        let from = Timestamp::from_second(start.as_second().div_euclid(60) * 60).unwrap();
        for passed in 0..(36 * 60) {
            let at = from + minute * passed;
            let is_open = calendar.is_open(at);
            worked += if is_open { minute } else { SignedDuration::ZERO };
            let wall = tz.to_datetime(at);
            if tz.to_ambiguous_timestamp(wall).is_ambiguous() {
                continue; // In the doubled hour the first coming of a time counts.
            }
            let exception = calendar.exceptions().iter().find(|exception| exception.date == wall.date());
            let week = calendar.week().iter().filter(|interval| interval.weekday == wall.date().weekday());
            let week: Vec<_> = week.map(|interval| (interval.start, interval.end)).collect();
            let day = exception.map_or(week, |exception| exception.intervals.iter().map(|i| (i.start, i.end)).collect());
            let shown = day.iter().any(|(start, end)| {
                *start <= wall.time() && (wall.time() < *end || *end == jiff::civil::Time::midnight())
            });
            prop_assert_eq!(is_open, shown, "{} {}", at, wall);
        }
        prop_assert_eq!(calendar.between(from, from + minute * 36 * 60), worked);
    }
}

proptest! {
    #[test]
    fn a_calendar_is_read_back_as_it_was_written((calendar, _) in cases()) {
        let json = serde_json::to_string(&calendar).unwrap();
        prop_assert_eq!(serde_json::from_str::<BusinessCalendar>(&json).unwrap(), calendar);
    }
}
