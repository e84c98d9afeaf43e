//! All SQL of jobs.

use jiff::Timestamp;
use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, NewEvent, context, event, idempotency::remember};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{BulkJob, COLLECTION, Item, ItemState, State},
};
use crate::action::{
    Refusal,
    convert::{from_stored, to_stored},
};

/// Every list of jobs begins so.
pub const SELECT: &str = "select * from bulk_job";

/// A job as the database holds it.
#[derive(sqlx::FromRow)]
pub struct JobRow {
    pub id: Uuid,
    version: i64,
    state: String,
    actions: Vec<Vec<u8>>,
    total: i32,
    done: i32,
    refused: i32,
    creator: String,
    member: Option<Uuid>,
    correlation_id: String,
    traceparent: Option<String>,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    finished_at: Option<jiff_sqlx::Timestamp>,
}

/// One job.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<BulkJob, Error> {
    let row = sqlx::query_as!(JobRow, "select * from bulk_job where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// One job, locked.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<BulkJob, Error> {
    let row = sqlx::query_as!(JobRow, "select * from bulk_job where id = $1 for update", id);
    let row = row.fetch_optional(connection).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// The job whose turn it is, locked; other workers take others.
pub async fn take(connection: &mut PgConnection) -> Result<Option<BulkJob>, Fault> {
    let row = sqlx::query_as!(
        JobRow,
        "select * from bulk_job where state in ('queued', 'running') order by updated_at, id limit 1 for update skip locked"
    );
    Ok(row.fetch_optional(connection).await?.map(BulkJob::try_from).transpose()?)
}

/// When the first job that is not over was asked for.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(updated_at) from bulk_job where state in ('queued', 'running')");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Tickets of a job whose turn comes next: a child's before its parent's, which it holds (TK56), so that no result hangs on who shares a batch.
pub async fn queued(connection: &mut PgConnection, job: Uuid, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let ids = sqlx::query_scalar!(
        "select i.ticket_id from bulk_item i
         where i.job_id = $1 and i.state = 'queued'
           and not exists (
               select from ticket_link l join bulk_item child on child.ticket_id = l.from_id
               where l.to_id = i.ticket_id and l.kind = 'child_of' and child.job_id = $1 and child.state = 'queued'
           )
         order by i.ticket_id limit $2",
        job,
        limit,
    );
    Ok(ids.fetch_all(connection).await?)
}

/// Results of a job, by ticket.
pub async fn items(
    db: &Database,
    job: Uuid,
    state: Option<ItemState>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Item>, Error> {
    let rows = sqlx::query!(
        "select ticket_id, state, reason, invariant, description, action, finished_at from bulk_item
         where job_id = $1 and ticket_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
           and ($3::text is null or state = $3)
         order by ticket_id limit $4",
        job,
        after,
        state.map(ItemState::name),
        limit,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let items = rows.into_iter().map(|row| {
        let invariant = row.invariant;
        let refusal = row.reason.zip(row.description).zip(row.action);
        Ok(Item {
            ticket: row.ticket_id,
            state: ItemState::from_name(&row.state)?,
            refusal: refusal.map(|((reason, description), action)| Refusal { reason, invariant, description, action }),
            finished_at: row.finished_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    });
    items.collect()
}

/// Records a new job with its tickets, its event, its audit row and the answer.
pub async fn insert(
    db: &Database,
    write: &Write,
    job: &BulkJob,
    tickets: &[Uuid],
    response: &impl Message,
) -> Result<(), Error> {
    let mut transaction = db.begin().await?;
    let insert = sqlx::query!(
        "with created as (
             insert into bulk_job (id, version, state, actions, total, creator, member, correlation_id, traceparent, created_at, updated_at,
                                   finished_at)
             values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
             returning id
         )
         insert into bulk_item (job_id, ticket_id, state)
         select created.id, t.id, 'queued' from created, unnest($11::uuid[]) as t (id)",
        job.id,
        job.state.name(),
        &to_stored(&job.actions),
        job.total,
        job.creator,
        job.member,
        job.correlation_id,
        job.traceparent,
        jiff_sqlx::Timestamp::from(job.created_at) as _,
        job.finished_at.map(jiff_sqlx::Timestamp::from) as _,
        tickets,
    );
    insert.execute(&mut *transaction).await.map_err(Fault::from)?;
    tell(&mut transaction, write, job, "seva.tickets.bulk_job.created.v1").await?;
    note(&mut transaction, write, job, "*").await?;
    remember(&mut transaction, write, response).await?;
    Ok(db.commit(transaction).await?)
}

/// Writes results of some tickets of a job, which is locked, and how far it is with them; says so when it is over.
pub async fn advance(connection: &mut PgConnection, job: &BulkJob, items: &[Item], is_over: bool) -> Result<(), Fault> {
    let refusals = || items.iter().map(|item| item.refusal.as_ref());
    sqlx::query!(
        "update bulk_item i
         set state = t.state, reason = t.reason, invariant = t.invariant, description = t.description, action = t.action, finished_at = t.at
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::timestamptz[])
              as t (id, state, reason, invariant, description, action, at)
         where i.job_id = $1 and i.ticket_id = t.id and i.state = 'queued'",
        job.id,
        &items.iter().map(|item| item.ticket).collect::<Vec<_>>(),
        &items.iter().map(|item| item.state.name()).collect::<Vec<_>>() as _,
        &refusals().map(|refusal| refusal.map(|refusal| refusal.reason.clone())).collect::<Vec<_>>() as _,
        &refusals().map(|refusal| refusal.and_then(|refusal| refusal.invariant.clone())).collect::<Vec<_>>() as _,
        &refusals().map(|refusal| refusal.map(|refusal| refusal.description.clone())).collect::<Vec<_>>() as _,
        &refusals().map(|refusal| refusal.map(|refusal| refusal.action)).collect::<Vec<_>>() as _,
        &items.iter().map(|item| item.finished_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    save(connection, job).await?;
    if is_over {
        tell(connection, &job.write(), job, "seva.tickets.bulk_job.finished.v1").await?;
    }
    Ok(())
}

/// Calls a locked job off, with its event, its audit row and the answer.
pub async fn cancel(
    connection: &mut PgConnection,
    write: &Write,
    job: &BulkJob,
    response: &impl Message,
) -> Result<(), Fault> {
    sqlx::query!("update bulk_item set state = 'canceled' where job_id = $1 and state = 'queued'", job.id)
        .execute(&mut *connection)
        .await?;
    save(connection, job).await?;
    tell(connection, write, job, "seva.tickets.bulk_job.canceled.v1").await?;
    note(connection, write, job, "state").await?;
    remember(connection, write, response).await
}

async fn save(connection: &mut PgConnection, job: &BulkJob) -> Result<(), Fault> {
    sqlx::query!(
        "update bulk_job set version = $2, state = $3, done = $4, refused = $5, updated_at = $6, finished_at = $7 where id = $1",
        job.id,
        job.version,
        job.state.name(),
        job.done,
        job.refused,
        jiff_sqlx::Timestamp::from(job.updated_at) as _,
        job.finished_at.map(jiff_sqlx::Timestamp::from) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn tell(connection: &mut PgConnection, write: &Write, job: &BulkJob, kind: &'static str) -> Result<(), Fault> {
    let story = write.story.clone();
    let told = NewEvent::new(kind, job.name(), job.version, job.updated_at, story, &event_of(job));
    event::append(connection, &write.actor, &[told]).await
}

async fn note(connection: &mut PgConnection, write: &Write, job: &BulkJob, changed: &str) -> Result<(), Fault> {
    let changed = [changed.to_owned()];
    sqlx::query!("select seva.note($1, $2, $3)", context::of(write), job.name(), &changed).execute(connection).await?;
    Ok(())
}

/// Removes some jobs that were over before `before`, with their results; answers of how many results.
pub async fn forget(db: &Database, before: Timestamp) -> Result<u64, Fault> {
    let removed = sqlx::query!(
        "with old as (
             select id from bulk_job where finished_at < $1 order by finished_at limit 1 for update skip locked
         ), items as (
             delete from bulk_item where job_id in (select id from old)
         )
         select id from old",
        jiff_sqlx::Timestamp::from(before) as _,
    );
    let Some(old) = removed.fetch_optional(db.workers()).await? else { return Ok(0) };
    sqlx::query!("delete from bulk_job where id = $1", old.id).execute(db.workers()).await?;
    Ok(1)
}

impl TryFrom<JobRow> for BulkJob {
    type Error = Error;

    fn try_from(row: JobRow) -> Result<Self, Error> {
        let JobRow {
            id,
            version,
            state,
            actions,
            total,
            done,
            refused,
            creator,
            member,
            correlation_id,
            traceparent,
            created_at,
            updated_at,
            finished_at,
        } = row;
        Ok(Self {
            id,
            version,
            state: State::from_name(&state)?,
            actions: from_stored(&actions)?,
            total,
            done,
            refused,
            creator,
            member,
            correlation_id,
            traceparent,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            finished_at: finished_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
