//! Hand-offs by themselves: a test for every row of their table, and what no order of commands can break.

mod plans;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seva_runtime::Error;
use uuid::Uuid;

use super::model::{Act, Asked, BOUNCES, Change, Handoff, NewHandoff, State};
use crate::{
    clock::{self, Calendar, Kind},
    message::Visibility,
    policy::Targets,
    roster::{self, Presence, Role, Shifts, StaffMember},
    ticket::{
        Change as TicketChange, State as TicketState, Ticket,
        tests::{every, opened, start, targets},
    },
};

/// The department of the tickets of `ticket::tests`, and others.
const SUPPORT: Uuid = Uuid::from_u128(9);
const SHIPPING: Uuid = Uuid::from_u128(21);
const QUALITY: Uuid = Uuid::from_u128(22);
const REPAIR: Uuid = Uuid::from_u128(23);

fn after(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn somebody(id: u128, department: Uuid, role: Role) -> StaffMember {
    StaffMember {
        id: Uuid::from_u128(id),
        sequence: 1,
        user: format!("user-{id}"),
        role,
        department: Some(department),
        languages: Vec::new(),
        skills: BTreeSet::new(),
        shifts: Shifts::never(),
        presence: Presence::Present,
        capacity: 1,
        state: roster::State::Active,
        handbook_current: true,
        authority_limits: Vec::new(),
        open_weight: 0,
        last_assignment: 0,
    }
}

/// Somebody of the department that asks, but not whoever has the ticket.
fn asks() -> StaffMember {
    somebody(31, SUPPORT, Role::Agent)
}

fn ships() -> StaffMember {
    somebody(32, SHIPPING, Role::Agent)
}

fn checks() -> StaffMember {
    somebody(33, QUALITY, Role::Agent)
}

/// A lead of a department that has nothing to do with it.
fn leads() -> StaffMember {
    somebody(34, REPAIR, Role::Lead)
}

fn asked(department: Uuid) -> Asked {
    let hours = SignedDuration::from_hours;
    let targets = Targets { handoff_ack: hours(1), handoff_done: hours(8), ..targets([4, 16, 48]) };
    Asked { department, calendar: Calendar::always(), targets, refused_before: false }
}

fn new() -> NewHandoff {
    NewHandoff { reason: "It is stuck.".to_owned(), wanted: "Find the parcel.".to_owned() }
}

type Both = (Ticket, Handoff);

fn both((of_ticket, change): (TicketChange, Change)) -> Both {
    (of_ticket.ticket.written(), change.handoff)
}

fn offered() -> Both {
    both(Handoff::offer(&opened(), new(), asked(SHIPPING), &asks(), start()).unwrap())
}

fn accepted() -> Both {
    let (ticket, handoff) = offered();
    both(handoff.accept(&ticket, &ships(), start()).unwrap())
}

fn done() -> Both {
    let (ticket, handoff) = accepted();
    both(handoff.complete(&ticket, "Found.".to_owned(), &ships(), after(1)).unwrap())
}

fn confirmed() -> Both {
    let (ticket, handoff) = done();
    let handoff = handoff.confirm(&ticket, &asks(), after(2)).unwrap().handoff;
    (ticket, handoff)
}

fn refused() -> Both {
    let (ticket, handoff) = offered();
    let (of_ticket, changes) = handoff.refuse(&ticket, "Not ours.".to_owned(), None, &ships(), start()).unwrap();
    (of_ticket.ticket.written(), changes[0].handoff.clone())
}

/// Passed on by shipping to quality: the turn of quality.
fn passed_on() -> Both {
    let (ticket, handoff) = offered();
    let on = Some(asked(QUALITY));
    let (of_ticket, changes) = handoff.refuse(&ticket, "Not ours.".to_owned(), on, &ships(), after(1)).unwrap();
    (of_ticket.ticket.written(), changes[1].handoff.clone())
}

fn withdrawn() -> Both {
    let (ticket, handoff) = offered();
    both(handoff.withdraw(&ticket, &asks(), start()).unwrap())
}

fn all() -> [Both; 6] {
    [offered(), accepted(), done(), confirmed(), refused(), withdrawn()]
}

fn invariant(refused: Error) -> String {
    let status = tonic::Status::from(refused);
    let details = tonic_types::StatusExt::get_error_details(&status);
    details.precondition_failure().unwrap().violations[0].r#type.clone()
}

/// A step in these states only; elsewhere it is refused (TK48).
fn only_in<T: std::fmt::Debug>(states: &[State], step: impl Fn(&Ticket, &Handoff) -> Result<T, Error>) {
    for (ticket, handoff) in all() {
        match step(&ticket, &handoff) {
            Ok(_) => assert!(states.contains(&handoff.state), "it should be refused in {:?}", handoff.state),
            Err(refusal) => {
                assert!(!states.contains(&handoff.state), "it should be possible in {:?}: {refusal}", handoff.state);
                assert_eq!(invariant(refusal), "TK48");
            }
        }
    }
}

/// A step of these members only; of others it is refused (TK46).
fn only_by<T: std::fmt::Debug>(may: &[StaffMember], step: impl Fn(&StaffMember) -> Result<T, Error>) {
    for by in
        [asks(), ships(), checks(), leads(), somebody(35, SUPPORT, Role::Manager), somebody(36, SHIPPING, Role::Hr)]
    {
        match step(&by) {
            Ok(_) => assert!(may.contains(&by) || by.role == Role::Manager, "{by:?}"),
            Err(refusal) => {
                assert!(!may.contains(&by), "{by:?}");
                assert_eq!(invariant(refusal), "TK46");
            }
        }
    }
}

fn clock(ticket: &Ticket, kind: Kind, round: i32) -> clock::State {
    ticket.clocks.round(kind, round).unwrap().state
}

/// TK48
#[test]
fn offering_makes_the_ticket_wait_and_two_clocks_run_on_the_departments_hours() {
    let (of_ticket, change) = Handoff::offer(&opened(), new(), asked(SHIPPING), &asks(), start()).unwrap();
    assert_eq!((change.act, change.handoff.state, change.handoff.from), (Act::Offered, State::Offered, Some(SUPPORT)));
    assert_eq!(of_ticket.ticket.state, TicketState::PendingDepartment);
    assert_eq!(of_ticket.message.unwrap().visibility, Visibility::Internal);
    let due = |kind| of_ticket.ticket.clocks.round(kind, 1).unwrap().due_at;
    assert_eq!((due(Kind::HandoffAck), due(Kind::HandoffDone)), (after(1), after(8)));
    assert_eq!((change.handoff.ack_due_at, change.handoff.done_due_at), (after(1), after(8)));

    for ticket in every() {
        let offered = Handoff::offer(&ticket, new(), asked(SHIPPING), &asks(), after(4));
        assert_eq!(offered.is_ok(), ticket.state == TicketState::Open, "{:?}", ticket.state);
    }
    let own = Handoff::offer(&opened(), new(), asked(SUPPORT), &asks(), start()).unwrap_err();
    assert_eq!(invariant(own), "TK48");
}

/// TK47
#[test]
fn tk47_a_department_that_has_refused_is_asked_again_by_a_lead_or_a_manager_only() {
    let again = || Asked { refused_before: true, ..asked(SHIPPING) };
    assert_eq!(invariant(Handoff::offer(&opened(), new(), again(), &asks(), start()).unwrap_err()), "TK47");
    assert!(Handoff::offer(&opened(), new(), again(), &leads(), start()).is_ok());
    let (ticket, handoff) = offered();
    let on = Some(Asked { refused_before: true, ..asked(QUALITY) });
    let passed = handoff.refuse(&ticket, "Not ours.".to_owned(), on, &ships(), start()).unwrap_err();
    assert_eq!(invariant(passed), "TK47");
}

#[test]
fn offered_becomes_accepted_by_the_department() {
    let (ticket, handoff) = offered();
    let (of_ticket, change) = handoff.accept(&ticket, &ships(), after(2)).unwrap();
    let Handoff { state, member, ack, ack_breached, .. } = change.handoff;
    assert_eq!((state, member), (State::Accepted, Some(ships().id)));
    assert_eq!((ack, ack_breached), (Some(SignedDuration::from_hours(2)), true), "an hour late, and that stays");
    assert_eq!(clock(&of_ticket.ticket, Kind::HandoffAck, 1), clock::State::Met);
    assert_eq!(clock(&of_ticket.ticket, Kind::HandoffDone, 1), clock::State::Running);
    assert_eq!(of_ticket.ticket.state, TicketState::PendingDepartment);
    only_in(&[State::Offered], |ticket, handoff| handoff.accept(ticket, &ships(), after(3)));
    only_by(&[ships(), leads(), somebody(36, SHIPPING, Role::Hr)], |by| handoff.accept(&ticket, by, after(3)));
}

#[test]
fn offered_becomes_refused_with_a_reason_and_the_ticket_goes_on() {
    let (ticket, handoff) = offered();
    let refuse = |by: &StaffMember| handoff.refuse(&ticket, "Not ours.".to_owned(), None, by, start());
    let (of_ticket, changes) = refuse(&ships()).unwrap();
    let Handoff { state, member, answer, ended_at, .. } = changes[0].handoff.clone();
    assert_eq!(
        (state, member, answer.as_str(), ended_at),
        (State::Refused, Some(ships().id), "Not ours.", Some(start()))
    );
    assert_eq!((changes.len(), of_ticket.ticket.state), (1, TicketState::Open));
    assert_eq!(clock(&of_ticket.ticket, Kind::HandoffAck, 1), clock::State::Met);
    assert_eq!(clock(&of_ticket.ticket, Kind::HandoffDone, 1), clock::State::Canceled);
    only_in(&[State::Offered], |ticket, handoff| handoff.refuse(ticket, "No.".to_owned(), None, &ships(), after(3)));
    only_by(&[ships(), leads(), somebody(36, SHIPPING, Role::Hr)], refuse);
}

/// TK47
#[test]
fn tk47_offered_is_passed_on_once_and_then_by_a_lead_only() {
    let (ticket, handoff) = passed_on();
    assert_eq!((handoff.department, handoff.state, handoff.bounces), (QUALITY, State::Offered, 1));
    assert_eq!((handoff.sender, handoff.from), (asks().id, Some(SUPPORT)), "who asks is the same");
    assert_eq!((handoff.ack_round, handoff.ack_due_at), (2, after(2)), "with clocks of its own");
    assert_eq!(ticket.state, TicketState::PendingDepartment, "it still waits");
    let again = |by: &StaffMember| handoff.refuse(&ticket, "Nor ours.".to_owned(), Some(asked(REPAIR)), by, after(2));
    let refusal = again(&checks()).unwrap_err();
    assert!(refusal.to_string().contains("a lead or a manager"), "{refusal}");
    assert_eq!(invariant(refusal), "TK47");
    assert_eq!(again(&leads()).unwrap().1[1].handoff.bounces, 2);
    assert!(
        handoff.refuse(&ticket, "Nor ours.".to_owned(), None, &checks(), after(2)).is_ok(),
        "back it may always go"
    );
    for department in [SUPPORT, QUALITY] {
        let on = Some(asked(department));
        assert_eq!(invariant(handoff.refuse(&ticket, "No.".to_owned(), on, &leads(), after(2)).unwrap_err()), "TK48");
    }
}

#[test]
fn accepted_becomes_done_with_a_result_and_the_ticket_goes_on() {
    let (ticket, handoff) = accepted();
    let complete = |by: &StaffMember| handoff.complete(&ticket, "Found.".to_owned(), by, after(3));
    let (of_ticket, change) = complete(&ships()).unwrap();
    let Handoff { state, done, done_breached, answer, .. } = change.handoff;
    assert_eq!((state, done, done_breached), (State::Done, Some(SignedDuration::from_hours(3)), false));
    assert_eq!((answer.as_str(), of_ticket.ticket.state), ("Found.", TicketState::Open));
    assert_eq!(clock(&of_ticket.ticket, Kind::HandoffDone, 1), clock::State::Met);
    only_in(&[State::Accepted], |ticket, handoff| handoff.complete(ticket, "Found.".to_owned(), &ships(), after(3)));
    only_by(&[ships(), leads(), somebody(36, SHIPPING, Role::Hr)], complete);
}

#[test]
fn done_becomes_confirmed_by_the_senders_side() {
    let (ticket, handoff) = done();
    let change = handoff.confirm(&ticket, &asks(), after(2)).unwrap();
    assert_eq!((change.handoff.state, change.handoff.ended_at), (State::Confirmed, Some(after(2))));
    let has_the_ticket = StaffMember { id: ticket.assignee.unwrap(), ..somebody(40, QUALITY, Role::Agent) };
    assert!(handoff.confirm(&ticket, &has_the_ticket, after(2)).is_ok());
    only_in(&[State::Done], |ticket, handoff| handoff.confirm(ticket, &asks(), after(3)));
    only_by(&[asks(), leads()], |by| handoff.confirm(&ticket, by, after(3)));
}

/// TK47
#[test]
fn tk47_done_is_returned_once_and_then_by_a_lead_only() {
    let (ticket, handoff) = done();
    let give_back = |both: &Both, by: &StaffMember, hours| {
        both.1.give_back(&both.0, "It is another one.".to_owned(), &asked(SHIPPING), by, after(hours))
    };
    let (of_ticket, change) = give_back(&(ticket.clone(), handoff.clone()), &asks(), 2).unwrap();
    assert_eq!((change.act, change.handoff.state, change.handoff.bounces), (Act::Returned, State::Accepted, 1));
    assert_eq!(of_ticket.ticket.state, TicketState::PendingDepartment);
    assert_eq!((change.handoff.done_round, change.handoff.done_due_at), (2, after(10)));
    only_in(&[State::Done], |ticket, handoff| give_back(&(ticket.clone(), handoff.clone()), &asks(), 3));
    only_by(&[asks(), leads()], |by| give_back(&(ticket.clone(), handoff.clone()), by, 3));

    let (ticket, handoff) = both((of_ticket, change));
    let (of_ticket, change) = handoff.complete(&ticket, "Found.".to_owned(), &ships(), after(12)).unwrap();
    assert!(change.handoff.done_breached, "two hours late");
    assert_eq!(change.handoff.done, Some(SignedDuration::from_hours(12)), "from the offer on");
    let twice = both((of_ticket, change));
    assert_eq!(invariant(give_back(&twice, &asks(), 13).unwrap_err()), "TK47");
    let (_, change) = give_back(&twice, &leads(), 13).unwrap();
    assert_eq!(change.handoff.bounces, 2);
    assert!(change.handoff.done_breached, "what was late stays so (TK23)");
}

#[test]
fn offered_and_accepted_become_withdrawn_by_the_senders_side_and_the_ticket_goes_on() {
    for (ticket, handoff) in [offered(), accepted()] {
        let (of_ticket, change) = handoff.withdraw(&ticket, &asks(), after(2)).unwrap();
        assert_eq!((change.handoff.state, of_ticket.ticket.state), (State::Withdrawn, TicketState::Open));
        assert_eq!(clock(&of_ticket.ticket, Kind::HandoffDone, 1), clock::State::Canceled);
        only_by(&[asks(), leads()], |by| handoff.withdraw(&ticket, by, after(3)));
    }
    only_in(&[State::Offered, State::Accepted], |ticket, handoff| handoff.withdraw(ticket, &asks(), after(3)));
}

/// TK48
#[test]
fn a_ticket_that_has_gone_on_already_is_left_as_it_is() {
    let (ticket, handoff) = accepted();
    let ticket = ticket.go_on(after(1)).unwrap().ticket.written();
    let (of_ticket, _) = handoff.complete(&ticket, "Found.".to_owned(), &ships(), after(2)).unwrap();
    assert_eq!(of_ticket.ticket.state, TicketState::Open);
}

proptest! {
    /// TK47, TK48: whatever is tried in whatever order and by whom, a hand-off is never lost, and bounces once at most without a lead.
    #[test]
    fn no_order_of_commands_loses_a_handoff(commands in prop::collection::vec((0..7_u8, 0..4_u8, 0..6_i64), 1..40)) {
        let (mut ticket, mut handoff) = offered();
        let mut now = start();
        let (mut led, mut ended) = (0, Vec::new());
        for (command, who, hours) in commands {
            now += SignedDuration::from_hours(hours);
            let by = [asks(), ships(), checks(), leads()][usize::from(who)].clone();
            let words = "words".to_owned();
            let on = |department| Some(asked(if department == SHIPPING { QUALITY } else { SHIPPING }));
            let tried = match command {
                0 => handoff.accept(&ticket, &by, now).map(|(ticket, change)| (Some(ticket), vec![change])),
                1 => handoff.refuse(&ticket, words, None, &by, now).map(|(ticket, changes)| (Some(ticket), changes)),
                2 => handoff.refuse(&ticket, words, on(handoff.department), &by, now)
                    .map(|(ticket, changes)| (Some(ticket), changes)),
                3 => handoff.complete(&ticket, words, &by, now).map(|(ticket, change)| (Some(ticket), vec![change])),
                4 => handoff.confirm(&ticket, &by, now).map(|change| (None, vec![change])),
                5 => handoff.give_back(&ticket, words, &asked(handoff.department), &by, now)
                    .map(|(ticket, change)| (Some(ticket), vec![change])),
                _ => handoff.withdraw(&ticket, &by, now).map(|(ticket, change)| (Some(ticket), vec![change])),
            };
            let Ok((of_ticket, changes)) = tried else { continue };
            if let Some(of_ticket) = of_ticket {
                ticket = of_ticket.ticket.written();
            }
            let last = changes.last().unwrap().handoff.clone();
            if last.bounces > handoff.bounces {
                prop_assert_eq!(last.bounces, handoff.bounces + 1);
                led += i32::from(by == leads());
            }
            // What has ended stays so, and of a chain one turn is under way at a time.
            ended.extend(changes.iter().filter(|change| change.handoff.ended_at.is_some()).map(|change| change.handoff.id));
            prop_assert!(!ended.contains(&last.id) || last.ended_at.is_some());
            prop_assert!(last.bounces - led <= BOUNCES, "once without a lead");
            prop_assert_eq!(last.is_under_way(), ticket.state == TicketState::PendingDepartment);
            prop_assert_eq!(last.answered_at.is_some(), last.ack.is_some());
            let counts = |kind, round| ticket.clocks.round(kind, round).is_some_and(clock::Clock::is_open);
            prop_assert_eq!(counts(Kind::HandoffAck, last.ack_round), last.state == State::Offered);
            prop_assert_eq!(counts(Kind::HandoffDone, last.done_round), last.is_under_way());
            prop_assert!(ticket.can_owe());
            handoff = last;
        }
    }
}
