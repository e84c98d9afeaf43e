//! Writes: the same request once, and no update lost.

use std::time::Duration;

use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_store::{Database, Etag, context};
use seva_testkit::{TestDatabase, database::begin};
use seva_values::id::new_id;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::toy::{
    account::{self, Deposited, Fails, deposit, deposit_faulty, load, request, subject, unrepeated},
    accounts,
};

fn retry_after(error: &Error) -> Option<Duration> {
    Status::from(error).get_error_details().retry_info().and_then(|info| info.retry_delay)
}

async fn count(owner: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(owner).await.unwrap()
}

/// The same request from eight callers at once.
async fn by_eight(database: &TestDatabase, id: Uuid, fails: Fails) -> Vec<Deposited> {
    let write = request(new_id(), 1);
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (db, write) = (database.db.clone(), write.clone());
        callers.spawn(async move { deposit_faulty(&db, &write, id, 5, Etag::default(), fails).await.unwrap() });
    }
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_from_eight_callers_has_one_effect_and_one_answer() {
    let database = accounts().await;
    for _ in 0..10 {
        let id = account::open(&database.db).await;

        let answers = by_eight(&database, id, Fails::Nothing).await;

        assert_eq!(answers, vec![Deposited { amount: 5, balance: 5, version: 2 }; 8]);
        assert_eq!(load(&database.db, id).await.unwrap(), (5, 2));
    }
    assert_eq!(count(&database.owner, "select count(*) from seva.outbox").await, 20);
    assert_eq!(count(&database.owner, "select count(*) from seva.outbox_pending").await, 20);
    assert_eq!(count(&database.owner, "select count(*) from seva.audit").await, 20);
    assert_eq!(count(&database.owner, "select count(*) from seva.idempotency").await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_does_not_remember_is_seen_to_have_eight_effects() {
    let database = accounts().await;
    let id = account::open(&database.db).await;

    by_eight(&database, id, Fails::ToRemember).await;

    assert_eq!(load(&database.db, id).await.unwrap(), (40, 9));
}

#[tokio::test]
async fn a_request_id_with_another_message_is_refused() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let request_id = new_id();
    deposit(&database.db, &request(request_id, 1), id, 5, Etag::default()).await.unwrap();

    let refused = deposit(&database.db, &request(request_id, 2), id, 7, Etag::default()).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason()), (Code::InvalidArgument, ErrorReason::RequestIdReused));
    assert_eq!(load(&database.db, id).await.unwrap(), (5, 2));
}

#[tokio::test]
async fn the_same_request_id_of_another_caller_or_method_is_another_request() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let first = request(new_id(), 1);
    let other_caller = seva_runtime::Write { actor: "user:other".to_owned(), ..first.clone() };
    let other_method = seva_runtime::Write { method: "/toy.AccountService/Give".to_owned(), ..first.clone() };

    for write in [&first, &other_caller, &other_method] {
        deposit(&database.db, write, id, 5, Etag::default()).await.unwrap();
    }

    assert_eq!(load(&database.db, id).await.unwrap(), (15, 4));
}

#[tokio::test]
async fn the_twin_of_a_request_in_flight_is_told_to_come_back_and_then_gets_its_answer() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let write = request(new_id(), 1);
    let mut first = begin(&database.owner).await;
    let answer = Deposited { amount: 5, balance: 5, version: 2 };
    sqlx::query("select seva.remember($1, $2)")
        .bind(context::of(&write))
        .bind(prost::Message::encode_to_vec(&answer))
        .execute(&mut *first)
        .await
        .unwrap();

    let in_flight = deposit(&database.db, &write, id, 5, Etag::default()).await.unwrap_err();
    first.commit().await.unwrap();
    let answered = deposit(&database.db, &write, id, 5, Etag::default()).await.unwrap();

    assert_eq!((in_flight.code(), in_flight.reason()), (Code::Aborted, ErrorReason::RequestInFlight));
    assert!(retry_after(&in_flight).is_some());
    assert_eq!(answered, answer);
    assert_eq!(load(&database.db, id).await.unwrap(), (0, 1), "the twin has no effect of its own");
}

#[tokio::test]
async fn a_refused_write_keeps_nothing_and_the_same_request_can_succeed_later() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let write = request(new_id(), 1);
    let kept = "select (select count(*) from seva.idempotency) + (select count(*) from seva.outbox)
                     + (select count(*) from seva.audit)";
    let before = count(&database.owner, kept).await;

    let refused = deposit(&database.db, &write, id, -5, Etag::default()).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason()), (Code::FailedPrecondition, ErrorReason::StateForbids));
    assert_eq!(count(&database.owner, kept).await, before);
    deposit(&database.db, &unrepeated(), id, 9, Etag::default()).await.unwrap();
    let withdrawn = deposit(&database.db, &write, id, -5, Etag::default()).await.unwrap();
    let repeated = deposit(&database.db, &write, id, -5, Etag::default()).await.unwrap();
    assert_eq!(withdrawn, Deposited { amount: -5, balance: 4, version: 3 });
    assert_eq!(repeated, withdrawn);
    assert_eq!(load(&database.db, id).await.unwrap(), (4, 3));
}

#[tokio::test]
async fn a_statement_that_fails_leaves_neither_event_nor_audit_nor_answer() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let write = request(new_id(), 1);
    let kept = "select (select count(*) from seva.idempotency) + (select count(*) from seva.outbox)
                     + (select count(*) from seva.outbox_pending) + (select count(*) from seva.audit)";
    let before = count(&database.owner, kept).await;

    let statement = sqlx::query(
        "with changed as (update account set version = version + 1 where id = $1 returning version)
         select seva.emit($2, $3, 'seva.accounts.account.deposited.v1', $4, version, $5, ''),
                seva.note($2, $4, array['balance']), seva.remember($2, ''), 1 / (version - 2)
         from changed",
    )
    .bind(id)
    .bind(context::of(&write))
    .bind(new_id())
    .bind(subject(id))
    .bind(jiff_sqlx::Timestamp::from(account::NOW));
    let fault = database.db.write(statement.execute(database.db.calls())).await.unwrap_err();

    assert!(fault.is_permanent(), "{fault}");
    assert_eq!(count(&database.owner, kept).await, before);
    assert_eq!(load(&database.db, id).await.unwrap(), (0, 1));
}

#[tokio::test]
async fn an_audit_row_says_who_did_what_to_which_fields_under_which_request_and_trace() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let request_id = new_id();
    let mut write = request(request_id, 1);
    write.on_behalf_of = Some("user:person".to_owned());
    write.story.traceparent = Some("00-11111111111111111111111111111111-2222222222222222-01".to_owned());

    deposit(&database.db, &write, id, 5, Etag::default()).await.unwrap();

    let expected = (
        "user:someone".to_owned(),
        Some("user:person".to_owned()),
        "/toy.AccountService/Deposit".to_owned(),
        subject(id),
        Some(request_id),
        Some("1".repeat(32)),
        vec!["balance".to_owned()],
    );
    let found = sqlx::query_as(
        "select actor, on_behalf_of, method, resource, request_id, trace_id, changed from seva.audit
         order by id desc limit 1",
    )
    .fetch_one(&database.owner)
    .await
    .unwrap();
    let [found, expected] = [found, expected];
    assert_eq!(found, expected);
}

/// Eight callers read, add one to what they have seen, and write; answers the sum that was acknowledged.
async fn acknowledged_sum(db: &Database, id: Uuid, fails: Fails) -> i64 {
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let db = db.clone();
        callers.spawn(async move {
            let mut acknowledged = 0;
            while acknowledged < 20 {
                let (_, version) = load(&db, id).await.unwrap();
                let etag = match fails {
                    Fails::ToCompareVersions => Etag::default(),
                    _ => Etag::parse(&Etag::format(version)).unwrap(),
                };
                match deposit_faulty(&db, &request(new_id(), 1), id, 1, etag, fails).await {
                    Ok(_) => acknowledged += 1,
                    Err(error) => assert_eq!(
                        (error.code(), error.reason()),
                        (Code::Aborted, ErrorReason::EtagMismatch),
                        "{error}"
                    ),
                }
            }
            acknowledged
        });
    }
    callers.join_all().await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_while_eight_callers_write_what_they_have_read() {
    let database = accounts().await;
    let id = account::open(&database.db).await;

    let sum = acknowledged_sum(&database.db, id, Fails::Nothing).await;

    assert_eq!(load(&database.db, id).await.unwrap(), (sum, sum + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_do_not_compare_versions_are_seen_to_lose_updates() {
    let database = accounts().await;
    let id = account::open(&database.db).await;

    let sum = acknowledged_sum(&database.db, id, Fails::ToCompareVersions).await;

    assert!(load(&database.db, id).await.unwrap().0 < sum, "the check does not see lost updates");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_starts_after_the_deadline() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let past = tokio::time::Instant::now();

    let late = seva_runtime::deadline::within(past, async {
        deposit(&database.db, &unrepeated(), id, 5, Etag::default()).await
    });

    assert_eq!(late.await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(load(&database.db, id).await.unwrap(), (0, 1));
}
