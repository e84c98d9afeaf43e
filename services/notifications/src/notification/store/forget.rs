//! What is no longer kept.

use jiff::Timestamp;
use seva_store::{Database, Fault};

use super::super::milestone;

/// Removes final notifications that were made before `before`, with their decisions, at most `limit`; answers how many. For what a customer
/// is told once in a life it stays known that it was told (NO1).
pub async fn forget(db: &Database, before: Timestamp, limit: i64) -> Result<u64, Fault> {
    let once_for_ever = milestone::once_for_ever_keys();
    let removed = sqlx::query!(
        "with old as (
             select id from notification where created_at < $1 and due_at is null order by created_at, id limit $2
             for update skip locked
         ), decisions as (
             delete from decision d using old where d.notification_id = old.id
         ), kept as (
             insert into told_for_ever (customer_id, milestone, subject, occasion)
             select n.customer_id, n.milestone, n.subject, n.occasion
             from notification n join old on old.id = n.id
             where n.milestone = any($3)
             on conflict on constraint told_for_ever_pkey do nothing
         )
         delete from notification n using old where n.id = old.id",
        jiff_sqlx::Timestamp::from(before) as _,
        limit,
        &once_for_ever as _,
    );
    Ok(db.write(removed.execute(db.workers())).await?.rows_affected())
}
