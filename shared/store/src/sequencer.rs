//! Gives committed events their dense feed numbers: one sequencer per database, whichever process holds the lock.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Database, Fault, feed::Feed};

/// Of the advisory lock that one sequencer holds.
const LOCK: i64 = 0x5345_5641_5345_5131;
/// Events that one commit moves into the feed.
const BATCH: i32 = 10_000;
/// How long commits of other processes wait to be seen.
const POLL: Duration = Duration::from_millis(50);
/// From one commit of the sequencer to the next, so that under load it takes the commits of a moment together instead of competing with each.
const PACE: Duration = Duration::from_millis(5);
/// Between two tries to become the sequencer, or to reach the database again.
const RETRY: Duration = Duration::from_millis(500);

/// Runs until `stopping`. While another process is the sequencer it only looks, so that it can follow.
pub async fn run(db: Database, feed: Feed, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        let ended = tokio::select! {
            ended = sequence(&db, &feed) => ended,
            () = stopping.cancelled() => return,
        };
        if let Err(fault) = ended {
            tracing::warn!(service = db.service(), %fault, "sequencer lost its database; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stopping.cancelled() => return,
        }
    }
}

/// Becomes the sequencer on a connection of its own and works until that connection fails; returns when another process holds the lock.
async fn sequence(db: &Database, feed: &Feed) -> Result<(), Fault> {
    let mut connection = PgConnection::connect_with(db.options()).await?;
    let ours: bool =
        sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut connection).await?;
    if !ours {
        return Ok(());
    }
    tracing::debug!(service = db.service(), "this process is the sequencer");
    let mut before = i64::MAX;
    loop {
        let begun = Instant::now();
        let head: i64 =
            sqlx::query_scalar("select seva.sequence_pending($1)").bind(BATCH).fetch_one(&mut connection).await?;
        feed.announce_head(head);
        let full = head.saturating_sub(before) >= i64::from(BATCH);
        before = head;
        if full {
            continue;
        }
        // A wake of this process comes at once; what other processes commit is found by the poll.
        let _ = timeout(POLL, db.commit_announced()).await;
        sleep_until(begun + PACE).await;
    }
}

/// Whether every committed event of this database is in the feed.
///
/// # Errors
/// When the database cannot be asked.
pub async fn is_drained(db: &Database) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar("select not exists (select from seva.outbox_pending)").fetch_one(db.workers()).await?)
}
