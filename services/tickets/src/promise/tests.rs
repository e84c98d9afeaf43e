//! Promises by themselves: a test for every row of their table, and what no order of commands can break.

mod plans;

use jiff::{SignedDuration, Timestamp, civil::Weekday};
use proptest::prelude::*;
use seva_runtime::Error;
use seva_values::{AvailabilityWindows, BusinessCalendar, WeeklyInterval, Zone};
use uuid::Uuid;

use super::{
    making::{Known, MOST_OPEN, NewPromise, Occasion, Slot, make},
    model::{Act, Promise, State},
    scene::{Around, Scene},
};
use crate::{
    clock::{self, Calendar, Kind},
    message::{Author, Visibility},
    roster::Shifts,
    ticket::{
        Change as TicketChange, Priority, State as TicketState, Ticket,
        tests::{every, opened, queued, start, targets},
    },
};

const OWNER: Uuid = Uuid::from_u128(7);
const HEIR: Uuid = Uuid::from_u128(8);

/// After this many hours; the office is open from 9 to 18 in Kolkata, and it begins on a Monday at half past two.
fn after(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// On these days of the week, Monday is 1.
fn hours(days: impl Iterator<Item = i8>, from: &str, until: &str) -> Vec<WeeklyInterval> {
    let (start, end) = (from.parse().unwrap(), until.parse().unwrap());
    let on = |day| WeeklyInterval { weekday: Weekday::from_monday_one_offset(day).unwrap(), start, end };
    days.map(on).collect()
}

fn kolkata() -> Zone {
    Zone::parse("Asia/Kolkata").unwrap()
}

fn office() -> Calendar {
    let hours = BusinessCalendar::new(kolkata(), hours(1..=5, "09:00", "18:00"), Vec::new()).unwrap();
    Calendar::of(Uuid::from_u128(9), 1, hours)
}

fn known() -> Known {
    Known { calendar: office(), availability: None, shifts: Vec::new(), open: 0, author: Some(OWNER) }
}

fn new(occasion: Occasion) -> NewPromise {
    NewPromise { owner: OWNER, words: "You hear from us.".to_owned(), occasion }
}

fn work(due_at: Timestamp) -> NewPromise {
    new(Occasion::Work { due_at })
}

fn slot(start: &str, end: &str) -> NewPromise {
    new(Occasion::Slot(Slot { start: at(start), end: at(end) }))
}

/// Tuesday at half past two.
const DUE: &str = "2026-03-03T09:00:00Z";

fn made() -> (Ticket, Promise) {
    let (ticket, promise) = make(&opened(), work(at(DUE)), &known(), start()).unwrap();
    (ticket.ticket.written(), promise.promise)
}

fn scene(promise: Promise, ticket: Ticket, now: Timestamp) -> Scene {
    let around = Around { raised: (Priority::High, targets([1, 4, 12])), calendar: office() };
    Scene::new(ticket, promise, around, now)
}

/// What was promised, after so many hours.
fn later(hours: i64) -> Scene {
    let (ticket, promise) = made();
    scene(promise, ticket, after(hours))
}

fn broken() -> Scene {
    later(24)
}

fn again(scene: Scene, hours: i64) -> Scene {
    self::scene(scene.promise, scene.ticket, after(hours))
}

fn invariant<T>(refused: Result<T, Error>) -> String {
    let status = tonic::Status::from(refused.err().expect("it is refused"));
    let details = tonic_types::StatusExt::get_error_details(&status);
    details.precondition_failure().unwrap().violations[0].r#type.clone()
}

fn acts(scene: &Scene) -> Vec<Act> {
    scene.of_promise.iter().map(|change| change.act).collect()
}

fn public(change: &TicketChange) -> bool {
    let message = change.message.as_ref().unwrap();
    (message.visibility, message.author) == (Visibility::Public, Author::Staff)
}

/// TK40
#[test]
fn tk40_what_is_promised_is_told_and_counted_to_its_due_time_exactly() {
    let (of_ticket, of_promise) = make(&opened(), work(at(DUE)), &known(), start()).unwrap();
    assert!(public(&of_ticket));
    assert_eq!((of_promise.act, of_promise.promise.state, of_promise.promise.round), (Act::Made, State::Open, 1));
    let clock = of_ticket.ticket.clocks.round(Kind::Promise, 1).unwrap();
    assert_eq!((clock.due_at, clock.target.as_hours(), clock.calendar.version()), (at(DUE), 9, 1));

    let second = make(&of_ticket.ticket.written(), work(at("2026-03-03T12:30:00Z")), &known(), after(1)).unwrap();
    assert_eq!(second.1.promise.round, 2, "each has a round of its own, and six o'clock is working time");
    assert_eq!(second.0.ticket.clocks.round(Kind::Promise, 2).unwrap().due_at, at("2026-03-03T12:30:00Z"));
}

/// TK40
#[test]
fn tk40_a_due_time_outside_working_time_is_refused_with_the_next_one_inside() {
    let refused = make(&opened(), work(at("2026-03-06T14:00:00Z")), &known(), start()).unwrap_err();
    assert!(refused.to_string().contains("2026-03-09T03:30:00Z"), "{refused}");
    assert_eq!(invariant::<()>(Err(refused)), "TK40");
    let opening = make(&opened(), work(at("2026-03-09T03:30:00Z")), &known(), start()).unwrap();
    let clock = opening.0.ticket.clocks.round(Kind::Promise, 1).unwrap();
    assert_eq!(
        (clock.due_at, clock.calendar.version()),
        (at("2026-03-09T03:30:00Z"), 0),
        "to the opening every hour counts"
    );
}

/// TK40
#[test]
fn tk40_it_is_due_ahead_within_a_year_and_a_ticket_has_twenty_at_most() {
    for due_at in [start(), at("2026-03-02T08:00:00Z"), at("2027-03-08T09:00:00Z")] {
        assert_eq!(invariant(make(&opened(), work(due_at), &known(), start())), "TK40");
    }
    let full = Known { open: MOST_OPEN, ..known() };
    assert_eq!(invariant(make(&opened(), work(at(DUE)), &full, start())), "TK40");
}

/// TK40, TK11
#[test]
fn tk40_something_is_promised_only_while_the_ticket_is_in_the_queue_or_worked_on() {
    for ticket in every() {
        let can = ticket.is_in_queue() || ticket.is_worked_on();
        assert_eq!(make(&ticket, work(at(DUE)), &known(), after(3)).is_ok(), can, "{:?}", ticket.state);
    }
}

/// TK40
#[test]
fn to_wait_for_somebody_outside_promises_news_after_the_day() {
    let external =
        |due_at| new(Occasion::External { party: "the carrier".to_owned(), until: at("2026-03-04T09:00:00Z"), due_at });
    let (of_ticket, of_promise) = make(&opened(), external(None), &known(), start()).unwrap();
    assert_eq!(of_ticket.ticket.state, TicketState::PendingExternal);
    // Five working hours after half past two: an hour and a half of the next day.
    assert_eq!(of_promise.promise.due_at, at("2026-03-05T05:00:00Z"));
    let own = make(&opened(), external(Some(at("2026-03-05T09:00:00Z"))), &known(), start()).unwrap();
    assert_eq!(own.1.promise.due_at, at("2026-03-05T09:00:00Z"));
    assert_eq!(invariant(make(&opened(), external(Some(at(DUE))), &known(), start())), "TK40");
    assert_eq!(invariant(make(&queued(), external(None), &known(), start())), "TK4");
}

/// TK40
#[test]
fn tk40_a_slot_lies_within_the_customers_hours_and_outside_office_hours_within_a_shift() {
    let evening = || slot("2026-03-03T13:00:00Z", "2026-03-03T14:00:00Z");
    assert_eq!(invariant(make(&opened(), evening(), &known(), start())), "TK40");
    let shift = |until: &str| {
        let windows = AvailabilityWindows::new(kolkata(), hours(1..=7, "12:00", until), Vec::new());
        Known { shifts: vec![Shifts::never(), Shifts::within(windows.unwrap())], ..known() }
    };
    assert_eq!(invariant(make(&opened(), evening(), &shift("19:20"), start())), "TK40", "a shift covers all of it");
    let (of_ticket, of_promise) = make(&opened(), evening(), &shift("19:30"), start()).unwrap();
    assert_eq!(
        (of_ticket.ticket.state, of_ticket.ticket.wait_until),
        (TicketState::Scheduled, Some(at("2026-03-03T13:00:00Z")))
    );
    assert_eq!(of_promise.promise.due_at, at("2026-03-03T14:00:00Z"));
    let clock = of_ticket.ticket.clocks.round(Kind::Promise, 1).unwrap();
    assert_eq!(clock.due_at, at("2026-03-03T14:00:00Z"), "to the end of the slot, outside office hours too");

    let mornings = AvailabilityWindows::new(kolkata(), hours(1..=7, "08:00", "11:00"), Vec::new()).unwrap();
    let mornings = Known { availability: Some(mornings), ..known() };
    assert_eq!(
        invariant(make(&opened(), slot("2026-03-03T05:00:00Z", "2026-03-03T05:31:00Z"), &mornings, start())),
        "TK40"
    );
    assert!(make(&opened(), slot("2026-03-03T05:00:00Z", "2026-03-03T05:30:00Z"), &mornings, start()).is_ok());
}

/// TK42
#[test]
fn open_becomes_kept_before_it_is_due_and_its_clock_is_met() {
    let mut scene = later(23);
    scene.keep().unwrap();
    assert_eq!(
        (scene.promise.state, scene.promise.kept_at, acts(&scene)),
        (State::Kept, Some(after(23)), vec![Act::Kept])
    );
    let clock = scene.ticket.clocks.round(Kind::Promise, 1).unwrap();
    assert_eq!((clock.state, clock.breached_at), (clock::State::Met, None));
    assert!(!scene.promise.owes());
    assert_eq!(invariant(again(scene, 23).keep()), "TK42");
}

/// TK43
#[test]
fn open_is_renewed_to_a_later_time_with_word_to_the_customer() {
    let mut scene = later(2);
    let next = at("2026-03-04T09:00:00Z");
    scene.renew(next, "Later.".to_owned(), Some(OWNER)).unwrap();
    assert!(public(&scene.of_ticket[0]));
    let Promise { state, due_at, first_due_at, renewals, round, .. } = scene.promise.clone();
    assert_eq!((state, due_at, first_due_at, renewals, round), (State::Open, next, at(DUE), 1, 1));
    assert_eq!(
        scene.of_ticket.last().unwrap().renews,
        Some((scene.promise.id, 1)),
        "who reads the reply knows what it renews"
    );
    assert_eq!(scene.ticket.clocks.round(Kind::Promise, 1).unwrap().due_at, next);

    let mut scene = again(scene, 3);
    let opening = at("2026-03-09T03:30:00Z");
    scene.renew(opening, "Later still.".to_owned(), Some(OWNER)).unwrap();
    assert_eq!(
        (scene.promise.round, scene.promise.renewals),
        (2, 2),
        "that moment ends no working time: another clock"
    );
    assert_eq!(scene.ticket.clocks.round(Kind::Promise, 2).unwrap().due_at, opening);
    assert!(!scene.ticket.clocks.round(Kind::Promise, 1).is_some_and(clock::Clock::is_open));
}

/// TK43
#[test]
fn tk43_it_is_not_renewed_to_an_earlier_time_nor_after_it_was_due() {
    for due_at in [at(DUE), at("2026-03-03T05:00:00Z")] {
        assert_eq!(invariant(later(2).renew(due_at, "Sooner.".to_owned(), None)), "TK43");
    }
    let next = at("2026-03-04T09:00:00Z");
    assert_eq!(invariant(later(24).renew(next, "Later.".to_owned(), None)), "TK43");
    assert_eq!(invariant(later(2).renew(at("2026-03-04T20:00:00Z"), "At night.".to_owned(), None)), "TK40");
}

/// TK42, TK44
#[test]
fn tk42_open_is_broken_at_its_due_time_whenever_that_is_found_and_the_ticket_becomes_more_urgent() {
    let just_before = scene(made().1, made().0, at(DUE) - SignedDuration::from_micros(1));
    assert_eq!(just_before.promise.state, State::Open);
    for hours in [24, 100] {
        let scene = later(hours);
        assert_eq!((scene.promise.state, scene.promise.broken_at), (State::Broken, Some(at(DUE))));
        assert_eq!(acts(&scene), [Act::Broken]);
        assert_eq!(scene.ticket.priority, Priority::High);
        let note = scene.of_ticket.last().unwrap().message.clone().unwrap();
        assert_eq!((note.visibility, note.author), (Visibility::Internal, Author::System));
        assert_eq!(scene.ticket.clocks.round(Kind::Promise, 1).unwrap().breached_at, Some(at(DUE)));
        assert!(scene.promise.owes());
    }
}

/// TK42
#[test]
fn open_is_broken_before_its_time_when_somebody_says_so() {
    let mut scene = later(2);
    scene.break_early("The part is not to be had.".to_owned(), Some(OWNER)).unwrap();
    assert_eq!((scene.promise.state, scene.promise.broken_at), (State::Broken, Some(after(2))));
    assert_eq!(scene.ticket.priority, Priority::High);
    assert!(scene.of_ticket.iter().all(|change| !public(change)), "the customer hears it with the apology");
    assert_eq!(invariant(again(scene, 3).break_early("Again.".to_owned(), None)), "TK42");
}

/// TK42
#[test]
fn broken_becomes_kept_late_and_an_apology_is_owed_all_the_same() {
    let mut scene = again(broken(), 30);
    scene.keep().unwrap();
    assert_eq!((scene.promise.state, scene.promise.broken_at), (State::KeptLate, Some(at(DUE))));
    assert!(scene.promise.owes());
    let mut scene = again(scene, 31);
    scene.apologize("We are sorry.".to_owned(), Some(OWNER)).unwrap();
    assert!(!scene.promise.owes());
}

/// TK42: whoever keeps it late is told so, even when nobody has looked since it was due.
#[test]
fn what_is_kept_after_its_due_time_was_broken_first() {
    let mut scene = later(30);
    scene.keep().unwrap();
    assert_eq!((scene.promise.state, acts(&scene)), (State::KeptLate, vec![Act::Broken, Act::Kept]));
}

/// TK44
#[test]
fn tk44_an_apology_is_made_once_for_what_is_broken_in_public() {
    assert_eq!(invariant(later(2).apologize("Sorry.".to_owned(), None)), "TK44");
    let mut scene = again(broken(), 25);
    scene.apologize("We are sorry.".to_owned(), Some(OWNER)).unwrap();
    assert!(public(scene.of_ticket.last().unwrap()));
    assert_eq!((scene.promise.state, scene.promise.owes()), (State::Broken, false));
    let clock = scene.ticket.clocks.get(Kind::Promise).unwrap();
    assert_eq!((clock.state, clock.breached_at), (clock::State::Canceled, Some(at(DUE))));
    assert_eq!(invariant(again(scene, 26).apologize("Sorry.".to_owned(), None)), "TK44");
}

/// TK45
#[test]
fn tk45_open_is_withdrawn_by_the_customers_word_and_what_is_broken_is_not() {
    let mut scene = later(2);
    scene.withdraw("Never mind.".to_owned()).unwrap();
    assert_eq!((scene.promise.state, scene.promise.owes()), (State::Withdrawn, false));
    assert_eq!(scene.of_ticket[0].message.as_ref().unwrap().author, Author::Customer);
    assert_eq!(scene.ticket.clocks.get(Kind::Promise).unwrap().state, clock::State::Canceled);
    assert_eq!(invariant(again(broken(), 25).withdraw("Never mind.".to_owned())), "TK45");
}

/// TK41
#[test]
fn tk41_open_is_assigned_and_what_is_over_is_not() {
    let mut scene = later(2);
    scene.assign(Some(HEIR)).unwrap();
    assert_eq!((scene.promise.owner, acts(&scene)), (Some(HEIR), vec![Act::Assigned]));
    assert!(scene.of_ticket.is_empty());
    assert_eq!(invariant(again(broken(), 25).assign(Some(HEIR))), "TK41");
}

/// Checks what holds whatever has happened.
fn holds(before: &Promise, scene: &Scene) {
    let now = &scene.promise;
    assert_eq!(now.version, before.version + i64::try_from(scene.of_promise.len()).unwrap());
    // TK42: what was broken stays so, at the same time; kept in time is before it was due.
    if before.broken_at.is_some() {
        assert_eq!(now.broken_at, before.broken_at);
        assert!(matches!(now.state, State::Broken | State::KeptLate));
    }
    assert!(now.broken_at.is_none_or(|at| at <= now.due_at));
    assert!(now.state != State::Kept || now.kept_at.unwrap() < now.due_at);
    // TK43
    assert!(now.due_at >= before.due_at && (now.renewals > before.renewals) == (now.due_at > before.due_at));
    // TK44: as many words of ours as apologies and renewals, and it is owed until then.
    let owed = now.state == State::Open || (now.broken_at.is_some() && now.apologized_at.is_none());
    assert_eq!(now.owes(), owed);
    // The clock is open while something is promised, and due when that is.
    let clock = scene.ticket.clocks.round(Kind::Promise, now.round);
    if now.state == State::Open {
        let clock = clock.unwrap();
        assert_eq!((clock.due_at, clock.is_open(), clock.breached_at), (now.due_at, true, None));
    }
    // The ticket is neither over nor resolved, whatever happens to its promise.
    assert!(scene.ticket.can_owe());
}

proptest! {
    /// TK41-TK45: whatever is tried in whatever order, a promise is never lost: it is owed, or kept, or called off by the customer.
    #[test]
    fn no_order_of_commands_loses_a_promise(commands in prop::collection::vec((0..7_u8, 0..20_i64), 1..40)) {
        let (mut ticket, mut promise) = made();
        let mut now = start();
        for (command, hours) in commands {
            now += SignedDuration::from_mins(hours * 30);
            let before = promise.clone();
            let ticket_before = ticket.clone();
            let mut scene = scene(promise, ticket, now);
            let tried = match command {
                0 => scene.keep(),
                1 | 2 => {
                    let later = office().add(now, SignedDuration::from_hours(hours + 1));
                    scene.renew(later, "Later.".to_owned(), None)
                }
                3 => scene.break_early("It cannot be.".to_owned(), None),
                4 => scene.apologize("Sorry.".to_owned(), None),
                5 => scene.withdraw("Never mind.".to_owned()),
                _ => scene.assign((hours % 2 == 0).then_some(HEIR)),
            };
            if tried.is_err() {
                // Nothing of what is refused is saved; time goes on all the same.
                scene = self::scene(before.clone(), ticket_before, now);
            }
            holds(&before, &scene);
            (ticket, promise) = (scene.ticket, scene.promise);
        }
    }
}
