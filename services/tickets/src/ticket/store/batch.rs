//! Writes of workers and consumers: many tickets in one transaction, which has them locked.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use prost::Message as _;
use seva_runtime::{Error, Write, call::Story};
use seva_store::{Fault, NewEvent, event};
use seva_values::{format_name, new_id};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    super::{
        convert::event_of,
        model::{COLLECTION, Change, Ticket},
    },
    lock_rows, save, with_clocks,
};
use crate::{
    clock::{self, ClockWrites},
    message::{self, Message},
    routing::WaitReason,
    ticket::{CancelReason, Closure, state::Unverified},
};

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

/// As [`lock`], for whoever does something to them at `now`: what time has brought about until then is told first (TK22).
///
/// # Errors
/// When a statement fails.
pub async fn lock_at(connection: &mut PgConnection, ids: &[Uuid], now: Timestamp) -> Result<Vec<Ticket>, Fault> {
    let mut tickets = lock(&mut *connection, ids).await?;
    let passed: Vec<Change> = tickets.iter_mut().flat_map(|ticket| ticket.pass_time(now)).collect();
    save_all(connection, clock::breaches::ACTOR, &passed).await?;
    Ok(tickets)
}

/// As [`lock_at`], of one ticket.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn lock_one_at(connection: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<Ticket, Fault> {
    let locked = lock_at(connection, &[id], now).await?.pop();
    Ok(locked.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?)
}

/// Saves what happened to locked tickets, in its order, with what was said. A ticket may stand in it several times.
///
/// # Errors
/// When a statement fails.
pub async fn save_all(connection: &mut PgConnection, actor: &str, changes: &[Change]) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    changes.iter().for_each(Change::tells_what_has_passed);
    write_rows(connection, changes).await?;
    for together in by_who_tells(changes) {
        let actor = if together[0].passed.is_some() { clock::breaches::ACTOR } else { actor };
        tell(connection, actor, together).await?;
    }
    Ok(())
}

/// What time has brought about is told by whoever looks after clocks, whoever has found it.
fn by_who_tells(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|one, next| one.passed.is_some() == next.passed.is_some())
}

async fn tell(connection: &mut PgConnection, actor: &str, changes: &[Change]) -> Result<(), Fault> {
    let events: Vec<NewEvent> = changes.iter().map(told).collect();
    event::append(connection, actor, &events).await
}

/// The same for a call: with who did it, and why if that is asked for, in the audit; as part of a transaction over several aggregates.
///
/// # Errors
/// When a statement fails.
pub async fn save_for(
    connection: &mut PgConnection,
    write: &Write,
    changes: &[Change],
    reason: Option<&str>,
) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    changes.iter().for_each(Change::tells_what_has_passed);
    write_rows(connection, changes).await?;
    for together in by_who_tells(changes) {
        match together[0].passed {
            Some(_) => tell(connection, clock::breaches::ACTOR, together).await?,
            None => tell_for(connection, write, together, reason).await?,
        }
    }
    Ok(())
}

async fn tell_for(
    connection: &mut PgConnection,
    write: &Write,
    changes: &[Change],
    reason: Option<&str>,
) -> Result<(), Fault> {
    // Row by row, in their order: an event's position is drawn when its turn has come.
    sqlx::query!(
        "select seva.emit(context, event_id, type, subject, sequence, occurred_at, payload),
                seva.note(context, subject, array(select jsonb_array_elements_text(changed)), $9)
         from unnest($1::jsonb[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::bytea[], $8::jsonb[])
              as t (context, event_id, type, subject, sequence, occurred_at, payload, changed)",
        &changes.iter().map(|change| save::context_of(write, &change.ticket)).collect::<Vec<_>>(),
        &changes.iter().map(|_| new_id()).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.act.event_kind()).collect::<Vec<_>>() as _,
        &changes.iter().map(|change| change.ticket.name()).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.ticket.version).collect::<Vec<_>>(),
        &changes.iter().map(|change| jiff_sqlx::Timestamp::from(change.ticket.updated_at)).collect::<Vec<_>>() as _,
        &changes.iter().map(|change| event_of(change).encode_to_vec()).collect::<Vec<_>>(),
        &changes.iter().map(|change| Json(change.changed.clone())).collect::<Vec<_>>() as _,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what tickets are after changes, what was said with them and what happened to their clocks.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn write_rows(connection: &mut PgConnection, changes: &[Change]) -> Result<(), Fault> {
    // By ticket: what it is in the end, and whether all that happened to it is that time has passed.
    let mut last: BTreeMap<Uuid, (&Ticket, bool)> = BTreeMap::new();
    for Change { ticket, passed, .. } in changes {
        let entry = last.entry(ticket.id).or_insert((ticket, true));
        *entry = (ticket, entry.1 && passed.is_some());
    }
    let (passed, changed): (Vec<_>, Vec<_>) = last.into_values().partition(|(_, is_time_alone)| *is_time_alone);
    update_passed(connection, &passed.into_iter().map(|(ticket, _)| ticket).collect::<Vec<_>>()).await?;
    update_changed(connection, &changed.into_iter().map(|(ticket, _)| ticket).collect::<Vec<_>>()).await?;
    save_said(connection, changes).await?;
    save_clocks(connection, changes).await
}

/// Of tickets with which nothing happened but that time has passed: many come due at once, and nothing else of them is other than it was.
async fn update_passed(connection: &mut PgConnection, tickets: &[&Ticket]) -> Result<(), Fault> {
    if tickets.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update ticket t set version = g.version, updated_at = g.updated_at, next_due_at = g.next_due_at
         from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) as g (id, version, updated_at, next_due_at)
         where t.id = g.id",
        &each(tickets, |ticket| ticket.id),
        &each(tickets, |ticket| ticket.version),
        &times(tickets, |ticket| Some(ticket.updated_at)) as _,
        &times(tickets, |ticket| ticket.clocks.next_due()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn update_changed(connection: &mut PgConnection, tickets: &[&Ticket]) -> Result<(), Fault> {
    if tickets.is_empty() {
        return Ok(());
    }
    // Of two schedules the earlier one, as where one ticket is saved.
    sqlx::query!(
        r#"update ticket t
           set version = g.version, priority = g.priority, state = g.state, title = g.title, root_cause = g.root_cause,
               root_description = g.root_description, department = g.department, assignee = g.assignee, over_limits = g.over_limits,
               wait_reason = g.wait_reason, targets = g.targets, wait_until = g.wait_until,
               route_at = case when t.state = 'new' and g.state = 'new' then least(t.route_at, g.route_at) else g.route_at end,
               wait_party = g.wait_party, merged_into = g.merged_into, merged_at = g.merged_at, resolver = g.resolver,
               reopen_count = g.reopen_count, resolution = g.resolution, verification_attempts = g.verification_attempts,
               verification_due_at = g.verification_due_at, answered_resolution = g.answered_resolution,
               answered_solved = g.answered_solved, closure = g.closure, cancel_reason = g.cancel_reason, updated_at = g.updated_at,
               resolved_at = g.resolved_at, closed_at = g.closed_at, next_due_at = g.next_due_at, kind = g.kind, root_rule = g.root_rule,
               return_due_at = g.return_due_at, returned_from = g.returned_from, return_count = g.return_count, weight = g.weight,
               tags = array(select jsonb_array_elements_text(g.tags)), verification = g.verification,
               verification_call_from = g.verification_call_from, unverified_reason = g.unverified_reason
           from unnest(
               $1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::bool[],
               $11::text[], $12::timestamptz[], $13::jsonb[], $14::timestamptz[], $15::text[], $16::uuid[], $17::timestamptz[],
               $18::uuid[], $19::int[], $20::int[], $21::int[], $22::timestamptz[], $23::int[], $24::bool[], $25::text[], $26::text[],
               $27::timestamptz[], $28::timestamptz[], $29::timestamptz[], $30::timestamptz[], $31::text[], $32::text[],
               $33::timestamptz[], $34::uuid[], $35::int[], $36::int[], $37::jsonb[], $38::jsonb[],
               $39::timestamptz[], $40::text[]
           ) as g (
               id, version, priority, state, title, root_cause, root_description, department, assignee, over_limits, wait_reason, route_at,
               targets, wait_until, wait_party, merged_into, merged_at, resolver, reopen_count, resolution, verification_attempts,
               verification_due_at, answered_resolution, answered_solved, closure, cancel_reason, updated_at, resolved_at, closed_at,
               next_due_at, kind, root_rule, return_due_at, returned_from, return_count, weight, tags, verification, verification_call_from, unverified_reason
           )
           where t.id = g.id"#,
        &each(tickets, |ticket| ticket.id),
        &each(tickets, |ticket| ticket.version),
        &each(tickets, |ticket| ticket.priority.name()) as _,
        &each(tickets, |ticket| ticket.state.name()) as _,
        &each(tickets, |ticket| ticket.title.clone()),
        &each(tickets, |ticket| ticket.root_problem.as_ref().map(|root| root.cause.name())) as _,
        &each(tickets, |ticket| ticket.root_problem.as_ref().map(|root| root.description.clone())) as _,
        &each(tickets, |ticket| ticket.department) as _,
        &each(tickets, |ticket| ticket.assignee) as _,
        &each(tickets, |ticket| ticket.over_limits),
        &each(tickets, |ticket| ticket.wait_reason.map(WaitReason::name)) as _,
        &times(tickets, |ticket| ticket.route_at) as _,
        &each(tickets, |ticket| Json(ticket.targets)) as _,
        &times(tickets, |ticket| ticket.wait_until) as _,
        &each(tickets, |ticket| ticket.wait_party.clone()) as _,
        &each(tickets, |ticket| ticket.merged_into.map(|(target, _)| target)) as _,
        &times(tickets, |ticket| ticket.merged_into.map(|(_, at)| at)) as _,
        &each(tickets, |ticket| ticket.resolver) as _,
        &each(tickets, |ticket| ticket.reopen_count),
        &each(tickets, |ticket| ticket.resolution),
        &each(tickets, |ticket| ticket.verification_attempts),
        &times(tickets, |ticket| ticket.verification_due_at) as _,
        &each(tickets, |ticket| ticket.answered.map(|(resolution, _)| resolution)) as _,
        &each(tickets, |ticket| ticket.answered.map(|(_, solved)| solved)) as _,
        &each(tickets, |ticket| ticket.closure.map(Closure::name)) as _,
        &each(tickets, |ticket| ticket.cancel_reason.map(CancelReason::name)) as _,
        &times(tickets, |ticket| Some(ticket.updated_at)) as _,
        &times(tickets, |ticket| ticket.resolved_at) as _,
        &times(tickets, |ticket| ticket.closed_at) as _,
        &times(tickets, |ticket| ticket.clocks.next_due()) as _,
        &each(tickets, |ticket| ticket.kind.name()) as _,
        &each(tickets, |ticket| ticket.root_problem.as_ref().and_then(|root| root.rule.clone())) as _,
        &times(tickets, |ticket| ticket.return_due_at) as _,
        &each(tickets, |ticket| ticket.returned_from) as _,
        &each(tickets, |ticket| ticket.return_count),
        &each(tickets, |ticket| ticket.targets.weight),
        &each(tickets, |ticket| Json(ticket.tags.clone())) as _,
        &each(tickets, |ticket| Json(ticket.verification.clone())) as _,
        &times(tickets, |ticket| ticket.call_from) as _,
        &each(tickets, |ticket| ticket.unverified.map(Unverified::name)) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_said(connection: &mut PgConnection, changes: &[Change]) -> Result<(), Fault> {
    let said: Vec<(&Change, &Message)> =
        changes.iter().filter_map(|change| Some((change, change.message.as_ref()?))).collect();
    if said.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into message (ticket_id, id, visibility, author, author_id, medium, text, created_at, told_as)
         select * from unnest(
             $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::text[]
         )",
        &said.iter().map(|(change, _)| change.ticket.id).collect::<Vec<_>>(),
        &said.iter().map(|(_, message)| message.id).collect::<Vec<_>>(),
        &said.iter().map(|(_, message)| message.visibility.name()).collect::<Vec<_>>() as _,
        &said.iter().map(|(_, message)| message.author.name()).collect::<Vec<_>>() as _,
        &said.iter().map(|(_, message)| message.author_id).collect::<Vec<_>>() as _,
        &said.iter().map(|(_, message)| message.medium.name()).collect::<Vec<_>>() as _,
        &said.iter().map(|(_, message)| message.text.clone()).collect::<Vec<_>>(),
        &said.iter().map(|(_, message)| jiff_sqlx::Timestamp::from(message.created_at)).collect::<Vec<_>>() as _,
        &said.iter().map(|(change, _)| change.told_as()).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    for (change, message) in said {
        message::store::attach(connection, change.ticket.id, message).await?;
    }
    Ok(())
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
                               correlation_id, causation_id, hops, traceparent, created_at, updated_at, next_due_at, tier, targets, weight,
                               tags, fields)
           values ($1, 1, $2, $3, $4, $5, 'new', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $12, $12, $20,
                   $21, $22, $23, $24, $25)
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
        ticket.tier.name(),
        Json(ticket.targets) as _,
        ticket.targets.weight,
        &ticket.tags,
        Json(&ticket.fields) as _,
    );
    if inserted.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(false);
    }
    save_clocks(connection, std::slice::from_ref(change)).await?;
    event::append(connection, actor, &[told(change)]).await?;
    Ok(true)
}

async fn save_clocks(connection: &mut PgConnection, changes: &[Change]) -> Result<(), Fault> {
    // A statement writes each clock once: what happened later to the clocks of a ticket that stands in it already is the next one's.
    let mut statements: Vec<(Vec<Uuid>, Vec<Json<ClockWrites>>)> = Vec::new();
    let mut written: HashMap<Uuid, usize> = HashMap::new();
    for Change { ticket, .. } in changes {
        let of_ticket = ticket.clocks.writes();
        if of_ticket.is_empty() {
            continue;
        }
        let number = written.entry(ticket.id).or_default();
        if *number == statements.len() {
            statements.push(Default::default());
        }
        statements[*number].0.push(ticket.id);
        statements[*number].1.push(of_ticket);
        *number += 1;
    }
    for (ids, writes) in statements {
        sqlx::query!("select save_clocks($1, $2)", &ids, &writes as _).execute(&mut *connection).await?;
    }
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

fn each<T>(tickets: &[&Ticket], of: impl Fn(&Ticket) -> T) -> Vec<T> {
    tickets.iter().map(|ticket| of(ticket)).collect()
}

fn times(tickets: &[&Ticket], of: impl Fn(&Ticket) -> Option<jiff::Timestamp>) -> Vec<Option<jiff_sqlx::Timestamp>> {
    tickets.iter().map(|ticket| of(ticket).map(jiff_sqlx::Timestamp::from)).collect()
}
