//! Writes of decisions about events, inside the transaction that moves the consumer's cursor.

use std::collections::HashSet;

use seva_store::{Fault, NewEvent, event};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{convert::event_of, model::Change, truth::Truths},
    variables,
};

/// Records new notifications with their decisions and events, by `actor`. Those that another process has recorded meanwhile are left out (NO1).
pub async fn save_created(connection: &mut PgConnection, actor: &str, created: &[Vec<Change>]) -> Result<(), Fault> {
    let last: Vec<_> = created.iter().filter_map(|changes| changes.last()).map(|change| &change.after).collect();
    if last.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&super::Notification) -> &str| last.iter().map(|&n| of(n)).collect::<Vec<_>>();
    let causes: Vec<Uuid> = last.iter().map(|n| n.story.causation_id.parse().unwrap_or_default()).collect();
    let inserted = sqlx::query_scalar!(
        r#"insert into notification (
               id, version, customer_id, milestone, subject, occasion, category, state, reason, topic, rank, sequence, variables,
               cause_event_id, correlation_id, hops, traceparent, due_at, expire_at, created_at, ticket,
               channel, language_fell_back, handovers, attempt, lapsed
           )
           select g.*, 'email', false, 0, 0, false
           from unnest(
               $1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
               $10::text[], $11::int[], $12::bigint[], $13::jsonb[], $14::uuid[], $15::text[], $16::smallint[], $17::text[],
               $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::text[]
           ) as g
           on conflict on constraint notification_reason_once do nothing
           returning id"#,
        &last.iter().map(|n| n.id).collect::<Vec<_>>(),
        &last.iter().map(|n| n.version).collect::<Vec<_>>(),
        &last.iter().map(|n| n.customer).collect::<Vec<_>>(),
        &texts(|n| &n.milestone) as _,
        &texts(|n| &n.subject) as _,
        &texts(|n| &n.occasion) as _,
        &texts(|n| &n.category) as _,
        &texts(|n| n.state.name()) as _,
        &texts(|n| n.reason.name()) as _,
        &last.iter().map(|n| n.topic.map(|topic| topic.name())).collect::<Vec<_>>() as _,
        &last.iter().map(|n| n.rank).collect::<Vec<_>>(),
        &last.iter().map(|n| n.sequence).collect::<Vec<_>>(),
        &last.iter().map(|&n| variables(n)).collect::<Vec<_>>() as _,
        &causes,
        &texts(|n| &n.story.correlation_id) as _,
        &last.iter().map(|n| n.story.hops).collect::<Vec<_>>(),
        &last.iter().map(|n| n.story.traceparent.as_deref()).collect::<Vec<_>>() as _,
        &last.iter().map(|n| n.due_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
        &last.iter().map(|n| jiff_sqlx::Timestamp::from(n.expire_at)).collect::<Vec<_>>() as _,
        &last.iter().map(|n| jiff_sqlx::Timestamp::from(n.created_at)).collect::<Vec<_>>() as _,
        &last.iter().map(|n| n.ticket.as_deref()).collect::<Vec<_>>() as _,
    )
    .fetch_all(&mut *connection)
    .await?;
    let inserted: HashSet<Uuid> = inserted.into_iter().collect();
    let changes: Vec<&Change> = created.iter().flatten().filter(|change| inserted.contains(&change.after.id)).collect();
    record(connection, actor, &changes).await
}

/// Takes back what waits and is no longer true. What is being sent meanwhile is left alone.
pub async fn save_superseded(connection: &mut PgConnection, actor: &str, superseded: &[Change]) -> Result<(), Fault> {
    if superseded.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query_scalar!(
        r#"update notification n
           set version = g.version, state = 'superseded', reason = 'stale', due_at = null
           from unnest($1::uuid[], $2::bigint[]) as g (id, version)
           where n.id = g.id and n.version = g.version - 1 and n.state in ('queued', 'deferred')
           returning n.id"#,
        &superseded.iter().map(|change| change.after.id).collect::<Vec<_>>(),
        &superseded.iter().map(|change| change.after.version).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let changes: Vec<&Change> = superseded.iter().filter(|change| updated.contains(&change.after.id)).collect();
    record(connection, actor, &changes).await
}

/// Appends decisions and their events. The rows are locked by now, so positions are drawn in the order of changes.
async fn record(connection: &mut PgConnection, actor: &str, changes: &[&Change]) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"insert into decision (notification_id, number, state, reason, detail, decided_at)
           select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])"#,
        &changes.iter().map(|change| change.after.id).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.decision.number).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.decision.state.name()).collect::<Vec<_>>() as _,
        &changes.iter().map(|change| change.decision.reason.name()).collect::<Vec<_>>() as _,
        &changes.iter().map(|change| change.decision.detail.as_str()).collect::<Vec<_>>() as _,
        &changes.iter().map(|change| jiff_sqlx::Timestamp::from(change.decision.decided_at)).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    let events: Vec<NewEvent> = changes.iter().map(|change| event_of(change)).collect();
    event::append(connection, actor, &events).await?;
    for change in changes {
        crate::metrics::decided(change);
    }
    Ok(())
}

/// Keeps what became known; the standing of a matter never falls (NO4).
pub async fn save_truths(connection: &mut PgConnection, truths: &Truths) -> Result<(), Fault> {
    let mut matters: Vec<_> = truths.iter().collect();
    if matters.is_empty() {
        return Ok(());
    }
    matters.sort_by(|one, other| (&one.0.subject, one.0.topic.name()).cmp(&(&other.0.subject, other.0.topic.name())));
    sqlx::query!(
        r#"insert into known_truth as t (customer_id, subject, topic, rank, sequence)
           select * from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::bigint[])
           on conflict on constraint known_truth_pkey do update
           set rank = greatest(t.rank, excluded.rank), sequence = greatest(t.sequence, excluded.sequence)"#,
        &matters.iter().map(|(matter, _)| matter.customer).collect::<Vec<_>>(),
        &matters.iter().map(|(matter, _)| matter.subject.as_str()).collect::<Vec<_>>() as _,
        &matters.iter().map(|(matter, _)| matter.topic.name()).collect::<Vec<_>>() as _,
        &matters.iter().map(|(_, standing)| standing.rank).collect::<Vec<_>>(),
        &matters.iter().map(|(_, standing)| standing.sequence).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
