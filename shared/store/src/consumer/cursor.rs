//! The row of a consumer: its cursor, and the lease on it.

use jiff::Timestamp;
use seva_runtime::clock::machine_now;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{Database, Fault};

/// How long a consumer holds its cursor without renewing, in seconds.
const LEASE_SECONDS: i64 = 15;

/// A held lease, and the cursor under it.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub consumer: String,
    pub source: String,
    pub generation: i64,
    pub feed_no: i64,
    pub epoch: Option<String>,
}

/// How far a consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The consumer's name.
    pub consumer: String,
    /// Whose events it reads.
    pub source: String,
    /// The last number that was applied.
    pub feed_no: i64,
    /// The source's newest number when it last told; 0 when read from the database alone.
    pub head: i64,
}

fn expiry() -> jiff_sqlx::Timestamp {
    jiff_sqlx::Timestamp::from(machine_now() + jiff::SignedDuration::from_secs(LEASE_SECONDS))
}

/// Takes the lease when it is free, has run out, or is ours from before; the generation grows, so that effects of an older one are refused.
pub(super) async fn acquire(db: &Database, consumer: &str, source: &str, owner: Uuid) -> Result<Option<Lease>, Fault> {
    let row = sqlx::query(
        "insert into seva.consumer_cursor as c (consumer, source, feed_no, generation, owner, expires_at)
         values ($1, $2, 0, 1, $3, $4)
         on conflict on constraint consumer_cursor_pkey do update
         set owner = excluded.owner, generation = c.generation + 1, expires_at = excluded.expires_at
         where c.expires_at < $5 or c.owner = excluded.owner or c.owner is null
         returning generation, feed_no, epoch",
    )
    .bind(consumer)
    .bind(source)
    .bind(owner)
    .bind(expiry())
    .bind(jiff_sqlx::Timestamp::from(machine_now()))
    .fetch_optional(db.workers())
    .await?;
    Ok(row.map(|row| Lease {
        consumer: consumer.to_owned(),
        source: source.to_owned(),
        generation: row.get(0),
        feed_no: row.get(1),
        epoch: row.get(2),
    }))
}

/// Prolongs the lease; answers whether it is still held.
pub(super) async fn renew(db: &Database, lease: &Lease) -> Result<bool, Fault> {
    let renewed = sqlx::query(
        "update seva.consumer_cursor set expires_at = $4 where consumer = $1 and source = $2 and generation = $3",
    )
    .bind(&lease.consumer)
    .bind(&lease.source)
    .bind(lease.generation)
    .bind(expiry())
    .execute(db.workers())
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Lets go, so that another process need not wait.
pub(super) async fn release(db: &Database, consumer: &str, source: &str, owner: Uuid) -> Result<(), Fault> {
    sqlx::query("update seva.consumer_cursor set owner = null where consumer = $1 and source = $2 and owner = $3")
        .bind(consumer)
        .bind(source)
        .bind(owner)
        .execute(db.workers())
        .await?;
    Ok(())
}

/// Moves the cursor, as the first statement of an effect; `false` means that another has moved it or holds the lease: roll back, let go.
pub(super) async fn advance(connection: &mut PgConnection, lease: &Lease, to: i64, epoch: &str) -> Result<bool, Fault> {
    let moved = sqlx::query(
        "update seva.consumer_cursor set feed_no = $4, epoch = $5, expires_at = $6
         where consumer = $1 and source = $2 and feed_no = $3 and generation = $7",
    )
    .bind(&lease.consumer)
    .bind(&lease.source)
    .bind(lease.feed_no)
    .bind(to)
    .bind(epoch)
    .bind(expiry())
    .bind(lease.generation)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Holds the cursor's row, so that no batch is applied while dead letters of the consumer are.
pub(crate) async fn hold(connection: &mut PgConnection, consumer: &str, source: &str) -> Result<(), Fault> {
    sqlx::query("select from seva.consumer_cursor where consumer = $1 and source = $2 for update")
        .bind(consumer)
        .bind(source)
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets a cursor back to the number given and takes it out of its consumer's hands; effects are keyed, so applying again is safe.
///
/// # Errors
/// When the database cannot be asked. Answers `false` when there is no such consumer.
pub async fn rebase(db: &Database, consumer: &str, source: &str, feed_no: i64) -> Result<bool, Fault> {
    let moved = sqlx::query(
        "update seva.consumer_cursor set feed_no = $3, epoch = null, generation = generation + 1, owner = null
         where consumer = $1 and source = $2",
    )
    .bind(consumer)
    .bind(source)
    .bind(feed_no)
    .execute(db.workers())
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// The newest number of this database's feed that was recorded before `since`: where a rebase starts.
///
/// # Errors
/// When the database cannot be asked.
pub async fn feed_no_before(db: &Database, since: Timestamp) -> Result<i64, Fault> {
    let found: Option<i64> = sqlx::query_scalar(
        "select max(f.feed_no) from seva.feed f join seva.outbox o on o.day = f.day and o.position = f.position
         where o.recorded_at < $1",
    )
    .bind(jiff_sqlx::Timestamp::from(since))
    .fetch_one(db.workers())
    .await?;
    Ok(found.unwrap_or(0))
}

/// How far every consumer of this database is.
///
/// # Errors
/// When the database cannot be asked.
pub async fn standings(db: &Database) -> Result<Vec<Standing>, Fault> {
    let rows = sqlx::query("select consumer, source, feed_no from seva.consumer_cursor order by consumer, source")
        .fetch_all(db.workers())
        .await?;
    Ok(rows
        .iter()
        .map(|row| Standing { consumer: row.get(0), source: row.get(1), feed_no: row.get(2), head: 0 })
        .collect())
}
