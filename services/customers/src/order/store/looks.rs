//! Orders that the clock has to look at: claimed for a while, saved when the claim still holds.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use seva_runtime::call::Story;
use seva_store::{Database, Fault};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::order::model::{Order, PromisedDateOutcome};

/// An order that a worker holds until its lease ends.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    pub id: Uuid,
    pub attempt: i32,
}

/// An order after the clock looked at it.
#[derive(Debug)]
pub struct Looked {
    pub order: Order,
    pub known_version: i64,
    pub attempt: i32,
}

/// Claims orders that are due at `now`, at most `limit`, until `lease` after machine time.
pub async fn claim(
    db: &Database,
    now: Timestamp,
    limit: i64,
    machine_now: Timestamp,
    lease: Duration,
) -> Result<Vec<Claimed>, Fault> {
    let claimed = sqlx::query_as!(
        Claimed,
        "update customer_order o
         set attempt = o.attempt + 1, leased_until = $4
         from (
             select id from customer_order
             where due_at <= $1 and leased_until <= $3
             order by due_at
             limit $2
             for update skip locked
         ) as due
         where o.id = due.id
         returning o.id, o.attempt",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
        jiff_sqlx::Timestamp::from(machine_now) as _,
        jiff_sqlx::Timestamp::from(machine_now + lease) as _,
    );
    Ok(claimed.fetch_all(db.workers()).await?)
}

/// Saves what the clock has found, where the claim still holds and no report came between; answers which.
pub async fn save_looked(connection: &mut PgConnection, looked: &[Looked]) -> Result<Vec<Uuid>, Fault> {
    let all = || looked.iter().map(|looked| &looked.order);
    let saved = sqlx::query_scalar!(
        "update customer_order o
         set version = t.version, found = t.found, promised_date_outcome = t.promised_date_outcome, due_at = t.due_at,
             leased_until = '-infinity'
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
              as t (id, attempt, known_version, version, found, promised_date_outcome, due_at)
         where o.id = t.id and o.attempt = t.attempt and o.version = t.known_version
         returning o.id",
        &all().map(|order| order.id).collect::<Vec<_>>(),
        &looked.iter().map(|looked| looked.attempt).collect::<Vec<_>>(),
        &looked.iter().map(|looked| looked.known_version).collect::<Vec<_>>(),
        &all().map(|order| order.version).collect::<Vec<_>>(),
        &all().map(|order| order.found.name()).collect::<Vec<_>>() as _,
        &all().map(|order| order.promised_date_outcome().map(PromisedDateOutcome::name)).collect::<Vec<_>>() as _,
        &all().map(|order| order.due_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
    );
    Ok(saved.fetch_all(connection).await?)
}

/// The stories that the current promised days of these orders began; not of days that were named before stories were kept.
pub async fn stories(connection: &mut PgConnection, order_ids: &[Uuid]) -> Result<HashMap<Uuid, Story>, Fault> {
    if order_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select p.order_id, p.correlation_id as "correlation_id!", p.causation_id as "causation_id!", p.hops as "hops!", p.traceparent
           from customer_order o join promised_date p on p.order_id = o.id and p.number = o.promised_dates
           where o.id = any($1) and p.correlation_id is not null"#,
        order_ids,
    );
    let story =
        |correlation_id, causation_id, hops, traceparent| Story { correlation_id, causation_id, hops, traceparent };
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows.map(|row| (row.order_id, story(row.correlation_id, row.causation_id, row.hops, row.traceparent))).collect())
}

/// When the clock has to look next.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(due_at) from customer_order where due_at is not null");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}
