//! The ledgers, under each customer's lock.

use std::collections::HashMap;

use jiff::Timestamp;
use seva_store::{Fault, event::lock_subjects};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Entry, Ledger};

/// Locks these customers' ledgers for the rest of the transaction, in one order for all: whoever decides about a customer sees what was
/// decided before (SU2).
pub async fn lock(connection: &mut PgConnection, customers: &[Uuid]) -> Result<(), Fault> {
    let ledgers: Vec<String> = customers.iter().map(|customer| format_name("throttle", *customer)).collect();
    lock_subjects(connection, &ledgers).await
}

/// What these customers were asked; to be read under their locks.
pub async fn load(connection: &mut PgConnection, customers: &[Uuid]) -> Result<HashMap<Uuid, Ledger>, Fault> {
    let rows = sqlx::query!(
        "select customer_id, programme_id, asked_at from throttle_entry where customer_id = any($1)",
        customers
    )
    .fetch_all(connection)
    .await?;
    let mut ledgers: HashMap<Uuid, Ledger> = HashMap::new();
    for row in rows {
        let entry = Entry { programme: row.programme_id, asked_at: row.asked_at.to_jiff() };
        ledgers.entry(row.customer_id).or_default().add(entry);
    }
    Ok(ledgers)
}

/// A place in a customer's ledger that an invitation takes.
#[derive(Debug, Clone, Copy)]
pub struct Reservation {
    pub invitation: Uuid,
    pub programme: Uuid,
    pub customer: Uuid,
    pub asked_at: Timestamp,
}

/// Takes places.
pub async fn reserve(connection: &mut PgConnection, reservations: &[Reservation]) -> Result<(), Fault> {
    if reservations.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into throttle_entry (invitation_id, programme_id, customer_id, asked_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])",
        &reservations.iter().map(|reservation| reservation.invitation).collect::<Vec<_>>(),
        &reservations.iter().map(|reservation| reservation.programme).collect::<Vec<_>>(),
        &reservations.iter().map(|reservation| reservation.customer).collect::<Vec<_>>(),
        &reservations.iter().map(|reservation| jiff_sqlx::Timestamp::from(reservation.asked_at)).collect::<Vec<_>>()
            as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the places of these invitations back: nobody was asked.
pub async fn free(connection: &mut PgConnection, invitations: &[Uuid]) -> Result<(), Fault> {
    if !invitations.is_empty() {
        sqlx::query!("delete from throttle_entry where invitation_id = any($1)", invitations)
            .execute(connection)
            .await?;
    }
    Ok(())
}
