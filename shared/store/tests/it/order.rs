//! The sequencer: an order that all readers share, in which nothing is lost.

use std::{collections::BTreeSet, time::Duration};

use seva_runtime::call::Story;
use seva_store::{
    Database, Event, NewEvent,
    event::{append, lock_subjects},
};
use seva_testkit::{database::begin, eventually};
use seva_values::id::new_id;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Row, Transaction, pool::PoolConnection};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

use crate::toy::{
    Process,
    account::{self, Deposited, KIND, NOW, add_within, deposit, subject, unrepeated},
    accounts, drained, faults_of_feed, whole_feed,
};

/// Connections as other processes would have them, as many as there are writers.
async fn connections(url: &str, count: u32) -> PgPool {
    sqlx::postgres::PgPoolOptions::new().max_connections(count).connect(url).await.unwrap()
}

/// Begins a transaction that has written something, so that its number is older than all that it waits for later.
async fn begun_long_ago(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut transaction = begin(pool).await;
    sqlx::query("insert into scratch (note) values ('first')").execute(&mut *transaction).await.unwrap();
    transaction
}

/// A pause that differs from writer to writer and from round to round.
async fn pause(seed: u64) {
    tokio::time::sleep(Duration::from_micros(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52)).await;
}

async fn opened(db: &Database, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(account::open(db).await);
    }
    ids
}

async fn committed(owner: &PgPool) -> BTreeSet<Uuid> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select event_id from seva.outbox").fetch_all(owner).await.unwrap();
    ids.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_whose_transactions_are_older_than_their_locks_never_come_out_of_order() {
    let database = accounts().await;
    let process = Process::start(&database.db);
    let ids = opened(&database.db, 3).await;
    let pool = connections(&database.url, 10).await;

    let mut writers = JoinSet::new();
    for writer in 0..10_u64 {
        let (pool, ids) = (pool.clone(), ids.clone());
        writers.spawn(async move {
            let mut written = Vec::new();
            for round in 0..30_u64 {
                let mut transaction = begun_long_ago(&pool).await;
                pause(writer * 31 + round).await;
                let id = ids[usize::try_from(writer + round).unwrap() % ids.len()];
                written.push(add_within(&mut transaction, id, 1).await);
                pause(writer * 37 + round).await;
                transaction.commit().await.unwrap();
            }
            written
        });
    }
    let written: BTreeSet<Uuid> = writers.join_all().await.into_iter().flatten().collect();
    drained(&database.db).await;

    let events = whole_feed(&database.db).await;
    assert_eq!(faults_of_feed(&events, &committed(&database.owner).await), Vec::<String>::new());
    assert_eq!(events.len(), written.len() + ids.len());
    assert!(written.is_subset(&events.iter().map(|event| event.event_id).collect()));
    drop(process);
}

/// Moves money between two accounts: versions are read, events are told, rows are written. Only with the locks of subjects is that right.
async fn transfer(pool: &PgPool, from: Uuid, to: Uuid, locks: bool, seed: u64) {
    let mut transaction = begin(pool).await;
    if locks {
        lock_subjects(&mut transaction, &[subject(from), subject(to)]).await.unwrap();
    }
    let mut events = Vec::new();
    for (id, amount) in [(from, 1), (to, -1)] {
        let version: i64 = sqlx::query_scalar("select version from account where id = $1")
            .bind(id)
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
        let payload = Deposited { amount, balance: 0, version: version + 1 };
        events.push(NewEvent::new(KIND, subject(id), version + 1, NOW, Story::begun_by("test"), &payload));
        pause(seed + u64::from(amount > 0)).await;
    }
    append(&mut transaction, "user:someone", &events).await.unwrap();
    let mut ids = [from, to];
    ids.sort();
    for id in ids {
        sqlx::query("update account set version = version + 1 where id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
}

/// Faults of a feed after eight writers have moved money between four accounts.
async fn faults_after_transfers(locks: bool) -> Vec<String> {
    let database = accounts().await;
    let _process = Process::start(&database.db);
    let ids = opened(&database.db, 4).await;
    let pool = connections(&database.url, 8).await;
    let mut writers = JoinSet::new();
    for writer in 0..8_usize {
        let (pool, ids) = (pool.clone(), ids.clone());
        writers.spawn(async move {
            for round in 0..15_usize {
                let from = (writer + round) % 4;
                let to = (from + 1 + round % 3) % 4;
                transfer(&pool, ids[from], ids[to], locks, u64::try_from(writer * 100 + round).unwrap()).await;
            }
        });
    }
    writers.join_all().await;
    drained(&database.db).await;
    faults_of_feed(&whole_feed(&database.db).await, &committed(&database.owner).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_over_several_aggregates_are_in_order_when_they_lock_their_subjects_and_only_then() {
    assert_eq!(faults_after_transfers(true).await, Vec::<String>::new());

    let planted = faults_after_transfers(false).await;
    assert!(!planted.is_empty(), "the check does not see transactions that lock nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_one_statement_and_transactions_over_several_aggregates_go_together() {
    let database = accounts().await;
    let _process = Process::start(&database.db);
    let ids = opened(&database.db, 3).await;
    let pool = connections(&database.url, 4).await;

    let mut writers = JoinSet::new();
    for writer in 0..8_usize {
        let (db, pool, ids) = (database.db.clone(), pool.clone(), ids.clone());
        writers.spawn(async move {
            for round in 0..15_usize {
                let (one, other) = (ids[(writer + round) % 3], ids[(writer + round + 1) % 3]);
                if writer % 2 == 0 {
                    deposit(&db, &unrepeated(), one, 1, seva_store::Etag::default()).await.unwrap();
                } else {
                    let mut transaction = begun_long_ago(&pool).await;
                    lock_subjects(&mut transaction, &[subject(one), subject(other)]).await.unwrap();
                    let mut ids = [one, other];
                    ids.sort();
                    for id in ids {
                        add_within(&mut transaction, id, 1).await;
                    }
                    transaction.commit().await.unwrap();
                }
            }
        });
    }
    writers.join_all().await;
    drained(&database.db).await;

    let events = whole_feed(&database.db).await;
    assert_eq!(faults_of_feed(&events, &committed(&database.owner).await), Vec::<String>::new());
}

/// A reader that takes `position` for a cursor, as outboxes often are read.
async fn read_by_position(owner: &PgPool, cursor: &mut i64) -> Vec<Uuid> {
    let rows = sqlx::query("select position, event_id from seva.outbox where position > $1 order by position")
        .bind(*cursor)
        .fetch_all(owner)
        .await
        .unwrap();
    if let Some(last) = rows.last() {
        *cursor = last.get(0);
    }
    rows.iter().map(|row| row.get(1)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_commit_is_never_skipped_although_its_position_was() {
    let database = accounts().await;
    let ids = opened(&database.db, 2).await;
    let _process = Process::start(&database.db);
    drained(&database.db).await;
    let mut cursor = 0;
    read_by_position(&database.owner, &mut cursor).await;

    let mut late = begin(&database.owner).await;
    let early_position = add_within(&mut late, ids[0], 1).await;
    deposit(&database.db, &unrepeated(), ids[1], 1, seva_store::Etag::default()).await.unwrap();
    drained(&database.db).await;
    let mut naive = read_by_position(&database.owner, &mut cursor).await;
    late.commit().await.unwrap();
    drained(&database.db).await;
    naive.extend(read_by_position(&database.owner, &mut cursor).await);

    let events = whole_feed(&database.db).await;
    assert_eq!(faults_of_feed(&events, &committed(&database.owner).await), Vec::<String>::new());
    assert_eq!(events.last().unwrap().event_id, early_position);
    assert!(!naive.contains(&early_position), "a cursor of positions was expected to lose the late commit");
}

/// The backend that holds the sequencer's lock in this database.
async fn sequencer_backend(owner: &PgPool) -> Option<i32> {
    sqlx::query_scalar(
        "select pid from pg_locks
         where locktype = 'advisory' and granted and objsubid = 1
           and database = (select oid from pg_database where datname = current_database())",
    )
    .fetch_optional(owner)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sequencer_takes_over_when_the_first_loses_its_connection() {
    let database = accounts().await;
    let _one = Process::start(&database.db);
    let other_db = Database::open("accounts", &database.url).unwrap();
    let _other = Process::start(&other_db);
    let id = account::open(&database.db).await;

    let mut killed = BTreeSet::new();
    for _ in 0..4 {
        let pid = eventually("there is a sequencer", || async {
            sequencer_backend(&database.owner).await.filter(|pid| !killed.contains(pid))
        })
        .await;
        for _ in 0..20 {
            deposit(&database.db, &unrepeated(), id, 1, seva_store::Etag::default()).await.unwrap();
        }
        sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&database.owner).await.unwrap();
        killed.insert(pid);
        for _ in 0..20 {
            deposit(&database.db, &unrepeated(), id, 1, seva_store::Etag::default()).await.unwrap();
        }
    }
    drained(&database.db).await;

    let events = whole_feed(&database.db).await;
    assert_eq!(faults_of_feed(&events, &committed(&database.owner).await), Vec::<String>::new());
    assert_eq!(events.len(), 161);
}

#[tokio::test]
async fn a_batch_smaller_than_what_is_pending_takes_the_lowest_positions_first() {
    let database = accounts().await;
    for position in [5_i64, 3, 7, 1, 4, 2, 6] {
        sqlx::query("insert into seva.outbox_pending (position, day) values ($1, '2026-01-01')")
            .bind(position)
            .execute(&database.owner)
            .await
            .unwrap();
    }

    let mut heads = Vec::new();
    for _ in 0..5 {
        let head: i64 = sqlx::query_scalar("select seva.sequence_pending(2)").fetch_one(&database.owner).await.unwrap();
        heads.push(head);
    }

    let positions: Vec<i64> =
        sqlx::query_scalar("select position from seva.feed order by feed_no").fetch_all(&database.owner).await.unwrap();
    assert_eq!(heads, [2, 4, 6, 7, 7]);
    assert_eq!(positions, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn a_story_of_more_than_sixteen_links_is_refused() {
    let database = accounts().await;
    let event = |hops| {
        let story = Story { hops, ..Story::begun_by("test") };
        NewEvent::new(KIND, "accounts/1".to_owned(), 1, NOW, story, &Deposited::default())
    };
    let mut connection: PoolConnection<Postgres> = database.db.workers().acquire().await.unwrap();

    append(&mut connection, "user:someone", &[event(16)]).await.unwrap();
    let refused = append(&mut connection, "user:someone", &[event(17)]).await.unwrap_err();

    assert!(refused.violates("outbox_hops_bounded"), "{refused}");
    assert!(refused.is_permanent());
}

#[tokio::test]
async fn events_appended_together_keep_their_order_and_all_that_they_carry() {
    let database = accounts().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let story = Story {
        correlation_id: "story".to_owned(),
        causation_id: "cause".to_owned(),
        hops: 3,
        traceparent: Some("00-11111111111111111111111111111111-2222222222222222-01".to_owned()),
    };
    let events: Vec<NewEvent> = (1..=50)
        .map(|number| {
            let payload = Deposited { amount: number, balance: number, version: number };
            NewEvent::new(KIND, format!("accounts/{}", new_id()), number, NOW, story.clone(), &payload)
        })
        .collect();

    append(&mut connection, "user:someone", &events).await.unwrap();
    sqlx::query("select seva.sequence_pending(1000)").execute(&database.owner).await.unwrap();

    let told = whole_feed(&database.db).await;
    assert_eq!(told.len(), events.len());
    for (told, event) in told.iter().zip(&events) {
        let expected = Event {
            event_id: event.event_id,
            kind: KIND.to_owned(),
            source: "//accounts".to_owned(),
            subject: event.subject.clone(),
            sequence: event.sequence,
            occurred_at: NOW,
            recorded_at: told.recorded_at,
            actor: "user:someone".to_owned(),
            correlation_id: "story".to_owned(),
            causation_id: "cause".to_owned(),
            hops: 3,
            schema_version: 1,
            traceparent: story.traceparent.clone(),
            payload: event.payload.clone().into(),
            feed_no: event.sequence,
        };
        assert_eq!(**told, expected);
        let sent = seva_proto::events::v1::Event::from(&**told);
        assert_eq!(Event::try_from(sent).unwrap(), expected);
    }
}

/// Writes for a second with eight callers; answers how many a second.
async fn writes_per_second(db: &Database, ids: &[Uuid]) -> f64 {
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..8_usize {
        let (db, id) = (db.clone(), ids[writer % ids.len()]);
        writers.spawn(async move {
            let mut written = 0_u32;
            while begun.elapsed() < Duration::from_millis(700) {
                deposit(&db, &unrepeated(), id, 1, seva_store::Etag::default()).await.unwrap();
                written += 1;
            }
            written
        });
    }
    let written: u32 = writers.join_all().await.into_iter().sum();
    f64::from(written) / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_of_the_sequencer_is_told() {
    let database = accounts().await;
    let ids = opened(&database.db, 8).await;

    let (mut without, mut with) = (0.0, 0.0);
    for _ in 0..2 {
        without += writes_per_second(&database.db, &ids).await / 2.0;
        let process = Process::start(&database.db);
        with += writes_per_second(&database.db, &ids).await / 2.0;
        drained(&database.db).await;
        drop(process);
    }

    println!(
        "8 callers: {without:.0} writes/s without a sequencer, {with:.0} with one beside other tests, ratio {:.2}",
        with / without
    );
    let committed = committed(&database.owner).await;
    assert_eq!(faults_of_feed(&whole_feed(&database.db).await, &committed), Vec::<String>::new());
}
