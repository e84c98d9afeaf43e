//! All SQL of tickets.

use jiff::Timestamp;
use seva_store::{
    Fault,
    paging::{Keyed, Order, SortKey},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// Every read of tickets begins so.
pub const SELECT: &str =
    "select id, number, kind, state, closure, subject, created_at, updated_at from customer_ticket";

/// A ticket as the database holds it; enums as the contract numbers them.
#[derive(Debug, sqlx::FromRow)]
pub struct TicketRow {
    pub id: Uuid,
    pub number: String,
    pub kind: i32,
    pub state: i32,
    pub closure: i32,
    pub subject: String,
    pub created_at: jiff_sqlx::Timestamp,
    pub updated_at: jiff_sqlx::Timestamp,
}

impl Keyed for TicketRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// A ticket as an event tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldTicket {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub sequence: i64,
    pub number: String,
    pub kind: i32,
    pub state: i32,
    pub closure: i32,
    pub subject: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Keeps tickets as they were told; what is not newer than what is known is passed over (CU24), and so is a customer who is not known here. No
/// ticket may come twice.
pub async fn save(connection: &mut PgConnection, tickets: &[ToldTicket]) -> Result<(), Fault> {
    if tickets.is_empty() {
        return Ok(());
    }
    let numbers = |value: fn(&ToldTicket) -> i32| tickets.iter().map(value).collect::<Vec<_>>();
    let times = |value: fn(&ToldTicket) -> Timestamp| {
        tickets.iter().map(|ticket| jiff_sqlx::Timestamp::from(value(ticket))).collect::<Vec<_>>()
    };
    sqlx::query!(
        "insert into customer_ticket as t
                (id, customer_id, sequence, number, kind, state, closure, subject, created_at, updated_at)
         select g.id, g.customer_id, g.sequence, g.number, g.kind, g.state, g.closure, g.subject, g.created_at, g.updated_at
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::int[], $6::int[], $7::int[], $8::text[],
                     $9::timestamptz[], $10::timestamptz[])
              as g (id, customer_id, sequence, number, kind, state, closure, subject, created_at, updated_at)
         where exists (select from customer c where c.id = g.customer_id)
         on conflict on constraint customer_ticket_pkey do update
         set sequence = excluded.sequence, number = excluded.number, kind = excluded.kind, state = excluded.state,
             closure = excluded.closure, subject = excluded.subject, updated_at = excluded.updated_at
         where excluded.sequence > t.sequence",
        &tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.customer_id).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.sequence).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.number.as_str()).collect::<Vec<_>>() as _,
        &numbers(|ticket| ticket.kind),
        &numbers(|ticket| ticket.state),
        &numbers(|ticket| ticket.closure),
        &tickets.iter().map(|ticket| ticket.subject.as_str()).collect::<Vec<_>>() as _,
        &times(|ticket| ticket.created_at) as _,
        &times(|ticket| ticket.updated_at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
