//! All SQL of loop cases.

use std::collections::{BTreeMap, HashSet};

use seva_runtime::Error;
use seva_store::{Database, Fault, NewEvent, event};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{Change, LoopCase, State},
};

/// Every list begins so.
pub const SELECT: &str = "select * from loop_case";

/// A case as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct LoopCaseRow {
    pub id: Uuid,
    version: i64,
    response_id: Uuid,
    customer_id: Uuid,
    programme_id: Uuid,
    question_id: String,
    score: i16,
    subject: String,
    language: String,
    state: String,
    ticket_id: Option<Uuid>,
    ticket_sequence: i64,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

impl TryFrom<LoopCaseRow> for LoopCase {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: LoopCaseRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            version: row.version,
            response: row.response_id,
            customer: row.customer_id,
            programme: row.programme_id,
            question_id: row.question_id,
            score: row.score.into(),
            subject: row.subject,
            language: row.language,
            state: State::from_name(&row.state)?,
            ticket: row.ticket_id,
            ticket_sequence: row.ticket_sequence,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// One case.
pub async fn load(db: &Database, id: Uuid) -> Result<LoopCase, Error> {
    let row = sqlx::query_as!(LoopCaseRow, "select * from loop_case where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(name(id)))?.try_into()
}

/// Which questions of these responses have a case.
pub async fn followed(executor: impl PgExecutor<'_>, responses: &[Uuid]) -> Result<HashSet<(Uuid, String)>, Fault> {
    let rows = sqlx::query!("select response_id, question_id from loop_case where response_id = any($1)", responses);
    let rows = rows.fetch_all(executor).await?;
    Ok(rows.into_iter().map(|row| (row.response_id, row.question_id)).collect())
}

/// Those of these customers who have a case that is not over.
pub async fn with_open_case(connection: &mut PgConnection, customers: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    let customers = sqlx::query_scalar!(
        "select distinct customer_id from loop_case
         where state not in ('verified', 'unreachable', 'canceled') and customer_id = any($1)",
        customers
    );
    Ok(customers.fetch_all(connection).await?.into_iter().collect())
}

/// Locks the cases of these responses and of these tickets for the rest of the transaction, in one order for all.
pub async fn lock_of(
    connection: &mut PgConnection,
    responses: &[Uuid],
    tickets: &[Uuid],
) -> Result<Vec<LoopCase>, Fault> {
    let rows = sqlx::query_as!(
        LoopCaseRow,
        "select * from loop_case where response_id = any($1) or ticket_id = any($2) order by id for update",
        responses,
        tickets,
    );
    let rows = rows.fetch_all(connection).await?;
    rows.into_iter().map(|row| LoopCase::try_from(row).map_err(Fault::Decided)).collect()
}

/// Opens cases, in a transaction that has their invitations locked (SU5).
pub async fn insert(connection: &mut PgConnection, opened: &[LoopCase]) -> Result<(), Fault> {
    if opened.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&LoopCase) -> &str| opened.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "insert into loop_case (
             id, version, response_id, customer_id, programme_id, question_id, score, subject, language, state, created_at, updated_at
         )
         select id, 1, response_id, customer_id, programme_id, question_id, score, subject, language, 'open', created_at, created_at
         from unnest(
             $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::timestamptz[]
         ) as t (id, response_id, customer_id, programme_id, question_id, score, subject, language, created_at)",
        &opened.iter().map(|case| case.id).collect::<Vec<_>>(),
        &opened.iter().map(|case| case.response).collect::<Vec<_>>(),
        &opened.iter().map(|case| case.customer).collect::<Vec<_>>(),
        &opened.iter().map(|case| case.programme).collect::<Vec<_>>(),
        &texts(|case| &case.question_id) as _,
        &opened.iter().map(score).collect::<Vec<_>>(),
        &texts(|case| &case.subject) as _,
        &texts(|case| &case.language) as _,
        &opened.iter().map(|case| jiff_sqlx::Timestamp::from(case.created_at)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A score as it is stored; it was checked against its scale.
pub fn score(case: &LoopCase) -> i16 {
    i16::try_from(case.score).unwrap_or(i16::MAX)
}

/// Saves cases that followed their tickets, with their events in the order given. The rows have to be locked.
pub async fn save(
    connection: &mut PgConnection,
    actor: &str,
    cases: &[LoopCase],
    changes: &[Change],
) -> Result<(), Fault> {
    let cases: BTreeMap<Uuid, &LoopCase> = cases.iter().map(|case| (case.id, case)).collect();
    if cases.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update loop_case c
         set version = g.version, state = g.state, ticket_id = g.ticket_id, ticket_sequence = g.ticket_sequence, updated_at = g.updated_at
         from unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::bigint[], $6::timestamptz[])
              as g (id, version, state, ticket_id, ticket_sequence, updated_at)
         where c.id = g.id",
        &cases.keys().copied().collect::<Vec<_>>(),
        &cases.values().map(|case| case.version).collect::<Vec<_>>(),
        &cases.values().map(|case| case.state.name()).collect::<Vec<_>>() as _,
        &cases.values().map(|case| case.ticket).collect::<Vec<_>>() as _,
        &cases.values().map(|case| case.ticket_sequence).collect::<Vec<_>>(),
        &cases.values().map(|case| jiff_sqlx::Timestamp::from(case.updated_at)).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    let events: Vec<NewEvent> = changes.iter().map(event_of).collect();
    event::append(connection, actor, &events).await
}
