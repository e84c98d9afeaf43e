//! All SQL of promises. Their tickets are locked before them, as everywhere.

use jiff::Timestamp;
use seva_runtime::{Error, Write, call::Story};
use seva_store::{Database, Fault, NewEvent, event};
use seva_values::format_name;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{COLLECTION, Change, Promise, State},
    rate::{Counts, RateQuery},
};
use crate::{
    recorded::{Recorded, record},
    ticket::{Ticket, model::StoryOf, store::save::told_with},
};

/// Every list begins so.
pub const SELECT: &str =
    "select id, version, ticket_id, customer_id, department_id, owner_id, state, words, due_at, first_due_at, renewals, round, created_at,
            updated_at, kept_at, broken_at, withdrawn_at, apologized_at
     from promise";

/// A promise as the database holds it.
#[derive(sqlx::FromRow)]
pub struct PromiseRow {
    pub id: Uuid,
    version: i64,
    ticket_id: Uuid,
    customer_id: Uuid,
    department_id: Option<Uuid>,
    owner_id: Option<Uuid>,
    state: String,
    words: String,
    pub due_at: jiff_sqlx::Timestamp,
    first_due_at: jiff_sqlx::Timestamp,
    renewals: i32,
    round: i32,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    kept_at: Option<jiff_sqlx::Timestamp>,
    broken_at: Option<jiff_sqlx::Timestamp>,
    withdrawn_at: Option<jiff_sqlx::Timestamp>,
    apologized_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<PromiseRow> for Promise {
    type Error = Error;

    fn try_from(row: PromiseRow) -> Result<Self, Error> {
        let time = |time: Option<jiff_sqlx::Timestamp>| time.map(jiff_sqlx::Timestamp::to_jiff);
        Ok(Self {
            id: row.id,
            version: row.version,
            ticket: row.ticket_id,
            customer: row.customer_id,
            department: row.department_id,
            owner: row.owner_id,
            state: State::from_name(&row.state)?,
            words: row.words,
            due_at: row.due_at.to_jiff(),
            first_due_at: row.first_due_at.to_jiff(),
            renewals: row.renewals,
            round: row.round,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            kept_at: time(row.kept_at),
            broken_at: time(row.broken_at),
            withdrawn_at: time(row.withdrawn_at),
            apologized_at: time(row.apologized_at),
        })
    }
}

/// One promise.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Promise, Error> {
    let row = sqlx::query_as!(
        PromiseRow,
        "select id, version, ticket_id, customer_id, department_id, owner_id, state, words, due_at, first_due_at, renewals, round,
                created_at, updated_at, kept_at, broken_at, withdrawn_at, apologized_at
         from promise where id = $1",
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// These promises, locked until the transaction ends, in the order of their ids.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Promise>, Fault> {
    let rows = sqlx::query_as!(
        PromiseRow,
        "select id, version, ticket_id, customer_id, department_id, owner_id, state, words, due_at, first_due_at, renewals, round,
                created_at, updated_at, kept_at, broken_at, withdrawn_at, apologized_at
         from promise where id = any($1) order by id for update",
        ids
    );
    let rows = rows.fetch_all(connection).await?;
    rows.into_iter().map(|row| Promise::try_from(row).map_err(Fault::Decided)).collect()
}

/// How many promises of a ticket are open.
pub async fn count_open(executor: impl PgExecutor<'_>, ticket: Uuid) -> Result<i64, Fault> {
    let open = sqlx::query_scalar!(
        r#"select count(*) as "open!" from promise where ticket_id = $1 and state = 'open'"#,
        ticket
    );
    Ok(open.fetch_one(executor).await?)
}

/// Records a new promise and the message that tells it, with which its words can be taken back; its ticket is held with it.
pub async fn insert(connection: &mut PgConnection, promise: &Promise, told_by: Option<Uuid>) -> Result<(), Fault> {
    sqlx::query!(
        "insert into promise (id, version, ticket_id, customer_id, department_id, owner_id, state, words, due_at, first_due_at, round,
                              created_at, updated_at, message_id)
         values ($1, 1, $2, $3, $4, $5, 'open', $6, $7, $7, $8, $9, $9, $10)",
        promise.id,
        promise.ticket,
        promise.customer,
        promise.department,
        promise.owner,
        promise.words,
        jiff_sqlx::Timestamp::from(promise.due_at) as _,
        promise.round,
        jiff_sqlx::Timestamp::from(promise.created_at) as _,
        told_by,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves promises that are locked.
pub async fn update(connection: &mut PgConnection, promises: &[Promise]) -> Result<(), Fault> {
    if promises.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update promise p
         set version = g.version, owner_id = g.owner_id, state = g.state, due_at = g.due_at, renewals = g.renewals, round = g.round,
             updated_at = g.updated_at, kept_at = g.kept_at, broken_at = g.broken_at, withdrawn_at = g.withdrawn_at,
             apologized_at = g.apologized_at
         from unnest(
             $1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::int[], $7::int[], $8::timestamptz[],
             $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[]
         ) as g (id, version, owner_id, state, due_at, renewals, round, updated_at, kept_at, broken_at, withdrawn_at, apologized_at)
         where p.id = g.id",
        &each(promises, |promise| promise.id),
        &each(promises, |promise| promise.version),
        &each(promises, |promise| promise.owner) as _,
        &each(promises, |promise| promise.state.name()) as _,
        &times(promises, |promise| Some(promise.due_at)) as _,
        &each(promises, |promise| promise.renewals),
        &each(promises, |promise| promise.round),
        &times(promises, |promise| Some(promise.updated_at)) as _,
        &times(promises, |promise| promise.kept_at) as _,
        &times(promises, |promise| promise.broken_at) as _,
        &times(promises, |promise| promise.withdrawn_at) as _,
        &times(promises, |promise| promise.apologized_at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn each<T>(promises: &[Promise], of: impl Fn(&Promise) -> T) -> Vec<T> {
    promises.iter().map(of).collect()
}

fn times(promises: &[Promise], of: impl Fn(&Promise) -> Option<Timestamp>) -> Vec<Option<jiff_sqlx::Timestamp>> {
    promises.iter().map(|promise| of(promise).map(jiff_sqlx::Timestamp::from)).collect()
}

/// Tells what a call did to promises of a ticket, as part of the ticket's story, and notes it.
pub async fn tell(
    connection: &mut PgConnection,
    write: &Write,
    ticket: &Ticket,
    changes: &[Change],
) -> Result<(), Fault> {
    let write = told_with(write, ticket);
    for Change { promise, act } in changes {
        let recorded = Recorded {
            kind: act.event_kind(),
            name: &promise.name(),
            version: promise.version,
            at: promise.updated_at,
            changed: act.changed(),
            reason: None,
        };
        record(connection, &write, &recorded, &event_of(promise)).await?;
    }
    Ok(())
}

/// Tells what a worker did to promises, each as part of its ticket's story.
pub async fn tell_all(connection: &mut PgConnection, actor: &str, changes: &[(Change, StoryOf)]) -> Result<(), Fault> {
    let events: Vec<NewEvent> = changes
        .iter()
        .map(|(Change { promise, act }, story)| {
            let StoryOf { correlation_id, causation_id, hops, traceparent } = story.clone();
            let story = Story { correlation_id, causation_id, hops, traceparent };
            let (name, version, at) = (promise.name(), promise.version, promise.updated_at);
            NewEvent::new(act.event_kind(), name, version, at, story, &event_of(promise))
        })
        .collect();
    event::append(connection, actor, &events).await
}

/// A promise, and its ticket.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub promise: Uuid,
    pub ticket: Uuid,
}

/// Open promises that are due by `now`, the longest due first.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Found>, Fault> {
    let due = sqlx::query_as!(
        Found,
        "select id as promise, ticket_id as ticket from promise where state = 'open' and due_at <= $1 order by due_at, id limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// When the next open promise is due.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(due_at) from promise where state = 'open'");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Open promises whose owner does not serve, and those without one whose ticket somebody has (TK41).
pub async fn without_owner(db: &Database, limit: i64) -> Result<Vec<Found>, Fault> {
    let found = sqlx::query_as!(
        Found,
        r#"(select p.id as "promise!", p.ticket_id as "ticket!"
            from staff_member m join promise p on p.owner_id = m.id and p.state = 'open'
            where m.state <> 'active' limit $1)
           union all
           (select p.id, p.ticket_id
            from promise p
            join ticket t on t.id = p.ticket_id
            join staff_member m on m.id = t.assignee and m.state = 'active'
            where p.state = 'open' and p.owner_id is null limit $1)"#,
        limit
    );
    Ok(found.fetch_all(db.workers()).await?)
}

/// What became of the promises that were due in a period, for each department or owner.
pub async fn rates(db: &Database, query: &RateQuery) -> Result<Vec<(Option<Uuid>, Counts)>, Fault> {
    let rows = sqlx::query!(
        r#"select case when $3 then owner_id else department_id end as of, count(*) as "due!",
                  count(*) filter (where state = 'kept') as "kept!", count(*) filter (where state = 'kept_late') as "kept_late!",
                  count(*) filter (where state = 'broken') as "broken!", count(*) filter (where state = 'open') as "open!",
                  count(*) filter (where state = 'withdrawn') as "withdrawn!", count(*) filter (where renewals > 0) as "renewed!",
                  count(*) filter (where broken_at is not null and apologized_at is null) as "unapologized!"
           from promise
           where due_at >= $1 and due_at < $2 and ($4::uuid is null or department_id = $4) and ($5::uuid is null or owner_id = $5)
           group by 1
           order by 1 nulls last"#,
        jiff_sqlx::Timestamp::from(query.from) as _,
        jiff_sqlx::Timestamp::from(query.until) as _,
        query.by_owner,
        query.department,
        query.owner,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let counts = rows.into_iter().map(|row| {
        let counts = Counts {
            due: row.due,
            kept: row.kept,
            kept_late: row.kept_late,
            broken: row.broken,
            open: row.open,
            withdrawn: row.withdrawn,
            renewed: row.renewed,
            unapologized: row.unapologized,
        };
        (row.of, counts)
    });
    Ok(counts.collect())
}
