//! The clock of promised days: found at their instants, with no event needed, once.

use std::{sync::Arc, time::Instant};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use seva_customers::{
    Settings,
    order::{OrderRules, SourceRules},
    workers::promised_days::PromisedDays,
};
use seva_proto::{
    customers::v1::{self as pb, PublishEventsRequest, intake_service_client::IntakeServiceClient},
    io::cloudevents::v1::CloudEvent,
};
use seva_store::due::{BATCH, Bell, Due, DueWork};
use seva_testkit::eventually;
use sqlx::{Row, raw_sql};

use crate::shop::{SOURCE, Shop, delayed, delivered, in_transit, kolkata, placed_for};

const TIME: &str = "2026-03-02T08:00:00Z";
/// The promised day 2026-03-05 in Kolkata is at risk from here and ends a day later.
const AT_RISK: &str = "2026-03-04T18:30:00Z";
const END: &str = "2026-03-05T18:30:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Lets the clock look until nothing is due.
async fn look(shop: &Shop, now: Timestamp) {
    while shop.promised_days.run_batch(now, BATCH).await.unwrap() > 0 {}
}

async fn shop_with(numbers: &[&str]) -> Shop {
    let shop = Shop::new().await;
    let events = numbers.iter().map(|number| placed_for(number, "17", 1, TIME, kolkata("2026-03-05")));
    shop.publish(events.collect()).await;
    shop
}

/// Types and times of what the clock has told.
async fn found(shop: &Shop) -> Vec<(String, Timestamp)> {
    let sql = "select type, occurred_at from seva.outbox where type like '%promised_day%' order by position";
    let rows = sqlx::query(sql).fetch_all(&shop.world.database.owner).await.unwrap();
    let short =
        |kind: String| kind.trim_start_matches("seva.customers.order.promised_day_").trim_end_matches(".v1").to_owned();
    rows.iter().map(|row| (short(row.get(0)), row.get::<jiff_sqlx::Timestamp, _>(1).to_jiff())).collect()
}

fn at_risk() -> (String, Timestamp) {
    ("at_risk".to_owned(), instant(AT_RISK))
}

fn missed() -> (String, Timestamp) {
    ("missed".to_owned(), instant(END))
}

#[tokio::test]
async fn a_day_is_found_at_risk_and_missed_at_its_instants_and_not_a_microsecond_before() {
    let shop = shop_with(&["A-1"]).await;
    let just_before = |text| instant(text) - SignedDuration::from_micros(1);
    assert_eq!(shop.promised_days.next_due().await.unwrap(), Some(instant(AT_RISK)));
    look(&shop, just_before(AT_RISK)).await;
    assert_eq!(found(&shop).await, []);
    look(&shop, instant(AT_RISK)).await;
    assert_eq!(found(&shop).await, [at_risk()]);
    assert_eq!(shop.promised_days.next_due().await.unwrap(), Some(instant(END)));
    look(&shop, just_before(END)).await;
    assert_eq!(found(&shop).await, [at_risk()]);
    look(&shop, instant(END)).await;
    assert_eq!(found(&shop).await, [at_risk(), missed()]);
    assert_eq!(shop.promised_days.next_due().await.unwrap(), None);
    let order = shop.order("A-1").await.order.unwrap();
    assert_eq!(order.promised_date_outcome(), pb::order::PromisedDateOutcome::Broken);
    assert_eq!(order.version, 3);
    assert_eq!(shop.world.count("select count(*) from timeline_entry where type like '%promised_day%'").await, 2);
}

#[tokio::test]
async fn a_clock_that_slept_finds_both_as_of_their_instants() {
    let shop = shop_with(&["A-1"]).await;
    look(&shop, instant("2026-03-30T00:00:00Z")).await;
    assert_eq!(found(&shop).await, [at_risk(), missed()]);
}

#[tokio::test]
async fn an_order_that_arrived_or_got_another_day_is_left_alone() {
    let shop = shop_with(&["A-1", "A-2"]).await;
    shop.publish(vec![delivered("A-1", "17", 2, TIME), delayed("A-2", "17", 2, TIME, "2026-03-10")]).await;
    look(&shop, instant(END)).await;
    assert_eq!(found(&shop).await, []);
    assert_eq!(shop.promised_days.next_due().await.unwrap(), Some(instant("2026-03-09T18:30:00Z")));
}

#[tokio::test]
async fn a_new_day_after_a_miss_opens_the_promise_again() {
    let shop = shop_with(&["A-1"]).await;
    look(&shop, instant(END)).await;
    assert!(shop.world.foundation.clock.advance_to(instant("2026-03-06T08:00:00Z")));
    shop.publish(vec![delayed("A-1", "17", 2, "2026-03-06T08:00:00Z", "2026-03-10")]).await;
    let answer = shop.order("A-1").await;
    assert_eq!(answer.order.unwrap().promised_date_outcome(), pb::order::PromisedDateOutcome::Open);
    assert_eq!(answer.promised_dates.len(), 2);
    look(&shop, instant("2026-03-20T00:00:00Z")).await;
    assert_eq!(found(&shop).await.len(), 4);
}

/// Whose story a finding is, by the id of the report that it comes from, and the type of the event that it follows.
async fn stories(shop: &Shop) -> Vec<(String, String, i16)> {
    let sql = "select f.correlation_id, c.type, f.hops from seva.outbox f join seva.outbox c on c.event_id::text = f.causation_id
               where f.type like '%promised_day%' order by f.position";
    let rows = sqlx::query(sql).fetch_all(&shop.world.database.owner).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// CU27
#[tokio::test]
async fn a_finding_goes_on_with_the_story_of_the_report_that_named_the_day() {
    let shop = Shop::new().await;
    let placed = placed_for("A-1", "17", 1, TIME, kolkata("2026-03-05"));
    let delayed = delayed("A-1", "17", 2, "2026-03-06T08:00:00Z", "2026-03-10");
    let story = |event: &CloudEvent, kind: &str| {
        (format!("{SOURCE}/{}", event.id), format!("seva.customers.order.{kind}.v1"), 1)
    };
    let expected = [story(&placed, "placed"), story(&placed, "placed"), story(&delayed, "delayed")];

    shop.publish(vec![placed]).await;
    look(&shop, instant(END)).await;
    assert!(shop.world.foundation.clock.advance_to(instant("2026-03-06T08:00:00Z")));
    // What comes after the day was named begins stories of its own and takes nothing over.
    shop.publish(vec![delayed, in_transit("A-1", "17", 3, "2026-03-06T09:00:00Z", "Pune")]).await;
    look(&shop, instant("2026-03-09T18:30:00Z")).await;

    assert_eq!(stories(&shop).await, expected);
}

#[tokio::test]
async fn a_finding_of_a_day_whose_story_was_not_kept_begins_one() {
    let shop = shop_with(&["A-1"]).await;
    let forget = "update promised_date set correlation_id = null, causation_id = null, hops = null, traceparent = null";
    raw_sql(forget).execute(&shop.world.database.owner).await.unwrap();
    look(&shop, instant(END)).await;
    assert_eq!(found(&shop).await, [at_risk(), missed()]);
    assert_eq!(stories(&shop).await, []);
}

#[tokio::test]
async fn a_report_between_claim_and_finish_wins() {
    let shop = shop_with(&["A-1"]).await;
    // Somebody holds the order and stalls: it is not claimed a second time while the lease lasts.
    let stalled = "update customer_order set attempt = attempt + 1, leased_until = now() + interval '1 hour'";
    raw_sql(stalled).execute(&shop.world.database.owner).await.unwrap();
    look(&shop, instant(AT_RISK)).await;
    assert_eq!(found(&shop).await, []);
    assert_eq!(shop.promised_days.next_due().await.unwrap(), Some(instant(AT_RISK)), "it is still due");
    // A report frees it.
    shop.publish(vec![in_transit("A-1", "17", 2, TIME, "Pune")]).await;
    look(&shop, instant(AT_RISK)).await;
    assert_eq!(found(&shop).await, [at_risk()]);
}

/// CU15, CU23
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_that_race_with_each_other_and_with_reports_find_each_day_once() {
    let numbers: Vec<_> = (0..100).map(|number| format!("A-{number}")).collect();
    let shop = shop_with(&numbers.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let workers = join_all((0..4).map(|_| async {
        for _ in 0..20 {
            shop.promised_days.run_batch(instant(END), 20).await.unwrap();
        }
    }));
    let reports = async {
        for number in &numbers {
            shop.publish(vec![in_transit(number, "17", 2, TIME, "Pune")]).await;
        }
    };
    tokio::join!(workers, reports);
    look(&shop, instant(END)).await;
    let found = found(&shop).await;
    assert_eq!(found.iter().filter(|found| **found == at_risk()).count(), 100);
    assert_eq!(found.iter().filter(|found| **found == missed()).count(), 100);
    let gaps = "select count(*) from (
            select sequence, row_number() over (partition by subject order by position) as number from seva.outbox
        ) as t where sequence <> number";
    assert_eq!(shop.world.count(gaps).await, 0);
    assert_eq!(shop.world.count("select count(*) from customer_order where version <> 4").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_service_looks_when_the_clock_moves_and_when_a_report_makes_something_due() {
    let shop = Shop::new().await;
    let server = shop.world.serve(Settings::default()).await;
    shop.publish(vec![placed_for("A-1", "17", 1, TIME, kolkata("2026-03-05"))]).await;
    assert!(shop.world.foundation.clock.advance_to(instant(AT_RISK)));
    eventually("the day is at risk", async || (found(&shop).await == [at_risk()]).then_some(())).await;
    assert!(shop.world.foundation.clock.advance_to(instant(END)));
    eventually("the day is missed", async || (found(&shop).await == [at_risk(), missed()]).then_some(())).await;
    server.tasks.stop(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_with_a_longer_lead_is_found_at_risk_earlier_and_others_as_usual() {
    let shop = Shop::new().await;
    let early = SourceRules { at_risk_lead: SignedDuration::from_hours(36), ..SourceRules::default() };
    let order_rules = OrderRules::new(SourceRules::default(), [(SOURCE.to_owned(), early)].into());
    let server = shop.world.serve(Settings { order_rules }).await;
    let mut intake = IntakeServiceClient::new(server.as_role("integration"));
    let mut of_another = placed_for("B-1", "18", 1, TIME, kolkata("2026-03-05"));
    of_another.source = "//other.example".to_owned();
    let events = vec![placed_for("A-1", "17", 1, TIME, kolkata("2026-03-05")), of_another];
    intake.publish_events(PublishEventsRequest { events }).await.unwrap();

    let earlier = (at_risk().0, instant(AT_RISK) - SignedDuration::from_hours(12));
    assert!(shop.world.foundation.clock.advance_to(earlier.1));
    eventually("the day is at risk", async || (found(&shop).await == [earlier.clone()]).then_some(())).await;
    assert!(shop.world.foundation.clock.advance_to(instant(AT_RISK)));
    let both = [earlier, at_risk()];
    eventually("the other is at risk too", async || (found(&shop).await == both).then_some(())).await;
    server.tasks.stop(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_missed_days_are_drained() {
    let shop = shop_with(&["A-1"]).await;
    let many = "insert into customer_order (id, version, customer_id, source, order_number, state, steps, current_promised_date,
            current_promised_zone, first_promised_date, first_promised_zone, promised_dates, promised_at, promised_date_outcome,
            delay_reason, carrier, tracking_number, source_sequence, observed_at, fresh_until, found, due_at, created_at)
        select gen_random_uuid(), 1, customer_id, source, 'M-' || n, state, steps, current_promised_date,
            current_promised_zone, first_promised_date, first_promised_zone, 1, promised_at, promised_date_outcome,
            '', '', '', 1, observed_at, fresh_until, found, due_at, created_at
        from customer_order, generate_series(1, 9999) as n";
    raw_sql(many).execute(&shop.world.database.owner).await.unwrap();
    let began = Instant::now();
    look(&shop, instant(AT_RISK)).await;
    let took = began.elapsed();
    println!("promised days: 10000 findings in {took:.2?}, {:.0} a second", 10_000.0 / took.as_secs_f64());
    assert_eq!(found(&shop).await, vec![at_risk(); 10_000]);
    let idle =
        Due::new(Arc::new(PromisedDays::new(shop.world.foundation.db.clone(), OrderRules::default())), Bell::default());
    assert_eq!(idle.next_due().await.unwrap(), Some(instant(END)));
}
