//! Nobody is asked too often, whatever comes to pass, and however many decide at once (SU2).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use seva_proto::{
    customers::v1::CustomerEvent,
    notifications::v1::{DecisionReason, notification::State as MailState},
    surveys::v1::{
        InvitationFilter, Programme,
        invitation::{State, SuppressReason},
        programme::Trigger,
        question::Kind,
    },
};
use seva_store::due::Bell;
use seva_surveys::{invitation::deciding::Decisions, throttle::Rules};
use seva_testkit::{database::begin, eventually};
use seva_values::{format_name, new_id};
use sqlx::Row;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    office::{after_orders, hours, id_of, question},
    world::{World, reading},
};

/// Customers for whose ledger deciders race, and how many do for each.
const ROUNDS: i32 = 10;
const RACERS: i64 = 8;

/// What was asked: whom, by which programme, when.
async fn asked(world: &World) -> Vec<(Uuid, Uuid, Timestamp)> {
    let rows = sqlx::query(
        "select customer_id, programme_id, decide_at from invitation
         where state not in ('held', 'suppressed', 'undeliverable') order by decide_at, id",
    )
    .fetch_all(&world.office.database.owner)
    .await
    .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get::<jiff_sqlx::Timestamp, _>(2).to_jiff())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_years_of_anything_ask_nobody_more_often_than_the_rules_allow() {
    let rules = Rules { pause_between_any: SignedDuration::from_hours(20 * 24), yearly_maximum: 6, ..Rules::default() };
    let world = World::with_rules(rules.clone()).await;
    let survey = world.office.asked(vec![question("nps", Kind::Nps)]).await;
    let rare =
        Programme { active: true, sampling_rate: 0.7, pause_between: hours(24 * 90), ..after_orders(&survey.name) };
    world.office.programme(rare).await.unwrap();
    let mut customers = Vec::new();
    for _ in 0..4 {
        customers.push(world.customer("hi").await);
    }
    let mut random = StdRng::seed_from_u64(20_260_302);
    for _ in 0..260 {
        let customer = customers[random.random_range(0..customers.len())];
        match random.random_range(0..3) {
            0 => drop(world.closed(customer).await),
            _ => drop(world.delivered(customer).await),
        }
        world.pass(random.random_range(1..140)).await;
    }

    let asked = asked(&world).await;
    let pauses: Vec<(Uuid, i64)> = sqlx::query_as("select id, pause_seconds from programme")
        .fetch_all(&world.office.database.owner)
        .await
        .unwrap();
    for (place, (customer, programme, at)) in asked.iter().enumerate() {
        let before = || asked[..place].iter().filter(|(other, ..)| other == customer);
        for (_, other, earlier) in before() {
            let apart = at.duration_since(*earlier);
            assert!(apart >= rules.pause_between_any, "{apart}");
            let pause = pauses.iter().find(|(id, _)| id == programme).map(|(_, seconds)| *seconds).unwrap();
            assert!(other != programme || apart.as_secs() >= pause, "{apart}");
        }
        let year = SignedDuration::from_hours(365 * 24);
        assert!(before().filter(|(.., earlier)| at.duration_since(*earlier) < year).count() < rules.yearly_maximum);
    }
    // Each rule had something to forbid, and each programme asked.
    assert!(asked.len() > 24 && pauses.iter().all(|(id, _)| asked.iter().any(|(_, programme, _)| programme == id)));
    let full_years = asked.windows(1).filter(|one| {
        let (customer, _, at) = one[0];
        let within = |(other, _, later): &&(Uuid, Uuid, Timestamp)| {
            *other == customer && *later >= at && later.duration_since(at) < SignedDuration::from_hours(365 * 24)
        };
        asked.iter().filter(within).count() == rules.yearly_maximum
    });
    assert!(full_years.count() > 0, "somebody was asked as often as a year allows");
    let entries = world.office.count("select count(*) from throttle_entry").await;
    assert_eq!(usize::try_from(entries).unwrap(), asked.len(), "each place in the ledger is of one that was asked");
    let unreasoned = "select count(*) from invitation where state = 'suppressed' and suppress_reason = 'throttled'
                      and (next_eligible_at is null or next_eligible_at <= decide_at)";
    assert_eq!(world.office.count(unreasoned).await, 0);
    assert!(world.office.count("select count(*) from invitation where suppress_reason = 'throttled'").await > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_at_once_one_is_asked_about() {
    let world = World::new().await;
    let customer = world.customer("hi").await;
    for _ in 0..20 {
        world.delivered(customer).await;
    }
    world.rest().await;
    world.pass(48).await;
    let invitations = world.of(customer).await;
    let states = World::states(&invitations);
    assert_eq!(states.into_iter().collect::<Vec<_>>(), [(State::Queued, 1), (State::Suppressed, 19)]);
    let mut suppressed = invitations.iter().filter(|invitation| invitation.state() == State::Suppressed);
    assert!(suppressed.all(|invitation| invitation.suppress_reason() == SuppressReason::Throttled));
}

/// A matter of this customer that comes due at an instant, as a consumer of another process has written it.
async fn comes_due(world: &World, programme: Uuid, customer: Uuid, at: Timestamp) {
    sqlx::query(
        "insert into invitation (
             id, version, programme_id, trigger, customer_id, subject, triggered_by, state, inclusion_probability, from_low_score,
             decide_at, due_at, correlation_id, causation_id, hops, created_at
         )
         values ($1, 1, $2, 'order_delivered', $3, $4, 1, 'held', 1, false, $5, $5, 's', 's', 0, $5)",
    )
    .bind(new_id())
    .bind(programme)
    .bind(customer)
    .bind(format_name("orders", new_id()))
    .bind(jiff_sqlx::Timestamp::from(at))
    .execute(world.office.foundation.db.workers())
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_deciders_and_matters_at_once_one_asks() {
    let world = Arc::new(World::new().await);
    let programme = id_of(&world.programme(Trigger::OrderDelivered).await.name);
    let mut customers = Vec::new();
    for _ in 0..ROUNDS {
        customers.push(world.customer("hi").await);
    }
    world.rest().await;
    // Matters come in while others are decided, by deciders of many processes, the clocks of half of which are ahead.
    for customer in &customers {
        let mut racers = JoinSet::new();
        for number in 0..RACERS {
            let (world, customer) = (world.clone(), *customer);
            racers.spawn(async move {
                let now = world.now() + SignedDuration::from_hours(3 * (number % 2));
                let decisions = Decisions::new(world.office.foundation.db.clone(), Rules::default(), Bell::default());
                comes_due(&world, programme, customer, now).await;
                decisions.decide_due(now, 1).await.unwrap();
            });
        }
        racers.join_all().await;
    }
    world.pass(3).await;
    for customer in customers {
        let states = World::states(&world.of(customer).await);
        let others = usize::try_from(RACERS).unwrap() - 1;
        assert_eq!(states.into_iter().collect::<Vec<_>>(), [(State::Queued, 1), (State::Suppressed, others)]);
    }
    assert_eq!(world.office.count("select count(*) from throttle_entry").await, i64::from(ROUNDS));
}

/// Two deciders who do not even look at the same matters, and of whom neither has written when the other reads what was asked: nothing but a
/// lock keeps them apart. The one whose clock is ahead looks first; what is due for the other came to pass after that.
async fn decided_at_the_same_moment(world: &World, customers: [Uuid; 2]) {
    let programme = id_of(&world.programme(Trigger::OrderDelivered).await.name);
    world.rest().await;
    let mut reading_stopped = begin(&world.office.database.owner).await;
    sqlx::query("lock table throttle_entry in access exclusive mode").execute(&mut *reading_stopped).await.unwrap();
    let mut deciders = JoinSet::new();
    for (number, (customer, hours)) in (1..).zip(customers.into_iter().zip([3, 0])) {
        let now = world.now() + SignedDuration::from_hours(hours);
        comes_due(world, programme, customer, now).await;
        let decisions = Decisions::new(world.office.foundation.db.clone(), Rules::default(), Bell::default());
        deciders.spawn(async move { decisions.decide_due(now, 1).await });
        eventually("it waits in the midst of its decision", || async {
            let waiting = "select count(*) from pg_locks where not granted
                           and database = (select oid from pg_database where datname = current_database())";
            (world.office.count(waiting).await >= number).then_some(())
        })
        .await;
    }
    reading_stopped.rollback().await.unwrap();
    for decided in deciders.join_all().await {
        decided.unwrap();
    }
    world.pass(3).await;
    let states = World::states(&world.invitations(InvitationFilter::default()).await);
    assert_eq!(states.into_iter().collect::<Vec<_>>(), [(State::Queued, 1), (State::Suppressed, 1)]);
}

/// The lock of the customer's ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_deciders_about_different_matters_at_the_same_moment_ask_once() {
    let world = World::new().await;
    let customer = world.customer("hi").await;
    decided_at_the_same_moment(&world, [customer; 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_be_reached_was_not_asked_and_can_be_asked_the_next_time() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let customer: Uuid = invitation.customer.trim_start_matches("customers/").parse().unwrap();
    let second = world.delivered(customer).await;
    world.pass(48).await;
    assert_eq!(world.about(&second).await.suppress_reason(), SuppressReason::Throttled);

    world.mail_is(&invitation, MailState::Failed, DecisionReason::BadAddress).await;
    assert_eq!(world.office.count("select count(*) from throttle_entry").await, 0);
    let third = world.delivered(customer).await;
    world.pass(48).await;
    assert_eq!(world.about(&third).await.state(), State::Queued);
    assert_eq!(world.about(&third).await.customer, format_name("customers", customer));

    // One that was sent keeps its place.
    world.is_sent(&world.about(&third).await).await;
    world.mail_is(&world.about(&third).await, MailState::Failed, DecisionReason::BadAddress).await;
    assert_eq!(world.office.count("select count(*) from throttle_entry").await, 1);
}

// SU13
#[tokio::test(flavor = "multi_thread")]
async fn of_two_programmes_within_an_hour_the_one_of_higher_priority_asks() {
    let world = World::new().await;
    let customer = world.customer("hi").await;
    let usual = world.delivered(customer).await;
    world.rest().await;
    world.office.pass(24 * 3600 + 1800);
    let survey = world.office.asked(vec![question("nps", Kind::Nps)]).await;
    let urgent =
        Programme { active: true, sampling_rate: 1.0, delay: hours(24), priority: 90, ..after_orders(&survey.name) };
    let urgent = world.office.programme(urgent).await.unwrap();
    world.delivered(customer).await;
    world.rest().await;
    // The usual question about the first order comes due half an hour before the urgent one about the second.
    world.pass_minutes(23 * 60 + 30).await;
    assert_eq!(world.about(&usual).await.state(), State::Held, "it waits");
    world.pass_minutes(30).await;
    let invitations = world.of(customer).await;
    let urgent = invitations.iter().find(|invitation| invitation.programme == urgent.name).unwrap();
    assert_eq!(urgent.state(), State::Queued);
    assert_eq!(world.about(&usual).await.suppress_reason(), SuppressReason::Throttled);
}

/// Whoever reads this language at a mailbox.
fn at(mailbox: Uuid) -> CustomerEvent {
    CustomerEvent { mailbox: format_name("mailboxes", mailbox), ..reading("hi") }
}

// SU2: by address too.
#[tokio::test(flavor = "multi_thread")]
async fn a_family_with_one_mailbox_is_asked_as_rarely_as_one_of_them() {
    let world = World::new().await;
    let (mailbox, another) = (new_id(), new_id());
    let [first, second] = [new_id(), new_id()];
    world.customer_says(first, &at(mailbox)).await;
    world.customer_says(second, &at(mailbox)).await;
    let asked = world.delivered(first).await;
    world.pass(48).await;
    assert_eq!(world.about(&asked).await.state(), State::Queued);

    let too_soon = world.delivered(second).await;
    world.pass(48).await;
    let too_soon = world.about(&too_soon).await;
    assert_eq!(too_soon.suppress_reason(), SuppressReason::Throttled);
    let apart = too_soon.next_eligible_time.unwrap().seconds - world.about(&asked).await.decide_time.unwrap().seconds;
    assert_eq!(apart, 30 * 86400, "counted from the other one's question");

    // Whoever moves to a mailbox of their own is asked for themselves; whoever was asked takes their pause along.
    world.customer_says(second, &at(another)).await;
    let on_their_own = world.delivered(second).await;
    world.customer_says(first, &at(new_id())).await;
    let asked_before = world.delivered(first).await;
    world.pass(48).await;
    assert_eq!(world.about(&on_their_own).await.state(), State::Queued);
    assert_eq!(world.about(&asked_before).await.suppress_reason(), SuppressReason::Throttled);

    // Who could not be reached at the mailbox was not asked there.
    world.mail_is(&world.about(&on_their_own).await, MailState::Failed, DecisionReason::BadAddress).await;
    let third = new_id();
    world.customer_says(third, &at(another)).await;
    let asked_now = world.delivered(third).await;
    world.pass(48).await;
    assert_eq!(world.about(&asked_now).await.state(), State::Queued);
}

/// The lock of the mailbox that two customers share.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_deciders_about_two_customers_of_one_mailbox_ask_once() {
    let world = World::new().await;
    let (mailbox, customers) = (new_id(), [new_id(), new_id()]);
    for customer in customers {
        world.customer_says(customer, &at(mailbox)).await;
    }
    decided_at_the_same_moment(&world, customers).await;
}
