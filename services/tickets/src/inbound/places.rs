//! Where messages belong, as the database knows.

use std::collections::HashMap;

use seva_store::Fault;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    model::{Kept, State},
    thread::{Earlier, Threads, numbers},
};

/// What is known of the threads that messages may belong to, which may be these customers'.
///
/// # Errors
/// When the database cannot be asked.
pub async fn threads(
    connection: &mut PgConnection,
    messages: &[Kept],
    customers_of: impl Fn(&Kept) -> Vec<Uuid>,
) -> Result<Threads, Fault> {
    let mut threads = Threads::default();
    let all = || messages.iter().map(|kept| &kept.incoming);
    let numbers: Vec<i64> = all().flat_map(|message| numbers(&message.subject)).collect();
    let replies: Vec<(&str, &str)> =
        all().flat_map(|message| message.in_reply_to.iter().map(|id| (message.source.as_str(), id.as_str()))).collect();
    let mut conversations: Vec<(&str, &str, Option<Uuid>)> = Vec::new();
    for kept in messages.iter().filter(|kept| !kept.incoming.thread_id.is_empty()) {
        let whose = customers_of(kept).into_iter().map(Some).chain([None]);
        conversations.extend(whose.map(|customer| (&*kept.incoming.source, &*kept.incoming.thread_id, customer)));
    }
    if !numbers.is_empty() {
        let rows = sqlx::query!("select number, id from ticket where number = any($1)", &numbers);
        threads.numbers = rows.fetch_all(&mut *connection).await?.into_iter().map(|row| (row.number, row.id)).collect();
    }
    if !replies.is_empty() {
        let (sources, ids): (Vec<&str>, Vec<&str>) = replies.into_iter().unzip();
        let rows = sqlx::query!(
            "select m.source, m.external_id, m.id, m.ticket_id, m.state
             from (select distinct * from unnest($1::text[], $2::text[]) as t (source, external_id)) as t
             join inbound_message m on m.source = t.source and m.external_id = t.external_id",
            &sources as _,
            &ids as _,
        );
        for row in rows.fetch_all(&mut *connection).await? {
            let earlier = Earlier { id: row.id, ticket: row.ticket_id, pending: row.state == State::Pending.name() };
            threads.messages.insert((row.source, row.external_id), earlier);
        }
    }
    if !conversations.is_empty() {
        let rows = sqlx::query!(
            r#"select t.source as "source!", t.thread_id as "thread_id!", t.customer, m.ticket_id as "ticket!"
               from (select distinct * from unnest($1::text[], $2::text[], $3::uuid[]) as t (source, thread_id, customer)) as t,
                    lateral (
                        (select ticket_id from inbound_message
                         where t.customer is null and source = t.source and thread_id = t.thread_id and thread_id <> ''
                           and ticket_id is not null
                         order by id desc limit 1)
                        union all
                        (select ticket_id from inbound_message
                         where source = t.source and thread_id = t.thread_id and thread_id <> '' and customer_id = t.customer
                           and ticket_id is not null
                         order by id desc limit 1)
                    ) as m"#,
            &conversations.iter().map(|(source, ..)| *source).collect::<Vec<_>>() as _,
            &conversations.iter().map(|(_, thread, _)| *thread).collect::<Vec<_>>() as _,
            &conversations.iter().map(|(.., customer)| *customer).collect::<Vec<_>>() as _,
        );
        for row in rows.fetch_all(&mut *connection).await? {
            threads.conversations.insert((row.source, row.thread_id, row.customer), row.ticket);
        }
    }
    Ok(threads)
}

/// Where something that is said about a ticket goes, and who has a part in that ticket: its customer, and customers who take part (TK92), and
/// those of the one that was merged.
#[derive(Debug, Clone)]
pub struct Target {
    pub ticket: Uuid,
    pub parts: Vec<Uuid>,
    /// The first on the way that was merged, to which it is said (TK53).
    pub through: Option<Uuid>,
}

/// Where what is said about each of these tickets goes: to itself, to the last of those that follow it or carry it on, or to the one that its
/// matter has now.
///
/// # Errors
/// When the database cannot be asked.
pub async fn targets(executor: impl PgExecutor<'_>, tickets: &[Uuid]) -> Result<HashMap<Uuid, Target>, Fault> {
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"with recursive following as (
               select id as first, id, merged_into, null::uuid as through, 0 as depth from ticket where id = any($1)
               union all
               select f.first, t.id, t.merged_into, coalesce(f.through, case when t.id = f.merged_into then f.id end), f.depth + 1
               from following f cross join lateral (
                   select id, merged_into from ticket where follow_up_of = f.id
                   union all
                   select id, merged_into from ticket where id = f.merged_into
               ) as t
           ) cycle id set is_again using way, last as (
               -- What follows a ticket may have been merged into it: what is merged is never the last.
               select distinct on (first) first, id, through from following where not is_again
               order by first, merged_into is null desc, depth desc, id desc
           )
           select l.first as "first!", coalesce(o.id, l.id) as "target!", l.through,
                  array(
                      select t.customer_id
                      union
                      select customer_id from ticket where id = l.through
                      union
                      select participant_id from participant
                      where ticket_id in (coalesce(o.id, l.id), l.through) and kind = 'customer'
                  ) as "parts!"
           from last l
           join ticket t on t.id = l.id
           left join ticket o on t.state in ('closed', 'canceled') and o.matter_kind = t.matter_kind and o.matter_subject = t.matter_subject
                and o.matter_version = t.matter_version and o.customer_id = t.customer_id
                and (o.state in ('new', 'resolved') or is_worked_on(o.state))"#,
        tickets
    );
    let rows = rows.fetch_all(executor).await?;
    let target = |ticket, parts, through| Target { ticket, parts, through };
    Ok(rows.into_iter().map(|row| (row.first, target(row.target, row.parts, row.through))).collect())
}

/// Whether a ticket that is locked goes on in another one.
///
/// # Errors
/// When the database cannot be asked.
pub async fn is_carried_on(connection: &mut PgConnection, ticket: Uuid) -> Result<bool, Fault> {
    let is = sqlx::query_scalar!(
        r#"select exists(select from ticket t where t.follow_up_of = $1 and carrier_of(t.id) <> $1)
                  or exists(select from ticket where id = $1 and merged_into is not null) as "is!""#,
        ticket
    );
    Ok(is.fetch_one(connection).await?)
}
