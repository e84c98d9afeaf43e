//! Feeds as subscribers see them: no gap and no repetition, whether they read memory or the table.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use seva_proto::{
    common::v1::ErrorReason,
    events::v1::{
        GetFeedHeadRequest, SubscribeRequest, SubscribeResponse, event_feed_service_server::EventFeedService,
        subscribe_request,
    },
};
use seva_runtime::{
    Error,
    auth::{Principal, PrincipalKind},
    call::Method,
    tasks::Tasks,
};
use seva_store::{
    Database, Etag, Event,
    consumer::EventSource,
    feed::{Batch, Feed, FeedRpc, Start},
    keeper::new_epoch,
};
use seva_testkit::TestDatabase;
use sqlx::PgPool;
use tokio::{task::JoinSet, time::timeout};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::toy::{
    Process,
    account::{self, deposit, unrepeated},
    accounts, drained,
};

/// `count` events of as many subjects, by one statement.
async fn emit_many(owner: &PgPool, count: i32) {
    sqlx::query(
        r#"select seva.emit('{"actor": "user:x", "correlation_id": "", "causation_id": "", "hops": 0}', gen_random_uuid(),
                            'seva.accounts.account.opened.v1', 'accounts/' || gen_random_uuid(), 1, '2026-01-01', '')
           from generate_series(1, $1)"#,
    )
    .bind(count)
    .execute(owner)
    .await
    .unwrap();
}

/// Reads until `last` was told; asserts that nothing is left out, repeated or out of order.
async fn read_until(mut batches: BoxStream<'static, Result<Batch, Error>>, after: i64, last: i64) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    let mut cursor = after;
    while cursor < last {
        let batch =
            timeout(Duration::from_secs(30), batches.next()).await.expect("the feed stands still").unwrap().unwrap();
        for event in batch.events {
            cursor += 1;
            assert_eq!(event.feed_no, cursor);
            events.push(event);
        }
        assert_eq!(batch.last_feed_no, cursor);
        assert!(batch.head >= cursor);
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_far_behind_reads_the_table_and_then_memory_without_gap_or_repetition() {
    let database = accounts().await;
    emit_many(&database.owner, 5_000).await;
    let process = Process::start(&database.db);
    drained(&database.db).await;
    // More than memory keeps, while the tail reader follows.
    for _ in 0..5 {
        emit_many(&database.owner, 2_000).await;
    }
    let ids = [account::open(&database.db).await, account::open(&database.db).await];
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let db = database.db.clone();
        writers.spawn(async move {
            for number in 0..50 {
                deposit(&db, &unrepeated(), ids[(writer + number) % 2], 1, Etag::default()).await.unwrap();
            }
        });
    }

    let from_the_start = process.feed.subscribe(Start::Earliest).await.unwrap();
    let from_the_middle = process.feed.subscribe(Start::After { feed_no: 7_000, epoch: None }).await.unwrap();
    let (all, some) = tokio::join!(read_until(from_the_start, 0, 15_202), read_until(from_the_middle, 7_000, 15_202));
    writers.join_all().await;

    assert_eq!((all.len(), some.len()), (15_202, 8_202));
    assert_eq!(all[7_000..], some);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_of_what_is_new_gets_events_of_another_process_too() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let _first = Process::start(&database.db);
    drained(&database.db).await;
    let other_db = Database::open("accounts", &database.url).unwrap();
    let other = Process::start(&other_db);

    let mut batches = other.feed.subscribe(Start::Latest).await.unwrap();
    let first = batches.next().await.unwrap().unwrap();
    assert_eq!((first.events.len(), first.last_feed_no, first.head), (0, 1, 1));
    for number in 1..=5 {
        deposit(&database.db, &unrepeated(), id, number, Etag::default()).await.unwrap();
    }

    let events = read_until(batches, 1, 6).await;
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
}

async fn refusal(feed: &Feed, start: Start) -> Error {
    feed.subscribe(start).await.err().expect("the cursor was expected to be refused")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_ahead_of_the_feed_and_of_another_epoch_are_refused() {
    let database = accounts().await;
    let process = Process::start(&database.db);
    account::open(&database.db).await;
    drained(&database.db).await;
    let epoch = process.feed.bounds().await.unwrap().epoch.to_string();
    let after = |feed_no, epoch: &str| Start::After { feed_no, epoch: Some(epoch.to_owned()) };
    process.feed.subscribe(after(1, &epoch)).await.map(drop).unwrap();

    let ahead = refusal(&process.feed, after(2, &epoch)).await;
    let negative = refusal(&process.feed, after(-1, &epoch)).await;
    let changed = new_epoch(&database.db).await.unwrap().to_string();
    let lost = refusal(&process.feed, after(1, &epoch)).await;

    assert_eq!((ahead.code(), ahead.reason()), (Code::OutOfRange, ErrorReason::FeedCursorAhead));
    assert_eq!(negative.reason(), ErrorReason::FeedCursorExpired);
    assert_eq!((lost.code(), lost.reason()), (Code::FailedPrecondition, ErrorReason::FeedEpochChanged));
    process.feed.subscribe(after(1, &changed)).await.map(drop).unwrap();
}

/// A request as the server's layers hand it on.
fn called<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Principal {
        subject: "service:ledger".to_owned(),
        kind: PrincipalKind::Service,
        roles: Arc::default(),
        scopes: Arc::default(),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    });
    request.extensions_mut().insert(Method("/seva.events.v1.EventFeedService/Subscribe".to_owned()));
    request
}

async fn subscribed(
    rpc: &FeedRpc,
    start: subscribe_request::Start,
) -> Result<BoxStream<'static, Result<SubscribeResponse, Status>>, Status> {
    let request = called(SubscribeRequest { start: Some(start) });
    Ok(rpc.subscribe(request).await?.into_inner().boxed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_of_feeds_streams_events_tells_the_head_and_refuses_by_reason() {
    let database: TestDatabase = accounts().await;
    let process = Process::start(&database.db);
    let id = account::open(&database.db).await;
    deposit(&database.db, &unrepeated(), id, 5, Etag::default()).await.unwrap();
    drained(&database.db).await;
    let tasks = Tasks::new();
    let rpc = FeedRpc::new(process.feed.clone(), tasks.clone());

    let head = rpc.get_feed_head(called(GetFeedHeadRequest {})).await.unwrap().into_inner();
    assert_eq!((head.head, head.floor), (2, 0));
    let earliest = subscribe_request::Start::Earliest(subscribe_request::Earliest {});
    let mut answers = subscribed(&rpc, earliest).await.unwrap();
    let opening = answers.next().await.unwrap().unwrap();
    assert_eq!((opening.events.len(), opening.last_feed_no, &opening.epoch), (0, 0, &head.epoch));
    // How many events come in one answer is the process's affair: it may have read the first before the second was sequenced.
    let mut sequences = Vec::new();
    while sequences.len() < 2 {
        let answer = answers.next().await.unwrap().unwrap();
        sequences.extend(answer.events.iter().map(|event| event.sequence));
    }
    assert_eq!(sequences, [1, 2]);
    deposit(&database.db, &unrepeated(), id, 5, Etag::default()).await.unwrap();
    let last = answers.next().await.unwrap().unwrap();
    assert_eq!((last.last_feed_no, last.head), (3, 3));

    let ahead = subscribe_request::After { feed_no: 9, epoch: String::new() };
    let ahead = subscribed(&rpc, subscribe_request::Start::After(ahead)).await.err().unwrap();
    assert_eq!(ahead.get_error_details().error_info().unwrap().reason, "FEED_CURSOR_AHEAD");
    let nowhere = rpc.subscribe(called(SubscribeRequest { start: None })).await.err().unwrap();
    assert_eq!(nowhere.code(), Code::InvalidArgument);

    assert!(tasks.drain(Duration::from_secs(10)).await, "a stream outlives the process's drain");
    assert!(answers.try_next().await.unwrap().is_none());
}
