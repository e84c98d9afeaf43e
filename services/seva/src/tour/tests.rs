use super::*;

#[test]
fn a_tour_begins_at_nine_on_a_monday_that_is_not_over() {
    for now in ["2026-03-01T00:00:00Z", "2026-03-02T03:30:00Z", "2026-03-02T03:30:01Z", "2026-03-07T23:00:00Z"] {
        let now: Timestamp = now.parse().unwrap();
        let start = begins_at(now);
        let local = start.to_zoned(jiff::tz::TimeZone::get("Asia/Kolkata").unwrap());
        assert!(start >= now && start.duration_since(now) <= SignedDuration::from_hours(7 * 24), "{now}: {start}");
        assert_eq!((local.weekday(), local.hour(), local.minute()), (Weekday::Monday, 9, 0), "{now}: {start}");
    }
}
