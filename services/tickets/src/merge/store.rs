//! All SQL of merges.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::Fault;
use seva_values::new_id;
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use crate::{
    clock::TakenOver,
    ticket::{
        State, Ticket,
        model::merging::{Before, Since},
    },
};

/// The ticket that carries one on in the end: itself, unless it is merged.
pub async fn carrier(executor: impl PgExecutor<'_>, ticket: Uuid) -> Result<Uuid, Fault> {
    let carrier = sqlx::query_scalar!(r#"select coalesce(carrier_of($1), $1) as "carrier!""#, ticket);
    Ok(carrier.fetch_one(executor).await?)
}

/// Keeps what a ticket was before it was merged, and what the other one's clocks took over.
pub async fn keep(
    connection: &mut PgConnection,
    source: &Ticket,
    (target, taken_over): (Uuid, &[TakenOver]),
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "insert into merge (id, source_id, target_id, previous_state, previous_assignee, merged_at, taken_over)
         values ($1, $2, $3, $4, $5, $6, $7)",
        new_id(),
        source.id,
        target,
        source.state.name(),
        source.assignee,
        jiff_sqlx::Timestamp::from(at) as _,
        Json(taken_over) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends the merge of a ticket; what it was before.
pub async fn end(connection: &mut PgConnection, source: Uuid, at: Timestamp) -> Result<Before, Error> {
    let row = sqlx::query!(
        r#"update merge set unmerged_at = $2 where source_id = $1 and unmerged_at is null
           returning previous_state, previous_assignee, taken_over as "taken_over: Json<Vec<TakenOver>>""#,
        source,
        jiff_sqlx::Timestamp::from(at) as _,
    );
    let row = row.fetch_one(connection).await.map_err(Fault::from)?;
    let state = State::from_name(&row.previous_state)?;
    Ok(Before { state, assignee: row.previous_assignee, taken_over: row.taken_over.0 })
}

/// What happened since a ticket was merged into another one: whether something that was said to it, or to one that it carries on, landed
/// elsewhere (TK54), and how the other one stands.
pub async fn since(connection: &mut PgConnection, source: Uuid, target: Uuid) -> Result<Since, Fault> {
    let row = sqlx::query!(
        r#"select exists (
                      select from message_redirect r join message m on m.id = r.message_id
                      where r.source_id in (select carried_by($1)) and m.ticket_id not in (select carried_by($1))
                  ) as "is_depended_on!",
                  exists (select from ticket where merged_into = $2 and id <> $1) as "is_one_of_several!",
                  (select min(created_at) from message
                   where ticket_id = $2 and visibility = 'public' and author = 'customer' and created_at > coalesce(
                       (select max(created_at) from message where ticket_id = $2 and visibility = 'public' and author = 'staff'),
                       '-infinity'
                   )) as unanswered"#,
        source,
        target,
    );
    let row = row.fetch_one(connection).await?;
    Ok(Since {
        is_depended_on: row.is_depended_on,
        is_one_of_several: row.is_one_of_several,
        unanswered: row.unanswered.map(jiff_sqlx::Timestamp::to_jiff),
    })
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
