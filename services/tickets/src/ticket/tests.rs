//! The machine by itself: a test for every row of its table, and what no order of commands can break.

mod filters;
mod merging;
mod plans;
mod verification;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, call::Story};
use seva_values::Language;
use uuid::Uuid;

use super::{
    kind::{Kind, Priority},
    model::{
        Change, NewTicket, Reply, RootProblem, Surroundings, Ticket, Update,
        hearing::Heard,
        verification::{Reach, VERIFY_EVERY},
    },
    state::{Act, CancelReason, Cause, Closure, State},
};
use crate::{
    clock::{self, Calendar},
    custom_field::{Schema, Values},
    message::{Author, Medium, Message, Visibility},
    policy::Targets,
    recipient::Tier,
    routing::WaitReason,
};

const MEMBER: Uuid = Uuid::from_u128(7);
const OTHER: Uuid = Uuid::from_u128(8);
const DEPARTMENT: Uuid = Uuid::from_u128(9);

pub(crate) fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn after_hours(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

pub(crate) fn targets(hours: [i64; 3]) -> Targets {
    let [first_response, resolution_first, resolution_total] = hours.map(SignedDuration::from_hours);
    let hours = SignedDuration::from_hours;
    Targets {
        first_response,
        next_response: hours(5),
        update_cadence: hours(24),
        resolution_first,
        resolution_total,
        pauses_while_external: true,
        pauses_while_scheduled: true,
        reopen_days: 30,
        return_after: hours(2),
        weight: 1,
        ..Targets::default()
    }
}

const REOPEN_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

fn created() -> Change {
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
    let around = Surroundings {
        number: 1001,
        language: Language::parse("hi").unwrap(),
        tier: Tier::Standard,
        department: Some(DEPARTMENT),
        calendar: Calendar::always(),
        targets: targets([4, 16, 48]),
        policy_version: 1,
    };
    Ticket::open(Uuid::from_u128(2), new, around, Story::begun_by("test").into(), start())
}

fn written(change: Change) -> Ticket {
    Ticket { clocks: change.ticket.clocks.clone().written(), ..change.ticket }
}

pub(crate) fn queued() -> Ticket {
    written(created())
}

pub(crate) fn opened() -> Ticket {
    written(queued().assign(MEMBER, false, start()).unwrap())
}

fn pending() -> Ticket {
    written(opened().reply(question(), after_hours(1)).unwrap())
}

fn pending_department() -> Ticket {
    written(opened().wait_for_department(after_hours(1)).unwrap())
}

fn pending_external() -> Ticket {
    let note = says(Author::Staff, Visibility::Public);
    written(opened().wait_for_outside("the carrier".to_owned(), after_hours(30), note, after_hours(1)).unwrap())
}

fn scheduled() -> Ticket {
    let note = says(Author::Staff, Visibility::Public);
    written(opened().schedule(after_hours(30), note, after_hours(1)).unwrap())
}

/// What is carried on in another ticket.
fn merged() -> Ticket {
    Ticket { state: State::Merged, assignee: None, merged_into: Some((Uuid::from_u128(4), after_hours(1))), ..queued() }
}

fn resolved() -> Ticket {
    written(
        opened()
            .resolve(
                &Schema::default(),
                root(),
                "It comes today.".to_owned(),
                (Author::Staff, Some(MEMBER)),
                &Reach::by_mail(),
                after_hours(2),
            )
            .unwrap(),
    )
}

fn closed() -> Ticket {
    written(resolved().confirm(true, None, after_hours(3)).unwrap())
}

fn canceled() -> Ticket {
    written(opened().cancel(CancelReason::Spam, after_hours(1)).unwrap())
}

fn root() -> RootProblem {
    RootProblem { cause: Cause::Carrier, description: "The van broke down.".to_owned(), rule: None }
}

fn says(author: Author, visibility: Visibility) -> Reply {
    let text = "words".to_owned();
    Reply {
        visibility,
        author,
        author_id: None,
        medium: Medium::Text,
        text,
        attachments: Vec::new(),
        awaits_customer: false,
    }
}

fn question() -> Reply {
    Reply { awaits_customer: true, ..says(Author::Staff, Visibility::Public) }
}

fn record() -> Message {
    Message {
        id: Uuid::from_u128(3),
        visibility: Visibility::Public,
        author: Author::Customer,
        author_id: None,
        medium: Medium::Text,
        text: "words".to_owned(),
        created_at: start(),
        attachments: Vec::new(),
        redacted_at: None,
    }
}

/// Every state, with a ticket that is in it.
pub(crate) fn every() -> [Ticket; 10] {
    [
        queued(),
        opened(),
        pending(),
        pending_department(),
        pending_external(),
        scheduled(),
        resolved(),
        closed(),
        canceled(),
        merged(),
    ]
}

const WORKED_ON: [State; 5] =
    [State::Open, State::PendingCustomer, State::PendingDepartment, State::PendingExternal, State::Scheduled];

/// In the queue, or worked on.
fn not_resolved() -> Vec<State> {
    [&[State::New][..], &WORKED_ON[..]].concat()
}

/// Checks of every state whether a command is refused there, with this invariant.
fn only_in(allowed: &[State], invariant: &str, command: impl Fn(&Ticket) -> Result<Change, Error>) {
    for ticket in every() {
        let state = ticket.state;
        match command(&ticket) {
            Ok(_) => assert!(allowed.contains(&state), "it should be refused in {state:?}"),
            Err(refusal) => {
                assert!(!allowed.contains(&state), "it should be possible in {state:?}: {refusal}");
                assert_eq!(refusal.reason(), ErrorReason::StateForbids);
                let status = tonic::Status::from(refusal);
                let details = tonic_types::StatusExt::get_error_details(&status);
                let told = details.precondition_failure().unwrap().violations[0].r#type.clone();
                assert_eq!(told, invariant, "in {state:?}");
            }
        }
    }
}

#[test]
fn a_new_ticket_waits_in_the_queue_and_its_clocks_run() {
    let Change { ticket, act, .. } = created();
    assert_eq!((ticket.state, ticket.assignee, ticket.route_at, act), (State::New, None, Some(start()), Act::Created));
    assert_eq!(ticket.clocks.iter().count(), 3);
    assert!(ticket.clocks.iter().all(|clock| clock.state == clock::State::Running));
}

#[test]
fn new_becomes_open_by_assignment() {
    let Change { ticket, act, .. } = queued().assign(MEMBER, false, start()).unwrap();
    assert_eq!((ticket.state, ticket.assignee, ticket.route_at, act), (State::Open, Some(MEMBER), None, Act::Assigned));
    only_in(&not_resolved(), "TK4", |ticket| ticket.assign(OTHER, false, start()));
}

#[test]
fn open_or_pending_is_given_to_somebody_else_and_stays_what_it_is() {
    for before in [opened(), pending()] {
        let Change { ticket, act, .. } = before.assign(OTHER, true, after_hours(1)).unwrap();
        assert_eq!((ticket.state, ticket.assignee, act), (before.state, Some(OTHER), Act::Assigned));
        assert!(ticket.over_limits);
        assert_eq!(ticket.clocks, before.clocks, "the cadence of news goes on");
    }
}

#[test]
fn open_or_pending_goes_back_to_the_queue_and_its_clocks_count() {
    for before in [opened(), pending()] {
        let Change { ticket, act, .. } = before.unassign(after_hours(3)).unwrap();
        assert_eq!((ticket.state, ticket.assignee, ticket.route_at), (State::New, None, Some(after_hours(3))));
        assert_eq!(act, Act::Unassigned);
        assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Running);
        assert_eq!(ticket.clocks.get(clock::Kind::ResolutionTotal).unwrap().state, clock::State::Running);
    }
    only_in(&WORKED_ON, "TK4", |ticket| ticket.unassign(after_hours(1)));
}

#[test]
fn open_becomes_pending_by_a_question_of_staff_and_the_resolutions_pause() {
    let ticket = pending();
    assert_eq!(ticket.state, State::PendingCustomer);
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Paused);
    assert_eq!(ticket.clocks.get(clock::Kind::FirstResponse).unwrap().state, clock::State::Met, "the question answers");
    only_in(&[State::Open], "TK4", |ticket| ticket.reply(question(), after_hours(4)));
}

#[test]
fn tk16_a_customer_is_reminded_of_a_question_twice_and_then_it_goes_on() {
    let mut ticket = written(opened().reply(question(), after_hours(1)).unwrap());
    assert_eq!(ticket.wait_until, Some(after_hours(49)));
    for hours in [49, 97] {
        assert!(ticket.wait_is_over(after_hours(hours) - SignedDuration::from_micros(1)).is_none());
        let change = ticket.wait_is_over(after_hours(hours)).unwrap();
        assert_eq!((change.act, ticket.state), (Act::Pending, State::PendingCustomer));
        let said = change.message.unwrap();
        assert_eq!((said.visibility, said.author), (Visibility::Public, Author::System));
        assert!(said.text.contains("उत्तर"), "in the customer's language: {}", said.text);
        assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Paused);
    }
    let answered = ticket.reply(says(Author::Customer, Visibility::Public), after_hours(100)).unwrap().ticket;
    assert_eq!((answered.state, answered.wait_until), (State::Open, None), "whoever answers is reminded no more");
    let change = ticket.wait_is_over(after_hours(145)).unwrap();
    assert_eq!((change.act, ticket.state, ticket.wait_until), (Act::Resumed, State::Open, None));
    assert!(ticket.wait_is_over(after_hours(1000)).is_none());
    // Whoever finds it late sends one, not all of them at once.
    let mut late = pending();
    assert!(late.wait_is_over(after_hours(500)).is_some_and(|change| change.act == Act::Pending));
    assert_eq!(late.wait_until, Some(after_hours(548)));
}

#[test]
fn a_question_of_a_rule_stops_no_clock_while_the_customer_waits_for_a_person() {
    let of_a_rule = || Reply { awaits_customer: true, ..says(Author::System, Visibility::Public) };
    let Change { ticket, act, .. } = opened().reply(of_a_rule(), after_hours(1)).unwrap();
    assert_eq!((ticket.state, act), (State::Open, Act::Replied));
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Running);
    let answered = written(opened().reply(says(Author::Staff, Visibility::Public), after_hours(1)).unwrap());
    let Change { ticket, act, .. } = answered.reply(of_a_rule(), after_hours(2)).unwrap();
    assert_eq!((ticket.state, act), (State::PendingCustomer, Act::Pending));
}

#[test]
fn pending_becomes_open_by_what_the_customer_says() {
    let said = says(Author::Customer, Visibility::Public);
    let Change { ticket, act, .. } = pending().reply(said.clone(), after_hours(3)).unwrap();
    assert_eq!((ticket.state, act), (State::Open, Act::Replied));
    let due = ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().due_at;
    assert_eq!(due, after_hours(16 + 2), "two hours of waiting do not count");
    only_in(&not_resolved(), "TK4", |ticket| ticket.reply(said.clone(), after_hours(4)));
}

#[test]
fn only_a_public_answer_of_staff_meets_the_first_response() {
    for (reply, expected) in [
        (says(Author::Staff, Visibility::Internal), clock::State::Running),
        (says(Author::Customer, Visibility::Public), clock::State::Running),
        (says(Author::System, Visibility::Public), clock::State::Running),
        (says(Author::Staff, Visibility::Public), clock::State::Met),
    ] {
        let ticket = opened().reply(reply, after_hours(1)).unwrap().ticket;
        assert_eq!(ticket.clocks.get(clock::Kind::FirstResponse).unwrap().state, expected);
    }
}

#[test]
fn open_or_pending_becomes_resolved_and_the_customer_is_asked() {
    for ticket in [opened(), pending()] {
        let change = ticket
            .resolve(
                &Schema::default(),
                root(),
                "Done.".to_owned(),
                (Author::Staff, None),
                &Reach::by_mail(),
                after_hours(5),
            )
            .unwrap();
        let Change { ticket, act, message, .. } = change;
        assert_eq!((ticket.state, act, ticket.resolution), (State::Resolved, Act::Resolved, 1));
        assert_eq!((ticket.verification_attempts, ticket.resolver), (1, Some(MEMBER)));
        assert_eq!(ticket.verification_due_at, Some(after_hours(5) + VERIFY_EVERY));
        assert_eq!(message.unwrap().visibility, Visibility::Public, "the note is for the customer");
        let first_response = ticket.clocks.get(clock::Kind::FirstResponse).unwrap();
        assert_eq!(first_response.state, clock::State::Met, "the note answers, if nobody did before");
        assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Met);
        assert_eq!(ticket.clocks.get(clock::Kind::ResolutionTotal).unwrap().state, clock::State::Paused);
    }
    only_in(&WORKED_ON, "TK3", |ticket| {
        ticket.resolve(
            &Schema::default(),
            root(),
            "Done.".to_owned(),
            (Author::Staff, None),
            &Reach::by_mail(),
            after_hours(5),
        )
    });
}

/// What a rule says is no answer of a person.
#[test]
fn a_resolution_by_a_rule_meets_no_answer() {
    for (author, first) in [(Author::Staff, clock::State::Met), (Author::System, clock::State::Running)] {
        let resolved = opened()
            .resolve(&Schema::default(), root(), "Done.".to_owned(), (author, None), &Reach::by_mail(), after_hours(1))
            .unwrap();
        assert_eq!(resolved.ticket.clocks.get(clock::Kind::FirstResponse).unwrap().state, first);
        assert_eq!(resolved.ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Met);
        assert_eq!(resolved.message.unwrap().author, author);
    }
}

#[test]
fn resolved_becomes_closed_and_verified_when_the_customer_confirms() {
    let ticket = closed();
    assert_eq!((ticket.state, ticket.closure), (State::Closed, Some(Closure::Verified)));
    assert_eq!((ticket.verification_due_at, ticket.closed_at), (None, Some(after_hours(3))));
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionTotal).unwrap().state, clock::State::Met);
    only_in(&[State::Resolved], "TK4", |ticket| ticket.confirm(false, None, after_hours(4)));
}

#[test]
fn resolved_goes_back_for_whoever_resolved_it_when_the_customer_rejects() {
    let Change { ticket, act, .. } = resolved().reject(true, Some(record()), after_hours(3)).unwrap();
    assert_eq!((ticket.state, ticket.assignee, ticket.resolver, act), (State::New, None, Some(MEMBER), Act::Rejected));
    assert_eq!((ticket.reopen_count, ticket.verification_due_at), (1, None));
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionTotal).unwrap().state, clock::State::Running);
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Met, "TK26");
    only_in(&[State::Resolved], "TK4", |ticket| ticket.reject(false, None, after_hours(4)));
}

#[test]
fn resolved_is_closed_unverified_after_three_attempts_48_hours_apart() {
    let mut ticket = resolved();
    assert!(ticket.verify(&Reach::by_mail(), after_hours(2 + 48) - SignedDuration::from_micros(1)).is_none());
    for attempt in [2, 3] {
        let at = after_hours(2 + 48 * (attempt - 1));
        let change = ticket.verify(&Reach::by_mail(), at).unwrap();
        assert_eq!((change.act, i64::from(ticket.verification_attempts)), (Act::VerificationRequested, attempt));
        assert!(ticket.verify(&Reach::by_mail(), at).is_none(), "once for each attempt");
    }
    let change = ticket.verify(&Reach::by_mail(), after_hours(2 + 48 * 3)).unwrap();
    assert_eq!((change.act, ticket.state, ticket.closure), (Act::Closed, State::Closed, Some(Closure::Unverified)));
    assert!(ticket.verify(&Reach::by_mail(), after_hours(1000)).is_none());
}

#[test]
fn closed_is_opened_again_within_thirty_days_and_not_later() {
    let last = after_hours(3) + REOPEN_WITHIN - SignedDuration::from_micros(1);
    let Change { ticket, act, .. } = closed().reopen(record(), last).unwrap();
    assert_eq!((ticket.state, ticket.closure, ticket.reopen_count, act), (State::New, None, 1, Act::Reopened));
    assert!(closed().reopen(record(), after_hours(3) + REOPEN_WITHIN).is_err(), "TK8");
    only_in(&[State::Closed], "TK8", |ticket| ticket.reopen(record(), after_hours(4)));
}

/// TK96, TK97: whichever way it comes.
#[test]
fn what_a_customer_says_is_said_rejects_opens_again_or_is_followed() {
    let heard = |ticket: &Ticket, now| match ticket.hear(record(), true, now).unwrap() {
        Heard::Said(change) => Some((change.act, change.ticket.state, change.message.unwrap().text)),
        Heard::Follows => None,
    };
    for ticket in every() {
        let step = match ticket.state {
            State::New => Some((Act::Replied, State::New)),
            State::Resolved => Some((Act::Rejected, State::New)),
            State::Closed => Some((Act::Reopened, State::New)),
            State::Canceled | State::Merged => None,
            _ => Some((Act::Replied, State::Open)),
        };
        let expected = step.map(|(act, state)| (act, state, "words".to_owned()));
        assert_eq!(heard(&ticket, after_hours(4)), expected, "{:?}", ticket.state);
    }
    let end = after_hours(3) + REOPEN_WITHIN;
    assert!(heard(&closed(), end - SignedDuration::from_micros(1)).is_some(), "TK8");
    assert!(heard(&closed(), end).is_none(), "TK8");
}

/// TK10: by link it is the answer to the resolution, so that the same answer again changes nothing.
#[test]
fn words_about_a_resolution_answer_it_for_links_when_they_came_by_link() {
    for (by_link, answered) in [(true, Some((1, false))), (false, None)] {
        let Heard::Said(change) = resolved().hear(record(), by_link, after_hours(3)).unwrap() else { panic!("said") };
        assert_eq!(change.ticket.answered, answered);
    }
}

#[test]
fn what_follows_a_ticket_is_of_the_same_matter_and_states_the_problem_anew() {
    let before = closed();
    let new = NewTicket::following(&before, "It is broken again.".to_owned());
    assert_eq!((new.customer, new.kind, new.priority), (before.customer, before.kind, before.priority));
    assert_eq!((new.title, new.matter, new.follow_up_of), (before.title, before.matter, Some(before.id)));
    assert_eq!(new.stated_problem, "It is broken again.");
}

#[test]
fn what_is_not_resolved_can_be_called_off_and_its_clocks_count_for_nothing() {
    let ticket = canceled();
    assert_eq!((ticket.state, ticket.cancel_reason), (State::Canceled, Some(CancelReason::Spam)));
    assert!(ticket.clocks.iter().all(|clock| clock.state == clock::State::Canceled));
    only_in(&not_resolved(), "TK4", |ticket| ticket.cancel(CancelReason::Duplicate, after_hours(4)));
}

#[test]
fn another_priority_moves_the_targets_of_what_is_not_met() {
    let urgent = Update { priority: Some(Priority::Urgent), ..Update::default() };
    let schema = Schema::default();
    let ticket = resolved().update(urgent, targets([1, 4, 24]), &schema, after_hours(3)).unwrap().ticket;
    assert_eq!(ticket.priority, Priority::Urgent);
    let due = |kind| ticket.clocks.get(kind).unwrap().due_at;
    assert_eq!(due(clock::Kind::ResolutionFirst), after_hours(16), "it was met");
    let allowed = [&not_resolved()[..], &[State::Resolved]].concat();
    only_in(&allowed, "TK4", |ticket| {
        let update = Update { title: Some("Another title".to_owned()), ..Update::default() };
        ticket.update(update, ticket.targets, &Schema::default(), after_hours(4))
    });
}

#[test]
fn a_wait_is_told_when_its_reason_is_new() {
    let mut ticket = queued();
    assert!(ticket.wait(Some(DEPARTMENT), WaitReason::NoFreePlace, start()).is_some());
    assert!(ticket.wait(Some(DEPARTMENT), WaitReason::NoFreePlace, start()).is_none());
    assert!(ticket.wait(Some(DEPARTMENT), WaitReason::NobodyOnShift, start()).is_some());
    assert_eq!(ticket.version, 3);
}

#[test]
fn every_warning_and_every_breach_of_a_clock_is_told_once() {
    let mut ticket = queued();
    let told = ticket.pass_time(after_hours(20));
    let passed: Vec<_> =
        told.iter().filter_map(|change| change.passed).map(|event| (event.clock, event.step)).collect();
    use clock::{
        Kind::{FirstResponse, ResolutionFirst},
        Step::{Breached, Warned50, Warned80},
    };
    let expected = [FirstResponse, ResolutionFirst].map(|kind| [Warned50, Warned80, Breached].map(|step| (kind, step)));
    assert_eq!(passed, expected.concat());
    assert_eq!(told.iter().map(|change| change.ticket.version).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(told[2].act, Act::ClockBreached);
    assert_eq!(told[0].act, Act::ClockWarned);
    assert_eq!(told[0].ticket.clocks.pending().len(), 6, "the first writes all");
    assert!(told[1..].iter().all(|change| change.ticket.clocks.pending().is_empty()));
    assert!(ticket.pass_time(after_hours(20)).is_empty());
}

#[test]
fn open_waits_for_another_department_and_that_is_our_delay() {
    let ticket = pending_department();
    assert_eq!(ticket.state, State::PendingDepartment);
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Running);
    only_in(&[State::Open], "TK4", |ticket| ticket.wait_for_department(after_hours(4)));
}

#[test]
fn open_waits_for_somebody_outside_until_a_day_that_the_customer_is_told() {
    let note = says(Author::Staff, Visibility::Public);
    let wait =
        |ticket: &Ticket, until| ticket.wait_for_outside("the carrier".to_owned(), until, note.clone(), after_hours(1));
    let change = wait(&opened(), after_hours(30)).unwrap();
    assert_eq!(
        (change.act, change.message.map(|message| message.visibility)),
        (Act::Pending, Some(Visibility::Public))
    );
    let ticket = change.ticket;
    assert_eq!((ticket.state, ticket.wait_until), (State::PendingExternal, Some(after_hours(30))));
    assert_eq!(ticket.wait_party.as_deref(), Some("the carrier"));
    assert_eq!(ticket.clocks.get(clock::Kind::FirstResponse).unwrap().state, clock::State::Met, "they were told");
    assert_eq!(
        ticket.clocks.get(clock::Kind::ResolutionFirst).unwrap().state,
        clock::State::Paused,
        "as its policy says"
    );
    let mut strict = opened();
    strict.targets.pauses_while_external = false;
    let strict = wait(&strict, after_hours(30)).unwrap().ticket;
    assert_eq!(strict.clocks.get(clock::Kind::ResolutionFirst).unwrap().state, clock::State::Running);
    assert!(wait(&opened(), after_hours(1)).is_err(), "TK12");
    only_in(&[State::Open], "TK4", |ticket| wait(ticket, after_hours(30)));
}

#[test]
fn open_is_scheduled_for_a_time_ahead() {
    let ticket = scheduled();
    assert_eq!((ticket.state, ticket.wait_until), (State::Scheduled, Some(after_hours(30))));
    assert_eq!(ticket.clocks.get(clock::Kind::ResolutionTotal).unwrap().state, clock::State::Paused);
    let note = || says(Author::Staff, Visibility::Public);
    assert!(opened().schedule(after_hours(1), note(), after_hours(1)).is_err(), "TK12");
    only_in(&[State::Open], "TK4", |ticket| ticket.schedule(after_hours(30), note(), after_hours(4)));
}

#[test]
fn what_waits_goes_on_when_its_day_has_come_or_what_it_waits_for() {
    for mut ticket in [pending_external(), scheduled()] {
        assert!(ticket.wait_is_over(after_hours(30) - SignedDuration::from_micros(1)).is_none());
        let change = ticket.wait_is_over(after_hours(30)).unwrap();
        assert_eq!((change.act, ticket.state, ticket.wait_until), (Act::Resumed, State::Open, None));
        assert_eq!(ticket.clocks.get(clock::Kind::ResolutionTotal).unwrap().state, clock::State::Running);
        assert!(ticket.wait_is_over(after_hours(31)).is_none());
    }
    let ticket = pending_department().go_on(after_hours(2)).unwrap().ticket;
    assert_eq!(ticket.state, State::Open);
    only_in(&WORKED_ON[1..], "TK4", |ticket| ticket.go_on(after_hours(2)));
}

#[test]
fn whatever_waits_is_opened_by_what_the_customer_says_and_they_wait_for_an_answer() {
    for ticket in [pending(), pending_department(), pending_external(), scheduled()] {
        let answered = written(ticket.reply(says(Author::Staff, Visibility::Public), after_hours(2)).unwrap());
        assert_eq!(answered.state, ticket.state, "what we say opens nothing");
        let said = answered.reply(says(Author::Customer, Visibility::Public), after_hours(3)).unwrap().ticket;
        assert_eq!((said.state, said.wait_until), (State::Open, None));
        assert_eq!(said.clocks.get(clock::Kind::NextResponse).unwrap().due_at, after_hours(3 + 5));
    }
}

#[test]
fn another_kind_waits_in_another_queue_and_whoever_has_it_keeps_it_until_it_goes_there() {
    let other = Uuid::from_u128(10);
    let billing = || Update { kind: Some((Kind::Billing, Some(other))), ..Update::default() };
    let update = |ticket: Ticket| ticket.update(billing(), ticket.targets, &Schema::default(), after_hours(1)).unwrap();
    let queued = update(queued());
    assert_eq!((queued.ticket.department, queued.ticket.route_at), (Some(other), Some(after_hours(1))));
    assert_eq!(queued.changed, ["kind"]);
    let open = update(opened()).ticket;
    assert_eq!((open.kind, open.department, open.assignee), (Kind::Billing, Some(other), Some(MEMBER)));
    let back = written(Change { ticket: open, ..queued }).unassign(after_hours(2)).unwrap().ticket;
    assert_eq!((back.state, back.department), (State::New, Some(other)), "where somebody has the skill");
}

#[test]
fn tk36_who_has_it_and_says_nothing_loses_it_once_for_each_assignment() {
    let just_before = after_hours(2) - SignedDuration::from_micros(1);
    let mut ticket = opened();
    assert!(ticket.return_from_silent(just_before).is_none());
    let change = ticket.return_from_silent(after_hours(2)).unwrap();
    assert_eq!((change.act, ticket.state, ticket.assignee), (Act::Unassigned, State::New, None));
    assert_eq!((ticket.returned_from, ticket.return_count, ticket.return_due_at), (Some(MEMBER), 1, None));
    assert!(ticket.return_from_silent(after_hours(9)).is_none());
    let again = ticket.assign(OTHER, false, after_hours(3)).unwrap().ticket;
    assert_eq!(again.return_due_at, Some(after_hours(5)));
    for said in [says(Author::Staff, Visibility::Public), says(Author::Staff, Visibility::Internal)] {
        assert_eq!(opened().reply(said, after_hours(1)).unwrap().ticket.return_due_at, None, "something was heard");
    }
    let customer = says(Author::Customer, Visibility::Public);
    assert_eq!(opened().reply(customer, after_hours(1)).unwrap().ticket.return_due_at, Some(after_hours(2)));
    for ticket in [pending_department(), pending_external(), scheduled(), resolved()] {
        assert_eq!(ticket.return_due_at, None, "{:?}", ticket.state);
    }
    let mut never = queued();
    never.targets.return_after = SignedDuration::ZERO;
    assert_eq!(never.assign(MEMBER, false, start()).unwrap().ticket.return_due_at, None);
}

#[test]
fn tk14_our_own_policy_as_a_cause_names_the_rule() {
    let resolve = |rule: Option<&str>| {
        let root = RootProblem { cause: Cause::Policy, rule: rule.map(str::to_owned), ..root() };
        opened().resolve(
            &Schema::default(),
            root,
            "Done.".to_owned(),
            (Author::Staff, None),
            &Reach::by_mail(),
            after_hours(5),
        )
    };
    assert!(resolve(None).unwrap_err().is_refused_by("TK14"));
    let resolved = resolve(Some("handbookRules/returns")).unwrap().ticket;
    assert_eq!(resolved.root_problem.unwrap().rule.as_deref(), Some("handbookRules/returns"));
}

#[test]
fn tk11_nothing_that_is_under_way_is_resolved_or_called_off() {
    let ticket = Ticket { open_work: 1, ..opened() };
    for refused in [
        ticket.resolve(
            &Schema::default(),
            root(),
            "Done.".to_owned(),
            (Author::Staff, None),
            &Reach::by_mail(),
            after_hours(5),
        ),
        ticket.cancel(CancelReason::ByCustomer, after_hours(5)),
    ] {
        assert!(refused.unwrap_err().is_refused_by("TK11"));
    }
}

#[derive(Debug, Clone)]
enum Command {
    Assign(bool),
    Unassign,
    Say(u8, bool, bool),
    Resolve,
    Confirm,
    Reject,
    Verify,
    Reopen,
    Cancel,
    Priority(bool),
    Pass,
    Wait,
    HandBack,
    WaitForDepartment,
    WaitForOutside(i64),
    Schedule(i64),
    GoOn,
    WaitIsOver,
    Return,
}

fn commands() -> impl Strategy<Value = Vec<(Command, i64)>> {
    let command = prop_oneof![
        4 => any::<bool>().prop_map(Command::Assign),
        1 => Just(Command::Unassign),
        4 => (0..3_u8, any::<bool>(), any::<bool>()).prop_map(|(who, public, asks)| Command::Say(who, public, asks)),
        4 => Just(Command::Resolve),
        2 => Just(Command::Confirm),
        3 => Just(Command::Reject),
        2 => Just(Command::Verify),
        2 => Just(Command::Reopen),
        1 => Just(Command::Cancel),
        1 => any::<bool>().prop_map(Command::Priority),
        2 => Just(Command::Pass),
        1 => Just(Command::Wait),
        1 => Just(Command::HandBack),
        1 => Just(Command::WaitForDepartment),
        1 => (0..100_i64).prop_map(Command::WaitForOutside),
        1 => (0..100_i64).prop_map(Command::Schedule),
        1 => Just(Command::GoOn),
        1 => Just(Command::WaitIsOver),
        2 => Just(Command::Return),
    ];
    proptest::collection::vec((command, 0..200_i64), 0..40)
}

/// Whether its clocks stand as its state says.
fn clocks_agree(ticket: &Ticket) -> bool {
    use clock::State::{Canceled, Met, Paused, Running};
    let state = |kind| ticket.clocks.get(kind).unwrap().state;
    let (response, first, total) =
        (state(clock::Kind::FirstResponse), state(clock::Kind::ResolutionFirst), state(clock::Kind::ResolutionTotal));
    match ticket.state {
        State::New | State::Open | State::PendingDepartment => {
            matches!(response, Running | Met) && matches!(first, Running | Met) && total == Running
        }
        // As the policy of these tests says.
        State::PendingExternal | State::Scheduled => {
            response == Met && matches!(first, Paused | Met) && total == Paused
        }
        State::PendingCustomer => response == Met && matches!(first, Paused | Met) && total == Paused,
        State::Resolved => (response, first, total) == (Met, Met, Paused),
        State::Closed => (response, first, total) == (Met, Met, Met),
        State::Canceled | State::Merged => {
            [response, first, total].into_iter().all(|state| matches!(state, Met | Canceled))
        }
    }
}

proptest! {
    /// TK1, TK3, TK5, TK8, the clocks and the versions, whatever is done in whatever order and however late.
    #[test]
    fn no_order_of_commands_breaks_the_machine(commands in commands()) {
        let (mut ticket, mut now) = (queued(), start());
        // When the customer was asked about the last resolution.
        let mut asked = Vec::new();
        for (command, hours) in commands {
            now += SignedDuration::from_hours(hours);
            let before = ticket.clone();
            let changes: Vec<Change> = match command {
                Command::Assign(other) => ticket.assign(if other { OTHER } else { MEMBER }, false, now).into_iter().collect(),
                Command::Unassign => ticket.unassign(now).into_iter().collect(),
                Command::Say(who, public, asks) => {
                    let author = [Author::Staff, Author::Customer, Author::System][usize::from(who)];
                    let visibility = if public { Visibility::Public } else { Visibility::Internal };
                    ticket.reply(Reply { awaits_customer: asks, ..says(author, visibility) }, now).into_iter().collect()
                }
                Command::Resolve => ticket.resolve(&Schema::default(), root(), "Done.".to_owned(), (Author::Staff, None), &Reach::by_mail(), now).into_iter().collect(),
                Command::Confirm => ticket.confirm(true, None, now).into_iter().collect(),
                Command::Reject => ticket.reject(true, None, now).into_iter().collect(),
                Command::Verify => ticket.clone().verify(&Reach::by_mail(), now).into_iter().collect(),
                Command::Reopen => ticket.reopen(record(), now).into_iter().collect(),
                Command::Cancel => ticket.cancel(CancelReason::ByCustomer, now).into_iter().collect(),
                Command::Priority(urgent) => {
                    let (priority, hours) = if urgent { (Priority::Urgent, [1, 4, 24]) } else { (Priority::Low, [8, 40, 90]) };
                    let update = Update { priority: Some(priority), ..Update::default() };
                    ticket.update(update, targets(hours), &Schema::default(), now).into_iter().collect()
                }
                Command::Pass => ticket.clone().pass_time(now),
                Command::WaitForDepartment => ticket.wait_for_department(now).into_iter().collect(),
                Command::WaitForOutside(hours) => {
                    let until = now + SignedDuration::from_hours(hours);
                    let note = says(Author::Staff, Visibility::Public);
                    ticket.wait_for_outside("the carrier".to_owned(), until, note, now).into_iter().collect()
                }
                Command::Schedule(hours) => {
                    let until = now + SignedDuration::from_hours(hours);
                    ticket.schedule(until, says(Author::Staff, Visibility::Public), now).into_iter().collect()
                }
                Command::GoOn => ticket.go_on(now).into_iter().collect(),
                Command::WaitIsOver => ticket.clone().wait_is_over(now).into_iter().collect(),
                Command::Return => ticket.clone().return_from_silent(now).into_iter().collect(),
                Command::Wait if ticket.is_in_queue() => {
                    ticket.clone().wait(Some(DEPARTMENT), WaitReason::NobodyOnShift, now).into_iter().collect()
                }
                Command::HandBack if ticket.is_worked_on() => vec![ticket.clone().hand_back(now)],
                Command::Wait | Command::HandBack => Vec::new(),
            };
            for (at, change) in changes.into_iter().enumerate() {
                match change.act {
                    Act::Resolved => asked = vec![now],
                    Act::VerificationRequested => asked.push(now),
                    Act::Closed if change.ticket.closure == Some(Closure::Unverified) => {
                        asked.push(now);
                        prop_assert_eq!(asked.len(), 4, "three attempts, and the end");
                        prop_assert!(asked.windows(2).all(|pair| pair[1].duration_since(pair[0]) >= VERIFY_EVERY));
                    }
                    Act::Reopened => {
                        prop_assert!(now < before.closed_at.unwrap() + REOPEN_WITHIN);
                    }
                    _ => {}
                }
                let next = written(change);
                prop_assert_eq!(next.version, before.version + 1 + i64::try_from(at).unwrap());
                ticket = next;
            }
            match ticket.state {
                State::New => prop_assert!(ticket.assignee.is_none()),
                _ if ticket.is_worked_on() => prop_assert!(ticket.assignee.is_some() && ticket.route_at.is_none()),
                State::Resolved => prop_assert!(ticket.root_problem.is_some() && ticket.resolution > 0),
                _ => prop_assert!(ticket.route_at.is_none()),
            }
            prop_assert!(ticket.return_due_at.is_none() || ticket.is_worked_on(), "TK36");
            let has_a_day = matches!(ticket.state, State::PendingCustomer | State::PendingExternal | State::Scheduled);
            prop_assert_eq!(has_a_day, ticket.wait_until.is_some(), "TK12, TK16");
            prop_assert_eq!(ticket.state == State::PendingExternal, ticket.wait_party.is_some(), "TK12");
            prop_assert_eq!(ticket.state == State::Resolved, ticket.verification_due_at.is_some());
            prop_assert_eq!(ticket.state == State::Closed, ticket.closure.is_some() && ticket.closed_at.is_some());
            prop_assert!((0..=3).contains(&ticket.verification_attempts), "TK141");
            prop_assert!(before.state != State::Canceled || ticket.state == State::Canceled);
            prop_assert!(clocks_agree(&ticket), "{:?} with {:?}", ticket.state, ticket.clocks);
        }
    }
}
