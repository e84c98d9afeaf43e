//! Departments by themselves.

use jiff::Timestamp;
use seva_values::{BusinessCalendar, Language, LocalizedText, WeeklyInterval, Zone};
use uuid::Uuid;

use super::model::{Change, Department, NewDepartment};

fn calendar(start: &str) -> BusinessCalendar {
    let monday = WeeklyInterval::new(jiff::civil::Weekday::Monday, start.parse().unwrap(), "17:00".parse().unwrap());
    BusinessCalendar::new(Zone::parse("Asia/Kolkata").unwrap(), vec![monday], Vec::new()).unwrap()
}

fn shipping() -> Department {
    let new = NewDepartment {
        key: "shipping".to_owned(),
        titles: LocalizedText::from_iter([(Language::parse("en").unwrap(), "Shipping".to_owned())]),
        calendar: calendar("09:00"),
        ticket_kinds: vec!["delivery".to_owned()],
        email: None,
        phone: None,
        web_page: None,
    };
    Department::create(Uuid::from_u128(7), new, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_new_calendar_is_a_new_version_and_the_same_one_is_none() {
    let department = shipping();
    let (same, changed) =
        department.update(Change { calendar: Some(calendar("09:00")), ..Change::default() }, Timestamp::UNIX_EPOCH);
    assert_eq!((same.calendar_version, changed.as_slice()), (1, [].as_slice()));

    let (other, changed) =
        department.update(Change { calendar: Some(calendar("08:00")), ..Change::default() }, Timestamp::UNIX_EPOCH);
    assert_eq!((other.calendar_version, changed.as_slice()), (2, ["calendar"].as_slice()), "ST5");
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let department = shipping();
    let change = Change { ticket_kinds: Some(vec!["delivery".to_owned(), "return".to_owned()]), ..Change::default() };
    let (next, changed) = department.update(change, Timestamp::UNIX_EPOCH);

    assert_eq!(changed, ["ticket_kinds"]);
    let expected = Department { version: 2, ticket_kinds: next.ticket_kinds.clone(), ..department };
    assert_eq!(next, expected);
}
