//! The ledgers, under the locks of customers and mailboxes.

use seva_store::{Fault, event::lock_subjects};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Entry, Ledgers};

/// Locks the ledgers of these customers and of these mailboxes for the rest of the transaction, in one order for all: whoever decides about a
/// customer sees what was decided before, about that customer and about whoever shares the mailbox (SU2).
pub async fn lock(connection: &mut PgConnection, customers: &[Uuid], mailboxes: &[Uuid]) -> Result<(), Fault> {
    let of_customers = customers.iter().map(|customer| format_name("throttle", *customer));
    let of_mailboxes = mailboxes.iter().map(|mailbox| format_name("throttledMailboxes", *mailbox));
    lock_subjects(connection, &of_customers.chain(of_mailboxes).collect::<Vec<_>>()).await
}

/// What these customers were asked, and what was asked at these mailboxes; to be read under their locks.
pub async fn load(connection: &mut PgConnection, customers: &[Uuid], mailboxes: &[Uuid]) -> Result<Ledgers, Fault> {
    let rows = sqlx::query!(
        r#"select invitation_id as "invitation!", programme_id as "programme!", customer_id as "customer!", mailbox_id as mailbox,
                  asked_at as "asked_at!"
           from (
               select * from throttle_entry where customer_id = any($1)
               union
               select * from throttle_entry where mailbox_id = any($2)
           ) as of_either"#,
        customers,
        mailboxes
    )
    .fetch_all(connection)
    .await?;
    let entries = rows.into_iter().map(|row| Entry {
        invitation: row.invitation,
        programme: row.programme,
        customer: row.customer,
        mailbox: row.mailbox,
        asked_at: row.asked_at.to_jiff(),
    });
    Ok(Ledgers::of(entries.collect()))
}

/// Takes places.
pub async fn reserve(connection: &mut PgConnection, entries: &[Entry]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into throttle_entry (invitation_id, programme_id, customer_id, mailbox_id, asked_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[])",
        &entries.iter().map(|entry| entry.invitation).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.programme).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.customer).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.mailbox).collect::<Vec<_>>() as _,
        &entries.iter().map(|entry| jiff_sqlx::Timestamp::from(entry.asked_at)).collect::<Vec<_>>() as _,
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
