//! Clocks in the database: stored as they fold, and breached at their due times.

use std::time::Instant;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use seva_proto::{
    common::v1::{BusinessCalendar, DatedException},
    staff::v1 as staff,
    tickets::v1 as pb,
};
use seva_store::due::DueWork;
use seva_tickets::{
    clock::{Clock, ClockEvent, Clocks, Kind, State, Step, store},
    policy::{Matched, Policies, Targets},
    recipient::Tier,
    ticket::{self, Priority},
};
use sqlx::Row;
use uuid::Uuid;

use crate::floor::{Floor, NOON, a_department, at, daily};

/// The office closes at six in Kolkata: the first response of a ticket opened at noon is due at one.
const FIRST_RESPONSE_DUE: &str = "2026-03-02T07:30:00Z";

async fn load(floor: &Floor, ticket: Uuid) -> Clocks {
    store::load(&floor.database.owner, &[ticket]).await.unwrap().remove(&ticket).unwrap()
}

/// Writes as the ticket's statement does.
async fn save(floor: &Floor, ticket: Uuid, clocks: &Clocks) -> Result<(), seva_store::Fault> {
    let statement = sqlx::query("select save_clocks(array[$1], array[$2::jsonb])").bind(ticket).bind(clocks.writes());
    statement.execute(floor.database.db.calls()).await?;
    Ok(())
}

/// The stored events of a clock, folded.
async fn folded(floor: &Floor, ticket: Uuid, clock: &Clock) -> Clock {
    let events = store::events(&floor.database.owner, ticket).await.unwrap();
    let is_own = |event: &&ClockEvent| (event.clock, event.round) == (clock.kind, clock.round);
    let own: Vec<ClockEvent> = events.iter().filter(is_own).copied().collect();
    Clock::fold(1, clock.calendar.clone(), &own).unwrap()
}

/// Types and times of the breaches that were told, in order.
async fn told(floor: &Floor) -> Vec<Timestamp> {
    let sql =
        "select occurred_at from seva.outbox where type = 'seva.tickets.ticket.clock_breached.v1' order by position";
    let rows = sqlx::query(sql).fetch_all(&floor.database.owner).await.unwrap();
    rows.iter().map(|row| row.get::<jiff_sqlx::Timestamp, _>(0).to_jiff()).collect()
}

const TARGETS: Targets = Targets {
    first_response: SignedDuration::from_mins(60),
    next_response: SignedDuration::from_mins(90),
    update_cadence: SignedDuration::from_mins(700),
    resolution_first: SignedDuration::from_mins(240),
    resolution_total: SignedDuration::from_mins(1440),
    handoff_ack: SignedDuration::from_mins(60),
    handoff_done: SignedDuration::from_mins(240),
    pauses_while_external: false,
    pauses_while_scheduled: true,
    reopen_days: 30,
    return_after: SignedDuration::ZERO,
    weight: 1,
};

/// Zones with a moment shortly before their clocks are moved, forward or back (and one where they never are).
const PLACES: [(&str, &str); 3] =
    [("Asia/Kolkata", NOON), ("Europe/Berlin", "2026-03-27T10:00:00Z"), ("America/New_York", "2026-10-30T16:00:00Z")];

/// TK20: random steps, each loaded, decided and written by itself; what is stored is what the stored events fold to, over holidays and both
/// changes of the clocks.
#[tokio::test]
async fn what_is_stored_is_the_fold_of_what_was_stored() {
    let mut runner = TestRunner::new(Config::default());
    let story = prop::collection::vec((0..12_u8, 0..100_000_i64), 12);
    for (zone, begin) in PLACES {
        let floor = Floor::new().await;
        assert!(begin == NOON || floor.foundation.clock.advance_to(at(begin)));
        let monday = at(begin).to_zoned(jiff::tz::TimeZone::UTC).date().nth_weekday(1, jiff::civil::Weekday::Monday);
        let holiday = DatedException { date: monday.unwrap().to_string(), hours: Vec::new() };
        let calendar =
            BusinessCalendar { zone: zone.to_owned(), intervals: daily("08:00", "17:00"), exceptions: vec![holiday] };
        let department =
            staff::Department { calendar: Some(calendar), ..a_department(Uuid::from_u128(1), 1, &["delivery"]) };
        floor.department_says(department).await;
        for _ in 0..10 {
            let steps = story.new_tree(&mut runner).unwrap().current();
            let ticket = floor.delivery().await;
            let mut now = floor.now();
            for (act, seconds) in &steps {
                now += SignedDuration::from_secs(*seconds);
                let mut clocks = load(&floor, ticket).await;
                match act {
                    0 | 1 => clocks.pause(now),
                    2 | 3 => clocks.resume(now),
                    4 => clocks.respond(&TARGETS, seconds % 2 == 0, now),
                    5 => clocks.resolve(now),
                    6 => clocks.reopen(now),
                    7 => clocks.close(now),
                    8 => clocks.customer_spoke(&TARGETS, now),
                    9 => clocks.taken(&TARGETS, now),
                    10 => clocks.answered(now),
                    _ => {
                        let minutes = SignedDuration::from_mins(30 + seconds / 60);
                        let targets = Targets {
                            first_response: minutes,
                            resolution_first: minutes * 3,
                            resolution_total: minutes * 9,
                            ..TARGETS
                        };
                        clocks.retarget(&targets, now);
                    }
                }
                save(&floor, ticket, &clocks).await.unwrap();
                assert!(load(&floor, ticket).await.iter().eq(clocks.iter()), "{zone}: {steps:?}");
            }
            let stored = load(&floor, ticket).await;
            assert_eq!(stored.get(Kind::FirstResponse).unwrap().calendar.version(), 1);
            for clock in stored.iter() {
                assert_eq!(folded(&floor, ticket, clock).await, *clock, "{zone}: {steps:?}");
            }
        }
    }
}

/// TK20: of two who decided upon the same clock one is refused.
#[tokio::test]
async fn a_clock_that_somebody_else_moved_is_not_moved_from_where_it_was() {
    let floor = Floor::new().await;
    let ticket = floor.delivery().await;
    let (mut one, mut other) = (load(&floor, ticket).await, load(&floor, ticket).await);
    one.respond(&TARGETS, false, at(NOON));
    other.cancel(at(NOON));
    save(&floor, ticket, &one).await.unwrap();
    assert!(save(&floor, ticket, &other).await.unwrap_err().violates("clock_event_pkey"));
    assert_eq!(load(&floor, ticket).await, one.written());
}

/// TK22
#[tokio::test]
async fn a_clock_is_breached_at_its_due_time_and_not_a_microsecond_before() {
    let floor = Floor::new().await;
    floor.department(&["delivery"]).await;
    let ticket = floor.delivery().await;
    let due = at(FIRST_RESPONSE_DUE);
    let just_before = due - SignedDuration::from_micros(1);
    assert_eq!(floor.breaches.run_batch(just_before, 200).await.unwrap(), 1, "it is warned of");
    assert_eq!(floor.breaches.next_due().await.unwrap(), Some(due));
    assert_eq!(floor.breaches.run_batch(just_before, 200).await.unwrap(), 0);

    assert_eq!(floor.breaches.run_batch(due, 200).await.unwrap(), 1);
    assert_eq!(floor.breaches.run_batch(due, 200).await.unwrap(), 0);
    let clocks = load(&floor, ticket).await;
    let first_response = clocks.get(Kind::FirstResponse).unwrap();
    assert_eq!((first_response.state, first_response.breached_at), (State::Running, Some(due)));
    assert_eq!(floor.told(ticket).await, ["clock_warned", "clock_warned", "clock_breached"]);
    // Half of the four hours of the first resolution.
    assert_eq!(floor.breaches.next_due().await.unwrap(), Some(at("2026-03-02T08:30:00Z")));
}

/// TK22: also when the process was away for a day: each clock has an event of its own.
#[tokio::test]
async fn what_was_due_while_nobody_looked_is_breached_at_its_due_times() {
    let floor = Floor::new().await;
    floor.department(&["delivery"]).await;
    let ticket = floor.delivery().await;
    floor.pass(7 * 24 * 60);
    floor.breach().await;

    let events = store::events(&floor.database.owner, ticket).await.unwrap();
    let breaches: Vec<_> = events
        .iter()
        .filter(|event| event.step == Step::Breached)
        .map(|event| (event.clock, event.at.to_string()))
        .collect();
    let expected = [
        (Kind::FirstResponse, FIRST_RESPONSE_DUE.to_owned()),
        (Kind::ResolutionFirst, "2026-03-02T10:30:00Z".to_owned()),
        (Kind::ResolutionTotal, "2026-03-05T03:30:00Z".to_owned()),
    ];
    assert_eq!(breaches.len(), 3);
    assert_eq!(breaches[..2], expected[..2]);
    assert_eq!(breaches[2].0, expected[2].0);
    assert_eq!(floor.told(ticket).await, ["clock_warned", "clock_warned", "clock_breached"].repeat(3));
    assert_eq!(floor.breaches.next_due().await.unwrap(), None);
    floor.events_have_no_gap().await;
}

/// TK22
#[tokio::test]
async fn what_is_paused_met_or_canceled_is_not_looked_at() {
    let floor = Floor::new().await;
    let ticket = floor.delivery().await;
    let mut clocks = load(&floor, ticket).await;
    clocks.respond(&TARGETS, false, floor.now());
    clocks.answered(floor.now());
    clocks.resolve(floor.now());
    save(&floor, ticket, &clocks).await.unwrap();
    assert_eq!(floor.breaches.next_due().await.unwrap(), None);
    floor.pass(60_000);
    floor.breach().await;
    assert_eq!(told(&floor).await, []);
}

/// TK22: none twice, whoever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_that_race_breach_each_clock_once() {
    let floor = Floor::new().await;
    floor.department(&["delivery"]).await;
    floor.tickets(100, ticket::Kind::Delivery, Priority::Normal, "en").await;
    floor.pass(7 * 24 * 60);
    join_all((0..4).map(|_| async { while floor.breaches.run_batch(floor.now(), 30).await.unwrap() > 0 {} })).await;
    floor.breach().await;
    assert_eq!(told(&floor).await.len(), 300);
    assert_eq!(floor.count("select count(*) from clock_event where step = 'breached'").await, 300);
    assert_eq!(floor.count("select count(*) from clock where breached_at is null").await, 0);
    floor.events_have_no_gap().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_due_clocks_are_drained() {
    drained(10_000, &[60]).await;
}

/// Figures: how fast a worker gets through clocks that are due at the same moment, at half of their time, at four fifths and at its end, and how
/// fast it catches up with all three when nobody has looked. Run it with `--ignored`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures, taken when somebody asks for them"]
async fn figure_of_a_hundred_thousand_due_clocks() {
    drained(100_000, &[30, 18, 12]).await;
    drained(100_000, &[60]).await;
}

/// Of so many clocks of an hour, looked at whenever so many minutes have passed.
async fn drained(clocks: u32, minutes: &[i64]) {
    let floor = Floor::new().await;
    floor.department(&["delivery"]).await;
    for _ in 0..clocks / 10_000 {
        floor.tickets(10_000, ticket::Kind::Delivery, Priority::Normal, "en").await;
    }
    let mut passed = 0;
    for minutes in minutes {
        floor.pass(*minutes);
        passed += minutes;
        let began = Instant::now();
        floor.breach().await;
        let (took, all) = (began.elapsed(), f64::from(clocks));
        println!("clocks: {clocks} due after {passed} min in {took:.2?}, {:.0} a second", all / took.as_secs_f64());
    }
    assert_eq!(told(&floor).await.len(), usize::try_from(clocks).unwrap());
    let steps = "select count(*) from clock_event where step in ('warned_50', 'warned_80', 'breached')";
    assert_eq!(floor.count(steps).await, i64::from(3 * clocks));
}

/// TK24: a ticket keeps to the policy that it was opened with, also when its priority changes after a newer one came.
#[tokio::test]
async fn a_ticket_keeps_to_the_policy_that_it_was_opened_with() {
    let floor = Floor::new().await;
    floor.department(&["delivery"]).await;
    let ticket = floor.delivery().await;
    let newer = "insert into policy (version) values (2);
                 insert into policy_target (
                     version, first_response_minutes, next_response_minutes, update_cadence_minutes, resolution_first_minutes,
                     resolution_total_minutes, handoff_ack_minutes, handoff_done_minutes, pauses_while_external, pauses_while_scheduled,
                     reopen_days, return_minutes, weight
                 ) values (2, 1, 1, 1, 2, 3, 1, 1, false, false, 1, 0, 1)";
    sqlx::raw_sql(newer).execute(&floor.database.owner).await.unwrap();

    let urgent = pb::Ticket { priority: pb::ticket::Priority::Urgent.into(), ..pb::Ticket::default() };
    floor.update(ticket, "priority", urgent).await.unwrap();

    let clocks = load(&floor, ticket).await;
    let first_response = clocks.get(Kind::FirstResponse).unwrap();
    assert_eq!((first_response.target, first_response.policy_version), (SignedDuration::from_mins(30), 1));
    let newest = Policies::new(floor.database.db.clone()).newest().await.unwrap();
    assert_eq!(newest.version(), 2, "and the next ticket keeps to that");
}

/// TK24
#[tokio::test]
async fn the_first_policy_has_targets_for_every_ticket() {
    let floor = Floor::new().await;
    let policies = Policies::new(floor.database.db.clone());
    let policy = policies.newest().await.unwrap();
    assert_eq!(policy.version(), 1);
    assert_eq!(policies.of_version(1).await.unwrap(), policy);
    assert!(policies.of_version(2).await.is_err());
    let minutes = |kind, priority, tier| {
        let Targets { first_response, resolution_first, resolution_total, .. } =
            policy.targets(&Matched { kind, department: None, tier, priority });
        [first_response, resolution_first, resolution_total].map(|target| target.as_mins())
    };
    use ticket::Kind::{ComplaintStaff, Delivery};
    assert_eq!(minutes(Delivery, Priority::Urgent, Tier::Standard), [30, 240, 1440]);
    assert_eq!(minutes(Delivery, Priority::High, Tier::Loyal), [60, 480, 1620]);
    assert_eq!(minutes(Delivery, Priority::Normal, Tier::Standard), [240, 960, 2700]);
    assert_eq!(minutes(Delivery, Priority::Low, Tier::Standard), [480, 2400, 5400]);
    assert_eq!(minutes(Delivery, Priority::Normal, Tier::Vip), [60, 480, 1620]);
    assert_eq!(minutes(ComplaintStaff, Priority::Normal, Tier::Standard), [60, 480, 1620]);
}
