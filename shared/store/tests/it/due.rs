//! Due work: each item once, never early, and nothing left by a worker that vanished.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{BusinessClock, Error, clock::machine_now};
use seva_store::{
    Database, Fault,
    due::{Bell, Due, DueWork},
};
use seva_testkit::{TestDatabase, eventually};
use sqlx::PgPool;
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::DropGuard;

use crate::toy::{account::NOW, accounts, beside};

/// Finishes jobs; a worker of one process.
struct Jobs {
    db: Database,
    worker: &'static str,
    lease: SignedDuration,
    /// Whether the finish compares the attempt.
    fenced: bool,
    claimed: AtomicUsize,
    failing: AtomicBool,
    /// What a worker needs between claim and finish.
    hold: Semaphore,
}

impl Jobs {
    fn new(db: &Database, worker: &'static str) -> Self {
        Self {
            db: db.clone(),
            worker,
            lease: SignedDuration::from_secs(60),
            fenced: true,
            claimed: AtomicUsize::new(0),
            failing: AtomicBool::new(false),
            hold: Semaphore::new(Semaphore::MAX_PERMITS),
        }
    }

    async fn claim(&self, now: Timestamp, limit: i64) -> Result<Vec<(i64, i32)>, Fault> {
        Ok(sqlx::query_as(
            "update job set attempt = attempt + 1, leased_until = $3
             where id in (
                 select id from job where state = 'open' and due_at <= $1 and leased_until < $2
                 order by due_at limit $4 for update skip locked
             )
             returning id, attempt",
        )
        .bind(jiff_sqlx::Timestamp::from(now))
        .bind(jiff_sqlx::Timestamp::from(machine_now()))
        .bind(jiff_sqlx::Timestamp::from(machine_now() + self.lease))
        .bind(limit)
        .fetch_all(self.db.workers())
        .await?)
    }

    async fn finish(&self, claimed: &[(i64, i32)]) -> Result<(), Fault> {
        let (ids, attempts): (Vec<i64>, Vec<i32>) = claimed.iter().copied().unzip();
        sqlx::query(
            "with finished as (
                 update job set state = 'done', finished_by = $3
                 from unnest($1::bigint[], $2::integer[]) as mine (id, attempt)
                 where job.id = mine.id and (not $4 or (job.attempt = mine.attempt and job.state = 'open'))
                 returning job.id
             )
             insert into job_finish (job, worker) select id, $3 from finished",
        )
        .bind(ids)
        .bind(attempts)
        .bind(self.worker)
        .bind(self.fenced)
        .execute(self.db.workers())
        .await?;
        Ok(())
    }
}

#[async_trait]
impl DueWork for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(Error::unavailable(ErrorReason::ServiceUnavailable, "not now", Duration::from_millis(1)));
        }
        let claimed = self.claim(now, limit).await?;
        self.claimed.fetch_add(claimed.len(), Ordering::Relaxed);
        if !claimed.is_empty() {
            self.hold.acquire().await.unwrap().forget();
            self.finish(&claimed).await?;
        }
        Ok(claimed.len())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let next: Option<jiff_sqlx::Timestamp> = sqlx::query_scalar("select min(due_at) from job where state = 'open'")
            .fetch_one(self.db.workers())
            .await
            .map_err(Fault::from)?;
        Ok(next.map(jiff_sqlx::Timestamp::to_jiff))
    }
}

/// `count` jobs, the first due `after` the toys' time and each a second later than the one before.
async fn schedule(owner: &PgPool, count: i32, after: SignedDuration, apart: SignedDuration) {
    sqlx::query(
        "insert into job (due_at) select $1 + n * make_interval(secs => $3) from generate_series(0, $2 - 1) as n",
    )
    .bind(jiff_sqlx::Timestamp::from(NOW + after))
    .bind(count)
    .bind(apart.as_secs_f64())
    .execute(owner)
    .await
    .unwrap();
}

/// How many jobs are finished, and how many finishes there were.
async fn finished(owner: &PgPool) -> (i64, i64) {
    sqlx::query_as("select count(distinct job), count(*) from job_finish").fetch_one(owner).await.unwrap()
}

async fn until_finished(database: &TestDatabase, count: i64) {
    eventually("the work is done", || async { (finished(&database.owner).await.0 == count).then_some(()) }).await;
}

fn working(jobs: &Arc<Jobs>, clock: &BusinessClock, bell: &Bell) -> DropGuard {
    let due = Due::new(jobs.clone(), bell.clone());
    let clock = clock.clone();
    beside(|stopping| due.run(clock, stopping))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_loops_on_one_table_do_ten_thousand_items_once_each() {
    let database = accounts().await;
    schedule(&database.owner, 10_000, SignedDuration::ZERO, SignedDuration::ZERO).await;
    let other_db = Database::open("accounts", &database.url).unwrap();
    let jobs = [Arc::new(Jobs::new(&database.db, "one")), Arc::new(Jobs::new(&other_db, "other"))];
    let clock = BusinessClock::manual(NOW);

    let begun = Instant::now();
    let _working = [working(&jobs[0], &clock, &Bell::default()), working(&jobs[1], &clock, &Bell::default())];
    until_finished(&database, 10_000).await;
    let took = begun.elapsed().as_secs_f64();

    println!("10,000 due items drained at {:.0}/s by two loops beside other tests", 10_000.0 / took);
    assert_eq!(finished(&database.owner).await, (10_000, 10_000));
    let claimed: Vec<usize> = jobs.iter().map(|jobs| jobs.claimed.load(Ordering::Relaxed)).collect();
    assert_eq!(claimed.iter().sum::<usize>(), 10_000);
    assert!(claimed.iter().all(|claimed| *claimed > 0), "one loop did everything: {claimed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_due_while_a_batch_waits_is_done_beside_it() {
    let database = accounts().await;
    let jobs = Arc::new(Jobs { hold: Semaphore::new(0), ..Jobs::new(&database.db, "one") });
    let (bell, clock) = (Bell::default(), BusinessClock::manual(NOW));
    let due = Due::new(jobs.clone(), bell.clone()).in_lanes(2);
    let _working = beside(|stopping| due.run(clock, stopping));
    for count in 1..=2 {
        schedule(&database.owner, 1, SignedDuration::ZERO, SignedDuration::ZERO).await;
        bell.ring();
        let claimed = || async { (jobs.claimed.load(Ordering::Relaxed) == count).then_some(()) };
        eventually("it is claimed", claimed).await;
    }
    assert_eq!(finished(&database.owner).await, (0, 0), "both batches wait");

    jobs.hold.add_permits(2);
    until_finished(&database, 2).await;
    assert_eq!(finished(&database.owner).await, (2, 2));
}

/// A worker is overtaken: its lease runs out between claim and finish, another does the work. Answers finishes, and who is said to have done it.
async fn after_a_lapsed_lease(fenced: bool) -> (i64, String) {
    let database = accounts().await;
    schedule(&database.owner, 1, SignedDuration::ZERO, SignedDuration::ZERO).await;
    let slow = Jobs { fenced, hold: Semaphore::new(0), lease: SignedDuration::ZERO, ..Jobs::new(&database.db, "slow") };
    let quick = Jobs { fenced, ..Jobs::new(&database.db, "quick") };

    let overtaken = slow.run_batch(NOW, 10);
    let overtaking = async {
        eventually("the slow one has claimed", || async { (slow.claimed.load(Ordering::Relaxed) == 1).then_some(()) })
            .await;
        eventually("its lease has run out", || async { (quick.run_batch(NOW, 10).await.unwrap() == 1).then_some(()) })
            .await;
        slow.hold.add_permits(1);
    };
    let (claimed, ()) = tokio::join!(overtaken, overtaking);
    assert_eq!(claimed.unwrap(), 1);

    let by = sqlx::query_scalar("select finished_by from job").fetch_one(&database.owner).await.unwrap();
    (finished(&database.owner).await.1, by)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_lease_has_run_out_cannot_finish_anothers_work() {
    assert_eq!(after_a_lapsed_lease(true).await, (1, "quick".to_owned()));

    let planted = after_a_lapsed_lease(false).await;
    assert_eq!(planted, (2, "slow".to_owned()), "the check does not see a finish without its attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_before_its_time_and_an_advance_of_the_clock_wakes_the_loop() {
    let database = accounts().await;
    let hour = SignedDuration::from_hours(1);
    schedule(&database.owner, 20, hour, hour).await;
    let clock = BusinessClock::manual(NOW);
    let jobs = Arc::new(Jobs::new(&database.db, "one"));
    let bell = Bell::default();
    let _working = working(&jobs, &clock, &bell);

    let begun = Instant::now();
    for number in 1..=20 {
        clock.advance_to(NOW + hour * number - SignedDuration::from_nanos(1000));
        bell.ring();
        assert_eq!(finished(&database.owner).await.0, i64::from(number) - 1, "something was done early");
        clock.advance_to(NOW + hour * number);
        until_finished(&database, number.into()).await;
    }

    // The poll is a second: a loop that waits for it would take twenty.
    assert!(begun.elapsed() < Duration::from_secs(10), "twenty advances took {:?}", begun.elapsed());
    let early: i64 =
        sqlx::query_scalar("select count(*) from job where attempt <> 1").fetch_one(&database.owner).await.unwrap();
    assert_eq!(early, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bell_wakes_the_loop_for_work_that_was_made_due_meanwhile() {
    let database = accounts().await;
    let clock = BusinessClock::manual(NOW);
    let bell = Bell::default();
    let _working = working(&Arc::new(Jobs::new(&database.db, "one")), &clock, &bell);

    let begun = Instant::now();
    for number in 1..=20 {
        schedule(&database.owner, 1, SignedDuration::ZERO, SignedDuration::ZERO).await;
        bell.ring();
        until_finished(&database, number).await;
    }

    assert!(begun.elapsed() < Duration::from_secs(10), "twenty rings took {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_fails_is_tried_again_after_a_pause_and_work_of_a_vanished_worker_after_its_lease() {
    let database = accounts().await;
    schedule(&database.owner, 3, SignedDuration::ZERO, SignedDuration::ZERO).await;
    let vanished = Jobs { lease: SignedDuration::from_millis(300), ..Jobs::new(&database.db, "vanished") };
    assert_eq!(vanished.claim(NOW, 1).await.unwrap().len(), 1);
    let jobs = Arc::new(Jobs::new(&database.db, "one"));
    jobs.failing.store(true, Ordering::Relaxed);
    let _working = working(&jobs, &BusinessClock::manual(NOW), &Bell::default());

    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(finished(&database.owner).await.0, 0);
    jobs.failing.store(false, Ordering::Relaxed);
    until_finished(&database, 3).await;

    assert_eq!(finished(&database.owner).await, (3, 3));
}
