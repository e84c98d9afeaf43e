//! Who serves when, in which language, and what events say.

use jiff::Timestamp;
use seva_proto::{
    common::v1::{
        BusinessCalendar as CalendarMessage, DatedException, Weekday, WeeklyInterval, dated_exception::Hours,
    },
    staff::v1::{self as staff, DepartmentEvent, StaffMemberEvent, staff_member as message},
};
use seva_values::{Language, new_id};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn every_monday(start: &str, end: &str) -> Vec<WeeklyInterval> {
    vec![WeeklyInterval { weekday: Weekday::Monday.into(), start: start.to_owned(), end: end.to_owned() }]
}

fn event(shifts: Option<staff::Shifts>) -> StaffMemberEvent {
    StaffMemberEvent {
        staff_member: format!("staffMembers/{}", new_id()),
        user: "user:asha".to_owned(),
        role: message::Role::Lead.into(),
        department: format!("departments/{}", new_id()),
        languages: vec!["bn".to_owned(), "en".to_owned()],
        skills: vec!["delivery".to_owned()],
        shifts,
        presence: message::Presence::Present.into(),
        capacity: 3,
        state: message::State::Active.into(),
        handbook_current: true,
        ..StaffMemberEvent::default()
    }
}

fn shifts(intervals: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> Option<staff::Shifts> {
    Some(staff::Shifts { zone: "Asia/Kolkata".to_owned(), intervals, exceptions })
}

fn member(shifts: Option<staff::Shifts>) -> StaffMember {
    StaffMember::heard(4, event(shifts)).unwrap()
}

#[test]
fn somebody_is_on_shift_from_its_start_up_to_its_end() {
    let member = member(shifts(every_monday("09:00", "18:00"), Vec::new()));
    for (instant, expected) in [
        ("2026-03-02T03:29:59Z", false),
        ("2026-03-02T03:30:00Z", true),
        ("2026-03-02T12:29:59Z", true),
        ("2026-03-02T12:30:00Z", false),
        ("2026-03-03T06:00:00Z", false),
    ] {
        assert_eq!(member.on_shift(at(instant)), expected, "{instant}");
    }
    assert_eq!(member.shifts.next(at("2026-03-02T12:30:00Z")), Some(at("2026-03-09T03:30:00Z")));
}

#[test]
fn a_shift_may_run_over_midnight() {
    let member = member(shifts(every_monday("22:00", "06:00"), Vec::new()));
    assert!(member.on_shift(at("2026-03-02T23:00:00Z")));
    assert!(!member.on_shift(at("2026-03-03T00:30:00Z")));
}

#[test]
fn leave_goes_before_the_hours_of_the_week_and_other_hours_too() {
    let on = |date: &str, hours: Vec<Hours>| DatedException { date: date.to_owned(), hours };
    let late = Hours { start: "20:00".to_owned(), end: "21:00".to_owned() };
    let exceptions = vec![on("2026-03-02", Vec::new()), on("2026-03-03", vec![late])];
    let member = member(shifts(every_monday("09:00", "18:00"), exceptions));
    assert!(!member.on_shift(at("2026-03-02T06:00:00Z")));
    assert!(member.on_shift(at("2026-03-03T15:00:00Z")));
    assert!(member.on_shift(at("2026-03-09T06:00:00Z")));
}

#[test]
fn without_hours_nobody_works() {
    for shifts in [None, shifts(Vec::new(), Vec::new()), Some(staff::Shifts::default())] {
        let member = member(shifts);
        assert!(!member.on_shift(at("2026-03-02T06:00:00Z")));
        assert_eq!(member.shifts.next(at("2026-03-02T06:00:00Z")), None);
    }
}

#[test]
fn who_has_left_is_not_on_shift() {
    let left = StaffMemberEvent {
        state: message::State::Left.into(),
        ..event(shifts(every_monday("09:00", "18:00"), Vec::new()))
    };
    assert!(!StaffMember::heard(5, left).unwrap().on_shift(at("2026-03-02T06:00:00Z")));
}

/// TK33
#[test]
fn a_language_is_spoken_by_who_names_it_more_or_less_generally_but_in_its_script() {
    let speaks = |spoken: &str, asked: &str| {
        let languages = vec![spoken.to_owned()];
        let member = StaffMember::heard(1, StaffMemberEvent { languages, ..event(None) }).unwrap();
        member.speaks(&Language::parse(asked).unwrap())
    };
    assert!(speaks("bn", "bn"));
    assert!(speaks("bn", "bn-BD"));
    assert!(speaks("bn-BD", "bn"));
    assert!(!speaks("bn-BD", "bn-IN"));
    assert!(!speaks("hi", "hi-Latn"));
    assert!(speaks("hi-Latn", "hi-Latn-IN"));
    assert!(!speaks("en", "bn"));
}

#[test]
fn a_member_is_what_the_event_says() {
    let message = event(None);
    let member = StaffMember::heard(4, message.clone()).unwrap();
    assert_eq!(format!("staffMembers/{}", member.id), message.staff_member);
    assert_eq!(member.department.map(|id| format!("departments/{id}")), Some(message.department.clone()));
    assert_eq!((member.sequence, member.capacity, member.open_weight), (4, 3, 0));
    assert_eq!((member.role, member.presence, member.state), (model::Role::Lead, Presence::Present, State::Active));
    assert!(member.handbook_current && member.skills.contains("delivery") && member.user == "user:asha");

    let nowhere = StaffMemberEvent { department: String::new(), ..message.clone() };
    assert_eq!(StaffMember::heard(4, nowhere).unwrap().department, None);
    for broken in [
        StaffMemberEvent { staff_member: "staffMembers/7".to_owned(), ..message.clone() },
        StaffMemberEvent { languages: vec!["?".to_owned()], ..message.clone() },
        StaffMemberEvent { shifts: shifts(every_monday("09:00", "25:00"), Vec::new()), ..message },
    ] {
        assert!(StaffMember::heard(4, broken).is_err());
    }
}

#[test]
fn a_department_is_what_the_event_says() {
    let calendar = CalendarMessage {
        zone: "Asia/Kolkata".to_owned(),
        intervals: every_monday("09:00", "18:00"),
        exceptions: vec![DatedException { date: "2026-03-02".to_owned(), hours: Vec::new() }],
    };
    let told = staff::Department {
        name: format!("departments/{}", new_id()),
        key: "shipping".to_owned(),
        calendar: Some(calendar),
        calendar_version: 2,
        ticket_kinds: vec!["delivery".to_owned()],
        ..staff::Department::default()
    };
    let heard = |department| Department::heard(9, DepartmentEvent { department, ..DepartmentEvent::default() });
    let department = heard(Some(told.clone())).unwrap();
    assert_eq!((department.sequence, department.calendar_version, department.key.as_str()), (9, 2, "shipping"));
    assert!(!department.calendar.is_open(at("2026-03-02T06:00:00Z")));
    assert!(department.calendar.is_open(at("2026-03-09T06:00:00Z")));
    for broken in [
        None,
        Some(staff::Department { calendar: None, ..told.clone() }),
        Some(staff::Department { calendar_version: 0, ..told.clone() }),
        Some(staff::Department { name: "departments/shipping".to_owned(), ..told }),
    ] {
        assert!(heard(broken).is_err());
    }
}
