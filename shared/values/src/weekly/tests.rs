use jiff::civil::{date, time};

use super::*;
use crate::samples::hours;

#[test]
fn an_end_at_or_before_the_start_lies_on_the_following_day() {
    assert!(!hours(9, 17).ends_on_following_day());
    assert!(hours(22, 2).ends_on_following_day());
    assert!(hours(9, 24).ends_on_following_day());
    assert!(hours(9, 9).ends_on_following_day());
}

#[test]
fn a_weekly_interval_is_serialised_with_the_name_of_its_weekday() {
    let interval = WeeklyInterval::new(Weekday::Sunday, time(9, 30, 0, 0), time(0, 0, 0, 0));
    let json = r#"{"weekday":"sunday","start":"09:30:00","end":"00:00:00"}"#;

    assert_eq!(serde_json::to_string(&interval).unwrap(), json);
    assert_eq!(serde_json::from_str::<WeeklyInterval>(json).unwrap(), interval);
    for refused in ["Sunday", "sun", "7", ""] {
        let json = json.replace("sunday", refused);
        assert!(serde_json::from_str::<WeeklyInterval>(&json).is_err(), "{json}");
    }
}

#[test]
fn every_weekday_has_a_name_that_is_read_back() {
    for offset in 0..7 {
        let weekday = Weekday::from_monday_zero_offset(offset).unwrap();
        let interval = WeeklyInterval::new(weekday, time(9, 0, 0, 0), time(17, 0, 0, 0));
        let json = serde_json::to_string(&interval).unwrap();
        assert_eq!(serde_json::from_str::<WeeklyInterval>(&json).unwrap(), interval);
    }
}

#[test]
fn an_exception_without_intervals_may_leave_them_out() {
    let closed: DatedException = serde_json::from_str(r#"{"date":"2025-12-25"}"#).unwrap();

    assert_eq!(closed, DatedException { date: date(2025, 12, 25), intervals: vec![] });
}
