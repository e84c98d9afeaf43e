use super::*;
use crate::samples::{instant, zone};

#[test]
fn an_iana_name_is_kept_in_its_canonical_case() {
    assert_eq!(zone("Asia/Kolkata").name(), "Asia/Kolkata");
    assert_eq!(zone("asia/KOLKATA").name(), "Asia/Kolkata");
    assert_eq!(zone("UTC"), Zone::utc());
    assert_eq!(Zone::utc().name(), "UTC");
    assert_eq!(zone("America/Argentina/Buenos_Aires").to_string(), "America/Argentina/Buenos_Aires");
}

#[test]
fn an_empty_name_is_missing() {
    assert_eq!(Zone::parse("").unwrap_err().reason, "ZONE_MISSING");
}

#[test]
fn what_is_no_iana_name_is_unknown() {
    for refused in [
        " ",
        "Asia/Atlantis",
        "+05:30",
        "-03",
        "05:30",
        "EST5EDT4",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+03>-3",
        "local",
        "localtime",
        "posixrules",
        "Factory",
        "Etc/Unknown",
        "posix/Asia/Kolkata",
        "right/Asia/Kolkata",
        "RIGHT/UTC",
        "Asia/Kolkata ",
        " Asia/Kolkata",
        "Asia",
        "../Asia/Kolkata",
        "/usr/share/zoneinfo/UTC",
        "zone.tab",
        "Asia/Kolkata\0",
        "tzdata.zi",
        "Asia\\Kolkata",
    ] {
        assert_eq!(Zone::parse(refused).unwrap_err().reason, "ZONE_UNKNOWN", "{refused:?}");
    }
}

#[test]
fn a_zone_is_serialised_as_its_name_and_checked_when_read() {
    assert_eq!(serde_json::to_string(&zone("Asia/Dhaka")).unwrap(), r#""Asia/Dhaka""#);
    assert_eq!(serde_json::from_str::<Zone>(r#""Asia/Dhaka""#).unwrap(), zone("Asia/Dhaka"));
    assert!(serde_json::from_str::<Zone>(r#""+06:00""#).unwrap_err().to_string().contains("IANA"));
}

#[test]
fn a_day_starts_where_the_clock_first_shows_it() {
    for (name, date, starts_at) in [
        ("Asia/Kolkata", "2025-06-01", "2025-05-31T18:30:00Z"),
        ("Europe/Berlin", "2025-03-31", "2025-03-30T22:00:00Z"),
        // Midnight is skipped: the day begins at one o'clock.
        ("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z"),
        // The hour before midnight came twice.
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"),
        // The hour after midnight came twice: the first one begins the day.
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),
        // The clocks jumped from 23:30 to 00:30, so that the day has no midnight and no first half hour.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z"),
        // A day that was skipped has no length: it starts with the following one.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
    ] {
        let date: Date = date.parse().unwrap();
        assert_eq!(zone(name).start_of_day(date), instant(starts_at), "{name} {date}");
    }
}

#[test]
fn opening_and_closing_times_follow_the_rules_of_gap_and_fold() {
    let berlin = zone("Europe/Berlin");

    let in_gap: DateTime = "2025-03-30T02:30:00".parse().unwrap();
    assert_eq!(berlin.instant_of_opening(in_gap), instant("2025-03-30T01:30:00Z"));
    assert_eq!(berlin.instant_of_closing(in_gap), instant("2025-03-30T01:30:00Z"));
    assert_eq!(berlin.first_instant_reading(in_gap), instant("2025-03-30T01:00:00Z"));

    let in_fold: DateTime = "2025-10-26T02:30:00".parse().unwrap();
    assert_eq!(berlin.instant_of_opening(in_fold), instant("2025-10-26T01:30:00Z"));
    assert_eq!(berlin.instant_of_closing(in_fold), instant("2025-10-26T00:30:00Z"));
    assert_eq!(berlin.first_instant_reading(in_fold), instant("2025-10-26T00:30:00Z"));
}

#[test]
fn the_edges_of_the_calendar_have_instants() {
    assert_eq!(zone("Asia/Kolkata").start_of_day(Date::MIN), Timestamp::MIN);
    assert_eq!(zone("America/Sao_Paulo").first_instant_reading(DateTime::MAX), Timestamp::MAX);
}
