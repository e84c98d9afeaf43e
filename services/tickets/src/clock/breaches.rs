//! Finds clocks whose time is over, or half or mostly over, and says so in their tickets' events.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, due::DueWork};

use super::store;
use crate::{ticket::Ticket, workers::carry_out};

/// Who says so in the events.
pub(crate) const ACTOR: &str = "worker:clocks";

/// The warnings and breaches of clocks (TK22, TK29).
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
}

#[async_trait]
impl DueWork for Breaches {
    fn name(&self) -> &'static str {
        "clocks"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::due(&self.db, now, limit).await?;
        carry_out(&self.db, ACTOR, &due, now, Ticket::pass_time).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}
