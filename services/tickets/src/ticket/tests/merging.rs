//! One matter or several: merged, taken out again, split.

use seva_values::{BusinessCalendar, WeeklyInterval, Zone};

use super::*;
use crate::{
    clock::{Clock, ClockEvent},
    ticket::model::merging::{Before, Since, Split, UNMERGE_WITHIN},
};

const ANOTHER: Uuid = Uuid::from_u128(20);
/// Nothing has happened since a merge.
const NOTHING: Since = Since { is_depended_on: false, is_one_of_several: false, unanswered: None };

/// Another ticket of the same customer, opened so many hours after the start.
fn another(hours: i64, targets_in_hours: [i64; 3]) -> Ticket {
    let around = Surroundings {
        number: 1002,
        language: Language::parse("hi").unwrap(),
        tier: Tier::Standard,
        department: Some(DEPARTMENT),
        calendar: Calendar::always(),
        targets: targets(targets_in_hours),
        policy_version: 1,
    };
    let new = NewTicket {
        customer: Uuid::from_u128(1),
        kind: Kind::Delivery,
        priority: Priority::Normal,
        title: "It has still not come".to_owned(),
        stated_problem: String::new(),
        tags: Vec::new(),
        fields: Values::default(),
        matter: None,
        follow_up_of: None,
    };
    written(Ticket::open(ANOTHER, new, around, Story::begun_by("test").into(), after_hours(hours)))
}

/// The invariant that has refused.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let status = tonic::Status::from(result.unwrap_err());
    let details = tonic_types::StatusExt::get_error_details(&status);
    details.precondition_failure().unwrap().violations[0].r#type.clone()
}

fn clock(ticket: &Ticket, kind: clock::Kind) -> &Clock {
    ticket.clocks.get(kind).unwrap()
}

#[test]
fn tk50_what_is_not_over_is_carried_on_in_what_is_not_over_and_in_nothing_else() {
    for source in every() {
        let is_possible = !source.is_over();
        match source.merge_into(&another(0, [4, 16, 48]), false, after_hours(5)) {
            Ok(([merged, carrier], _)) => {
                assert!(is_possible, "{:?}", source.state);
                let Ticket { state, merged_into, assignee, wait_until, verification_due_at, .. } = merged.ticket;
                assert_eq!((state, merged_into), (State::Merged, Some((ANOTHER, after_hours(5)))));
                assert_eq!((assignee, wait_until, verification_due_at), (None, None, None));
                assert_eq!((merged.act, carrier.act), (Act::Merged, Act::Updated));
                assert!(merged.message.is_some_and(|note| note.visibility == Visibility::Internal));
                assert!(merged.ticket.clocks.iter().all(|clock| !clock.is_open()));
            }
            Err(error) => {
                assert!(!is_possible, "{:?}: {error}", source.state);
                assert_eq!(refused::<()>(Err(error)), "TK50");
            }
        }
    }
    for target in every() {
        let merged = another(0, [4, 16, 48]).merge_into(&target, false, after_hours(5));
        assert_eq!(merged.is_ok(), !target.is_over(), "{:?}", target.state);
    }
    assert_eq!(refused(opened().merge_into(&opened(), false, start())), "TK50");
}

#[test]
fn tk52_tickets_of_two_customers_are_one_matter_only_when_somebody_says_so() {
    let foreign = Ticket { customer: Uuid::from_u128(99), ..another(0, [4, 16, 48]) };
    assert_eq!(refused(opened().merge_into(&foreign, false, after_hours(1))), "TK52");
    opened().merge_into(&foreign, true, after_hours(1)).unwrap();
}

#[test]
fn tk11_what_is_under_way_is_not_carried_elsewhere() {
    let held = Ticket { open_work: 1, ..opened() };
    assert_eq!(refused(held.merge_into(&another(0, [4, 16, 48]), false, after_hours(1))), "TK11");
}

#[test]
fn tk51_the_target_keeps_the_earlier_start_and_the_stricter_due_time() {
    // It came three hours later and has more time for the answer, less for the solution.
    let target = another(3, [10, 12, 100]);
    let ([_, carrier], _) = opened().merge_into(&target, false, after_hours(3)).unwrap();
    let first = clock(&carrier.ticket, clock::Kind::FirstResponse);
    assert_eq!((first.started_at, first.due_at), (start(), after_hours(4)));
    let solved = clock(&carrier.ticket, clock::Kind::ResolutionFirst);
    assert_eq!((solved.started_at, solved.due_at), (start(), after_hours(15)), "its own is stricter");
    let total = clock(&carrier.ticket, clock::Kind::ResolutionTotal);
    assert_eq!((total.started_at, total.due_at), (start(), after_hours(48)));
}

#[test]
fn tk51_whoever_waits_for_an_answer_in_the_one_waits_for_it_in_the_other() {
    let answered = another(0, [4, 16, 48]).reply(says(Author::Staff, Visibility::Public), after_hours(1)).unwrap();
    let ([_, carrier], _) = opened().merge_into(&written(answered), false, after_hours(2)).unwrap();
    let next = clock(&carrier.ticket, clock::Kind::NextResponse);
    assert_eq!((next.state, next.started_at, next.due_at), (clock::State::Running, start(), after_hours(4)));
    assert_eq!(clock(&carrier.ticket, clock::Kind::FirstResponse).state, clock::State::Met, "what was met stays so");
}

#[test]
fn tk51_what_was_due_in_the_one_is_late_in_the_other_and_stays_late_in_both() {
    let ([source, carrier], _) = opened().merge_into(&another(6, [4, 16, 48]), false, after_hours(7)).unwrap();
    for ticket in [&source.ticket, &carrier.ticket] {
        assert_eq!(clock(ticket, clock::Kind::FirstResponse).breached_at, Some(after_hours(4)));
    }
}

#[test]
fn tk51_what_stood_still_in_the_one_has_as_much_time_left_in_the_other() {
    // Asked an hour after the start: fifteen hours of sixteen are left.
    let ([_, carrier], _) = pending().merge_into(&another(90, [4, 20, 48]), false, after_hours(96)).unwrap();
    let solved = clock(&carrier.ticket, clock::Kind::ResolutionFirst);
    assert_eq!((solved.breached_at, solved.due_at), (None, after_hours(90 + 20)), "its own is stricter");
    let ([_, carrier], _) = pending().merge_into(&another(90, [4, 40, 96]), false, after_hours(96)).unwrap();
    assert_eq!(clock(&carrier.ticket, clock::Kind::ResolutionFirst).due_at, after_hours(96 + 15));
}

#[test]
fn tk54_the_target_has_its_own_times_again_when_a_merge_is_undone() {
    let answered = another(3, [4, 16, 48]).reply(says(Author::Staff, Visibility::Public), after_hours(4)).unwrap();
    let target = written(answered);
    let own = [clock::Kind::ResolutionFirst, clock::Kind::ResolutionTotal];
    let times = |ticket: &Ticket| own.map(|kind| (clock(ticket, kind).started_at, clock(ticket, kind).due_at));
    let merge = || {
        let ([source, carrier], taken_over) = opened().merge_into(&target, false, after_hours(5)).unwrap();
        let before = Before { state: State::New, assignee: None, taken_over };
        (written(source), written(carrier), before)
    };
    let (source, carrier, before) = merge();
    assert_eq!(times(&carrier), [(start(), after_hours(16)), (start(), after_hours(48))]);
    assert_eq!(clock(&carrier, clock::Kind::NextResponse).state, clock::State::Running, "they wait for it here");
    let undone = |since| source.unmerge_from(&carrier, &before, since, after_hours(6)).unwrap()[1].ticket.clone();
    let alone = undone(NOTHING);
    assert_eq!(times(&alone), times(&target));
    assert_eq!(clock(&alone, clock::Kind::NextResponse).state, clock::State::Canceled);

    let waits = undone(Since { unanswered: Some(after_hours(5)), ..NOTHING });
    let next = clock(&waits, clock::Kind::NextResponse);
    assert_eq!((next.state, next.started_at), (clock::State::Running, after_hours(5)), "its own customer waits");

    let several = undone(Since { is_one_of_several: true, ..NOTHING });
    assert_eq!(times(&several), times(&carrier), "it counts for the others as well");
}

#[test]
fn tk54_a_merge_is_undone_within_thirty_days_and_time_between_counted_elsewhere() {
    let target = another(0, [4, 16, 48]);
    let ([source, carrier], taken_over) = pending().merge_into(&target, false, after_hours(5)).unwrap();
    let (source, carrier) = (written(source), written(carrier));
    let before = Before { state: State::PendingCustomer, assignee: Some(MEMBER), taken_over };
    let [again, other] = source.unmerge_from(&carrier, &before, NOTHING, after_hours(25)).unwrap();
    assert_eq!((again.act, other.act), (Act::Unmerged, Act::Updated));
    let again = again.ticket;
    assert_eq!((again.state, again.merged_into, again.route_at), (State::New, None, Some(after_hours(25))));
    // It was paused by the question an hour after the start, and was merged then.
    let solved = clock(&again, clock::Kind::ResolutionFirst);
    assert_eq!((solved.state, solved.due_at), (clock::State::Running, after_hours(16 + 24)));

    assert_eq!(
        refused(source.unmerge_from(&carrier, &before, Since { is_depended_on: true, ..NOTHING }, after_hours(25))),
        "TK54",
        "something was said"
    );
    let late = after_hours(5) + UNMERGE_WITHIN;
    assert_eq!(refused(source.unmerge_from(&carrier, &before, NOTHING, late)), "TK54");
    assert_eq!(refused(opened().unmerge_from(&carrier, &before, NOTHING, after_hours(25))), "TK54");
}

#[test]
fn tk54_what_was_resolved_is_resolved_again_and_its_customer_has_the_whole_time_to_answer() {
    let ([source, carrier], _) = resolved().merge_into(&another(0, [4, 16, 48]), false, after_hours(5)).unwrap();
    let before = Before { state: State::Resolved, assignee: Some(MEMBER), taken_over: Vec::new() };
    let [again, _] = written(source).unmerge_from(&written(carrier), &before, NOTHING, after_hours(6)).unwrap();
    let again = again.ticket;
    assert_eq!((again.state, again.verification_due_at), (State::Resolved, Some(after_hours(6) + VERIFY_EVERY)));
    assert_eq!(clock(&again, clock::Kind::ResolutionTotal).state, clock::State::Paused);
    assert_eq!(clock(&again, clock::Kind::Verification).state, clock::State::Running);
}

/// Monday to Friday from nine to six, in UTC.
fn office() -> Calendar {
    let time = |hour| jiff::civil::Time::constant(hour, 0, 0, 0);
    let days = jiff::civil::Weekday::Monday.cycle_forward().take(5);
    let week = days.map(|day| WeeklyInterval::new(day, time(9), time(18))).collect();
    Calendar::of(DEPARTMENT, 1, BusinessCalendar::new(Zone::parse("UTC").unwrap(), week, Vec::new()).unwrap())
}

#[test]
fn tk51_a_due_time_outside_the_targets_hours_is_no_breach_and_never_before_it() {
    // On Saturday at noon and on Sunday, counted at all hours from Friday at seven in the evening.
    let (evening, monday) = (after_hours(4 * 24 + 10), after_hours(7 * 24));
    let source = another(4 * 24 + 10, [17, 30, 48]);
    for opened_at in [evening, evening - SignedDuration::from_hours(2)] {
        let target = target_in(&office(), opened_at);
        let ([_, carrier], _) = source.merge_into(&target, false, evening + SignedDuration::from_hours(1)).unwrap();
        for kind in [clock::Kind::FirstResponse, clock::Kind::ResolutionFirst] {
            let kept = clock(&carrier.ticket, kind);
            let theirs = clock(&source, kind);
            assert!(kept.breached_at.is_none(), "{kept:?}");
            assert!(theirs.due_at < monday && kept.due_at >= monday, "{kept:?}");
            assert!(kept.due_at < monday + SignedDuration::from_secs(1), "as soon as somebody works: {kept:?}");
        }
    }
    // Who waits there for the next answer waits here as strictly.
    let answered = written(target_in(&office(), after_hours(0)).assign(MEMBER, false, after_hours(0)).unwrap());
    let answered = written(answered.reply(says(Author::Staff, Visibility::Public), after_hours(1)).unwrap());
    let ([_, carrier], _) = source.merge_into(&answered, false, evening + SignedDuration::from_hours(1)).unwrap();
    let next = clock(&carrier.ticket, clock::Kind::NextResponse);
    assert!(next.breached_at.is_none() && next.due_at >= monday && next.due_at < monday + SignedDuration::from_secs(1));
}

/// A ticket that keeps to this calendar.
fn target_in(calendar: &Calendar, at: Timestamp) -> Ticket {
    let clocks = clock::Clocks::start(&targets([4, 16, 48]), 1, calendar, at).written();
    Ticket { id: Uuid::from_u128(21), clocks, created_at: at, ..another(0, [4, 16, 48]) }
}

#[test]
fn tk55_the_clocks_of_what_is_split_off_count_from_its_first_message_on() {
    let said = |hours, author| Message { author, created_at: after_hours(hours), ..record() };
    let taken = [said(1, Author::Customer), said(3, Author::Staff), said(4, Author::Customer)];
    let opened_then = |hours| {
        let ticket = another(hours, [4, 16, 48]);
        Change { ticket, ..created() }
    };
    let Split { origin, opened: new, passed } = opened().split(opened_then(1), &taken, after_hours(20)).unwrap();
    assert_eq!((origin.act, new.act), (Act::Updated, Act::Created));
    let told: Vec<_> = passed.iter().map(|change| (change.act, change.ticket.version)).collect();
    assert_eq!(told, [(Act::ClockWarned, 2)], "half of the first response was over when staff answered (TK29)");
    let mut new = new.ticket;
    new.clocks.pass(after_hours(20));
    assert_eq!((new.state, new.created_at, new.route_at), (State::New, after_hours(20), Some(after_hours(20))));
    let first = clock(&new, clock::Kind::FirstResponse);
    assert_eq!((first.started_at, first.met_at), (after_hours(1), Some(after_hours(3))));
    let next = clock(&new, clock::Kind::NextResponse);
    assert_eq!((next.started_at, next.breached_at), (after_hours(4), Some(after_hours(4 + 5))), "it waits since then");
    assert_eq!(clock(&new, clock::Kind::ResolutionFirst).breached_at, Some(after_hours(17)));
    assert_eq!(refused(closed().split(opened_then(1), &taken, after_hours(20))), "TK55");
}

#[test]
fn tk59_a_cause_that_is_removed_resolves_what_nobody_has_yet_as_well() {
    for ticket in every() {
        let resolved = ticket.resolve_with_cause(
            &Schema::default(),
            root(),
            "It is mended.".to_owned(),
            &Reach::by_mail(),
            after_hours(50),
        );
        match resolved {
            Ok(change) => {
                assert!(not_resolved().contains(&ticket.state), "{:?}", ticket.state);
                assert_eq!((change.ticket.state, change.act), (State::Resolved, Act::Resolved));
                assert_eq!((change.ticket.route_at, change.ticket.closure), (None, None), "nothing is closed");
                assert_eq!(change.ticket.verification_attempts, 1, "the customer is asked");
            }
            Err(error) => {
                assert!(!not_resolved().contains(&ticket.state), "{:?}", ticket.state);
                assert_eq!(refused::<()>(Err(error)), "TK3");
            }
        }
    }
}

/// TK20
fn is_the_fold(ticket: &Ticket) -> bool {
    ticket.clocks.iter().all(|clock| {
        let own = |event: &&ClockEvent| (event.clock, event.round) == (clock.kind, clock.round);
        let events: Vec<ClockEvent> = ticket.clocks.pending().iter().filter(own).copied().collect();
        Clock::fold(1, Calendar::always(), &events).unwrap() == *clock
    })
}

/// What may happen to one of two tickets before they are one.
fn a_step() -> impl Strategy<Value = (bool, u8, i64)> {
    (any::<bool>(), 0..5_u8, 0..20_i64)
}

fn stepped(ticket: &Ticket, step: u8, now: Timestamp) -> Option<Ticket> {
    let change = match step {
        0 => ticket.reply(says(Author::Staff, Visibility::Public), now),
        1 => ticket.reply(says(Author::Customer, Visibility::Public), now),
        2 => ticket.reply(question(), now),
        3 => ticket.assign(MEMBER, false, now),
        _ => ticket.unassign(now),
    };
    change.ok().map(|change| change.ticket)
}

proptest! {
    /// TK51, TK54: whatever happened to both before, the target is as strict as the stricter of both, no breach is lost, and all is still the fold
    /// of what happened (TK20), also when it is undone.
    #[test]
    fn no_history_makes_a_merge_forget_a_start_a_due_time_or_a_breach(
        steps in proptest::collection::vec(a_step(), 0..12),
        later in 0..12_i64,
        own in (1..60_i64, 1..60_i64, 1..200_i64),
        merged_for in 0..100_i64,
    ) {
        let (mut source, target) = (created().ticket, another(later, [own.0, own.1, own.2]));
        // With all its events, so that it can be folded.
        let clocks = clock::Clocks::start(&target.targets, 1, &Calendar::always(), after_hours(later));
        let mut target = Ticket { clocks, ..target };
        let mut hours = later;
        for (of_source, step, pause) in steps {
            hours += pause;
            let ticket = if of_source { &mut source } else { &mut target };
            if let Some(next) = stepped(ticket, step, after_hours(hours)) {
                *ticket = next;
            }
        }
        let now = after_hours(hours);
        let (mut at_source, mut at_target) = (source.clone(), target.clone());
        at_source.clocks.pass(now);
        at_target.clocks.pass(now);
        // What stood still counts there.
        let mut counted = at_source.clone();
        counted.clocks.resume(now);
        let ([merged, carrier], taken_over) = source.merge_into(&target, false, now).unwrap();
        let kinds = [clock::Kind::FirstResponse, clock::Kind::ResolutionFirst, clock::Kind::ResolutionTotal, clock::Kind::UpdateCadence];
        for kind in kinds {
            let (Some(theirs), Some(ours)) = (counted.clocks.get(kind), at_target.clocks.get(kind)) else { continue };
            let kept = carrier.ticket.clocks.get(kind).unwrap();
            prop_assert!(kept.breached_at.is_some() || ours.breached_at.is_none());
            prop_assert_eq!(merged.ticket.clocks.get(kind).unwrap().breached_at, theirs.breached_at);
            if theirs.is_open() && ours.is_open() {
                prop_assert_eq!(kept.started_at, theirs.started_at.min(ours.started_at));
                prop_assert_eq!(kept.due_at, theirs.due_at.min(ours.due_at));
                prop_assert_eq!(kept.state, ours.state);
            }
        }
        let waits = |ticket: &Ticket| [clock::Kind::FirstResponse, clock::Kind::NextResponse].into_iter()
            .filter_map(|kind| ticket.clocks.get(kind)).filter(|clock| clock.is_open()).map(|clock| clock.due_at).min();
        prop_assert_eq!(waits(&carrier.ticket), waits(&at_source).into_iter().chain(waits(&at_target)).min());
        prop_assert!(clocks_agree(&merged.ticket) && clocks_agree(&carrier.ticket));
        prop_assert!(is_the_fold(&merged.ticket) && is_the_fold(&carrier.ticket));

        let before = Before { state: State::New, assignee: None, taken_over };
        let then = now + SignedDuration::from_hours(merged_for);
        let [again, alone] = merged.ticket.unmerge_from(&carrier.ticket, &before, NOTHING, then).unwrap();
        prop_assert!(clocks_agree(&again.ticket) && is_the_fold(&again.ticket));
        prop_assert!(clocks_agree(&alone.ticket) && is_the_fold(&alone.ticket));
        for clock in at_target.clocks.iter().filter(|clock| clock.is_open()) {
            let after = alone.ticket.clocks.round(clock.kind, clock.round).unwrap();
            prop_assert_eq!((after.started_at, after.due_at), (clock.started_at, clock.due_at), "its own again");
        }
        for clock in at_source.clocks.iter().filter(|clock| clock.is_open()) {
            let after = again.ticket.clocks.round(clock.kind, clock.round).unwrap();
            prop_assert!(after.is_open() && after.started_at == clock.started_at);
            prop_assert!(after.due_at >= clock.due_at && (clock.breached_at.is_none() || after.breached_at == clock.breached_at));
        }
    }
}
