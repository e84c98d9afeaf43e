//! Who takes what.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};
use seva_values::{AvailabilityWindows, DayInterval, Language, WeeklyInterval, Zone, new_id};
use uuid::Uuid;

use super::{check::check, *};
use crate::{
    roster::{Presence, Shifts, StaffMember, State, model::Role},
    ticket::Kind,
};

/// A Monday, noon in Kolkata.
const NOON: &str = "2026-03-02T06:30:00Z";
/// The office opens at nine.
const TOMORROW: &str = "2026-03-03T03:30:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

const DEPARTMENT: Uuid = Uuid::from_u128(1_000);

/// Every day within these whole hours.
fn daily(start: i8, end: i8) -> Shifts {
    let time = |hour: i8| jiff::civil::Time::constant(hour % 24, 0, 0, 0);
    let DayInterval { start, end } = DayInterval::new(time(start), time(end));
    let week = jiff::civil::Weekday::Monday.cycle_forward().take(7).map(|day| WeeklyInterval::new(day, start, end));
    Shifts::within(AvailabilityWindows::new(Zone::parse("Asia/Kolkata").unwrap(), week.collect(), Vec::new()).unwrap())
}

/// Somebody who can take a delivery in English at noon.
fn somebody(number: u128) -> StaffMember {
    StaffMember {
        id: id(number),
        sequence: 1,
        user: format!("user:{number}"),
        role: Role::Agent,
        department: Some(DEPARTMENT),
        languages: vec![language("en")],
        skills: BTreeSet::from(["delivery".to_owned()]),
        shifts: daily(9, 18),
        presence: Presence::Present,
        capacity: 2,
        state: State::Active,
        handbook_current: true,
        authority_limits: Vec::new(),
        open_weight: 0,
        last_assignment: 0,
    }
}

fn decide(members: &[StaffMember], tag: &str) -> Decision {
    decide_for(members, tag, None)
}

fn decide_for(members: &[StaffMember], tag: &str, preferred: Option<Uuid>) -> Decision {
    let question =
        Question { kind: Kind::Delivery, language: &language(tag), preferred, senior: false, avoided: None, weight: 1 };
    Board::new(members.to_vec(), at(NOON)).decide(DEPARTMENT, &question)
}

#[test]
fn what_was_opened_again_twice_goes_to_whoever_leads_if_they_can_take_it() {
    let english = language("en");
    let question = |senior| Question {
        kind: Kind::Delivery,
        language: &english,
        preferred: Some(id(1)),
        senior,
        avoided: None,
        weight: 1,
    };
    let lead = StaffMember { role: Role::Lead, open_weight: 1, ..somebody(2) };
    let decide = |lead: &StaffMember, senior| {
        Board::new(vec![somebody(1), lead.clone(), somebody(3)], at(NOON)).decide(DEPARTMENT, &question(senior))
    };
    assert_eq!(decide(&lead, false), assigned(1), "who resolved it");
    assert_eq!(decide(&lead, true), assigned(2), "whoever leads, however much they have to do");
    let full = StaffMember { open_weight: 2, ..lead };
    assert_eq!(decide(&full, true), assigned(1), "nobody waits for it");
}

fn assigned(number: u128) -> Decision {
    Decision::Assign { member: id(number), language_fell_back: false }
}

fn waits(reason: WaitReason, until: Option<&str>) -> Decision {
    Decision::Wait { reason, look_again_at: until.map(at) }
}

/// TK2
#[test]
fn somebody_who_can_takes_it() {
    assert_eq!(decide(&[somebody(1)], "en"), assigned(1));
    assert_eq!(decide(&[somebody(1)], "en-IN"), assigned(1));
}

/// TK2: each demand by itself.
#[test]
fn nobody_takes_what_they_cannot() {
    let one = somebody(1);
    let away = StaffMember { presence: Presence::Away, ..one.clone() };
    let at_night = StaffMember { shifts: daily(22, 6), ..one.clone() };
    let full = StaffMember { open_weight: 2, ..one.clone() };
    for (member, expected) in [
        (StaffMember { state: State::Left, ..one.clone() }, waits(WaitReason::NoSkill, None)),
        (StaffMember { department: None, ..one.clone() }, waits(WaitReason::NoSkill, None)),
        (StaffMember { handbook_current: false, ..one.clone() }, waits(WaitReason::NoSkill, None)),
        (StaffMember { skills: BTreeSet::new(), ..one.clone() }, waits(WaitReason::NoSkill, None)),
        (StaffMember { languages: vec![language("hi")], ..one.clone() }, waits(WaitReason::NoLanguage, None)),
        (away, waits(WaitReason::NobodyOnShift, None)),
        (StaffMember { shifts: Shifts::never(), ..one.clone() }, waits(WaitReason::NobodyOnShift, None)),
        (at_night.clone(), waits(WaitReason::NobodyOnShift, Some("2026-03-02T16:30:00Z"))),
        (StaffMember { capacity: 0, ..one }, waits(WaitReason::NoFreePlace, None)),
        (full.clone(), waits(WaitReason::NoFreePlace, None)),
    ] {
        assert_eq!(decide(std::slice::from_ref(&member), "en"), expected, "{member:?}");
    }
    // Somebody is full, and who comes tonight may not be.
    assert_eq!(decide(&[full, at_night], "en"), waits(WaitReason::NoFreePlace, Some("2026-03-02T16:30:00Z")));
    assert_eq!(decide(&[], "en"), waits(WaitReason::NoSkill, None));
}

#[test]
fn it_waits_for_the_next_shift_of_those_who_fit_only() {
    let gone_home = StaffMember { shifts: daily(9, 12), ..somebody(1) };
    let soon_without_skill = StaffMember { shifts: daily(13, 18), skills: BTreeSet::new(), ..somebody(2) };
    let soon_without_language = StaffMember { shifts: daily(13, 18), languages: vec![language("hi")], ..somebody(3) };
    let members = [gone_home, soon_without_skill, soon_without_language];
    assert_eq!(decide(&members, "en"), waits(WaitReason::NobodyOnShift, Some(TOMORROW)));
}

/// TK33
#[test]
fn a_language_that_nobody_of_the_department_speaks_is_served_in_english() {
    assert_eq!(decide(&[somebody(1)], "bn"), Decision::Assign { member: id(1), language_fell_back: true });
}

/// TK33: also when they cannot take it.
#[test]
fn a_language_that_somebody_of_the_department_speaks_waits_for_them() {
    let bengali = StaffMember { languages: vec![language("bn")], open_weight: 2, ..somebody(2) };
    assert_eq!(decide(&[somebody(1), bengali.clone()], "bn-BD"), waits(WaitReason::NoFreePlace, None));
    let unskilled = StaffMember { skills: BTreeSet::new(), ..bengali };
    assert_eq!(decide(&[somebody(1), unskilled.clone()], "bn-BD"), waits(WaitReason::NoLanguage, None));
    let left = StaffMember { state: State::Left, ..unskilled };
    assert_eq!(decide(&[somebody(1), left], "bn-BD"), Decision::Assign { member: id(1), language_fell_back: true });
}

#[test]
fn who_has_the_least_to_do_for_their_capacity_goes_first() {
    let of = |number, open_weight, capacity| StaffMember { open_weight, capacity, ..somebody(number) };
    assert_eq!(decide(&[of(1, 1, 2), of(2, 2, 5), of(3, 3, 6)], "en"), assigned(2));
    assert_eq!(decide(&[of(1, 1, 2), of(2, 9, 10)], "en"), assigned(1));
}

#[test]
fn of_equally_loaded_ones_who_has_waited_longest_goes_first_and_then_the_lower_id() {
    let of = |number, open_weight, last_assignment| StaffMember {
        open_weight,
        last_assignment,
        capacity: 4,
        ..somebody(number)
    };
    assert_eq!(decide(&[of(1, 1, 8), of(2, 1, 7), of(3, 1, 9)], "en"), assigned(2));
    assert_eq!(decide(&[of(1, 0, 8), of(2, 0, 0)], "en"), assigned(2));
    assert_eq!(decide(&[of(3, 0, 0), of(2, 0, 0)], "en"), assigned(2));
}

#[test]
fn who_resolved_it_before_goes_before_others_when_they_can_take_it() {
    let busier = StaffMember { open_weight: 1, ..somebody(2) };
    assert_eq!(decide_for(&[somebody(1), busier.clone()], "en", Some(id(2))), assigned(2));
    let full = StaffMember { open_weight: 2, ..busier };
    assert_eq!(decide_for(&[somebody(1), full], "en", Some(id(2))), assigned(1));
}

#[test]
fn what_was_given_counts_for_the_next() {
    let mut board = Board::new(vec![somebody(1), somebody(2)], at(NOON));
    let (english, kind) = (language("en"), Kind::Delivery);
    let mut given = Vec::new();
    loop {
        let question = Question { kind, language: &english, preferred: None, senior: false, avoided: None, weight: 1 };
        let Decision::Assign { member, .. } = board.decide(DEPARTMENT, &question) else { break };
        assert_eq!(board.free_places(DEPARTMENT, kind, &english, 1), 4 - i64::try_from(given.len()).unwrap());
        board.give(DEPARTMENT, member, 1);
        given.push(member);
    }
    assert_eq!(given, [id(1), id(2), id(1), id(2)]);
}

#[test]
fn who_is_not_on_shift_is_offered_the_queue_when_they_are() {
    let off = StaffMember { shifts: daily(9, 12), ..somebody(1) };
    let away = StaffMember { presence: Presence::Away, ..somebody(2) };
    let never = StaffMember { shifts: Shifts::never(), ..somebody(3) };
    let board = Board::new(vec![off, away, never], at(NOON));
    let offers: Vec<_> = board.next_offers(DEPARTMENT).collect();
    assert_eq!(offers, [(id(1), Some(at(TOMORROW))), (id(2), None), (id(3), None)]);
}

/// TK2
#[test]
fn a_person_is_told_what_the_assignee_lacks() {
    let (english, one) = (language("en"), somebody(1));
    let question =
        Question { kind: Kind::Delivery, language: &english, preferred: None, senior: false, avoided: None, weight: 1 };
    let lacks = |member: &StaffMember| check(member, &question, &english, at(NOON)).err();
    assert_eq!(lacks(&one), None);
    for (member, expected) in [
        (StaffMember { state: State::Left, ..one.clone() }, Unavailable::DoesNotServe),
        (StaffMember { state: State::OnLeave, ..one.clone() }, Unavailable::DoesNotServe),
        (StaffMember { state: State::Suspended, ..one.clone() }, Unavailable::DoesNotServe),
        (StaffMember { handbook_current: false, ..one.clone() }, Unavailable::HandbookNotSigned),
        (StaffMember { skills: BTreeSet::new(), ..one.clone() }, Unavailable::NoSkill),
        (StaffMember { languages: Vec::new(), ..one.clone() }, Unavailable::NoLanguage),
        (StaffMember { shifts: Shifts::never(), ..one.clone() }, Unavailable::NotOnShift),
        (StaffMember { presence: Presence::Away, ..one.clone() }, Unavailable::Away),
        (StaffMember { open_weight: 2, ..one }, Unavailable::NoFreePlace),
    ] {
        assert_eq!(lacks(&member), Some(expected), "{}", expected.description());
    }
}

fn a_member() -> impl Strategy<Value = StaffMember> {
    let tags = vec(select(vec!["en", "bn", "bn-BD", "hi", "hi-Latn"]), 0..3);
    let who = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), select(vec![(9, 18), (22, 6), (9, 12)]));
    (tags, who, 0..4_i32, 0..5_i32, 0..5_i64).prop_map(
        |(tags, (present, signed, skilled, active, (start, end)), capacity, open_weight, last_assignment)| {
            StaffMember {
                id: new_id(),
                languages: tags.into_iter().map(language).collect(),
                presence: if present { Presence::Present } else { Presence::Away },
                handbook_current: signed,
                skills: if skilled { BTreeSet::from(["delivery".to_owned()]) } else { BTreeSet::new() },
                state: if active { State::Active } else { State::Left },
                shifts: daily(start, end),
                capacity,
                open_weight,
                last_assignment,
                ..somebody(0)
            }
        },
    )
}

proptest! {
    /// TK2, TK33: whoever is chosen passes the check that people are held to, and when nobody is, nobody passes it.
    #[test]
    fn who_is_chosen_can_take_it_and_it_waits_only_when_nobody_can(members in vec(a_member(), 0..8), tag in select(vec!["en", "bn", "bn-IN", "hi-Latn", "ur"])) {
        let customers = language(tag);
        let question = Question { kind: Kind::Delivery, language: &customers, preferred: None, senior: false, avoided: None, weight: 1 };
        let spoken_by_somebody = members.iter().any(|member| member.state == State::Active && member.speaks(&customers));
        let spoken = if spoken_by_somebody { customers.clone() } else { language("en") };
        let can = |member: &StaffMember| check(member, &question, &spoken, at(NOON)).is_ok();
        match Board::new(members.clone(), at(NOON)).decide(DEPARTMENT, &question) {
            Decision::Assign { member, language_fell_back } => {
                let chosen = members.iter().find(|one| one.id == member).unwrap();
                prop_assert!(can(chosen));
                prop_assert_eq!(language_fell_back, !spoken_by_somebody);
                for other in members.iter().filter(|one| can(one)) {
                    prop_assert!(chosen.open_weight * other.capacity <= other.open_weight * chosen.capacity);
                }
            }
            Decision::Wait { look_again_at, .. } => {
                prop_assert!(!members.iter().any(can));
                prop_assert!(look_again_at.is_none_or(|at_| at_ > at(NOON)));
            }
        }
    }

    /// TK30: however many there are, nobody is given more than they have places, and no place that fits stays free.
    #[test]
    fn nobody_is_given_more_than_their_capacity(members in vec(a_member(), 0..8), tickets in 0..40_usize) {
        let english = language("en");
        let question = Question { kind: Kind::Delivery, language: &english, preferred: None, senior: false, avoided: None, weight: 1 };
        let mut board = Board::new(members.clone(), at(NOON));
        let places = board.free_places(DEPARTMENT, Kind::Delivery, &english, 1);
        let mut given = std::collections::BTreeMap::<Uuid, i32>::new();
        for _ in 0..tickets {
            if let Decision::Assign { member, .. } = board.decide(DEPARTMENT, &question) {
                board.give(DEPARTMENT, member, 1);
                *given.entry(member).or_default() += 1;
            }
        }
        for member in &members {
            let count = given.get(&member.id).copied().unwrap_or(0);
            prop_assert!(count == 0 || member.open_weight + count <= member.capacity);
        }
        prop_assert_eq!(given.values().sum::<i32>(), i32::try_from(places.min(i64::try_from(tickets).unwrap())).unwrap());
    }
}

/// TK36
#[test]
fn who_had_it_and_said_nothing_takes_it_when_nobody_else_can() {
    let english = language("en");
    let (silent, busy) = (somebody(1), StaffMember { open_weight: 1, ..somebody(2) });
    let question = Question {
        kind: Kind::Delivery,
        language: &english,
        preferred: None,
        senior: false,
        avoided: Some(id(1)),
        weight: 1,
    };
    let decide = |members: &[StaffMember]| Board::new(members.to_vec(), at(NOON)).decide(DEPARTMENT, &question);
    let to = |number| Decision::Assign { member: id(number), language_fell_back: false };
    assert_eq!(decide(&[silent.clone(), busy]), to(2));
    assert_eq!(decide(&[silent]), to(1));
}

/// TK35
#[test]
fn a_heavy_ticket_goes_to_who_has_room_for_it() {
    let english = language("en");
    let (one, other) =
        (StaffMember { open_weight: 1, ..somebody(1) }, StaffMember { capacity: 9, open_weight: 6, ..somebody(2) });
    let question = |weight| Question {
        kind: Kind::Delivery,
        language: &english,
        preferred: None,
        senior: false,
        avoided: None,
        weight,
    };
    let board = Board::new(vec![one, other], at(NOON));
    let to = |number| Decision::Assign { member: id(number), language_fell_back: false };
    assert_eq!(board.decide(DEPARTMENT, &question(1)), to(1));
    assert_eq!(board.decide(DEPARTMENT, &question(3)), to(2));
    let full = Decision::Wait { reason: WaitReason::NoFreePlace, look_again_at: None };
    assert_eq!(board.decide(DEPARTMENT, &question(4)), full);
    let places = [1, 2, 3, 4].map(|weight| board.free_places(DEPARTMENT, Kind::Delivery, &english, weight));
    assert_eq!(places, [4, 1, 1, 0]);
}
