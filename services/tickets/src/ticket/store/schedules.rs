//! Tickets with which time does something: the rows are the schedule.

use jiff::Timestamp;
use seva_store::{Database, Fault};
use uuid::Uuid;

/// Tickets whose customers are to be asked again by `now`, or no more, with these, the longest due first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn verification_due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let due = sqlx::query!(
        "select id, customer_id from ticket where verification_due_at <= $1 order by verification_due_at limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?.into_iter().map(|row| (row.id, row.customer_id)).collect())
}

/// When the next customer is to be asked again, or no more.
///
/// # Errors
/// When the database cannot be asked.
pub async fn next_verification(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(verification_due_at) from ticket where verification_due_at is not null");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Tickets whose day has come by `now`, the longest due first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn wait_due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let due = sqlx::query_scalar!(
        "select id from ticket where wait_until <= $1 order by wait_until limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// The next day for which a ticket waits.
///
/// # Errors
/// When the database cannot be asked.
pub async fn next_wait(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(wait_until) from ticket where wait_until is not null");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Tickets of whose assignees something was to be heard by `now`, the longest due first (TK36).
///
/// # Errors
/// When the database cannot be asked.
pub async fn return_due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let due = sqlx::query_scalar!(
        "select id from ticket where return_due_at <= $1 order by return_due_at limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// When an assignee is to be heard of next.
///
/// # Errors
/// When the database cannot be asked.
pub async fn next_return(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(return_due_at) from ticket where return_due_at is not null");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}
