//! Rules of clocks, one by one; random stories are in [`properties`].

mod properties;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Time, Weekday},
};
use seva_values::{BusinessCalendar, DatedException, WeeklyInterval, Zone, new_id};

use super::*;
use crate::policy::Targets;

/// A Monday, 09:00 in Kolkata.
const MONDAY: &str = "2026-03-02T03:30:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// What a new ticket begins with.
const BEGUN: [Kind; 3] = [Kind::FirstResponse, Kind::ResolutionFirst, Kind::ResolutionTotal];

/// Half an hour, four hours, and twenty-four; an hour for each later answer, and a word every eight.
fn targets() -> Targets {
    Targets {
        first_response: minutes(30),
        next_response: minutes(60),
        update_cadence: minutes(480),
        resolution_first: minutes(240),
        resolution_total: minutes(1440),
        ..Targets::default()
    }
}

/// Monday to Friday from nine to six, closed on these dates.
fn office(zone: &str, closed: &[&str]) -> Calendar {
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let week = days.map(|day| WeeklyInterval::new(day, Time::constant(9, 0, 0, 0), Time::constant(18, 0, 0, 0)));
    let closed = closed.iter().map(|date| DatedException { date: date.parse().unwrap(), intervals: Vec::new() });
    let hours = BusinessCalendar::new(Zone::parse(zone).unwrap(), week.to_vec(), closed.collect()).unwrap();
    Calendar::of(new_id(), 1, hours)
}

fn started(calendar: &Calendar) -> Clocks {
    Clocks::start(&targets(), 1, calendar, at(MONDAY)).written()
}

fn due(clocks: &Clocks, kind: Kind) -> String {
    clocks.get(kind).unwrap().due_at.to_string()
}

/// What happened, apart from warnings.
fn steps(clocks: &Clocks) -> Vec<(Kind, Step)> {
    let told = clocks.pending().iter().filter(|event| !matches!(event.step, Step::Warned50 | Step::Warned80));
    told.map(|event| (event.clock, event.step)).collect()
}

/// Lets time pass; answers what was breached.
fn breached(clocks: &mut Clocks, now: Timestamp) -> Vec<Kind> {
    let passed = clocks.pass(now).into_iter().filter(|event| event.step == Step::Breached);
    passed.map(|event| event.clock).collect()
}

/// TK20
#[test]
fn a_new_ticket_starts_three_clocks_by_its_departments_hours() {
    let clocks = Clocks::start(&targets(), 7, &office("Asia/Kolkata", &[]), at(MONDAY));

    assert_eq!(due(&clocks, Kind::FirstResponse), "2026-03-02T04:00:00Z");
    assert_eq!(due(&clocks, Kind::ResolutionFirst), "2026-03-02T07:30:00Z");
    // Nine hours on Monday and on Tuesday, six on Wednesday.
    assert_eq!(due(&clocks, Kind::ResolutionTotal), "2026-03-04T09:30:00Z");
    assert_eq!(clocks.policy_version(), Some(7));
    assert_eq!(clocks.pending().iter().map(|event| event.step).collect::<Vec<_>>(), [Step::Started; 3]);
    assert_eq!(clocks.iter().map(|clock| clock.kind).collect::<Vec<_>>(), BEGUN);
}

/// TK21
#[test]
fn what_is_said_while_the_customer_has_the_word_starts_no_cadence_that_runs() {
    let mut clocks = started(&office("Asia/Kolkata", &[]));
    clocks.taken(&targets(), at(MONDAY));
    clocks.pause(at("2026-03-02T04:30:00Z"));
    clocks.respond(&targets(), true, at("2026-03-02T05:30:00Z"));
    let cadence = clocks.get(Kind::UpdateCadence).unwrap();
    assert_eq!((cadence.round, cadence.state), (2, State::Paused));
    assert_eq!(breached(&mut clocks, at("2026-03-06T05:30:00Z")), []);
    // The customer answers a day later: from then on it has all of its time.
    clocks.resume(at("2026-03-09T03:30:00Z"));
    assert_eq!(due(&clocks, Kind::UpdateCadence), "2026-03-09T11:30:00Z");
}

/// TK20: without a department every hour counts.
#[test]
fn without_a_calendar_every_hour_counts() {
    let clocks = started(&Calendar::always());
    assert_eq!(due(&clocks, Kind::ResolutionTotal), "2026-03-03T03:30:00Z");
    assert_eq!(clocks.get(Kind::ResolutionTotal).unwrap().calendar.version(), 0);
}

/// TK20
#[test]
fn a_holiday_does_not_count() {
    let clocks = started(&office("Asia/Kolkata", &["2026-03-03"]));
    assert_eq!(due(&clocks, Kind::ResolutionTotal), "2026-03-05T09:30:00Z");
}

/// TK20: the same working hours end at another instant when the clocks were moved meanwhile.
#[test]
fn due_times_follow_both_changes_of_the_clocks() {
    for (friday, due_at) in [
        // Spring forward on the Sunday between; an hour of the night is skipped, none of the work.
        ("2026-03-27T15:00:00Z", "2026-03-30T08:00:00Z"),
        // And back.
        ("2026-10-23T14:00:00Z", "2026-10-26T09:00:00Z"),
    ] {
        let clocks = Clocks::start(&targets(), 1, &office("Europe/Berlin", &[]), at(friday));
        // Two hours are left on Friday, two are worked on Monday from nine on.
        let monday = at(due_at) + minutes(60);
        assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().due_at, monday, "{friday}");
    }
}

/// TK21
#[test]
fn a_pause_never_applies_to_the_first_response() {
    let mut clocks = started(&Calendar::always());
    clocks.pause(at("2026-03-02T03:40:00Z"));
    assert_eq!(steps(&clocks), [(Kind::ResolutionFirst, Step::Paused), (Kind::ResolutionTotal, Step::Paused)]);
    clocks.resume(at("2026-03-02T03:50:00Z"));
    assert_eq!(due(&clocks, Kind::FirstResponse), "2026-03-02T04:00:00Z");
    assert_eq!(due(&clocks, Kind::ResolutionFirst), "2026-03-02T07:40:00Z");
}

/// TK21
#[test]
fn a_pause_while_paused_changes_nothing() {
    let mut clocks = started(&Calendar::always());
    clocks.pause(at("2026-03-02T03:40:00Z"));
    let once = clocks.clone();
    clocks.pause(at("2026-03-02T03:44:00Z"));
    assert_eq!(clocks, once);
}

/// TK20: only working time of a pause is added.
#[test]
fn a_pause_over_night_adds_its_working_time_only() {
    let mut clocks = started(&office("Asia/Kolkata", &[]));
    clocks.respond(&targets(), false, at("2026-03-02T03:31:00Z"));
    // From half past twelve, half an hour before it was due, until ten on Tuesday: five and a half hours, and one.
    clocks.pause(at("2026-03-02T07:00:00Z"));
    clocks.resume(at("2026-03-03T04:30:00Z"));
    assert_eq!(due(&clocks, Kind::ResolutionFirst), "2026-03-03T05:00:00Z");
}

/// TK22: how late it is found makes no difference.
#[test]
fn a_breach_is_at_the_due_time_however_late_it_is_found() {
    for found_at in ["2026-03-02T04:00:00Z", "2026-03-02T05:12:13Z"] {
        let mut clocks = started(&Calendar::always());
        assert_eq!(breached(&mut clocks, at("2026-03-02T03:59:59Z")), []);
        assert_eq!(breached(&mut clocks, at(found_at)), [Kind::FirstResponse]);
        assert_eq!(clocks.get(Kind::FirstResponse).unwrap().breached_at, Some(at("2026-03-02T04:00:00Z")));
        assert_eq!(breached(&mut clocks, at(found_at)), []);
        assert_eq!(steps(&clocks), [(Kind::FirstResponse, Step::Breached)]);
    }
}

/// TK22
#[test]
fn a_paused_clock_is_not_breached() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T03:40:00Z"));
    clocks.pause(at("2026-03-02T03:40:00Z"));
    assert_eq!(breached(&mut clocks, at("2026-04-01T00:00:00Z")), []);
}

/// TK23
#[test]
fn what_is_met_after_its_due_time_is_breached_and_met() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T04:10:00Z"));
    let first_response = clocks.get(Kind::FirstResponse).unwrap();
    assert_eq!(first_response.state, State::Met);
    assert_eq!(first_response.met_at, Some(at("2026-03-02T04:10:00Z")));
    assert_eq!(first_response.breached_at, Some(at("2026-03-02T04:00:00Z")));
    assert_eq!(steps(&clocks), [(Kind::FirstResponse, Step::Breached), (Kind::FirstResponse, Step::Met)]);
}

/// TK22: what is reached at the due time itself is late, whoever comes first.
#[test]
fn the_due_time_itself_is_late() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T04:00:00Z"));
    assert!(clocks.get(Kind::FirstResponse).unwrap().breached_at.is_some());
}

/// TK25
#[test]
fn another_target_counts_from_the_original_start_and_keeps_pauses() {
    let mut clocks = started(&Calendar::always());
    clocks.pause(at("2026-03-02T03:40:00Z"));
    clocks.resume(at("2026-03-02T04:40:00Z"));
    let targets = Targets { resolution_first: minutes(480), ..targets() };
    let mut clocks = clocks.written();
    clocks.retarget(&targets, at("2026-03-02T05:00:00Z"));
    // Eight hours and the hour of the pause after 03:30.
    assert_eq!(due(&clocks, Kind::ResolutionFirst), "2026-03-02T12:30:00Z");
    assert_eq!(steps(&clocks), [(Kind::ResolutionFirst, Step::Retargeted)]);
}

/// TK22, TK25
#[test]
fn another_target_that_is_over_already_is_breached_at_its_own_due_time() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T03:31:00Z"));
    clocks.retarget(&Targets { resolution_first: minutes(60), ..targets() }, at("2026-03-02T05:30:00Z"));
    assert!(clocks.has_passed(at("2026-03-02T05:30:00Z")), "whoever looks after clocks tells it");
    assert_eq!(breached(&mut clocks, at("2026-03-02T05:30:00Z")), [Kind::ResolutionFirst]);
    assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().breached_at, Some(at("2026-03-02T04:30:00Z")));
}

/// TK23
#[test]
fn a_breach_outlives_another_target_a_reopening_and_the_cancellation() {
    let mut clocks = started(&Calendar::always());
    breached(&mut clocks, at("2026-03-03T03:30:00Z"));
    let breaches = |clocks: &Clocks| BEGUN.map(|kind| clocks.get(kind).unwrap().breached_at);
    let before = breaches(&clocks);
    assert!(before.iter().all(Option::is_some));
    clocks.retarget(
        &Targets { resolution_first: minutes(9600), resolution_total: minutes(9600), ..targets() },
        at("2026-03-03T04:00:00Z"),
    );
    clocks.resolve(at("2026-03-03T05:00:00Z"));
    clocks.close(at("2026-03-03T06:00:00Z"));
    clocks.reopen(at("2026-03-03T07:00:00Z"));
    clocks.cancel(at("2026-03-03T08:00:00Z"));
    assert_eq!(breaches(&clocks), before);
}

/// TK26
#[test]
fn reopening_resumes_the_total_and_leaves_the_first_resolution_met() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T03:40:00Z"));
    clocks.resolve(at("2026-03-02T04:30:00Z"));
    assert_eq!(clocks.get(Kind::ResolutionTotal).unwrap().state, State::Paused);
    clocks.answered(at("2026-03-02T05:30:00Z"));
    clocks.close(at("2026-03-02T05:30:00Z"));
    assert!(clocks.iter().all(|clock| clock.state == State::Met));
    clocks.reopen(at("2026-03-02T06:30:00Z"));

    let (first, total) = (clocks.get(Kind::ResolutionFirst).unwrap(), clocks.get(Kind::ResolutionTotal).unwrap());
    assert_eq!((first.state, first.met_at), (State::Met, Some(at("2026-03-02T04:30:00Z"))));
    // It has not counted since it was resolved.
    assert_eq!((total.state, total.met_at, total.paused), (State::Running, None, minutes(120)));
    assert_eq!(total.due_at, at("2026-03-03T05:30:00Z"));
    clocks.resolve(at("2026-03-02T07:30:00Z"));
    assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().met_at, Some(at("2026-03-02T04:30:00Z")));
}

/// TK26
#[test]
fn what_is_canceled_is_not_met_and_what_was_met_is_not_canceled() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T03:40:00Z"));
    clocks.cancel(at("2026-03-02T03:50:00Z"));
    let states: Vec<_> = BEGUN.iter().map(|kind| clocks.get(*kind).unwrap().state).collect();
    assert_eq!(states, [State::Met, State::Canceled, State::Canceled]);
    let canceled = clocks.clone();
    clocks.resume(at("2026-03-02T04:00:00Z"));
    clocks.reopen(at("2026-03-02T04:00:00Z"));
    clocks.close(at("2026-03-02T04:00:00Z"));
    assert_eq!(breached(&mut clocks, at("2027-01-01T00:00:00Z")), []);
    assert_eq!(clocks, canceled);
}

/// Two processes' clocks differ a little.
#[test]
fn time_does_not_run_backwards() {
    let mut clocks = started(&Calendar::always());
    clocks.pause(at("2026-03-02T03:40:00Z"));
    clocks.resume(at("2026-03-02T03:39:59Z"));
    assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().paused, SignedDuration::ZERO);
    assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().changed_at, at("2026-03-02T03:40:00Z"));
}

/// TK20
#[test]
fn events_that_no_clock_had_are_not_folded() {
    let (_, first) = Clock::start((Kind::FirstResponse, 1), minutes(1), 1, Calendar::always(), at(MONDAY));
    let fold = |events: &[ClockEvent]| Clock::fold(1, Calendar::always(), events);
    assert!(fold(&[]).is_err());
    assert!(fold(&[ClockEvent { step: Step::Met, ..first }]).is_err());
    assert!(fold(&[first, ClockEvent { number: 3, step: Step::Met, ..first }]).is_err());
    assert!(fold(&[first, ClockEvent { number: 2, ..first }]).is_err());
    assert!(fold(&[first, ClockEvent { number: 2, round: 2, step: Step::Met, ..first }]).is_err());
    assert!(fold(&[first, ClockEvent { number: 2, step: Step::Met, ..first }]).is_ok());
}

/// TK28: they wait from the first word on that has no answer, and the next word after an answer begins another round.
#[test]
fn a_customer_who_has_said_something_waits_from_their_first_word_that_has_no_answer() {
    let mut clocks = started(&Calendar::always());
    clocks.customer_spoke(&targets(), at("2026-03-02T03:35:00Z"));
    assert!(clocks.get(Kind::NextResponse).is_none(), "they have had no first answer");
    clocks.respond(&targets(), true, at("2026-03-02T03:40:00Z"));
    clocks.customer_spoke(&targets(), at("2026-03-02T04:00:00Z"));
    clocks.customer_spoke(&targets(), at("2026-03-02T04:10:00Z"));
    assert_eq!(due(&clocks, Kind::NextResponse), "2026-03-02T05:00:00Z");
    clocks.pause(at("2026-03-02T04:20:00Z"));
    assert_eq!(clocks.get(Kind::NextResponse).unwrap().state, State::Running, "TK21");
    clocks.respond(&targets(), true, at("2026-03-02T05:30:00Z"));
    clocks.customer_spoke(&targets(), at("2026-03-02T06:00:00Z"));
    let rounds: Vec<_> = (1..=2).map(|round| clocks.round(Kind::NextResponse, round).unwrap()).collect();
    assert_eq!((rounds[0].state, rounds[1].state), (State::Met, State::Running));
    assert_eq!(rounds[0].breached_at, Some(at("2026-03-02T05:00:00Z")), "TK23: the breach stays with its round");
    assert_eq!(rounds[1].due_at, at("2026-03-02T07:00:00Z"));
}

/// TK28: whoever has it tells the customer something in time, and every word begins the time anew.
#[test]
fn the_cadence_of_news_runs_while_it_is_worked_on() {
    let mut clocks = started(&Calendar::always());
    clocks.taken(&targets(), at("2026-03-02T04:00:00Z"));
    clocks.taken(&targets(), at("2026-03-02T05:00:00Z"));
    assert_eq!(due(&clocks, Kind::UpdateCadence), "2026-03-02T12:00:00Z", "another assignee is no news");
    clocks.respond(&targets(), true, at("2026-03-02T06:00:00Z"));
    assert_eq!(clocks.get(Kind::UpdateCadence).unwrap().round, 2);
    assert_eq!(due(&clocks, Kind::UpdateCadence), "2026-03-02T14:00:00Z");
    clocks.pause(at("2026-03-02T07:00:00Z"));
    clocks.resume(at("2026-03-02T09:00:00Z"));
    assert_eq!(
        due(&clocks, Kind::UpdateCadence),
        "2026-03-02T16:00:00Z",
        "while it is their turn nobody owes them news"
    );
    clocks.resolve(at("2026-03-02T10:00:00Z"));
    assert_eq!(clocks.get(Kind::UpdateCadence).unwrap().state, State::Met);
}

/// TK29
#[test]
fn a_clock_warns_at_half_and_at_four_fifths_of_its_working_time() {
    let mut clocks = started(&office("Asia/Kolkata", &[]));
    let passed = clocks.pass(at("2026-03-03T03:30:00Z"));
    let warnings: Vec<_> = passed
        .iter()
        .filter(|event| event.clock == Kind::ResolutionTotal)
        .map(|event| (event.step, event.at.to_string()))
        .collect();
    // Half of twenty-four hours: nine on Monday, and three on Tuesday have not passed.
    assert_eq!(warnings, []);
    let passed = clocks.pass(at("2026-03-04T09:00:00Z"));
    let warnings: Vec<_> = passed.iter().map(|event| (event.clock, event.step, event.at.to_string())).collect();
    let total = Kind::ResolutionTotal;
    let expected = [
        (total, Step::Warned50, "2026-03-03T06:30:00Z".to_owned()),
        // Nineteen hours and twelve minutes: an hour and twelve minutes of Wednesday.
        (total, Step::Warned80, "2026-03-04T04:42:00Z".to_owned()),
    ];
    assert_eq!(warnings, expected);
    assert_eq!(clocks.get(total).unwrap().next_at(), Some(at("2026-03-04T09:30:00Z")));
    assert_eq!(clocks.pass(at("2026-03-04T09:00:00Z")), [], "once each");
}

/// TK29: what a pause adds moves the warnings as it moves the due time.
#[test]
fn a_pause_moves_the_warnings_too() {
    let mut clocks = started(&Calendar::always());
    clocks.pause(at("2026-03-02T03:40:00Z"));
    clocks.resume(at("2026-03-02T04:40:00Z"));
    assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().next_at(), Some(at("2026-03-02T06:30:00Z")));
    clocks.pause(at("2026-03-02T05:00:00Z"));
    assert_eq!(clocks.get(Kind::ResolutionFirst).unwrap().next_at(), None);
}

/// TK27: what the customer has to do is not ours.
#[test]
fn a_resolution_begins_the_customers_time_which_is_not_shown_as_due_by_us() {
    let mut clocks = started(&Calendar::always());
    clocks.respond(&targets(), false, at("2026-03-02T03:40:00Z"));
    clocks.resolve(at("2026-03-02T03:40:00Z"));
    assert_eq!(clocks.next_due(), None);
    assert_eq!(due(&clocks, Kind::Verification), "2026-03-08T03:40:00Z", "three times 48 hours");
    clocks.answered(at("2026-03-03T03:40:00Z"));
    assert_eq!(clocks.get(Kind::Verification).unwrap().state, State::Met);
    clocks.reopen(at("2026-03-03T03:40:00Z"));
    clocks.resolve(at("2026-03-03T05:40:00Z"));
    assert_eq!(clocks.get(Kind::Verification).unwrap().round, 2);
    clocks.close(at("2026-03-10T05:40:00Z"));
    let second = clocks.get(Kind::Verification).unwrap();
    assert_eq!(
        (second.state, second.breached_at),
        (State::Canceled, None),
        "nobody answered, and it was not for us to"
    );
}

/// TK20: hand-offs and promises run beside each other, each on its own calendar.
#[test]
fn rounds_that_are_named_run_beside_each_other() {
    let mut clocks = started(&Calendar::always());
    let of = |day: &str| office("Asia/Kolkata", &[day]);
    let one = clocks.begin_on(Kind::HandoffAck, minutes(60), of("2026-03-02"), at(MONDAY));
    let other = clocks.begin_on(Kind::HandoffAck, minutes(60), of("2026-03-03"), at(MONDAY));
    assert_eq!((one, other), (1, 2));
    assert_eq!(clocks.round(Kind::HandoffAck, 1).unwrap().due_at, at("2026-03-03T04:30:00Z"));
    assert_eq!(clocks.round(Kind::HandoffAck, 2).unwrap().due_at, at("2026-03-02T04:30:00Z"));
    clocks.meet(Kind::HandoffAck, 2, at("2026-03-02T04:00:00Z"));
    clocks.retarget_round(Kind::HandoffAck, 1, minutes(120), at("2026-03-02T04:00:00Z"));
    clocks.cancel_round(Kind::HandoffAck, 2, at("2026-03-02T04:10:00Z"));
    assert_eq!(clocks.round(Kind::HandoffAck, 2).unwrap().state, State::Met, "TK26");
    assert_eq!(clocks.round(Kind::HandoffAck, 1).unwrap().due_at, at("2026-03-03T05:30:00Z"));
}
