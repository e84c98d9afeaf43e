//! Properties over random stories of tickets, in several zones, over holidays and both changes of the clocks.

use jiff::{ToSpan as _, civil::Date};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Zones with a day on which their clocks are moved, forward or back (and one where they never are).
const PLACES: [(&str, &str); 9] = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Havana", "2025-03-09"),
    ("America/Havana", "2025-11-02"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Asia/Kolkata", "2026-03-01"),
];

/// What may happen to a ticket.
#[derive(Debug, Clone, Copy)]
enum Command {
    Pause,
    Resume,
    Respond(bool),
    Spoke,
    Taken,
    Answered,
    Resolve,
    Reopen,
    Close,
    Retarget(i64),
    Cancel,
    Look,
}

fn a_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Pause),
        4 => Just(Command::Resume),
        2 => any::<bool>().prop_map(Command::Respond),
        3 => Just(Command::Spoke),
        2 => Just(Command::Taken),
        1 => Just(Command::Answered),
        2 => Just(Command::Resolve),
        2 => Just(Command::Reopen),
        2 => Just(Command::Close),
        2 => (1_i64..6_000).prop_map(Command::Retarget),
        1 => Just(Command::Cancel),
        4 => Just(Command::Look),
    ]
}

/// Shifts of a day that start on whole hours; at least one on some day, also ones that lie where the clocks are moved.
fn a_calendar(zone: &'static str, around: Date) -> impl Strategy<Value = Calendar> {
    let days = vec(proptest::option::weighted(0.7, (0_i8..12, 1_i8..12)), 7);
    let holidays = proptest::collection::btree_set(-4_i64..10, 0..4);
    (days, holidays).prop_filter_map("some day has hours", move |(days, holidays)| {
        let week = (0_i8..).zip(days).filter_map(|(day, hours)| {
            let (start, length) = hours?;
            let time = |hour: i8| Time::constant(hour % 24, 0, 0, 0);
            Some(WeeklyInterval::new(Weekday::from_monday_zero_offset(day).ok()?, time(start), time(start + length)))
        });
        let holidays =
            holidays.into_iter().map(|days| DatedException { date: around + days.days(), intervals: Vec::new() });
        let hours = BusinessCalendar::new(Zone::parse(zone).ok()?, week.collect(), holidays.collect()).ok()?;
        Some(Calendar::of(new_id(), 3, hours))
    })
}

/// A calendar, a start near a change of the clocks, and what happened how many seconds after what was before it.
fn a_story() -> impl Strategy<Value = (Calendar, Timestamp, Vec<(Command, i64)>)> {
    select(&PLACES[..]).prop_flat_map(|(zone, date)| {
        let date: Date = date.parse().unwrap();
        let moment = Zone::parse(zone).unwrap().start_of_day(date);
        let calendar = prop_oneof![9 => a_calendar(zone, date).boxed(), 1 => Just(Calendar::always()).boxed()];
        let start = (-400_000_i64..200_000).prop_map(move |seconds| moment + SignedDuration::from_secs(seconds));
        (calendar, start, vec((a_command(), prop_oneof![Just(0), 0_i64..3_600, 0_i64..200_000]), 0..25))
    })
}

fn carry_out(clocks: &mut Clocks, command: Command, at: Timestamp) {
    match command {
        Command::Pause => clocks.pause(at),
        Command::Resume => clocks.resume(at),
        Command::Respond(is_worked_on) => clocks.respond(&targets(), is_worked_on, at),
        Command::Spoke => clocks.customer_spoke(&targets(), at),
        Command::Taken => clocks.taken(&targets(), at),
        Command::Answered => clocks.answered(at),
        Command::Resolve => clocks.resolve(at),
        Command::Reopen => clocks.reopen(at),
        Command::Close => clocks.close(at),
        Command::Retarget(first) => clocks.retarget(&Targets { resolution_first: minutes(first), ..targets() }, at),
        Command::Cancel => clocks.cancel(at),
        Command::Look => {
            clocks.pass(at);
        }
    }
}

/// The events of one clock.
fn of(clocks: &Clocks, clock: &Clock) -> Vec<ClockEvent> {
    let own = |event: &&ClockEvent| (event.clock, event.round) == (clock.kind, clock.round);
    clocks.pending().iter().filter(own).copied().collect()
}

/// The due time by the definition, with no state in between: start, target and the working time of every span in which it did not count.
fn due_by_definition(calendar: &Calendar, events: &[ClockEvent]) -> Timestamp {
    let mut stopped_at = None;
    let mut stood = SignedDuration::ZERO;
    for event in events {
        match event.step {
            Step::Paused | Step::Met | Step::Canceled => stopped_at = stopped_at.or(Some(event.at)),
            Step::Resumed => {
                stood += stopped_at.take().map_or(SignedDuration::ZERO, |from| calendar.between(from, event.at))
            }
            Step::Started | Step::Retargeted | Step::Inherited | Step::Warned50 | Step::Warned80 | Step::Breached => {}
        }
    }
    let target =
        events.iter().rev().find(|event| matches!(event.step, Step::Started | Step::Retargeted)).unwrap().target;
    calendar.add(events[0].at, target + stood)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// TK20: after every step, what is stored is what the events fold to, and its due time is the one of the definition. TK27: the ticket shows
    /// the soonest of those that run.
    #[test]
    fn what_is_stored_is_the_fold_of_the_events((calendar, start, story) in a_story()) {
        let mut clocks = Clocks::start(&targets(), 5, &calendar, start);
        let mut now = start;
        for (command, seconds) in story {
            now += SignedDuration::from_secs(seconds);
            carry_out(&mut clocks, command, now);
            for clock in clocks.all() {
                let events = of(&clocks, clock);
                let folded = Clock::fold(5, clock.calendar.clone(), &events).unwrap();
                prop_assert_eq!(&folded, clock);
                prop_assert!(clock.calendar == calendar || clock.kind == Kind::Verification);
                prop_assert_eq!(clock.due_at, due_by_definition(&clock.calendar, &events));
                prop_assert_eq!(events.last().unwrap().due_at, clock.due_at);
                prop_assert!(events.iter().zip(1..).all(|(event, number)| event.number == number));
            }
            let ours = |clock: &&Clock| clock.state == State::Running && clock.kind.is_ours();
            let running = clocks.iter().find(ours);
            prop_assert_eq!(clocks.next_due(), running.map(|clock| clock.due_at), "they come by due time");
        }
    }

    /// TK21, TK22, TK23, TK26, after every step.
    #[test]
    fn no_story_breaks_a_rule((calendar, start, story) in a_story()) {
        let mut clocks = Clocks::start(&targets(), 1, &calendar, start);
        let mut now = start;
        for (command, seconds) in story {
            now += SignedDuration::from_secs(seconds);
            let before = clocks.clone();
            carry_out(&mut clocks, command, now);
            clocks.pass(now);
            for clock in clocks.all() {
                let Some(was) = before.round(clock.kind, clock.round) else { continue };
                let events = of(&clocks, clock);
                // TK21
                prop_assert!(clock.kind.pauses() || clock.state != State::Paused);
                prop_assert!(!events.windows(2).any(|pair| pair[0].step == Step::Paused && pair[1].step == Step::Paused));
                // TK22: nothing that counts is over without being breached, and it is breached at most once, at its due time.
                prop_assert!(clock.state != State::Running || clock.due_at > now || clock.breached_at.is_some() || !clock.kind.is_ours());
                let breaches: Vec<_> = events.iter().filter(|event| event.step == Step::Breached).collect();
                prop_assert!(breaches.len() <= 1 && breaches.iter().all(|breach| breach.at == breach.due_at));
                prop_assert_eq!(breaches.first().map(|breach| breach.at), clock.breached_at);
                // TK23
                prop_assert!(was.breached_at.is_none() || was.breached_at == clock.breached_at);
                // TK26
                prop_assert_eq!(clock.state == State::Met, clock.met_at.is_some());
                prop_assert!(was.state != State::Canceled || was == clock);
                let is_final = clock.kind != Kind::ResolutionTotal && was.state == State::Met;
                prop_assert!(!is_final || was.met_at == clock.met_at);
                prop_assert!(was.state != State::Met || clock.state != State::Canceled);
                // TK29: each warning once, in order, before the breach, and none that is due is missing.
                let of_time: Vec<_> = events.iter().map(|event| event.step).filter(|step| step.is_of_time()).collect();
                let all = [Step::Warned50, Step::Warned80, Step::Breached];
                prop_assert_eq!(&of_time[..], &all[..of_time.len()]);
                prop_assert!(clock.next_at().is_none_or(|next| next > now && next <= clock.due_at));
                // Events are appended, in the order of time.
                prop_assert_eq!(&events[..of(&before, clock).len()], &of(&before, clock)[..]);
                let times: Vec<_> = events.iter().filter(|event| !event.step.is_of_time()).map(|event| event.at).collect();
                prop_assert!(times.is_sorted());
            }
            // TK28
            for kind in [Kind::FirstResponse, Kind::NextResponse, Kind::UpdateCadence, Kind::Verification] {
                prop_assert!(clocks.all().iter().filter(|clock| clock.kind == kind && clock.is_open()).count() <= 1);
            }
        }
    }

    /// TK22: how often and how late the worker looks makes no difference to any clock, nor to its events apart from their place.
    #[test]
    fn looks_make_no_difference((calendar, start, story) in a_story()) {
        let mut with = Clocks::start(&targets(), 1, &calendar, start);
        let mut without = with.clone();
        let mut now = start;
        for (command, seconds) in story {
            now += SignedDuration::from_secs(seconds);
            carry_out(&mut with, command, now);
            if !matches!(command, Command::Look) {
                carry_out(&mut without, command, now);
            }
        }
        without.pass(now);
        with.pass(now);
        prop_assert!(with.all() == without.all());
        for clock in with.all() {
            prop_assert_eq!(of(&with, clock), of(&without, clock));
        }
    }

    /// TK25: a target that is changed and changed back leaves the due time as it was, and pauses are kept.
    #[test]
    fn another_target_and_back_changes_no_due_time((calendar, start, story) in a_story(), other in 1_i64..6_000) {
        let mut clocks = Clocks::start(&targets(), 1, &calendar, start);
        let mut now = start;
        for (command, seconds) in story {
            now += SignedDuration::from_secs(seconds);
            if !matches!(command, Command::Retarget(_)) {
                carry_out(&mut clocks, command, now);
            }
        }
        let before: Vec<_> = BEGUN.iter().map(|kind| clocks.get(*kind).unwrap().due_at).collect();
        clocks.retarget(&Targets { resolution_first: minutes(other), ..targets() }, now);
        clocks.retarget(&targets(), now);
        let after: Vec<_> = BEGUN.iter().map(|kind| clocks.get(*kind).unwrap().due_at).collect();
        prop_assert_eq!(after, before);
    }

    /// A pause moves the due time by the working time that it took, and by nothing else.
    #[test]
    fn a_pause_moves_the_due_time_by_its_working_time(
        (calendar, start, _) in a_story(), paused_after in 0_i64..14_000, length in 0_i64..400_000
    ) {
        let mut clocks = Clocks::start(&targets(), 1, &calendar, start);
        let paused_at = start + SignedDuration::from_secs(paused_after);
        let resumed_at = paused_at + SignedDuration::from_secs(length);
        clocks.pause(paused_at);
        clocks.resume(resumed_at);
        let clock = clocks.get(Kind::ResolutionFirst).unwrap();
        let working = calendar.between(paused_at, resumed_at);
        prop_assert_eq!(calendar.between(start, clock.due_at), targets().resolution_first + working);
    }
}
