//! All SQL of cases.

use seva_proto::{common::v1::ErrorReason, tickets::v1::CaseEvent};
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault};
use seva_values::format_name;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::model::{COLLECTION, Case, Member, State};
use crate::{
    recorded::{Recorded, record},
    ticket::model::COLLECTION as TICKETS,
};

/// Every list of cases begins so.
pub const SELECT: &str =
    "select id, version, customer_id, title, state, created_at, updated_at, closed_at from ticket_case";

/// A case as the database holds it, without its tickets.
#[derive(sqlx::FromRow)]
pub struct CaseRow {
    pub id: Uuid,
    version: i64,
    customer_id: Uuid,
    title: String,
    state: String,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    closed_at: Option<jiff_sqlx::Timestamp>,
}

/// A case with its tickets.
pub async fn load(db: &Database, id: Uuid) -> Result<Case, Error> {
    let row = sqlx::query_as!(
        CaseRow,
        "select id, version, customer_id, title, state, created_at, updated_at, closed_at from ticket_case where id = $1",
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let case = Case::try_from(row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?)?;
    Ok(Case { tickets: tickets(db.calls(), id).await?, ..case })
}

/// The same, locked until the transaction ends.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Case, Error> {
    let row = sqlx::query_as!(
        CaseRow,
        "select id, version, customer_id, title, state, created_at, updated_at, closed_at from ticket_case where id = $1 for update",
        id
    );
    let row = row.fetch_optional(&mut *connection).await.map_err(Fault::from)?;
    let case = Case::try_from(row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?)?;
    Ok(Case { tickets: tickets(connection, id).await?, ..case })
}

async fn tickets(executor: impl PgExecutor<'_>, case: Uuid) -> Result<Vec<Uuid>, Fault> {
    let tickets =
        sqlx::query_scalar!("select ticket_id from ticket_case_member where case_id = $1 order by ticket_id", case);
    Ok(tickets.fetch_all(executor).await?)
}

/// These tickets as a case sees them; they stay so until the transaction ends.
pub async fn members(connection: &mut PgConnection, tickets: &[Uuid]) -> Result<Vec<Member>, Error> {
    let rows = sqlx::query!(
        r#"select id, customer_id, state in ('closed', 'canceled', 'merged') as "is_over!"
           from ticket where id = any($1) order by id for share"#,
        tickets
    );
    let rows = rows.fetch_all(connection).await.map_err(Fault::from)?;
    if let Some(missing) = tickets.iter().find(|ticket| rows.iter().all(|row| row.id != **ticket)) {
        return Err(Error::not_found(format_name(TICKETS, *missing)));
    }
    Ok(rows.iter().map(|row| Member { ticket: row.id, customer: row.customer_id, is_over: row.is_over }).collect())
}

/// Records a new case.
pub async fn insert(connection: &mut PgConnection, case: &Case) -> Result<(), Fault> {
    sqlx::query!(
        "insert into ticket_case (id, version, customer_id, title, state, created_at, updated_at) values ($1, 1, $2, $3, 'open', $4, $4)",
        case.id,
        case.customer,
        case.title,
        jiff_sqlx::Timestamp::from(case.created_at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves a locked case.
pub async fn update(connection: &mut PgConnection, case: &Case) -> Result<(), Fault> {
    sqlx::query!(
        "update ticket_case set version = $2, state = $3, updated_at = $4, closed_at = $5 where id = $1",
        case.id,
        case.version,
        case.state.name(),
        jiff_sqlx::Timestamp::from(case.updated_at) as _,
        case.closed_at.map(jiff_sqlx::Timestamp::from) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts tickets into a case (TK57).
pub async fn add(connection: &mut PgConnection, case: Uuid, tickets: &[Uuid]) -> Result<(), Error> {
    let added = sqlx::query!(
        "insert into ticket_case_member (ticket_id, case_id) select unnest($1::uuid[]), $2",
        tickets,
        case
    );
    added.execute(connection).await.map_err(Fault::from).map_err(|fault| {
        if fault.violates("ticket_case_member_once") {
            let description = "none of the tickets is in a case";
            return Error::precondition(ErrorReason::StateForbids, "TK57", "tickets", description);
        }
        fault.into()
    })?;
    Ok(())
}

/// Takes a ticket out of its case.
pub async fn remove(connection: &mut PgConnection, ticket: Uuid) -> Result<(), Fault> {
    sqlx::query!("delete from ticket_case_member where ticket_id = $1", ticket).execute(connection).await?;
    Ok(())
}

/// Records what happened to a case.
pub async fn tell(
    connection: &mut PgConnection,
    write: &Write,
    case: &Case,
    kind: &'static str,
    changed: &[&str],
    tickets: &[Uuid],
    reason: Option<&str>,
) -> Result<(), Fault> {
    let name = case.name();
    let recorded = Recorded { kind, name: &name, version: case.version, at: case.updated_at, changed, reason };
    let event = CaseEvent { tickets: tickets.iter().map(|id| format_name(TICKETS, *id)).collect(), ..case.into() };
    record(connection, write, &recorded, &event).await
}

impl TryFrom<CaseRow> for Case {
    type Error = Error;

    fn try_from(row: CaseRow) -> Result<Self, Error> {
        let CaseRow { id, version, customer_id, title, state, created_at, updated_at, closed_at } = row;
        Ok(Self {
            id,
            version,
            customer: customer_id,
            title,
            state: State::from_name(&state)?,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            closed_at: closed_at.map(jiff_sqlx::Timestamp::to_jiff),
            tickets: Vec::new(),
        })
    }
}
