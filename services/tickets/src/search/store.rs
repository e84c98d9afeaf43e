//! All SQL of searches.

use std::ops::RangeInclusive;

use seva_runtime::Error;
use seva_store::{Database, Fault};
use sqlx::PgConnection;
use uuid::Uuid;

/// Tickets that a number may mean, at most; the newest.
const MOST_NUMBERED: i64 = 10;

/// So many of the newest tickets tell how common the words are, and from so many of them on they are: one of a hundred.
const SAMPLE: i64 = 1_000;
const COMMON: i64 = 10;
/// Common words are looked for in so many tickets, newest first.
const WINDOW: i64 = 10_000;
/// Of one customer's tickets so many are looked through, newest first.
const WINDOW_OF_CUSTOMER: i64 = 1_000;

/// Tickets that have all words of a query, newest first.
pub struct Worded {
    pub tickets: Vec<Uuid>,
    /// Not all have been looked at: those before this one may have the words, too.
    pub beyond: Option<Uuid>,
}

/// Writes what can be found of these tickets by now.
///
/// # Errors
/// When the statement fails.
pub async fn save(connection: &mut PgConnection, tickets: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!("select index_tickets($1)", tickets).execute(connection).await?;
    Ok(())
}

/// The newest tickets that have the words of a query, `most` at most, before one of them.
///
/// Rare words are found by their index, which knows nothing of the order: all that have them are sorted. Of common ones that would be too many,
/// and it is not far to the next one that has them: the newest are looked through in their order.
pub async fn worded(db: &Database, query: &str, before: Option<Uuid>, most: i64) -> Result<Worded, Error> {
    let before = before.unwrap_or(Uuid::max());
    let of_sample = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from (select words from ticket_document where ticket_id < $2 order by ticket_id desc limit $3) as d
           where words @@ (select search_query($1))"#,
        query,
        before,
        SAMPLE,
    );
    let is_common = of_sample.fetch_one(db.calls()).await.map_err(Fault::from)? >= COMMON;
    let found = if is_common {
        looked_through(db, query, before, most + 1).await
    } else {
        indexed(db, query, before, most + 1).await
    };
    let mut tickets = found?;
    let most = usize::try_from(most).map_err(Error::internal)?;
    if tickets.len() > most {
        tickets.truncate(most);
        return Ok(Worded { beyond: tickets.last().copied(), tickets });
    }
    let beyond = if is_common { end_of_window(db, before).await? } else { None };
    Ok(Worded { tickets, beyond })
}

/// As words are rare.
async fn indexed(db: &Database, query: &str, before: Uuid, limit: i64) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        r#"with found as materialized (
               select ticket_id from ticket_document where words @@ (select search_query($1)) and ticket_id < $2
           )
           select ticket_id as "ticket_id!" from found order by ticket_id desc limit $3"#,
        query,
        before,
        limit,
    );
    Ok(found.fetch_all(db.calls()).await.map_err(Fault::from)?)
}

/// As words are common.
async fn looked_through(db: &Database, query: &str, before: Uuid, limit: i64) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        r#"select ticket_id as "ticket_id!"
           from (select ticket_id, words from ticket_document where ticket_id < $2 order by ticket_id desc limit $4) as d
           where words @@ (select search_query($1)) order by ticket_id desc limit $3"#,
        query,
        before,
        limit,
        WINDOW,
    );
    Ok(found.fetch_all(db.calls()).await.map_err(Fault::from)?)
}

/// The last ticket that was looked through, unless it is the last of all.
async fn end_of_window(db: &Database, before: Uuid) -> Result<Option<Uuid>, Error> {
    let last = sqlx::query_scalar!(
        "select ticket_id from ticket_document where ticket_id < $1 order by ticket_id desc offset $2 limit 1",
        before,
        WINDOW - 1,
    );
    Ok(last.fetch_optional(db.calls()).await.map_err(Fault::from)?)
}

/// Those of a customer's tickets that have the words of a query, of a limited number of the newest before one of them.
pub async fn worded_of_customer(
    db: &Database,
    query: &str,
    customer: Uuid,
    before: Option<Uuid>,
) -> Result<Worded, Error> {
    let found = sqlx::query!(
        r#"with own as materialized (select id from ticket where customer_id = $2 and id < $3 order by id desc limit $4)
           select array(
                      select d.ticket_id from own join ticket_document d on d.ticket_id = own.id
                      where d.words @@ (select search_query($1)) order by d.ticket_id desc
                  ) as "tickets!",
                  (select id from own order by id desc offset $4 - 1) as last"#,
        query,
        customer,
        before.unwrap_or(Uuid::max()),
        WINDOW_OF_CUSTOMER,
    );
    let found = found.fetch_one(db.calls()).await.map_err(Fault::from)?;
    Ok(Worded { tickets: found.tickets, beyond: found.last })
}

/// The newest tickets with numbers in these ranges.
pub async fn numbered(db: &Database, ranges: &[RangeInclusive<i64>]) -> Result<Vec<Uuid>, Error> {
    let numbered = sqlx::query_scalar!(
        r#"select t.id as "id!"
           from (
               select distinct t.id, t.number
               from unnest($1::bigint[], $2::bigint[]) as r (first, last)
               cross join lateral (
                   select id, number from ticket where number between r.first and r.last order by number desc limit $3
               ) as t
           ) as t
           order by t.number desc limit $3"#,
        &ranges.iter().map(|range| *range.start()).collect::<Vec<_>>(),
        &ranges.iter().map(|range| *range.end()).collect::<Vec<_>>(),
        MOST_NUMBERED,
    );
    Ok(numbered.fetch_all(db.calls()).await.map_err(Fault::from)?)
}

/// What was said of these tickets, as far as a snippet can be of it: of each the stated problem, then the newest messages.
pub async fn texts(db: &Database, tickets: &[Uuid]) -> Result<Vec<(Uuid, String)>, Error> {
    let texts = sqlx::query!(
        r#"select t.id as "ticket!", said.text as "text!"
           from unnest($1::uuid[]) as t (id)
           cross join lateral (
               (select 0 as place, null::timestamptz as at, left(stated_problem, 4000) as text from ticket where id = t.id)
               union all
               (select 1, created_at, left(text, 4000) from message where ticket_id = t.id order by created_at desc, id desc limit 20)
           ) as said
           order by t.id, said.place, said.at desc"#,
        tickets,
    );
    let rows = texts.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(rows.into_iter().map(|row| (row.ticket, row.text)).collect())
}
