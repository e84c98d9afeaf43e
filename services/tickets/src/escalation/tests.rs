//! An escalation by itself: each row of its table, and what no order of steps can break.

mod plans;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use uuid::Uuid;

use super::model::{Act, Change, Escalation, NewEscalation, State};
use crate::{
    risk::Level,
    roster::{self, Presence, Shifts, StaffMember, model::Role},
    ticket,
};

const SUPPORT: Uuid = Uuid::from_u128(1);
const SALES: Uuid = Uuid::from_u128(2);
const LEAD: Uuid = Uuid::from_u128(11);

fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn member(id: u128, role: Role, department: Option<Uuid>) -> StaffMember {
    StaffMember {
        id: Uuid::from_u128(id),
        sequence: 1,
        user: "somebody".to_owned(),
        role,
        department,
        languages: Vec::new(),
        skills: std::collections::BTreeSet::new(),
        shifts: Shifts::never(),
        presence: Presence::Away,
        capacity: 0,
        state: roster::State::Active,
        handbook_current: true,
        authority_limits: Vec::new(),
        open_weight: 0,
        last_assignment: 0,
    }
}

fn lead() -> StaffMember {
    member(11, Role::Lead, Some(SUPPORT))
}

fn manager() -> StaffMember {
    member(12, Role::Manager, Some(SUPPORT))
}

fn of_sales() -> StaffMember {
    member(13, Role::Manager, Some(SALES))
}

fn agent() -> StaffMember {
    member(14, Role::Agent, Some(SUPPORT))
}

/// Due within the hour.
fn raised() -> Escalation {
    let new = NewEscalation {
        ticket: Uuid::from_u128(5),
        department: Some(SUPPORT),
        critical: false,
        raised_by: None,
        reason: None,
    };
    Escalation::raise(Uuid::from_u128(6), new, after(60), start()).escalation
}

fn acknowledged() -> Escalation {
    raised().acknowledge(Some(&lead()), after(1)).unwrap().escalation
}

fn acting() -> Escalation {
    acknowledged().start_acting(Some(&lead()), after(2)).unwrap().escalation
}

fn de_escalated() -> Escalation {
    acting().de_escalate(Some(&lead()), "I called.".to_owned(), after(3)).unwrap().escalation
}

fn crisis() -> Escalation {
    acting().declare_crisis(Some(&lead()), "It is in the news.".to_owned(), after(3)).unwrap().escalation
}

fn closed() -> Escalation {
    de_escalated().close(Some(&lead()), Level::Low, after(4)).unwrap().escalation
}

type Step<'a> = Box<dyn Fn(&Escalation) -> Result<Change, Error> + 'a>;

/// Each level has an hour, and every hour counts.
fn hourly(_: &Escalation, from: Timestamp) -> Timestamp {
    from + SignedDuration::from_hours(1)
}

fn is_refused(answer: Result<Change, Error>, invariant: &str) -> Error {
    let error = answer.expect_err("it is refused");
    assert!(error.is_refused_by(invariant), "{error:?}");
    error
}

#[test]
fn tk113_each_level_calls_others_and_whoever_acknowledges_it_owns_it() {
    let everywhere = member(15, Role::Manager, None);
    let called = |level, of: &StaffMember| Escalation { level, ..raised() }.calls(of);
    let expected = [
        (agent(), [false, false, false]),
        (lead(), [true, false, false]),
        (member(16, Role::Lead, Some(SALES)), [false, false, false]),
        (manager(), [true, true, true]),
        (of_sales(), [false, false, true]),
        (everywhere, [true, true, true]),
        (member(17, Role::Hr, Some(SUPPORT)), [false, false, false]),
        (StaffMember { state: roster::State::Left, ..manager() }, [false, false, false]),
    ];
    for (of, levels) in expected {
        assert_eq!([1, 2, 3].map(|level| called(level, &of)), levels, "{of:?}");
    }
    let error = is_refused(raised().acknowledge(Some(&agent()), after(1)), "TK113");
    assert_eq!(error.reason(), ErrorReason::LevelUnsuitable);
    is_refused(raised().acknowledge(None, after(1)), "TK113");
    let taken = acknowledged();
    assert_eq!((taken.state, taken.owner, taken.acknowledge_due_at), (State::Acknowledged, Some(LEAD), None));
    assert_eq!(taken.acknowledged_at, Some(after(1)));
}

#[test]
fn tk113_the_owner_goes_on_with_it_and_so_does_whoever_could_have_acknowledged_it() {
    is_refused(acknowledged().start_acting(Some(&agent()), after(2)), "TK113");
    assert_eq!(acting().owner, Some(LEAD));
    let taken_over = acknowledged().start_acting(Some(&manager()), after(2)).unwrap().escalation;
    assert_eq!(taken_over.owner, Some(manager().id));
    // A crisis is every manager's affair, and stays its owner's.
    let crisis = crisis();
    assert_eq!((crisis.level, crisis.critical, crisis.owner), (3, true, Some(LEAD)));
    crisis.de_escalate(Some(&lead()), "It is out of the news.".to_owned(), after(5)).unwrap();
    crisis.de_escalate(Some(&of_sales()), "It is out of the news.".to_owned(), after(5)).unwrap();
}

#[test]
fn tk114_what_nobody_acknowledges_goes_from_level_to_level_and_is_overdue_once() {
    assert_eq!(raised().pass_time(hourly, after(59)), None);
    let mut told = Vec::new();
    let mut escalation = raised();
    // However late.
    while let Some(change) = escalation.pass_time(hourly, after(600)) {
        escalation = change.escalation;
        told.push((change.act, escalation.level, escalation.acknowledge_due_at, escalation.overdue_at));
    }
    let expected = [
        (Act::LevelRaised, 2, Some(after(120)), None),
        (Act::LevelRaised, 3, Some(after(180)), None),
        (Act::Overdue, 3, Some(after(180)), Some(after(180))),
    ];
    assert_eq!(told, expected);
    escalation.acknowledge(Some(&of_sales()), after(700)).unwrap();
}

#[test]
fn tk112_it_is_closed_with_its_ticket() {
    use ticket::State as Ticket;
    let follow = |escalation: &Escalation, ticket| escalation.follow(ticket, Level::Low, after(10), after(9));
    for escalation in [raised(), acknowledged(), acting(), de_escalated(), crisis()] {
        assert_eq!(follow(&escalation, Ticket::Open), None);
        for over in [Ticket::Closed, Ticket::Canceled, Ticket::Merged] {
            let change = follow(&escalation, over).unwrap();
            assert_eq!((change.act, change.escalation.state), (Act::Closed, State::Closed));
        }
        // Whoever has taken it on ends it in their own words.
        assert_eq!(follow(&escalation, Ticket::Resolved).is_some(), escalation.state == State::Raised);
    }
}

#[test]
fn a_risk_that_becomes_critical_sharpens_it_once() {
    let follow =
        |escalation: &Escalation| escalation.follow(ticket::State::Open, Level::Critical, after(40), after(10));
    let sharpened = follow(&raised()).unwrap();
    assert_eq!((sharpened.act, sharpened.escalation.acknowledge_due_at), (Act::Sharpened, Some(after(40))));
    assert_eq!(follow(&sharpened.escalation), None);
    // Never later than it was.
    let soon = Escalation { acknowledge_due_at: Some(after(20)), ..raised() };
    assert_eq!(follow(&soon).unwrap().escalation.acknowledge_due_at, Some(after(20)));
    assert_eq!(follow(&acknowledged()).unwrap().escalation.acknowledge_due_at, None);
}

#[test]
fn tk116_it_is_not_closed_while_the_risk_is_high() {
    for escalation in [de_escalated(), crisis()] {
        for risk in [Level::High, Level::Critical] {
            is_refused(escalation.close(Some(&lead()), risk, after(5)), "TK116");
        }
        let closed = escalation.close(Some(&lead()), Level::Elevated, after(5)).unwrap().escalation;
        assert_eq!((closed.state, closed.closed_at), (State::Closed, Some(after(5))));
    }
}

#[test]
fn tk119_what_its_owner_leaves_behind_is_raised_again() {
    let lost = |escalation: Escalation| escalation.lose_owner(after(70), after(10));
    for escalation in [acknowledged(), acting()] {
        let Change { escalation: next, act } = lost(escalation).unwrap();
        assert_eq!((act, next.state, next.owner, next.acknowledged_at), (Act::Returned, State::Raised, None, None));
        assert_eq!(next.acknowledge_due_at, Some(after(70)));
        assert!(next.acknowledge(Some(&manager()), after(20)).is_ok());
    }
    for escalation in [raised(), de_escalated(), crisis(), closed()] {
        assert_eq!(lost(escalation), None);
    }
}

#[test]
fn tk115_every_other_step_is_refused() {
    let by = manager();
    let by = Some(&by);
    let words = || "So it is.".to_owned();
    let steps: [(&str, Step<'_>, &[State]); 5] = [
        ("acknowledge", Box::new(|of| of.acknowledge(by, after(9))), &[State::Raised]),
        ("act", Box::new(|of| of.start_acting(by, after(9))), &[State::Acknowledged]),
        ("de-escalate", Box::new(|of| of.de_escalate(by, words(), after(9))), &[State::Acting, State::Crisis]),
        (
            "declare",
            Box::new(|of| of.declare_crisis(by, words(), after(9))),
            &[State::Acknowledged, State::Acting, State::DeEscalated],
        ),
        ("close", Box::new(|of| of.close(by, Level::Low, after(9))), &[State::DeEscalated, State::Crisis]),
    ];
    for escalation in [raised(), acknowledged(), acting(), de_escalated(), crisis(), closed()] {
        for (name, step, allowed) in &steps {
            let answer = step(&escalation);
            if allowed.contains(&escalation.state) {
                let next = answer.unwrap().escalation;
                assert_eq!(next.version, escalation.version + 1, "{name} {escalation:?}");
            } else {
                is_refused(answer, "TK115");
            }
        }
    }
}

proptest! {
    /// TK110 to TK116, as far as one goes: whatever happens, it is closed only by a ticket that is at rest or a risk below high, and it waits for an
    /// acknowledgement exactly while nobody owns it.
    #[test]
    fn whatever_happens_it_goes_along_its_table(steps in prop::collection::vec((0_u8..8, 0_u8..4, 0_i64..90), 1..40)) {
        let mut escalation = raised();
        let mut minutes = 0;
        for (step, who, passes) in steps {
            minutes += passes;
            let now = after(minutes);
            let by = [lead(), manager(), of_sales(), agent()][usize::from(who)].clone();
            let by = Some(&by);
            let (risk, words) = ([Level::Low, Level::Elevated, Level::High, Level::Critical][usize::from(who)], String::new());
            let change = match step {
                0 => escalation.acknowledge(by, now).ok(),
                1 => escalation.start_acting(by, now).ok(),
                2 => escalation.de_escalate(by, words, now).ok(),
                3 => escalation.declare_crisis(by, words, now).ok(),
                4 => escalation.close(by, risk, now).ok(),
                5 => escalation.lose_owner(hourly(&escalation, now), now),
                6 => escalation.pass_time(hourly, now),
                _ if escalation.state != State::Closed => escalation.follow(ticket::State::Open, risk, now, now),
                _ => None,
            };
            let Some(Change { escalation: next, act }) = change else { continue };
            prop_assert_eq!(next.version, escalation.version + 1);
            prop_assert!(escalation.state != State::Closed, "closed is the end");
            prop_assert!(next.level >= escalation.level && next.level <= 3);
            prop_assert_eq!(next.state == State::Raised, next.owner.is_none());
            prop_assert_eq!(next.acknowledge_due_at.is_some(), next.owner.is_none());
            prop_assert_eq!(next.state == State::Closed, act == Act::Closed);
            if act == Act::Closed {
                prop_assert!(!risk.calls_for_help());
            }
            escalation = next;
        }
    }
}
