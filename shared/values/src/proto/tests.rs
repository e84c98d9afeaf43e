use super::*;

#[test]
fn every_fault_of_windows_is_told_with_its_path() {
    let windows = pb::AvailabilityWindows {
        zone: String::new(),
        intervals: vec![pb::WeeklyInterval { weekday: 0, start: "9".to_owned(), end: "25:00".to_owned() }],
        exceptions: vec![pb::DatedException { date: "2026-02-30".to_owned(), hours: Vec::new() }],
    };

    let faults = AvailabilityWindows::try_from(windows).unwrap_err();

    let told: Vec<_> = faults.iter().map(|(field, invalid)| (field.as_str(), invalid.reason)).collect();
    assert_eq!(
        told,
        [
            ("zone", "ZONE_MISSING"),
            ("intervals[0].weekday", "WEEKDAY_UNKNOWN"),
            ("intervals[0].start", "TIME_OF_DAY_MALFORMED"),
            ("intervals[0].end", "TIME_OF_DAY_MALFORMED"),
            ("exceptions[0].date", "DATE_MALFORMED"),
        ]
    );
}

#[test]
fn windows_come_back_as_they_went() {
    let windows = pb::AvailabilityWindows {
        zone: "Asia/Kolkata".to_owned(),
        intervals: vec![pb::WeeklyInterval { weekday: 7, start: "22:00".to_owned(), end: "02:30".to_owned() }],
        exceptions: vec![pb::DatedException {
            date: "2026-12-25".to_owned(),
            hours: vec![pb::dated_exception::Hours { start: "10:00".to_owned(), end: "12:00".to_owned() }],
        }],
    };

    let there = AvailabilityWindows::try_from(windows.clone()).unwrap();

    assert_eq!(pb::AvailabilityWindows::from(&there), windows);
}

#[test]
fn wrong_money_and_a_promised_date_without_a_zone_are_refused() {
    let money = Money::try_from(pb::Money { minor_units: -1, currency: "XYZ".to_owned() }).unwrap_err();
    let promised =
        PromisedDate::try_from(pb::PromisedDate { date: "2026-11-21".to_owned(), zone: String::new() }).unwrap_err();

    assert_eq!(
        money.iter().map(|(_, invalid)| invalid.reason).collect::<Vec<_>>(),
        ["AMOUNT_NEGATIVE", "CURRENCY_UNKNOWN"]
    );
    assert_eq!(promised[0].1.reason, "ZONE_MISSING");
}
