//! Keeping and forgetting.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::clock::machine_now;
use seva_store::{
    Etag,
    consumer::EventSource,
    feed::{Feed, Start},
    keeper::keep,
};
use seva_testkit::TestDatabase;
use seva_values::id::new_id;
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::toy::{
    Process,
    account::{self, deposit, load, request, unrepeated},
    accounts, drained, whole_feed,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn partitions(owner: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'seva.outbox'::regclass order by 1",
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

fn partition(at: Timestamp) -> String {
    format!("outbox_{}", at.to_zoned(TimeZone::UTC).strftime("%Y%m%d"))
}

async fn count(owner: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(owner).await.unwrap()
}

/// An event as it was recorded `days` ago.
async fn recorded_ago(owner: &PgPool, days: i32, position: i64) {
    sqlx::query(
        "with event as (
             insert into seva.outbox
             values ($1, (clock_timestamp() at time zone 'UTC')::date - $2, gen_random_uuid(), 'x', 'accounts/old' || $1, 1,
                     now(), now() - make_interval(days => $2), '', '', '', 0, 1, null, '')
             returning position, day
         )
         insert into seva.outbox_pending select position, day from event",
    )
    .bind(position)
    .bind(days)
    .execute(owner)
    .await
    .unwrap();
}

#[tokio::test]
async fn partitions_stand_ready_for_today_and_a_week_ahead_from_the_first_migration() {
    let database = accounts().await;

    let found = partitions(&database.owner).await;

    for days in 0..=7 {
        // The template may be some minutes older than this test.
        let ahead = partition(machine_now() - SignedDuration::from_mins(10) + DAY * days);
        assert!(found.contains(&ahead), "{ahead} is missing of {found:?}");
    }
    keep(&database.db, machine_now() + DAY * 20).await.unwrap();
    let found = partitions(&database.owner).await;
    assert!(found.contains(&partition(machine_now() + DAY * 27)), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_below_what_is_kept_has_expired_and_the_kept_events_are_still_read() {
    let database = accounts().await;
    for (position, days) in [(1, 40), (2, 31), (3, 30), (4, 29)] {
        // As positions were before this program's time.
        recorded_ago(&database.owner, days, -10 + position).await;
    }
    let process = Process::start(&database.db);
    let id = account::open(&database.db).await;
    drained(&database.db).await;
    assert_eq!(whole_feed(&database.db).await.len(), 5);

    keep(&database.db, machine_now()).await.unwrap();

    let bounds = process.feed.bounds().await.unwrap();
    assert_eq!((bounds.floor, bounds.head), (2, 5));
    let expired = process.feed.subscribe(Start::After { feed_no: 1, epoch: None }).await.err().unwrap();
    assert_eq!(expired.reason(), ErrorReason::FeedCursorExpired);
    let overtaken = Feed::new(database.db.clone()).read_after(1).await.unwrap_err();
    assert_eq!(overtaken.reason(), ErrorReason::FeedCursorExpired);
    assert_eq!(process.feed.cursor(&Start::Earliest).await.unwrap().0, 2);
    let kept = Feed::new(database.db.clone()).read_after(2).await.unwrap();
    assert_eq!(kept.iter().map(|event| event.feed_no).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(count(&database.owner, "select count(*) from seva.outbox").await, 3);
    deposit(&database.db, &unrepeated(), id, 1, Etag::default()).await.unwrap();
    drained(&database.db).await;
    assert_eq!(process.feed.bounds().await.unwrap().head, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_whose_ends_lie_within_each_other_are_never_told_with_a_hole() {
    let database = accounts().await;
    // A late commit of the older day comes after the younger day's first.
    for (position, days) in [(1, 31), (2, 30), (3, 31), (4, 30)] {
        recorded_ago(&database.owner, days, position).await;
    }
    sqlx::query("select seva.sequence_pending(10)").execute(&database.owner).await.unwrap();
    keep(&database.db, machine_now()).await.unwrap();
    let feed = Feed::new(database.db.clone());

    assert_eq!(feed.bounds().await.unwrap().floor, 3);
    assert_eq!(feed.read_after(0).await.unwrap_err().reason(), ErrorReason::FeedCursorExpired);
    // A reader that stood here when retention overtook it gets what is whole, and is refused at the hole.
    assert_eq!(feed.read_after(1).await.unwrap().iter().map(|event| event.feed_no).collect::<Vec<_>>(), [2]);
    assert_eq!(feed.read_after(2).await.unwrap_err().reason(), ErrorReason::FeedCursorExpired);
    assert_eq!(feed.read_after(3).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_day_without_its_partition_the_events_move_into_one_and_nothing_is_lost() {
    let database = accounts().await;
    let process = Process::start(&database.db);
    let id = account::open(&database.db).await;
    drained(&database.db).await;
    // As if nothing had run for weeks: no partition is there for today.
    keep(&database.db, machine_now() + DAY * 40).await.unwrap();
    assert!(!partitions(&database.owner).await.contains(&partition(machine_now())));
    let db = database.db.clone();
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let db = db.clone();
        writers.spawn(async move {
            for _ in 0..50 {
                deposit(&db, &unrepeated(), id, 1, Etag::default()).await.unwrap();
            }
        });
    }

    // Several processes keep at once, while others write.
    let (one, other) = tokio::join!(keep(&database.db, machine_now()), keep(&database.db, machine_now()));
    one.unwrap();
    other.unwrap();
    writers.join_all().await;
    keep(&database.db, machine_now()).await.unwrap();
    drained(&database.db).await;

    assert!(partitions(&database.owner).await.contains(&partition(machine_now())));
    assert_eq!(count(&database.owner, "select count(*) from only seva.outbox_default").await, 0);
    let told = Feed::new(database.db.clone()).read_after(1).await.unwrap();
    assert_eq!(told.len(), 200);
    assert_eq!(process.feed.bounds().await.unwrap().floor, 1);
}

#[tokio::test]
async fn the_first_answer_to_a_request_is_kept_for_seven_days() {
    let database: TestDatabase = accounts().await;
    let id = account::open(&database.db).await;
    let write = request(new_id(), 1);
    deposit(&database.db, &write, id, 5, Etag::default()).await.unwrap();

    keep(&database.db, machine_now() + DAY * 7 - SignedDuration::from_mins(1)).await.unwrap();
    deposit(&database.db, &write, id, 5, Etag::default()).await.unwrap();
    assert_eq!(load(&database.db, id).await.unwrap().0, 5);

    keep(&database.db, machine_now() + DAY * 7 + SignedDuration::from_mins(1)).await.unwrap();
    deposit(&database.db, &write, id, 5, Etag::default()).await.unwrap();
    assert_eq!(load(&database.db, id).await.unwrap().0, 10);
}
