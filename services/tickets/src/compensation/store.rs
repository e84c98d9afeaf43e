//! All SQL of grants. Everybody locks tickets before grants, and each of them by id; then customer and member, then invoices.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context, event};
use seva_values::{Currency, Money, Zone, format_name, new_id};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::event_of,
    limits::{Bound, Given, Kind},
    model::{COLLECTION, CUSTOMER_WINDOW, Grant, State},
};
use crate::{
    roster::{StaffMember, model::STAFF_MEMBERS},
    stored::malformed,
};

/// Every list of grants begins so.
pub const SELECT: &str = "select * from compensation_grant";
/// A grant as the database holds it.
#[derive(sqlx::FromRow)]
pub struct GrantRow {
    pub id: Uuid,
    version: i64,
    ticket_id: Uuid,
    customer_id: Uuid,
    kind: String,
    amount: i64,
    currency: String,
    reason: String,
    invoice_id: Option<Uuid>,
    state: String,
    exceeded_limits: Vec<String>,
    policy_id: Option<Uuid>,
    proposer: Uuid,
    giver: Uuid,
    decider: Option<Uuid>,
    decision_note: Option<String>,
    reverses: Option<Uuid>,
    return_case_id: Option<Uuid>,
    external_key: Option<String>,
    fault: Option<String>,
    counted_at: Option<jiff_sqlx::Timestamp>,
    due_at: Option<jiff_sqlx::Timestamp>,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    settled_at: Option<jiff_sqlx::Timestamp>,
}

/// Whoever gives something by this member or to this customer comes before or after (TK63).
///
/// # Errors
/// When the locks cannot be had in time.
pub async fn lock_giver_and_customer(connection: &mut PgConnection, member: Uuid, customer: Uuid) -> Result<(), Fault> {
    event::lock_subjects(connection, &[format_name(STAFF_MEMBERS, member), format_name("customers", customer)]).await
}

/// What a member has given on the present day of their department, and a customer was given within 90 days, by kind and currency. A reversal
/// counts once it is settled, on the day of what it takes back; what a return settles by never counts.
///
/// # Errors
/// When the statement fails.
pub async fn given(
    executor: impl PgExecutor<'_>,
    member: Uuid,
    day_start: Timestamp,
    customer: Uuid,
    now: Timestamp,
) -> Result<BTreeMap<(Kind, Currency), Given>, Fault> {
    let rows = sqlx::query!(
        r#"select kind, currency,
               coalesce(sum(signed) filter (where giver = $1 and counted_at >= $2), 0)::bigint as "today!",
               coalesce(sum(signed) filter (where customer_id = $3 and counted_at > $4), 0)::bigint as "to_customer!"
           from (
               select kind, currency, giver, customer_id, counted_at,
                      case when reverses is null then amount when state = 'settled' then -amount else 0 end as signed
               from compensation_grant
               where counted_at is not null and state <> 'failed'
                 and ((customer_id = $3 and counted_at > $4) or (giver = $1 and counted_at >= $2))
           ) as counted
           group by kind, currency"#,
        member,
        jiff_sqlx::Timestamp::from(day_start) as _,
        customer,
        jiff_sqlx::Timestamp::from(now - CUSTOMER_WINDOW) as _,
    );
    let rows = rows.fetch_all(executor).await?.into_iter();
    let given = rows.map(|row| {
        let currency = Currency::parse(&row.currency).map_err(malformed)?;
        let given = Given { today: row.today, to_customer: row.to_customer };
        Ok(((Kind::from_name(&row.kind)?, currency), given))
    });
    given.collect()
}

/// When the present day of a member began, by the newest calendar of the department; without one in UTC.
///
/// # Errors
/// When the statement fails.
pub async fn day_start(
    executor: impl PgExecutor<'_>,
    member: &StaffMember,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let zone = sqlx::query_scalar!(
        r#"select c.calendar ->> 'zone' as "zone!"
           from department d
           join department_calendar c on c.department_id = d.id and c.version = d.calendar_version
           where d.id = $1"#,
        member.department
    );
    let zone = zone.fetch_optional(executor).await?;
    let zone = Zone::parse(zone.as_deref().unwrap_or("UTC")).map_err(malformed)?;
    Ok(zone.start_of_day(zone.date_at(now)))
}

/// One grant.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Grant, Error> {
    let row = sqlx::query_as!(GrantRow, "select * from compensation_grant where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// The tickets of these grants, as far as there are such.
///
/// # Errors
/// When the statement fails.
pub async fn tickets_of(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let tickets = sqlx::query_scalar!("select ticket_id from compensation_grant where id = any($1)", ids);
    Ok(tickets.fetch_all(executor).await?)
}

/// Locks grants in the order of their ids; their tickets are locked.
///
/// # Errors
/// When the statement fails.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Grant>, Fault> {
    let rows =
        sqlx::query_as!(GrantRow, "select * from compensation_grant where id = any($1) order by id for update", ids);
    let grants = rows.fetch_all(connection).await?.into_iter().map(|row| Ok((row.id, row.try_into()?)));
    grants.collect()
}

/// Grants that are to be issued by `now`, or expire, the longest due first.
///
/// # Errors
/// When the statement fails.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let due = sqlx::query_scalar!(
        "select id from compensation_grant where due_at <= $1 order by due_at limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// When the next grant is to be issued, or expires.
///
/// # Errors
/// When the statement fails.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(due_at) from compensation_grant where due_at is not null");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Records a new entry with its event, its audit row and the answer; its ticket is locked.
///
/// # Errors
/// `STATE_FORBIDS` for a ticket that is resolved or over (TK68), and for a second reversal (TK65).
pub async fn insert(
    connection: &mut PgConnection,
    write: &Write,
    grant: &Grant,
    response: &impl Message,
) -> Result<(), Fault> {
    sqlx::query!(
        r#"with created as (
               insert into compensation_grant (
                   id, version, ticket_id, customer_id, kind, amount, currency, reason, invoice_id, state, exceeded_limits, policy_id,
                   proposer, giver, reverses, return_case_id, counted_at, due_at, created_at, updated_at
               )
               values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $24, $13, $14, $15, $16, $17, $17)
               returning id
           )
           select seva.emit($18, $19, $20, $21, 1, $17, $22), seva.note($18, $21, '{*}'), seva.remember($18, $23)
           from created"#,
        grant.id,
        grant.ticket,
        grant.customer,
        grant.kind.name(),
        grant.amount.minor_units,
        grant.amount.currency.code(),
        grant.reason,
        grant.invoice,
        grant.state.name(),
        &grant.exceeded_limits.iter().map(|bound| bound.name()).collect::<Vec<_>>() as _,
        grant.policy,
        grant.proposer,
        grant.reverses,
        grant.return_case,
        grant.counted_at.map(jiff_sqlx::Timestamp::from) as _,
        grant.due_at.map(jiff_sqlx::Timestamp::from) as _,
        jiff_sqlx::Timestamp::from(grant.created_at) as _,
        context::of(write),
        new_id(),
        grant.state.event_kind(),
        grant.name(),
        event_of(grant).encode_to_vec(),
        response.encode_to_vec(),
        grant.giver,
    )
    .fetch_one(connection)
    .await
    .map_err(|error| refusal(grant, error.into()))?;
    Ok(())
}

/// Saves what has become of a locked grant, with its event, its audit row and the answer.
///
/// # Errors
/// When the statement fails.
pub async fn update(
    connection: &mut PgConnection,
    write: &Write,
    grant: &Grant,
    response: &impl Message,
) -> Result<(), Fault> {
    sqlx::query!(
        r#"with updated as (
               update compensation_grant
               set version = $2, state = $3, decider = $4, decision_note = $5, external_key = $6, fault = $7, counted_at = $8,
                   due_at = $9, updated_at = $10, settled_at = $11
               where id = $1 and version = $2::bigint - 1
               returning id
           )
           select seva.emit($12, $13, $14, $15, $2, $10, $16), seva.note($12, $15, '{state}'), seva.remember($12, $17)
           from updated"#,
        grant.id,
        grant.version,
        grant.state.name(),
        grant.decider,
        grant.decision_note,
        grant.external_key,
        grant.fault,
        grant.counted_at.map(jiff_sqlx::Timestamp::from) as _,
        grant.due_at.map(jiff_sqlx::Timestamp::from) as _,
        jiff_sqlx::Timestamp::from(grant.updated_at) as _,
        grant.settled_at.map(jiff_sqlx::Timestamp::from) as _,
        context::of(write),
        new_id(),
        grant.state.event_kind(),
        grant.name(),
        event_of(grant).encode_to_vec(),
        response.encode_to_vec(),
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// What violated constraints mean to a caller.
fn refusal(grant: &Grant, fault: Fault) -> Fault {
    let forbidden = |invariant, subject, why| {
        Fault::Decided(Error::precondition(ErrorReason::StateForbids, invariant, subject, why))
    };
    if fault.violates("ticket_without_open_work") {
        let ticket = format_name("tickets", grant.ticket);
        return forbidden("TK68", ticket, "the ticket is neither resolved nor over: reopen it first");
    }
    match grant.reverses {
        Some(first) if fault.violates("compensation_grant_reversed_once") => {
            forbidden("TK65", format_name(COLLECTION, first), "it was not taken back before")
        }
        _ => fault,
    }
}

impl TryFrom<GrantRow> for Grant {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: GrantRow) -> Result<Self, Error> {
        let GrantRow {
            id,
            version,
            ticket_id,
            customer_id,
            kind,
            amount,
            currency,
            reason,
            invoice_id,
            state,
            exceeded_limits,
            policy_id,
            proposer,
            giver,
            decider,
            decision_note,
            reverses,
            return_case_id,
            external_key,
            fault,
            counted_at,
            due_at,
            created_at,
            updated_at,
            settled_at,
        } = row;
        let time = |time: Option<jiff_sqlx::Timestamp>| time.map(jiff_sqlx::Timestamp::to_jiff);
        let currency = Currency::parse(&currency).map_err(|_| crate::stored::unknown("currency", &currency))?;
        Ok(Self {
            id,
            version,
            ticket: ticket_id,
            customer: customer_id,
            kind: Kind::from_name(&kind)?,
            amount: Money::new(amount, currency),
            reason,
            invoice: invoice_id,
            state: State::from_name(&state)?,
            exceeded_limits: exceeded_limits.iter().map(|name| Bound::from_name(name)).collect::<Result<_, _>>()?,
            policy: policy_id,
            proposer,
            giver,
            decider,
            decision_note,
            reverses,
            return_case: return_case_id,
            external_key,
            fault,
            counted_at: time(counted_at),
            due_at: time(due_at),
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            settled_at: time(settled_at),
        })
    }
}
