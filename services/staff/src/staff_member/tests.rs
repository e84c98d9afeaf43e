//! Staff members by themselves: shifts, and what may still change.

use jiff::Timestamp;
use proptest::prelude::*;
use seva_proto::common::v1::ErrorReason;
use seva_values::{AvailabilityWindows, DatedException, DayInterval, Language, WeeklyInterval, Zone};
use uuid::Uuid;

use super::model::{Change, NewStaffMember, Presence, Role, Shifts, StaffMember, State};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn weekly(day: jiff::civil::Weekday, start: &str, end: &str) -> WeeklyInterval {
    WeeklyInterval::new(day, start.parse().unwrap(), end.parse().unwrap())
}

fn member(zone: &str, intervals: Vec<WeeklyInterval>, exceptions: Vec<DatedException>) -> StaffMember {
    let hours = AvailabilityWindows::new(Zone::parse(zone).unwrap(), intervals, exceptions).unwrap();
    let new = NewStaffMember {
        given_name: "Asha".to_owned(),
        family_name: "Menon".to_owned(),
        user: "asha".to_owned(),
        role: Role::Agent,
        department: Uuid::from_u128(1),
        languages: vec![Language::parse("hi").unwrap()],
        skills: vec!["delivery".to_owned()],
        shifts: Shifts::new(hours),
        presence: Presence::Present,
        capacity: 3,
        authority_limits: Vec::new(),
    };
    StaffMember::create(Uuid::from_u128(2), new, at("2026-03-02T00:00:00Z"))
}

#[test]
fn without_any_hours_nobody_works() {
    assert!(!member("Asia/Kolkata", Vec::new(), Vec::new()).on_shift(at("2026-03-02T09:00:00Z")));
}

#[test]
fn a_shift_is_of_the_wall_clock_of_its_zone() {
    use jiff::civil::Weekday::Monday;
    let member = member("Asia/Kolkata", vec![weekly(Monday, "09:00", "18:00")], Vec::new());
    // 09:00 in Kolkata is 03:30 in UTC.
    for (instant, expected) in [
        ("2026-03-02T03:29:59Z", false),
        ("2026-03-02T03:30:00Z", true),
        ("2026-03-02T12:29:59Z", true),
        ("2026-03-02T12:30:00Z", false),
        ("2026-03-03T03:30:00Z", false),
    ] {
        assert_eq!(member.on_shift(at(instant)), expected, "{instant}");
    }
}

#[test]
fn a_shift_over_midnight_belongs_to_the_day_on_which_it_starts() {
    use jiff::civil::Weekday::Sunday;
    let member = member("Europe/London", vec![weekly(Sunday, "22:00", "06:00")], Vec::new());
    assert!(member.on_shift(at("2026-03-01T23:00:00Z")));
    assert!(member.on_shift(at("2026-03-02T05:59:59Z")));
    assert!(!member.on_shift(at("2026-03-02T06:00:00Z")));
    assert!(!member.on_shift(at("2026-03-02T23:00:00Z")), "Monday has none");
}

#[test]
fn both_changes_of_the_clocks_are_lived_through() {
    use jiff::civil::Weekday::Sunday;
    let member = member("Europe/Berlin", vec![weekly(Sunday, "01:00", "04:00")], Vec::new());
    // In spring the shift has two hours: from 00:00 to 02:00 in UTC.
    for (instant, expected) in
        [("2026-03-29T00:00:00Z", true), ("2026-03-29T01:59:59Z", true), ("2026-03-29T02:00:00Z", false)]
    {
        assert_eq!(member.on_shift(at(instant)), expected, "{instant}");
    }
    // In autumn it has four: from 23:00 to 03:00 in UTC.
    for (instant, expected) in [
        ("2026-10-24T23:00:00Z", true),
        ("2026-10-25T01:30:00Z", true),
        ("2026-10-25T02:59:59Z", true),
        ("2026-10-25T03:00:00Z", false),
    ] {
        assert_eq!(member.on_shift(at(instant)), expected, "{instant}");
    }
}

#[test]
fn leave_and_other_hours_replace_those_of_the_day() {
    use jiff::civil::Weekday::Monday;
    let leave = DatedException { date: "2026-03-02".parse().unwrap(), intervals: Vec::new() };
    let late = DatedException {
        date: "2026-03-09".parse().unwrap(),
        intervals: vec![DayInterval::new("12:00".parse().unwrap(), "20:00".parse().unwrap())],
    };
    let member = member("Etc/UTC", vec![weekly(Monday, "09:00", "17:00")], vec![leave, late]);
    assert!(!member.on_shift(at("2026-03-02T10:00:00Z")), "on leave");
    assert!(!member.on_shift(at("2026-03-09T10:00:00Z")));
    assert!(member.on_shift(at("2026-03-09T19:00:00Z")));
    assert!(member.on_shift(at("2026-03-16T10:00:00Z")));
}

#[test]
fn whoever_has_left_works_no_more_and_changes_no_more() {
    use jiff::civil::Weekday::Monday;
    let now = at("2026-03-02T10:00:00Z");
    let member = member("Etc/UTC", vec![weekly(Monday, "09:00", "17:00")], Vec::new());
    assert!(member.on_shift(now));

    let gone = member.leave(now).unwrap();

    assert_eq!((gone.state, gone.presence, gone.on_shift(now)), (State::Left, Presence::Away, false), "ST4");
    let refusals = [
        gone.update(Change::default(), now).unwrap_err(),
        gone.set_presence(Presence::Present, now).unwrap_err(),
        gone.leave(now).unwrap_err(),
    ];
    assert!(refusals.iter().all(|refusal| refusal.reason() == ErrorReason::StateForbids));
}

#[test]
fn a_change_names_what_it_touched() {
    let member = member("Etc/UTC", Vec::new(), Vec::new());
    let change = Change { capacity: Some(5), given_name: Some("Asha".to_owned()), ..Change::default() };
    let (next, changed) = member.update(change, at("2026-03-03T00:00:00Z")).unwrap();
    assert_eq!((next.capacity, next.version, changed.as_slice()), (5, 2, ["capacity"].as_slice()));
}

#[derive(Debug, Clone)]
enum Act {
    Update(i32),
    Presence(bool),
    Leave,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![(0..20).prop_map(Act::Update), any::<bool>().prop_map(Act::Presence), Just(Act::Leave),];
    proptest::collection::vec(act, 0..30)
}

proptest! {
    #[test]
    fn whatever_is_done_in_whatever_order_versions_count_and_nobody_comes_back(acts in acts()) {
        let now = at("2026-03-02T10:00:00Z");
        let mut member = member("Etc/UTC", Vec::new(), Vec::new());
        for act in acts {
            let before = member.clone();
            let after = match act {
                Act::Update(capacity) => {
                    member.update(Change { capacity: Some(capacity), ..Change::default() }, now).map(|(next, _)| next)
                }
                Act::Presence(true) => member.set_presence(Presence::Present, now),
                Act::Presence(false) => member.set_presence(Presence::Away, now),
                Act::Leave => member.leave(now),
            };
            match after {
                Ok(next) => {
                    prop_assert_eq!(before.state, State::Active);
                    prop_assert_eq!(next.version, before.version + 1);
                    prop_assert!(next.state == State::Active || next.presence == Presence::Away);
                    member = next;
                }
                Err(_) => prop_assert_eq!(before.state, State::Left),
            }
        }
    }
}
