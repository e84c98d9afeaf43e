//! Pools: nobody inherits a transaction, and a database that comes back is used again.

use std::time::Duration;

use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_store::Fault;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::toy::accounts;

/// Whether the next borrower finds itself in a transaction; ends it, so that each is counted once.
async fn is_inherited(pool: &PgPool) -> bool {
    let mut connection = pool.acquire().await.unwrap();
    let inside = sqlx::raw_sql("select 1 where statement_timestamp() > now()")
        .fetch_all(&mut *connection)
        .await
        .map_or(true, |rows| !rows.is_empty());
    if inside {
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
    }
    inside
}

/// Begins and gives up half-way; answers how many were given up and how many of those transactions the next borrower got.
async fn give_up_beginning<B: Future>(pool: &PgPool, rounds: u64, begin: impl Fn() -> B) -> (u64, u64) {
    let (mut given_up, mut inherited) = (0, 0);
    for round in 0..rounds {
        // By looks, not by time: a timer is too coarse for a server that answers at once.
        let mut beginning = Box::pin(begin());
        let mut begun = false;
        for _ in 0..=round % 4 {
            begun = look_at(&mut beginning).await;
            if begun {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(beginning);
        given_up += u64::from(!begun);
        inherited += u64::from(is_inherited(pool).await);
    }
    (given_up, inherited)
}

/// Polls once; answers whether it is done.
async fn look_at<F: Future + Unpin>(work: &mut F) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *work).poll(context).is_ready()))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_was_given_up_while_it_began_is_not_inherited() {
    let database = accounts().await;

    let (given_up, inherited) = give_up_beginning(database.db.workers(), 800, || database.db.begin()).await;
    assert!(given_up > 20, "only {given_up} were given up");
    assert_eq!(inherited, 0, "of {given_up}");

    let unguarded =
        PgPoolOptions::new().max_connections(4).test_before_acquire(false).connect(&database.url).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "this is what the ban is for")]
    let (given_up, inherited) = give_up_beginning(&unguarded, 800, || unguarded.begin()).await;
    assert!(inherited > 0, "the check does not see what a bare pool hands on: {given_up} given up");
    println!("a bare pool handed {inherited} of {given_up} given-up transactions on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_whose_transactions_ended_are_kept() {
    let database = accounts().await;
    let mut pids = std::collections::BTreeSet::new();
    for round in 0..100 {
        let mut transaction = database.db.begin().await.unwrap();
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *transaction).await.unwrap();
        pids.insert(pid);
        match round % 3 {
            0 => database.db.commit(transaction).await.unwrap(),
            1 => transaction.rollback().await.unwrap(),
            _ => drop(transaction),
        }
    }

    assert!(pids.len() <= 4, "connections are closed without need: {}", pids.len());
}

fn assert_unavailable(error: &Error) {
    assert_eq!((error.code(), error.reason()), (Code::Unavailable, ErrorReason::DatabaseUnavailable));
    assert!(Status::from(error).get_error_details().retry_info().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_a_free_connection_answers_unavailable_in_time() {
    let database = accounts().await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(database.db.calls().acquire().await.unwrap());
    }
    let mut transactions = Vec::new();
    for _ in 0..4 {
        transactions.push(database.db.begin().await.unwrap());
    }

    let begun = Instant::now();
    let (call, worker) = tokio::join!(database.db.ping(), database.db.begin());

    assert_unavailable(&call.unwrap_err());
    assert_unavailable(&Error::from(worker.err().unwrap()));
    assert!(begun.elapsed() >= Duration::from_secs(3) && begun.elapsed() < Duration::from_secs(6));
    drop((held, transactions));
    database.db.ping().await.unwrap();
    database.db.begin().await.map(drop).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_its_connections_were_ended_a_pool_recovers_with_one_failed_use_of_each_at_most() {
    let database = accounts().await;
    let all = async |pool: PgPool, count| {
        let mut held = Vec::new();
        for _ in 0..count {
            held.push(pool.acquire().await.unwrap());
        }
    };
    all(database.db.calls().clone(), 8).await;
    all(database.db.workers().clone(), 4).await;
    sqlx::query(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and application_name like 'seva-%'",
    )
    .execute(&database.owner)
    .await
    .unwrap();

    let mut failed = 0;
    while let Err(error) = database.db.ping().await {
        assert_unavailable(&error);
        failed += 1;
    }
    let mut failed_workers = 0;
    while let Err(fault) = database.db.begin().await {
        assert!(matches!(fault, Fault::Unavailable(_)), "{fault:?}");
        failed_workers += 1;
    }

    assert!(failed <= 8 && failed_workers <= 4, "{failed} and {failed_workers} failed");
}
