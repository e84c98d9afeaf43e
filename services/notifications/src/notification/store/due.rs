//! Claims of what is due, their prolongation, and the end of each claim.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use seva_runtime::{Error, clock::machine_now};
use seva_store::{Database, Fault};
use seva_values::new_id;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        convert::payload_of,
        model::{Change, Notification},
    },
    NotificationRow,
};

/// How long a claim is respected after its last sign of life: so long does a message wait whose process has died.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// How often a process that still works on its claims gives a sign of life; one that is lost or late does no harm.
pub const RENEW_EVERY: Duration = Duration::from_secs(4);

/// A notification that this process may hand over until its lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// As it was when it was claimed; its state is Sending.
    pub notification: Notification,
    /// Which claim it is.
    pub attempt: i32,
    /// The claim before this one ended without a word: whether it was handed over cannot be known.
    pub lapsed: bool,
}

/// The end of a claim.
#[derive(Debug, Clone)]
pub struct Finish {
    /// Which claim it was.
    pub attempt: i32,
    /// What was decided.
    pub change: Change,
}

/// Claims what is due at `now`, the longest due first.
pub async fn claim(connection: &mut PgConnection, now: Timestamp, limit: i64) -> Result<Vec<Claimed>, Fault> {
    let machine_time = machine_now();
    let rows = sqlx::query_as!(
        NotificationRow,
        r#"with due as (
               select id, state from notification
               where due_at <= $1 and (leased_until is null or leased_until < $2)
               order by due_at limit $3
               for update skip locked
           )
           update notification n
           set state = 'sending', attempt = n.attempt + 1, leased_until = $4, lapsed = (due.state = 'sending')
           from due where n.id = due.id
           returning n.*"#,
        jiff_sqlx::Timestamp::from(now) as _,
        jiff_sqlx::Timestamp::from(machine_time) as _,
        limit,
        jiff_sqlx::Timestamp::from(machine_time + LEASE) as _,
    )
    .fetch_all(connection)
    .await?;
    let claimed = rows.into_iter().map(|row| {
        let (attempt, lapsed) = (row.attempt, row.lapsed);
        Ok(Claimed { notification: row.try_into()?, attempt, lapsed })
    });
    claimed.collect()
}

/// Prolongs the leases of claims that are still held, each given as id and attempt.
pub async fn renew(db: &Database, claims: &[(Uuid, i32)]) -> Result<(), Fault> {
    let (ids, attempts): (Vec<Uuid>, Vec<i32>) = claims.iter().copied().unzip();
    let statement = sqlx::query!(
        r#"update notification n set leased_until = $3
           from unnest($1::uuid[], $2::int[]) as g (id, attempt)
           where n.id = g.id and n.attempt = g.attempt and n.state = 'sending'"#,
        &ids,
        &attempts,
        jiff_sqlx::Timestamp::from(machine_now() + LEASE) as _,
    );
    statement.execute(db.workers()).await?;
    Ok(())
}

/// Ends claims with their decisions and events, in one statement; those that are no longer held are left alone (NO8). Answers how many
/// were held.
pub async fn finish(db: &Database, finishes: &[Finish], now: Timestamp) -> Result<usize, Fault> {
    let after: Vec<&Notification> = finishes.iter().map(|finish| &finish.change.after).collect();
    let texts = |of: fn(&Notification) -> &str| after.iter().map(|&n| of(n)).collect::<Vec<_>>();
    let written = |n: &&Notification| n.written.clone();
    let statement = sqlx::query_scalar!(
        r#"with given as (
               select * from unnest(
                   $1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::int[], $9::bytea[],
                   $10::int[], $11::timestamptz[], $12::text[], $13::uuid[], $14::text[], $15::bytea[]
               ) as g (
                   id, attempt, version, state, reason, language, fell_back, template_number, template_hash,
                   handovers, due_at, detail, event_id, kind, payload
               )
           ), finished as (
               update notification n
               set version = g.version, state = g.state, reason = g.reason, language = g.language, language_fell_back = g.fell_back,
                   template_number = g.template_number, template_hash = g.template_hash, handovers = g.handovers, due_at = g.due_at,
                   leased_until = null, lapsed = false, sent_at = case g.state when 'sent' then $16 else n.sent_at end
               from given g
               where n.id = g.id and n.attempt = g.attempt and n.state = 'sending'
               returning n.id, n.version, n.state, n.reason, n.correlation_id, n.cause_event_id, n.hops, n.traceparent,
                         g.detail, g.event_id, g.kind, g.payload
           ), recorded as (
               insert into decision (notification_id, number, state, reason, detail, decided_at)
               select id, version, state, reason, detail, $16 from finished
           )
           select seva.emit_all(
               'worker:dispatch', array_agg(event_id), array_agg(kind), array_agg('notifications/' || id), array_agg(version),
               array_agg($16::timestamptz), array_agg(correlation_id), array_agg(cause_event_id::text), array_agg(hops),
               array_agg(traceparent), array_agg(payload)
           ) as "held!"
           from finished
           having count(*) > 0"#,
        &after.iter().map(|n| n.id).collect::<Vec<_>>(),
        &finishes.iter().map(|finish| finish.attempt).collect::<Vec<_>>(),
        &after.iter().map(|n| n.version).collect::<Vec<_>>(),
        &texts(|n| n.state.name()) as _,
        &texts(|n| n.reason.name()) as _,
        &after.iter().map(|n| written(n).map(|w| w.language)).collect::<Vec<_>>() as _,
        &after.iter().map(|n| written(n).is_some_and(|w| w.fell_back)).collect::<Vec<_>>(),
        &after.iter().map(|n| written(n).map(|w| w.template_number)).collect::<Vec<_>>() as _,
        &after.iter().map(|n| written(n).map(|w| w.template_hash.to_vec())).collect::<Vec<_>>() as _,
        &after.iter().map(|n| n.handovers).collect::<Vec<_>>(),
        &after.iter().map(|n| n.due_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
        &finishes.iter().map(|finish| finish.change.decision.detail.as_str()).collect::<Vec<_>>() as _,
        &after.iter().map(|_| new_id()).collect::<Vec<_>>(),
        &texts(|n| n.state.event_kind()) as _,
        &after.iter().map(|n| payload_of(n).encode_to_vec()).collect::<Vec<_>>(),
        jiff_sqlx::Timestamp::from(now) as _,
    );
    let held = db.write(statement.fetch_optional(db.workers())).await?.unwrap_or(0);
    for finish in finishes {
        crate::metrics::decided(&finish.change);
    }
    Ok(usize::try_from(held).unwrap_or(0))
}

/// When the earliest is due. What is being handed over counts with the time at which it was due.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Error> {
    let earliest = sqlx::query_scalar!(r#"select min(due_at) as "due_at" from notification where due_at is not null"#);
    let earliest = earliest.fetch_one(db.workers()).await.map_err(Fault::from)?;
    Ok(earliest.map(jiff_sqlx::Timestamp::to_jiff))
}
