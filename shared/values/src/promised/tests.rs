use super::*;
use crate::samples::{instant, zone};

fn promised(date: &str, name: &str) -> PromisedDate {
    PromisedDate::new(date.parse().unwrap(), zone(name))
}

#[test]
fn a_promised_day_ends_with_the_start_of_the_following_day_in_its_zone() {
    let date = promised("2025-06-01", "Asia/Kolkata");

    assert_eq!(date.starts_at(), instant("2025-05-31T18:30:00Z"));
    assert_eq!(date.ends_at(), instant("2025-06-01T18:30:00Z"));
}

#[test]
fn the_end_of_the_day_does_not_belong_to_it() {
    let date = promised("2025-06-01", "Asia/Kolkata");

    assert!(!date.is_over(instant("2025-06-01T18:29:59.999999999Z")));
    assert!(date.is_over(instant("2025-06-01T18:30:00Z")));
}

#[test]
fn a_day_on_which_clocks_are_moved_is_as_long_as_it_is() {
    for (date, name, hours) in [
        ("2025-03-30", "Europe/Berlin", 23),
        ("2025-10-26", "Europe/Berlin", 25),
        ("2017-10-15", "America/Sao_Paulo", 23),
        ("2018-02-17", "America/Sao_Paulo", 25),
        ("2018-02-18", "America/Sao_Paulo", 24),
        ("2025-03-30", "Asia/Kolkata", 24),
        ("2011-12-30", "Pacific/Apia", 0),
    ] {
        let day = promised(date, name);
        assert_eq!(day.starts_at().duration_until(day.ends_at()), SignedDuration::from_hours(hours), "{date} {name}");
    }
}

#[test]
fn a_promise_is_at_risk_from_the_lead_before_its_end() {
    let date = promised("2025-10-26", "Europe/Berlin");

    assert_eq!(date.at_risk_from(SignedDuration::from_hours(24)), instant("2025-10-25T23:00:00Z"));
    assert_eq!(date.at_risk_from(SignedDuration::ZERO), date.ends_at());
    assert_eq!(date.at_risk_from(SignedDuration::MAX), Timestamp::MIN);
    assert_eq!(date.at_risk_from(SignedDuration::MIN), Timestamp::MAX);
}

#[test]
fn the_last_day_of_the_calendar_ends_with_it() {
    assert_eq!(promised("9999-12-31", "UTC").ends_at(), Timestamp::MAX);
}

#[test]
fn a_promised_date_is_serialised_with_its_zone() {
    let date = promised("2025-06-01", "Asia/Kolkata");
    let json = r#"{"date":"2025-06-01","zone":"Asia/Kolkata"}"#;

    assert_eq!(serde_json::to_string(&date).unwrap(), json);
    assert_eq!(serde_json::from_str::<PromisedDate>(json).unwrap(), date);
    assert!(serde_json::from_str::<PromisedDate>(r#"{"date":"2025-06-31","zone":"Asia/Kolkata"}"#).is_err());
    assert!(serde_json::from_str::<PromisedDate>(r#"{"date":"2025-06-01","zone":""}"#).is_err());
}
