//! Writes of workers and consumers: many tickets in one transaction, which has them locked.

use std::collections::BTreeMap;

use seva_runtime::call::Story;
use seva_store::{Fault, NewEvent, event};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    super::{
        convert::event_of,
        model::{Change, Ticket},
    },
    lock_rows, with_clocks,
};
use crate::{clock::ClockWrites, routing::WaitReason, ticket::Closure};

/// These tickets with their clocks, locked until the transaction ends.
///
/// # Errors
/// When the database cannot be asked.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Ticket>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = lock_rows(connection, ids).await?;
    with_clocks(connection, rows).await
}

/// Saves what happened to locked tickets, in its order. A ticket may stand in it several times.
///
/// # Errors
/// When a statement fails.
pub async fn save_all(connection: &mut PgConnection, actor: &str, changes: &[Change]) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut last: BTreeMap<Uuid, &Ticket> = BTreeMap::new();
    for change in changes {
        last.insert(change.ticket.id, &change.ticket);
    }
    let tickets: Vec<&Ticket> = last.into_values().collect();
    sqlx::query!(
        r#"update ticket t
           set version = g.version, state = g.state, department = g.department, assignee = g.assignee, over_limits = g.over_limits,
               wait_reason = g.wait_reason, route_at = g.route_at, verification_attempts = g.verification_attempts,
               verification_due_at = g.verification_due_at, closure = g.closure, updated_at = g.updated_at, closed_at = g.closed_at,
               next_due_at = g.next_due_at
           from unnest(
               $1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::uuid[], $6::bool[], $7::text[], $8::timestamptz[], $9::int[],
               $10::timestamptz[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[]
           ) as g (
               id, version, state, department, assignee, over_limits, wait_reason, route_at, verification_attempts,
               verification_due_at, closure, updated_at, closed_at, next_due_at
           )
           where t.id = g.id"#,
        &tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.version).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.state.name()).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.department).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.assignee).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.over_limits).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.wait_reason.map(WaitReason::name)).collect::<Vec<_>>() as _,
        &times(&tickets, |ticket| ticket.route_at) as _,
        &tickets.iter().map(|ticket| ticket.verification_attempts).collect::<Vec<_>>(),
        &times(&tickets, |ticket| ticket.verification_due_at) as _,
        &tickets.iter().map(|ticket| ticket.closure.map(Closure::name)).collect::<Vec<_>>() as _,
        &times(&tickets, |ticket| Some(ticket.updated_at)) as _,
        &times(&tickets, |ticket| ticket.closed_at) as _,
        &times(&tickets, |ticket| ticket.clocks.next_due()) as _,
    )
    .execute(&mut *connection)
    .await?;
    save_clocks(connection, changes).await?;
    let events: Vec<NewEvent> = changes.iter().map(told).collect();
    event::append(connection, actor, &events).await
}

/// Records a ticket that an event has opened; `false` when its matter has one, or the event has opened one before (TK7).
///
/// # Errors
/// When a statement fails.
pub async fn insert_opened(connection: &mut PgConnection, actor: &str, change: &Change) -> Result<bool, Fault> {
    let ticket = &change.ticket;
    let matter = ticket.matter.as_ref();
    let cause = ticket.cause.as_ref();
    let inserted = sqlx::query_scalar!(
        r#"insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, matter_kind,
                               matter_subject, matter_version, department, route_at, language, cause_source, cause_event_id,
                               correlation_id, causation_id, hops, traceparent, created_at, updated_at, next_due_at)
           values ($1, 1, $2, $3, $4, $5, 'new', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $12, $12, $20)
           on conflict do nothing
           returning id"#,
        ticket.id,
        ticket.number,
        ticket.customer,
        ticket.kind.name(),
        ticket.priority.name(),
        ticket.title,
        ticket.stated_problem,
        matter.map(|matter| matter.kind.as_str()),
        matter.map(|matter| matter.subject.as_str()),
        matter.map(|matter| matter.version.as_str()),
        ticket.department,
        jiff_sqlx::Timestamp::from(ticket.created_at) as _,
        ticket.language.as_str(),
        cause.map(|(source, _)| source.as_str()),
        cause.map(|(_, event_id)| *event_id),
        ticket.story.correlation_id,
        ticket.story.causation_id,
        ticket.story.hops,
        ticket.story.traceparent,
        ticket.clocks.next_due().map(jiff_sqlx::Timestamp::from) as _,
    );
    if inserted.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(false);
    }
    save_clocks(connection, std::slice::from_ref(change)).await?;
    event::append(connection, actor, &[told(change)]).await?;
    Ok(true)
}

async fn save_clocks(connection: &mut PgConnection, changes: &[Change]) -> Result<(), Fault> {
    let (mut ids, mut writes): (Vec<Uuid>, Vec<Json<ClockWrites>>) = (Vec::new(), Vec::new());
    for change in changes {
        let of_ticket = change.ticket.clocks.writes();
        if !of_ticket.is_empty() {
            ids.push(change.ticket.id);
            writes.push(of_ticket);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "select save_clocks(g.id, g.writes) from unnest($1::uuid[], $2::jsonb[]) as g (id, writes)",
        &ids,
        &writes as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a change tells, as part of the ticket's story.
fn told(change: &Change) -> NewEvent {
    let ticket = &change.ticket;
    let story = &ticket.story;
    let story = Story {
        correlation_id: story.correlation_id.clone(),
        causation_id: story.causation_id.clone(),
        hops: story.hops,
        traceparent: story.traceparent.clone(),
    };
    let kind = change.act.event_kind();
    NewEvent::new(kind, ticket.name(), ticket.version, ticket.updated_at, story, &event_of(change))
}

fn times(tickets: &[&Ticket], of: impl Fn(&Ticket) -> Option<jiff::Timestamp>) -> Vec<Option<jiff_sqlx::Timestamp>> {
    tickets.iter().map(|ticket| of(ticket).map(jiff_sqlx::Timestamp::from)).collect()
}
