//! Retention: partitions ahead, and an end for what is kept for a time only.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use seva_runtime::clock::machine_now;
use tokio_util::sync::CancellationToken;

use crate::{Database, Fault};

/// Days that events are kept.
pub const OUTBOX_DAYS: i32 = 30;
/// How long the first answer to a request is kept.
pub const IDEMPOTENCY_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Between two rounds.
const PERIOD: Duration = Duration::from_secs(3600);

/// Keeps the shared tables in order until `stopping`; a service adds its own retention with due work.
pub async fn run(db: Database, stopping: CancellationToken) {
    loop {
        if let Err(fault) = keep(&db, machine_now()).await {
            tracing::warn!(service = db.service(), %fault, "retention failed; it is tried again in the next round");
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopping.cancelled() => return,
        }
    }
}

/// One round at machine time `now`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn keep(db: &Database, now: Timestamp) -> Result<(), Fault> {
    let today: Date = now.to_zoned(TimeZone::UTC).date();
    // First and by itself: events of a day without a partition are the worse evil.
    sqlx::query("select seva.make_partitions($1)").bind(jiff_sqlx::Date::from(today)).execute(db.workers()).await?;
    let mut forgetting = db.begin().await?;
    sqlx::query("set local statement_timeout = '10min'").execute(&mut *forgetting).await?;
    sqlx::query("select seva.forget_events($1 - $2::integer)")
        .bind(jiff_sqlx::Date::from(today))
        .bind(OUTBOX_DAYS)
        .execute(&mut *forgetting)
        .await?;
    sqlx::query("delete from seva.idempotency where created_at < $1")
        .bind(jiff_sqlx::Timestamp::from(now - IDEMPOTENCY_KEPT))
        .execute(&mut *forgetting)
        .await?;
    db.commit(forgetting).await
}

/// Gives the feed another epoch, in the runbook of a restore: every cursor of the lost history is refused from then on.
///
/// # Errors
/// When the database cannot be asked.
pub async fn new_epoch(db: &Database) -> Result<uuid::Uuid, Fault> {
    Ok(sqlx::query_scalar("update seva.feed_state set epoch = gen_random_uuid() returning epoch")
        .fetch_one(db.workers())
        .await?)
}
