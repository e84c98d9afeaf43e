//! Finds clocks whose time is over, or half or mostly over, and says so in their tickets' events.

use async_trait::async_trait;
use futures::future::join_all;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, due::DueWork};

use super::store;
use crate::{ticket::Ticket, workers::carry_out};

/// Who says so in the events.
pub(crate) const ACTOR: &str = "worker:clocks";

/// Transactions beside each other: while one is decided upon here, another one is written in the database.
const AT_ONCE: usize = 2;

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
        let parts = due.chunks(due.len().div_ceil(AT_ONCE).max(1));
        // Each ends for itself: a fault of one takes nothing away from the other.
        let done = join_all(parts.map(|part| carry_out(&self.db, ACTOR, part, now, Ticket::pass_time))).await;
        done.into_iter().sum()
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}
