//! Finds clocks whose time is over, and says so in their tickets' events.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use super::store;
use crate::ticket;

/// Who says so in the events.
const ACTOR: &str = "worker:clocks";

/// The breaches of clocks (TK22).
#[derive(Debug, Clone)]
pub struct Breaches {
    db: Database,
}

impl Breaches {
    /// Looks after the clocks of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// Breaches what is due of these tickets, in one transaction. They are locked from the look to the write, so nothing comes between.
    async fn breach(&self, tickets: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        let mut transaction = self.db.begin().await?;
        let mut changes = Vec::with_capacity(tickets.len());
        for mut ticket in ticket::store::lock(&mut transaction, tickets).await? {
            changes.extend(ticket.breach_clocks(now));
        }
        ticket::store::save_all(&mut transaction, ACTOR, &changes).await?;
        self.db.commit(transaction).await
    }
}

#[async_trait]
impl DueWork for Breaches {
    fn name(&self) -> &'static str {
        "clocks"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::due(&self.db, now, limit).await?;
        let mut done = due.len();
        match self.breach(&due, now).await {
            // One ticket must not stand in the way of the others.
            Err(fault) if fault.is_permanent() && due.len() > 1 => {
                for one in &due {
                    if let Err(fault) = self.breach(std::slice::from_ref(one), now).await {
                        done -= 1;
                        tracing::error!(ticket = %one, %fault, "the clocks of a ticket cannot be breached");
                    }
                }
            }
            breached => breached?,
        }
        Ok(done)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}
