//! All SQL of escalations. Everybody locks tickets before escalations, and each of them by id.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use prost::Message;
use seva_runtime::{Error, Write, call::Story};
use seva_store::{Database, Fault, context};
use seva_values::{format_name, new_id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{COLLECTION, Change, Escalation, State},
};

/// Every list of escalations begins so.
pub const SELECT: &str = "select * from escalation";

/// An escalation as the database holds it.
#[derive(sqlx::FromRow)]
pub struct EscalationRow {
    pub id: Uuid,
    version: i64,
    ticket_id: Uuid,
    department: Option<Uuid>,
    level: i16,
    state: String,
    critical: bool,
    raised_by: Option<Uuid>,
    reason: Option<String>,
    owner: Option<Uuid>,
    note: Option<String>,
    pub acknowledge_due_at: Option<jiff_sqlx::Timestamp>,
    overdue_at: Option<jiff_sqlx::Timestamp>,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    acknowledged_at: Option<jiff_sqlx::Timestamp>,
    closed_at: Option<jiff_sqlx::Timestamp>,
}

/// Locks the tickets of these escalations in the order of their ids; answers the story that each belongs to.
///
/// # Errors
/// When the locks cannot be had in time.
pub async fn lock_tickets_of(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Story>, Fault> {
    let rows = sqlx::query!(
        "select id, correlation_id, causation_id, hops, traceparent from ticket
         where id in (select ticket_id from escalation where id = any($1)) order by id for no key update",
        ids
    );
    let rows = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let (correlation_id, causation_id, traceparent) = (row.correlation_id, row.causation_id, row.traceparent);
        (row.id, Story { correlation_id, causation_id, hops: row.hops, traceparent })
    });
    Ok(rows.collect())
}

/// One escalation.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Escalation, Error> {
    let row = sqlx::query_as!(EscalationRow, "select * from escalation where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// The escalations of locked tickets that are open, by ticket.
///
/// # Errors
/// When the statement fails.
pub async fn open_of(connection: &mut PgConnection, tickets: &[Uuid]) -> Result<BTreeMap<Uuid, Escalation>, Fault> {
    let rows = sqlx::query_as!(
        EscalationRow,
        "select * from escalation where ticket_id = any($1) and state <> 'closed' order by id for update",
        tickets
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    rows.map(|row| Ok((row.ticket_id, row.try_into()?))).collect()
}

/// Locks escalations in the order of their ids; their tickets are locked.
///
/// # Errors
/// When the statement fails.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Escalation>, Fault> {
    let rows =
        sqlx::query_as!(EscalationRow, "select * from escalation where id = any($1) order by id for update", ids);
    rows.fetch_all(connection).await?.into_iter().map(|row| Ok((row.id, row.try_into()?))).collect()
}

/// Escalations that nobody acknowledged by `now`, the longest due first.
///
/// # Errors
/// When the statement fails.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let due = sqlx::query_scalar!(
        "select id from escalation
         where acknowledge_due_at is not null and overdue_at is null and acknowledge_due_at <= $1
         order by acknowledge_due_at
         limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// Escalations whose owner does not serve any more.
///
/// # Errors
/// When the statement fails.
pub async fn left_behind(db: &Database, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let left = sqlx::query_scalar!(
        "select e.id from staff_member m join escalation e on e.owner = m.id and e.state in ('acknowledged', 'acting')
         where m.state <> 'active' order by e.id limit $1",
        limit
    );
    Ok(left.fetch_all(db.workers()).await?)
}

/// Who of these members does not serve any more.
///
/// # Errors
/// When the statement fails.
pub async fn gone(connection: &mut PgConnection, members: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let gone = sqlx::query_scalar!("select id from staff_member where id = any($1) and state <> 'active'", members);
    Ok(gone.fetch_all(connection).await?)
}

/// When the next one has to be acknowledged; the epoch: somebody does not serve any more who owns one.
///
/// # Errors
/// When the statement fails.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!(
        "select least(
             (select min(acknowledge_due_at) from escalation where acknowledge_due_at is not null and overdue_at is null),
             (select timestamptz 'epoch' from staff_member m join escalation e on e.owner = m.id and e.state in ('acknowledged', 'acting')
              where m.state <> 'active' limit 1)
         )"
    );
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Writes what happened to an escalation whose ticket is locked, with its event and its audit row.
///
/// # Errors
/// When the statement fails.
pub async fn save(connection: &mut PgConnection, write: &Write, change: &Change) -> Result<(), Fault> {
    let Change { escalation, act } = change;
    let time = |time: Option<Timestamp>| time.map(jiff_sqlx::Timestamp::from);
    let changed: Vec<String> = act.changed().iter().map(|&field| field.to_owned()).collect();
    sqlx::query!(
        r#"with saved as (
               insert into escalation as e (
                   id, version, ticket_id, department, level, state, critical, raised_by, reason, owner, note, acknowledge_due_at,
                   overdue_at, created_at, updated_at, acknowledged_at, closed_at
               )
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
               on conflict on constraint escalation_pkey do update
               set version = excluded.version, level = excluded.level, state = excluded.state, critical = excluded.critical,
                   owner = excluded.owner, note = excluded.note, acknowledge_due_at = excluded.acknowledge_due_at,
                   overdue_at = excluded.overdue_at, updated_at = excluded.updated_at, acknowledged_at = excluded.acknowledged_at,
                   closed_at = excluded.closed_at
               where e.version = excluded.version - 1
               returning id
           )
           select seva.emit($18, $19, $20, $21, $2, $15, $22), seva.note($18, $21, $23) from saved"#,
        escalation.id,
        escalation.version,
        escalation.ticket,
        escalation.department,
        escalation.level,
        escalation.state.name(),
        escalation.critical,
        escalation.raised_by,
        escalation.reason,
        escalation.owner,
        escalation.note,
        time(escalation.acknowledge_due_at) as _,
        time(escalation.overdue_at) as _,
        jiff_sqlx::Timestamp::from(escalation.created_at) as _,
        jiff_sqlx::Timestamp::from(escalation.updated_at) as _,
        time(escalation.acknowledged_at) as _,
        time(escalation.closed_at) as _,
        context::of(write),
        new_id(),
        act.event_kind(),
        escalation.name(),
        event_of(escalation).encode_to_vec(),
        &changed,
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

impl TryFrom<EscalationRow> for Escalation {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: EscalationRow) -> Result<Self, Error> {
        let EscalationRow {
            id,
            version,
            ticket_id,
            department,
            level,
            state,
            critical,
            raised_by,
            reason,
            owner,
            note,
            acknowledge_due_at,
            overdue_at,
            created_at,
            updated_at,
            acknowledged_at,
            closed_at,
        } = row;
        let time = |time: Option<jiff_sqlx::Timestamp>| time.map(jiff_sqlx::Timestamp::to_jiff);
        Ok(Self {
            id,
            version,
            ticket: ticket_id,
            department,
            level,
            state: State::from_name(&state)?,
            critical,
            raised_by,
            reason,
            owner,
            note,
            acknowledge_due_at: time(acknowledge_due_at),
            overdue_at: time(overdue_at),
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            acknowledged_at: time(acknowledged_at),
            closed_at: time(closed_at),
        })
    }
}
