//! All SQL of merges.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::Fault;
use seva_values::new_id;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::ticket::{State, Ticket, model::merging::Before};

/// The ticket that carries one on in the end: itself, unless it is merged.
pub async fn carrier(executor: impl PgExecutor<'_>, ticket: Uuid) -> Result<Uuid, Fault> {
    let carrier = sqlx::query_scalar!(r#"select coalesce(carrier_of($1), $1) as "carrier!""#, ticket);
    Ok(carrier.fetch_one(executor).await?)
}

/// Keeps what a ticket was before it was merged.
pub async fn keep(connection: &mut PgConnection, source: &Ticket, target: Uuid, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "insert into merge (id, source_id, target_id, previous_state, previous_assignee, merged_at) values ($1, $2, $3, $4, $5, $6)",
        new_id(),
        source.id,
        target,
        source.state.name(),
        source.assignee,
        jiff_sqlx::Timestamp::from(at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends the merge of a ticket; what it was before.
pub async fn end(connection: &mut PgConnection, source: Uuid, at: Timestamp) -> Result<Before, Error> {
    let row = sqlx::query!(
        "update merge set unmerged_at = $2 where source_id = $1 and unmerged_at is null returning previous_state, previous_assignee",
        source,
        jiff_sqlx::Timestamp::from(at) as _,
    );
    let row = row.fetch_one(connection).await.map_err(Fault::from)?;
    Ok(Before { state: State::from_name(&row.previous_state)?, assignee: row.previous_assignee })
}

/// Whether something that was said to this ticket, or to one that it carries on, landed elsewhere since it was merged (TK54).
pub async fn is_depended_on(connection: &mut PgConnection, source: Uuid) -> Result<bool, Fault> {
    let depended_on = sqlx::query_scalar!(
        r#"select exists (
               select from message_redirect r join message m on m.id = r.message_id
               where r.source_id in (select carried_by($1)) and m.ticket_id not in (select carried_by($1))
           ) as "depended_on!""#,
        source,
    );
    Ok(depended_on.fetch_one(connection).await?)
}

/// Keeps to whom a message was said that landed on the ticket that carries that one on (TK53).
pub async fn came_through(connection: &mut PgConnection, message: Uuid, source: Uuid) -> Result<(), Fault> {
    sqlx::query!("insert into message_redirect (message_id, source_id) values ($1, $2)", message, source)
        .execute(connection)
        .await?;
    Ok(())
}

/// A new ticket takes these messages, which stay where they are (TK55), and is linked with the one that they were said in.
pub async fn take(connection: &mut PgConnection, messages: &[Uuid], by: Uuid) -> Result<(), Fault> {
    sqlx::query!("insert into message_taken (message_id, taken_by) select unnest($1::uuid[]), $2", messages, by)
        .execute(connection)
        .await?;
    Ok(())
}
