//! Consumers: every event once in effect, whatever becomes of leases and processes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use seva_runtime::clock::machine_now;
use seva_store::{
    Database, Etag, Event,
    consumer::{feed_no_before, rebase, standings},
    feed::Feed,
    keeper::new_epoch,
};
use seva_testkit::eventually;
use sqlx::Row;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::toy::{
    Process,
    account::{self, deposit, unrepeated},
    accounts, beside,
    ledger::{self, CONSUMER, Ledger, SOURCE, applied, caught_up, consumer, consuming, doubled},
    ledgers, whole_feed,
};

async fn deposits(db: &Database, ids: &[Uuid], count: usize) {
    for number in 0..count {
        deposit(db, &unrepeated(), ids[number % ids.len()], 1, Etag::default()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_fight_for_a_lease_apply_every_event_once_and_in_order() {
    let (source, target) = (accounts().await, ledgers().await);
    let process = Process::start(&source.db);
    let other_db = Database::open("ledger", &target.url).unwrap();
    let worked = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let counting = |worked: &Arc<AtomicUsize>| {
        let worked = worked.clone();
        Ledger::with_trouble(move |_| {
            worked.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    };
    let _one = consuming(&consumer(&target.db, &process.feed, counting(&worked[0])));
    let _other = consuming(&consumer(&other_db, &process.feed, counting(&worked[1])));
    // Takes the lease away, as if it had run out while its holder was still working.
    let thief = target.owner.clone();
    let _thief = beside(move |stopping| async move {
        while !stopping.is_cancelled() {
            sqlx::query("update seva.consumer_cursor set expires_at = '-infinity'").execute(&thief).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
    });

    let ids = [account::open(&source.db).await, account::open(&source.db).await, account::open(&source.db).await];
    // How fast the lease changes hands depends on the machine: work goes on until it has, often enough.
    let (mut deposited, mut generation) = (0, 0_i64);
    while generation <= 4 || worked.iter().any(|worked| worked.load(Ordering::Relaxed) == 0) {
        assert!(deposited < 100_000, "the lease has hardly changed hands: {generation}, {worked:?}");
        let mut writers = JoinSet::new();
        for _ in 0..4 {
            let db = source.db.clone();
            writers.spawn(async move {
                for number in 0..500 {
                    deposit(&db, &unrepeated(), ids[number % 3], 1, Etag::default()).await.unwrap();
                }
            });
        }
        writers.join_all().await;
        deposited += 2000;
        generation =
            sqlx::query_scalar("select generation from seva.consumer_cursor").fetch_one(&target.owner).await.unwrap();
    }
    caught_up(&target.db, &source.db).await;

    let expected: Vec<(String, i64)> =
        whole_feed(&source.db).await.iter().map(|event| (event.subject.clone(), event.sequence)).collect();
    assert_eq!(expected.len(), deposited + 3);
    assert_eq!(applied(&target.owner).await, expected);
}

/// Applies what follows the cursor as a consumer would that was stopped between reading its cursor and its effect.
async fn apply_slowly(db: &Database, events: &[Arc<Event>], together: &tokio::sync::Barrier, fenced: bool) {
    let row =
        sqlx::query("select feed_no, generation from seva.consumer_cursor").fetch_one(db.workers()).await.unwrap();
    let (feed_no, generation): (i64, i64) = (row.get(0), row.get(1));
    together.wait().await;
    let mut transaction = db.begin().await.unwrap();
    let moved = sqlx::query(
        "update seva.consumer_cursor set feed_no = $1 where ($4 and feed_no = $2 and generation = $3) or not $4",
    )
    .bind(events.last().unwrap().feed_no)
    .bind(feed_no)
    .bind(generation)
    .bind(fenced)
    .execute(&mut *transaction)
    .await
    .unwrap();
    if moved.rows_affected() == 1 {
        ledger::write(&mut transaction, events).await.unwrap();
        db.commit(transaction).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_that_ignores_cursor_and_generation_is_seen_to_double() {
    for (fenced, expected) in [(true, 0), (false, 11)] {
        let (source, target) = (accounts().await, ledgers().await);
        let _process = Process::start(&source.db);
        let id = account::open(&source.db).await;
        deposits(&source.db, &[id], 10).await;
        crate::toy::drained(&source.db).await;
        let events = whole_feed(&source.db).await;
        sqlx::query("insert into seva.consumer_cursor (consumer, source, feed_no) values ('ledger', '//accounts', 0)")
            .execute(&target.owner)
            .await
            .unwrap();
        let together = tokio::sync::Barrier::new(2);

        tokio::join!(
            apply_slowly(&target.db, &events, &together, fenced),
            apply_slowly(&target.db, &events, &together, fenced)
        );

        assert_eq!(doubled(&target.owner).await, expected, "fenced: {fenced}");
    }
}

async fn effects(owner: &sqlx::PgPool) -> (Vec<(Uuid, String, i64)>, Vec<(String, i64, i64)>) {
    let entries = sqlx::query_as("select event_id, subject, amount from entry order by event_id").fetch_all(owner);
    let projection = sqlx::query_as("select subject, sequence, balance from projection order by 1").fetch_all(owner);
    (entries.await.unwrap(), projection.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_everything_again_after_a_rebase_changes_nothing_that_is_keyed() {
    let (source, target) = (accounts().await, ledgers().await);
    let process = Process::start(&source.db);
    let _consuming = consuming(&consumer(&target.db, &process.feed, Ledger::new()));
    let ids = [account::open(&source.db).await, account::open(&source.db).await];
    deposits(&source.db, &ids, 100).await;
    caught_up(&target.db, &source.db).await;
    let before = effects(&target.owner).await;
    assert_eq!(before.0.len(), 102);

    assert!(rebase(&target.db, CONSUMER, SOURCE, 0).await.unwrap());
    assert!(!rebase(&target.db, "nobody", SOURCE, 0).await.unwrap());
    caught_up(&target.db, &source.db).await;

    assert_eq!(applied(&target.owner).await.len(), 204, "the rebase was expected to read everything again");
    assert_eq!(effects(&target.owner).await, before);
    assert_eq!(standings(&target.db).await.unwrap()[0].feed_no, 102);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebase_to_a_time_starts_after_what_was_recorded_before_it() {
    let source = accounts().await;
    let _process = Process::start(&source.db);
    let id = account::open(&source.db).await;
    deposits(&source.db, &[id], 5).await;
    let since = machine_now();
    deposits(&source.db, &[id], 5).await;
    crate::toy::drained(&source.db).await;

    assert_eq!(feed_no_before(&source.db, since).await.unwrap(), 6);
    assert_eq!(feed_no_before(&source.db, account::NOW).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_stops_at_another_epoch_and_goes_on_after_a_rebase() {
    let (source, target) = (accounts().await, ledgers().await);
    let process = Process::start(&source.db);
    let id = account::open(&source.db).await;
    {
        let _consuming = consuming(&consumer(&target.db, &process.feed, Ledger::new()));
        deposits(&source.db, &[id], 3).await;
        caught_up(&target.db, &source.db).await;
    }
    // As after a restore.
    new_epoch(&source.db).await.unwrap();
    deposits(&source.db, &[id], 3).await;
    let restored = Feed::new(source.db.clone());
    let _following = beside(|stopping| seva_store::feed::follow(restored.clone(), stopping));
    let again = consumer(&target.db, &restored, Ledger::new());
    let _consuming = consuming(&again);

    // Long enough for several tries.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(applied(&target.owner).await.len(), 4, "a cursor of a lost history was read on");

    rebase(&target.db, CONSUMER, SOURCE, 0).await.unwrap();
    caught_up(&target.db, &source.db).await;
    assert_eq!(effects(&target.owner).await.0.len(), 7);
    eventually("the standing is told", || async { (again.standing().feed_no == 7).then_some(()) }).await;
}
