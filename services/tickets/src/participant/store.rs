//! All SQL of participants.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MAX_PARTICIPANTS, Participant, Who};
use crate::stored::unknown;

/// How a participant is stored.
fn stored(who: Who) -> (&'static str, Uuid) {
    match who {
        Who::Customer(id) => ("customer", id),
        Who::StaffMember(id) => ("staff_member", id),
    }
}

/// Whether somebody is known here: a customer of whom was heard, or a member who serves.
///
/// # Errors
/// When the statement fails.
pub async fn is_known(connection: &mut PgConnection, who: Who) -> Result<bool, Fault> {
    let (kind, id) = stored(who);
    let known = sqlx::query_scalar!(
        r#"select case $1 when 'customer' then exists (select from recipient where customer_id = $2)
               else exists (select from staff_member where id = $2 and state = 'active') end as "known!""#,
        kind,
        id,
    );
    Ok(known.fetch_one(connection).await?)
}

/// Adds somebody to a ticket that is locked; `false` when it has as many as it can have (TK15). Whoever takes part already goes on.
///
/// # Errors
/// When the statement fails.
pub async fn add(connection: &mut PgConnection, ticket: Uuid, who: Who, now: Timestamp) -> Result<bool, Fault> {
    let (kind, id) = stored(who);
    let added = sqlx::query_scalar!(
        r#"with added as (
               insert into participant (ticket_id, kind, participant_id, added_at)
               select $1, $2, $3, $4 where (select count(*) from participant where ticket_id = $1) < $5
               on conflict do nothing
               returning participant_id
           )
           select exists (select from added)
                  or exists (select from participant where ticket_id = $1 and kind = $2 and participant_id = $3) as "is_in!""#,
        ticket,
        kind,
        id,
        jiff_sqlx::Timestamp::from(now) as _,
        MAX_PARTICIPANTS,
    );
    Ok(added.fetch_one(connection).await?)
}

/// Customers who take part in a ticket take part in the one that follows it.
///
/// # Errors
/// When the statement fails.
pub async fn take_over(connection: &mut PgConnection, ticket: Uuid, of: Uuid, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "insert into participant (ticket_id, kind, participant_id, added_at)
         select $1, kind, participant_id, $3 from participant where ticket_id = $2 and kind = 'customer'",
        ticket,
        of,
        jiff_sqlx::Timestamp::from(now) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes somebody out; `false` when they did not take part.
///
/// # Errors
/// When the statement fails.
pub async fn remove(connection: &mut PgConnection, ticket: Uuid, who: Who) -> Result<bool, Fault> {
    let (kind, id) = stored(who);
    let removed = sqlx::query!(
        "delete from participant where ticket_id = $1 and kind = $2 and participant_id = $3",
        ticket,
        kind,
        id
    );
    Ok(removed.execute(connection).await?.rows_affected() > 0)
}

/// Who takes part: customers first, then staff, the longest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(db: &Database, ticket: Uuid) -> Result<Vec<Participant>, Error> {
    let rows = sqlx::query!(
        "select kind, participant_id, added_at from participant where ticket_id = $1 order by kind, added_at, participant_id",
        ticket
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let participants = rows.into_iter().map(|row| {
        let who = match row.kind.as_str() {
            "customer" => Who::Customer(row.participant_id),
            "staff_member" => Who::StaffMember(row.participant_id),
            other => return Err(unknown("kind of participant", other)),
        };
        Ok(Participant { who, added_at: row.added_at.to_jiff() })
    });
    participants.collect()
}
