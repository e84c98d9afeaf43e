//! Takes tickets back from those who have them and say nothing.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{
    Database,
    due::{Bell, DueWork},
};

use super::carry_out;
use crate::ticket::store;

/// Who says so in the events.
const ACTOR: &str = "worker:returns";

/// The return times of assigned tickets (TK36).
#[derive(Debug, Clone)]
pub struct Returns {
    db: Database,
    routing: Bell,
}

impl Returns {
    /// Looks after the assigned tickets of this database; rings `routing` when one comes back.
    #[must_use]
    pub const fn new(db: Database, routing: Bell) -> Self {
        Self { db, routing }
    }
}

#[async_trait]
impl DueWork for Returns {
    fn name(&self) -> &'static str {
        "returns"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::return_due(&self.db, now, limit).await?;
        let act = |ticket: &mut crate::ticket::Ticket, now| ticket.return_from_silent(now).into_iter().collect();
        let done = carry_out(&self.db, ACTOR, &due, now, act).await?;
        if done > 0 {
            self.routing.ring();
        }
        Ok(done)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_return(&self.db).await?)
    }
}
