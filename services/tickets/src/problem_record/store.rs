//! All SQL of problem records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seva_proto::tickets::v1::ProblemRecordEvent;
use seva_runtime::{Error, Write};
use seva_store::{
    Database, Fault,
    paging::{Page, PageRequest},
};
use seva_values::{Language, LocalizedText, format_name};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::model::{COLLECTION, Outcome, Problem, State};
use crate::{
    recorded::{Recorded, record},
    stored::malformed,
    ticket::{
        Cause,
        model::{COLLECTION as TICKETS, RootProblem},
    },
};

/// Every list of problem records begins so.
pub const SELECT: &str = "select id, version, title, state, product, batch, root_cause, root_description, root_rule, note, total, resolved, refused,
                                 created_at, updated_at, fixed_at, closed_at
                          from problem_record";

/// A record as the database holds it.
#[derive(sqlx::FromRow)]
pub struct ProblemRow {
    pub id: Uuid,
    version: i64,
    title: String,
    state: String,
    product: String,
    batch: String,
    root_cause: Option<String>,
    root_description: Option<String>,
    root_rule: Option<String>,
    note: Option<Json<BTreeMap<String, String>>>,
    total: i32,
    resolved: i32,
    refused: i32,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    fixed_at: Option<jiff_sqlx::Timestamp>,
    closed_at: Option<jiff_sqlx::Timestamp>,
}

/// A ticket of a record.
#[derive(Debug, Clone)]
pub struct Attached {
    pub ticket: Uuid,
    pub outcome: Option<Outcome>,
    pub refused_by: Option<String>,
}

/// One record.
pub async fn load(db: &Database, id: Uuid) -> Result<Problem, Error> {
    let row = sqlx::query_as!(
        ProblemRow,
        r#"select id, version, title, state, product, batch, root_cause, root_description, root_rule, note as "note: _", total, resolved, refused,
                  created_at, updated_at, fixed_at, closed_at
           from problem_record where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// Records, locked in the order of their ids until the transaction ends.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Problem>, Error> {
    let rows = sqlx::query_as!(
        ProblemRow,
        r#"select id, version, title, state, product, batch, root_cause, root_description, root_rule, note as "note: _", total, resolved, refused,
                  created_at, updated_at, fixed_at, closed_at
           from problem_record where id = any($1) order by id for update"#,
        ids
    );
    rows.fetch_all(connection).await.map_err(Fault::from)?.into_iter().map(Problem::try_from).collect()
}

/// Records a new one.
pub async fn insert(connection: &mut PgConnection, problem: &Problem) -> Result<(), Fault> {
    sqlx::query!(
        "insert into problem_record (id, version, title, state, product, batch, created_at, updated_at)
         values ($1, 1, $2, 'open', $3, $4, $5, $5)",
        problem.id,
        problem.title,
        problem.product,
        problem.batch,
        jiff_sqlx::Timestamp::from(problem.created_at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves a locked record.
pub async fn update(connection: &mut PgConnection, problem: &Problem) -> Result<(), Fault> {
    let root = problem.root_problem.as_ref();
    let note: BTreeMap<&str, &str> = problem.note.iter().map(|(language, text)| (language.as_str(), text)).collect();
    sqlx::query!(
        "update problem_record
         set version = $2, state = $3, root_cause = $4, root_description = $5, note = $6, total = $7, resolved = $8, refused = $9,
             updated_at = $10, fixed_at = $11, closed_at = $12, root_rule = $13
         where id = $1",
        problem.id,
        problem.version,
        problem.state.name(),
        root.map(|root| root.cause.name()),
        root.map(|root| root.description.as_str()),
        (!note.is_empty()).then_some(Json(note)) as _,
        problem.total,
        problem.resolved,
        problem.refused,
        jiff_sqlx::Timestamp::from(problem.updated_at) as _,
        problem.fixed_at.map(jiff_sqlx::Timestamp::from) as _,
        problem.closed_at.map(jiff_sqlx::Timestamp::from) as _,
        root.and_then(|root| root.rule.as_deref()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Attaches those of these tickets that can be (TK58); which they are.
pub async fn attach(connection: &mut PgConnection, problem: Uuid, tickets: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let attached = sqlx::query_scalar!(
        "insert into problem_ticket (ticket_id, problem_id)
         select id, $1 from ticket where id = any($2) and state not in ('closed', 'canceled', 'merged') order by id
         on conflict do nothing
         returning ticket_id",
        problem,
        tickets,
    );
    Ok(attached.fetch_all(connection).await?)
}

/// When tickets are resolved with their problem: all of a record that had no turn yet, or these alone.
pub async fn schedule(
    connection: &mut PgConnection,
    problem: Uuid,
    only: Option<&[Uuid]>,
    due_at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "update problem_ticket set due_at = $3
         where problem_id = $1 and result is null and ($2::uuid[] is null or ticket_id = any($2))",
        problem,
        only as _,
        jiff_sqlx::Timestamp::from(due_at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a ticket off a record; what became of it before. `None`: it is not attached.
pub async fn detach(connection: &mut PgConnection, problem: Uuid, ticket: Uuid) -> Result<Option<Attached>, Error> {
    let row = sqlx::query!(
        "delete from problem_ticket where problem_id = $1 and ticket_id = $2 returning ticket_id, result, refused_by",
        problem,
        ticket,
    );
    let row = row.fetch_optional(connection).await.map_err(Fault::from)?;
    row.map(|row| attached(row.ticket_id, row.result, row.refused_by)).transpose()
}

/// A page of the tickets of a record.
pub async fn tickets(db: &Database, problem: Uuid, page: &PageRequest) -> Result<Page<Attached>, Error> {
    let rows = sqlx::query!(
        "select ticket_id, result, refused_by from problem_ticket
         where problem_id = $1 and ticket_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
         order by ticket_id limit $3",
        problem,
        page.after_id(),
        page.limit(),
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let rows = rows.into_iter().map(|row| attached(row.ticket_id, row.result, row.refused_by));
    Ok(page.cut_by_id(rows.collect::<Result<_, _>>()?, |attached: &Attached| attached.ticket))
}

/// Tickets whose turn has come, with their records: a child's before its parent's, which it holds (TK56), so that no outcome hangs on who shares a batch.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "select t.ticket_id, t.problem_id from problem_ticket t
         where t.due_at is not null and t.due_at <= $1
           and not exists (
               select from ticket_link l join problem_ticket child on child.ticket_id = l.from_id
               where l.to_id = t.ticket_id and l.kind = 'child_of' and child.due_at <= $1
           )
         order by t.due_at, t.ticket_id limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(rows.fetch_all(db.workers()).await?.into_iter().map(|row| (row.ticket_id, row.problem_id)).collect())
}

/// Which of these still have their turn before them, inside the transaction that has their records locked.
pub async fn still_due(connection: &mut PgConnection, tickets: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "select ticket_id, problem_id from problem_ticket where ticket_id = any($1) and due_at is not null order by ticket_id",
        tickets
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.ticket_id, row.problem_id)).collect())
}

/// Which of these were refused because something of them was under way (TK11), inside the transaction that has their records locked.
pub async fn refused_for_open_work(
    connection: &mut PgConnection,
    tickets: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "select ticket_id, problem_id from problem_ticket where ticket_id = any($1) and refused_by = 'TK11'",
        tickets
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.ticket_id, row.problem_id)).collect())
}

/// Tickets that were refused because something of them was under way (TK11), and of which nothing is any more, with their records. Whoever has
/// the next turn is refused by something else, or not at all, so that none is found for ever.
pub async fn released(db: &Database, limit: i64) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "select a.ticket_id, a.problem_id
         from problem_record p
         join problem_ticket a on a.problem_id = p.id and a.refused_by = 'TK11'
         join ticket t on t.id = a.ticket_id and t.open_work = 0 and t.state not in ('resolved', 'closed', 'canceled', 'merged')
         where p.state = 'fixed' and p.refused > 0
         order by a.ticket_id limit $1",
        limit,
    );
    Ok(rows.fetch_all(db.workers()).await?.into_iter().map(|row| (row.ticket_id, row.problem_id)).collect())
}

/// When the next ticket has its turn; what was released, when it last changed.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!(
        "select least(
             (select min(due_at) from problem_ticket where due_at is not null),
             (select min(t.updated_at)
              from problem_record p
              join problem_ticket a on a.problem_id = p.id and a.refused_by = 'TK11'
              join ticket t on t.id = a.ticket_id and t.open_work = 0 and t.state not in ('resolved', 'closed', 'canceled', 'merged')
              where p.state = 'fixed' and p.refused > 0)
         )"
    );
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Tickets have had their turn: resolved, or refused by an invariant.
pub async fn keep_outcomes(
    connection: &mut PgConnection,
    outcomes: &[(Uuid, Option<&'static str>)],
) -> Result<(), Fault> {
    sqlx::query!(
        "update problem_ticket t
         set due_at = null, result = case when g.refused_by is null then 'resolved' else 'refused' end, refused_by = g.refused_by
         from unnest($1::uuid[], $2::text[]) as g (id, refused_by)
         where t.ticket_id = g.id",
        &outcomes.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(),
        &outcomes.iter().map(|(_, refused_by)| *refused_by).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records what happened to a record by a call.
pub async fn tell(
    connection: &mut PgConnection,
    write: &Write,
    problem: &Problem,
    kind: &'static str,
    changed: &[&str],
    tickets: &[Uuid],
) -> Result<(), Fault> {
    let name = problem.name();
    let Problem { version, updated_at: at, .. } = *problem;
    let recorded = Recorded { kind, name: &name, version, at, changed, reason: None };
    let tickets = tickets.iter().map(|id| format_name(TICKETS, *id)).collect();
    record(connection, write, &recorded, &ProblemRecordEvent { tickets, ..problem.into() }).await
}

fn attached(ticket: Uuid, result: Option<String>, refused_by: Option<String>) -> Result<Attached, Error> {
    Ok(Attached { ticket, outcome: result.as_deref().map(Outcome::from_name).transpose()?, refused_by })
}

impl TryFrom<ProblemRow> for Problem {
    type Error = Error;

    fn try_from(row: ProblemRow) -> Result<Self, Error> {
        let ProblemRow {
            id,
            version,
            title,
            state,
            product,
            batch,
            root_cause,
            root_description,
            root_rule,
            note,
            total,
            resolved,
            refused,
            created_at,
            updated_at,
            fixed_at,
            closed_at,
        } = row;
        let cause = root_cause.as_deref().map(Cause::from_name).transpose()?;
        let mut notes = LocalizedText::new();
        for (language, text) in note.map(|Json(note)| note).unwrap_or_default() {
            notes.insert(Language::parse(&language).map_err(malformed).map_err(Error::from)?, text);
        }
        Ok(Self {
            id,
            version,
            title,
            state: State::from_name(&state)?,
            product,
            batch,
            root_problem: cause.zip(root_description).map(|(cause, description)| RootProblem {
                cause,
                description,
                rule: root_rule,
            }),
            note: notes,
            total,
            resolved,
            refused,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            fixed_at: fixed_at.map(jiff_sqlx::Timestamp::to_jiff),
            closed_at: closed_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
