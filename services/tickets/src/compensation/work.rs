//! What follows in its time: what is approved is issued at once, and what nobody decides about expires.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use super::store;
use crate::ticket::store::locked;

/// The work's name; who says so in the events is a worker of this name.
const NAME: &str = "compensation";

/// Looks after the grants whose time comes.
#[derive(Debug, Clone)]
pub struct Compensation {
    db: Database,
}

impl Compensation {
    /// Looks after the grants of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// One transaction, in which tickets and grants are locked from the look to the write: whoever approves or rejects meanwhile comes before
    /// or after.
    async fn carry_on(&self, ids: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        let tickets = store::tickets_of(self.db.workers(), ids).await?;
        let mut transaction = self.db.begin().await?;
        let tickets = locked::lock_tickets(&mut transaction, &tickets).await?;
        for grant in store::lock(&mut transaction, ids).await?.values().filter_map(|grant| grant.carry_on(now)) {
            if let Some(of) = tickets.get(&grant.ticket) {
                let write = Write::by_worker(NAME, grant.name());
                store::update(&mut transaction, &of.told(&write), &grant, &()).await?;
            }
        }
        self.db.commit(transaction).await
    }
}

#[async_trait]
impl DueWork for Compensation {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::due(&self.db, now, limit).await?;
        let mut done = due.len();
        match self.carry_on(&due, now).await {
            // One grant must not stand in the way of the others.
            Err(fault) if fault.is_permanent() && due.len() > 1 => {
                for one in &due {
                    if let Err(fault) = self.carry_on(std::slice::from_ref(one), now).await {
                        done -= 1;
                        tracing::error!(grant = %one, %fault, "a grant can neither be issued nor expire");
                    }
                }
            }
            carried_on => carried_on?,
        }
        Ok(done)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}
