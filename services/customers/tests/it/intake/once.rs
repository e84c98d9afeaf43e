//! Each event counts once: repeated, raced, cut off and pushed again, over real streams.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, future::join_all, stream};
use seva_customers::Settings;
use seva_proto::{
    common::v1::{Channel, Purpose},
    customers::v1::{StreamEventsRequest, intake_service_client::IntakeServiceClient},
};

use super::*;
use crate::customer::consent::{consent, record};

/// What has to be the same however the same events came: states and counts of all orders and customers, without ids.
async fn summary(shop: &Shop) -> BTreeMap<String, (i64, String, i64, i64)> {
    let rows = sqlx::query(
        "select o.order_number, o.version, o.state, c.order_count,
                (select count(*) from seva.outbox b where b.subject = 'orders/' || o.id) as told
         from customer_order o join customer c on c.id = o.customer_id",
    );
    let rows = rows.fetch_all(&shop.world.database.owner).await.unwrap();
    rows.iter()
        .map(|row| {
            (row.get("order_number"), (row.get("version"), row.get("state"), row.get("order_count"), row.get("told")))
        })
        .collect()
}

/// Ways of many orders, each customer with three, in batches of 21 events.
fn batches(orders: usize) -> Vec<Vec<CloudEvent>> {
    let ways: Vec<_> =
        (0..orders).flat_map(|number| way(&format!("A-{number}"), &format!("{}", number / 3), TIME)).collect();
    ways.chunks(21).map(<[_]>::to_vec).collect()
}

async fn clean(orders: usize) -> BTreeMap<String, (i64, String, i64, i64)> {
    let shop = Shop::new().await;
    for batch in batches(orders) {
        shop.publish(batch).await;
    }
    summary(&shop).await
}

/// The events of each subject count up without a gap, in the order of their positions.
async fn assert_sequences_have_no_gap(shop: &Shop) {
    let gaps = "select count(*) from (
            select sequence, row_number() over (partition by subject order by position) as number from seva.outbox
        ) as t where sequence <> number";
    assert_eq!(shop.world.count(gaps).await, 0);
}

#[tokio::test]
async fn a_repetition_changes_nothing_also_within_one_batch() {
    let shop = Shop::new().await;
    let mut batch = way("A-1", "17", TIME);
    batch.extend(way("A-1", "17", TIME));
    let outcomes = shop.outcomes(batch).await;
    assert_eq!(outcomes[..7], [Outcome::Accepted; 7]);
    assert_eq!(outcomes[7..], [Outcome::Duplicate; 7]);
    assert_eq!(shop.outcomes(way("A-1", "17", TIME)).await, [Outcome::Duplicate; 7]);
    assert_eq!(summary(&shop).await["A-1"], (7, "delivered".to_owned(), 1, 7));
}

/// CU21, CU22, CU23
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_parallel_pushes_of_the_same_events_apply_each_once() {
    let expected = clean(30).await;
    let shop = Shop::new().await;
    let pushes = (0..8).map(|_| async {
        let mut accepted = 0;
        for batch in batches(30) {
            let outcomes = shop.outcomes(batch).await;
            assert!(
                outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted | Outcome::Duplicate)),
                "{outcomes:?}"
            );
            accepted += outcomes.iter().filter(|outcome| **outcome == Outcome::Accepted).count();
        }
        accepted
    });
    let accepted: usize = join_all(pushes).await.into_iter().sum();
    assert_eq!(accepted, 210, "each was accepted by exactly one of the eight");
    assert_eq!(summary(&shop).await, expected);
    assert_sequences_have_no_gap(&shop).await;
}

/// CU22
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_id_that_two_bodies_race_for_goes_to_one_of_them() {
    let shop = Shop::new().await;
    for round in 0..20 {
        let one = placed(&format!("A-{round}"), "17", 1, TIME);
        let other = CloudEvent { id: one.id.clone(), ..placed(&format!("B-{round}"), "18", 1, TIME) };
        let (one, other) = tokio::join!(shop.publish(vec![one]), shop.publish(vec![other]));
        let mut outcomes = [one[0].outcome(), other[0].outcome()];
        outcomes.sort_unstable();
        assert_eq!(outcomes, [Outcome::Accepted, Outcome::Rejected]);
    }
    assert_eq!(shop.world.count("select count(*) from customer_order").await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_of_the_same_customer_by_people_and_by_sources_both_hold() {
    let shop = Shop::new().await;
    shop.publish(vec![placed("A-0", "17", 1, TIME)]).await;
    let name = shop.order("A-0").await.order.unwrap().customer;
    let push = async {
        for number in 1..40 {
            assert_eq!(shop.outcomes(vec![placed(&format!("A-{number}"), "17", 1, TIME)]).await, [Outcome::Accepted]);
        }
    };
    let consent = async {
        for granted in [true, false, true, false, true, false] {
            let word = consent(Purpose::Marketing, Channel::Email, granted);
            // Whoever loses three times in a row is told to try again, and does.
            while record(&shop.world, &name, "", word.clone()).await.is_err() {}
        }
    };
    tokio::join!(push, consent);
    assert_eq!(shop.world.get(&name).await.unwrap().order_count, 40);
    assert_eq!(shop.told(&name).await.len(), 1 + 40 + 6);
    assert_sequences_have_no_gap(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_answered_is_never_lost_when_pushes_are_cut_off() {
    let expected = clean(30).await;
    let shop = Shop::new().await;
    let mut answered = Vec::new();
    for (number, batch) in batches(30).into_iter().enumerate() {
        // Cut at different places: before the transaction, within, and after its commit.
        let patience = Duration::from_millis(u64::try_from(number * 7 % 40).unwrap());
        if tokio::time::timeout(patience, shop.publish(batch.clone())).await.is_ok() {
            answered.push(number);
        }
    }
    for (number, batch) in batches(30).into_iter().enumerate() {
        let outcomes = shop.outcomes(batch).await;
        if answered.contains(&number) {
            assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Duplicate), "{number}: {outcomes:?}");
        }
    }
    assert_eq!(summary(&shop).await, expected);
    assert_sequences_have_no_gap(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_fails_for_a_reason_of_ours_hinders_no_other() {
    let shop = Shop::new().await;
    // A planted fault: this one order cannot be written.
    let fault = "alter table customer_order add constraint planted check (order_number <> 'A-2')";
    sqlx::raw_sql(fault).execute(&shop.world.database.owner).await.unwrap();
    let batch: Vec<_> = (1..=3).map(|number| placed(&format!("A-{number}"), "17", 1, TIME)).collect();
    let results = shop.publish(batch).await;
    assert_eq!(results[0].outcome(), Outcome::Accepted);
    assert_eq!(refusal(&results[1]).0, "INTERNAL");
    assert_eq!(results[2].outcome(), Outcome::Accepted);
    assert_eq!(shop.world.count("select count(*) from intake_quarantine where reason = 'INTERNAL'").await, 1);
    assert_eq!(shop.world.count("select order_count from customer").await, 2);
    assert_sequences_have_no_gap(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_answers_each_batch_in_order_after_its_commit() {
    let shop = Shop::new().await;
    let server = shop.world.serve(Settings::default()).await;
    let pushes = (0..8).map(|_| async {
        let mut client = IntakeServiceClient::new(server.as_role("integration"));
        let requests: Vec<_> = batches(30).into_iter().map(|events| StreamEventsRequest { events }).collect();
        let sizes: Vec<_> = requests.iter().map(|request| request.events.len()).collect();
        let mut answers = client.stream_events(stream::iter(requests)).await.unwrap().into_inner();
        let mut accepted = 0;
        for size in sizes {
            let results = answers.next().await.unwrap().unwrap().results;
            assert_eq!(results.len(), size);
            accepted += results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
        }
        assert!(answers.next().await.is_none(), "the stream ends with the caller's");
        accepted
    });
    let accepted: usize = join_all(pushes).await.into_iter().sum();
    assert_eq!(accepted, 210);
    assert_eq!(summary(&shop).await, clean(30).await);
    assert_sequences_have_no_gap(&shop).await;
}
