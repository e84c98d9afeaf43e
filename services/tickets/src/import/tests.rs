//! Histories by themselves: the steps of a person's call, at their times.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seva_runtime::call::Story;
use seva_values::Language;
use uuid::Uuid;

use super::model::{Imported, ImportedTicket, Step, replay};
use crate::{
    clock::{Calendar, Clock, ClockEvent, Kind as ClockKind, State as ClockState},
    custom_field::{Schema, Values},
    message::{Author, Medium, Visibility},
    policy::{Policy, Row, Targets},
    recipient::Tier,
    ticket::{
        CancelReason, Cause, Change, Closure, Kind, Priority, State,
        model::{NewTicket, Reply, RootProblem, Surroundings},
        state::Act,
    },
};

const MEMBER: Uuid = Uuid::from_u128(7);

fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn after(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn now() -> Timestamp {
    after(24 * 60)
}

fn targets() -> Targets {
    let hours = SignedDuration::from_hours;
    Targets {
        first_response: hours(4),
        next_response: hours(5),
        update_cadence: hours(24),
        resolution_first: hours(16),
        resolution_total: hours(48),
        reopen_days: 30,
        ..Targets::default()
    }
}

fn imported(history: Vec<(Timestamp, Step)>, end: (State, Option<Closure>)) -> Result<Imported, seva_runtime::Error> {
    let new = NewTicket {
        customer: Uuid::from_u128(1),
        kind: Kind::Delivery,
        priority: Priority::Normal,
        title: "It has not come".to_owned(),
        stated_problem: "Where is it?".to_owned(),
        tags: Vec::new(),
        fields: Values::default(),
        matter: None,
        follow_up_of: None,
    };
    let ticket = ImportedTicket {
        source: "old_desk".to_owned(),
        external_id: "17".to_owned(),
        new,
        created_at: start(),
        history,
        end,
        hash: [0; 32],
    };
    let around = Surroundings {
        number: 1001,
        language: Language::parse("hi").unwrap(),
        tier: Tier::Standard,
        department: None,
        calendar: Calendar::always(),
        targets: targets(),
        policy_version: 1,
    };
    let row = Row { kind: None, department: None, tier: None, priority: None, targets: targets() };
    let policy = Policy::new(1, vec![row]).unwrap();
    replay(Uuid::from_u128(2), &ticket, around, (&policy, &Schema::default()), Story::begun_by("test").into(), now())
}

fn says(author: Author, awaits_customer: bool) -> Step {
    Step::Said(Reply {
        visibility: Visibility::Public,
        author,
        author_id: None,
        medium: Medium::Text,
        text: "Hello".to_owned(),
        attachments: Vec::new(),
        awaits_customer,
    })
}

fn resolved() -> Step {
    let root_problem = RootProblem { cause: Cause::Other, description: "Nobody knows.".to_owned(), rule: None };
    Step::Resolved { root_problem, note: "It came.".to_owned() }
}

fn clock(change: &Change, kind: ClockKind) -> &Clock {
    change.ticket.clocks.get(kind).unwrap()
}

#[test]
fn tk128_what_was_late_then_is_breached_at_its_time_and_what_was_not_is_met() {
    let history = vec![
        (after(1), Step::Assigned(Some(MEMBER))),
        (after(3), says(Author::Staff, false)),
        (after(20), resolved()),
        (after(30), Step::Confirmed),
    ];
    let done = imported(history, (State::Closed, Some(Closure::Verified))).unwrap();
    let last = done.last();
    let first = clock(last, ClockKind::FirstResponse);
    assert_eq!((first.met_at, first.breached_at), (Some(after(3)), None));
    let resolution = clock(last, ClockKind::ResolutionFirst);
    assert_eq!((resolution.met_at, resolution.breached_at), (Some(after(20)), Some(after(16))));
    let ticket = &last.ticket;
    assert_eq!((ticket.created_at, ticket.resolved_at, ticket.closed_at), (start(), Some(after(20)), Some(after(30))));
    assert_eq!((ticket.version, ticket.updated_at, ticket.resolver), (1, after(30), Some(MEMBER)));
    assert_eq!(done.told().act, Act::Imported);
}

#[test]
fn what_is_resolved_and_not_answered_about_is_closed_unverified_and_nothing_is_left_to_be_done() {
    let history = || vec![(after(1), Step::Assigned(Some(MEMBER))), (after(2), resolved())];
    let done = imported(history(), (State::Closed, Some(Closure::Unverified))).unwrap();
    let ticket = &done.last().ticket;
    assert_eq!((ticket.closed_at, ticket.verification_due_at), (Some(after(2 + 3 * 48)), None));
    let kept = (ticket.verification.len(), ticket.verification_attempts, ticket.unverified);
    assert_eq!(kept, (0, 0, None), "nothing is made up");
    let refused = imported(history(), (State::Closed, Some(Closure::Verified))).unwrap_err();
    assert!(refused.is_refused_by("TK128"), "{refused}");
}

#[test]
fn what_the_customer_has_not_answered_about_in_the_end_is_asked_about_from_now_on() {
    let hours = 24 * 60 - 72;
    let history = |end: Option<Step>| {
        let steps = vec![(after(1), Step::Assigned(Some(MEMBER))), (after(hours), resolved())];
        steps.into_iter().chain(end.map(|step| (after(hours + 1), step))).collect::<Vec<_>>()
    };
    let waits = imported(history(None), (State::Resolved, None)).unwrap();
    let ticket = &waits.last().ticket;
    assert_eq!((ticket.verification_due_at, ticket.call_from), (Some(now()), None));
    assert_eq!((ticket.resolved_at, ticket.updated_at), (Some(after(hours)), after(hours)));
    assert_eq!((ticket.verification.len(), ticket.verification_attempts), (0, 0), "nothing is made up");
    let confirmed = imported(history(Some(Step::Confirmed)), (State::Closed, Some(Closure::Verified))).unwrap();
    let ticket = &confirmed.last().ticket;
    assert_eq!((ticket.verification_due_at, ticket.verification.len()), (None, 0));
}

#[test]
fn what_is_still_open_is_late_by_now() {
    let done = imported(vec![(after(1), Step::Assigned(Some(MEMBER)))], (State::Open, None)).unwrap();
    let total = clock(done.last(), ClockKind::ResolutionTotal);
    assert_eq!((total.state, total.breached_at), (ClockState::Running, Some(after(48))));
    assert_eq!(done.last().ticket.updated_at, after(1));
}

#[test]
fn tk120_a_step_that_a_ticket_forbids_is_refused_with_its_place() {
    let unassigned = imported(vec![(after(1), resolved())], (State::Resolved, None)).unwrap_err();
    assert!(unassigned.is_refused_by("TK3"), "{unassigned}");
    let too_late = vec![
        (after(1), Step::Assigned(Some(MEMBER))),
        (after(2), resolved()),
        (after(3), Step::Confirmed),
        (after(3 + 31 * 24), Step::Reopened("Again".to_owned())),
    ];
    let too_late = imported(too_late, (State::New, None)).unwrap_err();
    assert!(too_late.is_refused_by("TK8"), "{too_late}");
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Assigned(Some(MEMBER))),
        1 => Just(Step::Assigned(None)),
        2 => Just(says(Author::Staff, false)),
        2 => Just(says(Author::Staff, true)),
        2 => Just(says(Author::Customer, false)),
        1 => Just(Step::Prioritized(Priority::High)),
        2 => Just(resolved()),
        2 => Just(Step::Confirmed),
        1 => Just(Step::Rejected("No".to_owned())),
        1 => Just(Step::Reopened("Again".to_owned())),
        1 => Just(Step::Canceled(CancelReason::Spam)),
    ]
}

proptest! {
    /// TK128: whatever a history is made of, its clocks are the fold of all their events, none of which lies ahead.
    #[test]
    fn tk128_clocks_of_a_history_are_the_fold_of_their_events(steps in proptest::collection::vec((0_i64..60, step()), 0..14)) {
        // Steps that a ticket forbids are left out: then every history leads somewhere.
        let (mut history, mut hours) = (Vec::new(), 0);
        let mut done = None;
        for (pause, step) in steps {
            hours += pause;
            history.push((after(hours), step));
            match ends(&history) {
                Some(imported) => done = Some(imported),
                None => { history.pop(); }
            }
        }
        let Some(done) = done else { return Ok(()) };
        let changes: Vec<&Change> = std::iter::once(&done.opened).chain(&done.changes).collect();
        let events: Vec<ClockEvent> = changes.iter().flat_map(|change| change.ticket.clocks.pending()).copied().collect();
        let clocks = &done.last().ticket.clocks;
        let mut rounds: Vec<(ClockKind, i32)> = events.iter().map(|event| (event.clock, event.round)).collect();
        rounds.sort_unstable();
        rounds.dedup();
        for (kind, round) in rounds {
            let of_clock: Vec<ClockEvent> =
                events.iter().filter(|event| (event.clock, event.round) == (kind, round)).copied().collect();
            let folded = Clock::fold(1, Calendar::always(), &of_clock).unwrap();
            prop_assert_eq!(Some(&folded), clocks.round(kind, round));
            prop_assert!(of_clock.iter().all(|event| event.at <= now()));
        }
        let last = &done.last().ticket;
        prop_assert_eq!(last.verification_due_at, (last.state == State::Resolved).then(now));
        prop_assert!(last.verification.is_empty());
    }
}

/// Where a history leads, whatever that is.
fn ends(history: &[(Timestamp, Step)]) -> Option<Imported> {
    let states = [State::New, State::Open, State::PendingCustomer, State::Resolved, State::Canceled];
    let ends = states.map(|state| (state, None)).into_iter();
    let closed = [Closure::Verified, Closure::Unverified].map(|closure| (State::Closed, Some(closure)));
    ends.chain(closed).find_map(|end| imported(history.to_vec(), end).ok())
}
