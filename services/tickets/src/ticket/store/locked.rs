//! Tickets that are locked for what belongs to them: returns, compensation. The ticket itself stays as it is.

use std::collections::HashMap;

use seva_runtime::{Error, Write};
use seva_store::{Etag, Fault};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ticket::model::COLLECTION;

/// A locked ticket, as far as whatever belongs to it needs to know it.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Whose it is.
    pub customer: Uuid,
    /// Counts its changes.
    version: i64,
    /// The story that it belongs to.
    correlation_id: String,
}

impl Locked {
    /// Refuses when the caller has seen another version of it.
    ///
    /// # Errors
    /// `ETAG_MISMATCH`.
    pub fn check(&self, etag: Etag) -> Result<(), Error> {
        etag.check(self.version)
    }

    /// The same write, told as part of the ticket's story.
    pub fn told(&self, write: &Write) -> Write {
        let mut write = write.clone();
        write.story.correlation_id.clone_from(&self.correlation_id);
        write
    }
}

/// Locks tickets in the order of their ids.
///
/// # Errors
/// When the statement fails.
pub async fn lock_tickets(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Locked>, Fault> {
    let rows = sqlx::query!(
        "select id, customer_id, version, correlation_id from ticket where id = any($1) order by id for update",
        ids
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let ticket = |customer, version, correlation_id| Locked { customer, version, correlation_id };
    Ok(rows.map(|row| (row.id, ticket(row.customer_id, row.version, row.correlation_id))).collect())
}

/// Locks one ticket.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn lock_ticket(connection: &mut PgConnection, id: Uuid) -> Result<Locked, Fault> {
    let found = lock_tickets(connection, &[id]).await?.remove(&id);
    Ok(found.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?)
}
