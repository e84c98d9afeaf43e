//! All SQL of links.

use jiff::Timestamp;
use seva_proto::tickets::v1::TicketLinkEvent;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault};
use seva_values::{format_name, new_id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::COLLECTION,
    model::{Kind, TicketLink},
};
use crate::{
    recorded::{Recorded, record},
    ticket,
};

/// Links that are answered at most.
const MOST: i64 = 200;

/// Records a link, with its event and its audit row; the database holds TK56.
pub async fn insert(connection: &mut PgConnection, write: &Write, link: &TicketLink) -> Result<(), Fault> {
    sqlx::query!(
        "insert into ticket_link (id, from_id, kind, to_id, created_at) values ($1, $2, $3, $4, $5)",
        link.id,
        link.from,
        link.kind.name(),
        link.to,
        jiff_sqlx::Timestamp::from(link.created_at) as _,
    )
    .execute(&mut *connection)
    .await?;
    told(connection, write, link, "seva.tickets.ticket_link.created.v1", 1, link.created_at).await
}

/// Locks those of these two tickets that there are: of a parent and its child the child first, as whoever writes the child does (`ticket_children`),
/// and one such link at a time.
pub async fn lock_ends(connection: &mut PgConnection, from: Uuid, kind: Kind, to: Uuid) -> Result<Vec<Uuid>, Fault> {
    let locked = match kind {
        Kind::ChildOf => {
            sqlx::query!("select pg_advisory_xact_lock(hashtext('ticket_link.child_of'))")
                .fetch_one(&mut *connection)
                .await?;
            let mut locked = ticket::store::lock(connection, &[from]).await?;
            locked.extend(ticket::store::lock(connection, &[to]).await?);
            locked
        }
        _ => ticket::store::lock(connection, &[from, to]).await?,
    };
    Ok(locked.into_iter().map(|ticket| ticket.id).collect())
}

/// One link; `None` when there is none.
pub async fn load(connection: &mut PgConnection, id: Uuid) -> Result<Option<(Uuid, Kind, Uuid)>, Error> {
    let row = sqlx::query!("select from_id, kind, to_id from ticket_link where id = $1", id);
    let row = row.fetch_optional(connection).await.map_err(Fault::from)?;
    row.map(|row| Ok((row.from_id, Kind::from_name(&row.kind)?, row.to_id))).transpose()
}

/// Takes a link away; `None` when there is none.
pub async fn remove(
    connection: &mut PgConnection,
    write: &Write,
    id: Uuid,
    at: Timestamp,
) -> Result<Option<()>, Error> {
    let row = sqlx::query!("delete from ticket_link where id = $1 returning from_id, kind, to_id, created_at", id);
    let Some(row) = row.fetch_optional(&mut *connection).await.map_err(Fault::from)? else { return Ok(None) };
    let link = TicketLink {
        id: Some(id),
        from: row.from_id,
        kind: Kind::from_name(&row.kind)?,
        to: row.to_id,
        created_at: row.created_at.to_jiff(),
    };
    told(connection, write, &link, "seva.tickets.ticket_link.removed.v1", 2, at).await?;
    Ok(Some(()))
}

/// Says that two tickets have to do with each other.
pub(crate) async fn relate(
    connection: &mut PgConnection,
    write: &Write,
    one: Uuid,
    other: Uuid,
    at: Timestamp,
) -> Result<(), Fault> {
    insert(connection, write, &TicketLink::new(new_id(), one, Kind::Relates, other, at)).await
}

/// The links of a ticket, from it and to it, the newest first; what it follows since it was opened is one of them.
pub async fn of_ticket(db: &Database, ticket: Uuid) -> Result<Vec<TicketLink>, Error> {
    let rows = sqlx::query!(
        r#"select id as "id?", from_id as "from_id!", kind as "kind!", to_id as "to_id!", created_at as "created_at!" from (
               select id, from_id, kind, to_id, created_at from ticket_link where from_id = $1
               union all
               select id, from_id, kind, to_id, created_at from ticket_link where to_id = $1
               union all
               select null, id, 'follow_up_of', follow_up_of, created_at from ticket where id = $1 and follow_up_of is not null
               union all
               select null, id, 'follow_up_of', follow_up_of, created_at from ticket where follow_up_of = $1
           ) as link
           order by created_at desc, from_id, to_id limit $2"#,
        ticket,
        MOST,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let links = rows.into_iter().map(|row| {
        Ok(TicketLink {
            id: row.id,
            from: row.from_id,
            kind: Kind::from_name(&row.kind)?,
            to: row.to_id,
            created_at: row.created_at.to_jiff(),
        })
    });
    links.collect()
}

async fn told(
    connection: &mut PgConnection,
    write: &Write,
    link: &TicketLink,
    kind: &'static str,
    version: i64,
    at: Timestamp,
) -> Result<(), Fault> {
    let name = link.id.map(|id| format_name(COLLECTION, id)).unwrap_or_default();
    let recorded = Recorded { kind, name: &name, version, at, changed: &["*"], reason: None };
    record(connection, write, &recorded, &TicketLinkEvent { ticket_link: Some(link.into()) }).await
}
