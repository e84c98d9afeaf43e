//! All SQL of hand-offs. Their tickets are locked before them, as everywhere.

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault};
use seva_values::format_name;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{COLLECTION, Change, Handoff, State},
    parity::{ParityQuery, Row, Spread},
};
use crate::{
    recorded::{Recorded, record},
    ticket::{Ticket, store::save::told_with},
};

/// Every list begins so.
pub const SELECT: &str =
    "select id, version, ticket_id, from_department_id, sender_id, department_id, state, member_id, wanted, answer, wanted_by, answered_by, bounces, follows, ack_round,
            done_round, ack_breached, done_breached, ack_due_at, done_due_at, ack_us, done_us, offered_at, updated_at, answered_at, done_at,
            ended_at
     from handoff";

/// A hand-off as the database holds it.
#[derive(sqlx::FromRow)]
pub struct HandoffRow {
    pub id: Uuid,
    version: i64,
    ticket_id: Uuid,
    from_department_id: Option<Uuid>,
    sender_id: Uuid,
    department_id: Uuid,
    state: String,
    member_id: Option<Uuid>,
    wanted: String,
    answer: String,
    wanted_by: Option<Uuid>,
    answered_by: Option<Uuid>,
    bounces: i32,
    follows: Option<Uuid>,
    ack_round: i32,
    done_round: i32,
    ack_breached: bool,
    done_breached: bool,
    pub ack_due_at: jiff_sqlx::Timestamp,
    pub done_due_at: jiff_sqlx::Timestamp,
    ack_us: Option<i64>,
    done_us: Option<i64>,
    offered_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    answered_at: Option<jiff_sqlx::Timestamp>,
    done_at: Option<jiff_sqlx::Timestamp>,
    ended_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<HandoffRow> for Handoff {
    type Error = Error;

    fn try_from(row: HandoffRow) -> Result<Self, Error> {
        let time = |time: Option<jiff_sqlx::Timestamp>| time.map(jiff_sqlx::Timestamp::to_jiff);
        Ok(Self {
            id: row.id,
            version: row.version,
            ticket: row.ticket_id,
            from: row.from_department_id,
            sender: row.sender_id,
            department: row.department_id,
            state: State::from_name(&row.state)?,
            member: row.member_id,
            wanted: row.wanted,
            answer: row.answer,
            wanted_by: row.wanted_by,
            answered_by: row.answered_by,
            bounces: row.bounces,
            follows: row.follows,
            ack_round: row.ack_round,
            done_round: row.done_round,
            ack_breached: row.ack_breached,
            done_breached: row.done_breached,
            ack_due_at: row.ack_due_at.to_jiff(),
            done_due_at: row.done_due_at.to_jiff(),
            ack: row.ack_us.map(SignedDuration::from_micros),
            done: row.done_us.map(SignedDuration::from_micros),
            offered_at: row.offered_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            answered_at: time(row.answered_at),
            done_at: time(row.done_at),
            ended_at: time(row.ended_at),
        })
    }
}

/// One hand-off.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Handoff, Error> {
    let row = sqlx::query_as!(
        HandoffRow,
        "select id, version, ticket_id, from_department_id, sender_id, department_id, state, member_id, wanted, answer, wanted_by, answered_by, bounces, follows,
                ack_round, done_round, ack_breached, done_breached, ack_due_at, done_due_at, ack_us, done_us, offered_at, updated_at,
                answered_at, done_at, ended_at
         from handoff where id = $1",
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// A hand-off, locked until the transaction ends.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Handoff>, Fault> {
    let row = sqlx::query_as!(
        HandoffRow,
        "select id, version, ticket_id, from_department_id, sender_id, department_id, state, member_id, wanted, answer, wanted_by, answered_by, bounces, follows,
                ack_round, done_round, ack_breached, done_breached, ack_due_at, done_due_at, ack_us, done_us, offered_at, updated_at,
                answered_at, done_at, ended_at
         from handoff where id = $1 for update",
        id
    );
    let row = row.fetch_optional(connection).await?;
    row.map(|row| Handoff::try_from(row).map_err(Fault::Decided)).transpose()
}

/// Whether a department has refused something of a ticket before, or passed it on.
pub async fn has_refused(executor: impl PgExecutor<'_>, ticket: Uuid, department: Uuid) -> Result<bool, Fault> {
    let refused = sqlx::query_scalar!(
        r#"select exists (select from handoff where ticket_id = $1 and department_id = $2 and state = 'refused') as "refused!""#,
        ticket,
        department
    );
    Ok(refused.fetch_one(executor).await?)
}

/// Saves what happened to hand-offs of a ticket that is locked, in its order: what ends makes way for what follows it.
pub async fn save(connection: &mut PgConnection, changes: &[Change]) -> Result<(), Fault> {
    let micros = |working: Option<SignedDuration>| working.and_then(|working| i64::try_from(working.as_micros()).ok());
    for Change { handoff, .. } in changes {
        let time = |at: Option<Timestamp>| at.map(jiff_sqlx::Timestamp::from);
        sqlx::query!(
            "insert into handoff (
                 id, version, ticket_id, from_department_id, sender_id, department_id, state, member_id, wanted, answer, wanted_by, answered_by, bounces, follows,
                 ack_round, done_round, ack_breached, done_breached, ack_due_at, done_due_at, ack_us, done_us, offered_at, updated_at,
                 answered_at, done_at, ended_at
             )
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
                     $26, $27)
             on conflict on constraint handoff_pkey do update
             set version = excluded.version, state = excluded.state, member_id = excluded.member_id, answer = excluded.answer,
                 answered_by = excluded.answered_by, bounces = excluded.bounces, done_round = excluded.done_round, ack_breached = excluded.ack_breached,
                 done_breached = excluded.done_breached, done_due_at = excluded.done_due_at, ack_us = excluded.ack_us,
                 done_us = excluded.done_us, updated_at = excluded.updated_at, answered_at = excluded.answered_at,
                 done_at = excluded.done_at, ended_at = excluded.ended_at",
            handoff.id,
            handoff.version,
            handoff.ticket,
            handoff.from,
            handoff.sender,
            handoff.department,
            handoff.state.name(),
            handoff.member,
            handoff.wanted,
            handoff.answer,
            handoff.wanted_by,
            handoff.answered_by,
            handoff.bounces,
            handoff.follows,
            handoff.ack_round,
            handoff.done_round,
            handoff.ack_breached,
            handoff.done_breached,
            jiff_sqlx::Timestamp::from(handoff.ack_due_at) as _,
            jiff_sqlx::Timestamp::from(handoff.done_due_at) as _,
            micros(handoff.ack),
            micros(handoff.done),
            jiff_sqlx::Timestamp::from(handoff.offered_at) as _,
            jiff_sqlx::Timestamp::from(handoff.updated_at) as _,
            time(handoff.answered_at) as _,
            time(handoff.done_at) as _,
            time(handoff.ended_at) as _,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// What violated constraints mean to a caller.
pub fn refusal(fault: Fault, ticket: &Ticket) -> Error {
    if fault.violates("handoff_under_way") {
        let why = "nothing else of the ticket is offered to a department or accepted by one";
        return Error::precondition(ErrorReason::StateForbids, "TK48", ticket.name(), why);
    }
    fault.into()
}

/// Tells what a call did to hand-offs of a ticket, as part of the ticket's story, and notes it.
pub async fn tell(
    connection: &mut PgConnection,
    write: &Write,
    ticket: &Ticket,
    changes: &[Change],
) -> Result<(), Fault> {
    let write = told_with(write, ticket);
    for Change { handoff, act } in changes {
        let recorded = Recorded {
            kind: act.event_kind(),
            name: &handoff.name(),
            version: handoff.version,
            at: handoff.updated_at,
            changed: act.changed(),
            reason: None,
        };
        record(connection, &write, &recorded, &event_of(handoff)).await?;
    }
    Ok(())
}

/// How each department has served what was handed to it in a period (TK49).
pub async fn parity(db: &Database, query: &ParityQuery) -> Result<Vec<Row>, Fault> {
    let rows = sqlx::query!(
        r#"select department_id, count(*) as "offered!",
                  count(*) filter (where answered_at is not null and state <> 'refused') as "accepted!",
                  count(*) filter (where state = 'refused') as "refused!",
                  count(*) filter (where bounced) as "bounced!",
                  count(*) filter (where state = 'withdrawn') as "withdrawn!",
                  count(*) filter (where state in ('offered', 'accepted')) as "under_way!",
                  count(*) filter (where ack_us is not null) as "acked!",
                  count(*) filter (where ack_breached or (state = 'offered' and ack_due_at <= $3)) as "ack_breached!",
                  percentile_disc(0.5) within group (order by ack_us) as ack_median,
                  percentile_disc(0.9) within group (order by ack_us) as ack_p90,
                  count(*) filter (where done_us is not null) as "done!",
                  count(*) filter (where done_breached or (state in ('offered', 'accepted') and done_due_at <= $3)) as "done_breached!",
                  percentile_disc(0.5) within group (order by done_us) as done_median,
                  percentile_disc(0.9) within group (order by done_us) as done_p90
           from (
               select h.*, h.bounces > coalesce(b.bounces + 1, 0) or exists (select from handoff n where n.follows = h.id) as bounced
               from handoff h left join handoff b on b.id = h.follows
               where h.offered_at >= $1 and h.offered_at < $2
           ) as turn
           group by department_id
           order by department_id"#,
        jiff_sqlx::Timestamp::from(query.from) as _,
        jiff_sqlx::Timestamp::from(query.until) as _,
        jiff_sqlx::Timestamp::from(query.now) as _,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let rows = rows.into_iter().map(|row| Row {
        department: row.department_id,
        offered: row.offered,
        accepted: row.accepted,
        refused: row.refused,
        bounced: row.bounced,
        withdrawn: row.withdrawn,
        under_way: row.under_way,
        ack: Spread { counted: row.acked, breached: row.ack_breached, median: row.ack_median, p90: row.ack_p90 },
        done: Spread { counted: row.done, breached: row.done_breached, median: row.done_median, p90: row.done_p90 },
    });
    Ok(rows.collect())
}
